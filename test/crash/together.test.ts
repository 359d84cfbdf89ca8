// Processes side by side: two writers and several readers on one folder; one writer is killed, the others go on.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { assertSound, changesOutside, recordedOf } from '../core/timeline/support.ts'
import { tried } from '../support/thorough.ts'
import { acknowledgedBy, assertAllThere, makeCrashFolder, random, sleep, startWorker } from './processes.ts'

const readers = 3

it('two writers and several readers: everybody gets on, and nothing is lost', async () => {
  const folder = await makeCrashFolder({ start: 'content' })
  const writing = [1, 2].map(number => startWorker(folder, 'write', { seed: number, parameter: '120' }))
  const reading = Array.from({ length: readers }, (_, i) => startWorker(folder, 'read', { seed: 10 + i }))
  try {
    for (const worker of writing) assert.equal(await worker.ended, 0, worker.lines.at(-1)?.join(' '))
    for (const worker of reading) worker.process.stdin?.end()
    for (const worker of reading) assert.equal(await worker.ended, 0, worker.lines.at(-1)?.join(' '))
    const acknowledged = acknowledgedBy(...writing)
    assert.equal(acknowledged.size, 240)
    const system = await folder.open()
    assertAllThere(system, acknowledged)
    const recorded = recordedOf(system)
    for (const number of [1, 2]) {
      for (let i = 0; i < 20; i++) assert.equal(recorded[`${number}/${i}`], `file 644 ${number} wrote ${100 + i}`)
    }
    assert.deepEqual(await changesOutside(system), {})
    const { records } = system.now()
    for (const { lines } of reading) {
      const [word, rounds, seen] = lines.at(-1) ?? []
      assert.equal(word, 'read', lines.at(-1)?.join(' '))
      assert.ok(Number(rounds) > 3 && Number(seen) <= records, `${rounds} rounds, ${seen} records`)
    }
    await system.close()
    await assertSound(folder)
  } finally {
    for (const worker of [...writing, ...reading]) worker.process.kill('SIGKILL')
    folder.remove()
  }
})

it('a writer that is killed holds nobody up', async () => {
  const folder = await makeCrashFolder({ start: 'content' })
  const other = startWorker(folder, 'write', { seed: 1, parameter: '80' })
  const reader = startWorker(folder, 'read', { seed: 2 })
  const killed = []
  try {
    for (let i = 0; i < 4; i++) {
      const worker = startWorker(folder, 'write', { seed: 100 + i, parameter: '1000' })
      killed.push(worker)
      await worker.until('ack')
      await sleep(random(150))
      await worker.kill()
      tried('writers killed beside another')
    }
    assert.equal(await other.ended, 0, other.lines.at(-1)?.join(' '))
    reader.process.stdin?.end()
    assert.equal(await reader.ended, 0, reader.lines.at(-1)?.join(' '))
    assert.equal(reader.lines.at(-1)?.[0], 'read', reader.lines.at(-1)?.join(' '))
    const system = await folder.open()
    assertAllThere(system, acknowledgedBy(other, ...killed))
    assert.deepEqual(await changesOutside(system), {})
    await system.close()
    await assertSound(folder)
  } finally {
    for (const worker of [other, reader, ...killed]) worker.process.kill('SIGKILL')
    folder.remove()
  }
})
