// `export archive`: a history, or the records since some record with what they need, as one file to be carried by hand.
// A tar: `format`, `keys/`, `checkpoint`, `packs/`, `journal/`, and last the SHA-256 of all bytes before it. It is made as
// it is written, so that it can go into a pipe; a member of at most some megabytes is in memory at a time.
import { createHash } from 'node:crypto'
import { SentientError } from '../errors.ts'
import { decodeFormatFile } from '../format/formatFile.ts'
import { encodeFrame, encodeSegmentHeader, frameSeed, segmentFileName, segmentHeaderBytes } from '../format/frame.ts'
import { cidText, dagLink, type Link } from '../format/id.ts'
import { encodeEntryHeader, encodePackHeader, entryHeaderBytes, packFileName, packHeaderBytes } from '../format/pack.ts'
import type { OpenFile, Randomness } from '../host/host.ts'
import { createSlicer, type Progress, type Slicer } from '../progress.ts'
import { packBytes } from '../store/packing.ts'
import { scanEntries } from '../store/packScan.ts'
import type { Store } from '../store/store.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { createChain } from './chain.ts'
import { readFully } from './files.ts'
import { openSourcePack, type SourcePack } from './packs.ts'
import { createNeeds, type Need } from './reachable.ts'
import { chainStart, type Look, lookAt } from './source.ts'
import { encodeHeader, endBytes, paddingOf } from './tar.ts'

export interface ArchiveOptions {
  readonly context: TimelineContext
  readonly random: Randomness
  /** The first record that goes in: the other side has those before it. */
  readonly from: number
  /** Whether an object was pruned, or forgotten, and may be missing. */
  readonly isGone: (need: Need) => boolean
  /** Takes the bytes, in order. */
  readonly write: (bytes: Uint8Array) => void | Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface ArchiveReport {
  /** Records [from, to) are in it. */
  readonly from: number
  readonly to: number
  readonly objects: number
  readonly bytes: number
}

type Work<T> = AsyncGenerator<Progress, T, void>

/** Packs and segments of an archive are no larger, where it makes them itself. */
const partBytesMax = 16 << 20

const zstdLevel = 3

export const checksumName = 'sha256'

export async function* exportArchive(options: ArchiveOptions): Work<ArchiveReport> {
  const { context, from, signal } = options
  const look = lookAt(context)
  if (from > look.size) {
    throw new SentientError('STATE_NOT_FOUND', {
      what: 'The other side has more records than there are here',
      expected: `at most ${look.size}`,
      found: String(from),
    })
  }
  const out = createTarWriter(options.write)
  const slicer = createSlicer(context.clock, signal)
  await out.member('format', look.format)
  for (const [name, bytes] of [...look.keys].sort(([a], [b]) => (a < b ? -1 : 1)))
    await out.member(`keys/${name}`, bytes)
  if (look.checkpoint !== undefined) await out.member('checkpoint', look.checkpoint.bytes)
  const objects =
    from === 0 ? yield* wholePacks(options, look, out, slicer) : yield* neededObjects(options, look, out, slicer)
  yield* records(options, look, out, slicer)
  await out.end()
  return { from, to: look.size, objects, bytes: out.bytes() }
}

type TarWriter = ReturnType<typeof createTarWriter>

function createTarWriter(write: ArchiveOptions['write']) {
  const hash = createHash('sha256')
  let bytes = 0
  const put = async (piece: Uint8Array): Promise<void> => {
    hash.update(piece)
    bytes += piece.length
    await write(piece)
  }
  const member = async (name: string, content: Uint8Array): Promise<void> => {
    await put(encodeHeader(name, content.length))
    await put(content)
    await put(new Uint8Array(paddingOf(content.length)))
  }
  return {
    bytes: () => bytes,
    put,
    member,
    async end() {
      await member(checksumName, Buffer.from(`${hash.copy().digest('hex')}\n`))
      await put(new Uint8Array(endBytes))
    },
  }
}

/** The packs as they are; a pack that still grows only as far as it is sound. */
async function* wholePacks({ context }: ArchiveOptions, look: Look, out: TarWriter, slicer: Slicer): Work<number> {
  const { tree } = context.directories
  const total = look.packs.reduce((sum, { bytes }) => sum + bytes, 0)
  let objects = 0
  let done = 0
  for (const pack of look.packs) {
    const file = openSourcePack(tree, pack)
    if (file === undefined) throw packGone(pack)
    try {
      const sound = soundEnd(file, pack)
      objects += sound.objects
      await out.put(encodeHeader(`packs/${packFileName(pack.number)}`, sound.end))
      const buffer = Buffer.allocUnsafeSlow(1 << 20)
      for (let at = 0; at < sound.end; ) {
        const count = readFully(file, buffer.subarray(0, Math.min(buffer.length, sound.end - at)), at)
        if (count === 0) throw packGone(pack)
        await out.put(Uint8Array.from(buffer.subarray(0, count)))
        at += count
        done += count
        yield { phase: 'writing objects', done, total, unit: 'bytes' }
        if (slicer.due()) await slicer.pause()
      }
      await out.put(new Uint8Array(paddingOf(sound.end)))
    } finally {
      file.close()
    }
  }
  return objects
}

const packGone = (pack: SourcePack): SentientError =>
  new SentientError('LOCKED', {
    what: 'A pack was removed while it was read',
    where: `.tree/packs/${packFileName(pack.number)}`,
    hint: 'Run it again.',
  })

function soundEnd(file: OpenFile, pack: SourcePack): { readonly end: number; readonly objects: number } {
  let end = packHeaderBytes
  let objects = 0
  for (const item of scanEntries(file, packHeaderBytes, pack.bytes)) {
    if (item.state === 'damaged') {
      if (item.offset >= pack.soundBytes) break
      throw new SentientError('DAMAGED', {
        where: `.tree/packs/${packFileName(pack.number)}, offset ${item.offset}`,
        found: item.reason,
        hint: 'Run sentctl repair first.',
      })
    }
    end = item.offset + item.bytes
    objects++
  }
  return { end, objects }
}

/** What the records need beyond the state before them, in packs made for it. */
async function* neededObjects(options: ArchiveOptions, look: Look, out: TarWriter, slicer: Slicer): Work<number> {
  const { context, from, random } = options
  const { journal, store } = context
  const packs = createPackBuilder(random)
  const needs = createNeeds(store, () => {})
  const before = journal.read(from - 1)
  if (before.state === 'intact') {
    for (const _ of needs.know(dagLink(before.record.envelope.root))) if (slicer.due()) await slicer.pause()
  }
  let objects = 0
  for (const result of journal.records({ from, to: look.size })) {
    if (result.state !== 'intact') continue
    for (const need of needs.of(result.record)) {
      const { link } = need
      const stored = readStored(store, link)
      if (stored === undefined) {
        if (options.isGone(need)) continue
        throw new SentientError('OBJECT_MISSING', { where: cidText(link), hint: 'Run sentctl repair first.' })
      }
      objects++
      const full = packs.add(stored)
      if (full !== undefined) await out.member(full.name, full.bytes)
      if (!slicer.due()) continue
      yield { phase: 'writing objects', done: objects, unit: 'objects' }
      await slicer.pause()
    }
  }
  const last = packs.finish()
  if (last !== undefined) await out.member(last.name, last.bytes)
  return objects
}

interface Stored {
  readonly link: Link
  readonly bytes: Uint8Array
}

function readStored(store: Store, link: Link): Stored | undefined {
  const result = store.read(link.id)
  return result.state === 'intact' ? { link, bytes: result.bytes } : undefined
}

function createPackBuilder(random: Randomness) {
  let number = 0
  let pieces: Uint8Array[] = []
  let length = 0
  const finish = (): { name: string; bytes: Uint8Array } | undefined => {
    if (length === 0) return undefined
    number++
    const bytes = Buffer.concat([encodePackHeader(random.bytes(4)), ...pieces])
    pieces = []
    length = 0
    return { name: `packs/${packFileName(number)}`, bytes }
  }
  return {
    finish,
    /** A pack that is full now, when the object no longer fits. */
    add({ link, bytes }: Stored) {
      const full = length + bytes.length + entryHeaderBytes > partBytesMax ? finish() : undefined
      const packed = packBytes(bytes, zstdLevel)
      const fields = { id: link.id, codec: link.codec, kind: 'unknown', objectBytes: bytes.length } as const
      const header = encodeEntryHeader(
        { ...fields, packing: packed.packing, storedBytes: packed.payload.length },
        packed.payload,
      )
      pieces.push(header, packed.payload)
      length += header.length + packed.payload.length
      return full
    },
  }
}

async function* records({ context, from }: ArchiveOptions, look: Look, out: TarWriter, slicer: Slicer): Work<void> {
  const { journal } = context
  const { logId } = decodeFormatFile(look.format)
  const seed = frameSeed(logId)
  const chain = createChain(chainStart(journal, from), { where: '.runtime/journal' })
  let first = from
  let pieces: Uint8Array[] = []
  let length = segmentHeaderBytes
  const flush = async (): Promise<void> => {
    if (pieces.length === 0) return
    const header = encodeSegmentHeader({ firstSeq: first, logId })
    await out.member(`journal/${segmentFileName(first)}`, Buffer.concat([header, ...pieces]))
    first = chain.size
    pieces = []
    length = segmentHeaderBytes
  }
  for (const record of journal.rawRecords({ from, to: look.size })) {
    if (record.state === 'damaged')
      throw new SentientError('DAMAGED', {
        where: record.where,
        found: record.reason,
        hint: 'Run sentctl repair first.',
      })
    const { envelopeBytes, salt, bodyBytes } = record
    const body = salt === null || bodyBytes === null ? null : { salt, bodyBytes }
    const bytes = encodeFrame({ envelopeBytes, body, base: segmentHeaderBytes }, seed)
    if (length + bytes.length > partBytesMax) await flush()
    chain.push(record)
    pieces.push(bytes)
    length += bytes.length
    if (!slicer.due()) continue
    yield { phase: 'writing records', done: chain.size, total: look.size, unit: 'records' }
    await slicer.pause()
  }
  await flush()
}
