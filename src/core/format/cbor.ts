// The one encoding of structured data: a deterministic subset of DAG-CBOR. Every value has exactly one encoding, and
// the decoder refuses every other. Hot codecs (directory nodes, envelopes) use the reader and writer directly, all
// others the generic `encode` and `decode`.

import { isUtf8 } from 'node:buffer'
import type { ByteString } from '../host/host.ts'
import { asBuffer } from './bytes.ts'
import { cborDepthMax, integerMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { type Codec, codecNumbers, codecOf, type Link, type ObjectId } from './id.ts'

/**
 * What the encoding can hold. An object with the keys `codec` and `id` is a link; a map with both keys cannot be
 * encoded and is refused when read, so that no two values look the same.
 */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Link
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }

const majorUnsigned = 0
const majorNegative = 1
const majorBytes = 2
const majorText = 3
const majorList = 4
const majorMap = 5
const two32 = 0x1_0000_0000

/** The encoding of a value; throws FormatError for what has none. The result is a copy of its own. */
export function encode(value: CborValue): Uint8Array {
  return written(writer => writer.value(value))
}

/** The value of an encoding. Byte strings in it are views of `bytes`. Throws FormatError for any deviation. */
export function decode(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes)
  const value = reader.value()
  reader.end()
  return value
}

export function isLink(value: unknown): value is Link {
  return typeof value === 'object' && value !== null && 'codec' in value && 'id' in value
}

/** True for a map as `decode` returns one. */
export function isMap(value: CborValue | undefined): value is { readonly [key: string]: CborValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !isLink(value)
  )
}

export function isList(value: CborValue | undefined): value is readonly CborValue[] {
  return Array.isArray(value)
}

// One scratch buffer serves all short encodings; an encoding begun within another gets a buffer of its own.
const sharedScratch = Buffer.allocUnsafeSlow(65_536)
let sharedScratchTaken = false

/** The bytes that `write` writes, as a copy of their own. */
export function written(write: (writer: CborWriter) => void): Uint8Array {
  const shared = !sharedScratchTaken
  const writer = new CborWriter(shared ? sharedScratch : Buffer.allocUnsafeSlow(1024))
  sharedScratchTaken = true
  try {
    write(writer)
    return writer.copy()
  } finally {
    if (shared) sharedScratchTaken = false
  }
}

/** Writes values one after the other. The caller sees to it that what it writes piece by piece is canonical. */
export class CborWriter {
  private buffer: Buffer
  private length = 0

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  copy(): Uint8Array {
    const bytes = new Uint8Array(this.length)
    bytes.set(this.buffer.subarray(0, this.length))
    return bytes
  }

  head(major: number, argument: number): void {
    this.reserve(9)
    const buffer = this.buffer
    const first = major << 5
    if (argument < 24) buffer[this.length++] = first | argument
    else if (argument < 0x100) {
      buffer[this.length++] = first | 24
      buffer[this.length++] = argument
    } else if (argument < 0x1_0000) {
      buffer[this.length++] = first | 25
      this.length = buffer.writeUInt16BE(argument, this.length)
    } else if (argument < two32) {
      buffer[this.length++] = first | 26
      this.length = buffer.writeUInt32BE(argument, this.length)
    } else {
      buffer[this.length++] = first | 27
      this.length = buffer.writeUInt32BE(Math.floor(argument / two32), this.length)
      this.length = buffer.writeUInt32BE(argument % two32, this.length)
    }
  }

  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new FormatError('only integers up to 2^53-1 can be encoded')
    if (value < 0) this.head(majorNegative, -1 - value)
    else this.head(majorUnsigned, value)
  }

  null(): void {
    this.reserve(1)
    this.buffer[this.length++] = 0xf6
  }

  boolean(value: boolean): void {
    this.reserve(1)
    this.buffer[this.length++] = value ? 0xf5 : 0xf4
  }

  bytes(value: Uint8Array): void {
    this.head(majorBytes, value.length)
    this.append(value)
  }

  /** A byte string (one char a byte) as CBOR bytes. */
  byteString(value: ByteString): void {
    this.head(majorBytes, value.length)
    this.reserve(value.length)
    this.length += this.buffer.write(value, this.length, 'latin1')
  }

  text(value: string): void {
    if (!value.isWellFormed()) throw new FormatError('text with a lone surrogate')
    const length = Buffer.byteLength(value, 'utf8')
    this.head(majorText, length)
    this.reserve(length)
    this.length += this.buffer.write(value, this.length, 'utf8')
  }

  list(count: number): void {
    this.head(majorList, count)
  }

  map(count: number): void {
    this.head(majorMap, count)
  }

  link(value: Link): void {
    const codec = codecNumbers[value.codec] as number | undefined
    this.reserve(linkBytes)
    const buffer = this.buffer
    const at = this.length
    if (codec === undefined || value.id.length !== 64 || buffer.write(value.id, at + 9, 'hex') !== 32) {
      throw new FormatError('a link is a codec and an object id')
    }
    buffer[at] = 0xd8
    buffer[at + 1] = 0x2a
    buffer[at + 2] = 0x58
    buffer[at + 3] = 0x25
    buffer[at + 4] = 0x00
    buffer[at + 5] = 0x01
    buffer[at + 6] = codec
    buffer[at + 7] = 0x1e
    buffer[at + 8] = 0x20
    this.length = at + linkBytes
  }

  /** Bytes that are an encoding already. */
  append(encoded: Uint8Array): void {
    this.reserve(encoded.length)
    this.buffer.set(encoded, this.length)
    this.length += encoded.length
  }

  value(value: CborValue, depth = 0): void {
    if (value === null) this.null()
    else if (typeof value === 'number') this.integer(value)
    else if (typeof value === 'string') this.text(value)
    else if (typeof value === 'boolean') this.boolean(value)
    else if (value instanceof Uint8Array) this.bytes(value)
    else if (typeof value !== 'object') throw new FormatError(`a ${typeof value} has no encoding`)
    else if (isLink(value)) this.strictLink(value)
    else if (depth >= cborDepthMax) throw new FormatError('nested too deeply')
    else if (Array.isArray(value)) {
      this.list(value.length)
      for (const item of value as CborValue[]) this.value(item, depth + 1)
    } else this.mapValue(value as { readonly [key: string]: CborValue }, depth)
  }

  private strictLink(value: Link): void {
    if (Object.keys(value).length !== 2) throw new FormatError('a map with both keys codec and id has no encoding')
    this.link(value)
  }

  private mapValue(value: { readonly [key: string]: CborValue }, depth: number): void {
    const prototype = Object.getPrototypeOf(value) as unknown
    if (prototype !== Object.prototype && prototype !== null)
      throw new FormatError('only plain objects have an encoding')
    const keys = Object.keys(value).sort(compareKeys)
    this.map(keys.length)
    for (const key of keys) {
      this.text(key)
      this.value(value[key]!, depth + 1)
    }
  }

  private reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }
}

const linkBytes = 41

/** The order of map keys: by length in bytes, then by bytes. */
function compareKeys(a: string, b: string): number {
  const left = Buffer.from(a, 'utf8')
  const right = Buffer.from(b, 'utf8')
  return left.length - right.length || Buffer.compare(left, right)
}

/** Reads values one after the other and throws FormatError at the first that is not what was asked for. */
export class CborReader {
  readonly buffer: Buffer
  offset = 0
  /** Of the value read last with `head`. */
  private major = 0

  constructor(bytes: Uint8Array) {
    this.buffer = asBuffer(bytes)
  }

  fail(reason: string): never {
    throw new FormatError(reason, this.offset)
  }

  /** All bytes were read, or it throws. */
  end(): void {
    if (this.offset !== this.buffer.length) this.fail('bytes after the end')
  }

  /** The major type of the next value, without reading it. */
  peek(): number {
    if (this.offset >= this.buffer.length) this.fail('cut short')
    return this.buffer[this.offset]! >> 5
  }

  /** True, and read, when the next value is null. */
  isNull(): boolean {
    if (this.buffer[this.offset] !== 0xf6) return false
    this.offset++
    return true
  }

  boolean(): boolean {
    const byte = this.buffer[this.offset]
    if (byte !== 0xf4 && byte !== 0xf5) this.fail('a boolean was expected')
    this.offset++
    return byte === 0xf5
  }

  /** An integer from 0 on. */
  unsigned(): number {
    const value = this.head()
    if (this.major !== majorUnsigned) this.fail('an integer from 0 on was expected')
    return value
  }

  integer(): number {
    const value = this.head()
    if (this.major === majorUnsigned) return value
    if (this.major !== majorNegative || value >= integerMax) this.fail('an integer was expected')
    return -1 - value
  }

  /** A view of a byte string. */
  bytes(): Uint8Array {
    const length = this.payload(majorBytes, 'bytes were expected')
    const buffer = this.buffer
    const view = new Uint8Array(buffer.buffer, buffer.byteOffset + this.offset, length)
    this.offset += length
    return view
  }

  /** A view of a byte string of this length. */
  bytesOf(length: number): Uint8Array {
    const bytes = this.bytes()
    if (bytes.length !== length) this.fail(`${length} bytes were expected`)
    return bytes
  }

  byteString(): ByteString {
    const length = this.payload(majorBytes, 'bytes were expected')
    return this.latin1(length)
  }

  text(): string {
    const length = this.payload(majorText, 'text was expected')
    const { buffer, offset } = this
    for (let i = offset; i < offset + length; i++) {
      if (buffer[i]! >= 0x80) return this.wideText(length)
    }
    return this.latin1(length)
  }

  list(): number {
    const count = this.head()
    if (this.major !== majorList) this.fail('a list was expected')
    if (count > this.buffer.length - this.offset) this.fail('cut short')
    return count
  }

  map(): number {
    const count = this.head()
    if (this.major !== majorMap) this.fail('a map was expected')
    if (count > this.buffer.length - this.offset) this.fail('cut short')
    return count
  }

  /** A text that must be this one (ASCII, shorter than 24): how codecs of fixed maps read their keys. */
  key(expected: string): void {
    const { buffer, offset } = this
    const length = expected.length
    let same = buffer[offset] === ((majorText << 5) | length)
    for (let i = 0; same && i < length; i++) same = buffer[offset + 1 + i] === expected.charCodeAt(i)
    if (!same) this.fail(`the key ${expected} was expected`)
    this.offset = offset + 1 + length
  }

  /** Like `key`, but returns false and reads nothing when something else is there. */
  hasKey(expected: string): boolean {
    const { buffer, offset } = this
    const length = expected.length
    if (buffer[offset] !== ((majorText << 5) | length)) return false
    for (let i = 0; i < length; i++) if (buffer[offset + 1 + i] !== expected.charCodeAt(i)) return false
    this.offset = offset + 1 + length
    return true
  }

  link(): Link {
    const { buffer, offset: at } = this
    const codec = codecOf(buffer[at + 6] ?? 0)
    if (
      at + linkBytes > buffer.length ||
      buffer[at] !== 0xd8 ||
      buffer[at + 1] !== 0x2a ||
      buffer[at + 2] !== 0x58 ||
      buffer[at + 3] !== 0x25 ||
      buffer[at + 4] !== 0x00 ||
      buffer[at + 5] !== 0x01 ||
      buffer[at + 7] !== 0x1e ||
      buffer[at + 8] !== 0x20 ||
      codec === undefined
    ) {
      this.fail('a link to a raw or dag-cbor object named by BLAKE3-256 was expected')
    }
    this.offset = at + linkBytes
    return { codec: codec as Codec, id: buffer.toString('hex', at + 9, at + linkBytes) as ObjectId }
  }

  value(depth = 0): CborValue {
    const major = this.peek()
    switch (major) {
      case majorUnsigned:
      case majorNegative:
        return this.integer()
      case majorBytes:
        return this.bytes()
      case majorText:
        return this.text()
      case majorList:
        return this.listValue(depth)
      case majorMap:
        return this.mapValue(depth)
      case 6:
        return this.link()
      default:
        return this.isNull() ? null : this.boolean()
    }
  }

  private listValue(depth: number): CborValue {
    if (depth >= cborDepthMax) this.fail('nested too deeply')
    const count = this.list()
    const items: CborValue[] = []
    for (let i = 0; i < count; i++) items.push(this.value(depth + 1))
    return items
  }

  private mapValue(depth: number): CborValue {
    if (depth >= cborDepthMax) this.fail('nested too deeply')
    const count = this.map()
    const result: Record<string, CborValue> = {}
    let lastStart = -1
    let lastEnd = -1
    for (let i = 0; i < count; i++) {
      const start = this.offset
      const key = this.text()
      const end = this.offset
      // Keys are compared as encoded: the head grows with the length, so this is the order by length, then bytes.
      if (i > 0 && this.buffer.compare(this.buffer, lastStart, lastEnd, start, end) <= 0) {
        this.fail('map keys are not unique and sorted')
      }
      lastStart = start
      lastEnd = end
      const value = this.value(depth + 1)
      if (key === '__proto__')
        Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true })
      else result[key] = value
    }
    if (isLink(result) && Object.hasOwn(result, 'codec') && Object.hasOwn(result, 'id')) {
      this.fail('a map with both keys codec and id is not allowed')
    }
    return result
  }

  /** Reads a head in its shortest form; sets `major` and returns the argument. */
  private head(): number {
    const { buffer, offset } = this
    if (offset >= buffer.length) this.fail('cut short')
    const first = buffer[offset]!
    this.major = first >> 5
    const info = first & 31
    if (info < 24) {
      this.offset = offset + 1
      return info
    }
    return this.longHead(info)
  }

  private longHead(info: number): number {
    const { buffer, offset } = this
    if (info > 27) this.fail('indefinite or reserved length')
    const size = 1 << (info - 24)
    if (offset + 1 + size > buffer.length) this.fail('cut short')
    let argument: number
    let least: number
    if (size === 1) {
      argument = buffer[offset + 1]!
      least = 24
    } else if (size === 2) {
      argument = buffer.readUInt16BE(offset + 1)
      least = 0x100
    } else if (size === 4) {
      argument = buffer.readUInt32BE(offset + 1)
      least = 0x1_0000
    } else {
      argument = buffer.readUInt32BE(offset + 1) * two32 + buffer.readUInt32BE(offset + 5)
      least = two32
    }
    if (argument < least) this.fail('not the shortest form of an integer')
    if (argument > integerMax) this.fail('an integer above 2^53-1')
    this.offset = offset + 1 + size
    return argument
  }

  private payload(major: number, expected: string): number {
    const length = this.head()
    if (this.major !== major) this.fail(expected)
    if (length > this.buffer.length - this.offset) this.fail('cut short')
    return length
  }

  private latin1(length: number): string {
    const start = this.offset
    this.offset = start + length
    return this.buffer.toString('latin1', start, start + length)
  }

  private wideText(length: number): string {
    const start = this.offset
    const bytes = this.buffer.subarray(start, start + length)
    if (!isUtf8(bytes)) this.fail('text that is not UTF-8')
    this.offset = start + length
    return bytes.toString('utf8')
  }
}
