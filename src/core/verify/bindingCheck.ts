// Whether this folder is the one that this device remembers: a copy, or a restored backup, would sign a second history
// under the same key.
import { isSentientError, SentientError } from '../errors.ts'
import { type Binding, bindingFileName, decodeBinding } from '../format/binding.ts'
import { byteStringOfText, displayBytes, equalBytes, hexOf } from '../format/bytes.ts'
import { parseOrigin } from '../format/checkpoint.ts'
import { bindingBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodeFormatFile } from '../format/formatFile.ts'
import { compactRange } from '../format/merkle.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, Host, Randomness } from '../host/host.ts'
import { readFully } from '../store/layout.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { Finding, VerifyReport, Work } from '../timeline/model.ts'
import { inChild, readFile } from './files.ts'

export type BindingState =
  /** This device signed for the folder as it is. */
  | { readonly state: 'bound'; readonly size: number }
  /** The same path, another directory, and all that was signed is in it: restored, or put in the old one's place. */
  | { readonly state: 'replaced'; readonly size: number }
  /** It remembers the log at a place where it is no more. `renamed`: this is the very directory that was there. */
  | { readonly state: 'moved'; readonly size: number; readonly from: ByteString; readonly renamed: boolean }
  /** The log is still where it remembers it: this is another one. */
  | { readonly state: 'copied'; readonly size: number; readonly from: ByteString }
  /** The journal is shorter than what was signed, or another one. */
  | { readonly state: 'behind'; readonly size: number; readonly from: ByteString; readonly reason: string }
  /** This device remembers nothing of this log. `damaged`: what it remembers of this path can not be read. */
  | { readonly state: 'absent'; readonly damaged: boolean }
  /** The same, and another log was at this path. */
  | { readonly state: 'foreign' }
  /** It remembers nothing of this log, and can keep nothing. */
  | { readonly state: 'forgetful' }

/** Where nothing may be signed before somebody said what this folder is. */
export type UnboundState = Exclude<BindingState, { state: 'bound' | 'replaced' | 'forgetful' }>

const bindingsMax = 10_000

/** Throws IO when the disk can not say what this device remembers. */
export function bindingState(host: Host, stateDirectory: Directory, context: TimelineContext): BindingState {
  const { root } = context.directories
  const { logId, epoch } = parseOrigin(context.verifier().name)
  const path = byteStringOfText(root.path)
  const here = readBinding(stateDirectory, bindingFileName(path))
  if (typeof here === 'object' && equalBytes(here.logId, logId)) {
    const lost = lostOf(context, here, epoch)
    if (lost !== undefined) return { state: 'behind', size: here.size, from: path, reason: lost }
    return { state: here.inode === root.selfStat().inode ? 'bound' : 'replaced', size: here.size }
  }
  const elsewhere = findBinding(stateDirectory, logId, path)
  if (elsewhere !== undefined) {
    const { size, path: from } = elsewhere
    const there = whatStandsAt(host, elsewhere, root)
    if (there === 'the log') return { state: 'copied', size, from }
    const lost = lostOf(context, elsewhere, epoch)
    if (lost !== undefined) return { state: 'behind', size, from, reason: lost }
    return { state: 'moved', size, from, renamed: elsewhere.inode === root.selfStat().inode }
  }
  if (!canKeep(stateDirectory, host.random)) return { state: 'forgetful' }
  return typeof here === 'object' ? { state: 'foreign' } : { state: 'absent', damaged: here === 'damaged' }
}

/** What somebody has to say something about before anything is signed; undefined where nobody has to. */
export function unboundOf(found: BindingState): UnboundState | undefined {
  if (found.state === 'bound' || found.state === 'replaced' || found.state === 'forgetful') return undefined
  return found.state === 'moved' && found.renamed ? undefined : found
}

/** Whether this device remembers the log at this place, whatever it remembers of it. */
export function isBoundHere(stateDirectory: Directory, root: Directory, logId: Uint8Array): boolean {
  const here = readBinding(stateDirectory, bindingFileName(byteStringOfText(root.path)))
  return typeof here === 'object' && equalBytes(here.logId, logId)
}

/** Adds to a verification that what this device remembers of the folder at this place can not be read. */
export async function* withBindingChecked(
  work: Work<VerifyReport>,
  { host, context }: { readonly host: Host; readonly context: TimelineContext },
): Work<VerifyReport> {
  const report = yield* work
  const { stateDirectory } = host
  const name = bindingFileName(byteStringOfText(context.directories.root.path))
  if (stateDirectory === undefined || readBinding(stateDirectory, name) !== 'damaged') return report
  const finding: Finding = {
    code: 'binding-damaged',
    severity: 'damage',
    where: `${stateDirectory.path}/${name}`,
    found: 'what this device remembers of the folder is not as it was written; sentctl adopt says what the folder is',
  }
  return { ...report, findings: [...report.findings, finding], damaged: true }
}

/** What of that which was signed the journal does not have; undefined when it has all. */
function lostOf(context: TimelineContext, signed: Binding, epoch: number): string | undefined {
  const { size } = context.journal.head()
  if (signed.epoch > epoch) return `epoch ${signed.epoch} was signed before`
  if (signed.size > size) return `the journal has ${size} records`
  return hasRoot(context, signed) ? undefined : 'its records are others'
}

function hasRoot({ journal }: TimelineContext, { size, root }: Binding): boolean {
  try {
    return equalBytes(journal.rootHash(size), root) || equalBytes(rootOfRecords(journal, size), root)
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
    // Damage is told by the journal's own check; it makes no copy.
    return true
  }
}

const leavesAtOnce = 4_096

/** The root from the records alone: of tiles that are wrong it must not be said that the records are others. */
function rootOfRecords(journal: TimelineContext['journal'], size: number): Uint8Array {
  const range = compactRange()
  for (let from = 0; from < size; from += leavesAtOnce)
    for (const leaf of journal.leafHashes(from, Math.min(size, from + leavesAtOnce))) range.push(leaf)
  return range.root()
}

/** The newest of those that remember the log elsewhere. */
function findBinding(stateDirectory: Directory, logId: Uint8Array, here: ByteString): Binding | undefined {
  let found: Binding | undefined
  for (const { name, binding } of bindingsOf(stateDirectory, logId)) {
    if (name === bindingFileName(here)) continue
    if (
      found === undefined ||
      binding.epoch > found.epoch ||
      (binding.epoch === found.epoch && binding.size > found.size)
    )
      found = binding
  }
  return found
}

/** What this device remembers of a log, at any place. */
export function* bindingsOf(
  stateDirectory: Directory,
  logId: Uint8Array,
): Generator<{ readonly name: ByteString; readonly binding: Binding }> {
  const names = stateDirectory.list().filter(({ name }) => name.endsWith('.binding'))
  for (const { name } of names.slice(0, bindingsMax)) {
    const binding = readBinding(stateDirectory, name)
    if (typeof binding !== 'object' || !equalBytes(binding.logId, logId)) continue
    if (bindingFileName(binding.path) === name) yield { name, binding }
  }
}

function readBinding(stateDirectory: Directory, name: ByteString): Binding | 'damaged' | undefined {
  try {
    const stat = stateDirectory.stat(name)
    if (stat === undefined) return undefined
    if (stat.kind !== 'file' || stat.size > bindingBytesMax) return 'damaged'
    const file = stateDirectory.open(name, 'read')
    try {
      return decodeBinding(readFully(file, 0, stat.size))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isFormatError(error)) return 'damaged'
    if (!isHostError(error)) throw error
    if (error.code === 'NOT_FOUND') return undefined
    throw new SentientError(
      'IO',
      {
        what: 'What this device remembers of its root folders can not be read',
        where: `${stateDirectory.path}/${displayBytes(name)}`,
        found: error.code,
      },
      error,
    )
  }
}

const formatBytesMax = 65_536

/**
 * What is at the place where a log was signed for last: the log (that directory, or another one with the same log id),
 * this very folder (reached by another name), or nothing of it.
 */
function whatStandsAt(host: Host, { path, inode, logId }: Binding, root: Directory): 'the log' | 'this' | 'nothing' {
  let directory: Directory | undefined
  try {
    directory = host.files.openDirectory(Buffer.from(path, 'latin1').toString('utf8'))
    if (directory === undefined) return 'nothing'
    const [there, here] = [directory.selfStat(), root.selfStat()]
    if (there.inode === here.inode && there.dev === here.dev) return 'this'
    const format = inChild(directory, '.runtime', runtime => readFile(runtime, 'format', formatBytesMax))
    if (format?.state !== 'read') return there.inode === inode && format?.state === 'unreadable' ? 'the log' : 'nothing'
    return equalBytes(decodeFormatFile(format.bytes).logId, logId) ? 'the log' : 'nothing'
  } catch (error) {
    if (isFormatError(error)) return 'nothing'
    if (!isHostError(error)) throw error
    // What can not be looked at may be there.
    return error.code === 'NOT_FOUND' || error.code === 'NOT_A_DIRECTORY' ? 'nothing' : 'the log'
  } finally {
    directory?.close()
  }
}

/** Whether a binding could be written at all. */
function canKeep(stateDirectory: Directory, random: Randomness): boolean {
  const name = `probe-${hexOf(random.bytes(6))}`
  try {
    stateDirectory.open(name, 'create', 0o600).close()
    stateDirectory.removeFile(name)
    return true
  } catch (error) {
    if (isHostError(error, 'READ_ONLY', 'DENIED', 'NO_SPACE')) return false
    throw error
  }
}

const many = (count: number): string => (count === 1 ? '1 record' : `${count} records`)

/** Why nothing is recorded or signed here, where the log was signed last, and what to say then. */
export function copyError(rootPath: string, found: UnboundState): SentientError {
  const last = (from: ByteString, size: number): string => `last signed at ${displayBytes(from)}, over ${many(size)}`
  switch (found.state) {
    case 'copied':
      return new SentientError('COPY', {
        what: `This folder is a copy: the root folder is still at ${displayBytes(found.from)}`,
        where: rootPath,
        found: last(found.from, found.size),
        hint: 'Go on there; or give this one a history of its own: sentctl adopt --copy. (sentctl adopt --moved is for when the other one is gone.)',
      })
    case 'moved':
      return new SentientError('COPY', {
        what: 'This folder came from another place: was it moved, or is it a copy?',
        where: rootPath,
        found: `${last(found.from, found.size)}; it is not there now`,
      })
    case 'behind':
      return new SentientError('COPY', {
        what: 'This device signed more of this history than is here: was it restored from an older state?',
        where: rootPath,
        found: `${last(found.from, found.size)}; ${found.reason}`,
        hint: 'Restored, to go on here with a new key: sentctl adopt --moved. A copy, while the other one goes on: sentctl adopt --copy.',
      })
    case 'absent':
    case 'foreign': {
      const other = found.state === 'foreign' ? '; another root folder was at this path before' : ''
      const damaged = found.state === 'absent' && found.damaged ? '; what it remembered of this path is damaged' : ''
      return new SentientError('COPY', {
        what: 'This device has signed nothing for this folder: was it moved here, or is it a copy?',
        where: rootPath,
        found: `last signed elsewhere${other}${damaged}`,
      })
    }
  }
}
