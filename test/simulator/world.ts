// One simulated machine: a disk in memory that forgets what was not flushed, a clock that runs only when it is looked
// at, and processes that share both. Nothing in it depends on the real time or on chance: one seed, one course of events.

import { createFailingHost, type FailingHost } from '../../src/core/host/failing.ts'
import type { Directory } from '../../src/core/host/host.ts'
import { createMemoryDisk, createMemoryHost, type MemoryDisk, type MemoryHost } from '../../src/core/host/memory.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import { finished } from '../core/timeline/support.ts'
import { buildTree, createSeededRandomness, createTestClock, symlink, type TestClock } from '../support/host.ts'

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

/** A machine with an adopted folder that the disk has for certain. */
export async function createWorld(seed: number, names: 'ordered' | 'loose'): Promise<World> {
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
  top.close()
  const directory = world.folder()
  buildTree(directory, tree)
  const first = world.start('init')
  await finished(initRoot(first.host, { path: folder, zk: true }))
  first.end()
  directory.flushFileSystem()
  directory.close()
  return world
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
