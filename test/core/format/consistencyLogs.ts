// Logs whose checkpoints are signed by one key, as they went on or forked, and consistency files of two of their sizes.

import { generateKeyPairSync } from 'node:crypto'
import { formatOrigin, signCheckpoint } from '../../../src/core/format/checkpoint.ts'
import {
  type ConsistencyVerdict,
  consistencyFileOf,
  verifyConsistencyFile,
} from '../../../src/core/format/consistency.ts'
import { compactRange, consistencyPath, type HashAt, leafHash, rootAt } from '../../../src/core/format/merkle.ts'
import { ed25519Signer } from '../../../src/core/format/note.ts'

export const origin = formatOrigin({ logId: Uint8Array.from({ length: 16 }, (_, i) => i), epoch: 0 })
export const signer = ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey)

interface Log {
  readonly hashAt: HashAt
  note(size: number): Uint8Array
}

/** A log of `size` leaves; with another `branch` its leaves from `forkedAt` on are others. */
export function makeLog(size: number, branch = '', forkedAt = size): Log {
  const hashes = new Map<string, Uint8Array>()
  const range = compactRange({ completed: (level, index, hash) => hashes.set(`${level}/${index}`, hash) })
  for (let i = 0; i < size; i++) range.push(leafHash(Buffer.from(`${i}${i >= forkedAt ? branch : ''}`)))
  const hashAt: HashAt = (level, index) => hashes.get(`${level}/${index}`)!
  return {
    hashAt,
    note: at => signCheckpoint({ origin, size: at, root: rootAt(at, hashAt) }, signer),
  }
}

/** As whoever has the newer tree makes it. */
export function fileOf(older: Log, oldSize: number, newer: Log, newSize: number, withNote = true): Uint8Array {
  return consistencyFileOf({
    old: { size: oldSize, root: rootAt(oldSize, older.hashAt) },
    ...(withNote ? { oldNote: older.note(oldSize) } : {}),
    newNote: newer.note(newSize),
    path: consistencyPath(oldSize, newSize, newer.hashAt),
    found: rootAt(oldSize, newer.hashAt),
  })
}

export const verdictOf = (bytes: Uint8Array): ConsistencyVerdict => verifyConsistencyFile(bytes, [signer])
