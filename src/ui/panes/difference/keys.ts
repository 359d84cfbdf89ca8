// The keys of the difference of two states.
import type { Binding } from '../../input/keymap.ts'
import type { differenceActions } from './state.ts'

type Action = keyof typeof differenceActions

export const differenceKeys: readonly Binding<Action>[] = [
  {
    keys: ['b'],
    action: 'bringBack',
    hint: 'bring back',
    help: 'bring this path back (restore), the marked ones, or the marked hunks',
  },
  { keys: ['w'], action: 'versions', hint: 'versions', help: 'versions of this path' },
  { keys: ['enter', 'l', 'right'], action: 'open', hint: 'difference', help: 'to the difference' },
  { keys: ['space'], action: 'mark', hint: 'mark', help: 'mark' },
  { keys: ['f'], action: 'filter', hint: 'filter', help: 'filter by a part of the path' },
  { keys: [], action: 'bringAllBack', help: 'bring all back (rollback), through a preview' },
]

export const differenceDetailKeys: readonly Binding<Action>[] = [
  { keys: ['space'], action: 'markHunk', hint: 'mark hunk', help: 'mark the hunk', replaces: true },
  { keys: ['j', 'down'], action: 'nextHunk', help: 'next hunk, or a row down', replaces: true },
  { keys: ['k', 'up'], action: 'previousHunk', help: 'hunk before, or a row up', replaces: true },
  { keys: ['h', 'left', 'escape'], action: 'focusList', help: 'back to the list', replaces: true },
]
