// Exports of the log and the memory of a witness when their disk fails, the process is killed or the power goes, at
// every operation: a reader of the export always finds a whole log, a witness never forgets what it has cosigned.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { verifyCheckpoint } from '../../../src/core/format/checkpoint.ts'
import { isHostError } from '../../../src/core/host/error.ts'
import { createFailingHost, type FailingHost, type Fault, SimulatedCrash } from '../../../src/core/host/failing.ts'
import type { Host } from '../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import { openWitness } from '../../../src/core/system.ts'
import {
  createSeededRandomness,
  createTestHost,
  readFile,
  type TestHost,
  type TestHostOptions,
} from '../../support/host.ts'
import { tried } from '../../support/thorough.ts'
import { makeLog, openLog, type TestLog } from '../witness/logs.ts'

const hashOf = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

function rootOf(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 1) return Buffer.from(leaves[0]!)
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return hashOf(Uint8Array.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

function bytesAt(host: Host, path: string): Uint8Array {
  const split = path.lastIndexOf('/')
  const directory = host.files.openDirectory(path.slice(0, split))
  assert.ok(directory !== undefined, `${path} is missing`)
  return readFile(directory, path.slice(split + 1))
}

/** What a stranger finds there: a checkpoint, all entries below it, and the tiles of their hashes. */
function sizeOfWhole(host: Host, log: TestLog): number {
  const verdict = verifyCheckpoint(bytesAt(host, '/published/checkpoint'), [log.key])
  assert.ok(verdict.state === 'ok')
  const { size, root } = verdict.checkpoint
  const leaves: Buffer[] = []
  for (let tile = 0; tile * 256 < size; tile++) {
    const width = Math.min(256, size - tile * 256)
    const name = `00${tile}${width < 256 ? `.p/${width}` : ''}`
    let rest = Buffer.from(bytesAt(host, `/published/tile/entries/${name}`))
    const before = leaves.length
    for (; rest.length > 0; rest = rest.subarray(2 + rest.readUInt16BE(0))) {
      leaves.push(hashOf(Uint8Array.of(0), rest.subarray(2, 2 + rest.readUInt16BE(0))))
    }
    const hashes = Buffer.concat(leaves.slice(before))
    assert.deepEqual(Buffer.from(bytesAt(host, `/published/tile/0/${name}`)), hashes)
  }
  assert.deepEqual(rootOf(leaves), Buffer.from(root))
  if (size >= 256) bytesAt(host, `/published/tile/1/000.p/${Math.floor(size / 256)}`)
  return size
}

interface Made {
  readonly inner: TestHost
  readonly host: FailingHost
}

/** A log of 300 records of which 100 are published and seen by a witness; the rest is to come. */
async function make(options: TestHostOptions = {}): Promise<Made> {
  const inner = createTestHost(options)
  const log = makeLog(inner, 'log')
  await log.grow(100)
  await log.publish('/published')
  await look(inner)
  await log.grow(200)
  log.close()
  return { inner, host: createFailingHost(inner) }
}

async function look(host: Host): Promise<{ state: string; size: number; before: number }> {
  const witness = openWitness(host, { statePath: '/witness', keys: [] })
  try {
    for await (const { state, size = 0, before = 0 } of witness.look(['/log'])) return { state, size, before }
    throw new Error('it did not look')
  } finally {
    witness.close()
  }
}

const faults: Readonly<Record<string, Fault>> = {
  'fails with an input or output error': { kind: 'error', code: 'IO' },
  'finds the disk full': { kind: 'error', code: 'NO_SPACE' },
  'writes a part and fails': { kind: 'shortWrite', code: 'IO', bytes: 70 },
  'is the last of its process': { kind: 'crash' },
  'is cut short with its process': { kind: 'crash', bytes: 40 },
}

const isExpected = (error: unknown): boolean =>
  isSentientError(error) || isHostError(error) || error instanceof SimulatedCrash

/** Runs `action` once for each of its operations, which fails; then `check` on what is left: `told` is what it said. */
async function forEach(
  fault: Fault,
  options: TestHostOptions,
  action: (host: Host) => Promise<boolean>,
  check: (host: TestHost, told: boolean) => Promise<void>,
): Promise<void> {
  const first = await make(options)
  await action(first.host)
  const count = first.host.faults.count
  assert.ok(count > 30, String(count))
  let failures = 0
  for (let n = 1; n <= count; n++) {
    const { inner, host } = await make(options)
    host.faults.failAt(n, fault)
    let told = false
    try {
      told = await action(host)
    } catch (error) {
      assert.ok(isExpected(error), `operation ${n}: ${error instanceof Error ? error.stack : error}`)
    }
    if (!told) failures++
    if (options.powerCut !== undefined) inner.disk.cutPower(createSeededRandomness(n))
    const next = createMemoryHost({ disk: inner.disk, clock: inner.clock, random: inner.random })
    await check({ ...next, clock: inner.clock }, told)
    tried(
      options.powerCut !== undefined
        ? 'power cuts'
        : fault.kind === 'crash'
          ? 'ends of the process'
          : 'operations that fail',
    )
  }
  assert.ok(failures > count / 4, `${failures} of ${count} operations mattered`)
}

async function publish(host: Host): Promise<boolean> {
  const log = openLog(host, '/log')
  try {
    await log.publish('/published')
    return true
  } finally {
    if (!('faults' in host && (host as FailingHost).faults.crashed)) log.close()
  }
}

async function checkPublished(host: TestHost, told: boolean): Promise<void> {
  const log = openLog(host, '/log')
  const size = sizeOfWhole(host, log)
  assert.ok(size === 300 || (!told && size === 100), String(size))
  await log.publish('/published')
  assert.equal(sizeOfWhole(host, log), 300)
  log.close()
}

/** Where the log itself cannot be read it says so, and has not cosigned. */
const watch = async (host: Host): Promise<boolean> => (await look(host)).state === 'grown'

async function checkWitness(host: TestHost, told: boolean): Promise<void> {
  const found = await look(host)
  assert.equal(found.size, 300)
  if (found.state === 'same') assert.equal(found.before, 300)
  else assert.deepEqual([found.state, found.before, told], ['grown', 100, false])
}

describe('an export of the log is whole', () => {
  for (const [what, fault] of Object.entries(faults)) {
    it(`when any one operation ${what}`, () => forEach(fault, {}, publish, checkPublished))
  }
  for (const powerCut of ['ordered', 'loose'] as const) {
    it(`when the power goes at any operation (names ${powerCut})`, () =>
      forEach({ kind: 'crash' }, { powerCut }, publish, checkPublished))
  }
})

describe('a witness remembers', () => {
  for (const [what, fault] of Object.entries(faults)) {
    it(`when any one operation ${what}`, () => forEach(fault, {}, watch, checkWitness))
  }
  for (const powerCut of ['ordered', 'loose'] as const) {
    it(`when the power goes at any operation (names ${powerCut})`, () =>
      forEach({ kind: 'crash' }, { powerCut }, watch, checkWitness))
  }
})
