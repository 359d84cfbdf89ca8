// What a witness keeps in a directory of its own: its key, of each log the newest checkpoint that it has cosigned, and
// evidence of forks. `logs/` can be served as it is: C2SP tlog-witness asks for <hash of the origin>/checkpoint there.

import { createPrivateKey } from 'node:crypto'
import { SentientError } from '../errors.ts'
import { byteStringOfText, hexOf } from '../format/bytes.ts'
import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.ts'
import { noteBytesMax } from '../format/constants.generated.ts'
import { ed25519Cosigner, formatCosignerKey, parseCosignerKey } from '../format/cosignature.ts'
import { isFormatError } from '../format/formatError.ts'
import { sha256 } from '../format/hash.ts'
import { base32 } from '../format/id.ts'
import {
  ed25519KeyOfSeed,
  formatVerifierKey,
  type NoteSigner,
  parseNote,
  parseVerifierKey,
  type VerifierKey,
} from '../format/note.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Clock, Directory, Host, WriterLock } from '../host/host.ts'
import { replaceFile } from '../store/layout.ts'
import { readFile } from './readFile.ts'

export interface Seen {
  /** Cosigned. */
  readonly note: Uint8Array
  readonly checkpoint: Checkpoint
  readonly key: VerifierKey
  /** Where it was seen last. */
  readonly place: string
}

export interface WitnessMemory {
  readonly path: string
  readonly cosigner: NoteSigner
  seen(origin: string): Seen | undefined
  /** Runs `work` while no other process does so in this directory. Throws LOCKED after five seconds. */
  alone<T>(work: () => T): Promise<T>
  /** Durable at the return. Only within `alone`. */
  keep(seen: Seen): void
  /** Where the cosigned checkpoint of a log is kept. */
  fileOf(origin: string): string
  /** The path of the file; one that is there stays. */
  keepEvidence(name: string, bytes: Uint8Array): string
  close(): void
}

const privateName = 'witness.pem'
const publicName = 'witness.vkey'
const smallFileBytesMax = 65_536
const waitMs = 5_000
const pollMs = 20

/** Opens a witness's directory, with a new key where there is none. `name` is that of the key. */
export function openMemory(host: Host, directory: Directory, name: string | undefined): WitnessMemory {
  const cosigner = readCosigner(directory, name) ?? createCosigner(host, directory, name)
  let lock: WriterLock | undefined
  return {
    path: directory.path,
    cosigner,
    seen: origin => readSeen(directory, origin),
    async alone(work) {
      lock ??= host.locks.open(directory, 'lock')
      await acquire(host.clock, lock, directory.path)
      try {
        return work()
      } finally {
        lock.release()
      }
    },
    keep({ note, checkpoint, key, place }) {
      const home = makePath(directory, ['logs', hashOf(checkpoint.origin)])
      try {
        replaceFile(home, 'vkey', Buffer.from(`${formatVerifierKey(key)}\n`), true)
        replaceFile(home, 'place', Buffer.from(`${place}\n`), true)
        // Last: a log counts as seen from its checkpoint on.
        replaceFile(home, 'checkpoint', note, true)
      } finally {
        home.close()
      }
    },
    fileOf: origin => `${directory.path}/logs/${hashOf(origin)}/checkpoint`,
    keepEvidence(evidenceName, bytes) {
      const home = makePath(directory, ['evidence'])
      try {
        if (home.stat(byteStringOfText(evidenceName)) === undefined)
          replaceFile(home, byteStringOfText(evidenceName), bytes, true)
        return `${home.path}/${evidenceName}`
      } finally {
        home.close()
      }
    },
    close() {
      lock?.close()
      directory.close()
    },
  }
}

async function acquire(clock: Clock, lock: WriterLock, where: string): Promise<void> {
  const until = clock.monotonicMs() + waitMs
  while (!lock.tryAcquire()) {
    if (clock.monotonicMs() > until) throw new SentientError('LOCKED', { what: 'Another witness is at work', where })
    await clock.sleep(pollMs)
  }
}

/** As C2SP tlog-witness names a log. */
function hashOf(origin: string): string {
  return hexOf(sha256(Buffer.from(origin)))
}

function readSeen(directory: Directory, origin: string): Seen | undefined {
  const home = pathBelow(directory, ['logs', hashOf(origin)])
  if (home === undefined) return undefined
  try {
    if (home.stat('checkpoint') === undefined) return undefined
    const note = readFile(home, 'checkpoint', noteBytesMax)
    const checkpoint = parseCheckpoint(parseNote(note).text)
    const key = parseVerifierKey(readLine(home, 'vkey'))
    if (checkpoint.origin === origin) return { note, checkpoint, key, place: readLine(home, 'place') }
    throw damaged(home.path, `a checkpoint of ${checkpoint.origin}`)
  } catch (error) {
    // To begin anew would be to forget what was seen: whoever wants that removes the directory.
    if (isFormatError(error)) throw damaged(home.path, error.reason)
    if (isHostError(error, 'NOT_FOUND')) throw damaged(home.path, 'a file is missing')
    throw error
  } finally {
    home.close()
  }
}

function damaged(where: string, found: string): SentientError {
  return new SentientError('DAMAGED', {
    what: 'What the witness remembers is damaged',
    where,
    found,
    hint: 'Bring it back from a copy. To forget the log, remove that directory.',
  })
}

function readLine(directory: Directory, name: ByteString): string {
  return Buffer.from(readFile(directory, name, smallFileBytesMax))
    .toString('utf8')
    .trimEnd()
}

function readCosigner(directory: Directory, name: string | undefined): NoteSigner | undefined {
  if (directory.stat(publicName) === undefined) return undefined
  try {
    const key = parseCosignerKey(readLine(directory, publicName))
    if (name !== undefined && name !== key.name) {
      throw new SentientError('KEY', {
        what: 'The witness here has another name',
        where: directory.path,
        expected: name,
        found: key.name,
        hint: 'Name another directory with --state, or leave --name out.',
      })
    }
    const cosigner = ed25519Cosigner(key.name, createPrivateKey(readLine(directory, privateName)))
    if (cosigner.keyId === key.keyId) return cosigner
    throw new SentientError('KEY', { what: 'The private key does not belong to the public one', where: directory.path })
  } catch (error) {
    if (error instanceof SentientError) throw error
    const found = isFormatError(error) ? error.reason : 'a key that cannot be read'
    throw new SentientError('KEY', { what: 'The key of the witness is unusable', where: directory.path, found }, error)
  }
}

function createCosigner({ random }: Host, directory: Directory, name: string | undefined): NoteSigner {
  const key = ed25519KeyOfSeed(random.bytes(32))
  const chosen = name ?? `sentientos.invalid/witness/${base32(random.bytes(16))}`
  let cosigner: NoteSigner
  try {
    cosigner = ed25519Cosigner(chosen, key)
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError(
      'USAGE',
      { what: '--name is wrong', expected: 'no spaces and no "+"', found: chosen },
      error,
    )
  }
  replaceFile(directory, privateName, Buffer.from(key.export({ format: 'pem', type: 'pkcs8' }).toString()), true)
  if (directory.stat(privateName)?.mode !== 0o600) {
    directory.removeFile(privateName)
    throw new SentientError('KEY', {
      what: 'This file system keeps no permissions, so a key on it would be readable by everybody',
      where: directory.path,
      hint: 'Name a directory on another file system with --state.',
    })
  }
  replaceFile(directory, publicName, Buffer.from(`${formatCosignerKey(cosigner)}\n`), true)
  return cosigner
}

function pathBelow(directory: Directory, names: readonly ByteString[]): Directory | undefined {
  let at: Directory | undefined = directory.clone()
  for (const name of names) {
    const below: Directory | undefined = at.child(name)
    at.close()
    if (below === undefined) return undefined
    at = below
  }
  return at
}

function makePath(directory: Directory, names: readonly ByteString[]): Directory {
  let at = directory.clone()
  for (const name of names) {
    if (at.stat(name) === undefined) {
      at.makeDirectory(name, 0o700)
      at.flush()
    }
    const below = at.child(name)!
    at.close()
    at = below
  }
  return at
}
