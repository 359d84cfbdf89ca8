// Copies of a root folder, moved ones and restored ones: which of them go on, which ask, and what adopting them does.

import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { parseCheckpoint, verifyCheckpoint } from '../../src/core/format/checkpoint.ts'
import { decodeFormatFile } from '../../src/core/format/formatFile.ts'
import { parseNote, parseVerifierKey } from '../../src/core/format/note.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { HostError } from '../../src/core/host/error.ts'
import type { Host } from '../../src/core/host/host.ts'
import { type AdoptReport, adoptRoot, initRoot, openSystem, type System } from '../../src/core/system.ts'
import { createTestClock, makeTemporaryFolder } from '../support/host.ts'
import { finished, put, refused } from './timeline/support.ts'

interface Place {
  readonly host: Host
  at(name: string): string
  with<T>(name: string, work: (system: System) => Promise<T>): Promise<T>
  adopt(name: string, as: 'moved' | 'copy'): Promise<AdoptReport>
  copy(from: string, to: string): void
}

/** A folder with the root folder `one` of two files in it, and a device that remembers what it signs. */
async function makePlace(context: TestContext, stateDirectory = 'state'): Promise<Place> {
  const folder = makeTemporaryFolder()
  context.after(() => folder.remove())
  const at = (name: string): string => path.join(folder.path, name)
  const clock = createTestClock({ startMicros: Date.now() * 1000 })
  const host = { ...createDiskHost({ label: 'test', stateDirectoryPath: at(stateDirectory) }), clock }
  const place: Place = {
    host,
    at,
    async with(name, work) {
      const system = await openSystem(host, { rootPath: at(name), access: 'write' })
      try {
        return await work(system)
      } finally {
        await system.close()
      }
    },
    adopt: (name, as) => finished(adoptRoot(host, { rootPath: at(name), as })),
    copy: (from, to) => cpSync(at(from), at(to), { recursive: true, preserveTimestamps: true }),
  }
  folder.directory.makeDirectory('one', 0o755)
  writeFileSync(at('one/a'), 'a')
  await finished(initRoot(host, { path: at('one'), zk: true }))
  return place
}

const stateOf = (place: Place, name: string): Promise<string> => place.with(name, async system => system.binding.state)

async function assertVerified(place: Place, name: string): Promise<void> {
  const { findings } = await place.with(name, system => finished(system.verify({ deep: true })))
  assert.deepEqual(findings, [])
}

const checkpointOf = (place: Place, name: string): Buffer => readFileSync(place.at(`${name}/.runtime/checkpoint`))
const formatOf = (place: Place, name: string) => decodeFormatFile(readFileSync(place.at(`${name}/.runtime/format`)))

test('a copy is read, asks before it is written, and becomes a log of its own', async context => {
  const place = await makePlace(context)
  place.copy('one', 'two')
  await place.with('one', system => put(system, 'a', 'in the original'))
  const before = checkpointOf(place, 'two')
  await place.with('two', async system => {
    assert.equal(system.access, 'read')
    assert.equal(system.binding.state, 'copied')
    const error = await refused(put(system, 'a', 'in the copy'), 'COPY')
    assert.equal(error, system.binding.refusal)
    assert.match(
      error.message,
      new RegExp(`still at ${place.at('one')}.*last signed at ${place.at('one')}, over 4 records`, 's'),
    )
    assert.match(error.hint, /adopt --copy.*adopt --moved/s)
    assert.equal(system.now().records, 3)
  })
  assert.deepEqual(checkpointOf(place, 'two'), before)
  await refused(place.adopt('two', 'moved'), 'COPY')

  const report = await place.adopt('two', 'copy')
  assert.equal(report.adopted, true)
  assert.equal(report.found, 'copied')
  assert.equal(report.seq, 3)
  assert.equal(report.goesOnFrom, 3)
  assert.deepEqual(formatOf(place, 'two').earlier, [formatOf(place, 'one').logId])
  assert.deepEqual(readdirSync(place.at('two/.auth')).sort(), ['log-0.vkey', 'log-1.pem', 'log-1.vkey'])
  for (const name of ['one', 'two']) {
    await place.with(name, system => put(system, 'a', `later in ${name}`))
    assert.equal(await stateOf(place, name), 'bound')
    await assertVerified(place, name)
  }
  const keys = await place.with('two', async system => system.verifierKeys())
  assert.deepEqual(
    keys.map(key => parseVerifierKey(key).name.split('/').at(-1)),
    ['0', '1'],
  )
  const note = checkpointOf(place, 'two')
  assert.equal(
    verifyCheckpoint(
      note,
      keys.slice(1).map(key => parseVerifierKey(key)),
    ).state,
    'ok',
  )
  assert.equal(
    verifyCheckpoint(
      before,
      keys.slice(0, 1).map(key => parseVerifierKey(key)),
    ).state,
    'ok',
    'given away before',
  )
  await place.with('two', async system => {
    assert.deepEqual([system.record(3).action, system.record(2).action === 'new-epoch'], ['new-epoch', false])
    const text = await system.consistency(before)
    assert.equal(text.consistent, true)
  })
})

test('a folder that was only renamed goes on without a question', async context => {
  const place = await makePlace(context)
  renameSync(place.at('one'), place.at('two'))
  await place.with('two', async system => {
    assert.equal(system.access, 'write')
    assert.deepEqual(
      system.notices.map(({ code }) => code),
      ['moved'],
    )
    await put(system, 'a', 'b')
  })
  assert.equal(await stateOf(place, 'two'), 'bound')
  assert.equal(readdirSync(place.at('state')).filter(name => name.endsWith('.binding')).length, 1)
  place.copy('two', 'one')
  assert.equal(await stateOf(place, 'one'), 'copied')
})

test('a folder that was copied and its original removed asks, and moves with its key', async context => {
  const place = await makePlace(context)
  place.copy('one', 'two')
  rmSync(place.at('one'), { recursive: true })
  assert.equal(await stateOf(place, 'two'), 'moved')
  const before = parseCheckpoint(parseNote(checkpointOf(place, 'two')).text)
  const report = await place.adopt('two', 'moved')
  assert.equal(report.adopted, true)
  assert.equal(report.seq, undefined)
  assert.equal(report.origin, before.origin)
  await place.with('two', system => put(system, 'a', 'b'))
  await assertVerified(place, 'two')
  assert.equal((await place.adopt('two', 'moved')).adopted, false)
})

test('an older backup that was put back begins an epoch and signs nothing under the old key', async context => {
  const place = await makePlace(context)
  place.copy('one', 'backup')
  await place.with('one', system => put(system, 'a', 'lost'))
  await place.with('one', system => put(system, 'a', 'lost too'))
  const lost = checkpointOf(place, 'one')
  rmSync(place.at('one'), { recursive: true })
  renameSync(place.at('backup'), place.at('one'))
  const old = checkpointOf(place, 'one')
  await place.with('one', async system => {
    assert.equal(system.binding.state, 'behind')
    const error = await refused(put(system, 'a', 'forked'), 'COPY')
    assert.match(error.message, /over 5 records; the journal has 3 records/)
    await refused(system.signCheckpoint(), 'COPY')
  })
  const report = await place.adopt('one', 'moved')
  assert.equal(report.lost, 5)
  assert.equal(report.goesOnFrom, 3)
  assert.match(report.origin, /\/1$/)
  assert.deepEqual(formatOf(place, 'one').earlier, undefined)
  for (const text of ['1', '2', '3']) await place.with('one', system => put(system, 'a', text))
  await assertVerified(place, 'one')
  await place.with('one', async system => {
    assert.equal((await system.consistency(old)).consistent, true)
    const forked = await system.consistency(lost)
    assert.equal(forked.consistent, false)
    assert.match(forked.newer.origin, /\/1$/)
  })
})

test('a folder from another device asks, and moves with a new key', async context => {
  const place = await makePlace(context)
  const other: Place = { ...place, host: createDiskHost({ label: 'other', stateDirectoryPath: place.at('other') }) }
  const system = await openSystem(other.host, { rootPath: place.at('one'), access: 'write' })
  assert.equal(system.binding.state, 'absent')
  await refused(put(system, 'a', 'b'), 'COPY')
  await system.close()
  const report = await finished(adoptRoot(other.host, { rootPath: place.at('one'), as: 'moved' }))
  assert.match(report.origin, /\/1$/)
  // Back on the first device, which signed no more than is there, it goes on under the new key.
  assert.equal(await stateOf(place, 'one'), 'bound')
  await place.with('one', again => put(again, 'a', 'c'))
  await assertVerified(place, 'one')
})

test('a disk that can not say what this device remembers is an error', async context => {
  const place = await makePlace(context)
  const [name = ''] = readdirSync(place.at('state')).filter(file => file.endsWith('.binding'))
  const damaged = readFileSync(place.at(`state/${name}`))
  damaged[20]! ^= 1
  writeFileSync(place.at(`state/${name}`), damaged)
  assert.equal(await stateOf(place, 'one'), 'absent')
  const stateDirectory = place.host.stateDirectory!
  const failing = new Proxy(stateDirectory, {
    get(target, key) {
      if (key !== 'open') return Reflect.get(target, key)
      return (file: string, mode: 'read') => {
        if (mode !== 'read') return target.open(file, mode)
        throw new HostError('OTHER', 'open', file)
      }
    },
  })
  const host = { ...place.host, stateDirectory: failing }
  await refused(openSystem(host, { rootPath: place.at('one'), access: 'write' }), 'IO')
})
