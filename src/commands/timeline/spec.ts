// Verbs that move through time: snapshots, bringing things back, undo and redo.

import {
  changeCountsShape,
  operationFields,
  operationsShape,
  pathShape,
  pointShape,
  recordShape,
  snapshotShape,
  treeChangeShape,
} from '../resultShapes.ts'
import { boolean, integer, list, object, optional } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

const operationOutput = { kind: 'object', shape: object(operationFields, 'the recorded change') } as const
const namePositional = { name: 'NAME', about: 'a snapshot', required: true, completer: 'snapshot' } as const
const namesPositional = { ...namePositional, about: 'snapshots', many: true } as const

export const snapshotCreateSpec = command({
  name: 'snapshot create',
  summary: 'Keep the current state under a name',
  about: [
    'Names the last recorded state, so that it can be found again and is kept whole. It absorbs nothing: what changed outside is not part of it unless --absorb records that first.',
  ],
  positionals: [{ name: 'LABEL', about: 'a text for people; can be changed later', completer: 'none' }],
  flags: {
    name: { type: 'text', placeholder: 'NAME', about: 'its identity; default: made from the time' },
    absorb: { type: 'boolean', about: 'keep what changed outside first' },
  },
  access: 'write',
  palette: { title: 'New snapshot' },
  examples: [
    { command: 'sentctl snapshot create "before the upgrade"', about: 'with a label' },
    {
      command: 'sentctl snapshot create --absorb --name stable',
      about: 'with a name, and everything as it is on disk',
    },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./snapshotCreate.ts'),
})

export const snapshotListSpec = command({
  name: 'snapshot list',
  summary: 'List snapshots, newest first',
  about: ['P marks pinned ones. --space also says what dropping a snapshot and all older unpinned ones would free.'],
  positionals: [],
  flags: { space: { type: 'boolean', about: 'how much each keeps; reads the store' } },
  access: 'read',
  palette: { absent: 'the Timeline pane is that' },
  examples: [{ command: 'sentctl snapshot list --space', about: 'all, with the space that they keep' }],
  output: {
    kind: 'object',
    shape: object(
      { snapshots: list(snapshotShape, 'newest first'), kept: integer('how many the settings keep') },
      'the snapshots',
    ),
  },
  load: (): Promise<CommandModule> => import('./snapshotList.ts'),
})

export const snapshotLabelSpec = command({
  name: 'snapshot label',
  summary: 'Change the label of a snapshot',
  about: ['The label is a text for people; the name stays. An empty LABEL removes it.'],
  positionals: [namePositional, { name: 'LABEL', about: 'its new label', required: true, completer: 'none' }],
  flags: {},
  access: 'write',
  palette: { title: 'Label a snapshot' },
  examples: [{ command: 'sentctl snapshot label first "known to work"', about: 'a new label' }],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./snapshotLabel.ts'),
})

export const snapshotPinSpec = command({
  name: 'snapshot pin',
  summary: 'Keep snapshots for good',
  about: ['A pinned snapshot is never pruned, however many newer ones there are.'],
  positionals: [namesPositional],
  flags: {},
  access: 'write',
  palette: { title: 'Pin a snapshot' },
  examples: [{ command: 'sentctl snapshot pin first', about: 'keep it for good' }],
  output: { kind: 'object', shape: operationsShape },
  load: (): Promise<CommandModule> => import('./snapshotPin.ts'),
})

export const snapshotUnpinSpec = command({
  name: 'snapshot unpin',
  summary: 'Let pinned snapshots be pruned again',
  about: ['The retention of the settings applies to it again.'],
  positionals: [namesPositional],
  flags: {},
  access: 'write',
  palette: { title: 'Unpin a snapshot' },
  examples: [{ command: 'sentctl snapshot unpin second', about: 'the opposite of pin' }],
  output: { kind: 'object', shape: operationsShape },
  load: (): Promise<CommandModule> => import('./snapshotUnpin.ts'),
})

export const snapshotRmSpec = command({
  name: 'snapshot rm',
  summary: 'Remove snapshots',
  about: ['Removes the names. The contents go with the next "sentctl gc", where nothing else needs them.'],
  positionals: [namesPositional],
  flags: {},
  access: 'write',
  palette: { title: 'Remove a snapshot' },
  examples: [{ command: 'sentctl snapshot rm first', about: 'one of them' }],
  output: { kind: 'object', shape: operationsShape },
  load: (): Promise<CommandModule> => import('./snapshotRm.ts'),
})

export const restoreSpec = command({
  name: 'restore',
  summary: 'Bring paths back as they were at an earlier state',
  about: [
    'Brings PATH, with all that is below it, back as it was at --to; by default as it was last recorded, which undoes what changed outside. What is on disk and not recorded is kept as a snapshot first. One record; it can be undone.',
    '--hunk N brings back a single hunk of one text file; "sentctl diff" numbers them.',
    '--as OTHER puts the old content at another path and leaves PATH alone.',
    'Where no copy of a content is left, its path stays as it is and is named, the rest is done, and the exit code is 3; that one path alone is refused.',
  ],
  positionals: [
    { name: 'PATH', about: 'what to bring back, also what is gone', required: true, many: true, completer: 'path' },
  ],
  flags: {
    to: { type: 'text', placeholder: 'STATE', default: 'now', completer: 'state', about: 'the state to take it from' },
    hunk: { type: 'integers', placeholder: 'N', min: 1, about: 'only this hunk; may be repeated' },
    as: { type: 'text', placeholder: 'PATH', completer: 'path', about: 'put it at this path' },
  },
  access: 'write',
  palette: { title: 'Bring back (restore)' },
  examples: [
    { command: 'sentctl restore etc/fstab --hunk 1', about: 'one hunk, back to the record' },
    { command: 'sentctl restore etc/fstab', about: 'the whole file' },
    { command: 'sentctl restore etc/motd --to first', about: 'as it was at a snapshot' },
    { command: 'sentctl restore etc/motd --to first --as etc/motd.original', about: 'beside the current one' },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./restore.ts'),
})

export const rollbackSpec = command({
  name: 'rollback',
  summary: 'Bring everything back to an earlier state',
  about: [
    'Makes the whole governed tree what it was at the state: -n 5 is the fifth snapshot back (those made only to protect something do not count), --to any state. It is one record, and "sentctl undo" undoes it: so it does not ask.',
    'What changed outside and would be overwritten is kept as a snapshot first, and named. --preview says what would happen and changes nothing.',
    'Where no copy of a content is left, its path stays as it is and is named, the rest is done, and the exit code is 3.',
  ],
  positionals: [],
  flags: {
    number: { type: 'integer', short: 'n', placeholder: 'N', min: 1, about: 'so many snapshots back' },
    to: { type: 'text', placeholder: 'STATE', completer: 'state', about: 'to this state' },
    preview: { type: 'boolean', about: 'only show what it would do' },
  },
  access: 'write',
  palette: { title: 'Bring all back (rollback)' },
  examples: [
    { command: 'sentctl rollback --to first --preview', about: 'what would change' },
    { command: 'sentctl rollback -n 1', about: 'to the last snapshot' },
    { command: 'sentctl rollback --to first', about: 'to a snapshot by its name' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        target: pointShape,
        counts: changeCountsShape,
        bytes: integer('bytes to write'),
        changes: list(treeChangeShape, 'what changes, sorted; shortened after 10,000'),
        drift: list(pathShape, 'changed outside and in the way: kept as a snapshot first'),
        lost: optional(list(pathShape, 'staying as they are: no copy is left of what should come there')),
        settingsChange: boolean('the settings change too'),
        operation: optional(object(operationFields, 'what was recorded; absent with --preview')),
      },
      'the rollback',
    ),
  },
  load: (): Promise<CommandModule> => import('./rollback.ts'),
})

export const undoSpec = command({
  name: 'undo',
  summary: 'Undo your last operation, or the one of a record',
  about: [
    'Undoes the newest undoable operation of the owner, or the record SEQ. It is refused where a later operation touched the same paths. The undo is itself a record: "sentctl redo" takes it back.',
    'Where no copy of a content is left, its path stays as it is and is named, the rest is done, and the exit code is 3.',
  ],
  positionals: [{ name: 'SEQ', about: 'the record to undo', completer: 'none' }],
  flags: { preview: { type: 'boolean', about: 'only show which operation it would undo' } },
  access: 'write',
  palette: { title: 'Undo' },
  examples: [
    { command: 'sentctl undo --preview', about: 'what it would undo' },
    { command: 'sentctl undo', about: 'undo it' },
  ],
  output: {
    kind: 'object',
    shape: object(
      { target: recordShape, operation: optional(object(operationFields, 'what was recorded; absent with --preview')) },
      'what was undone',
    ),
  },
  load: (): Promise<CommandModule> => import('./undo.ts'),
})

export const redoSpec = command({
  name: 'redo',
  summary: 'Take the last undo back',
  about: ['Does again what the newest undo undid, as long as nothing else touched the same paths since.'],
  positionals: [],
  flags: { preview: { type: 'boolean', about: 'only show which undo it would take back' } },
  access: 'write',
  palette: { title: 'Redo' },
  examples: [{ command: 'sentctl redo', about: 'after an undo; without one there is nothing to redo', exit: 1 }],
  output: {
    kind: 'object',
    shape: object(
      { target: recordShape, operation: optional(object(operationFields, 'what was recorded; absent with --preview')) },
      'what was done again',
    ),
  },
  load: (): Promise<CommandModule> => import('./redo.ts'),
})
