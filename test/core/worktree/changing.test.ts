// Files that change, come or vanish while they are looked at, read or about to be overwritten, at moments that a test
// chooses; files whose times tell nothing; clocks that jump. No change made outside is overwritten without being kept.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFailingHost, type Operation } from '../../../src/core/host/failing.ts'
import type { System } from '../../../src/core/system.ts'
import { createTestClock, createTestHost, symlink, type Tree } from '../../support/host.ts'
import {
  changesOutside,
  contentAt,
  diskOf,
  editOutside,
  finished,
  inMemory,
  makeRoot,
  openRoot,
  put,
  recordedOf,
  refused,
  sourceOf,
  type TimelineSubject,
} from '../timeline/support.ts'

interface Bench {
  readonly subject: TimelineSubject
  readonly system: System
  /** Runs `change` just before the operation that is asked for, so many times. */
  before(call: Operation['call'], path: RegExp, change: () => void, times?: number): { readonly left: number }
}

async function bench(tree: Tree, stepMicros = 1): Promise<Bench> {
  const clock = createTestClock({ stepMicros })
  const inner = createTestHost({ stateDirectoryPath: '/state', clock })
  const top = inner.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  const host = createFailingHost(inner)
  const subject = { host, path: '/folder', directory, advance: clock.advance, remove: () => {} }
  const system = await makeRoot(subject, tree)
  return {
    subject,
    system,
    before(call, path, change, times = 1) {
      const state = { left: times }
      host.faults.failWhen(operation => {
        if (state.left > 0 && operation.call === call && path.test(operation.path)) {
          state.left--
          change()
        }
        return undefined
      })
      return state
    },
  }
}

describe('while it is read', () => {
  it('a file that changes is read again, and left as drift when it does not stop', async () => {
    const { subject, system, before } = await bench({ a: '1' })
    let grown = 0
    editOutside(subject.directory, { log: 'x', a: 'edit' })
    const grow = () => editOutside(subject.directory, { log: `line\n`.repeat(++grown + 1) })
    before('read', /\/log$/, grow, 2)
    const kept = await finished(system.absorb([]))
    assert.deepEqual(kept.drifted, [])
    assert.equal(recordedOf(system).log, `file 644 ${'line\n'.repeat(grown + 1)}`)
    editOutside(subject.directory, { a: 'another' })
    before('read', /\/log$/, grow, 1_000)
    grow()
    const partly = await finished(system.absorb([]))
    assert.deepEqual(partly.changed, ['a'])
    assert.deepEqual(partly.drifted, ['log'])
    assert.match(partly.notices.at(-1)?.text ?? '', /changes while it is read/)
    assert.equal(recordedOf(system).a, 'file 644 another')
  })

  it('a file that vanishes is not recorded, and the rest is', async () => {
    const { subject, system, before } = await bench({ a: '1' })
    editOutside(subject.directory, { d: { brief: 'x', stays: 'y' }, a: '2' })
    before('open', /\/brief$/, () => editOutside(subject.directory, { 'd/brief': null }))
    await finished(system.absorb([]))
    assert.deepEqual(recordedOf(system), { a: 'file 644 2', 'd/': 'dir 755', 'd/stays': 'file 644 y' })
    assert.deepEqual(await changesOutside(system), {})
  })

  it('a directory that vanishes or becomes something else is not followed', async () => {
    const { subject, system, before } = await bench({ d: { x: 'x' }, e: { y: 'y' }, f: { z: 'z' } })
    before('child', /\/d$/, () => editOutside(subject.directory, { d: null }))
    before('child', /\/e$/, () => editOutside(subject.directory, { e: symlink('f') }))
    await finished(system.status())
    assert.deepEqual(await changesOutside(system), { d: 'gone', 'd/x': 'gone', e: 'changed', 'e/y': 'gone' })
  })

  it('what changes between being stored and being recorded waits for the next look', async () => {
    const { subject, system, before } = await bench({ a: '1', b: '1', c: '1' })
    editOutside(subject.directory, { a: 'edit a', b: 'edit b', c: null, large: Buffer.alloc(1_100_000) })
    // The lock is taken once the contents are stored.
    before('lock', /./, () => editOutside(subject.directory, { a: 'newer a', c: 'back again' }))
    const kept = await finished(system.absorb([]))
    assert.deepEqual([...kept.changed].sort(), ['b', 'large'])
    assert.deepEqual(await changesOutside(system), { a: 'changed', c: 'changed' })
    assert.equal(recordedOf(system).a, 'file 644 1')
  })
})

describe('at the last moment', () => {
  it('an edit behind the decision is left, told and not lost', async () => {
    const { subject, system, before } = await bench({ a: '1', b: '1', d: { x: 'x' } })
    const old = system.resolve('now')
    await put(system, 'a', '2')
    await put(system, 'b', '2')
    await finished(system.remove(['d'], { recursive: true }))
    // The record of the rollback is being written.
    const change = before('write', /\.seg$/, () =>
      editOutside(subject.directory, { a: 'edited at the last moment', d: { mine: 'new' } }),
    )
    const result = await finished(system.rollback(old))
    assert.equal(change.left, 0)
    assert.deepEqual([...result.drifted].sort(), ['a', 'd'])
    assert.equal(result.notices.at(-1)?.code, 'drift')
    const disk = diskOf(subject.directory)
    assert.equal(disk.a, 'file 644 edited at the last moment')
    assert.equal(disk.b, 'file 644 1')
    assert.equal(disk['d/mine'], 'file 644 new')
    assert.equal(recordedOf(system).a, 'file 644 1')
    assert.deepEqual(Object.keys(await changesOutside(system)).includes('a'), true)
  })

  for (const [name, act] of Object.entries({
    put: (system: System) => system.put('a', sourceOf('put')),
    rm: (system: System) => system.remove(['a']),
    rollback: (system: System) => system.rollback(system.resolve('#1')),
  })) {
    it(`an edit that leaves size and times as they were is seen by ${name}`, async () => {
      // Time stands still: whatever happens, happens in one tick of the file system.
      const { subject, system, before } = await bench({ a: 'same 1' }, 0)
      await put(system, 'a', 'same 2')
      editOutside(subject.directory, { a: 'same 3' })
      const change = before('write', /\.seg$/, () => editOutside(subject.directory, { a: 'same 4' }))
      const result = await finished(act(system))
      assert.equal(change.left, 0)
      assert.deepEqual(result.drifted, ['a'])
      assert.equal(diskOf(subject.directory).a, 'file 644 same 4')
      assert.equal(contentAt(system, 'a', system.resolve(result.protectedAs ?? '')), 'same 3')
    })
  }
})

describe('what a look remembers', () => {
  it('nothing of a file that is as young as the look', async () => {
    const { subject, system } = await bench({ a: 'one' }, 0)
    assert.deepEqual(await changesOutside(system), {})
    editOutside(subject.directory, { a: 'two' })
    assert.deepEqual(await changesOutside(system), { a: 'changed' })
    editOutside(subject.directory, { a: 'one' })
    assert.deepEqual(await changesOutside(system), {})
  })

  it('spares the second look at what has settled', async () => {
    const { subject, system } = await bench({ a: 'one', d: { b: 'two' } })
    subject.advance(10_000)
    assert.equal((await finished(system.status())).filesHashed, 2)
    assert.equal((await finished(system.status())).filesHashed, 0)
    editOutside(subject.directory, { 'd/b': 'TWO' })
    const look = await finished(system.status())
    assert.deepEqual([look.filesHashed, look.changes.map(change => change.path)], [1, ['d/b']])
    await finished(system.absorb([]))
    subject.advance(10_000)
    await finished(system.status())
    assert.equal((await finished(system.status())).filesHashed, 0)
  })

  it('is right when the clock jumps, back or forth', async () => {
    const clock = createTestClock()
    const host = createTestHost({ stateDirectoryPath: '/state', clock })
    const top = host.files.openDirectory('/')!
    top.makeDirectory('folder', 0o755)
    const directory = top.child('folder')!
    const system = await makeRoot(
      { host, path: '/folder', directory, advance: clock.advance, remove: () => {} },
      { a: '1' },
    )
    const start = clock.nowMicros()
    let content = 1
    for (const jumpMs of [60_000, -3_600_000, 10, -86_400_000, 3_000, 200_000_000, -1_000]) {
      clock.setMicros(start + jumpMs * 1000)
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(await changesOutside(system), {})
        clock.advance(5_000)
      }
      content = (content % 9) + 1
      editOutside(directory, { a: `${content}` })
      assert.deepEqual(await changesOutside(system), { a: 'changed' }, `after a jump of ${jumpMs} ms`)
      const kept = await finished(system.absorb([]))
      assert.deepEqual(kept.changed, ['a'])
    }
    for (let { records } = system.now(); records > 4; records--) {
      try {
        await finished(system.undo())
      } catch {
        break
      }
    }
    assert.equal(diskOf(directory).a, 'file 644 1')
    assert.deepEqual(await changesOutside(system), {})
    await system.close()
  })

  it('anything odd about the memory makes it an empty one', async () => {
    const { subject, system } = await bench({ a: 'one' })
    subject.advance(10_000)
    await finished(system.status())
    const derived = subject.directory.child('.db')!
    const size = derived.stat('stat')?.size ?? 0
    assert.ok(size > 50)
    for (let at = 0; at < size; at += 7) {
      const cache = derived.open('stat', 'modify')
      const byte = new Uint8Array(1)
      cache.read(byte, 0, 1, at)
      cache.write(Uint8Array.of((byte[0] ?? 0) ^ 1), at)
      cache.close()
      const other = await openRoot(subject)
      const look = await finished(other.status())
      assert.deepEqual([look.filesHashed, look.changes.length], [1, 0], `byte ${at}`)
      await other.close()
    }
  })
})

describe('what is no file', () => {
  async function withPipe() {
    const subject = inMemory()
    const { disk } = subject.host as ReturnType<typeof createTestHost>
    disk.makeFifo(subject.directory, 'pipe')
    const system = await makeRoot(subject, { a: '1', d: { x: 'x' } })
    return { subject, system, disk }
  }

  it('is skipped and told, and nothing is put in its place', async () => {
    const { subject, system, disk } = await withPipe()
    assert.deepEqual(Object.keys(recordedOf(system)), ['a', 'd/', 'd/x'])
    const report = await finished(system.status())
    assert.deepEqual([report.skipped, report.changes], [['pipe'], []])
    assert.equal(system.entry('pipe')?.mark, 's')
    await refused(system.put('pipe', sourceOf('x')), 'NOT_WRITABLE')
    await refused(system.makeDirectory('pipe'), 'PATH_EXISTS')
    await refused(system.move(['a'], 'pipe'), 'PATH_EXISTS')
    await refused(system.copy(['a'], 'pipe', { force: true }), 'NOT_WRITABLE')
    await refused(system.remove(['pipe']), 'PATH_NOT_FOUND')
    await refused(system.put('pipe/x', sourceOf('x')), 'NOT_A_DIRECTORY')
    editOutside(subject.directory, { a: null })
    disk.makeFifo(subject.directory, 'a')
    assert.deepEqual(await changesOutside(system), { a: 'changed' })
    await refused(system.restore(['a'], system.resolve('now')), 'NOT_WRITABLE')
    await refused(system.rollback(system.resolve('now')), 'NOT_WRITABLE')
    const kept = await finished(system.absorb([]))
    assert.deepEqual(kept.drifted, ['a'])
    assert.equal(recordedOf(system).a, 'file 644 1')
    assert.equal(diskOf(subject.directory).a, 'other')
    await system.close()
  })

  it('keeps a directory that is removed around it', async () => {
    const { subject, system, disk } = await withPipe()
    const inside = subject.directory.child('d')!
    disk.makeFifo(inside, 'pipe')
    inside.close()
    const removed = await finished(system.remove(['d'], { recursive: true }))
    assert.deepEqual(removed.drifted, ['d'])
    assert.deepEqual(diskOf(subject.directory), { a: 'file 644 1', 'd/': 'dir 755', 'd/pipe': 'other', pipe: 'other' })
    await system.close()
  })
})
