// Checkpoints: "the journal of this origin has n records and this Merkle root", as the text of a signed note in the
// form of C2SP tlog-checkpoint.

import { epochMax, integerMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { base32, parseBase32 } from './id.ts'
import { base64, type NoteSigner, parseBase64, parseNote, signNote, type VerifierKey, verifyNote } from './note.ts'

export interface Checkpoint {
  /** Which log, in which epoch; also the name of the key. */
  readonly origin: string
  /** Records. */
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

export interface Origin {
  /** 16 bytes. */
  readonly logId: Uint8Array
  readonly epoch: number
}

/** The domain is reserved for never being one (RFC 2606): an origin is a name, not an address. */
const originDomain = 'sentientos.invalid'

export function formatOrigin({ logId, epoch }: Origin): string {
  if (logId.length !== 16) throw new FormatError('a log id has 16 bytes')
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > epochMax) throw new FormatError('an epoch over its limit')
  return `${originDomain}/${base32(logId)}/${epoch}`
}

export function parseOrigin(text: string): Origin {
  const [domain, id = '', epoch = '', ...rest] = text.split('/')
  if (domain !== originDomain || rest.length > 0) throw new FormatError('not an origin of a root folder')
  const origin: Origin = { logId: parseBase32(id), epoch: parseDecimal(epoch, epochMax) }
  if (origin.logId.length !== 16) throw new FormatError('a log id has 16 bytes')
  return origin
}

/** The text of a checkpoint: origin, size and root, a line each. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== 32) throw new FormatError('a bad checkpoint')
  return `${origin}\n${size}\n${base64(root)}\n`
}

/** Lines of extensions, which C2SP allows and we never write, are refused. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encodedRoot = '', ...rest] = text.split('\n')
  if (origin === '' || rest.length !== 1 || rest[0] !== '') throw new FormatError('a checkpoint has three lines')
  const root = parseBase64(encodedRoot)
  if (root.length !== 32) throw new FormatError('a Merkle root has 32 bytes')
  return { origin, size: parseDecimal(size, integerMax), root }
}

/** A signed checkpoint. The signer's name must be the origin. */
export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): Uint8Array {
  if (signer.name !== checkpoint.origin) throw new FormatError('a checkpoint is signed by the key of its origin')
  return signNote(formatCheckpoint(checkpoint), signer)
}

export type CheckpointVerdict =
  | { readonly state: 'ok'; readonly checkpoint: Checkpoint }
  | { readonly state: 'bad'; readonly reason: string }

/** Reads a signed checkpoint and checks that a key named as its origin signed it. */
export function verifyCheckpoint(bytes: Uint8Array, keys: readonly VerifierKey[]): CheckpointVerdict {
  try {
    const note = parseNote(bytes)
    const checkpoint = parseCheckpoint(note.text)
    const verdict = verifyNote(
      note,
      keys.filter(key => key.name === checkpoint.origin),
    )
    return verdict.state === 'ok' ? { state: 'ok', checkpoint } : verdict
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { state: 'bad', reason: error.reason }
  }
}

/** A decimal without sign or leading zeros, up to `limit`. */
export function parseDecimal(text: string, limit: number): number {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= limit)) throw new FormatError('a decimal number was expected')
  return value
}
