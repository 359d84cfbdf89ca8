// The log key: what signs checkpoints and recycle.lock, and nothing else. One small interface, so that an identity
// subsystem can take its place without anybody above noticing.
import { createPrivateKey } from 'node:crypto'
import { SentientError } from '../errors.ts'
import { formatOrigin } from '../format/checkpoint.ts'
import { FormatError } from '../format/formatError.ts'
import {
  ed25519KeyOfSeed,
  ed25519Signer,
  formatVerifierKey,
  type NoteSigner,
  parseVerifierKey,
  type VerifierKey,
} from '../format/note.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, Randomness } from '../host/host.ts'

export interface LogKeys {
  /** Signs; throws KEY when the private key is missing, unreadable or does not fit its public key. */
  signer(): NoteSigner
  /** Verifies; reads no private key. */
  verifier(): VerifierKey
  /** The verifier's key as text, to be given to whoever shall check this log. */
  verifierText(): string
}

const keyBytesMax = 4_096
const keyMode = 0o600

const privateName = (epoch: number): string => `log-${epoch}.pem`
const publicName = (epoch: number): string => `log-${epoch}.vkey`

/** Makes the key of an epoch. Refuses a file system that keeps no modes: the key would be anybody's. */
export function createLogKey(
  directory: Directory,
  options: { readonly logId: Uint8Array; readonly epoch: number; readonly random: Randomness },
): LogKeys {
  const key = ed25519KeyOfSeed(options.random.bytes(32))
  const name = privateName(options.epoch)
  writeDurably(directory, name, key.export({ format: 'pem', type: 'pkcs8' }).toString())
  if (directory.stat(name)?.mode !== keyMode) {
    directory.removeFile(name)
    throw new SentientError('KEY', {
      what: 'This file system keeps no permissions, so a key on it would be readable by everybody',
      where: directory.path,
      hint: 'Make the root folder on another file system (under Termux: inside its own home).',
    })
  }
  const signer = ed25519Signer(formatOrigin(options), key)
  writeDurably(directory, publicName(options.epoch), `${formatVerifierKey(signer)}\n`)
  directory.flush()
  return openLogKeys(directory)
}

function writeDurably(directory: Directory, name: string, text: string): void {
  const file = directory.open(name, 'create', keyMode)
  try {
    file.write(Buffer.from(text), 0)
    file.flush()
  } finally {
    file.close()
  }
}

/** The keys of the newest epoch that has one. */
export function openLogKeys(directory: Directory): LogKeys {
  let signer: NoteSigner | undefined
  let verifier: VerifierKey | undefined
  const keys: LogKeys = {
    verifier() {
      verifier ??= readVerifier(directory)
      return verifier
    },
    signer() {
      signer ??= readSigner(directory, keys.verifier())
      return signer
    },
    verifierText: () => formatVerifierKey(keys.verifier()),
  }
  return keys
}

function newestEpoch(directory: Directory): number {
  const epochs = directory
    .list()
    .map(({ name }) => /^log-(\d{1,6})\.vkey$/.exec(name)?.[1])
    .filter(text => text !== undefined)
  if (epochs.length === 0) throw new SentientError('KEY', { what: 'There is no log key', where: directory.path })
  return Math.max(...epochs.map(Number))
}

function readVerifier(directory: Directory): VerifierKey {
  const name = publicName(newestEpoch(directory))
  try {
    return parseVerifierKey(readText(directory, name).trim())
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new SentientError('KEY', { what: 'The public key is damaged', where: name, found: error.message }, error)
  }
}

function readSigner(directory: Directory, verifier: VerifierKey): NoteSigner {
  const name = privateName(newestEpoch(directory))
  const where = `.auth/${name}`
  let signer: NoteSigner
  try {
    signer = ed25519Signer(verifier.name, createPrivateKey(readText(directory, name)))
  } catch (error) {
    if (error instanceof SentientError) throw error
    throw new SentientError('KEY', { what: 'The private key can not be read', where }, error)
  }
  if (signer.keyId !== verifier.keyId) {
    throw new SentientError('KEY', { what: 'The private key does not belong to the public one', where })
  }
  return signer
}

function readText(directory: Directory, name: string): string {
  try {
    const file = directory.open(name, 'read')
    try {
      const bytes = Buffer.alloc(keyBytesMax)
      return bytes.toString('utf8', 0, file.read(bytes, 0, keyBytesMax, 0))
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
    throw new SentientError('KEY', { where: `.auth/${name}`, found: error.code }, error)
  }
}
