// The failing host: without faults it is like the one inside, with them it fails exactly where it was told to.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createFailingHost, type FailingHost, SimulatedCrash } from '../../../src/core/host/failing.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { throwsCode } from '../../suites/hostSubject.ts'
import { runHostSuite } from '../../suites/hostSuite.ts'
import {
  buildTree,
  createTestHost,
  describeTree,
  makeTemporaryFolder,
  onDisk,
  readText,
  type TestHost,
} from '../../support/host.ts'
import { makeMemorySubject } from './subjects.ts'

runHostSuite('failing, without faults', () => {
  const inner = makeMemorySubject()
  const host = createFailingHost(inner.host)
  const directory = host.files.openDirectory(inner.directory.path)!
  return { ...inner, host, directory }
})

interface Failing {
  readonly inner: TestHost
  readonly host: FailingHost
  readonly root: Directory
}

function makeFailing(): Failing {
  const inner = createTestHost({ powerCut: 'ordered', stateDirectoryPath: '/state' })
  const host = createFailingHost(inner)
  const root = host.files.openDirectory('/')!
  host.faults.reset()
  return { inner, host, root }
}

const bytes = (text: string): Uint8Array => Buffer.from(text)

// Replaces a file the careful way.
function replace(root: Directory, name: string, content: string): void {
  const file = root.open('new', 'create')
  try {
    file.write(bytes(content), 0)
    file.flush()
  } finally {
    file.close()
  }
  root.rename('new', root, name)
  root.flush()
}

describe('the failing host', () => {
  it('counts operations and names them', () => {
    const { host, root } = makeFailing()
    host.faults.record()
    replace(root, 'f', 'content')
    root.clone().close()
    host.clock.nowMicros()
    assert.equal(host.faults.count, 5)
    assert.deepEqual(
      host.faults.log.map(({ number, call, path }) => `${number} ${call} ${path}`),
      ['1 create /new', '2 write /new', '3 flush /new', '4 rename /new', '5 flushDirectory /'],
    )
  })

  it('fails each operation in turn, and only that', () => {
    for (let failing = 1; failing <= 5; failing += 1) {
      const { host, root } = makeFailing()
      buildTree(root, { f: 'old' })
      host.faults.reset()
      host.faults.failAt(failing, { kind: 'error', code: 'IO' })
      throwsCode(() => replace(root, 'f', 'new'), 'IO')
      assert.equal(host.faults.count, failing)
      assert.equal(readText(root, 'f'), failing <= 4 ? 'old' : 'new')
      host.faults.reset()
    }
  })

  it('fails what a predicate picks, for as long as it picks', () => {
    const { host, root } = makeFailing()
    host.faults.failWhen(({ call, path }) =>
      call === 'write' && path.endsWith('.log') ? { kind: 'error', code: 'NO_SPACE' } : undefined,
    )
    const log = root.open('a.log', 'create')
    const text = root.open('a.txt', 'create')
    throwsCode(() => log.write(bytes('x'), 0), 'NO_SPACE')
    text.write(bytes('x'), 0)
    throwsCode(() => log.write(bytes('x'), 0), 'NO_SPACE')
    host.faults.reset()
    log.write(bytes('y'), 0)
    assert.equal(readText(root, 'a.log'), 'y')
  })

  it('writes a part before a short write fails', () => {
    const { host, root } = makeFailing()
    const file = root.open('f', 'create')
    host.faults.failAt(2, { kind: 'shortWrite', code: 'NO_SPACE', bytes: 3 })
    throwsCode(() => file.write(bytes('content'), 0), 'NO_SPACE')
    assert.equal(readText(root, 'f'), 'con')
  })

  it('loses what a failed flush should have flushed, as Linux does', () => {
    const { inner, host, root } = makeFailing()
    const file = root.open('f', 'create')
    file.flush()
    root.flush()
    file.write(bytes('lost'), 0)
    host.faults.failWhen(({ call }) => (call === 'flush' ? { kind: 'error', code: 'IO' } : undefined))
    throwsCode(() => file.flush(), 'IO')
    host.faults.reset()
    file.write(bytes('kept'), 4)
    file.flush()
    assert.equal(readText(root, 'f'), 'lostkept')
    inner.disk.cutPower(inner.random)
    assert.equal(readText(inner.files.openDirectory('/')!, 'f'), '\0\0\0\0kept')
  })

  it('crashes before the n-th operation, and lets nothing happen after it', () => {
    for (let crashing = 1; crashing <= 5; crashing += 1) {
      const { inner, host, root } = makeFailing()
      buildTree(root, { f: 'old' })
      host.faults.reset()
      host.faults.crashAt(crashing)
      assert.throws(() => replace(root, 'f', 'new'), SimulatedCrash)
      assert.equal(host.faults.crashed, true)
      host.faults.reset()
      for (const call of [
        () => root.list(),
        () => root.removeFile('f'),
        () => root.clone(),
        () => host.files.openDirectory('/'),
        () => host.clock.nowMicros(),
        () => host.random.bytes(1),
        () => host.locks.open(root, 'lock'),
      ]) {
        assert.throws(call, SimulatedCrash)
      }
      const left = describeTree(inner.files.openDirectory('/')!)
      assert.equal(left.f, `file ${crashing === 5 ? '600 new' : '644 old'}`)
    }
  })

  it('crashes inside a write', () => {
    const { inner, host, root } = makeFailing()
    host.faults.crashAt(2, 4)
    assert.throws(() => replace(root, 'f', 'content'), SimulatedCrash)
    assert.equal(readText(inner.files.openDirectory('/')!, 'new'), 'cont')
  })

  it('frees locks and descriptors when it crashes', () => {
    const folder = makeTemporaryFolder({}, onDisk())
    try {
      const before = readdirSync('/proc/self/fd').length
      const host = createFailingHost(folder.host)
      const root = host.files.openDirectory(folder.path)!
      root.makeDirectory('d', 0o755)
      const lock = host.locks.open(root.child('d')!, 'lock')
      const other = folder.host.locks.open(folder.directory.child('d')!, 'lock')
      root.open('f', 'create')
      const watch = host.files.watch(root.clone(), () => {})
      assert.equal(lock.tryAcquire(), true)
      assert.equal(other.tryAcquire(), false)
      host.faults.crash()
      assert.equal(other.tryAcquire(), true)
      for (const handle of [lock, watch, root, other]) handle.close()
      // What stays: the directory that `other` was opened in.
      assert.ok(readdirSync('/proc/self/fd').length <= before + 2)
    } finally {
      folder.remove()
    }
  })

  it('wraps the state directory too', () => {
    const { host } = makeFailing()
    const state = host.stateDirectory
    assert.ok(state)
    state.makeDirectory('known', 0o700)
    assert.equal(host.faults.count, 1)
    host.faults.crash()
    assert.throws(() => state.list(), SimulatedCrash)
  })
})
