// Unsigned 64-bit little-endian integers in fixed layouts. The format holds none above 2^53-1, so plain numbers do.

import { integerMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'

const two32 = 0x1_0000_0000

export function writeU64(target: Buffer, value: number, offset: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new FormatError('an integer of 0 to 2^53-1 was expected')
  target.writeUInt32LE(value % two32, offset)
  target.writeUInt32LE(Math.floor(value / two32), offset + 4)
}

/** Throws FormatError above 2^53-1. */
export function readU64(source: Buffer, offset: number): number {
  const value = source.readUInt32LE(offset + 4) * two32 + source.readUInt32LE(offset)
  if (value > integerMax) throw new FormatError('an integer above 2^53-1', offset)
  return value
}
