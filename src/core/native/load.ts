// The only loader of the native core. That there is none is ordinary: then TypeScript does all of the work.

import { createRequire } from 'node:module'
import { adoptNatively, surveyNatively } from './adopt.ts'
import { flushDirectoriesNatively, placeNatively, stageNatively, stageTreesNatively } from './apply.ts'
import { bridgeVersion, callNativeNow, placeOf, type RawBridge } from './bridge.ts'
import { countFilesNatively, lookNatively } from './look.ts'
import type { Native } from './native.ts'
import { soundPackNatively, verifyNatively } from './verify.ts'

export interface LoadedNative {
  readonly native: Native | undefined
  /** One line for people: what is in use, and why. */
  readonly text: string
}

export interface LoadOptions {
  /** Where the add-on may lie; the first that can be loaded is used. */
  readonly paths: readonly string[]
  /** False: somebody turned it off. */
  readonly enabled: boolean
}

/** Loads the add-on. Never throws: whatever is wrong with it is told in the text. */
export function loadNative({ paths, enabled }: LoadOptions): LoadedNative {
  if (!enabled) return { native: undefined, text: 'turned off by SENTIENT_NATIVE=0: TypeScript does all of the work' }
  let why = 'not built'
  for (const path of paths) {
    try {
      const bridge = createRequire(import.meta.url)(path) as RawBridge
      if (bridge.version() === bridgeVersion) return { native: nativeOf(bridge), text: 'in use for trees and packs' }
      why = `it is of another build (${bridge.version()}, ${bridgeVersion} is needed)`
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND'
      if (!missing) why = `it can not be loaded: ${error instanceof Error ? error.message.split('\n', 1)[0] : error}`
    }
  }
  return { native: undefined, text: `${why}: TypeScript does all of the work` }
}

export function nativeOf(bridge: RawBridge): Native {
  return {
    survey: request => surveyNatively(bridge, request),
    adopt: request => adoptNatively(bridge, request),
    countFiles: request => countFilesNatively(bridge, request),
    look: request => lookNatively(bridge, request),
    stage: request => stageNatively(bridge, request),
    stageTrees: request => stageTreesNatively(bridge, request),
    place: request => placeNatively(bridge, request),
    soundPack: request => soundPackNatively(bridge, request),
    verify: request => verifyNatively(bridge, request),
    flushDirectories: (root, paths) => flushDirectoriesNatively(bridge, root, paths),
    flushFileSystem(directory) {
      const place = placeOf(directory)
      return place !== undefined && callNativeNow(bridge, 'flushFileSystem', { directory: place }) !== undefined
    },
  }
}
