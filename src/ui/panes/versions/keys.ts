// The keys of Versions.
import type { Binding } from '../../input/keymap.ts'
import type { versionsActions } from './state.ts'

type Action = keyof typeof versionsActions

export const versionsKeys: readonly Binding<Action>[] = [
  {
    keys: ['b'],
    action: 'bringBack',
    hint: 'bring this back',
    help: 'bring this version back (restore), or the marked hunks',
  },
  { keys: ['enter', 'l', 'right'], action: 'open', hint: 'difference', help: 'to the difference' },
  { keys: ['o'], action: 'record', hint: 'record', help: 'show the record in the Trace' },
]

export const versionsDetailKeys: readonly Binding<Action>[] = [
  { keys: ['space'], action: 'markHunk', hint: 'mark hunk', help: 'mark the hunk' },
  { keys: ['j', 'down'], action: 'nextHunk', help: 'next hunk, or a row down', replaces: true },
  { keys: ['k', 'up'], action: 'previousHunk', help: 'hunk before, or a row up', replaces: true },
  { keys: ['h', 'left', 'escape'], action: 'focusList', help: 'back to the list', replaces: true },
]
