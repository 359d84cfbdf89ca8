// Records that lie, made by the parts below the timeline: sound frames, chained, on the Merkle tree, signed by our own
// key. Only who compares them with the states can tell. Each forgery is appended to a folder that is whole.

import assert from 'node:assert/strict'
import { type CborValue, encode } from '../../../src/core/format/cbor.ts'
import type { Change } from '../../../src/core/format/changes.ts'
import { decodeFormatFile } from '../../../src/core/format/formatFile.ts'
import {
  decodeFrameAt,
  decodeSegmentHeader,
  encodeFrame,
  frameSeed,
  segmentHeaderBytes,
} from '../../../src/core/format/frame.ts'
import { dagLink, type Link, type ObjectId } from '../../../src/core/format/id.ts'
import { type Entry, encodeEntry } from '../../../src/core/format/node.ts'
import type { Body } from '../../../src/core/format/record.ts'
import { decodeState, encodeState } from '../../../src/core/format/state.ts'
import type { Directory, Host } from '../../../src/core/host/host.ts'
import { openJournal } from '../../../src/core/journal/journal.ts'
import { openLogKeys } from '../../../src/core/keys/keys.ts'
import { writeChanges } from '../../../src/core/store/changes.ts'
import { changesBetween } from '../../../src/core/store/difference.ts'
import { type Ingest, openStore } from '../../../src/core/store/store.ts'
import { type Edit, editTree, findPath } from '../../../src/core/store/tree.ts'

/** What a forger has: the store, and the files of the state in force. */
export interface Bench {
  readonly ingest: Ingest
  readonly files: Link
  /** A file's entry, its contents stored. */
  file(path: string, text: string): Entry
  entry(path: string): Entry | null
  edited(edits: readonly Edit[]): Link
  changed(to: Link): Change[]
  list(changes: readonly Change[]): Link
  state(files: Link): ObjectId
}

export interface Forged {
  /** The state's files; those of the state before when left out. */
  readonly files?: Link
  readonly body: Partial<Body>
}

export interface Forgery {
  /** The finding that tells of it; undefined: it is no lie. */
  readonly code: string | undefined
  readonly path?: string
  readonly forge: (bench: Bench) => Forged
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)

/** Paths a, a.b, d/x and d/y hold a file each. */
export const forgeries: Readonly<Record<string, Forgery>> = {
  'the truth, in the order of paths': {
    code: undefined,
    forge(bench) {
      const files = bench.edited(['a', 'a.b', 'd/x'].map(path => ({ path, after: bench.file(path, 'new') })))
      return { files, body: { changes: bench.list(bench.changed(files)) } }
    },
  },
  'another entry before than there was': one('before'),
  'another entry after than there is': one('after'),
  'a change that did not happen': {
    code: 'changes-untrue',
    path: 'a',
    forge: bench => ({ body: { before: bench.entry('a'), after: bench.file('a', 'not so') } }),
  },
  'a path that is not said': {
    code: 'changes-untrue',
    path: 'd/y',
    forge(bench) {
      const files = bench.edited(['a', 'd/x', 'd/y'].map(path => ({ path, after: bench.file(path, 'new') })))
      return { files, body: { changes: bench.list(bench.changed(files).filter(({ path }) => path !== 'd/y')) } }
    },
  },
  'a path too many': {
    code: 'changes-untrue',
    path: 'b',
    forge(bench) {
      const files = bench.edited(['a', 'd/x'].map(path => ({ path, after: bench.file(path, 'new') })))
      const more = { path: 'b', before: null, after: bench.file('b', 'never') }
      const [first, ...others] = bench.changed(files)
      return { files, body: { changes: bench.list([first!, more, ...others]) } }
    },
  },
  'files that changed in silence': {
    code: 'changes-untrue',
    path: 'd/x',
    forge: bench => ({ files: bench.edited([{ path: 'd/x', after: null }]), body: {} }),
  },
  'one change of its subject as a list': {
    code: 'changes-untrue',
    forge(bench) {
      const files = bench.edited([{ path: 'a', after: bench.file('a', 'new') }])
      return { files, body: { changes: bench.list(bench.changed(files)) } }
    },
  },
  'a denial that changed something': {
    code: 'changes-untrue',
    path: 'a',
    forge: bench => ({
      files: bench.edited([{ path: 'a', after: bench.file('a', 'new') }]),
      body: {
        action: 'denied',
        decision: { effect: 'deny', bundle: null, rule: '' },
        fields: { wanted: 'put' },
      },
    }),
  },
  'a list of changes cut elsewhere than all writers cut': {
    code: 'changes-untrue',
    forge(bench) {
      const after = bench.file('m', 'many')
      const edits = Array.from({ length: 12 }, (_, i) => ({ path: `m${100 + i}`, after }))
      const files = bench.edited(edits)
      const changes = bench.changed(files)
      const parts = [changes.slice(0, 5), changes.slice(5)]
      const items = parts.map(part => [Buffer.from(part[0]!.path), bench.list(part), part.length])
      return { files, body: { changes: put(bench, { k: 'changes-tree', n: changes.length, e: items }) } }
    },
  },
  'a size that is not that of the content': {
    code: 'node-not-canonical',
    forge(bench) {
      const after = { ...bench.file('a', 'four'), size: 5 }
      return { files: bench.edited([{ path: 'a', after }]), body: { before: bench.entry('a'), after } }
    },
  },
  'an owner that the state does not name': {
    code: 'node-not-canonical',
    forge(bench) {
      const after = { ...bench.file('a', 'owned'), meta: { uid: 1, gid: 1 } }
      return { files: bench.edited([{ path: 'a', after }]), body: { before: bench.entry('a'), after } }
    },
  },
  'what was kept is no state': {
    code: 'node-not-canonical',
    forge: bench => ({ body: { fields: { kept: put(bench, { v: 1, what: 'ever' }) } } }),
  },
  'what was overwritten is not sorted': {
    code: 'node-not-canonical',
    forge(bench) {
      const items = ['b', 'a'].map(name => [Buffer.from(name), null, encodeEntry(bench.file(name, name))])
      return { body: { fields: { overwrote: put(bench, { k: 'changes', n: 2, e: items }) } } }
    },
  },
  'a state that was restored and is nowhere': {
    code: 'object-missing',
    forge: () => ({ body: { action: 'restore', fields: { to: dagLink('5'.repeat(64) as ObjectId) } } }),
  },
  'a link in a field that nobody knows': {
    code: undefined,
    forge: bench => ({ body: { action: 'later', fields: { to: put(bench, { v: 9, what: 'ever' }) } } }),
  },
  'a second beginning': { code: 'body-untrue', forge: () => ({ body: { action: 'init' } }) },
  'a horizon that is still to come': {
    code: 'body-untrue',
    forge: () => ({ body: { action: 'gc', subject: { kind: 'journal', id: '' }, fields: { horizon: 1_000 } } }),
  },
  'a snapshot of nothing': {
    code: 'body-untrue',
    forge: () => ({ body: { action: 'snapshot', subject: { kind: 'snapshot', id: 'x' }, fields: { kind: 'manual' } } }),
  },
}

/** A change of one path of which one side is made up. */
function one(side: 'before' | 'after'): Forgery {
  return {
    code: 'changes-untrue',
    path: 'd/x',
    forge(bench) {
      const after = bench.file('d/x', 'new')
      const told = { before: bench.entry('d/x'), after, [side]: { ...bench.file('d/x', 'lie'), mode: 0o600 } }
      const body = { ...told, subject: { kind: 'file', id: 'd/x' } }
      return { files: bench.edited([{ path: 'd/x', after }]), body }
    },
  }
}

const put = ({ ingest }: Bench, value: CborValue): Link => ingest.put('dag-cbor', 'other', encode(value))

function benchOn(ingest: Ingest, files: Link, root: ObjectId): Bench {
  const settled = decodeState(ingest.get(dagLink(root)))
  return {
    ingest,
    files,
    file(path, text) {
      const content = ingest.put('raw', 'chunk', Buffer.from(text))
      return { name: path.slice(folderOf(path).length), kind: 'file', mode: 0o644, size: text.length, content }
    },
    entry: path => findPath(ingest, files, path) ?? null,
    edited: edits => editTree(ingest, files, edits),
    changed: to => [...changesBetween(ingest, files, to)],
    list: changes => writeChanges(ingest, changes).link,
    state: to => ingest.put('dag-cbor', 'state', encodeState({ ...settled, files: to })).id,
  }
}

/** Appends the forgery to a closed folder, and signs a checkpoint over it. Returns its seq. */
export async function forge(host: Host, path: string, forgery: Forgery): Promise<number> {
  const root = host.files.openDirectory(path) as Directory
  const [runtime, tree, auth] = ['.runtime', '.tree', '.auth'].map(name => root.child(name) as Directory)
  const { clock, random, processes, locks } = host
  const format = runtime!.open('format', 'read')
  const bytes = new Uint8Array(format.stat().size)
  format.read(bytes, 0, bytes.length, 0)
  format.close()
  const { logId } = decodeFormatFile(bytes)
  const parts = { clock, random, processes, access: 'write' } as const
  const journal = openJournal({ ...parts, directory: runtime!, locks, logId })
  const store = openStore({ ...parts, directory: tree! })
  try {
    return await journal.writerLock.hold('forge', undefined, () => {
      const before = journal.head().root as ObjectId
      const ingest = store.beginIngest({ shared: true })
      const { files } = decodeState(ingest.get(dagLink(before)))
      const bench = benchOn(ingest, files, before)
      const forged = forgery.forge(bench)
      const state = forged.files === undefined ? before : bench.state(forged.files)
      ingest.flush()
      const body: Body = {
        actor: 'owner',
        action: 'put',
        subject: { kind: 'file', id: 'a' },
        decision: { effect: 'permit', bundle: null, rule: '' },
        ...forged.body,
      }
      const [record] = journal.append([{ root: state, body }], store.sharedPack())
      journal.setApplied(journal.head().size)
      journal.signCheckpoint(openLogKeys(auth!, logId).signer())
      return record!.seq
    })
  } finally {
    store.close()
    journal.close()
    for (const directory of [auth!, tree!, runtime!, root]) directory.close()
  }
}

/** A segment of which one frame, with a CRC that fits, says that more was on disk before it than stands before it. */
export function withBaseBehind(segment: Uint8Array, index: number): Buffer {
  const bytes = Buffer.from(segment)
  const seed = frameSeed(decodeSegmentHeader(bytes).logId)
  for (let offset = segmentHeaderBytes, at = 0; ; at++) {
    const frame = decodeFrameAt(bytes, offset, seed)
    assert.ok(frame.state === 'ok')
    if (at === index) {
      const { envelopeBytes, salt, bodyBytes } = frame
      const body = salt === null || bodyBytes === null ? null : { salt, bodyBytes }
      bytes.set(encodeFrame({ envelopeBytes, body, base: offset + 1 }, seed), offset)
      return bytes
    }
    offset = frame.nextOffset
  }
}
