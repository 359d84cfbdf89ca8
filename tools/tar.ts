// Writes tar archives (POSIX ustar, names above 100 bytes as GNU tar has them) that are the same for the same items:
// every file is of one time and belongs to user and group 0.

import type { ByteString } from '../src/core/host/host.ts'

export interface TarItem {
  /** Of a directory with a slash at its end. */
  readonly name: ByteString
  readonly mode: number
  readonly type: 'file' | 'directory' | 'symlink'
  readonly content?: Uint8Array
  /** At most 100 bytes. */
  readonly target?: ByteString
}

interface Entry extends Omit<TarItem, 'type'> {
  readonly type: keyof typeof typeFlags
}

const blockBytes = 512
const nameBytesMax = 100
const typeFlags = { file: '0', symlink: '2', directory: '5', nameOfNext: 'L' }

/** The items in the given order, each with this time in seconds since 1970. */
export function tarOf(items: readonly TarItem[], mtimeSeconds: number): Uint8Array {
  const parts: Uint8Array[] = []
  const add = (entry: Entry): void => {
    const { content = new Uint8Array(0) } = entry
    parts.push(headerOf(entry, mtimeSeconds), content, new Uint8Array(-content.length & (blockBytes - 1)))
  }
  for (const item of items) {
    if (item.name.length > nameBytesMax) {
      const content = Buffer.from(`${item.name}\0`, 'latin1')
      add({ name: '././@LongLink', mode: 0o644, type: 'nameOfNext', content })
    }
    add(item)
  }
  parts.push(new Uint8Array(2 * blockBytes))
  return Buffer.concat(parts)
}

function headerOf({ name, mode, type, content, target = '' }: Entry, mtimeSeconds: number): Uint8Array {
  if (target.length > nameBytesMax) throw new Error(`the target of ${name} is too long for the archive`)
  const header = Buffer.alloc(blockBytes)
  const text = (value: string, offset: number): void => void header.write(value, offset, 'latin1')
  const octal = (value: number, offset: number, bytes: number): void =>
    text(value.toString(8).padStart(bytes - 1, '0'), offset)
  text(name.slice(0, nameBytesMax), 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(content?.length ?? 0, 124, 12)
  octal(mtimeSeconds, 136, 12)
  text(typeFlags[type], 156)
  text(target, 157)
  text('ustar\x0000', 257)
  // The checksum is over the header with spaces in its own place.
  text(' '.repeat(8), 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
