// Cosignatures of C2SP tlog-cosignature, Ed25519: a witness's statement "at this time the largest tree that I have seen
// of this log, consistent with all before, is the one of this checkpoint", as one more line of the checkpoint's note.

import type { KeyObject } from 'node:crypto'
import { asBuffer, concatBytes } from './bytes.ts'
import { FormatError } from './formatError.ts'
import {
  ed25519Ok,
  ed25519Signer,
  formatVerifierKey,
  type NoteSigner,
  noteKeyId,
  parseNote,
  parseVerifierKey,
  signatureLine,
  type VerifierKey,
} from './note.ts'

/** The signature type that tells a witness's key from a log's. */
const cosignatureType = 0x04
const timestampBytes = 8

/** A cosigner over a private key that node:crypto holds; the key must sign nothing else. */
export function ed25519Cosigner(name: string, privateKey: KeyObject): NoteSigner {
  const { publicKey, sign } = ed25519Signer(name, privateKey)
  return { name, keyId: noteKeyId(name, publicKey, cosignatureType), publicKey, sign }
}

/** A witness's key as it is given to whoever trusts it. */
export function formatCosignerKey(key: VerifierKey): string {
  return formatVerifierKey(key, cosignatureType)
}

export function parseCosignerKey(text: string): VerifierKey {
  return parseVerifierKey(text, cosignatureType)
}

/** The note with the cosigner's line of this time (whole seconds since 1970) at its end, in place of an earlier one. */
export function cosign(noteBytes: Uint8Array, cosigner: NoteSigner, seconds: number): Uint8Array {
  const { text, signatures } = parseNote(noteBytes)
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new FormatError('a time is whole seconds since 1970')
  const timestamp = new Uint8Array(timestampBytes)
  asBuffer(timestamp).writeBigUInt64BE(BigInt(seconds))
  const own = { ...cosigner, signature: concatBytes(timestamp, cosigner.sign(cosignedMessage(text, BigInt(seconds)))) }
  const others = signatures.filter(({ name, keyId }) => name !== own.name || keyId !== own.keyId)
  return Uint8Array.from(Buffer.from(`${text}\n${[...others, own].map(signatureLine).join('')}`))
}

/** The note with no other signatures than the one of this key. */
export function withSignatureOf(noteBytes: Uint8Array, { name, keyId }: VerifierKey): Uint8Array {
  const { text, signatures } = parseNote(noteBytes)
  const own = signatures.filter(signature => signature.name === name && signature.keyId === keyId)
  return Uint8Array.from(Buffer.from(`${text}\n${own.map(signatureLine).join('')}`))
}

/** When the key cosigned the note, in seconds since 1970; undefined when it did not, or the line does not verify. */
export function cosignedAt(noteBytes: Uint8Array, key: VerifierKey): number | undefined {
  const { text, signatures } = parseNote(noteBytes)
  const lines = signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId)
  const signature = lines[0]?.signature
  if (lines.length !== 1 || signature?.length !== timestampBytes + 64) return undefined
  const seconds = asBuffer(signature).readBigUInt64BE(0)
  const good = ed25519Ok(key.publicKey, cosignedMessage(text, seconds), signature.subarray(timestampBytes))
  return good ? Number(seconds) : undefined
}

function cosignedMessage(noteText: string, seconds: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${noteText}`)
}
