// Cuts file contents into chunks where the contents say so (a gear hash with two masks), so that an insert changes
// only the chunks around it. The rule and its constants are part of the format: all writers cut alike.

import { chunkBytesMax, chunkBytesMean, chunkBytesMin, gearTable, maskLarge, maskSmall } from './constants.generated.ts'

const gear = Int32Array.from(gearTable)
/** Every step shifts the hash left by one: what a byte added is gone 32 bytes later. */
const hashWindow = 32

/**
 * The end of the chunk that starts at `start`, looking at bytes up to `end`; -1 when more bytes are needed. `atEnd`
 * says that the file ends at `end`. With less than `chunkBytesMax` bytes left every call looks at all of them again,
 * so give it as many as there are. An empty rest at the end is a chunk of no bytes (`start` comes back).
 */
export function nextCut(bytes: Uint8Array, start: number, end: number, atEnd: boolean): number {
  const length = end - start
  if (length <= chunkBytesMin) return atEnd ? end : -1
  const firstTest = start + chunkBytesMin - 1
  let hash = 0
  for (let at = firstTest + 1 - hashWindow; at < firstTest; at++) hash = (hash << 1) + gear[bytes[at]!]!
  // A chunk of n bytes is tested after byte n: with the strict mask while n is below the mean, with the lenient from it on.
  const strictEnd = start + Math.min(length, chunkBytesMean - 1)
  const strict = scan(bytes, firstTest, strictEnd, hash, maskSmall | 0)
  if (strict.cut >= 0) return strict.cut
  const maxEnd = start + Math.min(length, chunkBytesMax)
  const lenient = scan(bytes, strictEnd, maxEnd, strict.hash, maskLarge | 0)
  if (lenient.cut >= 0) return lenient.cut
  return length >= chunkBytesMax ? maxEnd : atEnd ? end : -1
}

/** Feeds bytes from..to; `cut` is the position after the first byte at which the hash has no bit of the mask. */
function scan(bytes: Uint8Array, from: number, to: number, start: number, mask: number): { cut: number; hash: number } {
  let hash = start | 0
  let at = from
  for (; at + 4 <= to; at += 4) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0
    if ((hash & mask) === 0) return { cut: at + 1, hash }
    hash = ((hash << 1) + gear[bytes[at + 1]!]!) | 0
    if ((hash & mask) === 0) return { cut: at + 2, hash }
    hash = ((hash << 1) + gear[bytes[at + 2]!]!) | 0
    if ((hash & mask) === 0) return { cut: at + 3, hash }
    hash = ((hash << 1) + gear[bytes[at + 3]!]!) | 0
    if ((hash & mask) === 0) return { cut: at + 4, hash }
  }
  for (; at < to; at++) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0
    if ((hash & mask) === 0) return { cut: at + 1, hash }
  }
  return { cut: -1, hash }
}
