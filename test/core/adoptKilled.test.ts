// Adopting killed at any of its operations, with the power gone or not: the folder asks again or is adopted; nothing is
// ever signed for a second history under one key; the next try goes through. Not each operation is tried in each run.

import assert from 'node:assert/strict'
import test from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { type Checkpoint, parseCheckpoint } from '../../src/core/format/checkpoint.ts'
import { parseNote } from '../../src/core/format/note.ts'
import { createFailingHost, SimulatedCrash } from '../../src/core/host/failing.ts'
import type { Directory, Host } from '../../src/core/host/host.ts'
import { createMemoryHost } from '../../src/core/host/memory.ts'
import { adoptRoot, initRoot, openSystem, type System } from '../../src/core/system.ts'
import { removeTree } from '../../src/core/timeline/init.ts'
import { createSeededRandomness, createTestHost, readFile, type TestHost, writeFile } from '../support/host.ts'
import { every, tried } from '../support/thorough.ts'
import { finished, put, refused } from './timeline/support.ts'

const stateDirectoryPath = '/state'
/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0

function topOf(host: Host): Directory {
  const top = host.files.openDirectory('/')
  assert.ok(top !== undefined)
  return top
}

function copyTree(from: Directory, to: Directory): void {
  for (const { name, kind } of from.list()) {
    if (kind === 'dir') {
      to.makeDirectory(name, from.stat(name)!.mode)
      const [source, target] = [from.child(name)!, to.child(name)!]
      copyTree(source, target)
      source.close()
      target.close()
    } else if (name !== 'lock') {
      writeFile(to, name, readFile(from, name), from.stat(name)!.mode)
      const file = to.open(name, 'modify')
      file.flush()
      file.close()
    }
  }
  to.flush()
}

function copyFolder(host: Host, from: string, to: string): void {
  const top = topOf(host)
  top.makeDirectory(to, 0o755)
  const [source, target] = [top.child(from)!, top.child(to)!]
  copyTree(source, target)
  top.flush()
  for (const directory of [source, target, top]) directory.close()
}

async function withSystem<T>(host: Host, name: string, work: (system: System) => Promise<T>): Promise<T> {
  const system = await openSystem(host, { rootPath: `/${name}`, access: 'write' })
  try {
    return await work(system)
  } finally {
    await system.close()
  }
}

async function makeOriginal(host: TestHost): Promise<void> {
  const top = topOf(host)
  top.makeDirectory('one', 0o755)
  const one = top.child('one')!
  writeFile(one, 'a', 'a')
  one.close()
  top.flush()
  top.close()
  await finished(initRoot(host, { path: '/one', zk: false }))
}

function removeFolder(host: Host, name: string): void {
  const top = topOf(host)
  removeTree(top, name)
  top.flush()
  top.close()
}

interface Scene {
  readonly as: 'moved' | 'copy'
  /** What is adopted. */
  readonly name: string
  /** Whether the original goes on beside it. */
  readonly original: boolean
  prepare(host: TestHost): Promise<void>
}

const scenes: Readonly<Record<string, Scene>> = {
  'a copy': {
    ...{ as: 'copy', name: 'two', original: true },
    async prepare(host) {
      copyFolder(host, 'one', 'two')
      await withSystem(host, 'one', system => put(system, 'a', 'in the original'))
    },
  },
  'an older backup that was put back': {
    ...{ as: 'moved', name: 'one', original: false },
    async prepare(host) {
      copyFolder(host, 'one', 'backup')
      await withSystem(host, 'one', system => put(system, 'a', 'lost'))
      removeFolder(host, 'one')
      copyFolder(host, 'backup', 'one')
      removeFolder(host, 'backup')
    },
  },
  'a folder that was moved to another disk': {
    ...{ as: 'moved', name: 'two', original: false },
    async prepare(host) {
      copyFolder(host, 'one', 'two')
      removeFolder(host, 'one')
    },
  },
}

function checkpointOf(host: Host, name: string): Checkpoint {
  const folder = host.files.openDirectory(`/${name}/.runtime`)!
  try {
    return parseCheckpoint(parseNote(readFile(folder, 'checkpoint')).text)
  } finally {
    folder.close()
  }
}

async function assertVerified(host: Host, name: string, what: string): Promise<void> {
  const { findings } = await withSystem(host, name, system => finished(system.verify({ deep: true })))
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'damage'),
    [],
    what,
  )
}

/** False when it came to its end before. */
async function killedAt(inner: TestHost, n: number, { name, as }: Scene): Promise<boolean> {
  const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'killed', stateDirectoryPath })
  const host = createFailingHost(process)
  host.faults.crashAt(n)
  try {
    await finished(adoptRoot(host, { rootPath: `/${name}`, as }))
    return false
  } catch (error) {
    if (!(error instanceof SimulatedCrash) && !host.faults.crashed) throw error
    return true
  } finally {
    host.faults.crash()
    process.exit()
  }
}

async function checkAfter(inner: TestHost, scene: Scene, before: Checkpoint, what: string): Promise<void> {
  const { name, as, original } = scene
  const host = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'next', stateDirectoryPath })
  const asks = await withSystem(host, name, async system => {
    if (system.binding.refusal === undefined) return false
    await refused(put(system, 'a', 'not yet'), 'COPY')
    return true
  })
  const stored = checkpointOf(host, name)
  // What may have been signed of the history that is lost, or that goes on elsewhere, has another name.
  if (stored.origin === before.origin && (as === 'copy' || name === 'one')) assert.deepEqual(stored, before, what)
  await assertVerified(host, name, what)
  const { adopted } = await finished(adoptRoot(host, { rootPath: `/${name}`, as }))
  assert.equal(adopted, asks, what)
  await withSystem(host, name, system => put(system, 'a', 'goes on'))
  const own = checkpointOf(host, name)
  await assertVerified(host, name, what)
  if (original) {
    await withSystem(host, 'one', system => put(system, 'a', 'goes on, too'))
    assert.notEqual(checkpointOf(host, 'one').origin, own.origin, what)
    await assertVerified(host, 'one', what)
  }
  host.exit()
}

for (const [title, scene] of Object.entries(scenes)) {
  for (const power of ['stays', 'goes'] as const) {
    test(`${title}, killed at any operation of adopting it, the power ${power}`, async () => {
      const inner = createTestHost({ powerCut: 'loose', stateDirectoryPath })
      await makeOriginal(inner)
      await scene.prepare(inner)
      const before = checkpointOf(inner, scene.name)
      const disk = inner.disk.snapshot()
      let n = 1
      for (let killed = true; killed; n += every(power === 'goes' ? 41 : 23)) {
        inner.disk.restore(disk)
        killed = await killedAt(inner, n, scene)
        if (power === 'goes') inner.disk.cutPower(createSeededRandomness(seedBase + n))
        await checkAfter(inner, scene, before, `operation ${n}`)
        tried(power === 'goes' ? 'power cuts' : 'ends of the process')
      }
      assert.ok(n > 100, `${n} operations`)
    })
  }

  test(`${title}, adopted while any operation fails`, async () => {
    const inner = createTestHost({ stateDirectoryPath })
    await makeOriginal(inner)
    await scene.prepare(inner)
    const before = checkpointOf(inner, scene.name)
    const disk = inner.disk.snapshot()
    for (let n = 1, failed = true; failed; n += every(29)) {
      inner.disk.restore(disk)
      const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'failing', stateDirectoryPath })
      const host = createFailingHost(process)
      failed = false
      host.faults.failWhen(({ number }) => {
        if (number !== n) return undefined
        failed = true
        return { kind: 'error', code: n % 2 === 1 ? 'IO' : 'NO_SPACE' }
      })
      try {
        await finished(adoptRoot(host, { rootPath: `/${scene.name}`, as: scene.as }))
      } catch (error) {
        const isPortError = error instanceof Error && error.name === 'HostError'
        assert.ok(isSentientError(error) || isPortError, `operation ${n}: ${error}`)
        if (isSentientError(error)) assert.notEqual(error.code, 'INTERNAL', `operation ${n}`)
      }
      process.exit()
      await checkAfter(inner, scene, before, `operation ${n}`)
      tried('operations that fail')
    }
  })
}
