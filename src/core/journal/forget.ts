// Taking bodies out of the journal: each segment that holds one of them is written anew without it and put in place by
// rename. Envelopes stay as they are, and with them every leaf, tile and proof.

import { frameBytes, type GoodFrame, segmentHeaderBytes, writeFrame } from '../format/frame.ts'
import type { OpenFile } from '../host/host.ts'
import type { JournalContext } from './context.ts'
import { envelopeOf } from './frames.ts'
import { createFrameWindow, type FrameWindow } from './frameWindow.ts'
import { renameSegment } from './torn.ts'
import { flushMarks, requireLock, writeMarks } from './writer.ts'

/** Says whether the body of a record has to go. */
export type IsListed = (seq: number) => boolean

const writeBytesMax = 1_048_576

/**
 * Under the lock, once the record that lists them is flushed. Only segments before the last one are looked at, which is
 * why that record begins a segment. Yields the seq now and then; may be run again, whatever became of it the first time.
 */
export function* forgetBodies(context: JournalContext, isListed: IsListed): Generator<number> {
  requireLock(context, 'forget')
  const { segments } = context
  segments.relist()
  // Marks may be older than the disk: once both slots name the last segment, none says how long the others were.
  for (let slot = 0; slot < 2; slot++) {
    writeMarks(context, { clean: false })
    flushMarks(context)
  }
  for (const segment of segments.list()) {
    if (segment >= context.state.end.segment) break
    const end = segments.open(segment).stat().size
    if (yield* holdsListed(context, { segment, end, isListed })) yield* rewrite(context, { segment, end, isListed })
  }
}

interface Part {
  readonly segment: number
  readonly end: number
  readonly isListed: IsListed
}

function* holdsListed(context: JournalContext, { segment, end, isListed }: Part): Generator<number, boolean> {
  const window = createFrameWindow(context.segments, { segment, end })
  let count = 0
  for (const found of framesOf(window, end)) {
    if ('frame' in found && found.frame.bodyBytes !== null && isListed(found.seq)) return true
    if ('frame' in found && ++count % 256 === 0) yield found.seq
  }
  return false
}

function* rewrite(context: JournalContext, { segment, end, isListed }: Part): Generator<number> {
  const { segments } = context
  const seed = segments.seed(segment)
  const window = createFrameWindow(segments, { segment, end })
  yield* renameSegment(context, segment, function* (target) {
    const out = createBlocks(target)
    out.copy(segments.open(segment), 0, segmentHeaderBytes)
    for (const found of framesOf(window, end)) {
      if (!('frame' in found)) {
        // Damage that a repair took note of: whatever it was, others still have to find it where it was.
        out.copy(segments.open(segment), found.from, found.to)
        continue
      }
      const { envelopeBytes, salt, bodyBytes } = found.frame
      const body = salt === null || bodyBytes === null || isListed(found.seq) ? null : { salt, bodyBytes }
      const block = out.room(frameBytes(envelopeBytes.length, body?.bodyBytes.length ?? null))
      writeFrame(block, 0, { envelopeBytes, body, base: segmentHeaderBytes }, seed)
      if (out.written()) yield found.seq
    }
    out.finish()
  })
}

type Piece =
  | { readonly seq: number; readonly frame: GoodFrame }
  /** No frame. */
  | { readonly from: number; readonly to: number }

/** Everything behind the header, in order. */
function* framesOf(window: FrameWindow, end: number): Generator<Piece> {
  for (let offset = segmentHeaderBytes; offset < end; ) {
    const found = window.at(offset)
    const envelope = found.state === 'ok' ? envelopeOf(found.frame) : undefined
    if (found.state === 'ok' && typeof envelope === 'object') {
      yield { seq: envelope.seq, frame: found.frame }
      offset = found.next
      continue
    }
    const next = window.search(offset + 1, frame => typeof envelopeOf(frame) === 'object')
    yield { from: offset, to: next.offset }
    offset = next.offset
  }
}

/** Writes a file from its start on in large pieces. */
function createBlocks(target: OpenFile) {
  let memory = Buffer.allocUnsafe(2 * writeBytesMax)
  let filled = 0
  let at = 0
  let wrote = false
  const flush = (): void => {
    target.write(memory.subarray(0, filled), at)
    at += filled
    filled = 0
    wrote = true
  }
  const room = (bytes: number): Buffer => {
    if (filled > 0 && filled + bytes > memory.length) flush()
    if (bytes > memory.length) memory = Buffer.allocUnsafe(bytes)
    filled += bytes
    return memory.subarray(filled - bytes, filled)
  }
  return {
    /** Where the next bytes go. */
    room,
    /** Whether anything reached the file since this was last asked. */
    written(): boolean {
      const before = wrote
      wrote = false
      return before
    },
    copy(source: OpenFile, from: number, to: number): void {
      for (let position = from; position < to; ) {
        const length = Math.min(writeBytesMax, to - position)
        const block = room(length)
        for (let got = 0; got < length; ) got += source.read(block, got, length - got, position + got) || length
        position += length
      }
    },
    finish: flush,
  }
}
