// What the tests of the native core stand on: the add-on that is under test, and folders on the real disk with and
// without it.

import { createDiskHost } from '../../src/core/host/disk.ts'
import type { Native } from '../../src/core/native/native.ts'
import { makeTemporaryFolder, nativeUnderTest, type TemporaryFolder } from '../support/host.ts'

/** The add-on; these tests are nothing without it. */
export function requireNative(): Native {
  const native = nativeUnderTest()
  if (native === undefined) throw new Error('SENTIENT_TEST_NATIVE does not say where the add-on lies')
  return native
}

export interface Twins {
  readonly native: TemporaryFolder
  readonly typescript: TemporaryFolder
  remove(): void
}

/** Two empty folders: one whose host has the native core, one whose host has not. */
export function makeTwins(): Twins {
  const native = makeTemporaryFolder({ native: requireNative() })
  const typescript = makeTemporaryFolder({ native: undefined })
  return {
    native,
    typescript,
    remove() {
      native.remove()
      typescript.remove()
    },
  }
}

/** A second host on a folder, with or without the native core. */
export const hostOn = (native: Native | undefined) => createDiskHost({ label: 'test', native })
