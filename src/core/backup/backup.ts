// `sentctl backup`: the history of a root folder carried into another directory, where it can be read, verified, and
// taken from by `repair --from`. Only what is new is copied and all of it is checked on its way. It takes no lock at the
// source: others write, and gc swaps packs, while it runs.
import { SentientError } from '../errors.ts'
import { bytesOfText } from '../format/bodyBytes.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { decodeFormatFile } from '../format/formatFile.ts'
import { segmentFileName } from '../format/frame.ts'
import { leafHash } from '../format/merkle.ts'
import { packHeaderBytes } from '../format/pack.ts'
import { bodyHash, decodeEnvelope } from '../format/record.ts'
import type { Directory, Host } from '../host/host.ts'
import { type Journal, openJournal } from '../journal/journal.ts'
import { createSlicer, type Progress, type Slicer } from '../progress.ts'
import { addForgotten, createChain } from './chain.ts'
import { divergence } from './divergence.ts'
import { copyIndex, copyPack, openSourcePack, type PackFile, type SourcePack, updatePack } from './packs.ts'
import { createSegmentWriter, forgetIn, type Position, segmentsOf, soundFramesIn } from './segments.ts'
import { chainStart, type Look, lookAt, type SourceContext } from './source.ts'
import { type Commit, openTarget, type Target, targetDamaged } from './target.ts'

export type BackupHost = Pick<Host, 'locks' | 'random' | 'clock' | 'processes'>

export interface BackupOptions {
  readonly context: SourceContext
  readonly host: BackupHost
  /** The directory; closed by the caller. */
  readonly to: Directory
  /** Looks at everything that is there already too, and replaces what is not as it should be. */
  readonly deep?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface BackupReport {
  /** Records that it holds, and how many it held before. */
  readonly records: number
  readonly before: number
  readonly packs: number
  /** Bytes that were written of records and of objects. */
  readonly bytes: number
  /** Packs that the source no longer has. */
  readonly removedPacks: number
  /** Records that the newest signed checkpoint covers. */
  readonly signed: number
}

type Work<T> = AsyncGenerator<Progress, T, void>

interface Run {
  readonly options: BackupOptions
  readonly target: Target
  readonly slicer: Slicer
}

/** How often a pack that vanished makes it look again; each time what was copied stays. */
const roundsMax = 50

export async function* backup(options: BackupOptions): Work<BackupReport> {
  const { context, host, to, signal } = options
  let look = lookAt(context)
  const { logId } = decodeFormatFile(look.format)
  const target = openTarget(host, to, logId, { tolerant: options.deep === true })
  try {
    const run: Run = { options, target, slicer: createSlicer(host.clock, signal) }
    let start = startOf(run, look)
    if (options.deep === true) start = yield* soundStart(run, start)
    let bytes = 0
    for (let round = 1; ; round++) {
      const copied = yield* copyPacks(run, look)
      bytes += copied.bytes
      if (!copied.vanished) break
      if (round === roundsMax) throw new SentientError('LOCKED', { what: 'Packs are being removed all the time' })
      look = lookAt(context)
    }
    const records = yield* copyRecords(run, look, start)
    const change: Commit = {
      size: look.size,
      ...records.end,
      format: look.format,
      keys: look.keys,
      checkpoint: look.checkpoint,
      growing: growingIn(target, look),
    }
    target.commit(change)
    yield* forgetBodies(run, change)
    const kept = new Set(look.packs.map(({ id }) => id))
    const removed = target.packFiles().filter(({ id }) => !kept.has(id))
    target.removePacks(removed)
    return {
      records: look.size,
      before: start.size,
      packs: look.packs.length,
      bytes: bytes + records.bytes,
      removedPacks: removed.length,
      signed: look.checkpoint?.size ?? 0,
    }
  } finally {
    target.close()
  }
}

interface Start {
  readonly size: number
  readonly position: Position
}

/** Where to go on; throws DIVERGED when the source does not go on from what the target has. */
function startOf({ target, options }: Run, look: Look): Start {
  const { size, position } = target
  if (size === 0) return { size, position }
  const { journal } = options.context
  if (size > look.size || !equalBytes(journal.leafHashes(size - 1, size)[0]!, target.leaf)) {
    const received = openReceived(options.host, target)
    try {
      const common = Math.min(size, look.size)
      const place = { where: target.root.path, receivedSize: size, offeredSize: look.size }
      throw divergence({ offered: journal, received, common }, place)
    } finally {
      received.close()
    }
  }
  const isThere = segmentBytes(target, position.segment) >= position.bytes
  if (!isThere && options.deep !== true)
    throw targetDamaged(target.root, '.runtime/journal', `segment ${position.segment} is missing or too short`)
  return { size, position }
}

const segmentBytes = ({ journal }: Target, segment: number): number =>
  journal.stat(segmentFileName(segment))?.size ?? -1

/** As far as the records that are there are those of the source; what lies behind is written again. */
async function* soundStart({ target, options, slicer }: Run, start: Start): Work<Start> {
  const { journal } = options.context
  let size = 0
  let position: Position = { segment: 0, bytes: 0 }
  for (const segment of segmentsOf(target.journal)) {
    if (segment !== size || size >= start.size) break
    position = { segment, bytes: 0 }
    const file = target.journal.open(segmentFileName(segment), 'read')
    try {
      const bytes = Math.min(file.stat().size, segment === start.position.segment ? start.position.bytes : Infinity)
      for (const { envelopeBytes, salt, bodyBytes, end } of soundFramesIn(file, { size: bytes, first: segment })) {
        if (size >= start.size || !equalBytes(leafHash(envelopeBytes), journal.leafHashes(size, size + 1)[0]!)) break
        if (salt !== null && bodyBytes !== null && !hasBody(envelopeBytes, salt, bodyBytes)) break
        size++
        position = { segment, bytes: end }
        if (!slicer.due()) continue
        yield { phase: 'comparing records', done: size, total: start.size, unit: 'records' }
        await slicer.pause()
      }
    } finally {
      file.close()
    }
  }
  if (size === start.size) return start
  target.setBack({ size, leaf: chainStart(journal, size).leaf, position })
  return { size, position }
}

function hasBody(envelopeBytes: Uint8Array, salt: Uint8Array, bodyBytes: Uint8Array): boolean {
  return equalBytes(decodeEnvelope(envelopeBytes).bodyHash, bodyHash(salt, bodyBytes))
}

/** The journal of the target as a reader sees it. */
export function openReceived(host: BackupHost, { runtime, format }: Target): Journal {
  const { locks, clock, random, processes } = host
  const { logId, earlier = [] } = format!
  const ports = { locks, clock, random, processes }
  return openJournal({ directory: runtime, ...ports, access: 'read', logId, earlierLogIds: earlier })
}

async function* copyPacks(run: Run, look: Look): Work<{ readonly bytes: number; readonly vanished: boolean }> {
  const { target, options, slicer } = run
  const { tree } = options.context.directories
  const sourcePacks = tree.child('packs')
  const there = new Map(target.packFiles().map(pack => [pack.id, pack]))
  const wanted = look.packs.filter(pack => pack.id !== '' && needsCopy(run, pack, there.get(pack.id)))
  const total = wanted.reduce((sum, pack) => sum + pack.bytes, 0)
  let bytes = 0
  let done = 0
  try {
    refuseBroken(look)
    for (const pack of wanted) {
      const source = openSourcePack(tree, pack)
      if (source === undefined) return { bytes, vanished: true }
      try {
        const known = there.get(pack.id)
        const number = known?.number ?? target.freeNumber(pack.number)
        const where = `.tree/packs/${pack.number}`
        const steps =
          known === undefined
            ? copyPack(source, target.packs, { pack, number, where })
            : updatePack(source, target.packs, { pack, number, from: compareFrom(run, pack, known), where })
        for (;;) {
          const step = steps.next()
          if (step.done === true) {
            bytes += step.value
            break
          }
          done += step.value
          if (!slicer.due()) continue
          yield { phase: 'copying objects', done: Math.min(done, total), total, unit: 'bytes' }
          try {
            await slicer.pause()
          } catch (error) {
            steps.return(0)
            throw error
          }
        }
        if (sourcePacks !== null && sourcePacks !== undefined)
          copyIndex(sourcePacks, target.packs, { source: pack.number, target: number })
      } finally {
        source.close()
      }
    }
    target.packs.flush()
    return { bytes, vanished: false }
  } finally {
    sourcePacks?.close()
  }
}

function refuseBroken(look: Look): void {
  const broken = look.packs.find(({ id, soundBytes }) => id === '' && soundBytes > 0)
  if (broken === undefined) return
  throw new SentientError('DAMAGED', {
    what: 'A pack has no header',
    where: `.tree/packs, number ${broken.number}`,
    hint: 'Run sentctl repair first. What was backed up before is whole.',
  })
}

function needsCopy({ options, target }: Run, pack: SourcePack, known: PackFile | undefined): boolean {
  if (known === undefined || options.deep === true || pack.grows) return true
  return known.bytes !== pack.bytes || target.marks?.packNumber === known.number
}

/** What a mark of the last run covers is the same on both sides; what lay beyond it may have been written anew since. */
function compareFrom({ target, options }: Run, pack: SourcePack, known: PackFile): number {
  const { marks } = target
  const isMarked = marks?.packNumber === known.number && marks.packId !== undefined && hexOf(marks.packId) === pack.id
  return isMarked && options.deep !== true ? marks.packFlushedBytes : packHeaderBytes
}

/** The pack of the target that the next run looks at again, from where the source's mark says that it is certain. */
function growingIn(target: Target, look: Look): Commit['growing'] {
  const pack = look.packs.find(({ grows, soundBytes }) => grows && soundBytes >= packHeaderBytes)
  const there = pack && target.packFiles().find(({ id }) => id === pack.id)
  if (pack === undefined || there === undefined) return undefined
  return { number: there.number, soundBytes: pack.soundBytes, id: Buffer.from(pack.id, 'hex') }
}

interface Copied {
  readonly end: Pick<Commit, 'leaf' | 'position'>
  readonly bytes: number
}

async function* copyRecords(run: Run, look: Look, start: Start): Work<Copied> {
  const { options, target, slicer } = run
  const { journal } = options.context
  const { logId } = decodeFormatFile(look.format)
  const { checkpoint } = look
  const chain = createChain(chainStart(journal, start.size), {
    where: '.runtime/journal',
    ...(checkpoint && { rootAt: checkpoint.size }),
  })
  const writer = createSegmentWriter(target.journal, { start: start.position, logId })
  try {
    for (const record of journal.rawRecords({ from: start.size, to: look.size })) {
      if (record.state === 'damaged') {
        const hint = 'Run sentctl repair first. What was backed up before is whole.'
        throw new SentientError('DAMAGED', { where: record.where, found: record.reason, hint })
      }
      chain.push(record)
      writer.append(record.seq, record)
      if (!slicer.due()) continue
      yield { phase: 'copying records', done: chain.size, total: look.size, unit: 'records' }
      await slicer.pause()
    }
    chain.finish(() => false)
    checkRoot(chain.rootAt(checkpoint?.size ?? -1), checkpoint)
    writer.finish()
    return { end: { leaf: chain.leaf, position: writer.position }, bytes: writer.written }
  } finally {
    writer.close()
  }
}

export function checkRoot(found: Uint8Array | undefined, checkpoint: { readonly root: Uint8Array } | undefined): void {
  if (found === undefined || checkpoint === undefined || equalBytes(found, checkpoint.root)) return
  throw new SentientError('DAMAGED', {
    what: 'The records do not have the Merkle root that was signed',
    expected: hexOf(checkpoint.root),
    found: hexOf(found),
  })
}

export const aboutForget = [bytesOfText('action', 'forget')]

/** What `forget` records of the source name goes here too, once they are here. */
export async function* forgetBodies(
  { target, options, slicer }: { target: Target; options: Pick<BackupOptions, 'host'>; slicer: Slicer },
  change: Commit,
): Work<ReadonlySet<string>> {
  const records: [number, number][] = []
  const objects = new Set<string>()
  const settled = target.settled()
  const received = openReceived(options.host, { ...target, format: decodeFormatFile(change.format) })
  try {
    for (const found of received.search({ from: settled, to: change.size }, aboutForget)) {
      if (found.state === 'intact' && found.record.body?.action === 'forget')
        addForgotten(found.record.body, { records, objects })
      if (!slicer.due()) continue
      yield { phase: 'looking for what was forgotten', done: change.size, unit: 'records' }
      await slicer.pause()
    }
  } finally {
    received.close()
  }
  if (records.length > 0) {
    const isListed = (seq: number): boolean => records.some(([from, to]) => seq >= from && seq < to)
    const { segment } = change.position
    // The last segment is never rewritten: the marks say how long it is.
    if (records.some(([, to]) => to > segment) && segment < change.size) {
      const writer = createSegmentWriter(target.journal, {
        start: { segment: change.size, bytes: 0 },
        logId: decodeFormatFile(change.format).logId,
      })
      writer.begin(change.size)
      writer.finish()
      target.commit({ ...change, position: writer.position })
    }
    for (const first of segmentsOf(target.journal)) {
      if (first < change.size && records.some(([, to]) => to > first)) forgetIn(target.journal, first, isListed)
      if (!slicer.due()) continue
      yield { phase: 'forgetting', done: first, total: change.size, unit: 'records' }
      await slicer.pause()
    }
    target.journal.flush()
  }
  if (settled !== change.size) target.setSettled(change.size)
  return objects
}
