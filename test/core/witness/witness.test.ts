// A witness: what it cosigns, what it refuses, how it finds forks and what it keeps of them; from root folders,
// published tiles, files and the network.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { verifyCheckpoint } from '../../../src/core/format/checkpoint.ts'
import { verifyConsistencyFile } from '../../../src/core/format/consistency.ts'
import { cosignedAt, parseCosignerKey } from '../../../src/core/format/cosignature.ts'
import type { Host, Network } from '../../../src/core/host/host.ts'
import { openWitness } from '../../../src/core/system.ts'
import type { Look, Witness } from '../../../src/core/witness/witness.ts'
import { createTestHost, describeTree, readFile, type TestHost, writeFile } from '../../support/host.ts'
import { copyLog, makeLog, ofLog, renewKey, type TestLog } from './logs.ts'

let host: TestHost
beforeEach(() => {
  host = createTestHost()
})

const open = (more: Partial<Parameters<typeof openWitness>[1]> = {}, on: Host = host): Witness =>
  openWitness(on, { statePath: '/witness', keys: [], ...more })

async function looks(places: readonly string[], more: Parameters<typeof open>[0] = {}, on: Host = host) {
  const witness = open(more, on)
  const all: Look[] = []
  for await (const look of witness.look(places)) all.push(look)
  witness.close()
  return all
}

async function look(place: string, more: Parameters<typeof open>[0] = {}, on: Host = host): Promise<Look> {
  const [only] = await looks([place], more, on)
  return only!
}

const bytesAt = (path: string): Uint8Array => {
  const split = path.lastIndexOf('/')
  return readFile(host.files.openDirectory(path.slice(0, split))!, path.slice(split + 1))
}

function writeAt(path: string, bytes: Uint8Array | string): void {
  const split = path.lastIndexOf('/')
  writeFile(host.files.openDirectory(path.slice(0, split) || '/')!, path.slice(split + 1), bytes)
}

/** The file of the evidence says "fork" to whoever has the key, and is about these sizes. */
function assertEvidence({ evidence, state }: Look, log: TestLog, sizes: readonly [number, number]): void {
  assert.equal(state, 'fork')
  const verdict = verifyConsistencyFile(bytesAt(evidence!), [log.key])
  assert.ok(verdict.state === 'fork', verdict.state)
  assert.deepEqual([verdict.old.size, verdict.checkpoint.size], sizes)
}

function sizeKept(log: TestLog, last: Look): number {
  const verdict = verifyCheckpoint(bytesAt(last.cosigned!.file), [log.key])
  assert.ok(verdict.state === 'ok')
  return verdict.checkpoint.size
}

describe('what goes on', () => {
  test('is cosigned, with the time; what is unchanged is not signed again before an hour has gone', async () => {
    const log = makeLog(host, 'log')
    await log.grow(5)
    const first = await look('/log')
    assert.deepEqual([first.state, first.size, first.before], ['first', 5, undefined])
    const key = parseCosignerKey(open().verifierKey)
    const at = cosignedAt(Buffer.from(first.cosigned!.note), key)
    assert.equal(at, Math.floor(host.clock.nowMicros() / 1_000_000))
    assert.equal(sizeKept(log, first), 5)
    host.clock.advance(1000 * 1000)
    const same = await look('/log')
    assert.deepEqual([same.state, same.before, same.cosigned!.note], ['same', 5, first.cosigned!.note])
    host.clock.advance(3000 * 1000)
    assert.notEqual((await look('/log')).cosigned!.note, first.cosigned!.note)
    for (const more of [1, 2, 300, 255]) {
      await log.grow(more)
      const grown = await look('/log')
      assert.deepEqual([grown.state, grown.size! - grown.before!], ['grown', more])
      assert.ok(cosignedAt(Buffer.from(grown.cosigned!.note), key)! > at)
    }
  })

  test('a root folder is only read', async () => {
    const log = makeLog(host, 'log')
    await log.grow(300)
    log.close()
    const folder = host.files.openDirectory('/log')!
    const before = describeTree(folder)
    await look('/log')
    assert.deepEqual(describeTree(folder), before)
  })

  test('the same log is known again wherever it is published; keys are needed where none lies', async () => {
    const log = makeLog(host, 'log')
    await log.grow(300)
    await log.publish('/published')
    assert.equal((await look('/published')).state, 'unknown')
    assert.equal((await look('/published', { keys: [log.key] })).state, 'first')
    assert.equal((await look('/published')).state, 'same', 'the key is remembered')
    await log.grow(250)
    assert.equal((await look('/log')).state, 'grown')
    assert.equal((await look('/published')).state, 'older')
    await log.publish('/published')
    assert.equal((await look('/published')).state, 'same')
    await log.grow(70)
    await log.publish('/published')
    assert.equal((await look('/published')).state, 'grown')
  })

  test('a new key is another log; whether its records go on is said', async () => {
    const log = makeLog(host, 'log')
    await log.grow(6)
    const shorter = copyLog(host, log, 'shorter')
    const other = copyLog(host, log, 'other')
    await log.grow(3)
    await look('/log')
    const texts: string[] = []
    for (const [one, more] of [
      [log, 2],
      [shorter, 1],
      [other, 30],
    ] as const) {
      const renewed = renewKey(host, one, 1)
      await renewed.grow(more, 'renewed')
      const found = await look(one.path, { statePath: `/witness-of-${one.path.slice(1)}` })
      assert.equal(found.state, 'first')
      const again = await look(one.path)
      texts.push(`${again.state}: ${again.text}`)
      const kept = host.files.openDirectory('/witness/logs')!
      // Forgotten again, so that the next one is new too.
      const name = createHash('sha256').update(renewed.key.name).digest('hex')
      for (const file of kept.child(name)!.list()) kept.child(name)!.removeFile(file.name)
      kept.removeDirectory(name)
    }
    assert.deepEqual(texts, [
      'first: a new key, cosigned; of the 9 records seen under the key before it all are there',
      'first: a new key, cosigned; of the 9 records seen under the key before it only 7 are there',
      'first: a new key, cosigned; of the 9 records seen under the key before it some are NOT there',
    ])
  })

  test('files: a checkpoint alone, and the proof that it goes on', async () => {
    const log = makeLog(host, 'log')
    await log.grow(7)
    writeAt('/monday', log.note())
    assert.equal((await look('/monday', { keys: [log.key] })).state, 'first')
    await log.grow(6)
    writeAt('/tuesday', log.note())
    const unproven = await look('/tuesday')
    assert.deepEqual([unproven.state, unproven.cosigned], ['unproven', undefined])
    const { consistencyFileText } = await import('../../../src/core/verify/consistency.ts')
    writeAt('/tuesday.proof', consistencyFileText(ofLog(log), bytesAt('/monday'), log.note()).text)
    assert.deepEqual((await look('/tuesday.proof')).state, 'grown')
    assert.equal((await look('/tuesday')).state, 'same')
    // The proof lies where the log was seen last.
    assert.equal((await look('/monday')).state, 'older')
  })
})

describe('a fork', () => {
  async function parted(common: number, original: number, copied: number): Promise<{ log: TestLog; copy: TestLog }> {
    const log = makeLog(host, 'log')
    await log.grow(common)
    const copy = copyLog(host, log, 'copy')
    await log.grow(original, 'original')
    await copy.grow(copied, 'copy')
    return { log, copy }
  }

  for (const [common, original, copied] of [
    [5, 3, 3],
    [5, 3, 4],
    [5, 4, 3],
    [8, 8, 20],
    [1, 7, 1],
    [300, 1, 500],
    [300, 500, 1],
  ] as const) {
    test(`after ${common} records, ${original} and ${copied} more: the second is refused, the first goes on`, async () => {
      const { log } = await parted(common, original, copied)
      assert.equal((await look('/log')).state, 'first')
      const [one, two] = [common + original, common + copied]
      const fork = await look('/copy')
      assertEvidence(fork, log, one <= two ? [one, two] : [two, one])
      assert.equal(fork.cosigned, undefined)
      const again = await look('/copy')
      assert.equal(again.evidence, fork.evidence)
      await log.grow(2, 'later')
      const after = await look('/log')
      assert.equal(after.state, 'grown')
      assert.equal(sizeKept(log, after), one + 2)
    })
  }

  test('is found in one round too, among published logs and files, in every order', async () => {
    const { log, copy } = await parted(20, 4, 9)
    await log.publish('/one')
    await copy.publish('/two')
    writeAt('/alone', copy.note())
    for (const [place, places] of [
      ['/two', ['/one', '/two']],
      ['/one', ['/two', '/one']],
      ['/alone', ['/one', '/alone', '/two']],
    ] as const) {
      const statePath = `/witness-of${places.join('').replaceAll('/', '-')}`
      const found = await looks(places, { statePath, keys: [log.key] })
      assertEvidence(found.find(one => one.place === place)!, log, [24, 29])
    }
  })

  test('what nobody can prove is neither cosigned nor called a fork', async () => {
    const { log, copy } = await parted(20, 4, 9)
    writeAt('/alone', copy.note())
    await look('/log')
    const alone = await look('/alone')
    assert.deepEqual([alone.state, alone.evidence, alone.cosigned], ['unproven', undefined, undefined])
    assert.equal(sizeKept(log, await look('/log')), 24)
  })

  test('another key under the name of a known one is refused', async () => {
    const { log } = await parted(4, 1, 1)
    await look('/log')
    const stranger = makeLog(createTestHost({ seed: 7 }), 'log')
    const refused = await look('/log', { keys: [{ ...stranger.key, name: log.key.name }] })
    assert.equal(refused.state, 'refused')
  })
})

describe('over the network', () => {
  /** Serves the files below a directory, as a static web server does. */
  function serving(path: string, change: (path: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes) {
    const asked: string[] = []
    const network: Pick<Network, 'get'> = {
      async get(url, { bytesMax }) {
        const below = url.replace('https://log.example/', '')
        asked.push(below)
        let bytes: Uint8Array
        try {
          bytes = change(below, bytesAt(`${path}/${below}`))
        } catch {
          return { state: 'answered', status: 404, bytes: new Uint8Array(0) }
        }
        return bytes.length > bytesMax
          ? { state: 'failed', reason: 'too long' }
          : { state: 'answered', status: 200, bytes }
      },
    }
    return { asked, on: { ...host, network: network as Network } }
  }

  test('a handful of small files is fetched, whatever the size of the log', async () => {
    const log = makeLog(host, 'log')
    await log.grow(1000)
    await log.publish('/published')
    const { asked, on } = serving('/published')
    const url = 'https://log.example/'
    assert.equal((await look(url, { keys: [log.key] }, on)).state, 'first')
    assert.deepEqual(asked, ['checkpoint'])
    await log.grow(777)
    await log.publish('/published')
    const grown = await look(url, {}, on)
    assert.deepEqual([grown.state, grown.place], ['grown', 'https://log.example'])
    assert.ok(asked.length < 10, asked.join(' '))
  })

  test('tiles that are wrong, cut or missing prove nothing', async () => {
    const log = makeLog(host, 'log')
    await log.grow(300)
    await log.publish('/published')
    const url = 'https://log.example'
    const { on } = serving('/published')
    await look(url, { keys: [log.key] }, on)
    await log.grow(300)
    await log.publish('/published')
    const isTile = (path: string): boolean => path.startsWith('tile/')
    const changes: ((path: string, bytes: Uint8Array) => Uint8Array)[] = [
      (path, bytes) => (isTile(path) ? bytes.map(byte => byte ^ 1) : bytes),
      (path, bytes) => (isTile(path) ? bytes.subarray(0, 40) : bytes),
      (path, bytes) => (isTile(path) ? new Uint8Array(0) : bytes),
      (path, bytes) => {
        if (isTile(path)) throw new Error('missing')
        return bytes
      },
    ]
    for (const change of changes) {
      const found = await look(url, {}, serving('/published', change).on)
      assert.deepEqual([found.state, found.cosigned, found.evidence], ['unproven', undefined, undefined])
    }
    const unsigned = await look(
      url,
      {},
      serving('/published', (_, bytes) => bytes.map((byte, i) => byte ^ Number(i === 200))).on,
    )
    assert.equal(unsigned.state, 'refused')
    assert.equal((await look(url, {}, on)).state, 'grown')
  })

  test('what cannot be reached is said, and the others are looked at', async () => {
    const log = makeLog(host, 'log')
    await log.grow(3)
    const network: Pick<Network, 'get'> = { get: async () => ({ state: 'failed', reason: 'ECONNREFUSED' }) }
    const found = await looks(['https://log.example', '/nowhere', '/log'], {}, { ...host, network: network as Network })
    assert.deepEqual(
      found.map(({ state }) => state),
      ['unreachable', 'unreachable', 'first'],
    )
    assert.match(found[0]!.text, /ECONNREFUSED/)
    assert.equal((await look('https://log.example')).state, 'unreachable', 'without a network')
  })
})

describe('what it remembers', () => {
  test('its key has one name, and its own file 0600', async () => {
    const { verifierKey } = open({ name: 'witness.example/w1' })
    assert.match(verifierKey, /^witness\.example\/w1\+[0-9a-f]{8}\+B/)
    assert.equal(open().verifierKey, verifierKey)
    assert.throws(() => open({ name: 'witness.example/w2' }), { code: 'KEY' })
    assert.throws(() => open({ statePath: '/other', name: 'two words' }), { code: 'USAGE' })
    assert.equal(host.files.openDirectory('/witness')!.stat('witness.pem')!.mode, 0o600)
  })

  test('damage to it is said, and nothing is begun anew', async () => {
    const log = makeLog(host, 'log')
    await log.grow(3)
    const { cosigned } = await look('/log')
    const good = bytesAt(cosigned!.file)
    for (const bytes of [good.subarray(0, 50), new Uint8Array(0)]) {
      writeAt(cosigned!.file, bytes)
      await assert.rejects(look('/log'), error => isSentientError(error, 'DAMAGED'))
    }
    writeAt(cosigned!.file, good)
    assert.equal((await look('/log')).state, 'same')
  })

  test('several at a time in one directory agree', async () => {
    const log = makeLog(host, 'log')
    await log.grow(3)
    await look('/log')
    for (let round = 0; round < 5; round++) {
      await log.grow(2)
      const found = await Promise.all([look('/log'), look('/log'), look('/log')])
      for (const { state } of found) assert.ok(state === 'grown' || state === 'same', state)
    }
    assert.equal(sizeKept(log, await look('/log')), 13)
  })

  test('following tells what is new until it is stopped', async () => {
    const log = makeLog(host, 'log')
    await log.grow(3)
    const stop = new AbortController()
    const witness = open({ signal: stop.signal })
    const seen: string[] = []
    for await (const { state, size } of witness.follow(['/log'], 1000)) {
      seen.push(`${state} ${size}`)
      if (seen.length < 3) await log.grow(1)
      else stop.abort()
    }
    assert.deepEqual(seen, ['first 3', 'grown 4', 'grown 5'])
  })
})
