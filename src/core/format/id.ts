// Names of objects: an object id is the BLAKE3-256 of the object's bytes, a link is an id and how to read the bytes.
// Shown to people and to IPFS tools as CIDv1 in base32.

import { asBuffer } from './bytes.ts'
import { FormatError } from './formatError.ts'
import { blake3 } from './hash.ts'

/** 64 lower-case hex digits. */
export type ObjectId = string & { readonly brand: 'ObjectId' }

/** The object id of a state object. */
export type StateRoot = ObjectId

/** How the bytes of an object are read: `raw` as they are, `dag-cbor` decoded. */
export type Codec = 'raw' | 'dag-cbor'

export interface Link {
  readonly codec: Codec
  readonly id: ObjectId
}

/** The multicodec numbers of the codecs. */
export const codecNumbers: Readonly<Record<Codec, number>> = { raw: 0x55, 'dag-cbor': 0x71 }

export function codecOf(number: number): Codec | undefined {
  return number === 0x55 ? 'raw' : number === 0x71 ? 'dag-cbor' : undefined
}

/** The id of an object with these bytes. */
export function objectId(bytes: Uint8Array): ObjectId {
  return idFromBytes(blake3(bytes))
}

/** The 32 bytes of an id. */
export function idBytes(id: ObjectId): Uint8Array {
  const bytes = new Uint8Array(32)
  asBuffer(bytes).write(id, 'hex')
  return bytes
}

/** The id whose 32 bytes lie at `offset`. */
export function idFromBytes(bytes: Uint8Array, offset = 0): ObjectId {
  if (offset + 32 > bytes.length) throw new FormatError('object id is cut short', offset)
  return asBuffer(bytes).toString('hex', offset, offset + 32) as ObjectId
}

export function isObjectId(text: string): text is ObjectId {
  return /^[0-9a-f]{64}$/.test(text)
}

/** Throws FormatError unless the text is 64 lower-case hex digits. */
export function parseObjectId(text: string): ObjectId {
  if (!isObjectId(text)) throw new FormatError('an object id is 64 lower-case hex digits')
  return text
}

export const rawLink = (id: ObjectId): Link => ({ codec: 'raw', id })
export const dagLink = (id: ObjectId): Link => ({ codec: 'dag-cbor', id })

export function sameLink(a: Link | null | undefined, b: Link | null | undefined): boolean {
  if (a == null || b == null) return a == null && b == null
  return a.id === b.id && a.codec === b.codec
}

/** The link as CIDv1 text: multibase "b" and base32 of 01, codec, 1e (BLAKE3), 20 (32 bytes), digest. */
export function cidText(link: Link): string {
  return `b${base32(cidBytes(link))}`
}

/** The link as a binary CIDv1: 36 bytes. */
export function cidBytes(link: Link): Uint8Array {
  const bytes = new Uint8Array(36)
  bytes.set([0x01, codecNumbers[link.codec], 0x1e, 0x20])
  bytes.set(idBytes(link.id), 4)
  return bytes
}

/** The inverse of `cidText`; throws FormatError for any other spelling, hash or codec. */
export function parseCid(text: string): Link {
  if (!text.startsWith('b')) throw new FormatError('a CID here starts with "b"')
  const bytes = parseBase32(text.slice(1))
  const codec = codecOf(bytes[1] ?? 0)
  if (bytes.length !== 36 || bytes[0] !== 0x01 || codec === undefined || bytes[2] !== 0x1e || bytes[3] !== 0x20) {
    throw new FormatError('not a CIDv1 of a raw or dag-cbor block named by BLAKE3-256')
  }
  return { codec, id: idFromBytes(bytes, 4) }
}

const base32Digits = Buffer.from('abcdefghijklmnopqrstuvwxyz234567')

/** RFC 4648 base32 in lower case, without padding. */
export function base32(bytes: Uint8Array): string {
  // Not digit by digit into a text: that would be a tree of texts, thirty times as large.
  const digits = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5))
  let at = 0
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      digits[at++] = base32Digits[(pending >> bits) & 31]!
    }
  }
  if (bits > 0) digits[at] = base32Digits[(pending << (5 - bits)) & 31]!
  return digits.toString('latin1')
}

/** The inverse of `base32`; throws FormatError for foreign digits, a wrong length or trailing bits that are not zero. */
export function parseBase32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let pending = 0
  let bits = 0
  let length = 0
  for (let i = 0; i < text.length; i++) {
    // By its number: Node itself ends where a Buffer is asked for half a character.
    const code = text.charCodeAt(i)
    const digit = code < 0x80 ? base32Digits.indexOf(code) : -1
    if (digit < 0) throw new FormatError('not a base32 digit', i)
    pending = ((pending << 5) | digit) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = (pending >> bits) & 0xff
  }
  if (bits >= 5 || (pending & ((1 << bits) - 1)) !== 0) throw new FormatError('base32 text of a wrong length')
  return bytes
}
