// `.runtime/torn`: bytes that were cut from the journal's tail are moved here, never thrown away.

import { segmentFileName } from '../format/frame.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import type { JournalContext } from './context.ts'
import type { Position } from './segments.ts'

const directoryName = 'torn'
const copyBytes = 1_048_576

/** Cuts everything from a position on: the rest of its segment and all later segments. Durable when it returns. */
export function cutFrom(context: JournalContext, at: Position): void {
  const { segments } = context
  const later = segments.list().filter(first => first > at.segment || (first === at.segment && at.bytes === 0))
  const rest = later.includes(at.segment) ? 0 : segments.open(at.segment).stat().size - at.bytes
  if (rest === 0 && later.length === 0) return
  const home = tornDirectory(context.runtime)
  try {
    const journal = segments.directory()!
    for (const segment of later.toReversed()) {
      segments.drop(segment)
      journal.rename(segmentFileName(segment), home, freeName(context, home, { segment, bytes: 0 }))
      home.flush()
      journal.flush()
    }
    if (rest > 0) {
      copyRest(context, home, at)
      const file = segments.open(at.segment)
      file.truncate(at.bytes)
      file.flush()
    }
  } finally {
    home.close()
    segments.relist()
    context.offsets.drop(at.segment)
  }
}

/** Keeps a copy of a whole segment as it is. Durable when it returns. */
export function keepSegment(context: JournalContext, segment: number): void {
  const home = tornDirectory(context.runtime)
  try {
    copyRest(context, home, { segment, bytes: 0 })
  } finally {
    home.close()
  }
}

/** Puts other bytes in a segment's place, by rename. Durable when it returns. */
export function replaceSegment(context: JournalContext, segment: number, bytes: Uint8Array): void {
  for (const _ of renameSegment(context, segment, target => [target.write(bytes, 0)]));
}

/** The same with what `write` writes, which may give way in between. */
export function* renameSegment<T>(
  context: JournalContext,
  segment: number,
  write: (target: OpenFile) => Iterable<T>,
): Generator<T> {
  const { segments } = context
  const journal = segments.directory()!
  const name = segmentFileName(segment)
  const newName = `${name}.new`
  if (journal.stat(newName) !== undefined) journal.removeFile(newName)
  const file = journal.open(newName, 'create', 0o600)
  try {
    yield* write(file)
    file.flush()
  } finally {
    file.close()
  }
  segments.drop(segment)
  journal.rename(newName, journal, name)
  journal.flush()
  context.offsets.drop(segment)
}

function tornDirectory(runtime: Directory): Directory {
  const known = runtime.child(directoryName)
  if (known !== undefined) return known
  runtime.makeDirectory(directoryName, 0o700)
  runtime.flush()
  return runtime.child(directoryName)!
}

function freeName(context: JournalContext, home: Directory, at: Position): string {
  const base = `${context.clock.nowMicros()}-${String(at.segment).padStart(20, '0')}-${at.bytes}`
  for (let attempt = 0; ; attempt++) {
    const name = attempt === 0 ? base : `${base}-${attempt}`
    if (home.stat(name) === undefined) return name
  }
}

function copyRest(context: JournalContext, home: Directory, at: Position): void {
  const from = context.segments.open(at.segment)
  const size = from.stat().size
  const file = home.open(freeName(context, home, at), 'create', 0o600)
  try {
    copyRange(from, file, at.bytes, size, at.bytes)
    file.flush()
  } finally {
    file.close()
  }
  home.flush()
}

interface Readable {
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

/** Copies the bytes [from, to) to a file that begins with byte `origin` of the source. */
export function copyRange(
  source: Readable,
  target: { write(bytes: Uint8Array, position: number): void },
  from: number,
  to: number,
  origin: number,
): void {
  const memory = Buffer.allocUnsafe(Math.min(copyBytes, Math.max(0, to - from)))
  for (let at = from; at < to; ) {
    const count = source.read(memory, 0, Math.min(memory.length, to - at), at)
    if (count === 0) break
    target.write(memory.subarray(0, count), at - origin)
    at += count
  }
}
