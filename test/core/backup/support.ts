// Backups, archives and imports for tests: made, opened, compared with the root folder that they came from.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { openOutsideFile } from '../../../src/cli/outside.ts'
import { importInto } from '../../../src/core/carrying.ts'
import type { Host } from '../../../src/core/host/host.ts'
import { openSystem, type System } from '../../../src/core/system.ts'
import type { VerifyReport } from '../../../src/core/timeline/model.ts'
import { type Folder, filesBelow, makeFolder, noise, put, run, source } from '../verify/fixtures.ts'

/** A place beside the root folder. */
export const beside = (folder: Folder, name: string): string => join(dirname(folder.path), name)

export const backUp = (folder: Folder, to: string, deep = false) =>
  folder.with(system => run(system.backup(to, { deep })), 'read')

export async function withReceived<T>(host: Host, path: string, work: (system: System) => Promise<T> | T): Promise<T> {
  const system = await openSystem(host, { rootPath: path, access: 'read' })
  try {
    return await work(system)
  } finally {
    await system.close()
  }
}

export const verifyReceived = (host: Host, path: string): Promise<VerifyReport> =>
  withReceived(host, path, system => run(system.verify({ deep: true })))

/** Nothing damaged, and no drift of a tree that is not there. */
export async function assertWhole(host: Host, path: string): Promise<void> {
  const { findings } = await verifyReceived(host, path)
  // The private key is not there, and is not meant to be; what a backup that was killed left unfinished is a note.
  assert.deepEqual(
    findings.filter(({ code, severity }) => code !== 'key-missing' && severity !== 'note'),
    [],
  )
}

export const leavesOf = (system: System, to = Number.POSITIVE_INFINITY): string[] =>
  [...system.records()]
    .filter(({ seq }) => seq < to)
    .map(({ seq, leaf }) => `${seq} ${leaf}`)
    .sort()

/** Each path of a state with what it has, contents included. */
export function contentsAt(system: System, text: string): Record<string, string> {
  const point = system.resolve(text)
  const found: Record<string, string> = {}
  for (const { path, entry } of system.walkState(point)) {
    const file = entry.kind === 'file' ? system.openFile(path, point) : undefined
    const bytes = Buffer.alloc(file?.size ?? 0)
    file?.read(bytes, 0, bytes.length, 0)
    file?.close()
    found[path] = `${entry.kind} ${entry.mode} ${bytes.toString('latin1')}`
  }
  return found
}

/** The same records, and the same contents in the last state and in each snapshot that the received side has. */
export function assertSame(source: System, received: System): void {
  const { records, root } = received.now()
  assert.deepEqual(leavesOf(received), leavesOf(source, records))
  assert.equal(received.record(records - 1).root, root)
  assert.deepEqual(contentsAt(received, `#${records - 1}`), contentsAt(source, `#${records - 1}`))
  for (const { name, seq } of received.snapshots()) {
    if (!source.snapshots().some(one => one.name === name && one.seq === seq)) continue
    assert.deepEqual(contentsAt(received, name), contentsAt(source, name), name)
  }
}

export async function importFile(host: Host, file: string, path: string) {
  const source = openOutsideFile(file)
  try {
    return await run(importInto(host, source, { path }))
  } finally {
    source.close()
  }
}

/** Every file below a directory with its bytes, the lock and what is derived left out. */
export function snapshotOf(path: string): Record<string, string> {
  if (!existsSync(path)) return {}
  const names = filesBelow(path).filter(name => !/^\.db\/|\.runtime\/(?:lock|holder|waiting)/.test(name))
  return Object.fromEntries(names.map(name => [name, readFileSync(join(path, name)).toString('latin1')]))
}

export const bytesOf = (path: string): number =>
  filesBelow(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0)

export const exported = (folder: Folder, name: string, since?: { seq: number } | { note: Uint8Array }) =>
  folder.with(async system => {
    const file = beside(folder, name)
    return { file, ...(await run(system.exportArchive(file, { ...(since && { since }) }))) }
  }, 'read')

export async function makeSmall(context: TestContext): Promise<Folder> {
  const folder = await makeFolder(context, { 'a/one': 'first\n', top: noise(300, 2) })
  await folder.with(system => put(system, 'a/one', 'second\n'))
  return folder
}

export const importBytes = (folder: Folder, bytes: Uint8Array, to: string) =>
  run(importInto(folder.host, source(bytes), { path: to }))
