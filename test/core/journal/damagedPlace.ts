// A small journal in memory whose bytes tests change behind its back.

import type { Directory } from '../../../src/core/host/host.ts'
import type { Journal } from '../../../src/core/journal/journal.ts'
import { createTestHost, type TestHost } from '../../support/host.ts'
import { append, openTest, recordsOf } from './fixtures.ts'

export const limits = { segmentBytesMax: 1600 }

/** Where the journal of the test at hand lies. */
export const place: { host: TestHost; directory: Directory } = emptyPlace()

function emptyPlace() {
  const host = createTestHost({ powerCut: 'loose' })
  return { host, directory: host.files.openDirectory('/')! }
}

export const startAnew = (): void => void Object.assign(place, emptyPlace())

export const open = (access: 'read' | 'write' = 'write'): Journal => openTest(place, { access, limits })
export const runtime = (): Directory => place.directory.child('.runtime')!
export const segments = (): Directory => runtime().child('journal')!
export const segmentNames = (): string[] =>
  segments()
    .list()
    .map(({ name }) => name)
    .sort()
export const torn = (): string[] => (runtime().child('torn')?.list() ?? []).map(({ name }) => name).sort()

export async function filled(...appends: readonly number[]): Promise<number> {
  const journal = open()
  let at = 0
  for (const count of appends) {
    await append(journal, recordsOf(at, at + count))
    at += count
  }
  journal.close()
  return at
}

export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3]! ^= 1 << (bit & 7)
  return flipped
}
