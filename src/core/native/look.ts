// The calls that look: at a tree against what is recorded, and how much is recorded.

import { byteStringOf } from '../format/bytes.ts'
import { idBytes } from '../format/id.ts'
import type { ByteString } from '../host/host.ts'
import { rulesOf } from './adopt.ts'
import { callNative, placeOf, type RawBridge } from './bridge.ts'
import type { CountRequest, FileCounts, KnownDirectory, Looked, LookRequest, NativeWork } from './native.ts'

const nothingSettledNs = -(2n ** 63n)

export async function* lookNatively(bridge: RawBridge, request: LookRequest): NativeWork<Looked> {
  const root = placeOf(request.root)
  const packs = placeOf(request.packs)
  const derived = request.cache && placeOf(request.cache.directory)
  if (root === undefined || packs === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'look',
    request: {
      ...{ root, packs, rules: rulesOf(request.rules), outside: request.outside, threads: request.threads ?? 0 },
      files: byteStringOf(idBytes(request.files.id)),
      settledBelow: `${request.settledBelowNs ?? nothingSettledNs}`,
      ...(derived === undefined ? {} : { derived, cacheName: request.cache?.name }),
    },
    phase: 'looking',
    unit: 'files',
    signal: request.signal,
  })
  if (answer === undefined) return undefined
  const { blocksAt } = answer.value as { readonly blocksAt: number }
  return { known: readKnown(answer.bytes.subarray(0, blocksAt)), blocks: readBlocks(answer.bytes.subarray(blocksAt)) }
}

export async function* countFilesNatively(bridge: RawBridge, request: CountRequest): NativeWork<FileCounts> {
  const packs = placeOf(request.packs)
  if (packs === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'countFiles',
    request: { packs, files: byteStringOf(idBytes(request.files.id)), threads: 0 },
    ...{ phase: 'counting files', unit: 'files', signal: request.signal },
  })
  return answer && (answer.value as FileCounts)
}

// Each: u16 path bytes | path | 32 bytes id of the node | u8 whole | u32 files | u32 ignored | u32 hashed | u32 suspects |
// f64 hashed bytes | each suspect: u8 name bytes | name.
const fixedBytes = 32 + 1 + 4 * 4 + 8

function readKnown(bytes: Buffer): ReadonlyMap<ByteString, KnownDirectory> {
  const known = new Map<ByteString, KnownDirectory>()
  for (let at = 0; at < bytes.length; ) {
    const from = at + 2 + bytes.readUInt16LE(at)
    const suspects: ByteString[] = []
    let end = from + fixedBytes
    for (let left = bytes.readUInt32LE(from + 45); left > 0; left--) {
      const next = end + 1 + bytes.readUInt8(end)
      suspects.push(bytes.toString('latin1', end + 1, next))
      end = next
    }
    known.set(bytes.toString('latin1', at + 2, from), {
      node: bytes.toString('hex', from, from + 32),
      whole: bytes[from + 32] === 1,
      files: bytes.readUInt32LE(from + 33),
      ignored: bytes.readUInt32LE(from + 37),
      hashed: bytes.readUInt32LE(from + 41),
      hashedBytes: bytes.readDoubleLE(from + 49),
      suspects,
    })
    at = end
  }
  return known
}

// As they lie in the cache: u32 bytes of the rest | u16 path bytes | path | ...
export function readBlocks(bytes: Buffer): ReadonlyMap<ByteString, Buffer> {
  const blocks = new Map<ByteString, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    blocks.set(bytes.toString('latin1', at + 6, at + 6 + bytes.readUInt16LE(at + 4)), bytes.subarray(at, end))
    at = end
  }
  return blocks
}
