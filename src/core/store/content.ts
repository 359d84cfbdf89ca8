// File contents over the store: cutting a source into chunks and lists in bounded memory, and reading any part of a
// stored content back. The bytes of a content decide its link alone; how they were read does not.
import { SentientError } from '../errors.ts'
import { nextCut } from '../format/chunker.ts'
import { chunkBytesMax } from '../format/constants.generated.ts'
import { contentBuilder, decodeList, type ListEntry } from '../format/content.ts'
import { cidText, type Link, type ObjectId, objectId } from '../format/id.ts'
import { damagedObject } from './damage.ts'
import type { ObjectReader, ObjectWriter } from './tree.ts'

/** Positions are absolute; a read returns how many bytes came, 0 at the end only. */
export interface ContentSource {
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

export interface IngestOptions {
  /** Told after each chunk how many bytes it had. */
  readonly onBytes?: (bytes: number) => void
  /** When that many bytes came, the end is believed without a further read; the caller has a way to see growth. */
  readonly expectedBytes?: number
}

export interface ContentResult {
  readonly link: Link
  readonly size: number
}

/** Twice the largest chunk: enough to find a cut in what is left, and to read far ahead. */
const bufferBytes = 2 * chunkBytesMax

/** The buffer of the last ingest, kept for the next: a fresh one for each small file would cost more than the file. */
let spareBuffer: Uint8Array | undefined

/** Stores a source's bytes to its end. Holds about 2 MiB whatever the size. */
export function ingestContent(writer: ObjectWriter, source: ContentSource, options: IngestOptions = {}): ContentResult {
  return drained(ingestContentSteps(writer, source, options), options)
}

/** The same in steps of at most one chunk, for callers who give way in between; yields the bytes of each. */
export function ingestContentSteps(
  writer: ObjectWriter,
  source: ContentSource,
  options: IngestOptions = {},
): Generator<number, ContentResult> {
  const put = {
    chunk: (bytes: Uint8Array) => writer.put('raw', 'chunk', bytes).id,
    list: (bytes: Uint8Array) => writer.put('dag-cbor', 'list', bytes).id,
  }
  return cutContent(source, put, options)
}

/** The link and size that `ingestContent` would give; stores nothing. */
export function hashContent(source: ContentSource, options: IngestOptions = {}): ContentResult {
  return drained(hashContentSteps(source, options), options)
}

export function hashContentSteps(source: ContentSource, options: IngestOptions = {}): Generator<number, ContentResult> {
  return cutContent(source, { chunk: objectId, list: objectId }, options)
}

function drained(steps: Generator<number, ContentResult>, options: IngestOptions): ContentResult {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    options.onBytes?.(step.value)
  }
}

interface ChunkSink {
  chunk(bytes: Uint8Array): ObjectId
  list(bytes: Uint8Array): ObjectId
}

function* cutContent(source: ContentSource, sink: ChunkSink, options: IngestOptions): Generator<number, ContentResult> {
  const expected = options.expectedBytes ?? Number.POSITIVE_INFINITY
  const buffer = spareBuffer ?? new Uint8Array(bufferBytes)
  spareBuffer = undefined
  try {
    const builder = contentBuilder(sink.list)
    let start = 0
    let end = 0
    let position = 0
    let atEnd = false
    for (;;) {
      while (!atEnd && end - start < chunkBytesMax) {
        if (end + chunkBytesMax > buffer.length && start > 0) {
          buffer.copyWithin(0, start, end)
          end -= start
          start = 0
        }
        const count = source.read(buffer, end, buffer.length - end, position)
        end += count
        position += count
        atEnd = count === 0 || position === expected
      }
      // Only a file without bytes has a chunk without bytes.
      if (start === end && position > 0) break
      const cut = nextCut(buffer, start, end, atEnd)
      const bytes = cut - start
      builder.push(sink.chunk(buffer.subarray(start, cut)), bytes)
      start = cut
      yield bytes
      if (atEnd && start === end) break
    }
    return { link: builder.finish(), size: position }
  } finally {
    spareBuffer = buffer
  }
}

/** Bytes that can be read anywhere. */
export interface OpenedContent {
  readonly size: number
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

/** Chunks of an opened content that stay in memory. */
const cachedChunksMax = 2

interface Level {
  readonly link: Link
  readonly entries: readonly ListEntry[]
  /** Where each entry starts within the node. */
  readonly starts: readonly number[]
}

/**
 * Opens a stored content of that size for random reads. Reads nothing yet; `read` throws OBJECT_MISSING, or DAMAGED
 * when an object is not what its name says or sizes do not add up.
 */
export function openContent(reader: ObjectReader, link: Link, size: number): OpenedContent {
  const chunks = new Map<ObjectId, Uint8Array>()
  const levels: (Level | undefined)[] = []

  const chunk = (of: Link, bytes: number): Uint8Array => {
    const cached = chunks.get(of.id)
    if (cached !== undefined) return cached
    const read = reader.get(of)
    if (read.length !== bytes) throw wrongSize(of, bytes, read.length)
    if (chunks.size >= cachedChunksMax) for (const oldest of chunks.keys()) if (chunks.delete(oldest)) break
    chunks.set(of.id, read)
    return read
  }

  const level = (of: Link, bytes: number, depth: number): Level => {
    const cached = levels[depth]
    if (cached?.link.id === of.id) return cached
    const node = damagedObject(of, 'a list node', () => decodeList(reader.get(of)))
    if (node.bytes !== bytes) throw wrongSize(of, bytes, node.bytes)
    const starts: number[] = []
    let start = 0
    for (const entry of node.entries) {
      starts.push(start)
      start += entry.bytes
    }
    return (levels[depth] = { link: of, entries: node.entries, starts })
  }

  /** The chunk that holds a position, and where the position lies in it. */
  const locate = (position: number): { bytes: Uint8Array; at: number } => {
    let entry: ListEntry = { link, bytes: size }
    let at = position
    for (let depth = 0; entry.link.codec === 'dag-cbor'; depth++) {
      const { entries, starts } = level(entry.link, entry.bytes, depth)
      const index = lastAtOrBelow(starts, at)
      at -= starts[index]!
      entry = entries[index]!
    }
    return { bytes: chunk(entry.link, entry.bytes), at }
  }

  return {
    size,
    read(target, offset, length, position) {
      let done = 0
      while (done < length && position + done < size) {
        const { bytes, at } = locate(position + done)
        const count = Math.min(bytes.length - at, length - done)
        target.set(bytes.subarray(at, at + count), offset + done)
        done += count
      }
      return done
    },
  }
}

function lastAtOrBelow(starts: readonly number[], at: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (starts[middle]! <= at) low = middle
    else high = middle - 1
  }
  return low
}

function wrongSize(link: Link, expected: number, found: number): SentientError {
  return new SentientError('DAMAGED', {
    what: 'An object has the wrong size',
    where: cidText(link),
    expected: `${expected} bytes`,
    found: `${found}`,
  })
}
