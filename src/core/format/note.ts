// Signed notes as C2SP signed-note defines them: a text, an empty line, signature lines. Only Ed25519 signatures are
// made and checked here; lines of unknown keys (witnesses, other algorithms) are kept and passed over.

import { isUtf8 } from 'node:buffer'
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { asBuffer, concatBytes, equalBytes } from './bytes.ts'
import { noteBytesMax, noteSignaturesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { sha256 } from './hash.ts'

/** What signs: the key's name and id, and how. Ed25519 signatures have 64 bytes. */
export interface NoteSigner {
  readonly name: string
  readonly keyId: number
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

export interface VerifierKey {
  readonly name: string
  readonly keyId: number
  /** 32 bytes of an Ed25519 key. */
  readonly publicKey: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  readonly keyId: number
  readonly signature: Uint8Array
}

export interface Note {
  /** What is signed; ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export type NoteVerdict =
  | { readonly state: 'ok'; readonly keys: readonly VerifierKey[] }
  | { readonly state: 'bad'; readonly reason: string }

const ed25519Type = 0x01

/** The first four bytes of SHA-256(name, newline, type, public key), most significant first. */
export function noteKeyId(name: string, publicKey: Uint8Array, type: number = ed25519Type): number {
  checkKeyName(name)
  if (publicKey.length !== 32) throw new FormatError('an Ed25519 public key has 32 bytes')
  return asBuffer(sha256(Buffer.from(`${name}\n`), Uint8Array.of(type), publicKey)).readUInt32BE(0)
}

/** PKCS#8 of an Ed25519 seed: this prefix and the 32 bytes of the seed. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The private key of an Ed25519 seed of 32 bytes. */
export function ed25519KeyOfSeed(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new FormatError('an Ed25519 seed has 32 bytes')
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
}

/** A signer over a private key that node:crypto holds. */
export function ed25519Signer(name: string, privateKey: KeyObject): NoteSigner {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  if (jwk.crv !== 'Ed25519' || jwk.x === undefined) throw new FormatError('not an Ed25519 key')
  const publicKey = Uint8Array.from(Buffer.from(jwk.x, 'base64url'))
  return { name, keyId: noteKeyId(name, publicKey), publicKey, sign: bytes => sign(null, bytes, privateKey) }
}

/** `name+keyid+key`: what a verifier is given. `type` says what the key signs; left out: notes. */
export function formatVerifierKey({ name, publicKey }: VerifierKey, type: number = ed25519Type): string {
  const keyId = noteKeyId(name, publicKey, type).toString(16).padStart(8, '0')
  return `${name}+${keyId}+${base64(concatBytes(Uint8Array.of(type), publicKey))}`
}

export function parseVerifierKey(text: string, type: number = ed25519Type): VerifierKey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text)
  if (match === null) throw new FormatError('a verifier key is name+keyid+key')
  const name = match[1]!
  const key = parseBase64(match[3]!)
  if (key.length !== 33 || key[0] !== type) throw new FormatError('a verifier key that is not Ed25519')
  const publicKey = key.slice(1)
  const keyId = noteKeyId(name, publicKey, type)
  if (keyId !== Number.parseInt(match[2]!, 16)) throw new FormatError('a verifier key with a wrong id')
  return { name, keyId, publicKey }
}

/** The note of a text, which must end with a newline, signed by each signer. */
export function signNote(text: string, ...signers: readonly NoteSigner[]): Uint8Array {
  checkNoteText(text)
  const bytes = Buffer.from(text)
  const lines = signers.map(signer => signatureLine({ ...signer, signature: signer.sign(bytes) }))
  if (lines.length === 0) throw new FormatError('a note has at least one signature')
  return Uint8Array.from(Buffer.from(`${text}\n${lines.join('')}`))
}

/** The line of a signature, as it stands at the end of a note. */
export function signatureLine({ name, keyId, signature }: NoteSignature): string {
  checkKeyName(name)
  const id = new Uint8Array(4)
  asBuffer(id).writeUInt32BE(keyId)
  return `— ${name} ${base64(concatBytes(id, signature))}\n`
}

/** Takes a note apart; throws FormatError for what is none. No signature is checked. */
export function parseNote(bytes: Uint8Array, bytesMax: number = noteBytesMax): Note {
  if (bytes.length > bytesMax) throw new FormatError('a note over its limit')
  if (!isUtf8(bytes)) throw new FormatError('a note that is not UTF-8')
  const all = asBuffer(bytes).toString('utf8')
  const split = all.lastIndexOf('\n\n')
  if (split < 0 || !all.endsWith('\n')) throw new FormatError('a note without signatures')
  const text = all.slice(0, split + 1)
  checkNoteText(text)
  const lines = all.slice(split + 2, -1).split('\n')
  if (lines.length > noteSignaturesMax) throw new FormatError('a note with too many signatures')
  return { text, signatures: lines.map(parseSignatureLine) }
}

function parseSignatureLine(line: string): NoteSignature {
  const match = /^— (\S+) (\S+)$/u.exec(line)
  if (match === null) throw new FormatError('a bad signature line in a note')
  const [, name = '', encoded = ''] = match
  checkKeyName(name)
  const bytes = parseBase64(encoded)
  if (bytes.length < 5) throw new FormatError('a signature that is cut short')
  return { name, keyId: asBuffer(bytes).readUInt32BE(0), signature: bytes.slice(4) }
}

/**
 * Whether at least one of the keys signed the note. A line that names one of the keys and does not verify makes the
 * whole note bad, as does a second line of one key.
 */
export function verifyNote(note: Note, keys: readonly VerifierKey[]): NoteVerdict {
  const text = Buffer.from(note.text)
  const good: VerifierKey[] = []
  for (const { name, keyId, signature } of note.signatures) {
    const key = keys.find(candidate => candidate.name === name && candidate.keyId === keyId)
    if (key === undefined) continue
    if (good.includes(key)) return { state: 'bad', reason: `two signatures of ${name}` }
    if (!ed25519Ok(key.publicKey, text, signature)) return { state: 'bad', reason: `wrong signature of ${name}` }
    good.push(key)
  }
  return good.length === 0 ? { state: 'bad', reason: 'no signature of a known key' } : { state: 'ok', keys: good }
}

/** Whether an Ed25519 signature of 64 bytes fits. */
export function ed25519Ok(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const x = asBuffer(publicKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, bytes, key, signature)
}

function checkKeyName(name: string): void {
  if (name === '' || /[\s+\p{Cc}]/u.test(name) || !name.isWellFormed()) throw new FormatError('a bad name of a key')
}

function checkNoteText(text: string): void {
  if (!text.endsWith('\n') || text.length < 2) throw new FormatError('the text of a note ends with a newline')
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw new FormatError('a control character in a note')
  if (!text.isWellFormed()) throw new FormatError('a note that is not UTF-8')
}

export function base64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/** Standard base64 with padding; throws FormatError for any other spelling. */
export function parseBase64(text: string): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  if (base64(bytes) !== text) throw new FormatError('not standard base64')
  return bytes
}

export function sameVerifierKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && a.keyId === b.keyId && equalBytes(a.publicKey, b.publicKey)
}
