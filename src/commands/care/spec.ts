// Verbs that look after the history: checking it, mending it, freeing space, and looking at the machine below it.

import { findingShape, lostPlaceShape } from '../resultShapes.ts'
import { boolean, choice, integer, list, object, optional, text } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

export const verifySpec = command({
  name: 'verify',
  summary: 'Check the history and say what was checked',
  about: [
    'Checks frames and checksums, the chain, the Merkle tree against the checkpoints, objects, directory nodes, every kept state, the tree on disk, and signatures; each check is one line with a count. --quick looks at file sizes and times only; --deep reads every object.',
    'Damage makes the exit code 3. Changes outside alone are not damage: exit code 0. Nothing is repaired: see "sentctl repair".',
  ],
  positionals: [],
  flags: {
    quick: { type: 'boolean', about: 'only what a look at the files shows' },
    deep: { type: 'boolean', about: 'read every object and check it against its name' },
    since: { type: 'text', placeholder: 'STATE', completer: 'state', about: 'only records after this state' },
  },
  access: 'read',
  palette: { title: 'Verify the history' },
  examples: [
    { command: 'sentctl verify', about: 'the usual checks' },
    { command: 'sentctl verify --deep', about: 'every object too' },
    { command: 'sentctl verify --quick --since 0', about: 'a quick look at the newer part' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        damaged: boolean('something is damaged: exit code 3'),
        drifted: boolean('something changed outside'),
        checks: list(
          object(
            {
              name: text('what was checked'),
              checked: integer('how many'),
              findings: integer('with a finding'),
              text: text('one line for people'),
            },
            'one check',
          ),
          'in the order they were made',
        ),
        findings: list(findingShape, 'what was found'),
        lostPlaces: list(lostPlaceShape, 'where what is known to be lost for good is missing'),
      },
      'what was checked and found',
    ),
  },
  load: (): Promise<CommandModule> => import('./verify.ts'),
})

export const repairSpec = command({
  name: 'repair',
  summary: 'Rebuild what is derived, and restore what the history holds',
  about: [
    'Rebuilds indexes and other derived files, restores damaged objects from what else the folder holds (a file on disk with the same content, another copy), and lists what is lost for good, if anything. Exit code 3 when something is found to be lost; from then on it is known, and no longer counts as damage.',
    'With --from, what is lost is taken from a backup, an import, or any copy of the root folder: objects by their names, records by their hashes, so that nothing else can come in.',
    'Without one, what is lost comes back when a copy of the file is put at its path before "sentctl repair". Else drop the snapshots that need it: "sentctl snapshot rm", then "sentctl gc". All else stays whole.',
  ],
  positionals: [],
  flags: {
    from: {
      type: 'text',
      placeholder: 'DIR',
      completer: 'directory',
      about: 'take what is lost from this backup or copy of the root folder',
    },
  },
  access: 'write',
  palette: { title: 'Repair the history' },
  examples: [
    { command: 'sentctl repair', about: 'after verify found damage; harmless when there is none' },
    { command: 'sentctl repair --from ../backup', about: 'with what a backup still has' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        rebuilt: list(text('what was rebuilt'), 'derived data'),
        restored: list(findingShape, 'damage that is mended, and what was known to be lost and is whole again'),
        lost: list(findingShape, 'what cannot be mended, and was not known to be lost before'),
        lostPlaces: list(lostPlaceShape, 'where what is lost for good is missing, known before or not'),
        foundAgain: optional(list(lostPlaceShape, 'where what was known to be lost is whole again')),
      },
      'what was done',
    ),
  },
  load: (): Promise<CommandModule> => import('./repair.ts'),
})

export const gcSpec = command({
  name: 'gc',
  summary: 'Free the space of states that are no longer kept',
  about: [
    'Drops the objects that no kept state needs. Records and their proofs stay; only contents of pruned states go. What is dropped is set aside for at least an hour first.',
  ],
  positionals: [],
  flags: { 'dry-run': { type: 'boolean', short: 'n', about: 'only say what it would free' } },
  access: 'write',
  palette: { title: 'Free space (gc)' },
  examples: [
    { command: 'sentctl gc --dry-run', about: 'what it would free' },
    { command: 'sentctl gc', about: 'free it' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        dryRun: boolean('nothing was freed'),
        objectsBefore: integer('objects before'),
        objectsAfter: integer('objects after'),
        bytesFreed: integer('bytes that no pack needs any more'),
        horizon: integer('contents of states before this record are pruned'),
        seq: optional(integer('number of the record')),
      },
      'what was freed',
    ),
  },
  load: (): Promise<CommandModule> => import('./gc.ts'),
})

export const forgetSpec = command({
  name: 'forget',
  summary: 'Take what a path ever held out of the history, for good',
  about: [
    'For contents that must not stay: a password, a file that somebody has a right to have erased. The path has to be gone ("sentctl rm"); a directory stands for all that was ever in it. The contents leave every pack, and the records that tell of nothing else lose their bodies; a record of its own lists what went. Records stay in their places, and every proof made before still holds.',
    'What another path has too stays, and is named. Names of files inside directories of old states stay as well. States that had the path can still be restored, without it. Files that were cut off or put aside as damaged go along, as nobody can tell what they hold. What the disk keeps of deleted files, and what was exported or copied before, is out of reach; a backup follows with the next "sentctl backup".',
  ],
  positionals: [{ name: 'PATH', about: 'what to forget', required: true, many: true }],
  flags: {
    yes: { type: 'boolean', short: 'y', about: 'do not ask' },
    'dry-run': { type: 'boolean', short: 'n', about: 'only say what would go, and what would stay' },
  },
  access: 'write',
  palette: { absent: 'it asks on the command line: nothing brings back what it takes' },
  examples: [
    {
      command: 'sentctl forget --dry-run home/notes.txt',
      about: 'after sentctl rm home/notes.txt: what would go, and what would stay',
    },
    { command: 'sentctl forget --yes home/notes.txt', about: 'forget it' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        dryRun: boolean('nothing was done'),
        records: integer('records that lose their bodies'),
        objects: integer('objects that go'),
        bytes: integer('that these objects take in packs'),
        shared: list(
          object(
            {
              path: text('the path that is forgotten, as displayed'),
              with: text('the other path, or what else has it, as displayed'),
              bytes: integer('what they have in common'),
            },
            'one that is shared',
          ),
          'contents that stay because something else has them: the first thousand',
        ),
        sharedBytes: integer('that these contents take in packs'),
        putAside: object(
          { files: integer('how many'), bytes: integer('their sizes') },
          'files that were cut off or put aside, which go too',
        ),
        seq: optional(integer('number of the last record about it')),
        finished: boolean('false: recorded, and damage keeps it from being carried out; see "sentctl repair"'),
      },
      'what went and what stays',
    ),
  },
  load: (): Promise<CommandModule> => import('./forget.ts'),
})

export const doctorSpec = command({
  name: 'doctor',
  summary: 'Look at the machine, the terminal and the root folder',
  about: [
    'Says what works here and what does not, and what to do about it. Its output belongs into a report of a problem.',
  ],
  positionals: [],
  flags: {},
  access: 'none',
  palette: { title: 'Doctor: what works here' },
  examples: [{ command: 'sentctl doctor', about: 'works anywhere, also where there is no root folder' }],
  output: {
    kind: 'object',
    shape: object(
      {
        version: text('of sentctl'),
        rootPath: optional(text('the root folder, where there is one')),
        checks: list(
          object(
            {
              name: text('what'),
              state: choice(['ok', 'warn', 'bad'], 'how it stands'),
              text: text('one line'),
              hint: optional(text('what to do')),
            },
            'one check',
          ),
          'machine first, then the root folder',
        ),
      },
      'how things stand',
    ),
  },
  load: (): Promise<CommandModule> => import('./doctor.ts'),
})
