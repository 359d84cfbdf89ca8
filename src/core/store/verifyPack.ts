// Looks at a whole pack as it lies on disk, for `verify --deep`: header, every entry's CRC, every object's name.
import { equalBytes } from '../format/bytes.ts'
import { blake3 } from '../format/hash.ts'
import { type Codec, idBytes, type ObjectId } from '../format/id.ts'
import { entryHeaderBytes, type ObjectKind, packHeaderBytes } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import { packIdOf, readFully } from './layout.ts'
import type { Pack } from './pack.ts'
import { unpackBytes } from './packing.ts'
import { type Scanned, scanEntries } from './packScan.ts'

export interface ScanOptions {
  /** Where an entry begins; from the pack's start when left out. */
  readonly from?: number
  /** Also unpacks every object and compares its hash with its name. */
  readonly deep?: boolean
}

export interface ScanItem {
  readonly state: 'intact' | 'damaged'
  readonly offset: number
  /** Bytes of the pack that the item covers. */
  readonly bytes: number
  readonly reason?: string
  /** As the entry's header says, where there is one; of a damaged entry it may itself be wrong. */
  readonly entry?: {
    readonly id: ObjectId
    readonly codec: Codec
    readonly kind: ObjectKind
    readonly objectBytes: number
    readonly storedBytes: number
  }
}

/** Every entry, and every stretch that is none; the 16 bytes of the pack's header only when they are damaged. */
export function* scanWholePack(pack: Pack, options: ScanOptions): Generator<ScanItem> {
  const file = pack.openFile()
  try {
    const { size } = file.stat()
    const from = options.from ?? 0
    if (from === 0 && packIdOf(readFully(file, 0, packHeaderBytes)) === undefined) {
      yield { state: 'damaged', offset: 0, bytes: Math.min(size, packHeaderBytes), reason: 'the pack has a bad header' }
    }
    for (const item of scanEntries(file, from, size)) yield scanItem(item, options.deep === true)
  } catch (error) {
    if (!isHostError(error)) throw error
    yield { state: 'damaged', offset: 0, bytes: 0, reason: `the disk reported ${error.code} (${error.call})` }
  } finally {
    file.close()
  }
}

function scanItem(item: Scanned, deep: boolean): ScanItem {
  const { offset, bytes, header } = item
  const entry =
    header === undefined
      ? undefined
      : {
          id: header.id,
          codec: header.codec,
          kind: header.kind,
          objectBytes: header.objectBytes,
          storedBytes: header.storedBytes,
        }
  const described = entry === undefined ? {} : { entry }
  if (item.state === 'damaged') return { state: 'damaged', offset, bytes, reason: item.reason, ...described }
  const reason = deep ? objectDamage(item.header, item.raw.subarray(entryHeaderBytes)) : undefined
  if (reason !== undefined) return { state: 'damaged', offset, bytes, reason, ...described }
  return { state: 'intact', offset, bytes, ...described }
}

function objectDamage(
  header: { id: ObjectId; packing: 'plain' | 'zstd'; objectBytes: number },
  payload: Uint8Array,
): string | undefined {
  const bytes = unpackBytes(header.packing, payload, header.objectBytes)
  if (bytes === undefined) return 'the payload can not be unpacked'
  return equalBytes(blake3(bytes), idBytes(header.id)) ? undefined : 'the bytes are not what their name says'
}
