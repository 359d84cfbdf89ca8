// Root folders on the real disk for tests of verify, repair, gc and doctor: made, opened, damaged byte by byte.

import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { createDiskHost } from '../../../src/core/host/disk.ts'
import type { Host } from '../../../src/core/host/host.ts'
import { type ByteSource, initRoot, openSystem, type System } from '../../../src/core/system.ts'
import type { Finding, VerifyReport } from '../../../src/core/timeline/model.ts'
import { nativeUnderTest } from '../../support/host.ts'

export interface Folder {
  readonly host: Host
  /** Of the root folder. */
  readonly path: string
  /** A file or directory in it. */
  at(name: string): string
  write(name: string, content: string | Uint8Array): void
  read(name: string): Buffer
  /** Opens, runs, closes. */
  with<T>(work: (system: System) => Promise<T> | T, access?: 'read' | 'write'): Promise<T>
}

export async function run<T>(work: AsyncGenerator<unknown, T, void>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

/** For a folder on a host without the native core, where that looks at it too. */
export const typescriptAlone: Partial<Host> = { native: undefined }

export type Files = Readonly<Record<string, string | Uint8Array>>

/** A folder with these files, adopted and closed; removed when the test ends. */
export async function makeFolder(
  context: Pick<TestContext, 'after'>,
  files: Files,
  host?: Partial<Host>,
): Promise<Folder> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'sentientos-verify-')))
  context.after(() => rmSync(base, { recursive: true, force: true }))
  const path = join(base, 'root')
  const disk = createDiskHost({ label: 'test', stateDirectoryPath: join(base, 'state'), native: nativeUnderTest() })
  const whole: Host = { ...disk, stateDirectory: disk.stateDirectory, ...host }
  const at = (name: string): string => join(path, name)
  const write = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), content)
  }
  mkdirSync(path)
  for (const [name, content] of Object.entries(files)) write(name, content)
  await run(initRoot(whole, { path, zk: false }))
  return {
    host: whole,
    path,
    at,
    write,
    read: name => readFileSync(at(name)),
    async with(work, access = 'write') {
      const system = await openSystem(whole, { rootPath: path, access })
      try {
        return await work(system)
      } finally {
        await system.close()
      }
    },
  }
}

export function source(content: string | Uint8Array): ByteSource {
  const bytes = Buffer.from(content)
  return {
    size: bytes.length,
    read(target, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
  }
}

export const put = (system: System, path: string, content: string | Uint8Array) =>
  run(system.put(path, source(content), { parents: true }))

/** Bytes that zstd can not shrink and that differ for each seed. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    bytes[i] = state >>> 16
  }
  return bytes
}

/** Changes one byte of a file in place. */
export function flip(path: string, offset: number, mask = 0xff): void {
  const bytes = readFileSync(path)
  bytes[offset] = (bytes[offset] as number) ^ mask
  writeFileSync(path, bytes)
}

/** Where some bytes lie in a file of the root folder: its name below `folder` and the offset. */
export function locate(
  folder: Folder,
  below: string,
  wanted: Uint8Array,
): { readonly name: string; readonly offset: number } {
  for (const name of filesBelow(folder.at(below))) {
    const offset = readFileSync(join(folder.at(below), name)).indexOf(wanted)
    if (offset >= 0) return { name: join(below, name), offset }
  }
  throw new Error('the bytes are in no file')
}

export function filesBelow(path: string, prefix = ''): string[] {
  return readdirSync(path).flatMap(name => {
    const whole = join(path, name)
    return statSync(whole).isDirectory() ? filesBelow(whole, `${prefix}${name}/`) : [`${prefix}${name}`]
  })
}

export const codesOf = (findings: readonly Finding[]): string[] => findings.map(finding => finding.code)

export function assertClean(report: VerifyReport): void {
  assert.deepEqual(report.findings, [])
  assert.equal(report.damaged, false)
  assert.equal(report.drifted, false)
  for (const check of report.checks) assert.equal(check.findings, 0, check.name)
}

/** Verifies deeply in a process of its own, as far as this one can be: a folder opened anew. */
export const verifyDeep = (folder: Folder): Promise<VerifyReport> =>
  folder.with(system => run(system.verify({ deep: true })), 'read')
