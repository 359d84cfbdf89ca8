// A process of its own for the tests of the journal: `node worker.ts write DIR NAME COUNT` appends records and prints
// the name of each one that was acknowledged (`greedy` prints nothing and lets go of the lock for no moment); `node worker.ts read DIR COUNT` follows the journal until it has COUNT
// records, checking what it sees, and prints how often the head moved.

import assert from 'node:assert/strict'
import { writeSync } from 'node:fs'
import { equalBytes } from '../../../src/core/format/bytes.ts'
import { createDiskHost } from '../../../src/core/host/disk.ts'
import { openTest, recordOf } from './fixtures.ts'

const [task = '', path = '', ...rest] = process.argv.slice(2)
const host = createDiskHost({ label: task })
const directory = host.files.openDirectory(path)
assert.ok(directory)
const limits = { segmentBytesMax: 20_000 }

// All begin at the same time, when their input ends.
writeSync(1, 'ready\n')
process.stdin.resume()
await new Promise(resolve => process.stdin.on('end', resolve))

if (task === 'write' || task === 'greedy') await write(rest[0]!, Number(rest[1]))
else await read(Number(rest[0]))

async function write(name: string, count: number): Promise<void> {
  const journal = openTest({ host, directory: directory! }, { limits })
  for (let at = 0; at < count; ) {
    const batch = Math.min(1 + (at % 3), count - at)
    const values = Array.from({ length: batch }, (_, i) => `${name}${at + i}`)
    await journal.writerLock.hold('put', undefined, () => {
      journal.append(
        values.map(value => recordOf(value)),
        { number: 0, flushedBytes: 0 },
      )
    })
    if (task === 'write') writeSync(1, `${values.join('\n')}\n`)
    at += batch
  }
  journal.close()
}

async function read(count: number): Promise<void> {
  const journal = openTest({ host, directory: directory! }, { access: 'read' })
  let moves = 0
  let seen = 0
  let leaf = new Uint8Array(32)
  while (seen < count) {
    if (!journal.refresh() && journal.head().size === seen) {
      await host.clock.sleep(2)
      continue
    }
    moves++
    assert.equal(journal.damage(), undefined)
    for (const result of journal.records({ from: seen })) {
      assert.ok(result.state === 'intact', JSON.stringify(result))
      const { record } = result
      assert.equal(record.seq, seen)
      assert.ok(equalBytes(record.envelope.prev, leaf))
      leaf = Uint8Array.from(record.leaf)
      seen++
    }
    assert.ok(equalBytes(journal.head().leaf, leaf))
    const [last] = journal.records({ from: seen - 1, reverse: true })
    assert.equal(last?.state, 'intact')
  }
  journal.close()
  writeSync(1, `${moves}\n`)
}
