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
  /** Why the public key in force had to be taken from elsewhere; undefined when its file is sound. */
  fault(): string | undefined
  /** The files of public keys that are not as they were written, and whether what they held is known. */
  damaged(): readonly DamagedKey[]
  /** Writes those anew whose key is known, whole as soon as they are there; their names. */
  mend(): readonly string[]
}

export interface DamagedKey {
  readonly name: string
  readonly reason: string
  readonly mendable: boolean
}

/** The keys that records name; asked where a public key is damaged or missing. */
export type KnownKeys = () => readonly VerifierKey[]

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
  removeUnfinished(directory)
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

function removeUnfinished(directory: Directory): void {
  for (const { name } of directory.list()) if (name.endsWith(newEnding)) directory.removeFile(name)
}

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
 * that was not finished. Where none has it, the highest: then it, or the log id, is damaged. A public key that can not be
 * read is that which the records name or, where they name none at all, that of the private key beside it.
 */
export function openLogKeys(directory: Directory, logId: Uint8Array, known: KnownKeys = () => []): LogKeys {
  let newest: EpochKey | undefined
  let signer: NoteSigner | undefined
  let named: readonly VerifierKey[] | undefined
  const source: KeySource = {
    ...{ directory, logId },
    named() {
      named ??= known()
      return named
    },
  }
  const inForce = (): EpochKey => {
    newest ??= keyInForce(source)
    return newest
  }
  const keys: LogKeys = {
    verifier: () => inForce().key,
    signer() {
      signer ??= readSigner(directory, inForce())
      return signer
    },
    verifierText: () => formatVerifierKey(keys.verifier()),
    all: () => publicKeys(source).flatMap(({ key }) => (key === undefined ? [] : [key])),
    fault: () => inForce().fault?.message,
    damaged: () =>
      publicKeys(source).flatMap(({ epoch, key, fault }): DamagedKey[] => {
        const reason = fault?.message ?? (isSpelledOut(directory, epoch, key) ? undefined : 'it is spelled otherwise')
        return reason === undefined ? [] : [{ name: publicName(epoch), reason, mendable: key !== undefined }]
      }),
    mend() {
      const damaged = new Set(keys.damaged().map(({ name }) => name))
      const mended = publicKeys(source).filter(({ epoch, key }) => damaged.has(publicName(epoch)) && key !== undefined)
      removeUnfinished(directory)
      for (const { epoch, key } of mended)
        writeDurably(directory, publicName(epoch), `${formatVerifierKey(key as VerifierKey)}\n`)
      newest = undefined
      return mended.map(({ epoch }) => publicName(epoch))
    },
  }
  return keys
}

interface KeySource {
  readonly directory: Directory
  readonly logId: Uint8Array
  readonly named: KnownKeys
}

interface PublicKey {
  readonly epoch: number
  /** Undefined when its file is damaged and nothing else tells. */
  readonly key: VerifierKey | undefined
  readonly fault: SentientError | undefined
}

interface EpochKey extends PublicKey {
  readonly key: VerifierKey
}

/** Ascending. */
const epochsOf = (directory: Directory, ending: 'vkey' | 'pem'): number[] => keyFiles(directory)[ending]

function keyFiles(directory: Directory): { readonly vkey: number[]; readonly pem: number[] } {
  const matches = directory.list().map(({ name }) => /^log-(0|[1-9]\d{0,5})\.(vkey|pem)$/.exec(name))
  const epochs = (ending: string): number[] =>
    matches.flatMap(match => (match?.[2] === ending ? [Number(match[1])] : [])).sort((a, b) => a - b)
  return { vkey: epochs('vkey'), pem: epochs('pem') }
}

function keyInForce(source: KeySource): EpochKey {
  const keys = publicKeys(source)
  const readable = keys.filter((one): one is EpochKey => one.key !== undefined)
  const found = readable.findLast(({ key }) => isOfLog(key, source.logId)) ?? readable.at(-1)
  if (found !== undefined) return found
  throw keys.at(-1)?.fault ?? new SentientError('KEY', { what: 'There is no log key', where: source.directory.path })
}

/** Ascending. A file is missing where a private key stands without one and records name its key, or where there is none. */
function publicKeys(source: KeySource): PublicKey[] {
  const { vkey, pem } = keyFiles(source.directory)
  const epochs = new Set(vkey)
  const last = Math.max(-1, ...vkey)
  if (vkey.length === 0 || pem.some(epoch => epoch > last))
    for (const { name } of source.named()) epochs.add(parseOrigin(name).epoch)
  return [...epochs].sort((a, b) => a - b).map(epoch => publicKey(source, epoch))
}

function publicKey(source: KeySource, epoch: number): PublicKey {
  try {
    return { epoch, key: readVerifier(source.directory, epoch), fault: undefined }
  } catch (error) {
    if (!isSentientError(error, 'KEY')) throw error
    const named = source.named()
    const recorded = named.findLast(({ name }) => parseOrigin(name).epoch === epoch)
    return { epoch, key: recorded ?? (named.length === 0 ? keyOfPrivate(source, epoch) : undefined), fault: error }
  }
}

function keyOfPrivate({ directory, logId }: KeySource, epoch: number): VerifierKey | undefined {
  try {
    return ed25519Signer(formatOrigin({ logId, epoch }), createPrivateKey(readText(directory, privateName(epoch))))
  } catch {
    // Missing or damaged, in as many ways as OpenSSL knows.
    return undefined
  }
}

function isSpelledOut(directory: Directory, epoch: number, key: VerifierKey | undefined): boolean {
  return key !== undefined && readText(directory, publicName(epoch)) === `${formatVerifierKey(key)}\n`
}

function isOfLog({ name }: VerifierKey, logId: Uint8Array): boolean {
  try {
    return equalBytes(parseOrigin(name).logId, logId)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return false
  }
}

/** Those whose files are sound, in the order of their epochs. */
export const readableKeys = (directory: Directory): VerifierKey[] =>
  epochsOf(directory, 'vkey').flatMap(epoch => {
    try {
      return [readVerifier(directory, epoch)]
    } catch (error) {
      if (!isSentientError(error, 'KEY')) throw error
      return []
    }
  })

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
    const where = `.auth/${name}`
    throw new SentientError('KEY', { what: 'The public key is damaged', where, found: error.message }, error)
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
