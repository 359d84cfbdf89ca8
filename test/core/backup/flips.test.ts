// Archives with a byte changed, at thousands of places: each is refused, and leaves nothing behind.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { refused } from '../timeline/support.ts'
import { beside, exported, importBytes, makeSmall } from './support.ts'

describe('an archive is refused', () => {
  it('with any byte changed, and nothing is left', async context => {
    const folder = await makeSmall(context)
    const bytes = readFileSync((await exported(folder, 'archive.tar')).file)
    const to = beside(folder, 'imported')
    for (let at = 0; at < bytes.length; at += at % 512 < 160 ? 3 : 17) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 0x40
      const error = await refused(importBytes(folder, changed, to), 'DAMAGED')
      assert.equal(error.kind, 'damage')
      assert.ok(!existsSync(to), `byte ${at}`)
    }
  })

  it('with any byte changed and the checksum made anew: what holds it together holds without it', async context => {
    const folder = await makeSmall(context)
    const bytes = readFileSync((await exported(folder, 'archive.tar')).file)
    const to = beside(folder, 'imported')
    const end = bytes.length - 2048
    for (let at = 0; at < end; at += at % 512 < 160 ? 3 : 17) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 0x40
      createHash('sha256')
        .update(changed.subarray(0, end))
        .digest('hex')
        .split('')
        .forEach((digit, i) => {
          changed.write(digit, end + 512 + i)
        })
      await refused(importBytes(folder, changed, to), 'DAMAGED', 'DIVERGED')
      assert.ok(!existsSync(to), `byte ${at}`)
    }
  })
})
