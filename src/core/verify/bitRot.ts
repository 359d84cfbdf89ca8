// Objects in packs of which one byte was changed: the CRC says which it may have been, the name says whether it was.
import { bytesOfHex, equalBytes } from '../format/bytes.ts'
import { markers } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { blake3, crc32 } from '../format/hash.ts'
import { type Codec, idBytes, type ObjectId } from '../format/id.ts'
import { decodeEntryHeader, entryHeaderBytes } from '../format/pack.ts'
import { singleByteFixes } from '../format/singleByte.ts'
import { unpackBytes } from '../store/packing.ts'

const entryMarker = bytesOfHex(markers.packEntry)
/** Where the bytes that an entry's CRC covers begin and end in its header, and where the CRC is. */
const coveredFrom = 8
const crcOffset = 52

export interface MendedObject {
  readonly id: ObjectId
  readonly codec: Codec
  readonly bytes: Uint8Array
}

/** The object of a damaged entry, given from its header to its end, when one changed byte, or none, explains it. */
export function mendEntry(damaged: Uint8Array): MendedObject | undefined {
  if (damaged.length < entryHeaderBytes) return undefined
  const entry = Uint8Array.from(damaged)
  entry.set(entryMarker)
  const header = entry.subarray(coveredFrom, crcOffset)
  const payload = entry.subarray(entryHeaderBytes)
  const expected = Buffer.from(entry.buffer, entry.byteOffset, entry.length).readUInt32LE(crcOffset)
  const found = crc32(payload, crc32(header))
  // Perhaps only the CRC itself, or the marker before it, is what was changed.
  const whole = objectIn(entry)
  if (whole !== undefined) return whole
  for (const { position, mask } of singleByteFixes(found, expected, header.length + payload.length)) {
    const fixed = Uint8Array.from(entry)
    const at = position < header.length ? coveredFrom + position : entryHeaderBytes + position - header.length
    fixed[at] = (fixed[at] as number) ^ mask
    const object = objectIn(fixed)
    if (object !== undefined) return object
  }
  return undefined
}

function objectIn(entry: Uint8Array): MendedObject | undefined {
  try {
    const { id, codec, packing, storedBytes, objectBytes } = decodeEntryHeader(entry)
    if (storedBytes !== entry.length - entryHeaderBytes) return undefined
    const bytes = unpackBytes(packing, entry.subarray(entryHeaderBytes), objectBytes)
    return bytes !== undefined && equalBytes(blake3(bytes), idBytes(id)) ? { id, codec, bytes } : undefined
  } catch (error) {
    if (!isFormatError(error)) throw error
    return undefined
  }
}
