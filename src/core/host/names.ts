// Names as bytes: the check that every port makes before a name reaches the platform, and the ways between bytes,
// platform paths and text.

import { HostError } from './error.ts'
import type { ByteString } from './host.ts'

/** The longest name that any port accepts, in bytes; what Linux file systems allow. */
export const nameBytesMax = 255

/** The longest symlink target, in bytes: Linux's PATH_MAX without the ending zero. */
export const targetBytesMax = 4095

/** Throws unless `name` is one name of bytes: not empty, not `.` or `..`, without `/` and zero bytes. */
export function checkName(call: string, directoryPath: string, name: ByteString): void {
  if (name.length > nameBytesMax) throw new HostError('NAME_TOO_LONG', call, joinPath(directoryPath, name))
  let valid = name !== '' && name !== '.' && name !== '..'
  for (let at = 0; at < name.length && valid; at += 1) {
    const char = name.charCodeAt(at)
    valid = char !== 0 && char !== 0x2f && char <= 0xff
  }
  if (!valid) throw new HostError('OTHER', call, joinPath(directoryPath, name), new TypeError('not a single file name'))
}

/** Throws unless `target` can be the target of a symlink. */
export function checkTarget(call: string, path: string, target: ByteString): void {
  if (target === '') throw new HostError('NOT_FOUND', call, path)
  if (target.length > targetBytesMax) throw new HostError('NAME_TOO_LONG', call, path)
  for (let at = 0; at < target.length; at += 1) {
    const char = target.charCodeAt(at)
    if (char === 0 || char > 0xff) throw new HostError('OTHER', call, path, new TypeError('not a byte string'))
  }
}

export function isAscii(bytes: ByteString): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (bytes.charCodeAt(at) > 0x7f) return false
  return true
}

/** What node:fs takes as a path for these bytes: a string where that is the same, else a Buffer. */
export function platformPath(bytes: ByteString): string | Buffer {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1')
}

export function bytesOfText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** Bytes as text for messages; what is not UTF-8 shows as replacement characters. */
export function textOfBytes(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** The path of a name below a directory, as text. */
export function joinPath(directoryPath: string, name: ByteString): string {
  return directoryPath.endsWith('/') ? directoryPath + textOfBytes(name) : `${directoryPath}/${textOfBytes(name)}`
}
