// Verbs about what changed outside: seeing it, keeping it, watching for it.

import { entryShape, noticeShape, operationFields, pathFields, pathShape } from '../resultShapes.ts'
import { choice, integer, list, object, optional, text, time } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

const changeShape = object(
  {
    ...pathFields,
    state: choice(['changed', 'new', 'gone', 'damaged', 'applying', 'unapplied', 'unreadable'], 'how it differs'),
    kind: choice(['file', 'dir', 'symlink', 'other'], 'what it is'),
    differs: list(choice(['content', 'mode', 'kind'], 'what differs'), 'in what it differs'),
    reason: text('why it is in the list'),
    drift: choice(['absorb', 'warn', 'heal'], 'what the settings say about drift here'),
    recorded: optional(entryShape),
    disk: optional(
      object(
        {
          kind: text('what it is'),
          mode: text('permission bits, octal'),
          size: integer('bytes'),
          modified: time('file time'),
        },
        'what is on disk',
      ),
    ),
  },
  'a path that differs from the record',
)

export const statusSpec = command({
  name: 'status',
  summary: 'Show what changed outside since the last record',
  about: [
    'Compares the governed tree with the last recorded state and lists what differs: changed (~), new (+), gone (-), damaged (!). Who changed it is unknown, and that is the point: what sentctl does is in the log.',
    'With PATH only these paths, and what lies below them, are looked at. Differences are not an error: the exit code is 0.',
  ],
  positionals: [{ name: 'PATH', about: 'look only here', many: true, completer: 'path' }],
  flags: { all: { type: 'boolean', short: 'a', about: 'list every path; without it a text list ends after 100' } },
  access: 'read',
  palette: { title: 'Changes: what differs from the record' },
  examples: [
    { command: 'sentctl status', about: 'the whole tree' },
    { command: 'sentctl status etc --json', about: 'one directory, as data' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        rootPath: text('the root folder'),
        records: integer('records in the journal'),
        root: text('state root after the last of them'),
        time: time('of the last of them'),
        changes: list(changeShape, 'what differs, sorted by path'),
        counts: object(
          {
            changed: integer('content, mode or kind differ'),
            new: integer('on disk, not recorded'),
            gone: integer('recorded, not on disk'),
            damaged: integer('the recorded content cannot be read from the store'),
            applying: integer('recorded, another process is making it visible'),
            unapplied: integer('recorded, could not be made visible'),
            unreadable: integer('on disk, but cannot be read'),
          },
          'how many paths',
        ),
        filesChecked: integer('files looked at'),
        filesHashed: integer('files read because their times moved'),
        bytesHashed: integer('their bytes'),
        skipped: list(pathShape, 'sockets, pipes and devices'),
        ignored: integer('paths left out by the settings'),
        lastLook: optional(time('when the tree was looked at before')),
        settings: choice(
          ['none', 'changed', 'missing', 'invalid'],
          'how sentient.yaml differs from the settings in force',
        ),
        settingsProblem: optional(text('what is wrong with it')),
        snapshots: integer('snapshots kept'),
        notices: list(noticeShape, 'what else is to know'),
      },
      'how the tree stands against the record',
    ),
  },
  load: (): Promise<CommandModule> => import('./status.ts'),
})

export const absorbSpec = command({
  name: 'absorb',
  summary: 'Keep what changed outside: record it as it is on disk',
  about: [
    'Records the differences that "sentctl status" shows, as one record. With PATH only these paths, and what lies below them. It can be undone; nothing on disk changes.',
  ],
  positionals: [{ name: 'PATH', about: 'keep only these; default: everything', many: true, completer: 'path' }],
  flags: {},
  access: 'write',
  palette: { title: 'Keep (absorb) what changed outside' },
  examples: [
    { command: 'sentctl absorb etc/fstab', about: 'keep one edited file' },
    { command: 'sentctl absorb', about: 'keep everything' },
  ],
  output: { kind: 'object', shape: object(operationFields, 'the recorded change') },
  load: (): Promise<CommandModule> => import('./absorb.ts'),
})

export const watchSpec = command({
  name: 'watch',
  summary: 'Watch the tree and report what changes outside',
  about: [
    'Prints one line for each change, until it is interrupted. With --absorb it keeps what the settings say is to be kept; with --heal it brings back what the settings say is to be healed, after storing what was there.',
    'A system that cannot notify of everything makes it look at the whole tree again; it says so.',
  ],
  positionals: [],
  flags: {
    absorb: { type: 'boolean', about: 'keep drift where the settings say absorb' },
    heal: { type: 'boolean', about: 'undo drift where the settings say heal' },
  },
  access: 'write',
  palette: { absent: 'the terminal UI watches all the time' },
  examples: [{ command: 'sentctl watch', about: 'until Ctrl-C' }],
  output: {
    kind: 'lines',
    shape: object(
      {
        time: time('when'),
        kind: choice(
          ['watching', 'drift', 'absorbed', 'healed', 'record', 'rescan', 'snapshot', 'problem'],
          'what happened',
        ),
        paths: list(pathShape, 'which paths'),
        text: text('one line for people'),
        seq: optional(integer('the record it made or saw')),
      },
      'one event',
    ),
  },
  endless: true,
  load: (): Promise<CommandModule> => import('./watch.ts'),
})
