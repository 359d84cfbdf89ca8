// Verbs that read the history: records, differences, versions, and what is being recorded right now.

import {
  changeCountsShape,
  entryShape,
  pathFields,
  pointShape,
  recordFields,
  recordShape,
  treeChangeShape,
} from '../resultShapes.ts'
import { boolean, choice, integer, list, object, optional, text, time } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

const actorFlag = {
  type: 'text',
  placeholder: 'ACTOR',
  about: 'only what this actor asked for: owner, unknown, ...',
} as const
const actionFlag = {
  type: 'text',
  placeholder: 'ACTION',
  about: 'only this action: put, delete, absorb, rollback, ...',
} as const

export const logSpec = command({
  name: 'log',
  summary: 'List records, newest first',
  about: [
    'Lists what was recorded, the newest 20 unless -n or --all says otherwise; with PATH only what touched it or something below it.',
    'STATE in --since and --until is a snapshot, a record number or a time, as everywhere: yesterday, 22:40, 2026-11-20, "3h ago".',
  ],
  positionals: [
    { name: 'PATH', about: 'only records that changed this path or something below it', completer: 'path' },
  ],
  flags: {
    number: { type: 'integer', short: 'n', placeholder: 'N', min: 1, about: 'at most so many records; default 20' },
    all: { type: 'boolean', short: 'a', about: 'all records' },
    reverse: { type: 'boolean', about: 'oldest first' },
    since: { type: 'text', placeholder: 'STATE', completer: 'state', about: 'only records after this state' },
    until: { type: 'text', placeholder: 'STATE', completer: 'state', about: 'only records up to this state' },
    actor: actorFlag,
    action: actionFlag,
  },
  access: 'read',
  palette: { absent: 'the Trace pane is that' },
  examples: [
    { command: 'sentctl log -n 20', about: 'the newest 20' },
    { command: 'sentctl log etc --action put', about: 'what was put below a directory' },
    { command: 'sentctl log --all --reverse --json', about: 'everything, as JSON lines' },
  ],
  output: { kind: 'lines', shape: recordShape },
  load: (): Promise<CommandModule> => import('./log.ts'),
})

export const showSpec = command({
  name: 'show',
  summary: 'Show one record and what it changed',
  about: [
    'STATE is a record number, or a state: then the record after which it was the state. Default: the last record.',
  ],
  positionals: [{ name: 'STATE', about: 'which record', completer: 'state' }],
  flags: { all: { type: 'boolean', short: 'a', about: 'list every changed path; without it a list ends after 100' } },
  access: 'read',
  palette: { absent: 'Enter on a record shows it' },
  examples: [
    { command: 'sentctl show', about: 'the last record' },
    { command: 'sentctl show 0', about: 'the first one' },
  ],
  output: {
    kind: 'object',
    shape: object(
      { ...recordFields, changes: list(treeChangeShape, 'what it changed, sorted by path; at most 100 without --all') },
      'a record',
    ),
  },
  load: (): Promise<CommandModule> => import('./show.ts'),
})

const hunkShape = object(
  {
    number: integer('as restore --hunk takes it, from 1'),
    beforeStart: integer('first line before'),
    beforeLines: integer('lines before'),
    afterStart: integer('first line after'),
    afterLines: integer('lines after'),
    lines: list(text('a line with its sign: space, - or +'), 'the lines'),
  },
  'one place where a text differs',
)

export const diffSpec = command({
  name: 'diff',
  summary: 'Show what differs between two states, or a state and the disk',
  about: [
    'Without flags: the last record against the disk, that is, what changed outside. --from and --to choose other states; "--to now" compares with the last record instead of the disk.',
    'Hunks are numbered: "sentctl restore PATH --hunk N" brings a single one back.',
  ],
  positionals: [{ name: 'PATH', about: 'only these, and what lies below them', many: true, completer: 'path' }],
  flags: {
    from: { type: 'text', placeholder: 'STATE', default: 'now', completer: 'state', about: 'the earlier state' },
    to: { type: 'text', placeholder: 'STATE', default: 'disk', completer: 'state', about: 'the later state, or disk' },
    names: { type: 'boolean', about: 'only the paths, no contents' },
    context: {
      type: 'integer',
      short: 'U',
      placeholder: 'N',
      default: 3,
      min: 0,
      max: 1000,
      about: 'equal lines around each hunk',
    },
  },
  access: 'read',
  palette: { title: 'Diff' },
  examples: [
    { command: 'sentctl diff', about: 'what changed outside' },
    { command: 'sentctl diff etc/fstab', about: 'one file' },
    { command: 'sentctl diff --from first --to now --names', about: 'which paths differ between two states' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        from: pointShape,
        to: optional(pointShape),
        disk: boolean('the later side is the disk; then "to" is absent'),
        counts: changeCountsShape,
        changes: list(treeChangeShape, 'paths that differ, sorted'),
        files: list(
          object(
            {
              ...pathFields,
              kind: choice(
                ['text', 'binary', 'too-large', 'same', 'other', 'lost', 'forgotten'],
                'how the contents were compared; lost: one of them is missing in the store',
              ),
              added: integer('lines added'),
              removed: integer('lines removed'),
              hunks: list(hunkShape, 'the places that differ'),
            },
            'how one file differs',
          ),
          'contents, unless --names; at most 1,000 files',
        ),
      },
      'the differences',
    ),
  },
  load: (): Promise<CommandModule> => import('./diff.ts'),
})

export const whenSpec = command({
  name: 'when',
  summary: 'Show when a path changed, and by which record',
  about: [
    'Lists the versions of PATH, newest first; paths that are gone too. The first run after many records builds an index.',
  ],
  positionals: [{ name: 'PATH', about: 'a path, also one that is gone', required: true, completer: 'path' }],
  flags: {
    number: { type: 'integer', short: 'n', placeholder: 'N', min: 1, about: 'at most so many versions' },
  },
  access: 'read',
  palette: { absent: 'Versions (w) shows it' },
  examples: [{ command: 'sentctl when etc/motd', about: 'all versions of a file' }],
  output: {
    kind: 'object',
    shape: object(
      {
        ...pathFields,
        versions: list(
          object(
            {
              seq: integer('the record'),
              time: time('when'),
              actor: text('who asked'),
              action: text('what was done'),
              before: optional(entryShape),
              after: optional(entryShape),
            },
            'one version',
          ),
          'newest first',
        ),
      },
      'the versions of a path',
    ),
  },
  load: (): Promise<CommandModule> => import('./when.ts'),
})

export const traceLiveSpec = command({
  name: 'trace-live',
  summary: 'Follow records as they come, of all processes',
  about: ['Prints each record when it is made, until it is interrupted.'],
  positionals: [],
  flags: {
    from: { type: 'integer', placeholder: 'SEQ', min: 0, about: 'start with this record; default: the next one' },
    actor: actorFlag,
    action: actionFlag,
  },
  access: 'read',
  palette: { absent: 'the Trace pane is that' },
  examples: [{ command: 'sentctl trace-live --from 0', about: 'from the first record on, until Ctrl-C' }],
  output: { kind: 'lines', shape: recordShape },
  endless: true,
  load: (): Promise<CommandModule> => import('./traceLive.ts'),
})
