// Root folders for the tests of timeline and worktree: made on any host, driven through `System`, changed behind its
// back through a plain directory handle, and described as flat objects that deepEqual can compare.

import assert from 'node:assert/strict'
import { type ErrorCode, isSentientError, type SentientError } from '../../../src/core/errors.ts'
import { decodeFormatFile } from '../../../src/core/format/formatFile.ts'
import { objectId } from '../../../src/core/format/id.ts'
import type { ByteString, Directory, Host } from '../../../src/core/host/host.ts'
import { openJournal } from '../../../src/core/journal/journal.ts'
import { openStore } from '../../../src/core/store/store.ts'
import type { ObjectWriter } from '../../../src/core/store/tree.ts'
import { type ByteSource, initRoot, type OpenOptions, openSystem, type System } from '../../../src/core/system.ts'
import type { TimelineContext } from '../../../src/core/timeline/context.ts'
import type { GovernedPath, StatePoint, Work } from '../../../src/core/timeline/model.ts'
import { replayTrace } from '../../../src/core/timeline/trace.ts'
import { isOutsideFiles } from '../../../src/core/worktree/reserved.ts'
import {
  buildTree,
  createTestClock,
  createTestHost,
  describeTree,
  makeTemporaryFolder,
  type Tree,
  type TreeEntry,
} from '../../support/host.ts'

/** Where a root folder can be made: a host to run on, and a handle for changes that the host knows nothing of. */
export interface TimelineSubject {
  readonly host: Host
  /** An empty directory, as `host` finds it. */
  readonly path: string
  readonly directory: Directory
  /** Moves the clock. */
  advance(ms: number): void
  remove(): void
}

/** A folder on a memory disk of its own, with a clock that only tests move. */
export function inMemory(): TimelineSubject {
  const host = createTestHost({ stateDirectoryPath: '/state' })
  const top = host.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  top.close()
  return { host, path: '/folder', directory, remove: () => directory.close(), advance: host.clock.advance }
}

/** A folder on the real disk. Its clock starts at the real time, as ages are told by the times of real files. */
export function onDisk(): TimelineSubject {
  const clock = createTestClock({ startMicros: Date.now() * 1000 })
  const { host, path, directory, remove } = makeTemporaryFolder({ clock })
  return { host, path, directory, remove, advance: clock.advance }
}

/** Runs long work to its end. */
export async function finished<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

/** The work must fail with one of these codes. */
export async function refused(work: Work<unknown> | Promise<unknown>, ...codes: ErrorCode[]): Promise<SentientError> {
  try {
    const value = Symbol.asyncIterator in work ? await finished(work) : await work
    throw new assert.AssertionError({ message: `expected ${codes.join(' or ')}, but it succeeded`, actual: value })
  } catch (error) {
    if (!isSentientError(error) || !codes.includes(error.code)) throw error
    return error
  }
}

export function sourceOf(content: string | Uint8Array): ByteSource {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return {
    size: bytes.length,
    read(target, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
  }
}

export const put = (system: System, path: GovernedPath, content: string | Uint8Array) =>
  finished(system.put(path, sourceOf(content)))

export const openRoot = (subject: Pick<TimelineSubject, 'host' | 'path'>, options: Partial<OpenOptions> = {}) =>
  openSystem(subject.host, { rootPath: subject.path, access: 'write', ...options })

/** A root folder that holds `tree`, freshly adopted, and its System. */
export async function makeRoot(
  subject: TimelineSubject,
  tree: Tree = {},
  options: Partial<OpenOptions> = {},
): Promise<System> {
  buildTree(subject.directory, tree)
  await finished(initRoot(subject.host, { path: subject.path, zk: true }))
  return openRoot(subject, options)
}

/** What the governed tree holds on disk: `{'a/': 'dir 755', 'a/f': 'file 644 content', 'l': 'symlink target'}`. */
export function diskOf(directory: Directory): Record<string, string> {
  const lines = Object.entries(describeTree(directory))
  return Object.fromEntries(lines.filter(([path]) => !isOutsideFiles(path.replace(/\/.*/s, ''))))
}

/** What a state records, in the words of `diskOf`. */
export function recordedAt(system: System, point: StatePoint): Record<string, string> {
  const lines: [string, string][] = []
  for (const { path, entry } of system.walkState(point)) {
    if (entry.kind === 'dir') lines.push([`${path}/`, `dir ${entry.mode.toString(8)}`])
    else {
      const text = contentAt(system, path, point)
      lines.push([path, entry.kind === 'symlink' ? `symlink ${text}` : `file ${entry.mode.toString(8)} ${text}`])
    }
  }
  return Object.fromEntries(lines.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const recordedOf = (system: System): Record<string, string> => recordedAt(system, system.resolve('now'))

/** A file's bytes in a state, as latin1. */
export function contentAt(system: System, path: GovernedPath, point: StatePoint): string {
  const file = system.openFile(path, point)
  assert.ok(file !== undefined, `${path} is in ${point.text}`)
  const bytes = Buffer.alloc(file.size)
  for (let got = 0; got < bytes.length; ) {
    const count = file.read(bytes, got, bytes.length - got, got)
    assert.ok(count > 0)
    got += count
  }
  file.close()
  return bytes.toString('latin1')
}

/** Changes outside: a part of the tree as `buildTree` takes it; null removes a path and all below it. */
export type Edits = { readonly [path: GovernedPath]: TreeEntry | null }

/** Does to the disk what other programs do; parents must be there, what stands at a path is replaced. */
export function editOutside(directory: Directory, edits: Edits): void {
  for (const [path, entry] of Object.entries(edits)) {
    const parts = path.split('/')
    const name = parts.pop() as ByteString
    let parent = directory.clone()
    for (const part of parts) {
      const next = parent.child(part)
      parent.close()
      assert.ok(next !== undefined, `the parent of ${path} is there`)
      parent = next
    }
    const stands = parent.stat(name)?.kind
    const keeps = entry !== null && stands === 'file' && (typeof entry === 'string' || entry instanceof Uint8Array)
    if (stands !== undefined && !keeps) removeOutside(parent, name)
    if (entry !== null) buildTree(parent, { [name]: entry })
    parent.close()
  }
}

function removeOutside(parent: Directory, name: ByteString): void {
  if (parent.stat(name)?.kind !== 'dir') {
    parent.removeFile(name)
    return
  }
  const directory = parent.child(name) as Directory
  for (const item of directory.list()) removeOutside(directory, item.name)
  directory.close()
  parent.removeDirectory(name)
}

/** How the tree stands: `{path: state}` of every path that differs. */
export async function changesOutside(system: System): Promise<Record<string, string>> {
  const report = await finished(system.status())
  return Object.fromEntries(report.changes.map(({ path, state }) => [path, state]))
}

/** Leaf hashes of all records: what was acknowledged must be a prefix of this for ever. */
export const leavesOf = (system: System): string[] => [...system.records()].map(record => record.leaf)

/** Journal and store of a closed root folder from end to end: every frame, chain, object and reachable entry. */
export async function assertSound({ host, path }: Pick<TimelineSubject, 'host' | 'path'>): Promise<void> {
  const root = host.files.openDirectory(path) as Directory
  const runtime = root.child('.runtime') as Directory
  const tree = root.child('.tree') as Directory
  const format = runtime.open('format', 'read')
  const bytes = new Uint8Array(format.stat().size)
  format.read(bytes, 0, bytes.length, 0)
  format.close()
  const { clock, random, processes, locks } = host
  const { logId } = decodeFormatFile(bytes)
  const journal = openJournal({ directory: runtime, clock, random, processes, locks, access: 'read', logId })
  const store = openStore({ directory: tree, clock, random, processes, access: 'read' })
  try {
    assert.equal(journal.damage(), undefined)
    const { findings } = await finished(journal.verify())
    assert.deepEqual(findings, [])
    for (const pack of store.packs()) {
      for (const item of store.scanPack(pack.number, { deep: true })) {
        assert.equal(item.state, 'intact', `pack ${pack.number} at ${item.offset}: ${item.reason}`)
      }
    }
  } finally {
    store.close()
    journal.close()
    for (const directory of [tree, runtime, root]) directory.close()
  }
}

/** Every state that a record from `from` on names can be read, down to the last byte of every file. */
export function assertReadable(system: System, from = 0): void {
  const seen = new Set<string>()
  for (const { root, seq, time } of system.records({ from })) {
    if (seen.has(root)) continue
    seen.add(root)
    recordedAt(system, { root: root as StatePoint['root'], seq, time, text: `#${seq}` })
  }
  for (const { seq } of system.records({ from })) for (const _ of system.recordChanges(seq));
}

/** Replays recycle.trace of a closed root folder from its base state; nothing is written. */
export async function replayedTrace({ host, path }: Pick<TimelineSubject, 'host' | 'path'>) {
  const root = host.files.openDirectory(path) as Directory
  const tree = root.child('.tree') as Directory
  const { clock, random, processes } = host
  const store = openStore({ directory: tree, clock, random, processes, access: 'read' })
  const made = new Map<string, Uint8Array>()
  const writer: ObjectWriter = {
    get: link => made.get(link.id) ?? store.get(link),
    put(codec, _kind, bytes) {
      const id = objectId(bytes)
      made.set(id, bytes.slice())
      return { codec, id }
    },
  }
  try {
    return replayTrace(
      { store, directories: { root, runtime: root, tree, derived: undefined } } as TimelineContext,
      writer,
    )
  } finally {
    store.close()
    tree.close()
    root.close()
  }
}
