// The part of the suite of all hosts that is about others who use the same disk: watches and the lock.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ByteString } from '../../src/core/host/host.ts'
import { buildTree, symlink, writeFile } from '../support/host.ts'
import { childOf, type Made, throwsCode } from './hostSubject.ts'

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 10) {
    assert.ok(waitedMs < 5000, `waited five seconds for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

export function watchTests(made: Made): void {
  it('reports what changes in the directory, later, by name', async () => {
    const { directory, host } = made()
    buildTree(directory, { old: '', d: { below: '' } })
    const seen = new Set<ByteString | undefined>()
    const watch = host.files.watch(directory, event => seen.add(event.name))
    try {
      const d = childOf(directory, 'd')
      writeFile(directory, 'caf\xe9', 'x')
      writeFile(directory, 'old', 'changed')
      directory.makeDirectory('made', 0o755)
      writeFile(d, 'below', 'not reported')
      d.rename('below', directory, 'came')
      assert.equal(seen.size, 0)
      await until(() => ['caf\xe9', 'old', 'made', 'came'].every(name => seen.has(name)), 'all changes')
      assert.equal(seen.has('below'), false)
    } finally {
      watch.close()
    }
  })

  it('reports a change of the directory itself without a name', async () => {
    const { directory, host } = made()
    directory.makeDirectory('d', 0o755)
    const d = childOf(directory, 'd')
    const seen: (ByteString | undefined)[] = []
    const watch = host.files.watch(d, event => seen.push(event.name))
    try {
      directory.setMode('d', 0o700)
      await until(() => seen.length > 0, 'the change')
      assert.deepEqual([...new Set(seen)], [undefined])
    } finally {
      watch.close()
      d.close()
    }
  })

  it('says nothing after it was closed', async () => {
    const { directory, host } = made()
    let events = 0
    const closed = host.files.watch(directory, () => {
      events += 1
    })
    writeFile(directory, 'before', '')
    closed.close()
    closed.close()
    let others = 0
    const other = host.files.watch(directory, () => {
      others += 1
    })
    writeFile(directory, 'after', '')
    await until(() => others > 0, 'the other watch')
    assert.equal(events, 0)
    other.close()
  })

  it('falls silent when the directory goes', async () => {
    const { directory, host } = made()
    buildTree(directory, { d: { f: '' } })
    const d = childOf(directory, 'd')
    const seen: (ByteString | undefined)[] = []
    const watch = host.files.watch(d, event => seen.push(event.name))
    d.removeFile('f')
    directory.removeDirectory('d')
    d.close()
    await until(() => seen.includes('f'), 'the removed file')
    watch.close()
  })
}

export function lockTests(made: Made): void {
  it('excludes every other handle until it is released or closed', () => {
    const { directory, host } = made()
    const first = host.locks.open(directory, 'lock')
    const second = host.locks.open(directory, 'lock')
    assert.equal(first.tryAcquire(), true)
    assert.equal(second.tryAcquire(), false)
    assert.equal(first.tryAcquire(), false)
    second.release()
    assert.equal(second.tryAcquire(), false)
    first.release()
    first.release()
    assert.equal(second.tryAcquire(), true)
    assert.equal(first.tryAcquire(), false)
    second.close()
    second.close()
    assert.equal(first.tryAcquire(), true)
    throwsCode(() => second.tryAcquire(), 'OTHER')
    first.close()
  })

  it('leaves one empty private file', () => {
    const { directory, host } = made()
    const lock = host.locks.open(directory, 'lock')
    const names = (): string[] => directory.list().map(listed => listed.name)
    assert.equal(lock.tryAcquire(), true)
    assert.deepEqual(names(), ['lock'])
    lock.release()
    lock.close()
    assert.deepEqual(names(), ['lock'])
    assert.deepEqual([directory.stat('lock')?.size, directory.stat('lock')?.mode], [0, 0o600])
  })

  it('keeps locks of different files apart', () => {
    const { directory, host } = made()
    const locks = ['one', 'two'].map(name => host.locks.open(directory, name))
    assert.deepEqual(
      locks.map(lock => lock.tryAcquire()),
      [true, true],
    )
    for (const lock of locks) lock.close()
  })

  it('holds the file that is there now, when the lock file was replaced', () => {
    const { directory, host } = made()
    const first = host.locks.open(directory, 'lock')
    directory.removeFile('lock')
    const second = host.locks.open(directory, 'lock')
    assert.equal(second.tryAcquire(), true)
    assert.equal(first.tryAcquire(), false)
    second.release()
    assert.equal(first.tryAcquire(), true)
    first.release()
    directory.removeFile('lock')
    assert.equal(second.tryAcquire(), true)
    for (const lock of [first, second]) lock.close()
  })

  it('works on when the directory handle is closed', () => {
    const { directory, host } = made()
    directory.makeDirectory('d', 0o700)
    const d = childOf(directory, 'd')
    const lock = host.locks.open(d, 'lock')
    d.close()
    assert.equal(lock.tryAcquire(), true)
    lock.close()
  })

  it('refuses what is no file', () => {
    const { directory, host, makeFifo } = made()
    buildTree(directory, { target: '', l: symlink('target'), d: {} })
    makeFifo('fifo')
    throwsCode(() => host.locks.open(directory, 'l'), 'SYMLINK')
    throwsCode(() => host.locks.open(directory, 'd'), 'UNSUPPORTED', 'IS_A_DIRECTORY')
    throwsCode(() => host.locks.open(directory, 'fifo'), 'UNSUPPORTED')
    throwsCode(() => host.locks.open(directory, '..'), 'OTHER')
  })

  it('is not stopped by whatever the lock file holds', () => {
    const { directory, host } = made()
    writeFile(directory, 'lock', 'no database '.repeat(500))
    const [first, second] = [host.locks.open(directory, 'lock'), host.locks.open(directory, 'lock')]
    assert.equal(first.tryAcquire(), true)
    assert.equal(second.tryAcquire(), false)
    first.release()
    assert.equal(second.tryAcquire(), true)
    for (const lock of [first, second]) lock.close()
  })
}
