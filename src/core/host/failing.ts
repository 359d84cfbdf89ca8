// A host around another one that fails on command: the n-th operation, or those that a predicate picks, with an error,
// a short write, or the end of the process. Tests run an action once to count its operations and then once for each.

import type { Native } from '../native/native.ts'
import { HostError, type HostErrorCode } from './error.ts'
import { createFailingDatabases, createFailingDirectory, createFailingLock } from './failingHandles.ts'
import type { Directory, Host } from './host.ts'

/** What is counted: all that reads or changes the disk; handles, watches, databases, time and chance are not. */
export type OperationCall =
  | 'openDirectory'
  | 'child'
  | 'list'
  | 'stat'
  | 'readLink'
  | 'open'
  | 'create'
  | 'makeDirectory'
  | 'makeSymlink'
  | 'rename'
  | 'removeFile'
  | 'removeDirectory'
  | 'setMode'
  | 'setTimes'
  | 'flushDirectory'
  | 'flushFileSystem'
  | 'freeBytes'
  | 'read'
  | 'write'
  | 'truncate'
  | 'flush'
  | 'openLock'
  | 'lock'

export interface Operation {
  /** From 1 on, counted since the host was made or `reset`. */
  readonly number: number
  readonly call: OperationCall
  readonly path: string
}

/**
 * `error`: the operation has no effect (a failed flush loses what it should have flushed, where the inner host models
 * that). `shortWrite`: a write does its first bytes, then fails; other operations have no effect. `crash`: the process
 * ends before the operation, or after `bytes` of a write.
 */
export type Fault =
  | { readonly kind: 'error'; readonly code: HostErrorCode }
  | { readonly kind: 'shortWrite'; readonly code: HostErrorCode; readonly bytes: number }
  | { readonly kind: 'crash'; readonly bytes?: number }

/** A fault and the operations that it befalls: data, so that it can be handed to whoever else does operations. */
export interface ScriptedFault {
  readonly first: number
  readonly last: number
  /** Left out: of any kind. */
  readonly calls?: readonly OperationCall[]
  readonly fault: Fault
}

/** The end of the simulated process. No HostError, so that no handler of those takes it for a failure to deal with. */
export class SimulatedCrash extends Error {
  readonly operation: Operation | undefined

  constructor(operation: Operation | undefined) {
    super(operation === undefined ? 'crashed' : `crashed at ${operation.number}: ${operation.call} ${operation.path}`)
    this.name = 'SimulatedCrash'
    this.operation = operation
  }
}

export interface Faults {
  /** How many operations there were. */
  readonly count: number
  readonly crashed: boolean
  /** The operations since `record` was called. */
  readonly log: readonly Operation[]
  record(): void
  failAt(number: number, fault: Fault): void
  /** All operations from this one on, or those of some kinds. */
  failFrom(number: number, fault: Fault, calls?: readonly OperationCall[]): void
  /** Asked before each operation; the first of several that answers counts. */
  failWhen(decide: (operation: Operation) => Fault | undefined): void
  crashAt(number: number, bytes?: number): void
  /** Ends the process now: open handles are closed, locks are free, every later call throws SimulatedCrash. */
  crash(): void
  /** Forgets faults and log and counts from 0; what crashed stays crashed. */
  reset(): void
}

export interface FailingHost extends Host {
  readonly faults: Faults
}

/** What the wrapped handles ask of the host; see failingHandles.ts. */
export interface FaultPoint {
  /** Counts the operation, then throws, or runs it; with a short write `partly` runs instead and then it throws. */
  run<T>(call: OperationCall, path: string, whole: () => T, on?: { short?(bytes: number): void; failed?(): void }): T
  /** Throws after a crash. */
  requireAlive(): void
  /** Directories tell where the native core finds them on the real disk. */
  readonly showsPlaces: boolean
  /** What shall fail, for somebody who does operations of the host in another place. */
  readonly scripted: readonly ScriptedFault[]
  readonly count: number
  /** Counts what was done there; throws when the process came to its end at the last of it. */
  took(operations: readonly Omit<Operation, 'number'>[], crashed: boolean): void
  /** Remembers a handle that a crash closes; returns how to close it before. */
  track(handle: { close(): void }): () => void
  wrap(directory: Directory): Directory
  unwrap(directory: Directory): Directory
}

export interface FailingHostOptions {
  /** Makes a native core whose operations count and fail as those of the host do; without it the host has none. */
  readonly native?: (point: FaultPoint) => Native
}

export function createFailingHost(inner: Host, options: FailingHostOptions = {}): FailingHost {
  const { faults, point } = createFaults(options.native !== undefined)
  const native = options.native?.(point)
  let state: Directory | undefined
  return {
    faults,
    files: {
      openDirectory: path =>
        point.run('openDirectory', path, () => {
          const found = inner.files.openDirectory(path)
          return found === undefined ? undefined : point.wrap(found)
        }),
      watch: (directory, changed) => {
        point.requireAlive()
        const watch = inner.files.watch(point.unwrap(directory), event => {
          if (!faults.crashed) changed(event)
        })
        return { close: point.track(watch) }
      },
    },
    locks: {
      open: (directory, name) => {
        const path = `${directory.path}/${name}`
        const lock = point.run('openLock', path, () => inner.locks.open(point.unwrap(directory), name))
        return createFailingLock(lock, path, point)
      },
    },
    databases: createFailingDatabases(inner.databases, point),
    clock: {
      nowMicros: () => alive(point, () => inner.clock.nowMicros()),
      monotonicMs: () => alive(point, () => inner.clock.monotonicMs()),
      sleep: (ms, signal) => alive(point, () => inner.clock.sleep(ms, signal)),
      utcOffsetMinutes: micros => inner.clock.utcOffsetMinutes(micros),
    },
    random: { bytes: length => alive(point, () => inner.random.bytes(length)) },
    processes: inner.processes,
    ...(native === undefined ? {} : { native }),
    get stateDirectory() {
      if (state === undefined && inner.stateDirectory !== undefined) state = point.wrap(inner.stateDirectory.clone())
      return state
    },
  }
}

function alive<T>(point: FaultPoint, body: () => T): T {
  point.requireAlive()
  return body()
}

function createFaults(showsPlaces: boolean): { faults: Faults; point: FaultPoint } {
  let count = 0
  let log: Operation[] | undefined
  let deciders: ((operation: Operation) => Fault | undefined)[] = []
  let scripted: ScriptedFault[] = []
  let crashedAt: SimulatedCrash | undefined
  const handles = new Set<{ close(): void }>()
  const innerOf = new WeakMap<Directory, Directory>()

  const crash = (operation?: Operation): SimulatedCrash => {
    crashedAt ??= new SimulatedCrash(operation)
    for (const handle of handles) handle.close()
    handles.clear()
    return crashedAt
  }
  const requireAlive = (): void => {
    if (crashedAt !== undefined) throw new SimulatedCrash(crashedAt.operation)
  }
  const point: FaultPoint = {
    requireAlive,
    showsPlaces,
    get scripted() {
      return scripted
    },
    get count() {
      return count
    },
    took: (operations, crashed) => {
      for (const operation of operations) {
        count += 1
        log?.push({ ...operation, number: count })
      }
      const last = operations.at(-1)
      if (crashed) throw crash(last === undefined ? undefined : { ...last, number: count })
    },
    run: (call, path, whole, on = {}) => {
      requireAlive()
      count += 1
      const operation: Operation = { number: count, call, path }
      log?.push(operation)
      const fault = firstOf(deciders, operation)
      if (fault === undefined) return whole()
      if (fault.kind !== 'error' && fault.bytes !== undefined) on.short?.(fault.bytes)
      if (fault.kind === 'crash') throw crash(operation)
      on.failed?.()
      throw new HostError(fault.code, call, path, new Error('simulated'))
    },
    track: handle => {
      handles.add(handle)
      return () => {
        if (handles.delete(handle)) handle.close()
      }
    },
    wrap: directory => {
      const wrapped = createFailingDirectory(directory, point)
      innerOf.set(wrapped, directory)
      return wrapped
    },
    unwrap: directory => innerOf.get(directory) ?? directory,
  }
  const script = (one: ScriptedFault): void => {
    scripted.push(one)
    deciders.push(({ number, call }) =>
      number >= one.first && number <= one.last && (one.calls?.includes(call) ?? true) ? one.fault : undefined,
    )
  }
  const faults: Faults = {
    get count() {
      return count
    },
    get crashed() {
      return crashedAt !== undefined
    },
    get log() {
      return log ?? []
    },
    record: () => {
      log = []
    },
    failAt: (number, fault) => script({ first: number, last: number, fault }),
    failFrom: (number, fault, calls) =>
      script({ first: number, last: Number.MAX_SAFE_INTEGER, fault, ...(calls === undefined ? {} : { calls }) }),
    failWhen: decide => deciders.push(decide),
    crashAt: (number, bytes) => faults.failAt(number, { kind: 'crash', bytes }),
    crash: () => {
      crash()
    },
    reset: () => {
      count = 0
      log = undefined
      deciders = []
      scripted = []
    },
  }
  return { faults, point }
}

function firstOf(deciders: readonly ((operation: Operation) => Fault | undefined)[], operation: Operation) {
  for (const decide of deciders) {
    const fault = decide(operation)
    if (fault !== undefined) return fault
  }
  return undefined
}
