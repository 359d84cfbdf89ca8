// Ejecting that is ended at any of its operations, with the power gone or not, or that any operation refuses: no file of
// the owner is touched, the next try goes through, and the folder can begin a history anew.

import assert from 'node:assert/strict'
import test from 'node:test'
import { ejectionOf, ejectRoot } from '../../../src/core/carrying.ts'
import { isSentientError } from '../../../src/core/errors.ts'
import { createFailingHost, SimulatedCrash } from '../../../src/core/host/failing.ts'
import type { Host } from '../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import { initRoot, openSystem } from '../../../src/core/system.ts'
import { buildTree, createSeededRandomness, createTestHost, describeTree, type TestHost } from '../../support/host.ts'
import { every, tried } from '../../support/thorough.ts'
import { finished, put } from '../timeline/support.ts'

const stateDirectoryPath = '/state'
const rootPath = '/root'
/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0

const owners = { a: { one: 'one', empty: '' }, two: 'two' }

async function makeRoot(host: TestHost): Promise<void> {
  const top = host.files.openDirectory('/')!
  top.makeDirectory('root', 0o755)
  const root = top.child('root')!
  buildTree(root, owners)
  await finished(initRoot(host, { path: rootPath, zk: false }))
  const system = await openSystem(host, { rootPath, access: 'write', session: '0123456789abcdef' })
  await put(system, 'two', 'other')
  await put(system, 'two', 'two')
  const screen = { pane: 'files', focus: 'list', path: '', past: '', searched: '', panes: {}, prompt: null } as const
  assert.ok(system.saveSession({ ended: true, lastSeq: 1, operation: '', again: '', screen }))
  await system.close()
  for (const directory of [root, top]) {
    directory.flush()
    directory.close()
  }
}

function ownersFiles(host: Host): Record<string, string> {
  const root = host.files.openDirectory(rootPath)!
  const files = describeTree(root)
  root.close()
  return Object.fromEntries(Object.entries(files).filter(([path]) => !/^(?:\.|recycle\.|sentient\.yaml)/.test(path)))
}

/** Ejects what is left, finds the owner's files alone, and begins anew. */
async function goesThrough(host: TestHost, before: Record<string, string>, what: string): Promise<void> {
  try {
    assert.ok(ejectionOf(host, rootPath).names.length > 0, what)
    ejectRoot(host, rootPath)
  } catch (error) {
    // It had come so far that this is no root folder any more.
    assert.ok(isSentientError(error, 'ROOT_NOT_FOUND'), `${what}: ${error}`)
  }
  assert.deepEqual(ownersFiles(host), before, what)
  await finished(initRoot(host, { path: rootPath, zk: false }))
  const system = await openSystem(host, { rootPath, access: 'write' })
  const { findings } = await finished(system.verify({ deep: true }))
  assert.deepEqual(findings, [], what)
  await system.close()
  assert.deepEqual(ownersFiles(host), before, what)
}

for (const power of ['stays', 'goes'] as const) {
  test(`ended at any operation, the power ${power}`, async () => {
    const inner = createTestHost({ powerCut: 'loose', stateDirectoryPath })
    await makeRoot(inner)
    const before = ownersFiles(inner)
    const disk = inner.disk.snapshot()
    let n = 1
    for (let ended = true; ended; n += every(3)) {
      inner.disk.restore(disk)
      const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'killed', stateDirectoryPath })
      const host = createFailingHost(process)
      host.faults.crashAt(n)
      try {
        ejectRoot(host, rootPath)
        ended = false
      } catch (error) {
        if (!(error instanceof SimulatedCrash) && !host.faults.crashed) throw error
      }
      host.faults.crash()
      process.exit()
      if (power === 'goes') inner.disk.cutPower(createSeededRandomness(seedBase + n))
      await goesThrough(inner, before, `operation ${n}`)
      tried(power === 'goes' ? 'power cuts' : 'ends of the process')
    }
    assert.ok(n > 50, `${n} operations`)
  })
}

test('any operation fails', async () => {
  const inner = createTestHost({ stateDirectoryPath })
  await makeRoot(inner)
  const before = ownersFiles(inner)
  const disk = inner.disk.snapshot()
  for (let n = 1, failed = true; failed; n += every(3)) {
    inner.disk.restore(disk)
    const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, label: 'failing', stateDirectoryPath })
    const host = createFailingHost(process)
    failed = false
    host.faults.failWhen(({ number }) => {
      if (number !== n) return undefined
      failed = true
      return { kind: 'error', code: 'IO' }
    })
    try {
      ejectRoot(host, rootPath)
    } catch (error) {
      const isPortError = error instanceof Error && error.name === 'HostError'
      assert.ok(isSentientError(error) ? error.code !== 'INTERNAL' : isPortError, `operation ${n}: ${error}`)
    }
    process.exit()
    await goesThrough(inner, before, `operation ${n}`)
    tried('operations that fail')
  }
})
