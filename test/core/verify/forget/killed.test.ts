// `forget` killed at any of its operations, with the power gone or not, and with any of them failing: the next process
// finds a whole folder, and once a writer was there, what was recorded as forgotten is gone.

import assert from 'node:assert/strict'
import test from 'node:test'
import { createFailingHost, SimulatedCrash } from '../../../../src/core/host/failing.ts'
import type { Directory } from '../../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../../src/core/host/memory.ts'
import { initRoot, openSystem, type System } from '../../../../src/core/system.ts'
import { createSeededRandomness, createTestHost, readFile, type TestHost, writeFile } from '../../../support/host.ts'
import { every, tried } from '../../../support/thorough.ts'
import { noise, put, run } from '../fixtures.ts'

const rootPath = '/base/root'
/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0
/** Nothing packs it, so that it lies in the packs as it is. */
const secret = noise(2000, 77)

async function prepare(inner: TestHost): Promise<void> {
  const top = inner.files.openDirectory('/')
  assert.ok(top !== undefined)
  top.makeDirectory('base', 0o755)
  top.child('base')?.makeDirectory('root', 0o755)
  const root = top.child('base')?.child('root')
  assert.ok(root !== undefined)
  for (let i = 0; i < 5; i++) writeFile(root, `f${i}`, noise(300, i))
  await run(initRoot(inner, { path: rootPath, zk: false }))
  const system = await openSystem(inner, { rootPath, access: 'write' })
  await put(system, 'secret', secret)
  await put(system, 'f1', noise(300, 9))
  await run(system.remove(['secret']))
  await run(system.snapshotCreate({ name: 'mine' }))
  await system.close()
}

function* filesBelow(directory: Directory, prefix = ''): Generator<{ name: string; bytes: Uint8Array }> {
  for (const { name, kind } of directory.list()) {
    const below = kind === 'dir' ? directory.child(name) : undefined
    if (below !== undefined) yield* filesBelow(below, `${prefix}${name}/`)
    if (kind === 'file') yield { name: `${prefix}${name}`, bytes: readFile(directory, name) }
  }
}

/** Files that hold the secret's bytes. */
function holding(inner: TestHost): string[] {
  const root = inner.files.openDirectory(rootPath)
  assert.ok(root !== undefined)
  return [...filesBelow(root)].filter(({ bytes }) => Buffer.from(bytes).includes(secret)).map(({ name }) => name)
}

const isRecorded = (system: System): boolean => Array.from(system.records({})).some(({ action }) => action === 'forget')

async function assertWhole(system: System, what: string): Promise<void> {
  const { findings } = await run(system.verify({ deep: true }))
  assert.deepEqual(
    findings.filter(({ severity }) => severity !== 'note'),
    [],
    what,
  )
}

/** Opens for writing and does something: then all is as it should be, whatever had been done before. */
async function checkAfter(inner: TestHost, what: string): Promise<boolean> {
  const host = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'next' })
  const system = await openSystem(host, { rootPath, access: 'write' })
  try {
    await put(system, 'after', 'after')
    const recorded = isRecorded(system)
    await assertWhole(system, what)
    assert.equal(inner.files.openDirectory(`${rootPath}/.runtime`)?.stat('forgetting'), undefined, what)
    if (recorded) assert.deepEqual(holding(inner), [], what)
    else assert.ok(holding(inner).length > 0, what)
    await run(system.forget(['secret']))
    assert.deepEqual(holding(inner), [], what)
    await run(system.gc())
    assert.deepEqual((await run(system.repair())).lost, [], what)
    assert.deepEqual(holding(inner), [], what)
    await assertWhole(system, what)
    return recorded
  } finally {
    await system.close()
    host.exit()
  }
}

for (const power of ['stays', 'goes']) {
  test(`killed at any operation, the power ${power}`, async () => {
    const inner = createTestHost({ powerCut: 'ordered' })
    await prepare(inner)
    const before = inner.disk.snapshot()
    const seen = new Set<boolean>()
    for (let n = 1, killed = true; killed; n += every(5)) {
      inner.disk.restore(before)
      const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'killed' })
      const host = createFailingHost(process)
      const system = await openSystem(host, { rootPath, access: 'write' })
      host.faults.reset()
      host.faults.crashAt(n)
      try {
        await run(system.forget(['secret']))
        killed = false
      } catch (error) {
        if (!(error instanceof SimulatedCrash) && !host.faults.crashed) throw error
      } finally {
        host.faults.crash()
        process.exit()
      }
      if (power === 'goes') inner.disk.cutPower(createSeededRandomness(seedBase + n))
      seen.add(await checkAfter(inner, `operation ${n}`))
      tried(power === 'goes' ? 'power cuts' : 'ends of the process')
    }
    assert.deepEqual([...seen].sort(), [false, true])
  })
}

test('any operation failing: an error, and the next one finishes', async () => {
  const inner = createTestHost({ powerCut: 'ordered' })
  await prepare(inner)
  const before = inner.disk.snapshot()
  for (let n = 1, failed = true; failed; n += every(5)) {
    inner.disk.restore(before)
    const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'failing' })
    const host = createFailingHost(process)
    const system = await openSystem(host, { rootPath, access: 'write' })
    host.faults.reset()
    host.faults.failAt(n, { kind: 'error', code: n % 2 === 0 ? 'IO' : 'NO_SPACE' })
    try {
      await run(system.forget(['secret']))
    } catch (error) {
      assert.equal((error as Error).name, 'SentientError', `operation ${n}: ${error}`)
    }
    failed = host.faults.count >= n
    host.faults.reset()
    await system.close()
    process.exit()
    await checkAfter(inner, `operation ${n}`)
    tried('operations that fail')
  }
})
