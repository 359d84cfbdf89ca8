// The timeline when its disk fails: at every operation of the host an error, a full disk, a failed flush, a short write,
// the end of the process, the end of the power, or a wish to stop. Whatever happens, the folder opens again without
// help, what was acknowledged is there, the operation is there as a whole or not at all, and no edit is lost.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { isHostError } from '../../../src/core/host/error.ts'
import { createFailingHost, type Fault, type Operation, SimulatedCrash } from '../../../src/core/host/failing.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { createMemoryHost, type MemorySnapshot } from '../../../src/core/host/memory.ts'
import { initRoot, type System } from '../../../src/core/system.ts'
import type { OperationResult, Work } from '../../../src/core/timeline/model.ts'
import { buildTree, createSeededRandomness, createTestHost, symlink, type TestHost } from '../../support/host.ts'
import { isMine, thoroughness, tried } from '../../support/thorough.ts'
import {
  assertReadable,
  assertSound,
  changesOutside,
  diskOf,
  type Edits,
  editOutside,
  finished,
  leavesOf,
  openRoot,
  recordedOf,
  sourceOf,
} from './support.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}: SENTIENT_TEST_SEED=${seed} runs the same again`)

const path = '/folder'

/** One operation, after changes outside that the disk has for certain. */
interface Step {
  readonly name: string
  readonly edits?: Edits
  run(system: System): Work<OperationResult>
}

const manyFiles = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`f${i}`, `content of ${i}`]))

const start = {
  a: 'one',
  b: 'two',
  d: { x: 'x', y: { z: 'z' } },
  l: symlink('a'),
  swap: { inner: 'i' },
  many: manyFiles,
}

const large = Buffer.alloc(1_100_000, 'large enough to be stored before the lock is taken')

const steps: readonly Step[] = [
  { name: 'put', run: system => system.put('a', sourceOf('put')) },
  {
    name: 'put over an edit',
    edits: { b: 'edit of b' },
    run: system => system.put('b', sourceOf('put over it')),
  },
  { name: 'mkdir', run: system => system.makeDirectory('m/n', { parents: true }) },
  { name: 'ln', run: system => system.makeSymlink('m/l', '../a') },
  { name: 'chmod', run: system => system.setMode(['d'], mode => mode & 0o750, { recursive: true }) },
  { name: 'mv', run: system => system.move(['d'], 'm') },
  { name: 'cp', run: system => system.copy(['m'], 'copy', { recursive: true }) },
  {
    name: 'rm over new files',
    edits: { 'copy/new': { deep: 'never recorded' } },
    run: system => system.remove(['copy'], { recursive: true }),
  },
  {
    name: 'absorb',
    edits: { swap: 'a file now', l: { now: 'a directory' }, 'm/d/x': null, b: 'kept edit', 'only drift': 'o' },
    run: system => system.absorb([]),
  },
  { name: 'snapshot', run: system => system.snapshotCreate({ name: 'middle' }) },
  { name: 'settings', run: system => system.setSetting('watch.quietMinutes', '11') },
  {
    name: 'restore over edits',
    edits: { b: 'another edit', many: { f1: 'edit of f1', extra: 'new file' } },
    run: system => system.restore(['b', 'many', 'swap'], system.resolve('#1')),
  },
  { name: 'undo', run: system => system.undo() },
  { name: 'redo', run: system => system.redo() },
  {
    name: 'rollback over edits',
    edits: { 'm/n': 'file in place of a directory', a: 'drift of a', 'only drift': null, swap: 'edit of swap' },
    run: system => system.rollback(system.resolve('#1')),
  },
  { name: 'undo of the rollback', run: system => system.undo() },
  { name: 'rollback again', run: system => system.rollback(system.resolve('middle')) },
  { name: 'label', run: system => system.snapshotLabel('middle', 'labelled') },
  { name: 'put a large file', run: system => system.put('new/large', sourceOf(large)) },
]

/** What a folder is between two steps. */
interface Moment {
  readonly disk: MemorySnapshot
  readonly micros: number
  readonly records: number
  readonly leaves: readonly string[]
  readonly recorded: Record<string, string>
  readonly shown: Record<string, string>
  readonly drift: Record<string, string>
  /** How sentient.yaml stands. */
  readonly candidate: string
}

interface Prepared {
  readonly host: TestHost
  /** Before each step, its edits made; and after it. */
  readonly moments: readonly { readonly before: Moment; readonly after: Moment }[]
}

async function momentOf(host: TestHost, system: System, directory: Directory): Promise<Moment> {
  return {
    disk: host.disk.snapshot(),
    micros: host.clock.nowMicros(),
    records: system.now().records,
    leaves: leavesOf(system),
    recorded: recordedOf(system),
    shown: diskOf(directory),
    drift: await changesOutside(system),
    candidate: (await system.settingsCandidate()).state,
  }
}

const prepared = new Map<string, Promise<Prepared>>()

/** Runs all steps without a fault, once for each kind of disk, and keeps the disk as it was around each of them. */
function prepare(powerCut?: 'ordered' | 'loose'): Promise<Prepared> {
  const key = powerCut ?? 'lasting'
  const made = prepared.get(key) ?? runAll(powerCut)
  prepared.set(key, made)
  return made
}

async function runAll(powerCut: 'ordered' | 'loose' | undefined): Promise<Prepared> {
  const host = createTestHost({ powerCut, seed })
  const top = host.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  buildTree(directory, start)
  await finished(initRoot(host, { path, zk: true }))
  const moments: { before: Moment; after: Moment }[] = []
  for (const step of steps) {
    editOutside(directory, step.edits ?? {})
    const opened = await openRoot({ host, path })
    const before = await momentOf(host, opened, directory)
    await finished(step.run(opened))
    const after = await momentOf(host, opened, directory)
    await opened.close()
    assert.ok(after.records > before.records, `${step.name} does something`)
    moments.push({ before, after })
  }
  host.exit()
  return { host, moments }
}

interface Run {
  readonly acknowledged: boolean
  readonly error: unknown
  /** The operation itself had begun, and not ended. */
  readonly inside: boolean
  /** Paths that the disk refused, as the operation said. */
  readonly left: readonly string[]
  readonly operations: number
}

/** Opens the folder as `before` left it, runs the step on a host with this fault, ends the process. */
async function attempt(
  { host }: Prepared,
  before: Moment,
  step: Step,
  fault: { at?: number; when?: (operation: Operation) => Fault | undefined; what?: Fault; signal?: AbortSignal } = {},
): Promise<Run> {
  host.disk.restore(before.disk)
  // Else time would have passed, and a snapshot of the quiet time would be due.
  host.clock.setMicros(before.micros)
  const process = createMemoryHost({ disk: host.disk, clock: host.clock, random: host.random })
  const failing = createFailingHost(process)
  const { at, when, what } = fault
  if (when !== undefined) failing.faults.failWhen(when)
  if (at !== undefined && what !== undefined) failing.faults.failAt(at, what)
  let acknowledged = false
  let inside = false
  let left: readonly string[] = []
  let error: unknown
  let system: System | undefined
  try {
    system = await openRoot({ host: failing, path }, { signal: fault.signal })
    const work = step.run(system)
    inside = true
    const result = await finished(work)
    left = [...result.unapplied, ...result.drifted]
    inside = false
    acknowledged = true
    await system.close()
  } catch (caught) {
    error = caught
    if (!failing.faults.crashed) await system?.close().catch(() => undefined)
  }
  const operations = failing.faults.count
  failing.faults.crash()
  process.exit()
  return { acknowledged, error, inside, left, operations }
}

/** An operation fails by name; opening and closing may pass on what the port says, which the command line words. */
function assertClear({ error, inside }: Run, label: string): void {
  if (error === undefined || isSentientError(error) || (!inside && isHostError(error))) return
  assert.fail(`${label}: ${(error as Error).stack}`)
}

interface Allowed {
  /** Paths that the disk refused, to read or, after the commit, to change: the operation or the folder says so. */
  readonly left?: boolean
  /** A power cut that loses the note of a file of ours, and not the file: it lies about, and every look leaves it out. */
  readonly litter?: boolean
}

/** The next process finds everything in order: see the head of this file. */
async function check(
  prepared: Prepared,
  index: number,
  run: Run & { readonly label: string },
  allowed: Allowed = {},
): Promise<void> {
  const { host, moments } = prepared
  const { before, after } = moments[index]!
  const next = createMemoryHost({ disk: host.disk, clock: host.clock, random: host.random })
  const directory = next.files.openDirectory(path)!
  try {
    const system = await openRoot({ host: next, path })
    const leaves = leavesOf(system)
    assert.deepEqual(leaves.slice(0, before.records), before.leaves, 'what was acknowledged before is there')
    const committed = leaves.length === after.records
    if (!committed) {
      assert.equal(
        run.acknowledged,
        false,
        `what was acknowledged is there: ${leaves.length} of ${after.records} records`,
      )
      const kept = [...system.records({ from: before.records })].map(({ action }) => action)
      assert.ok(kept.length === 0 || kept.join() === 'snapshot', `at most what was kept first: ${kept}`)
    }
    const expected = committed ? after : before
    const drift = await changesOutside(system)
    const said = [...run.left, ...Object.keys(drift).filter(path => drift[path] === 'unapplied')]
    if (said.length > 0) assert.ok(committed && allowed.left === true, `nothing is left undone: ${said}`)
    const isOther = ([path]: [string, string]) => !said.some(top => `${path}/`.startsWith(`${top}/`)) && !isLitter(path)
    const others = (tree: Record<string, string>) => Object.fromEntries(Object.entries(tree).filter(isOther))
    assert.deepEqual(others(recordedOf(system)), others(expected.recorded), 'the record is the one before or after')
    assert.deepEqual(others(diskOf(directory)), others(expected.shown), 'the disk shows it')
    assert.deepEqual(others(drift), others(expected.drift), 'nothing else has changed outside')
    if (allowed.left !== true) assert.equal((await system.settingsCandidate()).state, expected.candidate)
    assertReadable(system, before.records - 1)
    await finished(system.put('the next', sourceOf('operation works')))
    assert.deepEqual(stageOf(directory), [])
    if (allowed.litter !== true) assert.deepEqual(Object.keys(diskOf(directory)).filter(isLitter), [])
    await system.close()
    await assertSound({ host: next, path })
  } catch (error) {
    throw new Error(`${run.label}: ${(error as Error).message}`, { cause: error })
  } finally {
    directory.close()
    next.exit()
  }
}

const isLitter = (path: string): boolean => path.includes('.sentient-stage-')

function stageOf(directory: Directory): string[] {
  const runtime = directory.child('.runtime')!
  const stage = runtime.child('stage')!
  // A look's probe is removed by the next look an hour on.
  const names = stage
    .list()
    .map(({ name }) => name)
    .filter(name => !name.startsWith('probe-'))
  stage.close()
  runtime.close()
  return names
}

const chance = createSeededRandomness(seed)
const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below

/** Some of the numbers from 1 to `count`, the first and the last among them. */
function sample(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i + 1)
  const picked = new Set([1, count])
  while (picked.size < most) picked.add(1 + random(count))
  return [...picked].sort((a, b) => a - b)
}

const everyStep = async (
  prepared: Prepared,
  runsEach: number,
  body: (index: number, at: number, operations: number) => Promise<void>,
  what = 'operations that fail',
): Promise<void> => {
  for (const [index, step] of steps.entries()) {
    const { operations } = await attempt(prepared, prepared.moments[index]!.before, step)
    for (const at of sample(operations, runsEach * thoroughness).filter(isMine)) {
      await body(index, at, operations)
      tried(what)
    }
  }
}

describe('a failing disk', () => {
  const kinds: Readonly<Record<string, Fault>> = {
    'an error': { kind: 'error', code: 'IO' },
    'a full disk': { kind: 'error', code: 'NO_SPACE' },
    'no permission': { kind: 'error', code: 'DENIED' },
    'a short write': { kind: 'shortWrite', code: 'IO', bytes: 7 },
  }
  for (const [name, fault] of Object.entries(kinds)) {
    it(`${name} at any operation`, async () => {
      const prepared = await prepare()
      await everyStep(prepared, 7, async (index, at) => {
        const step = steps[index]!
        const run = await attempt(prepared, prepared.moments[index]!.before, step, { at, what: fault })
        const label = `${name} at ${at} of ${step.name}`
        assertClear(run, label)
        await check(prepared, index, { ...run, label }, { left: true })
      })
    })
  }

  it('every flush fails from some moment on', async () => {
    const prepared = await prepare('ordered')
    await everyStep(prepared, 4, async (index, at) => {
      const step = steps[index]!
      const when = ({ number, call }: Operation): Fault | undefined =>
        number >= at && call.startsWith('flush') ? { kind: 'error', code: 'IO' } : undefined
      const run = await attempt(prepared, prepared.moments[index]!.before, step, { when })
      assertClear(run, `flushes fail from ${at} on in ${step.name}`)
      prepared.host.disk.cutPower(chance)
      await check(
        prepared,
        index,
        { ...run, label: `flushes fail from ${at} on in ${step.name}` },
        { left: true, litter: true },
      )
    })
  })

  it('the disk is full from some moment on, and removing still works', async () => {
    const prepared = await prepare()
    await everyStep(prepared, 4, async (index, at) => {
      const step = steps[index]!
      const when = ({ number, call }: Operation): Fault | undefined =>
        number >= at && (call === 'write' || call === 'create' || call === 'makeDirectory' || call === 'truncate')
          ? { kind: 'error', code: 'NO_SPACE' }
          : undefined
      const run = await attempt(prepared, prepared.moments[index]!.before, step, { when })
      assertClear(run, `the disk is full from ${at} on in ${step.name}`)
      await check(prepared, index, { ...run, label: `the disk is full from ${at} on in ${step.name}` }, { left: true })
    })
  })
})

describe('the end of the process', () => {
  it('at any operation', async () => {
    const prepared = await prepare()
    await everyStep(
      prepared,
      20,
      async (index, at) => {
        const step = steps[index]!
        const bytes = random(3) === 0 ? random(40) : undefined
        const run = await attempt(prepared, prepared.moments[index]!.before, step, {
          at,
          what: { kind: 'crash', bytes },
        })
        assert.ok(run.error instanceof SimulatedCrash, `it ends: ${run.error}`)
        await check(prepared, index, { ...run, label: `killed at ${at} of ${step.name}` })
      },
      'ends of the process',
    )
  })

  it('and again at any operation of the recovery', async () => {
    const prepared = await prepare()
    for (const name of ['rollback over edits', 'absorb', 'undo of the rollback', 'restore over edits']) {
      const index = steps.findIndex(step => step.name === name)
      const step = steps[index]!
      const { before, after } = prepared.moments[index]!
      const { operations } = await attempt(prepared, before, step)
      for (const first of sample(operations, 5 * thoroughness).filter(isMine)) {
        await attempt(prepared, before, step, { at: first, what: { kind: 'crash' } })
        const left = { ...before, disk: prepared.host.disk.snapshot() }
        const onlyOpen: Step = { name: 'open', run: system => system.put('the next', sourceOf('operation works')) }
        const whole = await attempt(prepared, left, onlyOpen)
        for (const second of sample(whole.operations, 4)) {
          await attempt(prepared, left, onlyOpen, { at: second, what: { kind: 'crash' } })
          await checkTwice(prepared, { before, after }, `${name} killed at ${first}, then at ${second}`)
          tried('ends of the process')
        }
      }
    }
  })
})

/** After two kills: the operation is there or not, and so is the one that was under way with the recovery. */
async function checkTwice(prepared: Prepared, around: { before: Moment; after: Moment }, label: string): Promise<void> {
  const { host } = prepared
  const next = createMemoryHost({ disk: host.disk, clock: host.clock, random: host.random })
  const directory = next.files.openDirectory(path)!
  try {
    const system = await openRoot({ host: next, path })
    const { 'the next': recordedNext, ...recorded } = recordedOf(system)
    const { 'the next': shownNext, ...shown } = Object.fromEntries(
      Object.entries(diskOf(directory)).filter(([path]) => !isLitter(path)),
    )
    assert.equal(shownNext, recordedNext)
    const committed = leavesOf(system).length - (recordedNext === undefined ? 0 : 1) >= around.after.records
    const expected = committed ? around.after : around.before
    assert.deepEqual(recorded, expected.recorded)
    assert.deepEqual(shown, expected.shown)
    await system.close()
    await assertSound({ host: next, path })
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`, { cause: error })
  } finally {
    directory.close()
    next.exit()
  }
}

describe('the end of the power', () => {
  for (const names of ['ordered', 'loose'] as const) {
    it(`at any operation, names kept ${names}`, async () => {
      const prepared = await prepare(names)
      await everyStep(
        prepared,
        10,
        async (index, at, operations) => {
          const step = steps[index]!
          const ends = at < operations ? { at, what: { kind: 'crash' as const } } : {}
          const run = await attempt(prepared, prepared.moments[index]!.before, step, ends)
          prepared.host.disk.cutPower(chance)
          await check(prepared, index, { ...run, label: `power cut at ${at} of ${step.name}` }, { litter: true })
        },
        'power cuts',
      )
    })
  }
})

describe('a wish to stop', () => {
  it('at any operation leaves nothing before the commit, and the whole change behind it', async () => {
    const prepared = await prepare()
    // Time passes, so that the work gives way and looks at its signal.
    await everyStep(
      prepared,
      8,
      async (index, at) => {
        const step = steps[index]!
        const stop = new AbortController()
        const stopped: Step = {
          name: step.name,
          run: system => withSignal(step, system, stop.signal),
        }
        const when = ({ number }: Operation): undefined => {
          prepared.host.clock.advance(1)
          if (number === at) stop.abort()
          return undefined
        }
        const run = await attempt(prepared, prepared.moments[index]!.before, stopped, { when })
        const label = `stopped at ${at} of ${step.name}`
        if (run.error !== undefined) assert.ok(isSentientError(run.error, 'CANCELLED'), `${label}: ${run.error}`)
        await check(prepared, index, { ...run, label })
      },
      'wishes to stop',
    )
  })
})

/** The step with a signal in its options, wherever the operation takes them. */
function withSignal(step: Step, system: System, signal: AbortSignal): Work<OperationResult> {
  const places: Readonly<Record<string, number>> = {
    put: 2,
    makeDirectory: 1,
    makeSymlink: 2,
    setMode: 2,
    remove: 1,
    move: 2,
    copy: 2,
    absorb: 1,
    restore: 2,
    rollback: 1,
    undo: 0,
    redo: 0,
    snapshotCreate: 0,
    setSetting: 2,
  }
  const proxy = new Proxy(system, {
    get(target, name: string) {
      const value = target[name as keyof System] as unknown
      const place = places[name]
      if (place === undefined || typeof value !== 'function') return value
      return (...parameters: unknown[]) => {
        parameters[place] = { ...(parameters[place] as object | undefined), signal }
        return value(...parameters)
      }
    },
  })
  return step.run(proxy)
}
