// The calls that check: a whole pack, and everything. Both only say that all is well, or not.

import { callNative, placeOf, type RawBridge } from './bridge.ts'
import type { NativeWork, SoundPack, SoundPackRequest, VerifiedLine, VerifyRequest } from './native.ts'

export async function* soundPackNatively(bridge: RawBridge, request: SoundPackRequest): NativeWork<SoundPack | null> {
  const packs = placeOf(request.packs)
  if (packs === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'soundPack',
    request: { packs, pack: request.pack, threads: 0 },
    ...{ phase: 'reading objects', unit: 'objects', signal: request.signal },
  })
  return answer && (answer.value as SoundPack | null)
}

export async function* verifyNatively(
  bridge: RawBridge,
  request: VerifyRequest,
): NativeWork<readonly VerifiedLine[] | null> {
  const root = placeOf(request.root)
  if (root === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'verify',
    request: { root, deep: request.deep },
    ...{ phase: 'verifying', unit: 'bytes', signal: request.signal },
  })
  return answer && (answer.value as readonly VerifiedLine[] | null)
}
