// Verbs by which others can check the history: checkpoints, and proofs that a record is included.

import { checkpointShape } from '../resultShapes.ts'
import { boolean, integer, object, optional, text, time } from '../shape.ts'
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
  about: ['Give it to whoever shall check inclusion files or checkpoints. It is public.'],
  positionals: [],
  flags: {},
  access: 'read',
  palette: { title: 'Show the verifier key' },
  examples: [{ command: 'sentctl checkpoint key', about: 'one line' }],
  output: { kind: 'object', shape: object({ verifierKey: text('the key, in the format of signed notes') }, 'the key') },
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
  flags: {},
  access: 'read',
  palette: { absent: 'an export for other machines' },
  examples: [
    { command: 'sentctl inclusion 1', about: 'to standard output' },
    { command: 'sentctl inclusion 1 record-1.proof', about: 'to a file' },
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
