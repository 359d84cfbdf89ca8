// The disk's lock between processes: exclusion both ways, and freedom when the holder is killed.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { throwsCode } from '../../suites/hostSubject.ts'
import { makeTemporaryFolder, onDisk, readText, type TemporaryFolder, writeFile } from '../../support/host.ts'
import { makeReadOnly } from './subjects.ts'

const holder = fileURLToPath(new URL('./lockHolder.ts', import.meta.url))

describe('the lock between processes', () => {
  let folder: TemporaryFolder
  let children: ChildProcess[]
  beforeEach(() => {
    folder = makeTemporaryFolder({}, onDisk())
    children = []
  })
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    folder.remove()
  })

  // Tries from another process.
  const tryOutside = (): string => {
    const done = spawnSync(process.execPath, [holder, 'try', folder.path], { encoding: 'utf8' })
    assert.equal(done.stderr, '', 'loading the lock prints nothing')
    assert.equal(done.status, 0)
    return done.stdout.trim()
  }
  const holdOutside = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [holder, 'hold', folder.path], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    const [line] = await once(child.stdout, 'data')
    assert.equal(String(line), 'locked\n')
    return child
  }

  it('excludes others while it is held here', () => {
    const lock = folder.host.locks.open(folder.directory, 'lock')
    assert.equal(tryOutside(), 'locked')
    assert.equal(lock.tryAcquire(), true)
    assert.equal(tryOutside(), 'busy')
    lock.release()
    assert.equal(tryOutside(), 'locked')
    lock.close()
  })

  it('excludes us while it is held there, and is free when the holder is killed', async () => {
    const child = await holdOutside()
    const lock = folder.host.locks.open(folder.directory, 'lock')
    assert.equal(lock.tryAcquire(), false)
    assert.equal(lock.tryAcquire(), false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(child.signalCode, 'SIGKILL')
    assert.equal(lock.tryAcquire(), true)
    assert.equal(tryOutside(), 'busy')
    lock.close()
    assert.equal(tryOutside(), 'locked')
    assert.deepEqual(folder.directory.list(), [{ name: 'lock', kind: 'file' }])
    assert.equal(folder.directory.stat('lock')?.size, 0)
  })

  it('stays held when other handles of this process on the same file open and close', () => {
    const { host, directory } = folder
    const lock = host.locks.open(directory, 'lock')
    assert.equal(lock.tryAcquire(), true)
    const twin = host.files.openDirectory(folder.path)
    assert.ok(twin)
    for (const through of [directory, twin]) {
      const other = host.locks.open(through, 'lock')
      assert.equal(other.tryAcquire(), false)
      other.close()
      assert.equal(tryOutside(), 'busy')
    }
    twin.close()
    lock.close()
  })

  it('excludes other threads of this process', async () => {
    const lock = folder.host.locks.open(folder.directory, 'lock')
    assert.equal(lock.tryAcquire(), true)
    const tryInThread = async (): Promise<string> => {
      const worker = new Worker(holder, { argv: ['try', folder.path], stdout: true })
      let said = ''
      worker.stdout.on('data', data => {
        said += String(data)
      })
      await once(worker, 'exit')
      return said.trim()
    }
    assert.equal(await tryInThread(), 'busy')
    assert.equal(tryOutside(), 'busy')
    lock.release()
    assert.equal(await tryInThread(), 'locked')
    lock.close()
  })

  it('loses no step of three processes that count together', async () => {
    writeFile(folder.directory, 'counter', '0')
    const counters = Array.from({ length: 3 }, () =>
      spawn(process.execPath, [holder, 'count', folder.path, '20'], { stdio: ['ignore', 'inherit', 'inherit'] }),
    )
    children.push(...counters)
    const codes = await Promise.all(counters.map(child => once(child, 'exit')))
    assert.deepEqual(
      codes.map(([code]) => code),
      [0, 0, 0],
    )
    assert.equal(readText(folder.directory, 'counter'), '60')
  })

  it('says READ_ONLY where the file can not be written, instead of a lock that excludes nobody', () => {
    const path = join(folder.path, 'lock')
    writeFileSync(path, '', { mode: 0o644 })
    chmodSync(folder.path, 0o755)
    const undo = makeReadOnly(path, 0o444)
    try {
      const lock = folder.host.locks.open(folder.directory, 'lock')
      throwsCode(() => lock.tryAcquire(), 'READ_ONLY')
      throwsCode(() => lock.tryAcquire(), 'READ_ONLY')
      lock.close()
    } finally {
      undo()
    }
  })
})
