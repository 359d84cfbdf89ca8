// The log key: what signs checkpoints and recycle.lock, and nothing else. One small interface, so that an identity
// subsystem can take its place without anybody above noticing.
import { createPrivateKey } from 'node:crypto'
import { isSentientError, SentientError } from '../errors.ts'
import { equalBytes } from '../format/bytes.ts'
import { formatOrigin, parseOrigin } from '../format/checkpoint.ts'
import { epochMax } from '../format/constants.generated.ts'
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
  /** The public keys of all epochs, also of the logs that this folder is a copy of; what can not be read is left out. */
  all(): VerifierKey[]
}

const keyBytesMax = 4_096
const keyMode = 0o600

const privateName = (epoch: number): string => `log-${epoch}.pem`
const publicName = (epoch: number): string => `log-${epoch}.vkey`

/**
 * Makes the key of an epoch that has none; each file is whole as soon as it is there, the private one first. Refuses a
 * file system that keeps no modes: the key would be anybody's.
 */
export function createLogKey(
  directory: Directory,
  options: { readonly logId: Uint8Array; readonly epoch: number; readonly random: Randomness },
): LogKeys {
  for (const { name } of directory.list()) if (name.endsWith(newEnding)) directory.removeFile(name)
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
  return openLogKeys(directory, options.logId)
}

/** What is written under such a name was never in use. */
const newEnding = '.new'

function writeDurably(directory: Directory, name: string, text: string): void {
  const file = directory.open(`${name}${newEnding}`, 'create', keyMode)
  try {
    file.write(Buffer.from(text), 0)
    file.flush()
  } finally {
    file.close()
  }
  directory.rename(`${name}${newEnding}`, directory, name)
  directory.flush()
}

/**
 * The key in force: that of the highest epoch whose name has this log id. A higher one of another log is of an adoption
 * that was not finished. Where none has it, the highest: then it, or the log id, is damaged.
 */
export function openLogKeys(directory: Directory, logId: Uint8Array): LogKeys {
  let newest: EpochKey | undefined
  let signer: NoteSigner | undefined
  const inForce = (): EpochKey => {
    newest ??= keyInForce(directory, logId)
    return newest
  }
  const keys: LogKeys = {
    verifier: () => inForce().key,
    signer() {
      signer ??= readSigner(directory, inForce())
      return signer
    },
    verifierText: () => formatVerifierKey(keys.verifier()),
    all: () => epochsOf(directory, 'vkey').flatMap(epoch => keyOrNone(directory, epoch)),
  }
  return keys
}

interface EpochKey {
  readonly epoch: number
  readonly key: VerifierKey
}

/** Ascending. */
function epochsOf(directory: Directory, ending: 'vkey' | 'pem'): number[] {
  return directory
    .list()
    .map(({ name }) => /^log-(0|[1-9]\d{0,5})\.(vkey|pem)$/.exec(name))
    .flatMap(match => (match?.[2] === ending ? [Number(match[1])] : []))
    .sort((a, b) => a - b)
}

function keyInForce(directory: Directory, logId: Uint8Array): EpochKey {
  const epochs = epochsOf(directory, 'vkey')
  const highest = epochs.at(-1)
  if (highest === undefined) throw new SentientError('KEY', { what: 'There is no log key', where: directory.path })
  for (const epoch of epochs.toReversed()) {
    const key = readVerifier(directory, epoch)
    if (isOfLog(key, logId)) return { epoch, key }
  }
  return { epoch: highest, key: readVerifier(directory, highest) }
}

function isOfLog({ name }: VerifierKey, logId: Uint8Array): boolean {
  try {
    return equalBytes(parseOrigin(name).logId, logId)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return false
  }
}

function keyOrNone(directory: Directory, epoch: number): VerifierKey[] {
  try {
    return [readVerifier(directory, epoch)]
  } catch (error) {
    if (!isSentientError(error, 'KEY')) throw error
    return []
  }
}

/** The number of an epoch that has no key yet, nor one that was begun. */
export function nextEpoch(directory: Directory): number {
  const next = 1 + Math.max(-1, ...epochsOf(directory, 'vkey'), ...epochsOf(directory, 'pem'))
  if (next <= epochMax) return next
  throw new SentientError('LIMIT', { what: 'This log has had as many keys as there can be', where: directory.path })
}

/** The private keys of earlier epochs sign nothing any more; their public ones stay. */
export function removePrivateKeysBefore(directory: Directory, epoch: number): void {
  for (const earlier of epochsOf(directory, 'pem').filter(other => other < epoch))
    directory.removeFile(privateName(earlier))
  directory.flush()
}

function readVerifier(directory: Directory, epoch: number): VerifierKey {
  const name = publicName(epoch)
  try {
    return parseVerifierKey(readText(directory, name).trim())
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new SentientError('KEY', { what: 'The public key is damaged', where: name, found: error.message }, error)
  }
}

function readSigner(directory: Directory, { epoch, key: verifier }: EpochKey): NoteSigner {
  const name = privateName(epoch)
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
