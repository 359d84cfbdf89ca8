// What the suites of the store share: subjects, contents, and short ways to put and read.

import type { Link } from '../../src/core/format/id.ts'
import type { Directory, Host } from '../../src/core/host/host.ts'
import { openStore, type Store, type StoreOptions } from '../../src/core/store/store.ts'

export interface StoreSubject {
  readonly host: Host
  /** Empty; becomes `.tree`. */
  readonly directory: Directory
  /** A clock that stands where the test wants, for what gc does an hour later. */
  advance(ms: number): void
  remove(): void
}

/** Bytes that zstd can not shrink, the same for the same seed. */
export function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state >>> 11
  }
  return bytes
}

export const text = (value: string): Uint8Array => Buffer.from(value)

export function openOn(subject: Pick<StoreSubject, 'host' | 'directory'>, changes: Partial<StoreOptions> = {}): Store {
  const { clock, random, processes } = subject.host
  return openStore({ directory: subject.directory, clock, random, processes, access: 'write', ...changes })
}

/** Puts raw objects through a shared ingest and flushes them. */
export function store(target: Store, ...contents: readonly Uint8Array[]): Link[] {
  const ingest = target.beginIngest({ shared: true })
  const links = contents.map(content => ingest.put('raw', 'chunk', content))
  ingest.flush()
  return links
}

/** Runs long work to its end. */
export async function finished<T>(work: AsyncGenerator<unknown, T, void>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

export type Made = () => StoreSubject

export const stageOf = ({ directory }: StoreSubject): string[] =>
  directory
    .child('stage')
    ?.list()
    .map(({ name }) => name) ?? []

export const packName = (packNumber: number, extension = 'pack'): string =>
  `${String(packNumber).padStart(12, '0')}.${extension}`

export function openPackFile({ directory }: StoreSubject, packNumber: number, extension = 'pack') {
  return directory.child('packs')!.open(packName(packNumber, extension), 'modify')
}

export const statesOf = (target: Store, packNumber: number): string[] =>
  [...target.scanPack(packNumber, { deep: true })].map(({ state }) => state)
