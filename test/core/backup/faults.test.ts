// Backups, imports and archives when their disk is full or fails, the process is killed or the power goes, at every
// operation: what was received before stays whole, and another run ends what was begun.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { importInto } from '../../../src/core/carrying.ts'
import { isSentientError } from '../../../src/core/errors.ts'
import { isHostError } from '../../../src/core/host/error.ts'
import { createFailingHost, type FailingHost, type Fault, SimulatedCrash } from '../../../src/core/host/failing.ts'
import type { Directory, Host } from '../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import { initRoot, openSystem, type System } from '../../../src/core/system.ts'
import {
  createSeededRandomness,
  createTestHost,
  readFile,
  type TestHost,
  type TestHostOptions,
} from '../../support/host.ts'
import { every, tried } from '../../support/thorough.ts'
import { noise, put, run, source } from '../verify/fixtures.ts'

interface Made {
  readonly inner: TestHost
  readonly host: FailingHost
}

async function withSystem<T>(host: Host, rootPath: string, work: (system: System) => Promise<T>): Promise<T> {
  const system = await openSystem(host, { rootPath, access: 'read' })
  try {
    return await work(system)
  } finally {
    await system.close()
  }
}

const top = (host: Host): Directory => host.files.openDirectory('/')!
const bytesAt = (host: Host, name: string): Uint8Array => readFile(top(host), name)

/** A root folder, a backup and an import of its beginning, and archives of the whole and of the rest. */
async function make(options: TestHostOptions = {}): Promise<Made> {
  const inner = createTestHost({ stateDirectoryPath: '/state', ...options })
  top(inner).makeDirectory('root', 0o755)
  await run(initRoot(inner, { path: '/root', zk: false }))
  const change = async (from: number, to: number): Promise<void> => {
    const system = await openSystem(inner, { rootPath: '/root', access: 'write' })
    for (let i = from; i < to; i++) await put(system, `d/f${i}`, noise(300, i))
    await system.close()
  }
  await change(0, 3)
  const first = await withSystem(inner, '/root', async system => {
    await run(system.backup('/backup'))
    await run(system.exportArchive('/first.tar'))
    return system.now().records
  })
  await run(importInto(inner, source(bytesAt(inner, 'first.tar')), { path: '/imported' }))
  await change(3, 6)
  await withSystem(inner, '/root', system => run(system.exportArchive('/rest.tar', { since: { seq: first - 1 } })))
  return { inner, host: createFailingHost(inner) }
}

const isExpected = (error: unknown): boolean =>
  isSentientError(error) || isHostError(error) || error instanceof SimulatedCrash

/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0

const isCrash = (fault: Fault): boolean => fault.kind === 'crash'

interface Trial {
  readonly act: (host: Host) => Promise<unknown>
  /** What must hold whatever happened. */
  readonly check: (host: Host) => Promise<void>
  /** What must hold when the failure was told: nothing is left half done. */
  readonly refused?: (host: Host) => void
}

async function forEach(fault: Fault, options: TestHostOptions, trial: Trial): Promise<number> {
  const first = await make(options)
  await trial.act(first.host)
  const { count } = first.host.faults
  assert.ok(count > 20, String(count))
  // All of them take minutes: a part, beginning elsewhere each time, reaches all of them in some runs.
  const step = every(13)
  let failures = 0
  const made = await make(options)
  const disk = made.inner.disk.snapshot()
  for (let n = 1 + Math.floor(Math.random() * step); n <= count; n += step) {
    const { inner } = made
    inner.disk.restore(disk)
    const process = createMemoryHost({ disk: inner.disk, clock: inner.clock, stateDirectoryPath: '/state' })
    const host = createFailingHost(process)
    host.faults.failAt(n, fault)
    let told: unknown
    try {
      await trial.act(host)
    } catch (error) {
      told = error
      failures++
      assert.ok(isExpected(error), `operation ${n}: ${error instanceof Error ? error.stack : error}`)
    }
    process.exit()
    if (options.powerCut !== undefined) inner.disk.cutPower(createSeededRandomness(seedBase + n))
    const random = createSeededRandomness(1_000 + n)
    const next = createMemoryHost({ disk: inner.disk, clock: inner.clock, random, stateDirectoryPath: '/state' })
    try {
      if (told !== undefined && !isCrash(fault)) trial.refused?.(next)
      await trial.check(next)
      tried(
        options.powerCut !== undefined ? 'power cuts' : isCrash(fault) ? 'ends of the process' : 'operations that fail',
      )
    } catch (error) {
      throw new Error(`operation ${n} of ${count} (${told ?? 'nothing told'})`, { cause: error })
    }
  }
  return failures
}

async function assertWhole(host: Host, path: string): Promise<void> {
  const { findings } = await withSystem(host, path, system => run(system.verify({ deep: true })))
  assert.deepEqual(
    findings.filter(({ code, severity }) => code !== 'key-missing' && severity === 'damage'),
    [],
    path,
  )
}

const exists = (host: Host, path: string): boolean => {
  const directory = host.files.openDirectory(path)
  directory?.close()
  return directory !== undefined
}

const sizeOf = (host: Host, path: string): Promise<number> =>
  withSystem(host, path, async system => system.now().records)

const backup = (to: string) => (host: Host) => withSystem(host, '/root', system => run(system.backup(to)))

const checkBackup = (to: string) => async (host: Host) => {
  if (exists(host, `${to}/.runtime`) && host.files.openDirectory(`${to}/.runtime`)!.stat('format') !== undefined)
    await assertWhole(host, to)
  await backup(to)(host)
  await assertWhole(host, to)
  assert.equal(await sizeOf(host, to), await sizeOf(host, '/root'))
}

const importing = (file: string, to: string) => async (host: Host) => {
  const bytes = bytesAt(host, file)
  await run(importInto(host, source(bytes), { path: to }))
}

const trials: Readonly<Record<string, Trial>> = {
  'a first backup': { act: backup('/new'), check: checkBackup('/new') },
  'a later backup': { act: backup('/backup'), check: checkBackup('/backup') },
  'an import': {
    act: importing('first.tar', '/new'),
    async check(host) {
      await importing('first.tar', '/new')(host)
      await assertWhole(host, '/new')
    },
  },
  'an import of what is new': {
    act: importing('rest.tar', '/imported'),
    async check(host) {
      await assertWhole(host, '/imported')
      await importing('rest.tar', '/imported')(host)
      await assertWhole(host, '/imported')
      assert.equal(await sizeOf(host, '/imported'), await sizeOf(host, '/root'))
    },
  },
  'an archive': {
    act: host => withSystem(host, '/root', system => run(system.exportArchive('/archive.tar'))),
    async check(host) {
      await assertWhole(host, '/root')
      if (top(host).stat('archive.tar') === undefined) return
      await importing('archive.tar', '/other')(host)
      await assertWhole(host, '/other')
    },
  },
}

const faults: Readonly<Record<string, Fault>> = {
  'finds the disk full': { kind: 'error', code: 'NO_SPACE' },
  'writes a part and finds the disk full': { kind: 'shortWrite', code: 'NO_SPACE', bytes: 70 },
  'is the last of its process': { kind: 'crash' },
}

describe('when any one operation', { timeout: 900_000 }, () => {
  for (const [what, fault] of Object.entries(faults)) {
    for (const [name, trial] of Object.entries(trials)) {
      it(`${what}: ${name}`, async () => {
        assert.ok((await forEach(fault, {}, trial)) > 2)
      })
    }
  }
})

describe('when the power goes at any operation', { timeout: 900_000 }, () => {
  for (const [name, trial] of Object.entries(trials)) {
    it(name, async () => {
      assert.ok((await forEach({ kind: 'crash' }, { powerCut: 'loose' }, trial)) > 2)
    })
  }
})
