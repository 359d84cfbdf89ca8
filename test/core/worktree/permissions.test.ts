// What the system refuses: files and directories that can not be read, entered or written, folders on media that can
// not be written. Each is named, nothing is lost, and nothing is taken for deleted because it could not be seen.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createFailingHost } from '../../../src/core/host/failing.ts'
import type { System } from '../../../src/core/system.ts'
import { createTestHost, describeTree, file } from '../../support/host.ts'
import {
  changesOutside,
  diskOf,
  editOutside,
  finished,
  inMemory,
  makeRoot,
  onDisk,
  openRoot,
  put,
  recordedOf,
  refused,
  sourceOf,
  type TimelineSubject,
} from '../timeline/support.ts'
import { becomeNobody } from './nobody.ts'

let subject: TimelineSubject
let endNobody: () => void
let system: System | undefined

beforeEach(() => {
  endNobody = becomeNobody()
  subject = onDisk()
})

afterEach(async () => {
  for (const directory of ['', 'd', 'd/e']) {
    const place = path.join(subject.path, directory)
    if (fs.existsSync(place) && fs.statSync(place).isDirectory()) fs.chmodSync(place, 0o755)
  }
  await system?.close()
  system = undefined
  subject.remove()
  endNobody()
})

const mode = (name: string): number => fs.statSync(path.join(subject.path, name)).mode & 0o7777
const chmod = (name: string, to: number): void => fs.chmodSync(path.join(subject.path, name), to)

describe('what can not be read', () => {
  it('a file is left out with the reason, and kept once it can be', async () => {
    const made = await makeRoot(subject, { a: '1', secret: file('s', 0o000) })
    system = made
    assert.deepEqual(Object.keys(recordedOf(made)), ['a'])
    editOutside(subject.directory, { a: '2' })
    const kept = await finished(made.absorb([]))
    assert.deepEqual(kept.changed, ['a'])
    assert.deepEqual(kept.drifted, ['secret'])
    assert.match(kept.notices[0]?.text ?? '', /permission denied/)
    chmod('secret', 0o600)
    await finished(made.absorb([]))
    assert.deepEqual(recordedOf(made), { a: 'file 644 2', secret: 'file 600 s' })
  })

  it('a recorded file is not taken for changed, nor overwritten', async () => {
    const made = await makeRoot(subject, { a: 'one', b: 'b' })
    system = made
    await put(made, 'a', 'two')
    chmod('a', 0o000)
    const report = await finished(made.status())
    assert.deepEqual(
      report.changes.map(({ path, state, reason }) => [path, state, reason]),
      [['a', 'unreadable', 'permission denied']],
    )
    for (const work of [
      made.rollback(made.resolve('-1')),
      made.restore(['a'], made.resolve('-1')),
      made.remove(['a']),
      made.put('a', sourceOf('three')),
    ]) {
      const error = await refused(work, 'NOT_WRITABLE')
      assert.match(error.message, /at a;.*permission denied/)
    }
    chmod('a', 0o644)
    assert.equal(diskOf(subject.directory).a, 'file 644 two')
    assert.deepEqual(await changesOutside(made), {})
  })

  it('a directory does not make what is in it gone', async () => {
    const made = await makeRoot(subject, { a: '1', d: { e: { f: 'f' }, g: 'g' } })
    system = made
    const before = recordedOf(made)
    chmod('d', 0o000)
    const drift = await changesOutside(made)
    assert.deepEqual(Object.keys(drift), ['d'])
    await finished(made.absorb([]))
    assert.deepEqual(Object.keys(recordedOf(made)), Object.keys(before))
    await refused(made.put('d/g', sourceOf('x')), 'NOT_WRITABLE', 'IO')
    await refused(made.remove(['d'], { recursive: true }), 'NOT_WRITABLE', 'IO')
    chmod('d', 0o755)
    assert.deepEqual(diskOf(subject.directory), before)
  })
})

describe('what can not be written', () => {
  it('directories of ours that their mode closes are opened for the moment', async () => {
    const made = await makeRoot(subject, { d: { e: { f: 'f', g: 'g' } } })
    system = made
    await finished(made.setMode(['d', 'd/e'], () => 0o555))
    const closed = made.resolve('now')
    const before = diskOf(subject.directory)
    await put(made, 'd/e/f', 'changed')
    await put(made, 'd/e/new', 'new')
    await finished(made.remove(['d/e/g']))
    await finished(made.makeDirectory('d/more'))
    assert.deepEqual([mode('d'), mode('d/e')], [0o555, 0o555])
    assert.deepEqual(recordedOf(made), diskOf(subject.directory))
    await finished(made.rollback(closed))
    assert.deepEqual(diskOf(subject.directory), before)
    await finished(made.remove(['d'], { recursive: true }))
    assert.deepEqual(diskOf(subject.directory), {})
    await finished(made.undo())
    assert.deepEqual(diskOf(subject.directory), before)
  })

  it('somebody else’s directory is found out before the commit', async () => {
    const { host, ...rest } = inMemory()
    const failing = createFailingHost(host)
    const inside = { ...rest, host: failing }
    const made = await makeRoot(inside, { foreign: { f: 'f' }, ours: 'o' })
    failing.faults.failWhen(({ call, path: place }) => {
      const changes = ['create', 'rename', 'removeFile', 'removeDirectory', 'makeDirectory', 'makeSymlink', 'setMode']
      const denied = changes.includes(call) && /^\/folder\/foreign(\/|$)/.test(place)
      return denied ? { kind: 'error', code: 'DENIED' } : undefined
    })
    const { records } = made.now()
    for (const work of [
      made.put('foreign/f', sourceOf('x')),
      made.put('foreign/new', sourceOf('x')),
      made.remove(['foreign/f']),
      made.move(['ours'], 'foreign/o'),
      made.makeDirectory('foreign/d'),
    ]) {
      const error = await refused(work, 'NOT_WRITABLE')
      assert.match(error.message, /foreign/)
    }
    assert.equal(made.now().records, records)
    assert.deepEqual(await changesOutside(made), {})
    await made.close()
  })

  it('a folder without permission is opened for reading, says so, and stays as it is', async () => {
    const made = await makeRoot(subject, { a: '1', d: { b: '2' } })
    await put(made, 'a', '2')
    await made.close()
    const closed = closeTree(subject.path)
    const before = describeTree(subject.directory)
    const reader = await openRoot(subject)
    system = reader
    assert.equal(reader.access, 'read')
    assert.deepEqual(
      reader.notices.map(notice => notice.code),
      ['read-only'],
    )
    await assertOnlyReads(reader)
    await reader.close()
    system = undefined
    assert.deepEqual(describeTree(subject.directory), before)
    closed()
  })

  it('and so is one on media that can not be written', async () => {
    const host = createTestHost({ stateDirectoryPath: '/state' })
    const top = host.files.openDirectory('/')!
    top.makeDirectory('folder', 0o755)
    const directory = top.child('folder')!
    const folder = { host, path: '/folder', directory, advance: host.clock.advance, remove: () => {} }
    const made = await makeRoot(folder, { a: '1', d: { b: '2' } })
    await put(made, 'a', '2')
    await made.close()
    host.disk.setReadOnly(true)
    const reader = await openRoot(folder)
    assert.equal(reader.access, 'read')
    await assertOnlyReads(reader)
    await reader.close()
  })
})

/** Takes the right to write from everything; returns how to give it back. */
function closeTree(top: string): () => void {
  const modes = new Map<string, number>()
  for (const name of fs.readdirSync(top, { recursive: true, encoding: 'utf8' })) {
    const place = path.join(top, name)
    modes.set(place, fs.statSync(place).mode & 0o7777)
  }
  modes.set(top, fs.statSync(top).mode & 0o7777)
  for (const [place, was] of modes) fs.chmodSync(place, was & ~0o222)
  return () => {
    for (const [place, was] of [...modes].reverse()) fs.chmodSync(place, was)
  }
}

async function assertOnlyReads(reader: System): Promise<void> {
  for (const work of [
    reader.put('a', sourceOf('x')),
    reader.absorb([]),
    reader.rollback(reader.resolve('-1')),
    reader.undo(),
    reader.snapshotCreate(),
    reader.applySettings(),
    reader.setSetting('zk', 'false'),
  ]) {
    await refused(work, 'READ_ONLY')
  }
  assert.equal(recordedOf(reader).a, 'file 644 2')
  await finished(reader.status())
  assert.equal((await finished(reader.versions('a'))).length, 2)
  assert.equal([...reader.records()].length, reader.now().records)
  assert.equal(reader.snapshots().length, 1)
}
