// Operations on many paths: they give way to the event loop between any few paths, however long they prepare, they can
// be stopped before the commit, and their results stay small. Structure is tested here, never time.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { createFailingHost } from '../../../src/core/host/failing.ts'
import type { Host } from '../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import type { System } from '../../../src/core/system.ts'
import { changedPathsMax } from '../../../src/core/timeline/transact.ts'
import { createSeededRandomness, createTestHost } from '../../support/host.ts'
import { diskOf, finished, inMemory, makeRoot, openRoot, recordedOf, type TimelineSubject } from './support.ts'

const directories = 4
const filesEach = 30
const paths = directories * (filesEach + 1) + 1

const files = (prefix: string, text = '') =>
  Object.fromEntries(Array.from({ length: filesEach }, (_, i) => [`${prefix}${i}`, `${prefix} ${i}${text}`]))

const tree = (text = '') => ({
  a: Object.fromEntries(Array.from({ length: directories }, (_, d) => [`d${d}`, files(`f${d}-`, text)])),
})

interface Watched {
  /** The most file calls between two turns of the event loop. */
  readonly callsMost: number
  /** Turns of the event loop while it ran, each of which somebody gave way for. */
  readonly turns: number
}

/** Runs something on a host whose clock says at every look that it is time to give way. */
async function watched(subject: TimelineSubject, run: (host: Host) => Promise<unknown>): Promise<Watched> {
  const failing = createFailingHost(subject.host)
  let looks = 0
  const clock = { ...failing.clock, monotonicMs: () => ++looks * 1_000 }
  const host: Host = { ...failing, clock, stateDirectory: failing.stateDirectory }
  let turns = 0
  let calls = 0
  let callsMost = 0
  let running = true
  const turn = () => {
    turns++
    calls = 0
    if (running) setImmediate(turn)
  }
  failing.faults.failWhen(() => {
    callsMost = Math.max(callsMost, ++calls)
    return undefined
  })
  setImmediate(turn)
  try {
    await run(host)
  } finally {
    running = false
  }
  return { callsMost, turns }
}

interface Case {
  readonly name: string
  readonly before?: (subject: TimelineSubject, system: System) => Promise<unknown>
  readonly run: (system: System, signal?: AbortSignal) => ReturnType<System['undo']>
}

const removed = (_: TimelineSubject, system: System) => finished(system.remove(['a'], { recursive: true }))

const cases: readonly Case[] = [
  { name: 'rm', run: (system, signal) => system.remove(['a'], { recursive: true, signal }) },
  { name: 'chmod', run: (system, signal) => system.setMode(['a'], mode => mode ^ 0o010, { recursive: true, signal }) },
  { name: 'mv', run: (system, signal) => system.move(['a'], 'b', { signal }) },
  { name: 'cp', run: (system, signal) => system.copy(['a'], 'b', { recursive: true, signal }) },
  {
    name: 'rollback',
    before: removed,
    run: (system, signal) => system.rollback(system.resolve('#1'), { signal }),
  },
  {
    name: 'restore',
    before: removed,
    run: (system, signal) => system.restore(['a'], system.resolve('#1'), { signal }),
  },
  { name: 'undo', before: removed, run: (system, signal) => system.undo({ signal }) },
  {
    name: 'redo',
    before: async (subject, system) => {
      await removed(subject, system)
      await finished(system.undo())
    },
    run: (system, signal) => system.redo({ signal }),
  },
  {
    name: 'absorb',
    before: async ({ directory }) => {
      const { a } = tree(' again')
      for (const [name, below] of Object.entries(a)) {
        directory.makeDirectory(`new ${name}`, 0o755)
        const child = directory.child(`new ${name}`)!
        for (const [file, text] of Object.entries(below)) {
          const open = child.open(file, 'create', 0o644)
          open.write(Buffer.from(text), 0)
          open.close()
        }
        child.close()
      }
    },
    run: (system, signal) => system.absorb([], { signal }),
  },
]

async function prepared({ before }: Case): Promise<TimelineSubject> {
  const subject = inMemory()
  const system = await makeRoot(subject, tree())
  await before?.(subject, system)
  await system.close()
  return subject
}

describe('an operation on many paths', () => {
  for (const one of cases) {
    it(`${one.name} gives way between any few of them`, async () => {
      const subject = await prepared(one)
      const seen: Record<string, number> = {}
      let changed = 0
      const whole = await watched(subject, async host => {
        const system = await openRoot({ host, path: subject.path })
        const work = one.run(system)
        for (let step = await work.next(); ; step = await work.next()) {
          if (step.done) {
            changed = step.value.changedCount
            break
          }
          seen[step.value.phase] = (seen[step.value.phase] ?? 0) + 1
        }
        await system.close()
      })
      assert.ok(changed >= paths - 1, `${changed} paths`)
      // One path takes up to about forty calls: its directories are opened part by part, for it and for what is above.
      assert.ok(whole.callsMost <= 100, `${whole.callsMost} file calls without giving way`)
      assert.ok(whole.turns >= 6 * changed, `${whole.turns} turns for ${changed} paths`)
      subject.remove()
    })

    it(`${one.name} stops at a wish before the commit, soon`, async () => {
      const subject = await prepared(one)
      const opened = await openRoot(subject)
      const before = { disk: diskOf(subject.directory), recorded: recordedOf(opened), records: opened.now().records }
      await opened.close()
      for (const at of [3, paths, 3 * paths]) {
        const stop = new AbortController()
        let callsAfter = 0
        const failing = createFailingHost(subject.host)
        let looks = 0
        const clock = {
          ...failing.clock,
          monotonicMs: () => {
            if (++looks === at) stop.abort()
            return looks * 1_000
          },
        }
        const host: Host = { ...failing, clock, stateDirectory: failing.stateDirectory }
        const system = await openRoot({ host, path: subject.path })
        looks = 0
        failing.faults.failWhen(() => {
          if (stop.signal.aborted) callsAfter++
          return undefined
        })
        await assert.rejects(
          () => finished(one.run(system, stop.signal)),
          error => isSentientError(error, 'CANCELLED'),
        )
        assert.ok(callsAfter < 100, `${callsAfter} file calls after the wish`)
        await system.close()
        const again = await openRoot(subject)
        assert.deepEqual(
          { disk: diskOf(subject.directory), recorded: recordedOf(again), records: again.now().records },
          before,
        )
        await again.close()
      }
      subject.remove()
    })
  }

  it('names its first changed paths and counts them all', async () => {
    const subject = inMemory()
    const count = changedPathsMax + 20
    const many = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, '']))
    const system = await makeRoot(subject, { many })
    const result = await finished(system.remove(['many'], { recursive: true }))
    assert.equal(result.changedCount, count + 1)
    assert.equal(result.changed.length, changedPathsMax)
    assert.deepEqual(result.changed, [...result.changed].sort())
    assert.equal([...system.recordChanges(result.seq)].length, count + 1)
    await system.close()
    subject.remove()
  })

  it('is durable on disk when it comes back, whatever the power does then', async () => {
    for (const powerCut of ['ordered', 'loose'] as const) {
      const host = createTestHost({ powerCut, stateDirectoryPath: '/state' })
      const top = host.files.openDirectory('/')!
      top.makeDirectory('folder', 0o755)
      const directory = top.child('folder')!
      const subject = { host, path: '/folder', directory }
      const system = await makeRoot({ ...subject, remove: () => undefined, advance: host.clock.advance }, tree())
      await finished(system.remove(['a/d1'], { recursive: true }))
      await finished(system.move(['a'], 'b'))
      const now = recordedOf(system)
      host.exit()
      host.disk.cutPower(createSeededRandomness(7))
      const folder = createMemoryHost({ disk: host.disk }).files.openDirectory('/folder')!
      assert.deepEqual(diskOf(folder), now)
      folder.close()
    }
  })
})
