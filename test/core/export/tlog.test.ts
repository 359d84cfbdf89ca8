// The log as C2SP tlog-tiles, held against the layout's own text: paths, widths, bundles; what a later export adds and
// takes away; when it is refused. (Of a log with a third level of tiles: test/verifiers.)

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { exportTlog } from '../../../src/core/export/tlog.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { consistencyFileText } from '../../../src/core/verify/consistency.ts'
import { createTestHost, describeTree, readFile, type TestHost, writeFile } from '../../support/host.ts'
import { copyLog, makeLog, ofLog, openLog, renewKey, type TestLog } from '../witness/logs.ts'

let host: TestHost
let log: TestLog
beforeEach(() => {
  host = createTestHost()
  log = makeLog(host, 'log')
})

const at = (path: string): Directory => host.files.openDirectory(path)!

function filesBelow(directory: Directory, prefix = ''): string[] {
  return directory
    .list()
    .flatMap(({ name, kind }) =>
      kind === 'dir' ? filesBelow(directory.child(name)!, `${prefix}${name}/`) : [prefix + name],
    )
    .sort()
}

function bytesAt(path: string): Uint8Array {
  const split = path.lastIndexOf('/')
  return readFile(at(path.slice(0, split)), path.slice(split + 1))
}

const hashOf = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** RFC 6962, the slow way. */
function rootOf(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 1) return Buffer.from(leaves[0]!)
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return hashOf(Uint8Array.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

/** The leaves of all bundles; asserts that each is followed by nothing. */
function leavesIn(path: string, size: number): Buffer[] {
  const leaves: Buffer[] = []
  for (let tile = 0; tile * 256 < size; tile++) {
    const width = Math.min(256, size - tile * 256)
    const name = tile.toString().padStart(3, '0')
    let rest = Buffer.from(bytesAt(`${path}/tile/entries/${name}${width < 256 ? `.p/${width}` : ''}`))
    const before = leaves.length
    while (rest.length > 0) {
      const length = rest.readUInt16BE(0)
      leaves.push(hashOf(Uint8Array.of(0), rest.subarray(2, 2 + length)))
      rest = rest.subarray(2 + length)
    }
    assert.equal(leaves.length - before, width)
  }
  return leaves
}

describe('one export', () => {
  test('has the bundles of the records, tiles of their hashes, and the checkpoint as it is', async () => {
    await log.grow(600)
    const report = await log.publish('/published')
    assert.deepEqual([report.size, report.before, report.files], [600, 0, 8])
    assert.deepEqual(filesBelow(at('/published')), [
      'checkpoint',
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/88',
      'tile/1/000.p/2',
      'tile/entries/000',
      'tile/entries/001',
      'tile/entries/002.p/88',
    ])
    assert.deepEqual(bytesAt('/published/checkpoint'), log.note())
    const leaves = leavesIn('/published', 600)
    assert.deepEqual(Buffer.from(bytesAt('/published/tile/0/001')), Buffer.concat(leaves.slice(256, 512)))
    assert.deepEqual(Buffer.from(bytesAt('/published/tile/0/002.p/88')), Buffer.concat(leaves.slice(512)))
    const above = Buffer.concat([rootOf(leaves.slice(0, 256)), rootOf(leaves.slice(256, 512))])
    assert.deepEqual(Buffer.from(bytesAt('/published/tile/1/000.p/2')), above)
    assert.deepEqual(rootOf(leaves), Buffer.from(log.journal.rootHash(600)))
  })

  test('needs a checkpoint, a parent directory, and a sound journal', async () => {
    const refused = (code: Parameters<typeof isSentientError>[1]) => (error: unknown) => isSentientError(error, code!)
    await assert.rejects(log.publish('/published'), refused('STATE_NOT_FOUND'))
    await log.grow(3)
    await assert.rejects(log.publish('/no/such/place'), refused('PATH_NOT_FOUND'))
    const other = makeLog(createTestHost({ seed: 9 }), 'log')
    assert.equal(other.key.name, log.key.name)
    await assert.rejects(log.publish('/published', { verifier: other.key }), refused('DAMAGED'))
    assert.equal(host.files.openDirectory('/published'), undefined)
  })

  test('sees what another process has signed since the journal was opened', async () => {
    await log.grow(3)
    const other = openLog(host, '/log')
    await other.grow(400)
    assert.equal((await log.publish('/published')).size, 403)
    const { text, consistent } = consistencyFileText(ofLog(openLog(host, '/log')), 3, other.note())
    await other.grow(5)
    const later = consistencyFileText(ofLog(log), 3, other.note())
    assert.deepEqual([consistent, later.consistent, later.newer.size], [true, true, 408])
    assert.notEqual(later.text, text)
  })

  test('waits for the key that is in force now', async () => {
    await log.grow(3)
    const { key } = makeLog(host, 'later', '/', 1)
    await assert.rejects(log.publish('/published', { verifier: key }), { code: 'KEY' })
  })

  test('can be stopped; the checkpoint comes last, and the next export is whole', async () => {
    await log.grow(5000)
    const stop = new AbortController()
    let looked = 0
    const slow = {
      ...host.clock,
      monotonicMs() {
        if (++looked === 8) stop.abort()
        return looked * 1000
      },
    }
    await assert.rejects(log.publish('/published', { clock: slow, signal: stop.signal }), { code: 'CANCELLED' })
    assert.equal(at('/published').stat('checkpoint'), undefined)
    await log.publish('/published')
    await log.publish('/fresh')
    assert.deepEqual(describeTree(at('/published')), describeTree(at('/fresh')))
  })
})

describe('a later export', () => {
  test('to the same place gives what one export gives, partial tiles of checkpoints in between apart', async () => {
    for (const more of [1, 254, 1, 1, 255, 88]) {
      await log.grow(more)
      await log.publish('/published')
      await log.publish(`/at-${log.journal.head().size}`)
      const [grown, fresh] = [at('/published'), at(`/at-${log.journal.head().size}`)].map(directory =>
        filesBelow(directory),
      )
      const isPartial = (name: string): boolean => name.includes('.p/')
      assert.deepEqual(
        grown!.filter(name => !isPartial(name)),
        fresh!.filter(name => !isPartial(name)),
      )
      for (const name of fresh!) {
        assert.ok(grown!.includes(name), name)
        const path = `/at-${log.journal.head().size}/${name}`
        assert.deepEqual(bytesAt(`/published/${name}`), bytesAt(path), name)
      }
      // A partial tile is there for no full one.
      for (const name of grown!.filter(isPartial)) assert.ok(!grown!.includes(name.replace(/\.p\/.*/, '')), name)
    }
  })

  test('writes nothing when there is nothing new, and everything when it is told to', async () => {
    await log.grow(300)
    await log.publish('/published')
    assert.equal((await log.publish('/published')).files, 0)
    writeFile(at('/published/tile/0'), '000', 'damaged')
    assert.equal((await log.publish('/published')).files, 0)
    assert.equal((await log.publish('/published', { all: true })).files, 6)
    assert.equal(bytesAt('/published/tile/0/000').length, 8192)
  })

  test('beside another export to the same place never takes back what that one showed', async () => {
    await log.grow(1000)
    let looked = 0
    const slow = { ...host.clock, monotonicMs: () => 1000 * looked++ }
    const { journal, key: verifier } = log
    const work = exportTlog({ journal, files: host.files, clock: slow, verifier, path: '/published' })
    assert.equal((await work.next()).done, false)
    await log.grow(700)
    await log.publish('/published')
    for (let step = await work.next(); !step.done; step = await work.next());
    assert.match(Buffer.from(bytesAt('/published/checkpoint')).toString(), /\n1700\n/)
    assert.deepEqual(rootOf(leavesIn('/published', 1700)), Buffer.from(log.journal.rootHash(1700)))
  })

  test('goes on under a new key of the same log', async () => {
    await log.grow(300)
    await log.publish('/published')
    const renewed = renewKey(host, log, 1)
    await assert.rejects(renewed.publish('/published'), { code: 'KEY' })
    await renewed.grow(5)
    assert.equal((await renewed.publish('/published')).before, 300)
    assert.deepEqual(bytesAt('/published/checkpoint'), renewed.note())
  })

  test('is refused where another history, or something else, lies', async () => {
    await log.grow(10)
    const copy = copyLog(host, log, 'copy')
    await log.grow(5, 'original')
    await copy.grow(7, 'copy')
    await log.publish('/published')
    const before = describeTree(at('/published'))
    await assert.rejects(copy.publish('/published'), { code: 'DAMAGED' })
    const shorter = copyLog(host, log, 'shorter')
    await log.grow(5)
    await log.publish('/published')
    await assert.rejects(shorter.publish('/published'), { code: 'DAMAGED' })
    assert.notDeepEqual(describeTree(at('/published')), before)
    for (const place of ['/log', '/log/.runtime', '/log/.auth']) {
      await assert.rejects(log.publish(place), { code: 'PATH_EXISTS' })
    }
    writeFile(at('/published'), 'checkpoint', 'not a note')
    await assert.rejects(log.publish('/published'), { code: 'PATH_EXISTS' })
  })
})
