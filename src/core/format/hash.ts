// The hash functions and the checksum of the format, behind names of our own: BLAKE3 names objects, SHA-256 makes the
// Merkle tree of the journal (RFC 6962 readers exist everywhere), CRC-32 finds damage quickly.

import { createHash, hash as nodeHash } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { createHasher, hash } from 'blake3-jit'

/** BLAKE3 with 32 bytes of output. */
export function blake3(bytes: Uint8Array): Uint8Array {
  return hash(bytes)
}

export interface Blake3Hasher {
  update(bytes: Uint8Array): void
  /** The hash of all that was given so far; more may follow. */
  digest(): Uint8Array
}

export function blake3Hasher(): Blake3Hasher {
  const hasher = createHasher()
  return {
    update(bytes) {
      hasher.update(bytes)
    },
    digest: () => hasher.finalize(),
  }
}

/** SHA-256 of the parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return nodeHash('sha256', parts[0]!, 'buffer')
  const hasher = createHash('sha256')
  for (const part of parts) hasher.update(part)
  return hasher.digest()
}

/** CRC-32 (IEEE 802.3, as zlib, gzip and PNG have it); `seed` is the CRC of what came before. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed)
}
