// Small files, read whole and never beyond a limit.

import { SentientError } from '../errors.ts'
import type { ByteString, Directory } from '../host/host.ts'

/** Throws DAMAGED for a file over its limit, HostError NOT_FOUND without one. */
export function readFile(directory: Directory, name: ByteString, bytesMax: number): Uint8Array {
  const file = directory.open(name, 'read')
  try {
    const { size } = file.stat()
    if (size > bytesMax)
      throw new SentientError('DAMAGED', { where: `${directory.path}/${name}`, found: `${size} bytes` })
    const bytes = new Uint8Array(size)
    return bytes.subarray(0, file.read(bytes, 0, size, 0))
  } finally {
    file.close()
  }
}
