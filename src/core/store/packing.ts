// How an object's bytes become a payload: zstd where it pays, as they are otherwise; and back.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Packing } from '../format/pack.ts'

/** Below this compression saves less than an entry and its index line take, and still costs every reader. */
const packedBytesMin = 256
const sampleBytes = 4096
/** Compression must save a twentieth, else reading would pay for nothing. */
const savedShareMin = 0.05

export interface Packed {
  readonly packing: Packing
  readonly payload: Uint8Array
}

/** The payload of an object; may be `bytes` itself. */
export function packBytes(bytes: Uint8Array, level: number): Packed {
  const plain: Packed = { packing: 'plain', payload: bytes }
  if (bytes.length < packedBytesMin) return plain
  if (bytes.length > 2 * sampleBytes && !saves(bytes.subarray(0, sampleBytes), 1)) return plain
  const payload = compressed(bytes, level)
  return payload.length <= bytes.length * (1 - savedShareMin) ? { packing: 'zstd', payload } : plain
}

const saves = (sample: Uint8Array, level: number): boolean =>
  compressed(sample, level).length <= sample.length * (1 - savedShareMin)

const compressed = (bytes: Uint8Array, level: number): Uint8Array =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } })

/** Of zlib. */
const chunkSizeMin = 64

/** What zlib gives back when it is asked for more than the bytes. */
interface Unpacked {
  readonly buffer: Buffer
  /** `bytesWritten`: how much of the input was used. */
  readonly engine: { readonly bytesWritten: number }
}

/** The object's bytes; undefined when the payload is no such thing. Never makes more than `objectBytes`. */
export function unpackBytes(packing: Packing, payload: Uint8Array, objectBytes: number): Uint8Array | undefined {
  if (packing === 'plain') return payload.length === objectBytes ? payload : undefined
  try {
    // With room for all of it libzstd decodes in one pass, as the native core has it: that is several times as fast, and a
    // few frames that no compressor writes are taken in one pass and refused in pieces.
    const chunkSize = Math.max(chunkSizeMin, objectBytes)
    const options = { maxOutputLength: objectBytes, chunkSize, info: true }
    const { buffer, engine } = zstdDecompressSync(payload, options) as unknown as Unpacked
    // What stands behind the frame would be passed over in silence.
    return buffer.length === objectBytes && engine.bytesWritten === payload.length ? buffer : undefined
  } catch {
    // Whatever zlib says of a damaged frame, it is damage.
    return undefined
  }
}
