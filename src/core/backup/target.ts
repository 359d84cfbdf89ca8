// A folder that receives a history: a root folder without a governed tree and without private keys, which only backups
// and imports write. It is extended in an order that leaves, wherever it ends, what was there before or all of the new:
// packs, segments, keys and format, marks, checkpoint; what is no longer needed goes last.
import { SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { parseCheckpoint } from '../format/checkpoint.ts'
import { formatFileBytesMax, marksFileBytes, noteBytesMax, packNumberMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodeFormatFile, type FormatFile } from '../format/formatFile.ts'
import { segmentHeaderBytes } from '../format/frame.ts'
import { decodeMarksFile, type Marks } from '../format/marks.ts'
import { parseNote } from '../format/note.ts'
import { packFileName } from '../format/pack.ts'
import { zeroHash } from '../format/record.ts'
import type { Directory, Host, WriterLock } from '../host/host.ts'
import { needChild, readWhole, removeIfThere, replaceFile, replaceMarks, updateFile } from './files.ts'
import { listPacks, type PackFile } from './packs.ts'
import type { Position } from './segments.ts'

/** What may be received into. Its text is for people who wonder; `settled` is how far `forget` records were followed. */
const receiverName = 'receiver'
const receiverBytesMax = 4_096

export interface Target {
  readonly root: Directory
  readonly runtime: Directory
  readonly tree: Directory
  readonly packs: Directory
  readonly auth: Directory
  readonly journal: Directory
  /** Records that it has; what lies beyond the marks does not count. */
  readonly size: number
  readonly leaf: Uint8Array
  /** Where the next frame goes. */
  readonly position: Position
  readonly marks: Marks | undefined
  readonly format: FormatFile | undefined
  packFiles(): PackFile[]
  freeNumber(wanted: number): number
  /** Records that count by what is on disk now. */
  storedSize(): number
  /** What was written, durable by now, counts from here on. */
  commit(change: Commit): void
  /** Less counts from here on: the rest is damaged, and will be written again. */
  setBack(to: Pick<Commit, 'size' | 'leaf' | 'position'>): void
  settled(): number
  setSettled(size: number): void
  removePacks(packs: readonly PackFile[]): void
  close(): void
}

export interface Commit {
  readonly size: number
  readonly leaf: Uint8Array
  readonly position: Position
  readonly format: Uint8Array
  /** Name and bytes of each public key. */
  readonly keys: ReadonlyMap<string, Uint8Array>
  readonly checkpoint: { readonly bytes: Uint8Array; readonly size: number } | undefined
  /** A pack of the target that is not whole beyond these bytes. */
  readonly growing: { readonly number: number; readonly soundBytes: number; readonly id: Uint8Array } | undefined
}

/** Where a history goes for the first time, only these may be there: the rest of an interrupted run. */
const ourNames: ReadonlySet<string> = new Set(['.auth', '.db', '.runtime', '.tree'])

/**
 * Opens a directory to receive the log of this id; throws DIVERGED or ROOT_EXISTS for what can not be one. `tolerant`:
 * without valid marks it begins anew.
 */
export function openTarget(
  host: Pick<Host, 'locks' | 'random'>,
  root: Directory,
  logId: Uint8Array,
  options: { readonly tolerant?: boolean } = {},
): Target {
  const opened: Directory[] = []
  const child = (parent: Directory, name: string): Directory => {
    const directory = needChild(parent, name)
    opened.push(directory)
    return directory
  }
  let lock: WriterLock | undefined
  const close = (): void => {
    lock?.close()
    for (const directory of opened.reverse()) directory.close()
  }
  try {
    refuseOthers(root)
    const runtime = child(root, '.runtime')
    const format = readFormat(runtime, root)
    refuseOtherLog(format, logId, root)
    if (runtime.stat(receiverName) === undefined) replaceFile(runtime, receiverName, receiverText(logId, 0))
    else refuseOtherReceiver(runtime, logId, root)
    lock = host.locks.open(runtime, 'lock')
    if (!lock.tryAcquire()) throw new SentientError('LOCKED', { where: root.path })
    const marks = format === undefined ? undefined : readMarks(runtime, root, options.tolerant === true)
    let stored = marks
    const tree = child(root, '.tree')
    return {
      ...{ root, runtime, tree, marks, format, close },
      auth: child(root, '.auth'),
      journal: child(runtime, 'journal'),
      packs: child(tree, 'packs'),
      ...startOf(marks),
      packFiles() {
        return listPacks(this.packs)
      },
      freeNumber(wanted) {
        const taken = new Set(listPacks(this.packs).map(({ number }) => number))
        if (wanted > 0 && !taken.has(wanted)) return wanted
        const next = Math.max(0, ...taken) + 1
        if (next > packNumberMax) throw new SentientError('LIMIT', { what: 'There are no pack numbers left' })
        return next
      },
      storedSize: () => readMarks(runtime, root, true)?.nextSeq ?? 0,
      commit(change) {
        stored = commit(this, change, stored)
      },
      setBack(to) {
        stored = setBack(runtime, stored, to)
      },
      settled: () => settledOf(runtime),
      setSettled: size => void updateFile(runtime, receiverName, receiverText(logId, size)),
      removePacks(packs) {
        if (packs.length === 0) return
        replaceFile(tree, 'generation', Buffer.from(`${hexOf(host.random.bytes(8))}\n`))
        for (const { number } of packs)
          for (const extension of ['pack', 'idx'] as const) removeIfThere(this.packs, packFileName(number, extension))
        this.packs.flush()
      },
    }
  } catch (error) {
    close()
    throw error
  }
}

function startOf(marks: Marks | undefined): Pick<Target, 'size' | 'leaf' | 'position'> {
  if (marks === undefined) return { size: 0, leaf: zeroHash, position: { segment: 0, bytes: 0 } }
  const position = { segment: marks.segmentFirstSeq, bytes: marks.segmentFlushedBytes }
  return { size: marks.nextSeq, leaf: marks.lastLeaf, position }
}

/** Neither somebody's files, nor a root folder in which somebody works. */
function refuseOthers(root: Directory): void {
  const names = root.list().map(({ name }) => name)
  const receives = receiverIn(root)
  if (!receives && names.length > 0) {
    throw new SentientError('ROOT_EXISTS', {
      what: 'The directory holds something that is neither a backup nor an import',
      where: root.path,
      hint: 'Name a directory that is empty or missing, or an earlier backup.',
    })
  }
  const foreign = names.filter(name => !ourNames.has(name) && !name.startsWith('recycle.'))
  const auth = root.child('.auth')
  const signs = auth?.list().some(({ name }) => name.endsWith('.pem')) === true
  auth?.close()
  if (foreign.length === 0 && !signs) return
  throw new SentientError('ROOT_EXISTS', {
    what: signs ? 'Somebody goes on in this backup: it is a root folder of its own' : 'The backup holds foreign files',
    where: root.path,
    ...(signs ? {} : { found: foreign.slice(0, 3).join(', ') }),
    hint: 'Name another directory.',
  })
}

function receiverIn(root: Directory): boolean {
  const runtime = root.child('.runtime')
  try {
    // Ended before its first file was whole: a directory with nothing else in it is ours.
    if (runtime?.stat(receiverName) !== undefined) return true
    return runtime?.list().every(({ name }) => name.startsWith(receiverName)) === true
  } finally {
    runtime?.close()
  }
}

function readFormat(runtime: Directory, root: Directory): FormatFile | undefined {
  if (runtime.stat('format') === undefined) return undefined
  const bytes = readWhole(runtime, 'format', formatFileBytesMax)
  try {
    return decodeFormatFile(bytes ?? new Uint8Array())
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw targetDamaged(root, '.runtime/format', error.reason)
  }
}

function readMarks(runtime: Directory, root: Directory, tolerant: boolean): Marks | undefined {
  const bytes = readWhole(runtime, 'marks', 2 * marksFileBytes)
  const newest = bytes && decodeMarksFile(bytes).newest
  if (newest === undefined && !tolerant) throw targetDamaged(root, '.runtime/marks', 'no valid mark')
  return newest
}

export const targetDamaged = (root: Directory, name: string, found: string): SentientError =>
  new SentientError('DAMAGED', {
    what: 'What was received before is damaged',
    where: `${root.path}/${name}`,
    found,
    hint: 'Receive into another directory; this one may still have what repair --from can use.',
  })

export const otherLog = (root: Directory, found: Uint8Array, expected: Uint8Array): SentientError =>
  new SentientError('DIVERGED', {
    what: 'The directory holds the history of another log',
    where: root.path,
    expected: `log ${hexOf(expected)}`,
    found: `log ${hexOf(found)}`,
  })

function refuseOtherLog(format: FormatFile | undefined, logId: Uint8Array, root: Directory): void {
  if (format !== undefined && !equalBytes(format.logId, logId)) throw otherLog(root, format.logId, logId)
}

/** An interrupted first run has no format file yet. */
function refuseOtherReceiver(runtime: Directory, logId: Uint8Array, root: Directory): void {
  const known = /^log ([0-9a-f]{32})$/m.exec(receiverOf(runtime))?.[1]
  if (known !== undefined && known !== hexOf(logId)) throw otherLog(root, Buffer.from(known, 'hex'), logId)
}

const receiverOf = (runtime: Directory): string =>
  Buffer.from(readWhole(runtime, receiverName, receiverBytesMax) ?? []).toString('latin1')

const settledOf = (runtime: Directory): number => Number(/^settled (\d{1,15})$/m.exec(receiverOf(runtime))?.[1] ?? 0)

function receiverText(logId: Uint8Array, settled: number): Uint8Array {
  const about = 'written by sentctl backup and sentctl import; to go on in here: sentctl adopt'
  return Buffer.from(`${about}\nlog ${hexOf(logId)}\nsettled ${settled}\n`)
}

function commit(target: Target, change: Commit, before: Marks | undefined): Marks {
  const { runtime, auth, packs, journal, root } = target
  packs.flush()
  journal.flush()
  for (const [name, bytes] of change.keys) updateFile(auth, name, bytes)
  const { growing, position } = change
  const marks = {
    segmentFirstSeq: position.segment,
    segmentFlushedBytes: Math.max(position.bytes, segmentHeaderBytes),
    nextSeq: change.size,
    lastLeaf: change.leaf,
    // There is no tree: nothing waits to be shown.
    applied: change.size,
    packNumber: growing?.number ?? 0,
    packFlushedBytes: growing?.soundBytes ?? 0,
    ...(growing === undefined ? {} : { packId: growing.id }),
    clean: true,
  }
  const generation = before === undefined ? 1 : before.generation + 1
  const isSame = sameMarks(before, marks)
  if (!isSame) replaceMarks(runtime, { ...marks, generation })
  const { checkpoint } = change
  if (checkpoint !== undefined && checkpoint.size >= signedSize(runtime))
    updateFile(runtime, 'checkpoint', checkpoint.bytes)
  updateFile(runtime, 'format', change.format)
  root.flush()
  return isSame && before !== undefined ? before : { ...marks, generation: generation + 1 }
}

/** What the stored checkpoint covers; 0 when there is none that can be read. */
function signedSize(runtime: Directory): number {
  const bytes = readWhole(runtime, 'checkpoint', noteBytesMax)
  try {
    return bytes === undefined ? 0 : parseCheckpoint(parseNote(bytes).text).size
  } catch (error) {
    if (!isFormatError(error)) throw error
    return 0
  }
}

/** The checkpoint first: it must never cover more than there is. */
function setBack(
  runtime: Directory,
  before: Marks | undefined,
  { size, leaf, position }: Pick<Commit, 'size' | 'leaf' | 'position'>,
): Marks | undefined {
  removeIfThere(runtime, 'checkpoint')
  runtime.flush()
  if (size === 0 || before === undefined) return before
  const marks = {
    ...{ ...before, nextSeq: size, lastLeaf: leaf, applied: size, generation: before.generation + 1 },
    segmentFirstSeq: position.segment,
    segmentFlushedBytes: position.bytes,
  }
  replaceMarks(runtime, marks)
  return { ...marks, generation: marks.generation + 1 }
}

function sameMarks(before: Marks | undefined, now: Omit<Marks, 'generation'>): boolean {
  if (before === undefined) return false
  const { segmentFirstSeq, segmentFlushedBytes, nextSeq, packNumber, packFlushedBytes } = before
  return (
    before.clean &&
    segmentFirstSeq === now.segmentFirstSeq &&
    segmentFlushedBytes === now.segmentFlushedBytes &&
    nextSeq === now.nextSeq &&
    packNumber === now.packNumber &&
    packFlushedBytes === now.packFlushedBytes &&
    equalBytes(before.packId ?? new Uint8Array(), now.packId ?? new Uint8Array())
  )
}
