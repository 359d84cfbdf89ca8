// Consistency files: what a stranger needs to check that a signed checkpoint goes on from an earlier one, as text. The
// same form is the evidence of a fork: then both checkpoints are in it, and a proof that they contradict each other.

import { isUtf8 } from 'node:buffer'
import { asBuffer, equalBytes } from './bytes.ts'
import { type Checkpoint, parseCheckpoint, parseDecimal, verifyCheckpoint } from './checkpoint.ts'
import { integerMax, noteBytesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { verifyConsistency } from './merkle.ts'
import { base64, parseBase64, parseNote, type VerifierKey } from './note.ts'

export interface ConsistencyFile {
  readonly oldSize: number
  /** 32 bytes: what the tree of `oldSize` records is said to have. */
  readonly oldRoot: Uint8Array
  /** Only as evidence: the root that the first `oldSize` records of the new tree really have. */
  readonly found?: Uint8Array
  /** RFC 6962 consistency proof. */
  readonly path: readonly Uint8Array[]
  /** The newer signed checkpoint, as it is stored. */
  readonly newNote: Uint8Array
  /** The older one, where it was at hand. */
  readonly oldNote?: Uint8Array
}

export type ConsistencyVerdict =
  | {
      readonly state: 'consistent'
      readonly old: Pick<Checkpoint, 'size' | 'root'>
      /** The older checkpoint is in the file, and is signed too. */
      readonly oldSigned: boolean
      readonly checkpoint: Checkpoint
    }
  /** Two checkpoints that one key signed and that no one history has. */
  | { readonly state: 'fork'; readonly old: Checkpoint; readonly checkpoint: Checkpoint }
  | { readonly state: 'bad'; readonly reason: string }

const firstLine = 'sentientos.invalid/tlog-consistency@v1'
/** RFC 6962 proofs between trees of up to 2^53 leaves. */
const pathLengthMax = 54
export const consistencyBytesMax = 2 * noteBytesMax + 8192

export function encodeConsistency(file: ConsistencyFile): Uint8Array {
  const { oldSize, oldRoot, found, path, newNote, oldNote } = file
  const head = [firstLine, `old ${oldSize} ${base64(oldRoot)}`]
  if (found !== undefined) head.push(`found ${base64(found)}`)
  const parts = [Buffer.from(`${[...head, ...path.map(base64), ''].join('\n')}\n`), newNote]
  if (oldNote !== undefined) parts.push(Buffer.from('\n'), oldNote)
  return Uint8Array.from(Buffer.concat(parts))
}

/** Takes the file apart; throws FormatError. Nothing is proven by that. */
export function parseConsistency(bytes: Uint8Array): ConsistencyFile {
  if (bytes.length > consistencyBytesMax || !isUtf8(bytes)) throw new FormatError('not a consistency file')
  const [head = '', ...notes] = asBuffer(bytes).toString('utf8').split('\n\n')
  if (notes.length !== 2 && notes.length !== 4) throw new FormatError('a consistency file has one or two checkpoints')
  const [first, old = '', ...rest] = head.split('\n')
  const [, oldSize, oldRoot] = /^old (\S+) (\S+)$/.exec(old) ?? []
  if (first !== firstLine || oldSize === undefined || oldRoot === undefined)
    throw new FormatError('a consistency file begins with its version and the older tree')
  const found = rest[0]?.startsWith('found ') ? hashOf(rest.shift()!.slice('found '.length)) : undefined
  if (rest.length > pathLengthMax) throw new FormatError('a consistency proof that is too long')
  const noteAt = (index: number): Uint8Array => {
    const ends = index + 2 === notes.length ? '' : '\n'
    return Uint8Array.from(Buffer.from(`${notes[index]}\n\n${notes[index + 1]}${ends}`))
  }
  const file: ConsistencyFile = {
    oldSize: parseDecimal(oldSize, integerMax),
    oldRoot: hashOf(oldRoot),
    ...(found === undefined ? {} : { found }),
    path: rest.map(hashOf),
    newNote: noteAt(0),
    ...(notes.length === 2 ? {} : { oldNote: noteAt(2) }),
  }
  if (!equalBytes(encodeConsistency(file), bytes)) throw new FormatError('a consistency file in another spelling')
  return file
}

function hashOf(text: string): Uint8Array {
  const hash = parseBase64(text)
  if (hash.length !== 32) throw new FormatError('a hash has 32 bytes')
  return hash
}

/** Checks a consistency file with nothing but the file and the keys. */
export function verifyConsistencyFile(bytes: Uint8Array, keys: readonly VerifierKey[]): ConsistencyVerdict {
  try {
    const file = parseConsistency(bytes)
    const verdict = verifyCheckpoint(file.newNote, keys)
    if (verdict.state === 'bad') return verdict
    const older = file.oldNote === undefined ? undefined : verifyCheckpoint(file.oldNote, keys)
    if (older?.state === 'bad') return { state: 'bad', reason: `the older checkpoint: ${older.reason}` }
    return judge(file, verdict.checkpoint, older?.checkpoint)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { state: 'bad', reason: error.reason }
  }
}

function judge(file: ConsistencyFile, checkpoint: Checkpoint, older: Checkpoint | undefined): ConsistencyVerdict {
  const { oldSize, oldRoot, found, path } = file
  if (older !== undefined && (older.size !== oldSize || !equalBytes(older.root, oldRoot))) {
    return { state: 'bad', reason: 'the older checkpoint is not the one that the proof is about' }
  }
  const leads = (from: Uint8Array): boolean => verifyConsistency(oldSize, checkpoint.size, from, checkpoint.root, path)
  if (found === undefined && leads(oldRoot)) {
    return { state: 'consistent', old: { size: oldSize, root: oldRoot }, oldSigned: older !== undefined, checkpoint }
  }
  const contradicts =
    oldSize === checkpoint.size
      ? found === undefined && path.length === 0 && !equalBytes(oldRoot, checkpoint.root)
      : found !== undefined && !equalBytes(found, oldRoot) && leads(found)
  if (!contradicts) return { state: 'bad', reason: 'the proof does not lead from the older tree to the checkpoint' }
  if (older === undefined) {
    return { state: 'bad', reason: `the first ${oldSize} records of the checkpoint have another root` }
  }
  if (older.origin !== checkpoint.origin) return { state: 'bad', reason: 'the checkpoints are of two logs' }
  return { state: 'fork', old: older, checkpoint }
}

/**
 * The consistency file of two checkpoints, from the proof that the newer one's tree gives. When that tree does not
 * begin with the older one, `found` is the root that it does have there, and the file is the evidence of that.
 */
export function consistencyFileOf(options: {
  readonly old: Pick<Checkpoint, 'size' | 'root'>
  readonly oldNote?: Uint8Array | undefined
  readonly newNote: Uint8Array
  readonly path: readonly Uint8Array[]
  /** The root of the first records of the newer tree. */
  readonly found: Uint8Array
}): Uint8Array {
  const { old, oldNote, newNote, path, found } = options
  const { size } = parseCheckpoint(parseNote(newNote).text)
  const differs = old.size < size && !equalBytes(found, old.root)
  return encodeConsistency({
    oldSize: old.size,
    oldRoot: old.root,
    ...(differs ? { found } : {}),
    path: old.size === size ? [] : path,
    newNote,
    ...(oldNote === undefined ? {} : { oldNote }),
  })
}
