// A log with three levels of tiles, exported in three steps: more records than the command line makes in a moment, so
// they are appended by the journal itself.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, test } from 'node:test'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { makeLog } from '../core/witness/logs.ts'
import { assertAccepts, assertRefuses, filesBelow, openWorkshop, withEachFlip } from './workshop.ts'

const workshop = openWorkshop()
const { at } = workshop
after(() => workshop.remove())

test('65,536 records and some: all of them, all tiles, and proofs by tiles', async () => {
  const host = createDiskHost({ label: 'large' })
  const log = makeLog(host, 'log', workshop.base)
  for (const size of [40_000, 65_536, 65_836]) {
    while (log.journal.head().size < size) await log.grow(Math.min(10_000, size - log.journal.head().size))
    await log.publish(at('published'))
    assertAccepts(new RegExp(`^${size} entries, `), 'tlog', at('published'), log.keyText)
  }
  const names = filesBelow(at('published'))
  for (const name of ['tile/0/257.p/44', 'tile/1/000', 'tile/1/001.p/1', 'tile/2/000.p/1', 'tile/entries/256']) {
    assert.ok(names.includes(name), name)
  }
  assert.equal(names.filter(name => name.startsWith('tile/entries/')).length, 258)
  for (const name of ['tile/2/000.p/1', 'tile/1/000', 'tile/0/100', 'tile/entries/200']) {
    withEachFlip(at('published', name), 3, () => assertRefuses('tlog', at('published'), log.keyText))
  }
  assert.equal(fs.statSync(at('published/tile/1/000')).size, 8192)
  log.close()
})
