// Makes the frozen root folders of format/fixtures: one that is sound and six that something happened to, each a tar
// archive, and a list of what a program must find in them. Made once for a version of the format: nothing is overwritten.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { isSentientError } from '../src/core/errors.ts'
import { objectId } from '../src/core/format/id.ts'
import { createFailingHost, SimulatedCrash } from '../src/core/host/failing.ts'
import type { ByteString, Directory, Host } from '../src/core/host/host.ts'
import type { MemorySnapshot } from '../src/core/host/memory.ts'
import { type ByteSource, initRoot, type OpenOptions, openSystem, type System } from '../src/core/system.ts'
import {
  buildTree,
  createSeededRandomness,
  createTestHost,
  file,
  readFile,
  symlink,
  type TestHost,
  type Tree,
  testStartMicros,
  writeFile,
} from '../test/support/host.ts'
import { type TarItem, tarOf } from './tar.ts'

/** What a program must find in one of the archives. */
export interface Expectation {
  readonly about: string
  readonly sha256: string
  readonly opens: 'write' | 'read'
  readonly records: number
  /** The id of the last state, in hex. */
  readonly stateRoot: string
  /** How many records the stored checkpoint covers. */
  readonly checkpoint: number
  /** Codes of all damage and drift that `verify --deep` finds, sorted, each once. */
  readonly codes: readonly string[]
  /** What a finding must name. */
  readonly names: { readonly seq?: number; readonly path?: string; readonly where?: string }
  /** Whether what only the history holds can be read before any repair. */
  readonly keptReadable: boolean
  /** Whether `repair` brings back everything, or says that something is lost for good. */
  readonly repairRestoresAll: boolean
}

export interface Expectations {
  readonly format: number
  /** The root folder's name in every archive. */
  readonly folder: string
  /** The action of each record. */
  readonly actions: readonly string[]
  /** The names of the snapshots, oldest first. */
  readonly snapshots: readonly string[]
  /** What only the history holds: a file as it was in a snapshot. */
  readonly kept: { readonly snapshot: string; readonly path: string; readonly bytes: number; readonly sha256: string }
  readonly archives: Readonly<Record<string, Expectation>>
}

interface Variant {
  readonly about: string
  /** Whether `.db` comes along. */
  readonly caches?: boolean
  /** Where it differs from the sound folder. */
  readonly finds: Partial<Omit<Expectation, 'about' | 'sha256'>>
  /** Does to the sound folder what happened to it. */
  readonly happens: (story: Story) => Promise<void> | void
}

const version = 1
const folder = 'root'
const folderPath = `/${folder}`
const mebibyte = 1 << 20

const damagedSeq = 12
const damagedPath = 'src/main.c'
const halfFrameBytes = 240
const cutMarksBytes = 100

const variants: Readonly<Record<string, Variant>> = {
  'clean.tar': { about: 'As it was closed.', finds: {}, happens: () => {} },
  'torn-tail.tar': {
    about: `The program was killed while it appended a record: ${halfFrameBytes} bytes of it stand behind the marked end.`,
    finds: {},
    happens: story => killWhileAppending(story, halfFrameBytes),
  },
  'flipped-bit-journal.tar': {
    about: `One bit is flipped in the body of record ${damagedSeq}; its checksums tell which.`,
    finds: { codes: ['record-damaged'], names: { seq: damagedSeq } },
    happens: ({ host }) => flipBitOfRecord(host, damagedSeq),
  },
  'flipped-bit-pack.tar': {
    about: `One bit is flipped in the stored content of ${damagedPath}; the file itself is as it should be.`,
    finds: { codes: ['pack-entry-damaged'], names: { path: damagedPath } },
    happens: ({ host }) => flipBitOfObject(host, Buffer.from(mainSource)),
  },
  'missing-pack.tar': {
    about: 'The second of three packs is gone; its index and all caches are still there.',
    caches: true,
    finds: { codes: ['object-missing'], keptReadable: false, repairRestoresAll: false },
    happens: ({ host }) => inFolder(host, ['.tree', 'packs'], packs => packs.removeFile('000000000002.pack')),
  },
  'old-index.tar': {
    about: 'The last pack has the index of when it was shorter, which is sound; the first has garbage for an index.',
    finds: { codes: ['index-damaged'], names: { where: '.tree/packs/000000000001.idx' } },
    happens: ({ host, oldIndex }) =>
      inFolder(host, ['.tree', 'packs'], packs => {
        writeFile(packs, '000000000003.idx', oldIndex)
        writeFile(packs, '000000000001.idx', createSeededRandomness(7).bytes(700))
      }),
  },
  'cut-marks.tar': {
    about: `The marks end after ${cutMarksBytes} bytes: neither slot is whole.`,
    finds: { codes: ['marks-damaged'] },
    happens: ({ host }) =>
      inFolder(host, ['.runtime'], runtime =>
        writeFile(runtime, 'marks', readFile(runtime, 'marks').subarray(0, cutMarksBytes)),
      ),
  },
}

/** The files of the fixtures' folder, by name; the same at every run of one program. */
export async function makeFixtures(): Promise<ReadonlyMap<string, Uint8Array>> {
  const story = await tellStory()
  const { stateRoot, actions, snapshots } = story
  const records = actions.length
  const made = new Map<string, Uint8Array>()
  const archives: Record<string, Expectation> = {}
  for (const [name, { about, finds, happens, caches = false }] of Object.entries(variants)) {
    story.host.disk.restore(story.end)
    await happens(story)
    const bytes = inFolder(story.host, [], root => archiveOf(root, caches ? leftOut : [...leftOut, '.db']))
    made.set(name, bytes)
    archives[name] = {
      ...{ about, sha256: sha256(bytes), opens: 'write', records, stateRoot, checkpoint: records },
      ...{ codes: [], names: {}, keptReadable: true, repairRestoresAll: true },
      ...finds,
    }
  }
  const { snapshot, path: keptPath, content } = kept
  const expected: Expectations = {
    format: version,
    folder,
    actions,
    snapshots,
    kept: { snapshot, path: keptPath, bytes: content.length, sha256: sha256(content) },
    archives,
  }
  made.set('expected.json', Buffer.from(`${JSON.stringify(expected, null, 2)}\n`))
  return made
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

// The root folder, and what was done in it.

/** Names are bytes. */
const utf8 = (text: string): ByteString => Buffer.from(text).toString('latin1')

const mainSource = '#include <stdio.h>\n\nint main(void) {\n  puts("one");\n  return 0;\n}\n'

const adopted: Tree = {
  'sentient.yaml': 'version: 1\nretention: { snapshots: 64 }\n',
  notes: { 'plan.md': '- look\n- leap\n', 'ideas.txt': 'none yet\n', 'empty.txt': '' },
  src: {
    'main.c': mainSource,
    'util.c': 'int twice(int n) { return 2 * n; }\n',
    'util.h': 'int twice(int n);\n',
    'build.sh': file('#!/bin/sh\nexec cc *.c\n', 0o755),
    'secret.key': file('not a key\n', 0o600),
  },
  odd: {
    ...Object.fromEntries(['with space', '-dash', '.hidden', 'back\\slash', 'new\nline'].map(name => [name, ''])),
    ...Object.fromEntries(['größe', 'rtl\u202etxt', '\u{1f332}', 'Twin', 'twin'].map(name => [utf8(name), ''])),
    'tab\tand\x01control': '',
    '\xff\xfe\x80': 'no UTF-8\n',
    ['n'.repeat(255)]: 'as long as a name can be\n',
    'read-only': file('look, do not touch\n', 0o444),
    hollow: {},
    deep: { er: { 'leaf.txt': 'far down\n' } },
    plan: symlink('../notes/plan.md'),
    nowhere: symlink('no/such/file'),
    [utf8('ünïcode')]: symlink(utf8('größe')),
  },
}

const kept = { snapshot: 'with-the-big-file', path: 'data/big.txt', content: bigContent() }

/**
 * Two and a half mebibytes that compress well. The last bytes of the odd line are a place where the chunker cuts; the
 * other chunks grow as large as a chunk can.
 */
function bigContent(): Uint8Array {
  const block = 'and on it goes, on and on, and on\n'.repeat(300)
  const cut = 'cut after 97162\n'
  let text = ''
  for (let number = 1; text.length < 2.5 * mebibyte; number++)
    text += `block ${number}\n${block}${number === 70 ? cut : ''}`
  return Buffer.from(text)
}

interface Story {
  readonly host: TestHost
  /** The disk as the last program left it. */
  readonly end: MemorySnapshot
  readonly stateRoot: string
  readonly actions: readonly string[]
  readonly snapshots: readonly string[]
  /** The last pack's index as it was when the pack was shorter. */
  readonly oldIndex: Uint8Array
}

async function tellStory(): Promise<Story> {
  const host = createTestHost({ seed: version })
  const top = host.files.openDirectory('/') as Directory
  top.makeDirectory(folder, 0o755)
  top.close()
  inFolder(host, [], root => buildTree(root, adopted))
  await finished(initRoot(host, { path: folderPath, zk: true }))
  beginNewPack(host)
  await session(host, keepsMore)
  beginNewPack(host)
  await session(host, thinsOut)
  const oldIndex = inFolder(host, ['.tree', 'packs'], packs => readFile(packs, '000000000003.idx'))
  await session(host, isRefused, { decide: () => ({ effect: 'deny', bundle: null, rule: 'keep out' }) })
  await session(host, goesBack)
  const system = await openSystem(host, { rootPath: folderPath, access: 'read' })
  const { root: stateRoot } = system.now()
  const actions = [...system.records()].map(({ action }) => action)
  const snapshots = system.snapshots().map(({ name }) => name)
  await system.close()
  return { host, end: host.disk.snapshot(), stateRoot, actions, snapshots, oldIndex }
}

type Deed = (system: System, host: TestHost) => AsyncGenerator<unknown, void, void>

/** One program that opens the folder, does its work and closes it, an hour after the one before. */
async function session(host: TestHost, deed: Deed, options: Partial<OpenOptions> = {}): Promise<void> {
  host.clock.advance(3_600_000)
  const system = await openSystem(host, { rootPath: folderPath, access: 'write', ...options })
  try {
    await finished(deed(system, host))
  } finally {
    await system.close()
  }
}

/** A lost `.tree/shared` makes the next writer begin a new pack. */
function beginNewPack(host: Host): void {
  inFolder(host, ['.tree'], tree => tree.removeFile('shared'))
}

async function* keepsMore(system: System, host: TestHost): AsyncGenerator<unknown, void, void> {
  yield* system.put(kept.path, sourceOf(kept.content), { parents: true })
  yield* system.put('notes/plan.md', sourceOf('- look\n- think\n- leap\n'))
  yield* system.makeDirectory('src/lib')
  yield* system.move(['src/util.c', 'src/util.h'], 'src/lib')
  host.clock.advance(60_000)
  yield* system.copy(['src/build.sh'], 'src/lib/build.sh')
  yield* system.setMode(['src/secret.key'], () => 0o400)
  yield* system.makeSymlink('notes/lib', '../src/lib')
  yield* system.snapshotCreate({ name: kept.snapshot, label: 'größer "than" others' })
  yield* system.snapshotPin(kept.snapshot, true)
  host.clock.advance(60_000)
  // More names than one leaf of a directory holds.
  const names = Array.from({ length: 65 }, (_, number) => `item-${number}`)
  inFolder(host, [], root => buildTree(root, { many: Object.fromEntries(names.map(name => [name, 'alike\n'])) }))
  yield* system.absorb(['many'])
}

async function* thinsOut(system: System, host: TestHost): AsyncGenerator<unknown, void, void> {
  yield* system.remove([kept.path, 'many'], { recursive: true })
  // Those that were made unasked, of the adoption and of what was removed: the replay chain begins behind them.
  for (const { name, kind } of system.snapshots()) if (kind !== 'manual') yield* system.snapshotRemove(name)
  yield* system.setSetting('retention.snapshots', '32')
  host.clock.advance(60_000)
  yield* system.put('notes/ideas.txt', sourceOf('a wheel\n'))
  yield* system.undo()
  yield* system.redo()
  yield* system.snapshotCreate({ name: 'before-the-drift' })
}

async function* isRefused(system: System): AsyncGenerator<unknown, void, void> {
  try {
    yield* system.put('notes/forbidden.txt', sourceOf('never written\n'))
  } catch (error) {
    if (isSentientError(error, 'DENIED')) return
    throw error
  }
  throw new Error('the write was not refused')
}

async function* goesBack(system: System, host: TestHost): AsyncGenerator<unknown, void, void> {
  yield* system.put('notes/plan.md', sourceOf('- forget it\n'))
  yield* system.remove(['odd/-dash'])
  // By some other program, in the way of the rollback.
  inFolder(host, ['notes'], notes => writeFile(notes, 'plan.md', '- written outside\n'))
  host.clock.advance(60_000)
  yield* system.rollback(system.resolve('before-the-drift'))
  yield* system.restore(['src/util.h'], system.resolve('#1'), { as: 'src/old-util.h' })
  yield* system.put('data/last.txt', sourceOf('the end\n'))
}

async function finished<T>(work: AsyncGenerator<unknown, T, void>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

function sourceOf(content: string | Uint8Array): ByteSource {
  const bytes = Buffer.from(content)
  return {
    size: bytes.length,
    read: (target, offset, length, position) =>
      bytes.copy(target, offset, position, Math.min(bytes.length, position + length)),
  }
}

/** Runs on a directory of the root folder. */
function inFolder<T>(host: Host, names: readonly ByteString[], work: (directory: Directory) => T): T {
  let directory = host.files.openDirectory(folderPath)
  for (const name of names) {
    const child = directory?.child(name)
    directory?.close()
    directory = child
  }
  if (directory === undefined) throw new Error(`${[folderPath, ...names].join('/')} is missing`)
  try {
    return work(directory)
  } finally {
    directory.close()
  }
}

// What happened to it.

/** After its objects, the program writes a part of its record and is gone. */
async function killWhileAppending({ host }: Story, bytes: number): Promise<void> {
  const mortal = createFailingHost(host)
  const system = await openSystem(mortal, { rootPath: folderPath, access: 'write' })
  mortal.faults.failWhen(({ call, path: at }) =>
    call === 'write' && at.endsWith('.seg') ? { kind: 'crash', bytes } : undefined,
  )
  try {
    await finished(system.put('notes/plan.md', sourceOf('- half\n')))
  } catch (error) {
    if (error instanceof SimulatedCrash) return
    throw error
  }
  throw new Error('the program lives')
}

/** Where the frame of a record lies: a marker, its length, CRC and base, so many bytes, the length again. */
function flipBitOfRecord(host: Host, seq: number): void {
  inFolder(host, ['.runtime', 'journal'], journal => {
    const name = '00000000000000000000.seg'
    const bytes = Buffer.from(readFile(journal, name))
    let at = 32
    for (let passed = 0; passed < seq; passed++) at += 20 + bytes.readUInt32LE(at + 4)
    const last = at + 16 + bytes.readUInt32LE(at + 4) - 1
    writeFile(journal, name, withBitFlipped(bytes, last - 20))
  })
}

/** Of the payload of the first entry that holds these bytes: after a header of 56 with the id at 20. */
function flipBitOfObject(host: Host, content: Uint8Array): void {
  const id = Buffer.from(objectId(content), 'hex')
  inFolder(host, ['.tree', 'packs'], packs => {
    for (const { name } of packs.list()) {
      if (!name.endsWith('.pack')) continue
      const bytes = Buffer.from(readFile(packs, name))
      for (let at = 16; at < bytes.length; at += 56 + bytes.readUInt32LE(at + 8)) {
        if (!bytes.subarray(at + 20, at + 52).equals(id)) continue
        writeFile(packs, name, withBitFlipped(bytes, at + 56 + 10))
        return
      }
    }
    throw new Error('no pack holds the object')
  })
}

function withBitFlipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] as number) ^ 0x10)
}

// The archive.

/** Never copied: what one machine's programs tell each other, and directories that opening makes. */
const leftOut: readonly ByteString[] = ['lock', 'holder', 'waiting', 'stage']
  .map(name => `.runtime/${name}`)
  .concat('.tree/stage')

/** A directory as a tar archive, in order of the names, all of one time. */
function archiveOf(root: Directory, without: readonly ByteString[]): Uint8Array {
  const items: TarItem[] = [{ name: `${folder}/`, mode: root.selfStat().mode, type: 'directory' }]
  const visit = (directory: Directory, prefix: ByteString): void => {
    const names = directory.list().map(({ name }) => name)
    for (const name of names.sort()) {
      const below = prefix + name
      if (without.includes(below)) continue
      const stat = directory.stat(name)
      const item = { name: `${folder}/${below}`, mode: stat?.mode ?? 0 }
      if (stat?.kind === 'file') items.push({ ...item, type: 'file', content: readFile(directory, name) })
      else if (stat?.kind === 'symlink') items.push({ ...item, type: 'symlink', target: directory.readLink(name) })
      else {
        items.push({ ...item, name: `${item.name}/`, type: 'directory' })
        const child = directory.child(name) as Directory
        visit(child, `${below}/`)
        child.close()
      }
    }
  }
  visit(root, '')
  return tarOf(items, Math.floor(testStartMicros / 1_000_000))
}

async function main(target: string): Promise<void> {
  if (fs.existsSync(path.join(target, 'expected.json')))
    throw new Error(`${target} is there already: fixtures are frozen, a later version gets a folder of its own.`)
  fs.mkdirSync(target, { recursive: true })
  for (const [name, bytes] of await makeFixtures()) {
    fs.writeFileSync(path.join(target, name), bytes, { flag: 'wx' })
    console.log(`${name} ${bytes.length}`)
  }
}

if (process.argv[1] === import.meta.filename) {
  try {
    await main(path.join(import.meta.dirname, '..', 'format', 'fixtures', `v${version}`))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
