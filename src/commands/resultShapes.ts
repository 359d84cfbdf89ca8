// Shapes that several verbs share. A name or path on disk is bytes: it appears as displayed text (what sentctl shows
// and takes), and beside it, only where that text is not simply the name, the bytes themselves in base64.

import { base64, boolean, choice, integer, list, object, optional, text, time, value } from './shape.ts'

export const pathFields = {
  path: text('path below the root folder, as displayed'),
  pathBytes: optional(base64('the bytes of the path, where the displayed text is not simply the path')),
} as const

export const pathShape = object(pathFields, 'a path')

export const entryFields = {
  kind: choice(['file', 'dir', 'symlink'], 'what it is'),
  mode: text('permission bits, octal'),
  size: integer('bytes of a file or a symlink target, entries of a directory'),
  object: text('CID of the recorded content'),
} as const

export const entryShape = object(entryFields, 'a recorded entry')

export const noticeShape = object(
  { code: text('a stable word'), text: text('the message') },
  'something to know beside the result',
)

export const pointShape = object(
  {
    text: text('the state as people name it'),
    seq: integer('the record after which this was the state'),
    time: time('when it was recorded'),
    root: text('the state root'),
    snapshot: optional(text('name of the snapshot')),
  },
  'a state',
)

export const operationFields = {
  seq: optional(integer('number of the record; absent when there was nothing to do')),
  action: text('what was recorded'),
  summary: optional(text('the record in one line for people')),
  changedCount: integer('paths that it changed'),
  changed: list(pathShape, 'the changed paths; shortened after 10,000'),
  snapshot: optional(text('the snapshot that it is about')),
  protectedAs: optional(text('the snapshot that keeps what was in the way')),
  unapplied: list(pathShape, 'recorded, but not made visible yet'),
  drifted: list(pathShape, 'left alone: changed outside while it worked'),
  lost: optional(list(pathShape, 'left out: no copy is left of what should come there')),
  notices: list(noticeShape, 'what else is to know'),
} as const

export const operationShape = object(operationFields, 'one recorded operation')

export const operationsShape = object({ operations: list(operationShape, 'in order') }, 'several recorded operations')

export const recordFields = {
  seq: integer('number of the record, from 0'),
  time: time('when it was recorded'),
  actor: text('who asked'),
  action: text('what was done'),
  subject: object(
    { kind: text('file, setting, snapshot, journal, ...'), id: text('as displayed') },
    'what it is about',
  ),
  effect: choice(['permit', 'deny'], 'the decision'),
  rule: text('the rule that decided'),
  changed: integer('paths that it changed'),
  root: text('state root after it'),
  leaf: text('its leaf hash in the Merkle tree'),
  cause: optional(integer('the record that this one undoes, redoes or follows from')),
  doubtful: boolean('its time is doubtful: the clock went back'),
  forgotten: boolean('its contents were removed on request'),
  summary: text('one line for people'),
  fields: value('what the action adds'),
} as const

export const recordShape = object(recordFields, 'a record')

export const treeChangeShape = object(
  {
    ...pathFields,
    change: choice(['created', 'changed', 'deleted'], 'from before to after'),
    before: optional(entryShape),
    after: optional(entryShape),
  },
  'a path that differs between two states',
)

export const changeCountsShape = object(
  {
    created: integer('paths that only the later state has'),
    changed: integer('paths that both have, different'),
    deleted: integer('paths that only the earlier state has'),
  },
  'how many paths differ',
)

export const listedFields = {
  name: text('last part of the path, as displayed'),
  ...pathFields,
  kind: choice(['file', 'dir', 'symlink', 'other'], 'what it is'),
  mode: text('permission bits, octal'),
  size: integer('bytes of a file, entries of a directory'),
  modified: optional(time('modification time of what is on disk')),
  mark: choice(
    ['recorded', 'changed', 'new', 'gone', 'damaged', 'skipped', 'unchecked', 'ignored'],
    'how it stands against the record',
  ),
  reason: text('why, a phrase; empty when it is as recorded'),
  below: optional(
    object(
      {
        count: integer('paths that differ'),
        worst: choice(
          ['recorded', 'changed', 'new', 'gone', 'damaged', 'skipped', 'unchecked', 'ignored'],
          'the worst of their marks',
        ),
      },
      'of a directory',
    ),
  ),
  target: optional(text('of a symlink, as displayed')),
  proof: optional(
    object(
      {
        level: choice(
          ['merkle', 'recorded', 'none'],
          'what is shown; merkle: its object was read and has its name, its record is in the signed tree',
        ),
        note: text('what the level means'),
      },
      'with --zk or --zk-verify',
    ),
  ),
} as const

export const listedShape = object(listedFields, 'a listed path')

export const findingShape = object(
  {
    code: text('a stable word for what was found'),
    severity: choice(['damage', 'drift', 'note'], 'damage makes the exit code 3'),
    path: optional(text('the path it is about, as displayed')),
    seq: optional(integer('the record it is about')),
    where: optional(text('file and offset')),
    expected: optional(text('what should be there')),
    found: optional(text('what is there')),
  },
  'a finding',
)

export const lostPlaceShape = object(
  {
    ...pathFields,
    object: text('CID of the object that is gone'),
    snapshots: list(text('a name'), 'the snapshots that need it'),
    now: boolean('the state in force needs it too'),
  },
  'a path whose content is lost for good',
)

export const snapshotShape = object(
  {
    name: text('its identity'),
    label: text('its text; can be changed'),
    seq: integer('the record that made it'),
    time: time('when it was made'),
    kind: choice(['manual', 'auto', 'protect', 'init'], 'why it was made'),
    pinned: boolean('it is never pruned'),
    root: text('its state root'),
    lost: optional(integer('paths whose content is lost for good; absent when there are none')),
    space: optional(integer('bytes that dropping it and all older unpinned ones would free')),
  },
  'a snapshot',
)

export const checkpointShape = object(
  {
    origin: text('name of the log'),
    size: integer('records that it covers'),
    root: text('root hash of the Merkle tree, hex'),
    verifierKey: text('the key by which anyone can check it'),
    text: text('the signed note itself'),
  },
  'a signed checkpoint',
)
