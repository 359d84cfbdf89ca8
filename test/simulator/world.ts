// One simulated machine: a disk in memory that forgets what was not flushed, a clock that runs only when it is looked
// at, and processes that share both. Nothing in it depends on the real time or on chance: one seed, one course of events.

import { isSentientError } from '../../src/core/errors.ts'
import { createFailingHost, type FailingHost } from '../../src/core/host/failing.ts'
import type { Directory } from '../../src/core/host/host.ts'
import { createMemoryDisk, createMemoryHost, type MemoryDisk, type MemoryHost } from '../../src/core/host/memory.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import { finished } from '../core/timeline/support.ts'
import { buildTree, createSeededRandomness, createTestClock, symlink, type TestClock } from '../support/host.ts'
import type { Course } from './course.ts'

export const folder = '/folder'

/** A process that was started and may have ended. */
export interface Process {
  readonly name: string
  readonly host: FailingHost
  /** Undefined until it has opened the folder. */
  system: System | undefined
  end(): void
}

export interface World {
  readonly disk: MemoryDisk
  readonly clock: TestClock
  /** Chance of the machine, drawn from the seed: a number below `below`. */
  draw(below: number): number
  /** The folder as other programs see it; no fault reaches it. */
  folder(): Directory
  start(name: string): Process
  /** Opens the folder in a process that has not done so yet. */
  open(process: Process, access?: 'read' | 'write'): Promise<System>
  cutPower(): void
}

const tree = {
  a: 'one',
  b: 'two',
  d: { x: 'x', y: { z: 'z' } },
  l: symlink('a'),
  many: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, `content of ${i}`])),
}

/** A machine with an adopted folder, which the disk has for certain unless the power goes. */
export async function createWorld({ seed, names, beginning }: Omit<Course, 'rounds'>): Promise<World> {
  const random = createSeededRandomness(seed)
  const draw = (below: number): number => {
    const [a = 0, b = 0, c = 0] = random.bytes(3)
    return ((a << 16) | (b << 8) | c) % below
  }
  const clock = jumpy(createTestClock(), draw)
  const disk = createMemoryDisk({ clock, powerCut: names })
  let processes = 0
  const world: World = {
    disk,
    clock,
    draw,
    folder: () => disk.files.openDirectory(folder) as Directory,
    start(name) {
      processes += 1
      const inner = createMemoryHost({
        disk,
        clock,
        random: createSeededRandomness(seed + processes),
        label: `${name} ${processes}`,
        stateDirectoryPath: '/state',
      })
      return processOf(name, inner)
    },
    async open(process, access = 'write') {
      process.system = await openSystem(process.host, { rootPath: folder, access })
      return process.system
    },
    cutPower: () => disk.cutPower(random),
  }
  const top = disk.files.openDirectory('/') as Directory
  top.makeDirectory('folder', 0o755)
  top.makeDirectory('state', 0o700)
  top.flush()
  top.close()
  const directory = world.folder()
  buildTree(directory, tree)
  // What was there before somebody began to keep a history is not what is tried here.
  directory.flushFileSystem()
  await begin(world, beginning)
  if (beginning.power === 'stays') directory.flushFileSystem()
  directory.close()
  return world
}

/** Makes the root folder; when the power goes meanwhile, it is begun again. */
async function begin(world: World, { power, at, bindingLost }: Course['beginning']): Promise<void> {
  const first = world.start('init')
  if (power === 'goes in init') first.host.faults.crashAt(at)
  let made = true
  try {
    await finished(initRoot(first.host, { path: folder, zk: true }))
  } catch (error) {
    if (!first.host.faults.crashed) throw error
    made = false
  }
  first.end()
  if (power !== 'stays') world.cutPower()
  if (bindingLost) loseBinding(world)
  if (made) return
  const again = world.start('init again')
  try {
    await finished(initRoot(again.host, { path: folder, zk: true }))
  } catch (error) {
    // All of it was there, or this device does not know what it had begun.
    if (!isSentientError(error, 'ROOT_EXISTS', 'COPY')) throw error
  } finally {
    again.end()
  }
}

/** What the device remembers of its root folders is gone for certain. */
export function loseBinding({ disk }: World): void {
  const state = disk.files.openDirectory('/state')
  for (const { name } of state?.list() ?? []) state?.removeFile(name)
  state?.flush()
  state?.close()
}

function processOf(name: string, inner: MemoryHost): Process {
  const host = createFailingHost(inner)
  return {
    name,
    host,
    system: undefined,
    end() {
      if (!host.faults.crashed) host.faults.crash()
      inner.exit()
    },
  }
}

/** Looks at the counter cost time, so that long work is interrupted often and at places that the seed chooses. */
function jumpy(clock: TestClock, draw: (below: number) => number): TestClock {
  return {
    ...clock,
    monotonicMs() {
      if (draw(8) === 0) clock.advance(draw(6))
      return clock.monotonicMs()
    },
  }
}
