// The native core where the program uses it, on a real disk that fails: at every operation, of TypeScript or of the native
// core, an error, a full disk, a short write, flushes that fail, or the end of the process. The next process needs no
// help, what was acknowledged is there, a change is there as a whole or not at all.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { isHostError } from '../../src/core/host/error.ts'
import { createFailingHost, type Faults } from '../../src/core/host/failing.ts'
import type { Host } from '../../src/core/host/host.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import type { OperationResult } from '../../src/core/timeline/model.ts'
import { assertSound, changesOutside, diskOf, finished, leavesOf, put, recordedOf } from '../core/timeline/support.ts'
import { buildTree, makeTemporaryFolder, type Tree } from '../support/host.ts'
import { every, isMine, tried } from '../support/thorough.ts'
import { scriptedNative } from './scripted.ts'

/** Enough that the native core is asked, and no more. */
const files = (version: string, count = 20): Tree =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, `${version} of ${i} ${'-'.repeat(i * 40)}`]))
const tree = (version: string): Tree => ({
  top: version,
  many: { ...files(version), deep: { down: files(version, 4) } },
})

interface Scene {
  readonly name: string
  /** Makes what `act` finds in the folder. */
  prepare(host: Host, root: string): Promise<void>
  act(host: Host, root: string): Promise<object>
  /** How many records it adds. */
  readonly records: number
}

async function withSystem<T>(host: Host, rootPath: string, work: (system: System) => Promise<T>): Promise<T> {
  const system = await openSystem(host, { rootPath, access: 'write' })
  let result: T
  try {
    result = await work(system)
  } catch (error) {
    await system.close().catch(() => undefined)
    throw error
  }
  await system.close()
  return result
}

function write(root: string, version: string): void {
  const host = createDiskHost({ label: 'outside' })
  const directory = host.files.openDirectory(root)
  assert.ok(directory !== undefined)
  buildTree(directory, tree(version))
  directory.close()
}

async function twoStates(host: Host, root: string): Promise<void> {
  write(root, 'first')
  await finished(initRoot(host, { path: root, zk: false }))
  write(root, 'second')
  await withSystem(host, root, system => finished(system.absorb([])))
}

const scenes: readonly Scene[] = [
  {
    name: 'init',
    prepare: async (_, root) => write(root, 'first'),
    act: (host, root) => finished(initRoot(host, { path: root, zk: false })),
    records: 3,
  },
  {
    name: 'rollback',
    prepare: twoStates,
    act: (host, root) => withSystem(host, root, system => finished(system.rollback(system.resolve('#1')))),
    records: 1,
  },
  {
    name: 'restore',
    prepare: twoStates,
    act: (host, root) => withSystem(host, root, system => finished(system.restore(['many'], system.resolve('#1')))),
    records: 1,
  },
  {
    name: 'verify',
    prepare: twoStates,
    async act(host, root) {
      await withSystem(host, root, system => finished(system.verify({ deep: true })))
      return {}
    },
    records: 0,
  },
]

interface Prepared {
  readonly scene: Scene
  /** Holds the folder as `act` finds it. */
  readonly model: string
  /** Where it is tried, again and again. */
  readonly root: string
  readonly leaves: readonly string[]
  readonly recorded: Record<string, string>
  /** What a whole run comes to. */
  readonly after: Record<string, string>
  readonly operations: number
  readonly native: number
  remove(): void
}

/** The host of a process that came to its end: its id is nobody's. */
const endedProcess = 2 ** 30

function failing(arrange: (faults: Faults) => void) {
  const inner = createDiskHost({ label: 'failing' })
  const native = { operations: 0 }
  const host = createFailingHost(
    { ...inner, processes: { ...inner.processes, id: endedProcess } },
    {
      native: point =>
        scriptedNative({
          ...point,
          get scripted() {
            return point.scripted
          },
          get count() {
            return point.count
          },
          took(operations, crashed) {
            native.operations += operations.length
            point.took(operations, crashed)
          },
        }),
    },
  )
  arrange(host.faults)
  return { host, native }
}

const plain = createDiskHost({ label: 'next' })

function shown(root: string): Record<string, string> {
  const directory = plain.files.openDirectory(root)
  assert.ok(directory !== undefined)
  try {
    return diskOf(directory)
  } finally {
    directory.close()
  }
}

function putBack({ model, root }: Pick<Prepared, 'model' | 'root'>): void {
  fs.rmSync(root, { recursive: true, force: true })
  fs.cpSync(model, root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
}

async function prepare(scene: Scene): Promise<Prepared> {
  const folder = makeTemporaryFolder({ native: undefined })
  const [model, root] = [path.join(folder.path, 'model'), path.join(folder.path, 'root')]
  fs.mkdirSync(root)
  await scene.prepare(plain, root)
  fs.renameSync(root, model)
  putBack({ model, root })
  const isRoot = fs.existsSync(path.join(root, '.runtime'))
  const leaves = isRoot ? await withSystem(plain, root, async system => leavesOf(system)) : []
  const recorded = shown(root)
  const { host, native } = failing(() => {})
  await scene.act(host, root)
  const { count } = host.faults
  assert.ok(native.operations > 20, `the native core did ${native.operations} of ${count} operations`)
  return {
    ...{ scene, model, root, leaves, recorded, after: shown(root) },
    ...{ operations: count, native: native.operations, remove: folder.remove },
  }
}

/** A file of ours that the disk did not let be removed; every look leaves it out. */
const isLitter = (name: string): boolean => name.includes('.sentient-stage-')

interface Told {
  readonly acknowledged: boolean
  /** Paths that the disk refused, as the operation said. */
  readonly left: readonly string[]
}

/** Opens what is left without the native core, and looks whether the change is there as a whole or not at all. */
async function check({ scene, root, leaves, recorded, after }: Prepared, { acknowledged, left }: Told): Promise<void> {
  if (scene.name === 'init' && !acknowledged) await finishInit(root)
  await withSystem(plain, root, async system => {
    const found = leavesOf(system)
    assert.deepEqual(found.slice(0, leaves.length), leaves, 'what was acknowledged before is there')
    const committed = found.length >= leaves.length + scene.records
    if (acknowledged) assert.ok(committed, 'what was acknowledged is there')
    const drift = await changesOutside(system)
    // What the disk refused to take, or to show, is said by the operation or by the folder; all else is as it should be.
    const said = [...left, ...Object.keys(drift).filter(name => drift[name] === 'unapplied')]
    const others = (found: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(found).filter(
          ([name]) => !isLitter(name) && !said.some(top => `${name}/`.startsWith(`${top}/`)),
        ),
      )
    assert.deepEqual(others(recordedOf(system)), others(shown(root)), 'the disk shows what is recorded')
    assert.deepEqual(others(shown(root)), others(committed ? after : recorded), 'it is there as a whole or not at all')
    assert.deepEqual(others(drift), {})
    const { findings } = await finished(system.verify({ deep: true }))
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
    )
    await put(system, 'next', 'operation works')
    assert.deepEqual(Object.keys(shown(root)).filter(isLitter), [], 'what lay about is removed by the next writer')
  })
  await assertSound({ host: plain, path: root })
  const stage = fs.readdirSync(path.join(root, '.runtime/stage')).filter(name => !name.startsWith('probe-'))
  assert.deepEqual(stage, [], 'nothing is left in the stage')
}

/** What was not acknowledged may be no root folder yet, or one with its first record alone: init again ends it. */
async function finishInit(root: string): Promise<void> {
  try {
    await finished(initRoot(plain, { path: root, zk: false }))
  } catch (error) {
    if (!isSentientError(error, 'ROOT_EXISTS')) throw error
  }
}

const kinds: Readonly<Record<string, (faults: Faults, at: number) => void>> = {
  'an error': (faults, at) => faults.failAt(at, { kind: 'error', code: 'IO' }),
  'a full disk': (faults, at) => faults.failAt(at, { kind: 'error', code: 'NO_SPACE' }),
  'a short write': (faults, at) => faults.failAt(at, { kind: 'shortWrite', code: 'NO_SPACE', bytes: 7 }),
  'flushes that fail from here on': (faults, at) =>
    faults.failFrom(at, { kind: 'error', code: 'IO' }, ['flush', 'flushDirectory', 'flushFileSystem']),
  'the end of the process': (faults, at) => faults.crashAt(at, at % 3 === 0 ? 5 : undefined),
}

async function trial(prepared: Prepared, at: number, arrange: (faults: Faults, at: number) => void): Promise<void> {
  putBack(prepared)
  const { host } = failing(faults => arrange(faults, at))
  let told: Told = { acknowledged: false, left: [] }
  try {
    const result: Partial<OperationResult> = await prepared.scene.act(host, prepared.root)
    told = { acknowledged: true, left: [...(result.unapplied ?? []), ...(result.drifted ?? [])] }
  } catch (error) {
    const isClear = (isSentientError(error) && error.code !== 'INTERNAL') || isHostError(error)
    assert.ok(isClear || host.faults.crashed, `a clear error: ${(error as Error).stack}`)
  }
  if (!host.faults.crashed) host.faults.crash()
  await check(prepared, told)
}

describe('with the native core, at every operation', { timeout: 24 * 3_600_000 }, () => {
  for (const scene of scenes) {
    for (const [kind, arrange] of Object.entries(kinds)) {
      it(`${kind}: ${scene.name}`, async () => {
        const prepared = await prepare(scene)
        try {
          const stride = every(151)
          for (let at = 1 + Math.floor(Math.random() * stride); at <= prepared.operations; at += stride) {
            if (!isMine(at)) continue
            try {
              await trial(prepared, at, arrange)
            } catch (error) {
              throw new Error(`${kind} at ${at} of ${prepared.operations}: ${(error as Error).message}`, {
                cause: error,
              })
            }
            tried(kind === 'the end of the process' ? 'ends of the process' : 'operations that fail')
          }
        } finally {
          prepared.remove()
        }
      })
    }
  }
})
