// `recycle.lock`: the snapshots as a signed list, for tools and people that do not read the journal. Derived: the
// snapshots themselves are records.

import { parseDecimal } from './checkpoint.ts'
import {
  integerMax,
  snapshotLabelBytesMax,
  snapshotListBytesMax,
  snapshotNameBytesMax,
  snapshotsMax,
} from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { cidText, dagLink, type ObjectId, parseCid } from './id.ts'
import { type Note, type NoteSigner, parseNote, signNote } from './note.ts'

/** Why a snapshot was made; `protect`: before a rollback or a bulk operation. */
export type SnapshotKind = 'manual' | 'auto' | 'protect' | 'init'

export interface ListedSnapshot {
  readonly name: string
  readonly seq: number
  readonly root: ObjectId
  /** Microseconds since 1970. */
  readonly time: number
  readonly kind: SnapshotKind
  readonly pinned: boolean
  readonly label: string
}

export interface SnapshotList {
  readonly origin: string
  /** Records of the journal that the list was made from. */
  readonly journalSize: number
  /** Oldest first. */
  readonly snapshots: readonly ListedSnapshot[]
}

const firstLine = 'sentientos recycle.lock v1'
const kinds: readonly SnapshotKind[] = ['manual', 'auto', 'protect', 'init']

/** The signed list. The signer's name must be the origin. */
export function signSnapshotList(list: SnapshotList, signer: NoteSigner): Uint8Array {
  if (signer.name !== list.origin) throw new FormatError('recycle.lock is signed by the key of its origin')
  return signNote(formatSnapshotList(list), signer)
}

/** The note of a `recycle.lock`; its signature is checked with `verifyNote`, its text read with `parseSnapshotList`. */
export function parseSnapshotNote(bytes: Uint8Array): Note {
  return parseNote(bytes, snapshotListBytesMax)
}

export function formatSnapshotList({ origin, journalSize, snapshots }: SnapshotList): string {
  checkSnapshots(snapshots, journalSize)
  const lines = snapshots.map(({ name, seq, root, time, kind, pinned, label }) =>
    [name, seq, cidText(dagLink(root)), time, kind, pinned ? 1 : 0, JSON.stringify(label)].join(' '),
  )
  return [firstLine, origin, journalSize, ...lines, ''].join('\n')
}

export function parseSnapshotList(text: string): SnapshotList {
  const lines = text.split('\n')
  const [first, origin = '', size = ''] = lines
  if (first !== firstLine || lines.length < 4 || lines.at(-1) !== '') throw new FormatError('not a recycle.lock')
  const journalSize = parseDecimal(size, integerMax)
  const list: SnapshotList = { origin, journalSize, snapshots: lines.slice(3, -1).map(parseLine) }
  if (formatSnapshotList(list) !== text) throw new FormatError('a recycle.lock spelled otherwise')
  return list
}

function parseLine(line: string): ListedSnapshot {
  const match = /^(\S+) (\d+) (\S+) (\d+) (\w+) ([01]) (".*")$/s.exec(line)
  if (match === null) throw new FormatError('a bad line in recycle.lock')
  const [, name = '', seq = '', cid = '', time = '', kindText, pinned, label = ''] = match
  const kind = kinds.find(candidate => candidate === kindText)
  const root = parseCid(cid)
  if (kind === undefined || root.codec !== 'dag-cbor') throw new FormatError('a bad line in recycle.lock')
  return {
    name,
    seq: parseDecimal(seq, integerMax),
    root: root.id,
    time: parseDecimal(time, integerMax),
    kind,
    pinned: pinned === '1',
    label: parseLabel(label),
  }
}

function parseLabel(text: string): string {
  try {
    return JSON.parse(text) as string
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new FormatError('a bad label in recycle.lock')
  }
}

/** A snapshot's name: 1 to 64 ASCII letters, digits, ".", "_" or "-", not beginning with "-" or ".". */
export function isSnapshotName(name: string): boolean {
  return name.length <= snapshotNameBytesMax && /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)
}

function checkSnapshots(snapshots: readonly ListedSnapshot[], journalSize: number): void {
  if (snapshots.length > snapshotsMax) throw new FormatError('more snapshots than a root folder can have')
  const names = new Set<string>()
  let lastSeq = 0
  for (const { name, seq, time, label } of snapshots) {
    if (!isSnapshotName(name) || names.has(name)) throw new FormatError('a bad or repeated name of a snapshot')
    names.add(name)
    if (!(Number.isSafeInteger(seq) && seq >= lastSeq && seq < journalSize))
      throw new FormatError('a bad seq of a snapshot')
    lastSeq = seq
    if (!Number.isSafeInteger(time) || time < 0) throw new FormatError('a bad time of a snapshot')
    if (Buffer.byteLength(label) > snapshotLabelBytesMax || !label.isWellFormed()) throw new FormatError('a bad label')
  }
}
