// The call that checks a whole pack.

import { callNative, placeOf, type RawBridge } from './bridge.ts'
import type { NativeWork, SoundPack, SoundPackRequest } from './native.ts'

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
