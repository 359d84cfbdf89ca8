// Verbs of a witness: it follows logs, cosigns what goes on, and keeps the evidence of what does not.

import { choice, integer, object, optional, text, time } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

const stateFlags = {
  state: {
    type: 'text',
    placeholder: 'DIR',
    about: 'where it remembers what it has seen; default: where this device remembers its root folders',
    completer: 'directory',
  },
  name: { type: 'text', placeholder: 'NAME', about: 'of its key, when that is made: an address without https://' },
} as const

export const witnessSpec = command({
  name: 'witness',
  summary: 'Cosign logs that go on from what was seen, keep evidence of forks',
  about: [
    'LOG is a root folder, a directory or an http(s) address with what "sentctl export tlog" wrote, or a file with a signed checkpoint or a consistency file. The first look takes a log as it is: by the key of --key, or, of a root folder alone, by the key that lies in it. From then on only what provably goes on from the largest tree that was seen is cosigned (c2sp.org/tlog-cosignature); the cosigned checkpoint is kept in the directory of --state, from where it can be served or given away.',
    'Two checkpoints that one key signed and that contradict each other are a fork: the second is refused, both are kept in a file that "sentctl verify-consistency" shows to anybody, and the exit code is 3. It is 3 too for a checkpoint that the key did not sign, and 1 where nothing could be read or shown.',
    'With --follow it looks again and again until it is interrupted, and prints what is new.',
  ],
  positionals: [{ name: 'LOG', about: 'what to look at', required: true, many: true, completer: 'file' }],
  flags: {
    key: { type: 'texts', placeholder: 'VKEY', about: 'the key of a log; once for each' },
    ...stateFlags,
    follow: { type: 'boolean', about: 'look again and again' },
    interval: { type: 'integer', placeholder: 'SECONDS', default: 60, min: 1, about: 'between two looks of --follow' },
  },
  access: 'none',
  palette: { absent: 'made for other machines' },
  examples: [
    { command: 'sentctl witness . --state ../witness', about: 'a root folder' },
    {
      command: 'sentctl witness ../published --key "$(sentctl checkpoint key)" --state ../witness',
      about: 'the same log as it is published',
    },
  ],
  output: {
    kind: 'lines',
    shape: object(
      {
        time: time('when it was looked at'),
        log: text('where'),
        state: choice(
          ['first', 'grown', 'same', 'older', 'fork', 'unproven', 'refused', 'unknown', 'unreachable'],
          'how it stands against what was seen before; first and grown: cosigned now',
        ),
        text: text('one line for people'),
        origin: optional(text('name of the log')),
        size: optional(integer('records of the checkpoint that is there')),
        before: optional(integer('records of the largest that was seen before')),
        file: optional(text('where the cosigned checkpoint is')),
        checkpoint: optional(text('the cosigned checkpoint')),
        evidence: optional(text('the file that shows the fork')),
      },
      'one look at one log',
    ),
  },
  load: (): Promise<CommandModule> => import('./witness.ts'),
})

export const witnessKeySpec = command({
  name: 'witness-key',
  summary: 'Print the key by which anyone can check what this witness has cosigned',
  about: ['Makes the key when there is none yet. It is public, and signs cosignatures only.'],
  positionals: [],
  flags: stateFlags,
  access: 'none',
  palette: { absent: 'made for other machines' },
  examples: [{ command: 'sentctl witness-key --state ../witness', about: 'one line' }],
  output: { kind: 'object', shape: object({ verifierKey: text('the key, of type 04 of signed notes') }, 'the key') },
  load: (): Promise<CommandModule> => import('./key.ts'),
})
