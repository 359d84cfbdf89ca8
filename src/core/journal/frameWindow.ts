// Reads the frames of a segment through a window of memory: forwards, backwards by the trailing lengths, and from one
// valid frame to the next across damage. What a window hands out is a view that its next call may overwrite.

import { markers } from '../format/constants.generated.ts'
import {
  decodeFrameAt,
  frameContentBytesMax,
  frameOverheadBytes,
  type GoodFrame,
  segmentHeaderBytes,
} from '../format/frame.ts'
import { isHostError } from '../host/error.ts'
import { readFully, type Segments } from './segments.ts'

export type FrameAt =
  | { readonly state: 'ok'; readonly offset: number; readonly next: number; readonly frame: GoodFrame }
  | { readonly state: 'bad'; readonly offset: number; readonly reason: string }
  | { readonly state: 'end'; readonly offset: number }

export interface FrameWindow {
  /** The frame that starts at `offset`. */
  at(offset: number): FrameAt
  /** The frame that ends at `end`, found by its trailing length. */
  before(end: number): FrameAt
  /** The first valid frame at or after `from` that `accept` takes. */
  search(from: number, accept: (frame: GoodFrame) => boolean): FrameAt
}

export interface FrameWindowOptions {
  readonly segment: number
  /** Bytes from here on are not looked at. */
  readonly end: number
  readonly windowBytes?: number
  /** What the disk refuses to read is a bad frame, not an exception. Never where something is cut on that ground. */
  readonly tolerant?: boolean
}

/** Marker and length. */
const headBytes = 8
const lengthBytes = 4
const marker = Buffer.from(markers.frame, 'hex')
const windowBytesDefault = 262_144

export function createFrameWindow(segments: Segments, options: FrameWindowOptions): FrameWindow {
  const { segment, end } = options
  const seed = segments.seed(segment)
  const windowBytes = options.windowBytes ?? windowBytesDefault
  let window: Buffer = Buffer.alloc(0)
  let memory: Buffer = window
  let base = 0

  // Fills the window from `from` on with at least `length` bytes where the file has them. The file is asked for anew
  // each time, as the pool may have closed it in between.
  const fill = (from: number, length: number): void => {
    const wanted = Math.min(Math.max(length, windowBytes), end - from)
    if (memory.length < wanted) memory = Buffer.allocUnsafeSlow(wanted)
    base = from
    window = memory.subarray(0, 0)
    try {
      window = memory.subarray(0, readFully(segments.open(segment), memory.subarray(0, wanted), from))
    } catch (error) {
      if (options.tolerant !== true || !isHostError(error, 'IO', 'NOT_FOUND')) throw error
    }
  }
  const has = (from: number, length: number): boolean => from >= base && from + length <= base + window.length
  const bad = (offset: number, reason: string): FrameAt => ({ state: 'bad', offset, reason })

  const at = (offset: number): FrameAt => {
    if (offset >= end) return { state: 'end', offset }
    if (end - offset < frameOverheadBytes) return bad(offset, 'the frame is cut short')
    if (!has(offset, headBytes)) fill(offset, headBytes)
    if (!has(offset, headBytes)) return bad(offset, 'the frame cannot be read')
    const bytes = window.readUInt32LE(offset - base + marker.length) + frameOverheadBytes
    if (bytes <= frameContentBytesMax + frameOverheadBytes) {
      if (offset + bytes > end) return bad(offset, 'the frame is cut short')
      if (!has(offset, bytes)) fill(offset, bytes)
    }
    const frame = decodeFrameAt(window, offset - base, seed)
    if (frame.state !== 'ok') return bad(offset, frame.reason)
    return { state: 'ok', offset, next: base + frame.nextOffset, frame }
  }

  const before = (frameEnd: number): FrameAt => {
    if (frameEnd <= segmentHeaderBytes) return { state: 'end', offset: frameEnd }
    const lengthAt = frameEnd - lengthBytes
    if (lengthAt < segmentHeaderBytes) return bad(segmentHeaderBytes, 'the frame is cut short')
    if (!has(lengthAt, lengthBytes)) {
      const from = Math.max(segmentHeaderBytes, frameEnd - windowBytes)
      fill(from, frameEnd - from)
      if (!has(lengthAt, lengthBytes)) return bad(lengthAt, 'the frame cannot be read')
    }
    const offset = lengthAt + lengthBytes - frameOverheadBytes - window.readUInt32LE(lengthAt - base)
    const found = offset < segmentHeaderBytes ? undefined : at(offset)
    if (found?.state === 'ok' && found.next === frameEnd) return found
    return bad(lengthAt, found?.state === 'bad' ? found.reason : 'the trailing length is wrong')
  }

  const search = (from: number, accept: (frame: GoodFrame) => boolean): FrameAt => {
    let offset = from
    while (offset + frameOverheadBytes <= end) {
      if (!has(offset, headBytes)) fill(offset, headBytes)
      if (!has(offset, headBytes)) break
      const found = window.indexOf(marker, offset - base)
      if (found < 0) {
        offset = base + window.length - marker.length + 1
        continue
      }
      const candidate = at(base + found)
      if (candidate.state === 'ok' && accept(candidate.frame)) return candidate
      offset = candidate.offset + 1
    }
    return { state: 'end', offset: end }
  }
  return { at, before, search }
}
