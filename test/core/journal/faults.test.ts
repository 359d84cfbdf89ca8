// Every operation of the journal fails once, in every way: what was acknowledged is there afterwards, what was refused
// is not half there, and the next writer goes on without help. Power is cut at every operation too.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import type { HostErrorCode } from '../../../src/core/host/error.ts'
import { isHostError } from '../../../src/core/host/error.ts'
import { createFailingHost, type FailingHost, type Fault, SimulatedCrash } from '../../../src/core/host/failing.ts'
import { createMemoryHost, type MemoryHost } from '../../../src/core/host/memory.ts'
import type { NameSurvival } from '../../../src/core/host/memoryNodes.ts'
import type { Journal } from '../../../src/core/journal/journal.ts'
import { sign, signerOf } from '../../suites/journalSuite.ts'
import { createSeededRandomness, createTestHost } from '../../support/host.ts'
import { every, tried } from '../../support/thorough.ts'
import { append, nameOf, openTest, recordOf, verify } from './fixtures.ts'

/** Five records a segment, so that the workload crosses segments within and between appends. */
const limits = { segmentBytesMax: 1600 }
const signer = signerOf(1)

interface Outcome {
  /** Names of acknowledged records, in order. */
  readonly acknowledged: string[]
  /** Names of the append that was refused, which may still be there when the journal said so. */
  readonly refused: Set<string>
  /** Part of the names that are appended now. */
  round: number
}

const newOutcome = (): Outcome => ({ acknowledged: [], refused: new Set(), round: 0 })

type Step = (journal: Journal, outcome: Outcome) => Promise<void>

function appending(...letters: string[]): Step {
  return async (journal, outcome) => {
    const values = letters.map(letter => `${letter}${outcome.round}`)
    for (const value of values) outcome.refused.add(value)
    await journal.writerLock.hold('append', undefined, () => {
      journal.append(
        values.map(value => recordOf(value)),
        { number: 0, flushedBytes: 0 },
      )
      for (const value of values) outcome.refused.delete(value)
      outcome.acknowledged.push(...values)
      journal.setApplied(journal.head().size)
    })
  }
}

const workload: readonly Step[] = [
  appending('a'),
  appending('b', 'c'),
  journal => sign(journal, signer),
  appending('d', 'e', 'f', 'g', 'h', 'i', 'j'),
  appending('k'),
  journal => sign(journal, signer),
  appending('l', 'm', 'n', 'o', 'p', 'q'),
]

const many = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `t${from + i}-`)

/** Enough records to fill tiles, which are stored when a checkpoint is signed. */
const tileWorkload: readonly Step[] = [
  appending(...many(0, 200)),
  journal => sign(journal, signer),
  appending(...many(200, 540)),
  journal => sign(journal, signer),
  appending(...many(540, 600)),
  journal => sign(journal, signer),
]

const limitsOf = (steps: readonly Step[]) => (steps === tileWorkload ? {} : limits)

/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0

/** Runs the steps in a journal of its own, going on after each error as a program does that keeps running. */
async function run(host: FailingHost, outcome: Outcome, steps = workload): Promise<void> {
  let journal: Journal | undefined
  for (const step of steps) {
    try {
      journal ??= openTest({ host, directory: host.files.openDirectory('/')! }, { limits: limitsOf(steps) })
      await step(journal, outcome)
    } catch (error) {
      if (error instanceof SimulatedCrash) throw error
      assert.ok(isSentientError(error) || isHostError(error), `not an error of ours: ${(error as Error).stack}`)
      if (isSentientError(error)) assert.notEqual(error.code, 'INTERNAL', error.message)
    }
  }
  journal?.close()
}

async function operationsOf(steps = workload): Promise<number> {
  const host = createFailingHost(createTestHost())
  const outcome = newOutcome()
  await run(host, outcome, steps)
  assert.ok(outcome.acknowledged.length > 0 && outcome.refused.size === 0)
  return host.faults.count
}

/** Opens what is left, appends to it, and checks what is there against what was acknowledged. */
async function checkAfterwards(inner: MemoryHost, outcome: Outcome, label: string): Promise<void> {
  const journal = openTest({ host: inner, directory: inner.files.openDirectory('/')! }, { limits })
  const message = `${label}: ${journal.damage()?.where} ${journal.damage()?.reason}`
  assert.equal(journal.damage(), undefined, message)
  await append(journal, [recordOf('end')])
  const found = [...journal.records({ from: 0 })].map(result =>
    result.state === 'intact' ? nameOf(result.record) : `${result.state} ${result.seq}`,
  )
  assert.equal(found.pop(), 'end', label)
  const kept = found.filter(name => !outcome.refused.has(name))
  assert.deepEqual(kept, outcome.acknowledged, `${label}: found ${found.join(' ')}`)
  assert.equal(new Set(found).size, found.length, label)
  const verification = await verify(journal)
  assert.deepEqual(verification.findings, [], label)
  journal.close()
}

interface AfterFaults {
  /** The power goes when the work is done, before the journal is looked at. */
  readonly cut?: NameSurvival
  readonly seed?: number
}

function hostThatCuts({ cut, seed = 1 }: AfterFaults): { inner: MemoryHost; end: () => MemoryHost } {
  const disk = createTestHost(cut === undefined ? {} : { powerCut: cut })
  const inner = createMemoryHost({ disk: disk.disk, clock: disk.clock })
  const end = (): MemoryHost => {
    inner.exit()
    if (cut !== undefined) disk.disk.cutPower(createSeededRandomness(seed))
    return createMemoryHost({ disk: disk.disk, clock: disk.clock })
  }
  return { inner, end }
}

async function failEach(faults: Record<string, Fault>, after: AfterFaults = {}): Promise<void> {
  const count = await operationsOf()
  for (let number = 1; number <= count + 20; number++) {
    for (const [name, fault] of Object.entries(faults)) {
      const { inner, end } = hostThatCuts({ ...after, seed: number })
      const host = createFailingHost(inner)
      host.faults.failAt(number, fault)
      const outcome = newOutcome()
      await run(host, outcome)
      await checkAfterwards(end(), outcome, `${name} at operation ${number}, power cut ${after.cut}`)
      tried('operations that fail')
    }
  }
}

/** From that operation on everything that changes the disk fails, for `length` operations. */
async function failRuns(code: HostErrorCode, length: number, after: AfterFaults = {}): Promise<void> {
  const count = await operationsOf()
  for (let first = 1; first <= count; first++) {
    const { inner, end } = hostThatCuts({ ...after, seed: first })
    const host = createFailingHost(inner)
    const changes = ['create', 'write', 'truncate', 'flush', 'flushDirectory', 'rename', 'removeFile', 'makeDirectory']
    host.faults.failWhen(({ number, call }) =>
      number >= first && number < first + length && changes.includes(call) ? { kind: 'error', code } : undefined,
    )
    const outcome = newOutcome()
    await run(host, outcome)
    const label = `${code} for ${length} operations from ${first} on, power cut ${after.cut}`
    await checkAfterwards(end(), outcome, label)
    tried('operations that fail')
  }
}

interface Crashes {
  readonly cut?: NameSurvival
  /** After which processes the power goes; the others are killed. */
  readonly cutAfter?: readonly number[]
  readonly seed: number
  readonly steps?: readonly Step[]
}

/** Kills a process at each operation, then a second one while it recovers. */
async function crashEach({ cut, cutAfter = [], seed, steps = workload }: Crashes): Promise<void> {
  const count = await operationsOf(steps)
  const random = createSeededRandomness(seed + seedBase)
  for (let number = 1; number <= count; number += steps === tileWorkload ? every(3) : 1) {
    const disk = createTestHost(cut === undefined ? {} : { powerCut: cut })
    const outcome = newOutcome()
    for (let round = 0; round < 3; round++) {
      outcome.round = round
      const process = createMemoryHost({ disk: disk.disk, clock: disk.clock })
      const host = createFailingHost(process)
      const at = [number, 1 + ((number * 7) % 60), 1 + ((number * 13) % count)][round]!
      host.faults.crashAt(at, number % 3 === 0 ? 7 * number : undefined)
      try {
        await run(host, outcome, steps)
      } catch (error) {
        assert.ok(error instanceof SimulatedCrash, `${error}`)
      }
      process.exit()
      if (cutAfter.includes(round)) disk.disk.cutPower(random)
    }
    const process = createMemoryHost({ disk: disk.disk, clock: disk.clock })
    const label = `crash at operation ${number}, power cut ${cut} after ${cutAfter.join(' ')}, seed ${seed + seedBase}`
    await checkAfterwards(process, outcome, label)
    if (cut === undefined) tried('ends of the process')
    else tried('power cuts', cutAfter.length)
  }
}

describe('a failing operation', () => {
  const faults: Record<string, Fault> = {
    EIO: { kind: 'error', code: 'IO' },
    ENOSPC: { kind: 'error', code: 'NO_SPACE' },
    'short write': { kind: 'shortWrite', code: 'NO_SPACE', bytes: 37 },
  }

  it('loses nothing: EIO, no space, a failed flush, a short write', () => failEach(faults))

  it('loses nothing when the power goes after it', async () => {
    await failEach(faults, { cut: 'ordered' })
    await failEach(faults, { cut: 'loose' })
  })

  it('loses nothing when many fail in a row', async () => {
    for (const length of [2, 3, 5, 9, 30]) await failRuns('IO', length)
    await failRuns('NO_SPACE', 12)
    for (const length of [2, 4, 7]) await failRuns('IO', length, { cut: 'loose' })
  })
})

describe('a killed process', () => {
  it('leaves a journal that the next one goes on with', () => crashEach({ seed: 1 }))
})

describe('a power cut', () => {
  for (const cut of ['ordered', 'loose'] as const) {
    it(`leaves every acknowledged record, names ${cut}`, async () => {
      for (let seed = 1; seed <= 3; seed++) await crashEach({ cut, cutAfter: [0, 1, 2], seed })
    })

    it(`leaves what a killed process had not flushed and the next one took over, names ${cut}`, async () => {
      await crashEach({ cut, cutAfter: [1], seed: 4 })
      await crashEach({ cut, cutAfter: [2], seed: 5 })
      await crashEach({ cut, cutAfter: [1, 2], seed: 6 })
    })

    it(`leaves tiles that can be relied on, names ${cut}`, async () => {
      await crashEach({ cut, cutAfter: [0, 1, 2], seed: 7, steps: tileWorkload })
    })
  }
})
