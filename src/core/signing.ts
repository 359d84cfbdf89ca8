// Signing the journal's head, and what this device remembers of it: nothing is signed for a folder that is not the one
// that it signed for before, and nothing that it would not remember.
import { isSentientError, SentientError } from './errors.ts'
import { byteStringOfText, displayBytes, equalBytes } from './format/bytes.ts'
import { parseOrigin } from './format/checkpoint.ts'
import type { Host } from './host/host.ts'
import { forgetBinding, writeBinding } from './keys/binding.ts'
import { openKeys, type Parts } from './parts.ts'
import { createSlicer } from './progress.ts'
import { rootFormat } from './rootFormat.ts'
import { storeSnapshots } from './timeline/snapshots.ts'
import { storeTrace } from './timeline/trace.ts'
import {
  type BindingState,
  bindingState,
  bindingsOf,
  copyError,
  isBoundHere,
  unboundOf,
} from './verify/bindingCheck.ts'

/** What this device remembers of the folder; a device that can remember nothing makes no difference. */
export function lookAtBinding(host: Host, { context }: Parts): BindingState {
  const { stateDirectory } = host
  if (stateDirectory === undefined) return { state: 'forgetful' }
  const bound = bindingState(host, stateDirectory, context)
  // Another process may have appended and signed since this one looked at the journal.
  return bound.state === 'behind' && context.journal.refresh() ? bindingState(host, stateDirectory, context) : bound
}

/** Why nothing may be signed here; undefined where it may. */
export function whyNotSigned(host: Host, parts: Parts): SentientError | undefined {
  try {
    const unbound = unboundOf(lookAtBinding(host, parts))
    return unbound === undefined
      ? (whyNotOurs(host, parts) ?? whyNotRight(parts))
      : copyError(parts.context.directories.root.path, unbound)
  } catch (error) {
    // Nobody can tell whose log it is.
    if (!isSentientError(error, 'KEY')) throw error
    return error
  }
}

/** At opening for writing: settles what this device may do here, and says what there is to know about it. */
export async function settleBinding(host: Host, parts: Parts, signal: AbortSignal | undefined): Promise<BindingState> {
  const { context } = parts
  const found = lookAtBinding(host, parts)
  const unbound = unboundOf(found)
  if (unbound !== undefined) parts.refuse(copyError(context.directories.root.path, unbound))
  else if (found.state === 'forgetful' && host.stateDirectory !== undefined) {
    const text = 'this device can remember nothing of this folder: a copy of it could not be told from it'
    context.notices.push({ code: 'binding', text })
  } else if (found.state === 'moved' && parts.damage === undefined) {
    // The very directory under another name; whoever holds the lock now is told when he signs.
    await context.journal.writerLock.tryHold('moved', signal, () => {
      const again = lookAtBinding(host, parts)
      if (again.state !== 'moved' || !again.renamed) return
      remember(host, parts, again.size)
      context.notices.push({ code: 'moved', text: `this folder was at ${displayBytes(again.from)} before` })
    })
  }
  return found
}

/** Signs the journal's head, if it grew; remembers it outside the folder. */
export async function signNow(host: Host, parts: Parts): Promise<void> {
  const { context } = parts
  if (context.access !== 'write')
    throw context.refusal ?? new SentientError('READ_ONLY', { where: context.directories.root.path })
  await context.journal.writerLock.hold('checkpoint', undefined, () => {
    const why = whyNotSigned(host, parts)
    if (why !== undefined) throw why
    signHeld(host, parts)
  })
}

/** Another process may have adopted the folder since it was opened here: then its keys are others. */
function whyNotOurs({ stateDirectory }: Host, { context, origin, auth }: Parts): SentientError | undefined {
  const { file } = rootFormat({ ...context.directories, auth, stateDirectory })
  const { name } = openKeys(auth, file, context.journal).verifier()
  if (name === origin) return undefined
  return new SentientError('COPY', {
    what: 'Another process has adopted this folder meanwhile',
    where: context.directories.root.path,
    expected: origin,
    found: name,
    hint: 'Open it again.',
  })
}

/** What was signed last has to be known; and tiles that are wrong would put a wrong root under the signature. */
function whyNotRight({ context }: Parts): SentientError | undefined {
  const { journal } = context
  try {
    const stored = journal.checkpoint()
    if (stored === undefined || stored.size > journal.head().size) return undefined
    if (equalBytes(journal.rootHash(stored.size), stored.root)) return undefined
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
    return error
  }
  return new SentientError('DAMAGED', {
    what: 'The hash tiles do not lead to the root that was signed last',
    where: '.runtime/tile',
    hint: 'Run sentctl repair.',
  })
}

/** Under the lock, by who knows that it may be signed. Remembered first: what is signed is known here, whatever ends it. */
export function signHeld(host: Host, parts: Parts): void {
  const { journal } = parts.context
  const { size } = journal.head()
  const stored = journal.checkpoint()
  const signer = parts.keys.signer()
  if (stored?.size === size && stored.origin === signer.name) return
  remember(host, parts, size)
  journal.signCheckpoint(signer)
}

/** Under the lock: the first `size` records are, or will be, signed here. What was remembered elsewhere is forgotten. */
export function remember(host: Host, parts: Parts, size: number): void {
  const { stateDirectory, random } = host
  if (stateDirectory === undefined) return
  const { journal, directories } = parts.context
  // The marks first: a journal that is shorter than what its device remembers asks whether it is an older copy.
  journal.setApplied(journal.head().applied, { flush: true })
  const { logId, epoch } = parseOrigin(parts.origin)
  const isKnownHere = isBoundHere(stateDirectory, directories.root, logId)
  const signed = { logId, epoch, size, root: journal.rootHash(size) }
  if (!writeBinding(stateDirectory, { directory: directories.root, random, ...signed }) || isKnownHere) return
  const here = byteStringOfText(directories.root.path)
  for (const { name, binding } of bindingsOf(stateDirectory, logId))
    if (binding.path !== here) forgetBinding(stateDirectory, name)
}

/** Whether there are records and nothing signed at all: a repair has set aside what was, or nobody came to it yet. */
export const isUnsigned = ({ context: { journal, directories } }: Parts): boolean =>
  journal.head().size > 0 && directories.runtime.stat('checkpoint') === undefined

/** What one process adds to recycle.trace on its way out; where more is missing, the next ones go on. */
const traceRecordsMax = 10_000

/**
 * On the way out: the checkpoint, recycle.lock and recycle.trace. Skipped when somebody else is writing. Why nothing was
 * signed is a notice: what was asked for is done all the same.
 */
export async function writeProjections(host: Host, parts: Parts): Promise<void> {
  const { context } = parts
  await context.journal.writerLock.tryHold('checkpoint', undefined, async () => {
    const why = signAtClosing(host, parts)
    if (why !== undefined) {
      const text = `the newest records are not signed: ${why.message}. ${why.hint}`
      context.notices.push({ code: 'unsigned', text })
    }
    await createSlicer(host.clock).pause()
    for await (const _ of storeTrace(context, parts.origin, { recordsMax: traceRecordsMax }));
  })
}

/** Under the lock; comes back with the reason where it could not. */
function signAtClosing(host: Host, parts: Parts): SentientError | undefined {
  try {
    const why = whyNotSigned(host, parts)
    if (why !== undefined) return why
    signHeld(host, parts)
    storeSnapshots(parts.context)
    return undefined
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING', 'KEY')) throw error
    return error
  }
}
