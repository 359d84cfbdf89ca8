// Differences of one file as numbered hunks, and the file with some hunks taken back. Lines are compared as bytes, so
// that what is put back is what was there, whatever its encoding.
import { structuredPatch } from 'diff'
import { SentientError } from '../errors.ts'
import { byteStringOf, displayBytes } from '../format/bytes.ts'
import { sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, FileStat } from '../host/host.ts'
import { openContent } from '../store/content.ts'
import { findPath, type ObjectReader } from '../store/tree.ts'
import { inParent } from '../worktree/walk.ts'
import type { TimelineContext } from './context.ts'
import { requireRemembered } from './forgotten.ts'
import type { DiskEntry, FileDiff, GovernedPath, Hunk, StatePoint } from './model.ts'
import { stateAt } from './pruned.ts'

/** Larger files are only said to differ. */
export const diffBytesMax = 4 << 20
const diffMilliseconds = 2_000
const hunkContext = 3
const binaryProbeBytes = 8_192

/** The stored bytes of a file or symlink; throws LIMIT above `diffBytesMax`. */
export function storedBytes(reader: ObjectReader, entry: Entry): Uint8Array {
  checkSize(entry.size)
  const bytes = new Uint8Array(entry.size)
  const content = openContent(reader, entry.content, entry.size)
  for (let got = 0; got < bytes.length; ) got += content.read(bytes, got, bytes.length - got, got) || bytes.length
  return bytes
}

/** The bytes on disk now; throws PATH_NOT_FOUND, LIMIT. */
export function diskBytes(context: TimelineContext, path: GovernedPath): Uint8Array {
  const bytes = inParent(context.worktree.root, path, (parent, name) => {
    const stat = parent.stat(name)
    if (stat?.kind === 'symlink') return Buffer.from(parent.readLink(name), 'latin1')
    if (stat?.kind !== 'file') return undefined
    checkSize(stat.size)
    const file = parent.open(name, 'read')
    try {
      const buffer = new Uint8Array(stat.size)
      let got = 0
      while (got < buffer.length) {
        const count = file.read(buffer, got, buffer.length - got, got)
        if (count === 0) break
        got += count
      }
      return buffer.subarray(0, got)
    } finally {
      file.close()
    }
  })
  if (bytes === undefined) throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
  return bytes
}

function checkSize(size: number): void {
  if (size > diffBytesMax) {
    throw new SentientError('LIMIT', {
      what: 'Too large to compare by lines',
      expected: `at most ${diffBytesMax} bytes`,
      found: `${size}`,
    })
  }
}

export function diskEntryOf(stat: FileStat): DiskEntry {
  return { kind: stat.kind, mode: stat.mode, size: stat.size, mtime: Number(stat.mtimeNs / 1000n) }
}

/** What changed in one path between two states, or a state and the disk. */
export function fileDiff(
  context: TimelineContext,
  path: GovernedPath,
  from: StatePoint,
  to: StatePoint | 'disk',
  options: { readonly context?: number } = {},
): FileDiff {
  const before = entryAt(context, path, from)
  const after = to === 'disk' ? diskAt(context, path) : entryAt(context, path, to)
  const plain = { path, before, after, hunks: [], added: 0, removed: 0 }
  const lineKinds = (entry: typeof before | typeof after) =>
    entry === null || entry.kind === 'file' || entry.kind === 'symlink'
  if (!lineKinds(before) || !lineKinds(after)) return { ...plain, kind: 'other' }
  if (Math.max(before?.size ?? 0, after?.size ?? 0) > diffBytesMax) return { ...plain, kind: 'too-large' }
  if (before !== null && after !== null && 'content' in after && sameLink(before.content, after.content)) {
    return { ...plain, kind: 'same' }
  }
  requireRemembered(context, before, displayBytes(path))
  if (after !== null && 'content' in after) requireRemembered(context, after, displayBytes(path))
  const old = before === null ? new Uint8Array() : storedBytes(context.store, before)
  const next =
    after === null
      ? new Uint8Array()
      : 'content' in after
        ? storedBytes(context.store, after)
        : bytesOnDisk(context, path)
  if (Buffer.compare(old, next) === 0) return { ...plain, kind: 'same' }
  if (isBinary(old) || isBinary(next)) return { ...plain, kind: 'binary' }
  const hunks = hunksOf(byteStringOf(old), byteStringOf(next), options.context ?? hunkContext)
  if (hunks === undefined) return { ...plain, kind: 'too-large' }
  const count = (sign: string) =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter(line => line[0] === sign).length, 0)
  return { ...plain, kind: 'text', hunks: hunks.map(shownHunk), added: count('+'), removed: count('-') }
}

function entryAt(context: TimelineContext, path: GovernedPath, point: StatePoint): Entry | null {
  return findPath(context.store, stateAt(context, point).files, path) ?? null
}

function diskAt(context: TimelineContext, path: GovernedPath): DiskEntry | null {
  const stat = context.worktree.stat(path)
  return stat === undefined ? null : diskEntryOf(stat)
}

function bytesOnDisk(context: TimelineContext, path: GovernedPath): Uint8Array {
  try {
    return diskBytes(context, path)
  } catch (error) {
    if (isHostError(error, 'DENIED'))
      throw new SentientError('IO', { where: displayBytes(path), found: 'permission denied' }, error)
    throw error
  }
}

export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, binaryProbeBytes).includes(0)
}

function hunksOf(before: ByteString, after: ByteString, context: number): Hunk[] | undefined {
  const patch = structuredPatch('', '', before, after, undefined, undefined, { context, timeout: diffMilliseconds })
  return patch?.hunks.map((hunk, i) => ({
    number: i + 1,
    beforeStart: hunk.oldStart,
    beforeLines: hunk.oldLines,
    afterStart: hunk.newStart,
    afterLines: hunk.newLines,
    lines: hunk.lines,
  }))
}

function shownHunk(hunk: Hunk): Hunk {
  return { ...hunk, lines: hunk.lines.map(line => Buffer.from(line, 'latin1').toString('utf8')) }
}

/** The newer bytes with the numbered hunks (of the default context) as they were in the older ones; throws USAGE, LIMIT. */
export function revertHunks(older: Uint8Array, newer: Uint8Array, numbers: readonly number[]): Uint8Array {
  if (isBinary(older) || isBinary(newer)) throw new SentientError('USAGE', { what: 'Binary files have no hunks' })
  const hunks = hunksOf(byteStringOf(older), byteStringOf(newer), hunkContext)
  if (hunks === undefined) throw new SentientError('LIMIT', { what: 'Too different to compare by lines' })
  const wrong = numbers.find(number => !hunks.some(hunk => hunk.number === number))
  if (wrong !== undefined)
    throw new SentientError('USAGE', {
      what: 'No such hunk',
      expected: hunks.length === 1 ? 'hunk 1' : `1 to ${hunks.length}`,
      found: `hunk ${wrong}`,
    })
  const lines = splitLines(byteStringOf(newer))
  for (const hunk of hunks.filter(candidate => numbers.includes(candidate.number)).reverse()) {
    const start = hunk.afterLines === 0 ? hunk.afterStart : hunk.afterStart - 1
    lines.splice(start, hunk.afterLines, ...oldLines(hunk))
  }
  return Buffer.from(lines.join(''), 'latin1')
}

/** Lines with their ends; the last may have none. */
function splitLines(text: ByteString): ByteString[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function oldLines(hunk: Hunk): ByteString[] {
  const lines: ByteString[] = []
  for (const [i, line] of hunk.lines.entries()) {
    if (line[0] !== ' ' && line[0] !== '-') continue
    const unended = hunk.lines[i + 1]?.startsWith('\\') === true
    lines.push(line.slice(1) + (unended ? '' : '\n'))
  }
  return lines
}
