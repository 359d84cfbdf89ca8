// Runs in a mount namespace of its own, started by mounts.test.ts, with a small file system at the given directory:
// what happens on a full disk, on one that can only be read, and on a folder with another disk in the middle.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { isSentientError } from '../../src/core/errors.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { createFailingHost, SimulatedCrash } from '../../src/core/host/failing.ts'
import type { Directory } from '../../src/core/host/host.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import {
  assertSound,
  changesOutside,
  diskOf,
  finished,
  put,
  recordedOf,
  refused,
  sourceOf,
} from '../core/timeline/support.ts'
import { buildTree, createSeededRandomness, type Tree } from '../support/host.ts'

const [, , what = '', mounted = ''] = process.argv
const rootPath = path.join(mounted, 'root')
const host = createDiskHost({ label: 'mounted' })
const megabyte = 1 << 20

/** Bytes that no packing makes fewer. */
const noise = (bytes: number, seed: number): Uint8Array => createSeededRandomness(seed).bytes(bytes)

async function make(tree: Tree): Promise<{ system: System; directory: Directory }> {
  fs.mkdirSync(rootPath)
  const directory = host.files.openDirectory(rootPath)!
  buildTree(directory, tree)
  await finished(initRoot(host, { path: rootPath, zk: true }))
  return { system: await openSystem(host, { rootPath, access: 'write' }), directory }
}

const freeBytes = (): number => {
  const { bavail, bsize } = fs.statfsSync(mounted)
  return bavail * bsize
}

/** Leaves about so many bytes free, by a file that nobody governs. */
function fillTo(free: number): void {
  const filler = path.join(mounted, 'filler')
  fs.rmSync(filler, { force: true })
  const file = fs.openSync(filler, 'w')
  for (let left = freeBytes() - free; left > 0; left -= 65_536)
    fs.writeSync(file, Buffer.alloc(Math.min(left, 65_536), 1))
  fs.closeSync(file)
}

const reserve = path.join(rootPath, '.runtime/reserve')

/** What frees space goes on where not a byte is free; the space is kept again once there is some. */
async function removeAtZero(system: System): Promise<void> {
  fillTo(0)
  assert.equal(freeBytes(), 0)
  await refused(system.put('spare', sourceOf('more')), 'DISK_FULL', 'IO')
  assert.ok(fs.existsSync(reserve))
  const { seq } = await finished(system.remove(['spare']))
  assert.equal(system.now().records - 1, seq)
  assert.ok(!fs.existsSync(path.join(rootPath, 'spare')))
  await finished(system.snapshotRemove('without'))
  // Somebody else takes what is free: what was not needed of the reserve is still there.
  fillTo(0)
  assert.ok(fs.statSync(reserve).size > megabyte / 2)
  await finished(system.remove(['a']))
}

/** The disk has 16 MiB. */
async function full(): Promise<void> {
  const { system, directory } = await make({ a: 'a', small: 's', spare: 'x' })
  await put(system, 'large', noise(3 * megabyte, 1))
  await finished(system.snapshotCreate({ name: 'with' }))
  const state = () => ({
    records: system.now().records,
    recorded: Object.keys(recordedOf(system)),
    disk: diskOf(directory),
  })
  const before = state()

  await refused(system.put('huge', sourceOf(noise(20 * megabyte, 2))), 'DISK_FULL')
  assert.deepEqual(state(), before)
  fillTo(600_000)
  await refused(system.put('b', sourceOf('no space is left but the reserve')), 'DISK_FULL')
  await refused(system.put('larger', sourceOf(noise(2 * megabyte, 3))), 'DISK_FULL')
  await refused(system.copy(['large'], 'copy'), 'DISK_FULL')
  assert.deepEqual(state(), before)
  fs.writeFileSync(path.join(rootPath, 'outside'), noise(400_000, 4))
  await refused(system.absorb([]), 'DISK_FULL')
  fs.rmSync(path.join(rootPath, 'outside'))
  assert.deepEqual(state(), before)
  assert.deepEqual(await changesOutside(system), {})

  // The reserve is for those who make room.
  await finished(system.remove(['large']))
  await finished(system.snapshotCreate({ name: 'without' }))
  fillTo(600_000)
  const removed = state()
  const error = await refused(system.rollback(system.resolve('with')), 'DISK_FULL')
  assert.match(error.message, /bytes/)
  assert.deepEqual(state(), removed)

  await removeAtZero(system)
  fillTo(0)
  for (let i = 0; i < 3; i++) {
    try {
      await put(system, 'small', `${i}`)
    } catch (caught) {
      assert.ok(isSentientError(caught, 'DISK_FULL', 'IO'), String(caught))
    }
    try {
      await finished(system.remove(['small']))
      break
    } catch (caught) {
      assert.ok(isSentientError(caught, 'DISK_FULL', 'IO'), String(caught))
    }
  }
  await finished(system.status())
  await system.close().catch(() => undefined)
  const reader = await openSystem(host, { rootPath, access: 'write' })
  assert.deepEqual(
    reader.notices.filter(notice => notice.code === 'damaged'),
    [],
  )
  await reader.close().catch(() => undefined)
  fs.rmSync(path.join(mounted, 'filler'))
  const again = await openSystem(host, { rootPath, access: 'write' })
  await finished(again.rollback(again.resolve('with')))
  assert.deepEqual(recordedOf(again), before.disk)
  assert.deepEqual(diskOf(directory), before.disk)
  await again.close()
  assert.equal(fs.statSync(reserve).size, megabyte)
  await assertSound({ host, path: rootPath })
  directory.close()
}

/** Mounted again, for reading only, once there is something to read. */
async function readOnly(): Promise<void> {
  const { system, directory } = await make({ a: '1', d: { b: '2' } })
  await put(system, 'a', '2')
  await system.close()
  execFileSync('mount', ['-o', 'remount,ro', mounted])
  const before = diskOf(directory)
  const reader = await openSystem(host, { rootPath, access: 'write' })
  assert.equal(reader.access, 'read')
  assert.deepEqual(
    reader.notices.map(notice => notice.code),
    ['read-only'],
  )
  for (const work of [reader.put('a', sourceOf('x')), reader.absorb([]), reader.undo(), reader.snapshotCreate()]) {
    await refused(work, 'READ_ONLY')
  }
  assert.deepEqual(recordedOf(reader), before)
  assert.deepEqual(await changesOutside(reader), {})
  assert.equal((await finished(reader.versions('a'))).length, 2)
  await reader.close()
  directory.close()
  await assertSound({ host, path: rootPath })
}

/** Another small disk at `sub`, in the middle of the governed tree. */
async function within(): Promise<void> {
  fs.mkdirSync(path.join(rootPath, 'sub'), { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', path.join(rootPath, 'sub')])
  const directory = host.files.openDirectory(rootPath)!
  buildTree(directory, { a: 'a', sub: { x: 'x', d: { y: 'y' } } })
  await finished(initRoot(host, { path: rootPath, zk: true }))
  const system = await openSystem(host, { rootPath, access: 'write' })
  const inStep = async () => {
    assert.deepEqual(recordedOf(system), diskOf(directory))
    assert.deepEqual(await changesOutside(system), {})
  }
  await put(system, 'sub/x', 'changed')
  await put(system, 'sub/new/deep', 'made')
  await finished(system.move(['sub/d'], 'moved'))
  await finished(system.copy(['a'], 'sub/a'))
  fs.writeFileSync(path.join(rootPath, 'sub/x'), 'edited')
  await finished(system.rollback(system.resolve('-1')))
  await inStep()
  await finished(system.undo())
  assert.deepEqual(await changesOutside(system), { 'sub/x': 'changed' })
  await finished(system.absorb([]))
  await inStep()

  const { records } = system.now()
  await refused(system.put('sub/large', sourceOf(noise(4 * megabyte, 1))), 'DISK_FULL')
  execFileSync('mount', ['-o', 'remount,ro', path.join(rootPath, 'sub')])
  await refused(system.put('sub/x', sourceOf('x')), 'NOT_WRITABLE')
  await refused(system.remove(['sub/x']), 'NOT_WRITABLE')
  await refused(system.rollback(system.resolve('-1')), 'NOT_WRITABLE')
  execFileSync('mount', ['-o', 'remount,rw', path.join(rootPath, 'sub')])
  assert.equal(system.now().records, records)
  await inStep()
  await system.close()

  // Names of ours lie beside the target there: whatever moment a kill comes, the next writer removes them.
  for (let at = 1, ended = false; !ended; at += 7) {
    const failing = createFailingHost(host)
    failing.faults.crashAt(at)
    try {
      const killed = await openSystem(failing, { rootPath, access: 'write' })
      await put(killed, 'sub/x', `put ${at}`)
      await killed.close()
      ended = true
    } catch (error) {
      assert.ok(error instanceof SimulatedCrash)
    }
    const next = await openSystem(host, { rootPath, access: 'write' })
    await put(next, 'a', `${at}`)
    assert.deepEqual(recordedOf(next), diskOf(directory))
    await next.close()
  }
  directory.close()
  await assertSound({ host, path: rootPath })
}

const scenes: Readonly<Record<string, () => Promise<void>>> = { full, readOnly, within }
await scenes[what]?.()
console.log('done')
