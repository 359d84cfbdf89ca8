// Byte strings (one char a byte) to bytes and back, and to text that is safe to show and can be typed in again.

import { isUtf8 } from 'node:buffer'
import type { ByteString } from '../host/host.ts'
import { FormatError } from './formatError.ts'

export function bytesOf(byteString: ByteString): Uint8Array {
  const bytes = new Uint8Array(byteString.length)
  for (let i = 0; i < byteString.length; i++) bytes[i] = byteString.charCodeAt(i)
  return bytes
}

export function byteStringOf(bytes: Uint8Array): ByteString {
  return asBuffer(bytes).toString('latin1')
}

/** The UTF-8 bytes of a text, as a byte string. */
export function byteStringOfText(text: string): ByteString {
  return isPlainAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** The same memory as a Buffer; no copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** So few bytes, as of a hash, are compared faster than a Buffer is made. */
const shortBytes = 64

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  if (a.length > shortBytes) return asBuffer(a).equals(b)
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export function hexOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** Bytes of lower-case hex text; throws FormatError for anything else. */
export function bytesOfHex(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) throw new FormatError('not lower-case hex')
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

const isPlainAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

// Control, format (bidi, zero width), separators of lines, unassigned, private, and what renderers draw as nothing.
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\\]/u
const unsafeByte = /[^\x20-\x5b\x5d-\x7e]/

/**
 * A byte string as text for people: valid UTF-8 as it is; control, bidi and invisible characters, backslashes and
 * bytes that are not UTF-8 escaped as `\n`, `\\` or `\xNN` a byte. `parseDisplayed` is the inverse.
 */
export function displayBytes(byteString: ByteString): string {
  if (!unsafeByte.test(byteString)) return byteString
  const bytes = Buffer.from(byteString, 'latin1')
  let shown = ''
  for (let at = 0; at < bytes.length; ) {
    const length = utf8LengthAt(bytes, at)
    if (length === 0) {
      shown += escapeByte(bytes[at]!)
      at++
      continue
    }
    const character = bytes.toString('utf8', at, at + length)
    if (unsafe.test(character)) for (let i = at; i < at + length; i++) shown += escapeByte(bytes[i]!)
    else shown += character
    at += length
  }
  return shown
}

/** The inverse of `displayBytes`; plain text stands for its UTF-8 bytes. Throws FormatError for an unknown escape. */
export function parseDisplayed(text: string): ByteString {
  if (!text.isWellFormed()) throw new FormatError('text with a lone surrogate')
  if (!text.includes('\\')) return byteStringOfText(text)
  let result = ''
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\\', at)
    const plainEnd = next < 0 ? text.length : next
    result += byteStringOfText(text.slice(at, plainEnd))
    if (next < 0) break
    const escaped = text[next + 1]
    at = next + 2
    if (escaped === '\\') result += '\\'
    else if (escaped === 'n') result += '\n'
    else if (escaped === 'x' && /^[0-9a-fA-F]{2}$/.test(text.slice(at, at + 2))) {
      result += String.fromCharCode(Number.parseInt(text.slice(at, at + 2), 16))
      at += 2
    } else throw new FormatError('unknown escape: write \\\\, \\n or \\xNN', next)
  }
  return result
}

function escapeByte(byte: number): string {
  if (byte === 0x5c) return '\\\\'
  if (byte === 0x0a) return '\\n'
  return `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`
}

/** The length of the valid UTF-8 sequence at an offset; 0 when there is none. */
function utf8LengthAt(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

/** True when every char is one byte. */
export function isByteString(text: string): text is ByteString {
  return /^[\x00-\xff]*$/.test(text)
}
