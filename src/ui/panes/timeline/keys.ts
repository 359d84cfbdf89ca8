// The keys of the Timeline. Only `Y` in the preview that `b` opens runs a rollback.
import type { Binding } from '../../input/keymap.ts'
import type { timelineActions } from './actions.ts'

type Action = keyof typeof timelineActions

export const timelineKeys: readonly Binding<Action>[] = [
  { keys: ['b'], action: 'bringAllBack', hint: 'bring all back', help: 'bring all back (rollback), through a preview' },
  {
    keys: ['enter', 'right'],
    action: 'open',
    hint: 'diff',
    help: 'the difference against now, path by path; opens a fold',
  },
  { keys: ['t'], action: 'go', hint: 'go', help: 'go there: Files as they were', replaces: true },
  { keys: ['a'], action: 'snapshot', hint: 'snapshot', help: 'new snapshot' },
  { keys: ['r'], action: 'label', help: 'label the snapshot' },
  { keys: ['P'], action: 'pin', help: 'pin the snapshot, or let it go' },
  { keys: ['d'], action: 'remove', help: 'remove the snapshot' },
  { keys: ['l', 'z'], action: 'fold', help: 'open or close a run of kept changes' },
  { keys: ['o'], action: 'record', help: 'show the record in the Trace' },
  { keys: [], action: 'undoThis', help: 'undo this record, whoever made it' },
]

export const timelineDetailKeys: readonly Binding<Action>[] = [
  { keys: ['h', 'left', 'escape'], action: 'focusList', help: 'back to the list', replaces: true },
]
