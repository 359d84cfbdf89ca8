// kill -9 at any moment: the folder opens again without help, every acknowledged record is there, the disk shows the
// state in force apart from what was changed outside, no such change is lost, and the next operation works.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { System } from '../../src/core/system.ts'
import { assertSound, changesOutside, contentAt, diskOf, finished, put, recordedOf } from '../core/timeline/support.ts'
import { tried } from '../support/thorough.ts'
import {
  acknowledgedBy,
  assertAllThere,
  type CrashFolder,
  makeCrashFolder,
  random,
  seed,
  sleep,
  startWorker,
  type Worker,
} from './processes.ts'

/** `npm run test:long` comes to a thousand, by other seeds. */
const kills = 40
const killsEachFolder = 10
const workMsMax = 600

describe('a mixed workload', () => {
  for (let from = 0; from < kills; from += killsEachFolder) {
    it(`killed at random points ${from + 1} to ${from + killsEachFolder}`, async () => {
      const folder = await makeCrashFolder({ p: { x: { 1: 'one' } }, q: 'file', free: { a: 'a', b: 'b' } })
      const workers: Worker[] = []
      try {
        for (let i = 0; i < killsEachFolder; i++) {
          const worker = startWorker(folder, 'work', { seed: seed + from + i })
          workers.push(worker)
          await worker.until('ready')
          await sleep(random(workMsMax))
          await worker.kill()
          await checkFolder(folder, workers)
          tried('kill -9')
        }
      } finally {
        for (const worker of workers) worker.process.kill('SIGKILL')
        folder.remove()
      }
    })
  }
})

async function checkFolder(folder: CrashFolder, workers: readonly Worker[]): Promise<void> {
  const system = await folder.open()
  try {
    assert.deepEqual(
      system.notices.filter(notice => notice.code === 'damaged' || notice.code === 'unapplied'),
      [],
    )
    assertAllThere(system, acknowledgedBy(...workers))
    const drift = await changesOutside(system)
    for (const changed of Object.keys(drift)) assert.match(changed, /^free(\/|$)/, 'only what was changed outside')
    assertEditsKept(folder, system, workers)
    const { findings } = await finished(system.verify({ deep: true }))
    assert.deepEqual(
      findings.filter(finding => finding.severity === 'damage'),
      [],
    )
    const next = await put(system, 'next', `after ${system.now().records} records`)
    assert.equal(next.seq >= 0 && system.record(next.seq).action, 'put')
  } finally {
    await system.close()
  }
  await assertSound(folder)
}

/** What was on disk at a path when nobody wrote it any more is there still, or in a state that can be brought back. */
function assertEditsKept(folder: CrashFolder, system: System, workers: readonly Worker[]): void {
  const last = new Map<string, string | undefined>()
  for (const [word, name, ...content] of workers.flatMap(worker => worker.lines)) {
    if (word === 'editing') last.delete(name ?? '')
    if (word === 'edited') last.set(name ?? '', content.length === 0 ? undefined : content.join(' '))
  }
  const wanted = [...last].filter(([name, content]) => {
    if (content === undefined) return false
    const place = path.join(folder.path, name)
    return !fs.existsSync(place) || fs.readFileSync(place, 'utf8') !== content
  })
  if (wanted.length === 0) return
  const roots = new Map([...system.records()].map(record => [record.root, record.seq]))
  const points = [
    ...system.snapshots().map(snapshot => ({ ...snapshot, text: snapshot.name })),
    ...[...roots.values()].map(seq => system.resolve(`#${seq}`)),
  ]
  for (const [name, content] of wanted) {
    const found = points.some(point => {
      const file = system.openFile(name, point)
      file?.close()
      return file !== undefined && contentAt(system, name, point) === content
    })
    assert.ok(found, `"${content}" of ${name} is kept somewhere`)
  }
}

describe('a rollback of many files', () => {
  const files = 800

  it('killed in the middle is finished by whoever opens the folder next', async () => {
    const names = Array.from({ length: files }, (_, i) => `f${i}`)
    const tree = (version: string) => Object.fromEntries(names.map(name => [name, `${version} of ${name}`]))
    const folder = await makeCrashFolder({ many: tree('first') })
    let inTheMiddle = 0
    try {
      const system = await folder.open()
      const first = recordedOf(system)
      for (const name of names) fs.writeFileSync(path.join(folder.path, 'many', name), `second of ${name}`)
      for (const name of names.slice(0, 200)) fs.rmSync(path.join(folder.path, 'many', name))
      await finished(system.absorb([]))
      await finished(system.snapshotCreate({ name: 'second' }))
      const second = recordedOf(system)
      await finished(system.rollback(system.resolve('#1')))
      await finished(system.snapshotCreate({ name: 'first' }))
      await system.close()
      const states = { first, second }
      let now: 'first' | 'second' = 'first'
      for (let i = 0; i < 20 && inTheMiddle < 5; i++) {
        const target: 'first' | 'second' = now === 'first' ? 'second' : 'first'
        const worker = startWorker(folder, 'rollback', { seed: seed + i, parameter: target })
        // Every change of a file is told by the system: somewhere among them the end comes.
        await worker.until('progress', i % 3 === 2 ? 'staging' : 'applying').catch(() => undefined)
        await sleep(random(60))
        await worker.kill()
        tried('kill -9')
        const mixed = diskOf(folder.directory)
        const isWhole = [first, second].some(state => JSON.stringify(state) === JSON.stringify(mixed))
        if (!isWhole) inTheMiddle++
        const opened = await folder.open()
        assertAllThere(opened, acknowledgedBy(worker))
        const recorded = recordedOf(opened)
        now = JSON.stringify(recorded) === JSON.stringify(states[target]) ? target : now
        assert.deepEqual(recorded, states[now])
        assert.deepEqual(diskOf(folder.directory), states[now])
        assert.deepEqual(await changesOutside(opened), {})
        await put(opened, 'next', `${i}`)
        await finished(opened.undo())
        await opened.close()
        await assertSound(folder)
      }
      assert.ok(inTheMiddle >= 2, `${inTheMiddle} kills left the disk between two states`)
    } finally {
      folder.remove()
    }
  })
})
