// Readers while another process writes, drops snapshots and collects: what they read is right, or they are told that the
// state is pruned; nothing else happens to them.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { finished } from '../core/timeline/support.ts'
import { thoroughness, tried } from '../support/thorough.ts'
import { acknowledgedBy, makeCrashFolder, sleep, startWorker } from './processes.ts'

const readers = 2
const seconds = thoroughness === 1 ? 4 : 60

it('readers beside one who collects', async () => {
  const folder = await makeCrashFolder({ start: 'content' })
  const collecting = startWorker(folder, 'collect', { seed: 1 })
  const reading = Array.from({ length: readers }, (_, i) => startWorker(folder, 'readCollected', { seed: 10 + i }))
  const all = [collecting, ...reading]
  try {
    for (const worker of all) await worker.until(worker === collecting ? 'collected' : 'ready')
    await sleep(seconds * 1000)
    for (const worker of all) worker.process.stdin?.end()
    for (const worker of all) assert.equal(await worker.ended, 0, worker.lines.at(-1)?.join(' '))
    // It throws for whoever had a problem.
    acknowledgedBy(...all)
    const collections = collecting.lines.filter(([word]) => word === 'collected')
    const freed = collections.reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    assert.ok(collections.length > 2 && freed > 0, `${collections.length} collections, ${freed} bytes`)
    for (const { lines } of reading) {
      const [word, contents] = lines.at(-1) ?? []
      assert.equal(word, 'read', lines.at(-1)?.join(' '))
      assert.ok(Number(contents) > 20, `${contents} contents`)
      tried('contents read beside a collection', Number(contents))
    }
    tried('collections', collections.length)
    const system = await folder.open()
    const { findings } = await finished(system.verify({ deep: true }))
    await system.close()
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
    )
  } finally {
    for (const worker of all) worker.process.kill('SIGKILL')
    folder.remove()
  }
})
