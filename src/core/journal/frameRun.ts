// Many frames at a look: where they begin, by their markers and lengths alone. A hundred times faster than checking
// each; what is found so is a hint until a frame is decoded. Anything odd ends the run, for a thorough reader to go on.

import { markers } from '../format/constants.generated.ts'
import { frameContentBytesMax, frameOverheadBytes } from '../format/frame.ts'

export interface FrameRun {
  /** Where each frame begins in the buffer, ascending; `count` of them are valid. */
  readonly starts: Uint32Array
  readonly count: number
  /** Where the first frame begins and the last one ends; equal when there is none. */
  readonly from: number
  readonly to: number
  /** `odd`: what comes next is no frame; `short`: it does not lie wholly in the buffer. */
  readonly next: 'done' | 'odd' | 'short'
}

/** The buffer of a run; it grows where a frame is longer. */
export const runBytesDefault = 1 << 20
/** A buffer of this length holds at least one whole frame. */
export const runBytesMax = frameContentBytesMax + frameOverheadBytes

const marker = Buffer.from(markers.frame, 'hex').readUInt32LE()
const lengthAt = 4
/** The length of the shortest frame: an envelope of one byte. */
const contentBytesMin = 3

let startsMemory: Uint32Array = new Uint32Array(8192)

const startsFor = (count: number): Uint32Array => {
  if (count < startsMemory.length) return startsMemory
  const larger = new Uint32Array(startsMemory.length * 2)
  larger.set(startsMemory)
  startsMemory = larger
  return larger
}

/** Up to `countMax` frames from the buffer's start on. The result holds until the next call. */
export function runForwards(bytes: Buffer, countMax: number): FrameRun {
  let starts: Uint32Array = startsMemory
  let count = 0
  let at = 0
  let next: FrameRun['next'] = 'done'
  while (count < countMax) {
    const end = frameEnd(bytes, at)
    if (end <= 0) {
      next = end === 0 ? 'short' : 'odd'
      break
    }
    if (count >= starts.length) starts = startsFor(count)
    starts[count++] = at
    at = end
  }
  return { starts, count, from: 0, to: at, next }
}

/** Up to `countMax` frames that end at the buffer's end. The result holds until the next call. */
export function runBackwards(bytes: Buffer, countMax: number): FrameRun {
  let starts: Uint32Array = startsMemory
  let count = 0
  let end = bytes.length
  let next: FrameRun['next'] = 'done'
  while (count < countMax) {
    const at = end < frameOverheadBytes ? -1 : end - frameOverheadBytes - bytes.readUInt32LE(end - lengthAt)
    if (at < 0) {
      next = end < frameOverheadBytes || end - at <= runBytesMax ? 'short' : 'odd'
      break
    }
    if (frameEnd(bytes, at) !== end) {
      next = 'odd'
      break
    }
    if (count >= starts.length) starts = startsFor(count)
    starts[count++] = at
    end = at
  }
  starts.subarray(0, count).reverse()
  return { starts, count, from: end, to: bytes.length, next }
}

// Where the frame ends; 0 when the buffer ends before, -1 when it is none.
function frameEnd(bytes: Buffer, at: number): number {
  if (at + frameOverheadBytes > bytes.length) return 0
  if (bytes.readUInt32LE(at) !== marker) return -1
  const length = bytes.readUInt32LE(at + lengthAt)
  if (length < contentBytesMin || length > frameContentBytesMax) return -1
  const end = at + frameOverheadBytes + length
  if (end > bytes.length) return 0
  return bytes.readUInt32LE(end - lengthAt) === length ? end : -1
}
