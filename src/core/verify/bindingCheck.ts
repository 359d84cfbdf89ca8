// Whether this folder is the one that this device remembers: a copy, or a restored backup, would sign a second history
// under the same key.
import { isSentientError } from '../errors.ts'
import { type Binding, bindingFileName, decodeBinding } from '../format/binding.ts'
import { byteStringOfText, equalBytes } from '../format/bytes.ts'
import { parseOrigin } from '../format/checkpoint.ts'
import { bindingBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, Host } from '../host/host.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { readFile } from './files.ts'

export type BindingState =
  /** This device signed for the folder as it is. */
  | { readonly state: 'bound'; readonly size: number }
  /** This device remembers nothing of this log. */
  | { readonly state: 'absent' }
  /** It remembers the log at a place where it is no more. */
  | { readonly state: 'moved'; readonly from: ByteString }
  /** The log is still where it remembers it: this is another one. */
  | { readonly state: 'copied'; readonly from: ByteString }
  /** The same path, another directory: restored from a backup, or put in the old one's place. */
  | { readonly state: 'replaced' }
  /** Another log was at this path. */
  | { readonly state: 'foreign' }
  /** The journal is shorter than what was signed, or another one. */
  | { readonly state: 'behind'; readonly size: number; readonly reason: string }

const bindingsMax = 10_000

export function bindingState(host: Host, stateDirectory: Directory, context: TimelineContext): BindingState {
  const { root } = context.directories
  const { logId, epoch } = parseOrigin(context.verifier().name)
  const here = readBinding(stateDirectory, bindingFileName(byteStringOfText(root.path)))
  if (here === undefined || !equalBytes(here.logId, logId)) {
    const elsewhere = findBinding(stateDirectory, logId)
    if (elsewhere === undefined) return here === undefined ? { state: 'absent' } : { state: 'foreign' }
    return { state: isStillThere(host, elsewhere) ? 'copied' : 'moved', from: elsewhere.path }
  }
  const { size } = context.journal.head()
  if (here.epoch > epoch) return { state: 'behind', size: here.size, reason: `epoch ${here.epoch} was signed before` }
  if (here.size > size) return { state: 'behind', size: here.size, reason: `the journal has ${size} records` }
  if (!hasRoot(context, here)) return { state: 'behind', size: here.size, reason: 'its records are others' }
  return here.inode === root.selfStat().inode ? { state: 'bound', size: here.size } : { state: 'replaced' }
}

function hasRoot(context: TimelineContext, { size, root }: Binding): boolean {
  try {
    return equalBytes(context.journal.rootHash(size), root)
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
    // Damage is told by the journal's own check; it makes no copy.
    return true
  }
}

function findBinding(stateDirectory: Directory, logId: Uint8Array): Binding | undefined {
  const names = stateDirectory.list().filter(({ name }) => name.endsWith('.binding'))
  for (const { name } of names.slice(0, bindingsMax)) {
    const binding = readBinding(stateDirectory, name)
    if (binding !== undefined && equalBytes(binding.logId, logId) && bindingFileName(binding.path) === name)
      return binding
  }
  return undefined
}

/** A binding that can not be read is one that is not there. */
function readBinding(stateDirectory: Directory, name: ByteString): Binding | undefined {
  const file = readFile(stateDirectory, name, bindingBytesMax)
  if (file.state !== 'read') return undefined
  try {
    return decodeBinding(file.bytes)
  } catch (error) {
    if (!isFormatError(error)) throw error
    return undefined
  }
}

/** Whether the directory that was signed for is still at its path. */
function isStillThere({ files }: Host, { path, inode }: Binding): boolean {
  let directory: Directory | undefined
  try {
    directory = files.openDirectory(Buffer.from(path, 'latin1').toString('utf8'))
    return directory?.selfStat().inode === inode
  } catch (error) {
    if (!isHostError(error)) throw error
    return false
  } finally {
    directory?.close()
  }
}
