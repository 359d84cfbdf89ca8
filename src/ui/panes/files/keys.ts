// The keys of Files; while the detail area has the focus, its own come first.
import type { Binding } from '../../input/keymap.ts'
import type { filesActions } from './actions.ts'

type Action = keyof typeof filesActions

export const filesKeys: readonly Binding<Action>[] = [
  {
    keys: ['b'],
    action: 'bringBack',
    hint: 'bring back',
    help: 'bring back (restore) what is recorded, or what PAST shows; repair what is damaged',
  },
  { keys: ['A'], action: 'keep', hint: 'keep', help: 'keep (absorb) what was changed outside' },
  { keys: ['w'], action: 'versions', hint: 'versions', help: 'versions of this path' },
  { keys: ['e'], action: 'edit', hint: 'edit', help: 'edit with your editor' },
  { keys: ['f'], action: 'filter', hint: 'filter', help: 'filter by a part of the name' },
  { keys: ['F'], action: 'filterToggle', help: 'filter off and on' },
  { keys: ['enter', 'l', 'right'], action: 'open', help: 'into a directory, or to what a file holds' },
  { keys: ['h', 'left', 'backspace'], action: 'leave', help: 'to the directory above' },
  { keys: ['space'], action: 'mark', help: 'mark' },
  { keys: ['v'], action: 'markRange', help: 'mark from the last mark to here' },
  { keys: ['a'], action: 'create', help: 'new file or directory' },
  { keys: ['d'], action: 'remove', help: 'delete' },
  { keys: ['r'], action: 'rename', help: 'rename' },
  { keys: ['i'], action: 'setMode', help: 'mode (permissions)' },
  { keys: ['y'], action: 'remember', help: 'remember this path, in the state that is shown' },
  { keys: ['x'], action: 'rememberMove', help: 'remember this path to move it' },
  { keys: ['p'], action: 'put', help: 'put here what was remembered' },
  { keys: ['C'], action: 'copyOut', help: 'copy out of the root folder' },
  { keys: ['o'], action: 'sort', help: 'sort by name, size or time' },
  { keys: ['z'], action: 'hidden', help: 'hidden and ignored names off and on' },
]

export const filesDetailKeys: readonly Binding<Action>[] = [
  { keys: ['space'], action: 'markHunk', hint: 'mark hunk', help: 'mark the hunk', replaces: true },
  { keys: ['j', 'down'], action: 'nextHunk', help: 'next hunk, or a row down', replaces: true },
  { keys: ['k', 'up'], action: 'previousHunk', help: 'hunk before, or a row up', replaces: true },
  { keys: ['h', 'left', 'escape'], action: 'focusList', help: 'back to the list', replaces: true },
]
