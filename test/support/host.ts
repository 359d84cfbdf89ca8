// Hosts for tests: a clock that stands still or is moved, seeded randomness, temporary folders on the real disk, and
// trees built and described through the port, so that the same test runs on every host.

import { chmodSync, lstatSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiskHost } from '../../src/core/host/disk.ts'
import type { ByteString, Clock, Directory, Host, Randomness } from '../../src/core/host/host.ts'
import {
  createMemoryDisk,
  createMemoryHost,
  type MemoryDiskOptions,
  type MemoryHost,
} from '../../src/core/host/memory.ts'
import { loadNative } from '../../src/core/native/load.ts'
import type { Native } from '../../src/core/native/native.ts'

/** 2026-01-02 03:04:05 UTC. */
export const testStartMicros = 1_767_323_045_000_000

export interface TestClock extends Clock {
  /** Moves both the time of day and the counter. */
  advance(ms: number): void
  /** Sets the time of day alone, as a person or a time server does. */
  setMicros(micros: number): void
}

export interface TestClockOptions {
  readonly startMicros?: number
  /** How much each look at the time moves it; 1 by default, so that no two times are equal; 0 lets it stand still. */
  readonly stepMicros?: number
  readonly utcOffsetMinutes?: number
}

/** A clock that moves only when it is looked at, told to, or slept on: `sleep` takes no real time. */
export function createTestClock(options: TestClockOptions = {}): TestClock {
  const { startMicros = testStartMicros, stepMicros = 1, utcOffsetMinutes = 0 } = options
  let micros = startMicros
  let counterMs = 0
  const advance = (ms: number): void => {
    micros += ms * 1000
    counterMs += ms
  }
  return {
    nowMicros: () => {
      const now = micros
      advance(stepMicros / 1000)
      return Math.floor(now)
    },
    monotonicMs: () => counterMs,
    sleep: async (ms, signal) => {
      if (!signal?.aborted) advance(ms)
      await new Promise(resolve => setImmediate(resolve))
    },
    utcOffsetMinutes: () => utcOffsetMinutes,
    advance,
    setMicros: value => {
      micros = value
    },
  }
}

/** The same bytes for the same seed (mulberry32). */
export function createSeededRandomness(seed: number): Randomness {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 24
  }
  return { bytes: length => Uint8Array.from({ length }, next) }
}

export interface TestHostOptions extends Omit<MemoryDiskOptions, 'clock'> {
  readonly clock?: TestClock
  readonly seed?: number
  readonly label?: string
  readonly stateDirectoryPath?: string
}

export interface TestHost extends MemoryHost {
  readonly clock: TestClock
}

/** A memory host in which nothing depends on the moment: test clock, seeded randomness, a disk of its own. */
export function createTestHost(options: TestHostOptions = {}): TestHost {
  const { clock = createTestClock(), seed = 1, label = 'test', stateDirectoryPath, ...diskOptions } = options
  const disk = createMemoryDisk({ ...diskOptions, clock })
  const random = createSeededRandomness(seed)
  return { ...createMemoryHost({ disk, clock, random, label, stateDirectoryPath }), clock }
}

export interface TemporaryFolder {
  readonly host: Host
  readonly path: string
  readonly directory: Directory
  /** Closes the directory and removes the folder with everything in it. */
  remove(): void
}

/** The native core, in the runs of the tests that ask for it; see tools/suites.ts. */
export function nativeUnderTest(): Native | undefined {
  const path = process.env.SENTIENT_TEST_NATIVE
  if (path === undefined) return undefined
  const { native, text } = loadNative({ paths: [path], enabled: true })
  if (native === undefined) throw new Error(`${path}: ${text}`)
  return native
}

/** Where a disk is: suites that are no business of disks have their temporary folders in memory. */
export const onDisk = (): string => process.env.SENTIENT_TEST_DISK ?? tmpdir()

/** An empty folder on a real file system; `host` changes ports of the disk host. */
export function makeTemporaryFolder(host: Partial<Host> = {}, base = tmpdir()): TemporaryFolder {
  const path = realpathSync(mkdtempSync(join(base, 'sentientos-test-')))
  const whole: Host = { ...createDiskHost({ label: 'test', native: nativeUnderTest() }), ...host }
  const directory = whole.files.openDirectory(path)
  if (directory === undefined) throw new Error(`${path} is gone`)
  return {
    host: whole,
    path,
    directory,
    remove: () => {
      directory.close()
      openUp(Buffer.from(path))
      rmSync(path, { recursive: true, force: true })
    },
  }
}

// Directories that their owner may not enter can not be removed with what is in them.
function openUp(path: Buffer): void {
  for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
    if (!entry.isDirectory()) continue
    const below = Buffer.concat([path, Buffer.from('/'), entry.name])
    if ((lstatSync(below).mode & 0o700) !== 0o700) chmodSync(below, 0o700)
    openUp(below)
  }
}

/** A file's content, a tree below, or what `symlink` and `file` make. Names are byte strings. */
export type Tree = { readonly [name: ByteString]: TreeEntry }
export type TreeEntry = string | Uint8Array | Tree | SymlinkSpec | FileSpec

interface SymlinkSpec {
  readonly symlinkTarget: ByteString
}

interface FileSpec {
  readonly fileContent: string | Uint8Array
  readonly fileMode: number
}

export function symlink(target: ByteString): SymlinkSpec {
  return { symlinkTarget: target }
}

export function file(content: string | Uint8Array, mode: number): FileSpec {
  return { fileContent: content, fileMode: mode }
}

/** Makes files (0644 unless said), directories (0755) and symlinks below a directory. Strings become UTF-8. */
export function buildTree(directory: Directory, tree: Tree): void {
  for (const [name, entry] of Object.entries(tree)) {
    if (typeof entry === 'string' || entry instanceof Uint8Array) writeFile(directory, name, entry)
    else if (isSymlinkSpec(entry)) directory.makeSymlink(name, entry.symlinkTarget)
    else if (isFileSpec(entry)) writeFile(directory, name, entry.fileContent, entry.fileMode)
    else {
      if (directory.stat(name) === undefined) directory.makeDirectory(name, 0o755)
      inChild(directory, name, child => buildTree(child, entry))
    }
  }
}

function isSymlinkSpec(entry: Tree | SymlinkSpec | FileSpec): entry is SymlinkSpec {
  return 'symlinkTarget' in entry && typeof entry.symlinkTarget === 'string'
}

function isFileSpec(entry: Tree | FileSpec): entry is FileSpec {
  return 'fileMode' in entry && typeof entry.fileMode === 'number'
}

function inChild<T>(directory: Directory, name: ByteString, body: (child: Directory) => T): T {
  const child = directory.child(name)
  if (child === undefined) throw new Error(`${name} is missing in ${directory.path}`)
  try {
    return body(child)
  } finally {
    child.close()
  }
}

/** Makes or replaces the content of a file, in place. */
export function writeFile(directory: Directory, name: ByteString, content: string | Uint8Array, mode = 0o644): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const known = directory.stat(name)?.kind === 'file'
  const open = known ? directory.open(name, 'modify') : directory.open(name, 'create', mode)
  try {
    open.truncate(0)
    open.write(bytes, 0)
  } finally {
    open.close()
  }
}

export function readFile(directory: Directory, name: ByteString): Uint8Array {
  const open = directory.open(name, 'read')
  try {
    const bytes = new Uint8Array(open.stat().size)
    return bytes.subarray(0, open.read(bytes, 0, bytes.length, 0))
  } finally {
    open.close()
  }
}

export function readText(directory: Directory, name: ByteString): string {
  return Buffer.from(readFile(directory, name)).toString('utf8')
}

/**
 * Everything below a directory as a flat object for deepEqual: `{'a/': 'dir 755', 'a/f': 'file 644 content'}`, sorted;
 * contents as latin1.
 */
export function describeTree(directory: Directory): Record<string, string> {
  const lines: [string, string][] = []
  const visit = (at: Directory, prefix: string): void => {
    for (const { name, kind } of at.list()) {
      const path = prefix + name
      const mode = at.stat(name)?.mode.toString(8)
      if (kind === 'file') lines.push([path, `file ${mode} ${Buffer.from(readFile(at, name)).toString('latin1')}`])
      else if (kind === 'symlink') lines.push([path, `symlink ${at.readLink(name)}`])
      else if (kind === 'other') lines.push([path, 'other'])
      else {
        lines.push([`${path}/`, `dir ${mode}`])
        inChild(at, name, child => visit(child, `${path}/`))
      }
    }
  }
  visit(directory, '')
  return Object.fromEntries(lines.sort(([a], [b]) => (a < b ? -1 : 1)))
}
