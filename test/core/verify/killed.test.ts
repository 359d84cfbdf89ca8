// gc and repair killed at any of their operations, with the power gone or not: nothing that is kept is lost, nothing is
// called damage that is only pruned, and the next process goes on.

import assert from 'node:assert/strict'
import test from 'node:test'
import { createFailingHost, SimulatedCrash } from '../../../src/core/host/failing.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import { initRoot, openSystem, type System } from '../../../src/core/system.ts'
import { createSeededRandomness, createTestHost, readFile, type TestHost, writeFile } from '../../support/host.ts'
import { every, tried } from '../../support/thorough.ts'
import { noise, put, run } from './fixtures.ts'

const rootPath = '/base/root'
/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0

async function prepare(inner: TestHost): Promise<void> {
  const top = inner.files.openDirectory('/')
  assert.ok(top !== undefined)
  top.makeDirectory('base', 0o755)
  const base = top.child('base')
  base?.makeDirectory('root', 0o755)
  const root = base?.child('root')
  assert.ok(root !== undefined)
  for (let i = 0; i < 30; i++) writeFile(root, `f${i}`, noise(300, i))
  await run(initRoot(inner, { path: rootPath, zk: false }))
  const system = await openSystem(inner, { rootPath, access: 'write' })
  for (let i = 0; i < 6; i++) await put(system, 'f1', noise(2000, 100 + i))
  await run(system.remove(Array.from({ length: 15 }, (_, i) => `f${i}`)))
  for (const { name } of system.snapshots()) await run(system.snapshotRemove(name))
  await put(system, 'last', 'last')
  await system.close()
}

/** Runs the work on a host that ends at the n-th operation; false when it came to its end before. */
async function runUntil(inner: TestHost, n: number, work: (system: System) => Promise<unknown>): Promise<boolean> {
  const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'killed' })
  const host = createFailingHost(process)
  const system = await openSystem(host, { rootPath, access: 'write' })
  host.faults.reset()
  host.faults.crashAt(n)
  try {
    await work(system)
    return false
  } catch (error) {
    if (!(error instanceof SimulatedCrash) && !host.faults.crashed) throw error
    return true
  } finally {
    host.faults.crash()
    // A holder that seems to be alive hides what it wrote behind the mark.
    process.exit()
  }
}

async function checkAfter(inner: TestHost, what: string): Promise<void> {
  const host = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'next' })
  const system = await openSystem(host, { rootPath, access: 'write' })
  try {
    const report = await run(system.verify({ deep: true }))
    const damage = report.findings.filter(finding => finding.severity === 'damage')
    assert.deepEqual(damage, [], what)
    await put(system, 'after', 'after')
    await run(system.gc())
    const again = await run(system.verify({ deep: true }))
    // What is derived and written on the way out only may lag.
    const wrong = again.findings.filter(finding => finding.severity !== 'note')
    assert.deepEqual(wrong, [], what)
  } finally {
    await system.close()
    host.exit()
  }
}

for (const power of ['stays', 'goes']) {
  test(`gc killed at any operation, the power ${power}`, async () => {
    const inner = createTestHost({ powerCut: 'ordered' })
    await prepare(inner)
    const before = inner.disk.snapshot()
    let killed = true
    let count = 0
    for (let n = 1; killed; n += every(5)) {
      inner.disk.restore(before)
      killed = await runUntil(inner, n, system => run(system.gc()))
      if (power === 'goes') inner.disk.cutPower(createSeededRandomness(seedBase + n))
      await checkAfter(inner, `operation ${n}`)
      tried(power === 'goes' ? 'power cuts' : 'ends of the process')
      count++
    }
    assert.ok(count > 20, `${count}`)
  })
}

test('repair killed at any operation, the power goes: it can be begun again', async () => {
  const inner = createTestHost({ powerCut: 'ordered' })
  await prepare(inner)
  const packs = inner.files.openDirectory(`${rootPath}/.tree/packs`)
  assert.ok(packs !== undefined)
  const content = noise(300, 20)
  let flipped = 0
  for (const { name } of packs.list().filter(file => file.name.endsWith('.pack'))) {
    const bytes = Buffer.from(readFile(packs, name))
    const at = bytes.indexOf(content)
    if (at < 0) continue
    for (const back of [0, 9]) bytes[at + back] = (bytes[at + back] as number) ^ 0xff
    writeFile(packs, name, bytes)
    flipped++
  }
  assert.equal(flipped, 1)
  const before = inner.disk.snapshot()
  let killed = true
  let count = 0
  for (let n = 1; killed; n += every(23)) {
    inner.disk.restore(before)
    killed = await runUntil(inner, n, system => run(system.repair()))
    inner.disk.cutPower(createSeededRandomness(seedBase + n))
    const host = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'again' })
    const system = await openSystem(host, { rootPath, access: 'write' })
    assert.deepEqual((await run(system.repair())).lost, [], `operation ${n}`)
    await system.close()
    host.exit()
    await checkAfter(inner, `operation ${n}`)
    tried('power cuts')
    count++
  }
  assert.ok(count > 20, `${count}`)
})
