// Plays a course of events on a simulated machine and checks after each round what the history promises: whatever
// happened, the folder opens without help, what was acknowledged is there, verification finds nothing, and nothing that
// somebody wrote is lost.

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { importInto } from '../../src/core/carrying.ts'
import { type ErrorCode, isSentientError } from '../../src/core/errors.ts'
import { isHostError } from '../../src/core/host/error.ts'
import { type Fault, type Operation, SimulatedCrash } from '../../src/core/host/failing.ts'
import type { Directory } from '../../src/core/host/host.ts'
import { adoptRoot, type System } from '../../src/core/system.ts'
import type { OperationResult, Work } from '../../src/core/timeline/model.ts'
import { finished, recordedAt, sourceOf } from '../core/timeline/support.ts'
import { readFile } from '../support/host.ts'
import { checkRound, type Promises } from './checkRound.ts'
import type { Action, Course, Disaster, Round } from './course.ts'
import { editForCertain, loseDerived, removeForCertain } from './outside.ts'
import { createWorld, folder, loseBinding, type Process, type World } from './world.ts'

/** What may be asked for in a folder in which others do what they like: it is refused and nothing happens. */
const refusals: readonly ErrorCode[] = [
  'USAGE',
  'PATH_NOT_FOUND',
  'PATH_INVALID',
  'PATH_EXISTS',
  'NOT_A_DIRECTORY',
  'IS_A_DIRECTORY',
  'SYMLINK_IN_PATH',
  'DRIFT',
  'STATE_NOT_FOUND',
  'STATE_PRUNED',
  'NOT_UNDOABLE',
  'CANCELLED',
  'LOCKED',
]

/** What a disk that fails may be answered with. */
const failures: readonly ErrorCode[] = ['IO', 'DISK_FULL', 'NOT_WRITABLE', 'READ_ONLY', 'COPY', 'KEY']

/** Throws an AssertionError that says what does not hold. */
export async function play(course: Course): Promise<void> {
  const world = await createWorld(course)
  const promises: Promises = {
    acknowledged: new Map(),
    written: new Map(),
    carried: new Map(),
    rounds: 0,
    diskFailed: false,
  }
  await checkRound(world, promises, course.beginning.bindingLost)
  for (const round of course.rounds) {
    await playRound(world, round, promises)
    promises.rounds += 1
    await checkRound(world, promises, round.binding !== 'kept')
  }
}

async function playRound(world: World, round: Round, promises: Promises): Promise<void> {
  world.clock.setMicros(world.clock.nowMicros() + round.clockHours * 3_600_000_000)
  if (round.disaster.what === 'derived lost') loseDerived(world)
  if (round.binding !== 'kept') loseBinding(world)
  const first = world.start('first')
  const second = world.start('second')
  const power = { on: true }
  prepareDisaster(round.disaster, first, () => {
    power.on = false
    second.host.faults.crash()
  })
  const turn = createTurns(round.turns)
  const unreliable = !['nothing', 'derived lost'].includes(round.disaster.what)
  promises.diskFailed ||= ['error', 'full disk', 'failed flush'].includes(round.disaster.what)
  await Promise.all([
    live({ world, process: first, actions: round.first, promises, unreliable, turn, binding: round.binding }),
    live({ world, process: second, actions: round.second, promises, unreliable, turn, binding: round.binding }),
  ])
  first.end()
  second.end()
  if (!power.on) world.cutPower()
  else if (round.disaster.what !== 'power cut') flushEverything(world)
}

/** Without a power cut the page cache is written sooner or later. */
function flushEverything(world: World): void {
  const directory = world.folder()
  directory.flushFileSystem()
  directory.close()
}

function prepareDisaster({ what, at, bytes }: Disaster, { host }: Process, powerFails: () => void): void {
  const faults: Partial<Record<Disaster['what'], Fault>> = {
    kill: { kind: 'crash', bytes },
    'power cut': { kind: 'crash', bytes },
    error: { kind: 'error', code: 'IO' },
    'full disk': { kind: 'shortWrite', code: 'NO_SPACE', bytes },
  }
  const fault = faults[what]
  const isFlush = ({ call }: Operation) => call === 'flush' || call === 'flushDirectory' || call === 'flushFileSystem'
  if (what === 'failed flush') {
    host.faults.failWhen(operation =>
      operation.number >= at && operation.number < at + 40 && isFlush(operation)
        ? { kind: 'error', code: 'IO' }
        : undefined,
    )
  } else if (fault !== undefined) {
    host.faults.failWhen(operation => {
      if (operation.number !== at) return undefined
      if (what === 'power cut') powerFails()
      return fault
    })
  }
}

/** Lets processes take turns: each may go on so many times before it waits for the event loop. */
function createTurns(turns: readonly number[]): () => Promise<void> {
  let taken = 0
  return async () => {
    const waits = turns[taken % turns.length] as number
    taken += 1
    for (let i = 0; i < waits; i++) await setImmediate()
  }
}

interface Life {
  readonly world: World
  readonly process: Process
  readonly actions: readonly Action[]
  readonly promises: Promises
  /** Something may fail in it that is not its own fault. */
  readonly unreliable: boolean
  readonly turn: () => Promise<void>
  readonly binding: Round['binding']
}

async function live(life: Life): Promise<void> {
  const { process, turn } = life
  try {
    await openPatiently(life)
    for (const action of life.actions) {
      await turn()
      try {
        // It was to be opened again, and the disk did not let it.
        if (process.system === undefined) await openPatiently(life)
        await act(life, process.system as System, action)
      } catch (error) {
        if (process.host.faults.crashed) return
        judge(error, { action, life })
      }
    }
    await process.system?.close()
  } catch (error) {
    if (process.host.faults.crashed || error instanceof SimulatedCrash) return
    judge(error, { action: undefined, life })
  }
}

/** Opening waits for nobody; but a failing disk may refuse it. */
async function openPatiently({ world, process, binding }: Life): Promise<void> {
  await world.open(process)
  if (binding === 'kept' || process.name !== 'first' || process.system?.binding.refusal === undefined) return
  await process.system.close()
  process.system = undefined
  await finished(adoptRoot(process.host, { rootPath: folder, as: binding === 'lost: moved' ? 'moved' : 'copy' }))
  await world.open(process)
}

function judge(error: unknown, { action, life }: { action: Action | undefined; life: Life }): void {
  if (isSentientError(error)) {
    if (refusals.includes(error.code)) return
    if (life.unreliable && failures.includes(error.code)) return
    // Until the first process has said what the folder is.
    if (life.binding !== 'kept' && error.code === 'COPY') return
    if (action?.what === 'import' && importRefusals.includes(error.code)) return
    if (action?.what === 'backup' && error.code === 'DIVERGED') return
    // What a failing disk did not let be written beside a record is for the owner to settle.
    if (action?.what === 'setting' && error.code === 'SETTINGS_INVALID' && life.promises.diskFailed) return
  }
  // Errors of the ports reach the command line, which has words for them.
  if (life.unreliable && isHostError(error)) return
  const what = action === undefined ? 'opening or closing' : JSON.stringify(action)
  throw new assert.AssertionError({ message: `${what} ended with ${(error as Error).stack}` })
}

async function act(life: Life, system: System, action: Action): Promise<void> {
  const { world, promises, process } = life
  const at = pathOf(action.path)
  const to = pathOf(action.other)
  const text = `${action.what} ${promises.rounds} ${action.path} ${action.other} ${process.name}`
  const change = (work: Work<OperationResult>) => acknowledge(life, system, work)
  switch (action.what) {
    case 'edit':
      return editForCertain(world, at, text, promises)
    case 'remove outside':
      return removeForCertain(world, at, promises)
    case 'put':
      return change(system.put(at, sourceOf(text), { parents: true }))
    case 'large put':
      return change(system.put(at, sourceOf(Buffer.alloc(1_200_000, text)), { parents: true }))
    case 'mkdir':
      return change(system.makeDirectory(`${at}-dir/${to}`, { parents: true }))
    case 'chmod':
      return change(system.setMode([at], mode => mode ^ 0o044))
    case 'remove':
      return change(system.remove([at], { recursive: true }))
    case 'move':
      return change(system.move([at], to, { force: action.other % 2 === 0 }))
    case 'copy':
      return change(system.copy([at], to, { recursive: true, force: action.other % 2 === 0 }))
    case 'absorb':
      return change(system.absorb(action.other % 3 === 0 ? [at] : []))
    case 'snapshot':
      return change(system.snapshotCreate({}))
    case 'restore':
      return change(system.restore([at], system.resolve(someState(system, action.other))))
    case 'rollback':
      return change(system.rollback(system.resolve(someState(system, action.other))))
    case 'undo':
      return change(system.undo())
    case 'redo':
      return change(system.redo())
    case 'setting':
      return change(system.setSetting('watch.quietMinutes', String(5 + (action.path % 50))))
    case 'gc':
      await finished(stepping(life, system.gc()))
      return
    case 'sign':
      await system.signCheckpoint()
      return
    case 'reopen':
      await system.close()
      process.system = undefined
      await openPatiently(life)
      return
    case 'status':
      await finished(stepping(life, system.status()))
      return
    case 'log':
      system.refresh()
      for (const _ of system.records());
      recordedAt(system, system.resolve('now'))
      return
    case 'verify': {
      const report = await finished(stepping(life, system.verify()))
      const lasting = report.findings.filter(({ severity }) => severity === 'damage')
      assert.deepEqual(life.unreliable ? [] : lasting, [], 'a reader sees no damage while others write')
      return
    }
    case 'cancelled put': {
      const stop = new AbortController()
      const work = system.put(at, sourceOf(Buffer.alloc(300_000, text)), { parents: true, signal: stop.signal })
      void setImmediate().then(() => stop.abort())
      return change(work)
    }
    case 'forget':
      for (const [written, { path }] of promises.written)
        if (`${path}/`.startsWith(`${at}/`)) promises.written.delete(written)
      await finished(stepping(life, system.forget([at])))
      return
    case 'backup': {
      const { records } = await finished(stepping(life, system.backup('/backup')))
      promises.carried.set('/backup', Math.max(records, promises.carried.get('/backup') ?? 0))
      return
    }
    case 'archive':
      await finished(stepping(life, system.exportArchive('/archive.tar')))
      return
    case 'import':
      return takeArchive(life)
    case 'watch':
      return watchFor(life, system, {
        turns: 10 + (action.other % 60),
        absorb: action.path % 3 === 0,
        heal: action.path % 3 === 1,
      })
    case 'clock jump':
      world.clock.setMicros(world.clock.nowMicros() + (action.path - 5_000) * 3_600_000_000)
      return
  }
}

/** What may be wrong with an archive that somebody made, or with what is there already. */
const importRefusals: readonly ErrorCode[] = ['DIVERGED', 'STATE_NOT_FOUND']

async function takeArchive(life: Life): Promise<void> {
  const top = life.world.disk.files.openDirectory('/') as Directory
  const bytes = top.stat('archive.tar') === undefined ? undefined : readFile(top, 'archive.tar')
  top.close()
  if (bytes === undefined) return
  const { host } = life.process
  const { records } = await finished(stepping(life, importInto(host, sourceOf(bytes), { path: '/imported' })))
  life.promises.carried.set('/imported', Math.max(records, life.promises.carried.get('/imported') ?? 0))
}

/** The watcher runs for some turns of the event loop, in which others change files. */
async function watchFor(
  life: Life,
  system: System,
  { turns, ...options }: { turns: number; absorb: boolean; heal: boolean },
): Promise<void> {
  const stop = new AbortController()
  const ending = (async () => {
    for (let i = 0; i < turns; i++) await setImmediate()
    stop.abort()
  })()
  try {
    for await (const _ of system.watch({ ...options, signal: stop.signal })) await life.turn()
  } finally {
    stop.abort()
    await ending
  }
}

const names = ['a', 'b', 'c', 'd', 'd/x', 'd/y', 'd/y/z', 'd/n', 'l', 'many', 'many/f1', 'many/f2', 'n', 'n/o']
const pathOf = (choice: number): string => names[choice % names.length] as string

function someState(system: System, choice: number): string {
  const snapshots = system.snapshots()
  if (snapshots.length > 0 && choice % 3 !== 0) return (snapshots[choice % snapshots.length] as { name: string }).name
  return `#${choice % system.now().records}`
}

/** Runs an operation turn by turn; once it says that it is done, its record may never go away again. */
async function acknowledge(life: Life, system: System, work: Work<OperationResult>): Promise<void> {
  const { seq } = await finished(stepping(life, work))
  if (seq < 0) return
  const { leaf, action } = system.record(seq)
  life.promises.acknowledged.set(seq, { leaf, action })
}

async function* stepping<T>({ turn }: Life, work: Work<T>): Work<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
    await turn()
    yield step.value
  }
}
