// Which one changed byte explains a wrong CRC-32: what a worn card or a memory error usually leaves. The answer is only
// a proposal; whoever uses it checks the result by a hash.

const polynomial = 0xedb88320

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  return crc
})

/** The byte whose table entry has that first byte: there is exactly one. */
const byFirstByte = new Uint8Array(256)
for (const [byte, crc] of table.entries()) byFirstByte[crc >>> 24] = byte

export interface ByteFix {
  /** Of the byte among those that the CRC covers. */
  readonly position: number
  /** What the byte is to be changed with by exclusive or. */
  readonly mask: number
}

/**
 * Every single changed byte among `length` bytes after which their CRC differs from the right one as `found` differs
 * from `expected`. A CRC is linear: a change of one byte moves it by an amount that only the change and the number of
 * bytes behind it decide, so the difference is wound back byte by byte from the end.
 */
export function* singleByteFixes(found: number, expected: number, length: number): Generator<ByteFix> {
  let difference = (found ^ expected) >>> 0
  for (let position = length - 1; position >= 0; position--) {
    const mask = byFirstByte[difference >>> 24] as number
    const shifted = (difference ^ (table[mask] as number)) >>> 0
    if (shifted === 0 && mask !== 0) yield { position, mask }
    difference = ((shifted << 8) | mask) >>> 0
  }
}
