// The keys of Changes.
import type { Binding } from '../../input/keymap.ts'
import type { changesActions } from './actions.ts'

type Action = keyof typeof changesActions

export const changesKeys: readonly Binding<Action>[] = [
  {
    keys: ['b'],
    action: 'bringBack',
    hint: 'bring back',
    help: 'bring back (restore) what is recorded, or the marked hunks; repair what is damaged',
  },
  { keys: ['A'], action: 'keep', hint: 'keep', help: 'keep (absorb) what was changed outside' },
  { keys: ['w'], action: 'versions', hint: 'versions', help: 'versions of this path' },
  { keys: ['e'], action: 'edit', hint: 'edit', help: 'edit with your editor' },
  { keys: ['f'], action: 'filter', hint: 'filter', help: 'filter by a part of the path' },
  { keys: ['F'], action: 'filterToggle', help: 'filter off and on' },
  { keys: ['enter', 'l', 'right'], action: 'open', help: 'to the difference' },
  { keys: ['o'], action: 'inFiles', help: 'show it in Files' },
  { keys: ['space'], action: 'mark', help: 'mark' },
  { keys: ['v'], action: 'markRange', help: 'mark from the last mark to here' },
]

export const changesDetailKeys: readonly Binding<Action>[] = [
  { keys: ['space'], action: 'markHunk', hint: 'mark hunk', help: 'mark the hunk', replaces: true },
  { keys: ['j', 'down'], action: 'nextHunk', help: 'next hunk, or a row down', replaces: true },
  { keys: ['k', 'up'], action: 'previousHunk', help: 'hunk before, or a row up', replaces: true },
  { keys: ['h', 'left', 'escape'], action: 'focusList', help: 'back to the list', replaces: true },
]
