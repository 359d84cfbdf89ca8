// Verbs about the root folder itself: making one, and its settings.

import { noticeShape, operationFields, pathShape } from '../resultShapes.ts'
import { boolean, choice, integer, list, map, number, object, optional, text, value } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

const skipShape = object(
  { pattern: text('the ignore pattern'), files: integer('files below it'), bytes: integer('their bytes') },
  'something that is left out of the history',
)

export const initSpec = command({
  name: 'init',
  summary: 'Make a root folder of a directory and record what it holds',
  about: [
    'Turns DIR (default: here) into a root folder and records all of its content as the first state. None of your files is changed. Names that the root folder needs for itself and that are taken already are named before anything is written.',
    'On a terminal it first says what it found: files, size, about how long it will take, and what it skips.',
    'The dotfolders that it makes are readable by you alone (mode 0700). Contents are not encrypted.',
    'In a git work tree the names of SentientOS are added to .git/info/exclude, so that git does not see them.',
  ],
  positionals: [{ name: 'DIR', about: 'the directory; default: the current one', completer: 'directory' }],
  flags: {
    zk: {
      type: 'boolean',
      default: true,
      about: 'make no zero-knowledge proofs for this root folder; --zk=false is the same',
    },
    ignore: {
      type: 'texts',
      placeholder: 'PATTERN',
      about: 'leave this out, as in .gitignore; may be repeated; replaces the suggested patterns',
    },
    'ignore-nothing': { type: 'boolean', about: 'record everything, also what would be left out by default' },
    'dry-run': { type: 'boolean', short: 'n', about: 'only look, and say what would be recorded' },
  },
  access: 'none',
  palette: { absent: 'the first-start screen does it' },
  examples: [
    { command: 'sentctl init ../new-folder', about: 'make a root folder of a directory' },
    { command: 'sentctl init ../other-folder --ignore "*.iso" --ignore cache/', about: 'choose what is left out' },
    { command: 'sentctl init ../third-folder --zk=false --dry-run', about: 'see what it would do' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        rootPath: text('the root folder'),
        dryRun: boolean('nothing was written'),
        zk: boolean('zero-knowledge proofs may be made of its history'),
        survey: object(
          {
            files: integer('regular files'),
            directories: integer('directories'),
            symlinks: integer('symlinks'),
            bytes: integer('bytes of the files'),
            secondsEstimate: number('about how long recording takes'),
            skips: list(skipShape, 'what is left out'),
            unreadable: list(pathShape, 'what cannot be read'),
            special: list(pathShape, 'sockets, pipes and devices, which are not recorded'),
          },
          'what was found',
        ),
        recorded: optional(
          object(
            {
              seq: integer('number of the record'),
              files: integer('files recorded'),
              bytes: integer('bytes recorded'),
              logId: text('identity of the journal'),
              origin: text('name of the log in checkpoints'),
              verifierKey: text('the key by which anyone can check this history'),
              gitExclude: boolean('names were added to .git/info/exclude'),
              notices: list(noticeShape, 'what else is to know'),
            },
            'what was recorded; absent with --dry-run',
          ),
        ),
      },
      'the new root folder',
    ),
  },
  load: (): Promise<CommandModule> => import('./init.ts'),
})

export const adoptSpec = command({
  name: 'adopt',
  summary: 'Say whether a folder was moved here or is a copy, so that it can go on',
  about: [
    'Each device remembers, outside the root folders, what it signed for. A folder that it does not know (a copy, one from another device, one that was restored from an older backup) is only read until this is said: two histories under one key would be a forgery. A folder that was only renamed needs no question.',
    '--moved: the folder itself is here now. It keeps its key, unless the key may have signed more than is here; then a new epoch begins: a new key, and a record of what it goes on from. It is refused while the root folder is still where it was.',
    '--copy: the other one goes on by itself. This one gets a new name (log id) and a new key; the private key of the other one is removed here. Its history up to here stays the same and verifies with the earlier key.',
    'On a terminal it asks; so do all verbs that write. Elsewhere they end with exit code 6.',
  ],
  positionals: [],
  flags: {
    moved: { type: 'boolean', about: 'it was moved or restored here' },
    copy: { type: 'boolean', about: 'it is a copy, while the other one goes on' },
  },
  access: 'none',
  palette: { title: 'Say whether this folder was moved here or is a copy' },
  examples: [
    { command: 'sentctl adopt --moved', about: 'after mv to another disk, or a restored backup' },
    { command: 'sentctl adopt --copy', about: 'after cp -a, when both go on' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        rootPath: text('the root folder'),
        as: choice(['moved', 'copy'], 'what was said'),
        adopted: boolean('something was done; false: this device signs for it already'),
        found: choice(
          ['bound', 'replaced', 'moved', 'copied', 'behind', 'absent', 'foreign', 'forgetful'],
          'what this device knew of it',
        ),
        from: optional(text('where it was signed for last')),
        origin: text('name of the log in checkpoints from now on'),
        verifierKey: text('the key by which anyone can check this history from now on'),
        seq: optional(integer('number of the record that begins the new epoch')),
        goesOnFrom: optional(integer('records that were signed under the key before')),
        lost: optional(integer('records that this device had signed, of which some are not here')),
        notices: list(noticeShape, 'what else is to know'),
      },
      'what became of it',
    ),
  },
  load: (): Promise<CommandModule> => import('./adopt.ts'),
})

export const configGetSpec = command({
  name: 'config get',
  summary: 'Show the settings in force',
  about: [
    'Shows all settings that are in force, or the one of KEY. An edit of sentient.yaml is a candidate: it is shown beside the settings in force, and takes effect with "sentctl config apply".',
  ],
  positionals: [{ name: 'KEY', about: 'a setting, as in retention.snapshots', completer: 'none' }],
  flags: {},
  access: 'read',
  palette: { title: 'Show settings' },
  examples: [
    { command: 'sentctl config get', about: 'all settings' },
    { command: 'sentctl config get retention.snapshots', about: 'one of them' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        key: optional(text('the key asked for')),
        values: map(value('the value'), 'settings by dotted key'),
        candidate: choice(['none', 'changed', 'missing', 'invalid'], 'how sentient.yaml stands'),
        problem: optional(
          object(
            { line: integer('line'), column: integer('column'), message: text('what is wrong') },
            'in sentient.yaml',
          ),
        ),
        differences: list(
          object({ key: text('key'), inForce: text('value in force'), candidate: text('value in sentient.yaml') }),
          'what "config apply" would change',
        ),
      },
      'the settings',
    ),
  },
  load: (): Promise<CommandModule> => import('./configGet.ts'),
})

export const configSetSpec = command({
  name: 'config set',
  summary: 'Change one setting in sentient.yaml and put it in force',
  about: [
    'Edits one key of sentient.yaml, keeps its comments, and applies the file. VALUE is written as in YAML: 32, true, full, or [owner]. The change is a record and can be undone.',
  ],
  positionals: [
    { name: 'KEY', about: 'a setting, as in retention.snapshots', required: true, completer: 'none' },
    { name: 'VALUE', about: 'its new value, as YAML', required: true, completer: 'none' },
  ],
  flags: {},
  access: 'write',
  palette: { title: 'Change a setting' },
  examples: [{ command: 'sentctl config set retention.snapshots 32', about: 'keep 32 snapshots' }],
  output: { kind: 'object', shape: object(operationFields, 'the recorded change') },
  load: (): Promise<CommandModule> => import('./configSet.ts'),
})

export const configApplySpec = command({
  name: 'config apply',
  summary: 'Put an edited sentient.yaml in force',
  about: [
    'Reads sentient.yaml strictly (unknown keys, duplicate keys and wrong types are errors) and puts it in force as one record. Until then, and when it is wrong, the settings in force stay.',
  ],
  positionals: [],
  flags: {},
  access: 'write',
  palette: { title: 'Apply edited settings' },
  examples: [{ command: 'sentctl config apply', about: 'after editing sentient.yaml' }],
  output: { kind: 'object', shape: object(operationFields, 'the recorded change') },
  load: (): Promise<CommandModule> => import('./configApply.ts'),
})
