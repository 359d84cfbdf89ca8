// Verbs that write the history, or a state of it, in forms that the programs of others read.

import { boolean, integer, object, optional, text } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

export const exportTlogSpec = command({
  name: 'export tlog',
  summary: 'Write the log as tiles, for the tools of others',
  about: [
    'Writes the layout of c2sp.org/tlog-tiles: the signed checkpoint, the tiles of the Merkle tree, and the envelopes of the records in bundles: times and hashes, no paths and no names. DIR is made when it is missing; served by any web server it is a log that others can follow and witness. See docs/verifying.md.',
    'The next export to DIR adds what is new, the checkpoint last, so that whoever reads meanwhile sees a whole log. It is refused where DIR holds something else, or another history.',
  ],
  positionals: [{ name: 'DIR', about: 'where to', required: true, completer: 'directory' }],
  flags: { all: { type: 'boolean', about: 'write everything again, also what is there' } },
  access: 'read',
  palette: { absent: 'an export for other machines' },
  examples: [
    { command: 'sentctl export tlog ../log', about: 'make it, or add what is new' },
    { command: 'sentctl export tlog ../log --all', about: 'after something in it was damaged' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        path: text('the directory'),
        origin: text('name of the log'),
        size: integer('records that the checkpoint covers'),
        added: integer('of them new there'),
        files: integer('files written'),
        bytes: integer('their bytes'),
      },
      'what was written',
    ),
  },
  load: (): Promise<CommandModule> => import('./tlog.ts'),
})

export const exportCarSpec = command({
  name: 'export car',
  summary: 'Write a state, or a part of it, as a CAR file for IPLD tools',
  about: [
    'Writes a CARv1 file whose root is the state, or what is at PATH in it: every block once, each before those below it. Blocks are named by BLAKE3; directories and large files are DAG-CBOR nodes as format/README.md describes them, file contents are raw blocks.',
    'It holds the contents of files. FILE is readable by you alone until you change that.',
  ],
  positionals: [
    {
      name: 'FILE',
      about: 'where to; an old file is replaced when the new one is whole',
      required: true,
      completer: 'file',
    },
    { name: 'STATE', about: 'which state; default: now', completer: 'state' },
    { name: 'PATH', about: 'only what is there', completer: 'path' },
  ],
  flags: {},
  access: 'read',
  palette: { absent: 'an export for other machines' },
  examples: [
    { command: 'sentctl export car ../state.car', about: 'the last recorded state' },
    { command: 'sentctl export car ../etc.car first etc', about: 'one directory, as of a snapshot' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        file: text('the file'),
        root: text('the CID of its root'),
        state: text('which state'),
        path: optional(text('what of it, as displayed')),
        blocks: integer('blocks'),
        bytes: integer('bytes of the file'),
      },
      'what was written',
    ),
  },
  load: (): Promise<CommandModule> => import('./car.ts'),
})

export const exportRedisSpec = command({
  name: 'export redis',
  summary: 'Write the last state as a file that Redis loads',
  about: [
    'Writes recycle.redis: commands of Redis (RESP) that a server loads as its append-only file. It holds the keys sentient:state (records, state root, time, checkpoint), sentient:snapshot:latest (name, label, record, root, files, bytes), sentient:sessions and sentient:session:<id>, where somebody was on the screen; format/README.md lists them. It is a copy: without it nothing is lost.',
    'With FILE it is written there instead. It is also written at every snapshot, and by every process that changed something, on its way out.',
    'Where the settings name a server (redis.url: redis://host:port/database), the same keys are set there on the same occasions, for two seconds at most and never in the way of an operation. Its password stands in .auth/redis-password, as the settings are a part of the history.',
  ],
  positionals: [{ name: 'FILE', about: 'where to; default: recycle.redis', completer: 'file' }],
  flags: {},
  access: 'write',
  palette: { title: 'Write the last state for Redis' },
  examples: [
    { command: 'sentctl export redis', about: 'write recycle.redis, and tell the server of the settings' },
    { command: 'sentctl export redis ../appendonly.aof', about: 'a copy for a server of yours' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        file: text('the file'),
        bytes: integer('its bytes'),
        records: integer('records that it stands for'),
        snapshot: optional(text('the latest snapshot')),
        sessions: integer('sessions of the screen in it'),
        server: optional(text('the Redis of the settings')),
        told: optional(boolean('whether that took it')),
        reason: optional(text('why not')),
      },
      'what was written',
    ),
  },
  load: (): Promise<CommandModule> => import('./redis.ts'),
})
