// `sentctl import`: an archive taken into a directory of its own, or behind what an earlier one brought there. It counts
// all at once: until the marks are written nobody sees any of it, and what was begun is removed when it can not be ended.
import { SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { dagLink } from '../format/id.ts'
import { decodeBody, decodeEnvelope } from '../format/record.ts'
import type { Directory, Host } from '../host/host.ts'
import { createSlicer, type Progress, type Slicer } from '../progress.ts'
import { openStore } from '../store/store.ts'
import { type Archive, readArchive } from './archiveCheck.ts'
import { aboutForget, forgetBodies, openReceived } from './backup.ts'
import { addForgotten, type Chain, createChain, emptyChain } from './chain.ts'
import { removeTree } from './files.ts'
import { copyPack, type PackFile } from './packs.ts'
import { createNeeds, type Need } from './reachable.ts'
import { createSegmentWriter, cutBack, framesIn } from './segments.ts'
import { chainStart } from './source.ts'
import { badArchive, partOf, type Source } from './tar.ts'
import { type Commit, openTarget, otherLog, type Target } from './target.ts'

export type ImportHost = Pick<Host, 'locks' | 'random' | 'clock' | 'processes'>

export interface ImportOptions {
  readonly host: ImportHost
  readonly source: Source
  /** The directory that is there already; undefined: it is still to be made, by `make`. */
  readonly to: Directory | undefined
  readonly make: () => Directory
  readonly signal?: AbortSignal | undefined
}

export interface ImportReport {
  readonly logId: string
  /** Records that it has now, and had before. */
  readonly records: number
  readonly before: number
  readonly packs: number
  /** Records that the newest signed checkpoint covers. */
  readonly signed: number
}

type Work<T> = AsyncGenerator<Progress, T, void>

interface Taking {
  readonly options: ImportOptions
  readonly archive: Archive
  readonly target: Target
  readonly slicer: Slicer
}

const dotfolders = ['.runtime', '.tree', '.auth', '.db']

/** Throws DAMAGED for what is no whole archive, DIVERGED for one that does not go on from what is there. */
export async function* importArchive(options: ImportOptions): Work<ImportReport> {
  const slicer = createSlicer(options.host.clock, options.signal)
  const archive = yield* readArchive(options.source, slicer)
  const isNew = options.to === undefined || options.to.list().length === 0
  if (isNew) {
    if (archive.from > 0) throw gap(archive, 0, 'There is nothing there')
    // Before anything is made: a history that does not hold together is not begun.
    yield* checkRecords(options.source, archive, { chain: createChain(emptyChain, chainOptions(archive)), slicer })
  }
  const to = options.to ?? options.make()
  let done = false
  try {
    const target = openTarget(options.host, to, archive.format.logId)
    try {
      const report = yield* takeIn({ options, archive, target, slicer })
      done = true
      return report
    } finally {
      target.close()
    }
  } finally {
    if (isNew && !done) for (const name of dotfolders) removeTree(to, name)
    if (options.to === undefined) to.close()
  }
}

const chainOptions = ({ checkpoint }: Archive) => ({
  where: 'the archive',
  ...(checkpoint === undefined ? {} : { rootAt: checkpoint.size }),
})

const gap = (archive: Archive, size: number, what: string): SentientError =>
  new SentientError('STATE_NOT_FOUND', {
    what: `${what}, and the archive begins with record ${archive.from}`,
    expected: `an archive from record ${size} on or before`,
    hint: `Export one with --since ${Math.max(0, size - 1)}, or without --since.`,
  })

async function* takeIn(taking: Taking): Work<ImportReport> {
  const { options, archive, target, slicer } = taking
  const { host } = options
  refuseOther(taking)
  if (target.size < archive.from) throw gap(archive, target.size, `The directory has ${target.size} records`)
  const received = target.format === undefined ? undefined : openReceived(host, target)
  let start = emptyChain
  try {
    start = received === undefined || archive.from === 0 ? emptyChain : chainStart(received, archive.from)
  } finally {
    received?.close()
  }
  const chain = createChain(start, chainOptions(archive))
  const read = yield* checkRecords(options.source, archive, { chain, slicer, known: target })
  const report = { logId: hexOf(archive.format.logId), before: target.size }
  const made: PackFile[] = []
  let counts = false
  try {
    if (chain.size < target.size) {
      counts = true
      return { ...report, records: target.size, packs: 0, signed: archive.checkpoint?.size ?? 0 }
    }
    let { position } = target
    if (chain.size > target.size) {
      yield* takePacks(taking, made)
      yield* checkObjects(taking, { horizon: read.horizon, forgotten: chain.forgotten.objects })
      position = yield* takeRecords(taking)
    }
    const change: Commit = {
      ...{ size: chain.size, leaf: chain.leaf, position, format: archive.formatBytes, keys: archive.keys },
      checkpoint: archive.checkpoint,
      growing: undefined,
    }
    target.commit(change)
    counts = true
    const objects = yield* forgetBodies({ target, options, slicer }, change)
    yield* tidyPacks(taking, made, objects)
    return { ...report, records: chain.size, packs: made.length, signed: archive.checkpoint?.size ?? 0 }
  } finally {
    if (!counts && target.storedSize() === target.size) takeBack(target, made)
  }
}

/** What a reader would take for records goes before what they need. */
function takeBack(target: Target, made: readonly PackFile[]): void {
  cutBack(target.journal, target.position)
  target.removePacks(made)
}

/** Another log, or a key that stands there otherwise. */
function refuseOther({ archive, target }: Taking): void {
  const { format, root, auth } = target
  if (format !== undefined && !equalBytes(format.logId, archive.format.logId))
    throw otherLog(root, format.logId, archive.format.logId)
  for (const [name, bytes] of archive.keys) {
    const stat = auth.stat(name)
    if (stat === undefined) continue
    const file = auth.open(name, 'read')
    const known = new Uint8Array(bytes.length)
    const count = file.read(known, 0, known.length, 0)
    file.close()
    if (stat.size === bytes.length && count === bytes.length && equalBytes(known, bytes)) continue
    throw new SentientError('DIVERGED', { what: 'The archive has another key', where: `${root.path}/.auth/${name}` })
  }
}

interface Reading {
  readonly chain: Chain
  readonly slicer: Slicer
  /** What the directory has: the archive must agree as far as both go. */
  readonly known?: Pick<Target, 'size' | 'leaf' | 'root'>
}

/** Walks all records of the archive; the highest horizon that a gc among them names. */
async function* checkRecords(
  source: Source,
  archive: Archive,
  { chain, slicer, known }: Reading,
): Work<{ readonly horizon: number }> {
  let horizon = 0
  const agree = (): void => {
    if (known === undefined || chain.size !== known.size || equalBytes(chain.leaf, known.leaf)) return
    throw new SentientError('DIVERGED', {
      what: 'The archive holds another history than the directory; nothing in it was changed',
      where: `${known.root.path}, record ${known.size - 1}`,
      expected: `leaf hash ${hexOf(known.leaf)}`,
      found: hexOf(chain.leaf),
      hint: 'Keep both: the signed checkpoints in them are the evidence.',
    })
  }
  for (const segment of archive.segments) {
    if (segment.first !== chain.size) throw badArchive('a segment is missing', segment.offset)
    const file = partOf(source, segment)
    for (const frame of framesIn(file, { ...segment, where: segment.name })) {
      if (known !== undefined && chain.size === archive.from && chain.size > 0)
        refuseFork(frame.envelopeBytes, chain, known)
      const { body, envelope } = chain.push(frame)
      const found = body?.action === 'gc' ? body.fields?.horizon : undefined
      if (typeof found === 'number' && found <= envelope.seq) horizon = Math.max(horizon, found)
      agree()
      if (!slicer.due()) continue
      yield { phase: 'checking records', done: chain.size, unit: 'records' }
      await slicer.pause()
    }
  }
  chain.finish(() => false)
  const { checkpoint } = archive
  if (checkpoint === undefined) return { horizon }
  if (checkpoint.size > chain.size) throw badArchive('its checkpoint has more records than it', source.size)
  const root = chain.rootAt(checkpoint.size)
  if (root !== undefined && !equalBytes(root, checkpoint.root))
    throw badArchive('the records do not have the root that was signed', source.size)
  return { horizon }
}

/** The first record says which one it follows: when that is another one, two histories meet here. */
function refuseFork(envelopeBytes: Uint8Array, chain: Chain, known: Pick<Target, 'root'>): void {
  const { prev } = decodeEnvelope(envelopeBytes)
  if (equalBytes(prev, chain.leaf)) return
  throw new SentientError('DIVERGED', {
    what: 'The archive goes on from another history than the directory has',
    where: `${known.root.path}, record ${chain.size - 1}`,
    expected: `leaf hash ${hexOf(chain.leaf)}`,
    found: hexOf(prev),
    hint: 'Keep both: the signed checkpoints in them are the evidence.',
  })
}

async function* takePacks({ options, archive, target, slicer }: Taking, made: PackFile[]): Work<void> {
  const there = new Set(target.packFiles().map(({ id, bytes }) => `${id} ${bytes}`))
  const total = archive.packs.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  for (const pack of archive.packs) {
    if (there.has(`${pack.id} ${pack.size}`)) continue
    const number = target.freeNumber(pack.number)
    const file = { number, id: pack.id, bytes: pack.size }
    const request = { pack: { ...file, soundBytes: pack.size, grows: false }, number, where: pack.name }
    made.push(file)
    const steps = copyPack(partOf(options.source, pack), target.packs, request)
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      done += step.value
      if (!slicer.due()) continue
      yield { phase: 'taking objects in', done, total, unit: 'bytes' }
      try {
        await slicer.pause()
      } catch (error) {
        steps.return(0)
        throw error
      }
    }
  }
  target.packs.flush()
}

/** Everything that the new records need is there now, but for what was pruned or forgotten. */
async function* checkObjects(
  taking: Taking,
  gone: { readonly horizon: number; readonly forgotten: ReadonlySet<string> },
): Work<void> {
  const { options, target, archive, slicer } = taking
  const { clock, random, processes } = options.host
  const store = openStore({ directory: target.tree, clock, random, processes, access: 'read' })
  const received = target.format === undefined ? undefined : openReceived(options.host, target)
  try {
    let seq = 0
    const forgotten = new Set(gone.forgotten)
    for (const found of received?.search({ from: 0 }, aboutForget) ?? []) {
      if (found.state === 'intact' && found.record.body?.action === 'forget')
        addForgotten(found.record.body, { records: [], objects: forgotten })
      if (slicer.due()) await slicer.pause()
    }
    const needs = createNeeds(store, () => {})
    const before = received?.read(target.size - 1)
    if (before?.state === 'intact')
      for (const _ of needs.know(dagLink(before.record.envelope.root))) if (slicer.due()) await slicer.pause()
    const check = ({ link, horizonMax }: Need): void => {
      if (store.has(link.id) || forgotten.has(link.id) || horizonMax < gone.horizon) return
      throw badArchive(`record ${seq} needs an object that is not in it`, 0)
    }
    for (const segment of archive.segments) {
      for (const frame of framesIn(partOf(options.source, segment), { ...segment, where: segment.name })) {
        const envelope = decodeEnvelope(frame.envelopeBytes)
        seq = envelope.seq
        if (seq < target.size) continue
        const body = frame.bodyBytes === null ? undefined : decodeBody(frame.bodyBytes)
        for (const need of needs.of({ envelope, body })) {
          check(need)
          if (!slicer.due()) continue
          yield { phase: 'looking for all objects', done: seq, unit: 'records' }
          await slicer.pause()
        }
      }
    }
  } finally {
    received?.close()
    store.close()
  }
}

async function* takeRecords({ options, archive, target, slicer }: Taking): Work<Commit['position']> {
  const writer = createSegmentWriter(target.journal, { start: target.position, logId: archive.format.logId })
  try {
    for (const segment of archive.segments) {
      let seq = segment.first
      for (const frame of framesIn(partOf(options.source, segment), { ...segment, where: segment.name })) {
        if (seq >= target.size) writer.append(seq, frame)
        seq++
        if (!slicer.due()) continue
        yield { phase: 'taking records in', done: seq, unit: 'records' }
        await slicer.pause()
      }
    }
    writer.finish()
    return writer.position
  } finally {
    writer.close()
  }
}

/** Packs get their indexes; those that hold what was forgotten are written anew without it. */
async function* tidyPacks(
  { options, target }: Taking,
  made: readonly PackFile[],
  objects: ReadonlySet<string>,
): Work<void> {
  const { clock, random, processes } = options.host
  const store = openStore({ directory: target.tree, clock, random, processes, access: 'write' })
  try {
    if (objects.size > 0) {
      const { signal } = options
      yield* store.collect(id => !objects.has(id), { urgent: true, thorough: true, ...(signal && { signal }) })
    }
    const there = new Set(store.packs().map(({ number }) => number))
    for (const { number } of made) {
      if (there.has(number)) store.rebuildIndex(number)
      yield { phase: 'making indexes', done: number, unit: 'objects' }
    }
  } finally {
    store.close()
  }
}
