// The call that compares a tree with the stat cache.

import type { ByteString } from '../host/host.ts'
import { rulesOf } from './adopt.ts'
import { callNative, placeOf, type RawBridge } from './bridge.ts'
import type { KnownDirectory, LookRequest, NativeWork } from './native.ts'

export async function* lookNatively(
  bridge: RawBridge,
  request: LookRequest,
): NativeWork<ReadonlyMap<ByteString, KnownDirectory>> {
  const root = placeOf(request.root)
  const derived = placeOf(request.cache.directory)
  if (root === undefined || derived === undefined) return undefined
  const { name: cacheName, checksum } = request.cache
  const answer = yield* callNative(bridge, {
    name: 'look',
    request: {
      ...{ root, derived, cacheName, checksum, rules: rulesOf(request.rules), outside: request.outside },
      ...{ threads: request.threads ?? 0 },
    },
    phase: 'looking',
    unit: 'files',
    signal: request.signal,
  })
  return answer && readKnown(answer.bytes)
}

// Each: u16 path bytes | path | 32 bytes id of the node | u8 whole | u32 files | u32 ignored.
const fixedBytes = 32 + 1 + 4 + 4

function readKnown(bytes: Buffer): ReadonlyMap<ByteString, KnownDirectory> {
  const known = new Map<ByteString, KnownDirectory>()
  for (let at = 0; at < bytes.length; ) {
    const from = at + 2 + bytes.readUInt16LE(at)
    known.set(bytes.toString('latin1', at + 2, from), {
      node: bytes.toString('hex', from, from + 32),
      whole: bytes[from + 32] === 1,
      files: bytes.readUInt32LE(from + 33),
      ignored: bytes.readUInt32LE(from + 37),
    })
    at = from + fixedBytes
  }
  return known
}
