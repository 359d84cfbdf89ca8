// Verbs by which others can check the history: checkpoints, and proofs that a record is included.

import { checkpointShape } from '../resultShapes.ts'
import { boolean, integer, list, object, optional, text, time } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

export const checkpointShowSpec = command({
  name: 'checkpoint show',
  summary: 'Print the last signed checkpoint',
  about: [
    'A checkpoint says "the journal of this size has this Merkle root", signed. Who keeps one can later tell whether the history was rewritten.',
  ],
  positionals: [],
  flags: {},
  access: 'read',
  palette: { title: 'Show the checkpoint' },
  examples: [{ command: 'sentctl checkpoint show', about: 'the signed note' }],
  output: { kind: 'object', shape: checkpointShape },
  load: (): Promise<CommandModule> => import('./show.ts'),
})

export const checkpointKeySpec = command({
  name: 'checkpoint key',
  summary: 'Print the key by which anyone can check this history',
  about: [
    'Give it to whoever shall check inclusion files or checkpoints. It is public.',
    'Where the folder was restored, came from another device, or is a copy, there are earlier keys: what was signed before is checked by these. --all prints them too, the oldest first.',
  ],
  positionals: [],
  flags: { all: { type: 'boolean', about: 'the keys of earlier epochs, too' } },
  access: 'read',
  palette: { title: 'Show the verifier key' },
  examples: [
    { command: 'sentctl checkpoint key', about: 'one line' },
    { command: 'sentctl checkpoint key --all', about: 'a line for each, the one in force last' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        verifierKey: text('the key in force, in the format of signed notes'),
        earlier: list(text('a key'), 'of earlier epochs, and of the logs that this one is a copy of; the oldest first'),
      },
      'the key',
    ),
  },
  load: (): Promise<CommandModule> => import('./key.ts'),
})

export const checkpointSignSpec = command({
  name: 'checkpoint sign',
  summary: 'Sign a checkpoint of everything recorded so far',
  about: ['Checkpoints are signed by themselves when a writer ends; this makes one now.'],
  positionals: [],
  flags: {},
  access: 'write',
  palette: { title: 'Sign a checkpoint' },
  examples: [{ command: 'sentctl checkpoint sign', about: 'prints the new one' }],
  output: { kind: 'object', shape: checkpointShape },
  load: (): Promise<CommandModule> => import('./sign.ts'),
})

export const inclusionSpec = command({
  name: 'inclusion',
  summary: 'Write a small file that proves that a record is in the history',
  about: [
    'Writes the proof to FILE, or prints it. "sentctl verify-inclusion" checks it on any machine, with no root folder, by the key of "sentctl checkpoint key". It shows time and position of the record, no paths and no names.',
  ],
  positionals: [
    { name: 'SEQ', about: 'number of the record', required: true, completer: 'none' },
    { name: 'FILE', about: 'where to write it; default: standard output', completer: 'file' },
  ],
  flags: {
    output: {
      type: 'text',
      short: 'o',
      placeholder: 'FILE',
      completer: 'file',
      about: 'the same as FILE: written whole or not at all, which "> FILE" is not',
    },
  },
  access: 'read',
  palette: { absent: 'an export for other machines' },
  examples: [
    { command: 'sentctl inclusion 1', about: 'to standard output' },
    { command: 'sentctl inclusion 1 -o record-1.proof', about: 'to a file' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        seq: integer('number of the record'),
        file: optional(text('where it was written')),
        proof: text('the proof itself'),
      },
      'the proof',
    ),
  },
  load: (): Promise<CommandModule> => import('./inclusion.ts'),
})

export const consistencySpec = command({
  name: 'consistency',
  summary: 'Write a small file that proves that an older history goes on here',
  about: [
    'OLD is a signed checkpoint that somebody kept (a file with what "sentctl checkpoint show" printed, or - for standard input), or a number of records. NEW is a newer signed checkpoint in a file; without it the newest is taken. Prints the proof, or writes it to the file of --output. "sentctl verify-consistency" checks it on any machine.',
    'When the history does not begin with OLD, the file shows that, and the exit code is 3: if both are signed by one key, it is the evidence of a fork.',
  ],
  positionals: [
    { name: 'OLD', about: 'a kept checkpoint, or a number of records', required: true, completer: 'file' },
    { name: 'NEW', about: 'a newer checkpoint; default: the newest', completer: 'file' },
  ],
  flags: { output: { type: 'text', short: 'o', placeholder: 'FILE', about: 'write it there', completer: 'file' } },
  access: 'read',
  palette: { absent: 'an export for other machines' },
  examples: [
    { command: 'sentctl consistency 2', about: 'everything recorded so far goes on from the first two records' },
    { command: 'sentctl consistency monday.checkpoint -o monday.proof', about: 'from a checkpoint that was kept' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        consistent: boolean('the history begins with the older one'),
        old: integer('records of the older tree'),
        size: integer('records of the newer one'),
        file: optional(text('where it was written')),
        proof: text('the proof itself'),
      },
      'the proof',
    ),
  },
  load: (): Promise<CommandModule> => import('./consistency.ts'),
})

export const verifyConsistencySpec = command({
  name: 'verify-consistency',
  summary: 'Check a consistency file by a key; needs no root folder',
  about: [
    'Exit code 0: the newer checkpoint is signed, and its history begins with the older tree. With --old it must be the tree of that checkpoint, which you kept. Exit code 3: it does not, or the file is damaged. A fork, two signed checkpoints of one log that contradict each other, is said as such: with such a file anyone can be shown that the owner of the key, or who has it, signed two histories.',
    'FILE may be - for standard input. Give --key twice where the log has changed its key between the two.',
  ],
  positionals: [
    { name: 'FILE', about: 'what "sentctl consistency" or "sentctl witness" wrote', required: true, completer: 'file' },
  ],
  flags: {
    key: { type: 'texts', placeholder: 'VKEY', required: true, about: 'what "sentctl checkpoint key" printed' },
    old: { type: 'text', placeholder: 'FILE', about: 'the checkpoint that you kept', completer: 'file' },
  },
  access: 'none',
  palette: { absent: 'made for other machines' },
  examples: [
    {
      command: 'sentctl verify-consistency monday.proof --key "$(sentctl checkpoint key)"',
      about: 'a good one',
    },
    {
      command: 'sentctl verify-consistency monday.proof --old monday.checkpoint --key "$(sentctl checkpoint key)"',
      about: 'and it is about the checkpoint that you have',
    },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        consistent: boolean('the newer history begins with the older one'),
        fork: boolean('one key signed two histories that contradict each other'),
        reason: optional(text('why not')),
        origin: optional(text('name of the log')),
        old: optional(
          object(
            {
              size: integer('records'),
              root: text('Merkle root, hex'),
              signed: boolean('its signed checkpoint is in the file'),
            },
            'the older tree',
          ),
        ),
        size: optional(integer('records of the newer one')),
        root: optional(text('its Merkle root, hex')),
      },
      'the answer',
    ),
  },
  load: (): Promise<CommandModule> => import('./verifyConsistency.ts'),
})

export const verifyInclusionSpec = command({
  name: 'verify-inclusion',
  summary: 'Check an inclusion file by a key; needs no root folder',
  about: [
    'Exit code 0: the record is in the history that the owner of the key signed. Exit code 3: it is not, or the file is damaged. FILE may be - for standard input.',
  ],
  positionals: [{ name: 'FILE', about: 'what "sentctl inclusion" wrote', required: true, completer: 'file' }],
  flags: { key: { type: 'text', placeholder: 'VKEY', required: true, about: 'what "sentctl checkpoint key" printed' } },
  access: 'none',
  palette: { absent: 'made for other machines' },
  examples: [
    { command: 'sentctl verify-inclusion record-1.proof --key "$(sentctl checkpoint key)"', about: 'a good one' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        included: boolean('the record is in the signed history'),
        reason: optional(text('why not')),
        seq: optional(integer('number of the record')),
        time: optional(time('when it was recorded')),
        origin: optional(text('name of the log')),
        size: optional(integer('records that the checkpoint covers')),
      },
      'the answer',
    ),
  },
  load: (): Promise<CommandModule> => import('./verifyInclusion.ts'),
})
