// Archives are tar files (POSIX ustar) in one spelling: plain files only, no owner, no time, mode 0600. Whoever has tar
// can look into one; what is read back is held against the very bytes that would have been written, so that a name that
// leads elsewhere, a link, or a size that is none, is no member.
import { SentientError } from '../errors.ts'
import { readFully } from './files.ts'

export const blockBytes = 512
/** Two blocks of zeros end an archive. */
export const endBytes = 2 * blockBytes
/** Eleven octal digits. */
const memberBytesMax = 8 ** 11 - 1
const nameBytesMax = 100

export interface Member {
  readonly name: string
  readonly size: number
  /** Of its first byte in the archive. */
  readonly offset: number
}

export interface Source {
  readonly size: number
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

export function encodeHeader(name: string, size: number): Uint8Array {
  if (name.length === 0 || name.length > nameBytesMax || size > memberBytesMax)
    throw new SentientError('LIMIT', { what: 'It does not fit into an archive', where: name })
  const block = Buffer.alloc(blockBytes)
  block.write(name, 0, 'latin1')
  block.write('0000600\0', 100)
  block.write('0000000\0', 108)
  block.write('0000000\0', 116)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('00000000000\0', 136)
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\x0000', 257, 'latin1')
  block.write('0000000\0', 329)
  block.write('0000000\0', 337)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

export const paddingOf = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes

/** What is wrong with an archive, and where; nothing of it was taken in. */
export const badArchive = (found: string, offset: number): SentientError =>
  new SentientError('DAMAGED', {
    what: 'The archive is not as it was written; nothing of it was taken in',
    where: `byte ${offset}`,
    found,
    hint: 'Carry it over again.',
  })

/** The members from front to back; throws DAMAGED at the first byte that is not as `encodeHeader` would have it. */
export function* membersOf(source: Source): Generator<Member> {
  const block = Buffer.alloc(blockBytes)
  const zeros = Buffer.alloc(blockBytes)
  let at = 0
  for (;;) {
    if (readFully(source, block, at) < blockBytes) throw badArchive('it ends too early', at)
    if (block.equals(zeros)) break
    const end = block.indexOf(0)
    const name = block.toString('latin1', 0, Math.min(end < 0 ? nameBytesMax : end, nameBytesMax))
    const size = /^[0-7]{11}\0$/.test(block.toString('latin1', 124, 136))
      ? Number.parseInt(block.toString('latin1', 124, 135), 8)
      : -1
    if (name === '' || size < 0 || !block.equals(encodeHeader(name, size)))
      throw badArchive('a header of another spelling', at)
    const offset = at + blockBytes
    if (offset + size > source.size) throw badArchive(`a member of ${size} bytes`, at)
    yield { name, size, offset }
    const padding = Buffer.alloc(paddingOf(size))
    at = offset + size + padding.length
    if (readFully(source, padding, offset + size) < padding.length || padding.some(byte => byte !== 0))
      throw badArchive('the space behind a member is not empty', offset + size)
  }
  readFully(source, block, at + blockBytes)
  if (source.size !== at + endBytes || !block.equals(zeros)) throw badArchive('something follows its end', at)
}

/** A part of a source as one of its own. */
export function partOf(source: Source, { offset, size }: Member): Source {
  return {
    size,
    read: (target, at, length, position) =>
      position >= size ? 0 : source.read(target, at, Math.min(length, size - position), offset + position),
  }
}
