// The keys of the Trace. `u` and `U` do nothing here: what is watched is not undone by a slip of the finger.
import type { Binding } from '../../input/keymap.ts'
import type { MoveAction } from '../pane.ts'
import type { traceActions } from './actions.ts'

type Action = keyof typeof traceActions

export const traceKeys: readonly Binding<Action>[] = [
  { keys: ['p'], action: 'follow', hint: 'pause, follow', help: 'pause, or follow what comes' },
  { keys: ['f'], action: 'filter', hint: 'filter', help: 'filter by actor, action or text' },
  { keys: ['F'], action: 'filterToggle', help: 'filter off and on' },
  { keys: ['enter', 'l', 'right'], action: 'open', hint: 'detail', help: 'all fields of the record' },
  { keys: ['w'], action: 'versions', help: 'versions of the path of this record' },
]

export const traceDetailKeys: readonly Binding<Action | MoveAction>[] = [
  {
    keys: ['enter', 'h', 'left', 'escape'],
    action: 'focusList',
    hint: 'close detail',
    help: 'close the detail',
    replaces: true,
  },
]
