// What this device remembers of the root folders that it signs for, outside of them: a copy or a restored backup does
// not fit what is remembered here.
import { type Binding, bindingFileName, encodeBinding } from '../format/binding.ts'
import { byteStringOfText, hexOf } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, Randomness } from '../host/host.ts'

/**
 * Remembers a checkpoint that is, or is about to be, signed for the folder; durable. A device that can keep nothing (no
 * space, no permission) is no reason to fail: false then.
 */
export function writeBinding(
  state: Directory,
  options: Pick<Binding, 'logId' | 'epoch' | 'size' | 'root'> & {
    readonly directory: Directory
    readonly random: Randomness
  },
): boolean {
  const { directory, random, logId, epoch, size, root } = options
  const path = byteStringOfText(directory.path)
  const bytes = encodeBinding({ logId, epoch, path, inode: directory.selfStat().inode, size, root })
  const temporary = `binding-${hexOf(random.bytes(6))}`
  try {
    const file = state.open(temporary, 'create', 0o600)
    try {
      file.write(bytes, 0)
      file.flush()
    } finally {
      file.close()
    }
    state.rename(temporary, state, bindingFileName(path))
    state.flush()
    return true
  } catch (error) {
    if (!isHostError(error)) throw error
    removeIfThere(state, temporary)
    if (isHostError(error, 'NO_SPACE', 'READ_ONLY', 'DENIED')) return false
    throw error
  }
}

/** The folder is not there any more: what is remembered of it elsewhere stands for it now. */
export function forgetBinding(state: Directory, name: string): void {
  removeIfThere(state, name)
}

function removeIfThere(state: Directory, name: string): void {
  try {
    state.removeFile(name)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}
