// What this device remembers of the root folders that it signs for, outside of them: a copy or a restored backup does
// not fit what is remembered here.
import { type Binding, bindingFileName, decodeBinding, encodeBinding } from '../format/binding.ts'
import { byteStringOfText, hexOf } from '../format/bytes.ts'
import { FormatError } from '../format/formatError.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, Randomness } from '../host/host.ts'

const bindingBytesMax = 65_536

/** The binding of the root folder at this path; undefined when there is none that can be read. */
export function readBinding(state: Directory, rootPath: string): Binding | undefined {
  try {
    const file = state.open(bindingFileName(byteStringOfText(rootPath)), 'read')
    try {
      const bytes = new Uint8Array(Math.min(file.stat().size, bindingBytesMax))
      file.read(bytes, 0, bytes.length, 0)
      return decodeBinding(bytes)
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error) || error instanceof FormatError) return undefined
    throw error
  }
}

/** Remembers the last checkpoint that was signed for the folder. A device that can not keep it is no reason to fail. */
export function writeBinding(
  state: Directory,
  options: {
    readonly root: Directory
    readonly logId: Uint8Array
    readonly epoch: number
    readonly size: number
    readonly merkleRoot: Uint8Array
    readonly random: Randomness
  },
): void {
  const path = byteStringOfText(options.root.path)
  const bytes = encodeBinding({
    logId: options.logId,
    epoch: options.epoch,
    path,
    inode: options.root.selfStat().inode,
    size: options.size,
    root: options.merkleRoot,
  })
  const temporary = `binding-${hexOf(options.random.bytes(6))}`
  try {
    const file = state.open(temporary, 'create', 0o600)
    try {
      file.write(bytes, 0)
      file.flush()
    } finally {
      file.close()
    }
    state.rename(temporary, state, bindingFileName(path))
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}
