// Lists of things with paths, each kept as some hundred bytes in large buffers and made an object only while somebody
// looks at it: what an operation says of a hundred thousand paths fits in memory. Sorted by the bytes of whole paths.
import { SentientError } from '../errors.ts'
import type { ByteString } from '../host/host.ts'
import { createPackedReader, createPackedWriter, type PackedReader, type PackedWriter } from './packedFields.ts'

/** How an item lies in the list; the path is the list's own business. */
export interface PackedCodec<T> {
  write(writer: PackedWriter, item: T): void
  read(reader: PackedReader, path: ByteString): T
}

/** Can be gone through again and again; each time makes the items anew. */
export interface PackedList<T extends { readonly path: ByteString }> extends Iterable<T> {
  readonly count: number
  push(item: T): void
  /**
   * Puts the items in the order of their path bytes; of several with one path the last pushed stays. Pushing in that
   * order makes it short. Stops now and then, for callers who give way in between.
   */
  sort(): Generator<undefined, void>
  at(index: number): T
  /** From the last to the first. */
  reversed(): Generator<T>
  /** Of a sorted list only. */
  indexOf(path: ByteString): number
  find(path: ByteString): T | undefined
  has(path: ByteString): boolean
}

const chunkBytes = 1 << 18
const firstPlaces = 1 << 8
/** Comparisons between two stops of a sort. */
const stepCompares = 256

export function createPackedList<T extends { readonly path: ByteString }>(codec: PackedCodec<T>): PackedList<T> {
  const chunks: Buffer[] = []
  let used = 0
  let pushed = 0
  /** Chunk and offset of each item as pushed. */
  let places = new Uint32Array(2 * firstPlaces)
  /** Undefined: pushed in order, no path twice. */
  let order: Uint32Array | undefined
  let sorted = true
  const writer = createPackedWriter()
  const reader = createPackedReader()

  const placeOf = (index: number): number => (order === undefined ? index : (order[index] as number))
  const chunkAt = (item: number): Buffer => chunks[places[2 * item] as number] as Buffer
  const pathStart = (item: number): number => (places[2 * item + 1] as number) + 2
  const pathLength = (item: number): number => chunkAt(item).readUInt16LE(pathStart(item) - 2)

  const compare = (a: number, b: number): number => {
    const fromA = pathStart(a)
    const fromB = pathStart(b)
    return chunkAt(a).compare(chunkAt(b), fromB, fromB + pathLength(b), fromA, fromA + pathLength(a))
  }

  const room = (bytes: number): { chunk: Buffer; offset: number } => {
    const last = chunks.at(-1)
    if (last === undefined || used + bytes > last.length) {
      chunks.push(Buffer.allocUnsafeSlow(Math.max(chunkBytes, bytes)))
      used = 0
    }
    const offset = used
    used += bytes
    return { chunk: chunks.at(-1) as Buffer, offset }
  }

  const read = (item: number): T => {
    const start = pathStart(item)
    const end = start + pathLength(item)
    const chunk = chunkAt(item)
    const path = chunk.toString('latin1', start, end)
    reader.begin(chunk, end, path)
    return codec.read(reader, path)
  }

  const list: PackedList<T> = {
    get count() {
      return order?.length ?? pushed
    },
    push(item) {
      writer.begin(item.path)
      codec.write(writer, item)
      const bytes = writer.finish()
      const { chunk, offset } = room(bytes.length)
      bytes.copy(chunk, offset)
      if (2 * pushed === places.length) {
        const wider = new Uint32Array(2 * places.length)
        wider.set(places)
        places = wider
      }
      places[2 * pushed] = chunks.length - 1
      places[2 * pushed + 1] = offset
      pushed++
      sorted &&= order === undefined && (pushed === 1 || compare(pushed - 2, pushed - 1) < 0)
      order = undefined
    },
    *sort() {
      if (sorted) return
      order = yield* mergeSorted(pushed, compare)
      sorted = true
    },
    at: index => read(placeOf(index)),
    *[Symbol.iterator]() {
      for (let index = 0; index < list.count; index++) yield read(placeOf(index))
    },
    *reversed() {
      for (let index = list.count - 1; index >= 0; index--) yield read(placeOf(index))
    },
    indexOf(path) {
      if (!sorted) throw new SentientError('INTERNAL', { what: 'A list was searched before it was sorted' })
      const key = Buffer.from(path, 'latin1')
      let low = 0
      let high = list.count
      while (low < high) {
        const middle = (low + high) >>> 1
        const item = placeOf(middle)
        const start = pathStart(item)
        const side = chunkAt(item).compare(key, 0, key.length, start, start + pathLength(item))
        if (side === 0) return middle
        if (side < 0) low = middle + 1
        else high = middle
      }
      return -1
    },
    find(path) {
      const index = list.indexOf(path)
      return index < 0 ? undefined : list.at(index)
    },
    has: path => list.indexOf(path) >= 0,
  }
  return list
}

/** The items 0 to count in order, of equal ones the last; runs that are in order already are only merged. */
function* mergeSorted(
  count: number,
  compare: (a: number, b: number) => number,
): Generator<undefined, Uint32Array<ArrayBuffer>> {
  let from = Uint32Array.from({ length: count }, (_, i) => i)
  let into = new Uint32Array(count)
  let compares = 0
  for (let width = 1; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(start + width, count)
      const end = Math.min(start + 2 * width, count)
      let left = start
      let right = middle
      let at = start
      if (right === end || compare(from[middle - 1] as number, from[middle] as number) <= 0) {
        into.set(from.subarray(start, end), start)
        if (++compares % stepCompares === 0) yield
        continue
      }
      while (left < middle && right < end) {
        if (++compares % stepCompares === 0) yield
        const first = compare(from[left] as number, from[right] as number) <= 0
        into[at++] = from[first ? left++ : right++] as number
      }
      into.set(from.subarray(left, middle), at)
      into.set(from.subarray(right, end), at + middle - left)
    }
    const done = into
    into = from
    from = done
  }
  let kept = 0
  for (let i = 0; i < count; i++) {
    if ((i + 1) % stepCompares === 0) yield
    if (i + 1 < count && compare(from[i] as number, from[i + 1] as number) === 0) continue
    from[kept++] = from[i] as number
  }
  return from.slice(0, kept)
}
