// Inclusion files: all that a stranger needs to check that a record is in the journal of a known key, in the text form
// of C2SP tlog-proof. The record's envelope is the extra data.

import { isUtf8 } from 'node:buffer'
import { asBuffer } from './bytes.ts'
import { type Checkpoint, parseDecimal, verifyCheckpoint } from './checkpoint.ts'
import { inclusionBytesMax, integerMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { leafHash, verifyInclusion } from './merkle.ts'
import { base64, parseBase64, type VerifierKey } from './note.ts'
import { decodeEnvelope, type Envelope } from './record.ts'

export interface InclusionFile {
  readonly index: number
  readonly envelopeBytes: Uint8Array
  /** From the leaf's sibling up. */
  readonly path: readonly Uint8Array[]
  /** The signed checkpoint, as it is stored. */
  readonly checkpointNote: Uint8Array
}

export type InclusionVerdict =
  | { readonly state: 'ok'; readonly index: number; readonly envelope: Envelope; readonly checkpoint: Checkpoint }
  | { readonly state: 'bad'; readonly reason: string }

const firstLine = 'c2sp.org/tlog-proof@v1'
/** A tree of 2^53 leaves is 53 levels high. */
const pathLengthMax = 53

export function encodeInclusion({ index, envelopeBytes, path, checkpointNote }: InclusionFile): Uint8Array {
  const head = [firstLine, `extra ${base64(envelopeBytes)}`, `index ${index}`, ...path.map(base64), '']
  return Uint8Array.from(Buffer.concat([Buffer.from(`${head.join('\n')}\n`), checkpointNote]))
}

/** Takes the file apart; throws FormatError. Nothing is proven by that. */
export function parseInclusion(bytes: Uint8Array): InclusionFile {
  if (bytes.length > inclusionBytesMax || !isUtf8(bytes)) throw new FormatError('not an inclusion file')
  const text = asBuffer(bytes).toString('utf8')
  const split = text.indexOf('\n\n')
  if (split < 0) throw new FormatError('an inclusion file without a checkpoint')
  const [first, extra = '', index = '', ...hashes] = text.slice(0, split).split('\n')
  if (first !== firstLine || !extra.startsWith('extra ') || !index.startsWith('index ')) {
    throw new FormatError('an inclusion file begins with its version, extra and index')
  }
  if (hashes.length > pathLengthMax) throw new FormatError('an inclusion path that is too long')
  const path = hashes.map(parseBase64)
  if (path.some(hash => hash.length !== 32)) throw new FormatError('a hash has 32 bytes')
  return {
    index: parseDecimal(index.slice(6), integerMax),
    envelopeBytes: parseBase64(extra.slice(6)),
    path,
    checkpointNote: Uint8Array.from(Buffer.from(text.slice(split + 2))),
  }
}

/** Checks an inclusion file with nothing but the file and the keys. */
export function verifyInclusionFile(bytes: Uint8Array, keys: readonly VerifierKey[]): InclusionVerdict {
  try {
    const { index, envelopeBytes, path, checkpointNote } = parseInclusion(bytes)
    const verdict = verifyCheckpoint(checkpointNote, keys)
    if (verdict.state === 'bad') return verdict
    const { checkpoint } = verdict
    const envelope = decodeEnvelope(envelopeBytes)
    if (envelope.seq !== index) return { state: 'bad', reason: 'the record has another seq than the index' }
    if (!verifyInclusion(leafHash(envelopeBytes), index, checkpoint.size, path, checkpoint.root)) {
      return { state: 'bad', reason: 'the path does not lead to the root of the checkpoint' }
    }
    return { state: 'ok', index, envelope, checkpoint }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { state: 'bad', reason: error.reason }
  }
}
