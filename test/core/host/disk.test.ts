// The real disk: the suite of all hosts with and without /proc, and what only a real machine has: descriptors, a sync
// program, a kernel's event queue, a clock that people set.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createSystemClock, createSystemProcesses, createSystemRandomness } from '../../../src/core/host/clock.ts'
import { createDiskHost } from '../../../src/core/host/disk.ts'
import { listNamesByStat } from '../../../src/core/host/diskCalls.ts'
import { hostErrorOf } from '../../../src/core/host/errno.ts'
import { flushWritten } from '../../../src/core/host/flush.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { throwsCode } from '../../suites/hostSubject.ts'
import { runHostSuite } from '../../suites/hostSuite.ts'
import {
  buildTree,
  makeTemporaryFolder,
  onDisk,
  readText,
  symlink,
  type TemporaryFolder,
  writeFile,
} from '../../support/host.ts'
import { makeDiskSubject } from './subjects.ts'

runHostSuite('disk', () => makeDiskSubject(true))
runHostSuite('disk by path', () => makeDiskSubject(false))

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd')
}

describe('the disk host', () => {
  let folder: TemporaryFolder
  let directory: Directory
  beforeEach(() => {
    folder = makeTemporaryFolder({}, onDisk())
    directory = folder.directory
  })
  afterEach(() => folder.remove())

  it('leaks no descriptor, whatever fails', () => {
    buildTree(directory, { d: {}, f: '', l: symlink('f') })
    execFileSync('mkfifo', [join(folder.path, 'fifo')])
    const before = openDescriptors().length
    for (const call of [
      () => directory.open('d', 'read'),
      () => directory.open('fifo', 'read'),
      () => directory.open('fifo', 'modify'),
      () => directory.open('l', 'read'),
      () => directory.open('f', 'create'),
      () => directory.child('f'),
      () => directory.setMode('l', 0o600),
      () => directory.setMode('fifo', 0o600),
      () => directory.makeDirectory('d', 0o700),
      () => folder.host.locks.open(directory, 'd'),
      () => folder.host.locks.open(directory, 'l'),
      () => folder.host.files.openDirectory(join(folder.path, 'f')),
    ]) {
      assert.throws(call)
    }
    directory.open('f', 'read').close()
    directory.child('d')?.close()
    directory.setMode('d', 0o700)
    directory.makeDirectory('e', 0o700)
    const lock = folder.host.locks.open(directory, 'lock')
    lock.tryAcquire()
    lock.close()
    assert.equal(openDescriptors().length, before)
  })

  it('hands no descriptor to child processes', () => {
    const file = directory.open('f', 'create')
    const listed = execFileSync('sh', ['-c', 'ls -l /proc/$$/fd'], { encoding: 'utf8' })
    file.close()
    assert.equal(listed.includes(folder.path), false)
  })

  it('lists the same by stat, as it must where a file system tells no kinds', () => {
    buildTree(directory, { d: {}, f: '', '\xff': '', l: symlink('no'), '\xe9\n': {} })
    execFileSync('mkfifo', [join(folder.path, 'fifo')])
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
    assert.deepEqual(listNamesByStat(folder.path).sort(byName), directory.list().sort(byName))
    assert.equal(directory.list().length, 6)
  })

  it('can not rename to another file system or another host', t => {
    const elsewhere = ['/dev/shm', '/run', '/var/tmp', process.cwd()].find(path => {
      try {
        return statSync(path).dev !== directory.selfStat().dev
      } catch {
        return false
      }
    })
    if (elsewhere === undefined) {
      t.skip('this machine has one file system only')
      return
    }
    const path = mkdtempSync(join(elsewhere, 'sentientos-test-'))
    try {
      const other = folder.host.files.openDirectory(path)!
      writeFile(directory, 'f', 'x')
      throwsCode(() => directory.rename('f', other, 'f'), 'CROSS_DEVICE')
      other.close()
    } finally {
      rmSync(path, { recursive: true })
    }
  })

  it('says how many descriptors are too many', () => {
    const script = `
      import { createDiskHost } from ${JSON.stringify(new URL('../../../src/core/host/disk.ts', import.meta.url).href)}
      const root = createDiskHost({ label: 'test' }).files.openDirectory('/')
      try { for (;;) root.clone() } catch (error) { console.log(error.code) }`
    const done = spawnSync(
      'sh',
      ['-c', 'ulimit -n 200; exec "$0" --input-type=module-typescript -e "$1"', process.execPath, script],
      { encoding: 'utf8' },
    )
    assert.equal(done.stdout, 'TOO_MANY_OPEN\n', done.stderr)
  })

  it('says that space is out when a limit on file sizes is reached', () => {
    const script = `
      import { createDiskHost } from ${JSON.stringify(new URL('../../../src/core/host/disk.ts', import.meta.url).href)}
      process.on('SIGXFSZ', () => {})
      const root = createDiskHost({ label: 'test' }).files.openDirectory(process.argv[1])
      const file = root.open('f', 'create')
      try { file.write(new Uint8Array(1 << 20), 0) } catch (error) { console.log(error.code, file.stat().size) }`
    const done = spawnSync(
      'sh',
      [
        '-c',
        'ulimit -f 8; exec "$0" --input-type=module-typescript -e "$1" "$2"',
        process.execPath,
        script,
        folder.path,
      ],
      { encoding: 'utf8' },
    )
    assert.match(done.stdout, /^NO_SPACE [1-9]\d*\n$/, done.stderr)
  })

  it('translates what no test can provoke', () => {
    const found = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EPERM', 'EXDEV', 'EBUSY', 'ENOSYS', 'EWHATEVER'].map(
      code => hostErrorOf(Object.assign(new Error('x'), { code }), 'write', '/f').code,
    )
    const expected = [
      'NO_SPACE',
      'NO_SPACE',
      'READ_ONLY',
      'IO',
      'DENIED',
      'CROSS_DEVICE',
      'BUSY',
      'UNSUPPORTED',
      'OTHER',
    ]
    assert.deepEqual(found, expected)
  })
})

// A PATH whose only program is a `sync` that notes its arguments and ends as told.
function withSync<T>(script: string | undefined, body: (calls: () => string[]) => T): T {
  const folder = makeTemporaryFolder({}, onDisk())
  const path = process.env.PATH
  try {
    if (script !== undefined) {
      writeFileSync(join(folder.path, 'sync'), `#!/bin/sh\necho "$@" >> "$0.calls"\n${script}\n`)
      chmodSync(join(folder.path, 'sync'), 0o755)
    }
    process.env.PATH = folder.path
    return body(() => readText(folder.directory, 'sync.calls').split('\n').slice(0, -1))
  } finally {
    process.env.PATH = path
    folder.remove()
  }
}

describe('flushing a file system', () => {
  let folder: TemporaryFolder
  beforeEach(() => {
    folder = makeTemporaryFolder({}, onDisk())
  })
  afterEach(() => folder.remove())

  it('hands the directory to sync -f', () => {
    const seen = join(folder.path, 'seen')
    withSync(`/bin/ls -di /proc/self/fd/0/. > ${seen}`, calls => {
      folder.directory.flushFileSystem()
      assert.deepEqual(calls(), ['-f /proc/self/fd/0'])
    })
    assert.equal(
      BigInt(readText(folder.directory, 'seen').trim().split(' ')[0] ?? ''),
      folder.directory.selfStat().inode,
    )
  })

  it('takes a plain sync where -f is not understood', () =>
    withSync('[ $# = 0 ]', calls => {
      folder.directory.flushFileSystem()
      assert.deepEqual(calls(), ['-f /proc/self/fd/0', '-f /proc', ''])
    }))

  it('reports a flush that failed', () =>
    withSync('[ "$2" = /proc ]', () => throwsCode(() => folder.directory.flushFileSystem(), 'IO')))

  it('is UNSUPPORTED without the program, and then each file is flushed', () => {
    const { directory } = folder
    buildTree(directory, { d: { f: 'x' }, f: 'y', l: symlink('f') })
    const d = directory.child('d')!
    const flushed: string[] = []
    const noting = (inner: Directory): Directory => ({
      ...inner,
      open: (name, how) => {
        const file = inner.open(name, how)
        return { ...file, flush: () => flushed.push(`${inner.path}/${name}`) && file.flush() }
      },
      flush: () => flushed.push(`${inner.path}/`) && inner.flush(),
    })
    withSync(undefined, () => {
      throwsCode(() => directory.flushFileSystem(), 'UNSUPPORTED')
      flushWritten(directory, [
        { directory: noting(d), names: ['f', 'removed'] },
        { directory: noting(directory), names: ['f', 'l', 'd'] },
      ])
    })
    assert.deepEqual(
      flushed.map(path => path.slice(folder.path.length)),
      ['/d/f', '/d/', '/f', '/'],
    )
    d.close()
  })
})

describe('watching the disk', () => {
  it('says overflow when the kernel had more to tell than it could keep', async () => {
    const folder = makeTemporaryFolder({}, onDisk())
    const events: { name?: string; overflow: boolean }[] = []
    const closed: unknown[] = []
    const quiet: { name?: string; overflow: boolean }[] = []
    folder.directory.makeDirectory('quiet', 0o700)
    const quietDirectory = folder.directory.child('quiet')!
    const watches = [
      folder.host.files.watch(folder.directory, event => events.push(event)),
      folder.host.files.watch(quietDirectory, event => quiet.push(event)),
    ]
    try {
      folder.host.files.watch(quietDirectory, event => closed.push(event)).close()
      // Two events each; all while our event loop waits, so the kernel's queue of 16,384 is full.
      writeFile(folder.directory, 'a', '')
      for (let turn = 0; turn < 5000; turn += 1) {
        folder.directory.rename('a', folder.directory, 'b')
        folder.directory.rename('b', folder.directory, 'a')
      }
      for (let waitedMs = 0; !quiet.some(event => event.overflow); waitedMs += 10) {
        assert.ok(waitedMs < 5000, 'waited five seconds for the overflow')
        await new Promise(resolve => setTimeout(resolve, 10))
      }
      assert.ok(events.some(event => event.overflow))
      assert.deepEqual(closed, [])
    } finally {
      for (const watch of watches) watch.close()
      quietDirectory.close()
      folder.remove()
    }
  })
})

describe('the machine', () => {
  it('tells the time to microseconds, never off by a millisecond', () => {
    const clock = createSystemClock()
    const fractions = new Set<number>()
    for (let look = 0; look < 2000; look += 1) {
      const before = Date.now()
      const micros = clock.nowMicros()
      const after = Date.now()
      assert.ok(Number.isSafeInteger(micros))
      assert.ok(micros >= before * 1000 && micros < (after + 1) * 1000, `${micros} is not in ${before} to ${after}`)
      fractions.add(micros % 1000)
    }
    assert.ok(fractions.size > 10, `only ${fractions.size} different fractions of a millisecond`)
  })

  it('follows when the time of day is set', t => {
    const clock = createSystemClock()
    const now = clock.nowMicros()
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000_000_000 })
    assert.equal(Math.floor(clock.nowMicros() / 1_000_000), 1_000_000_000)
    t.mock.timers.reset()
    assert.ok(Math.abs(clock.nowMicros() - now) < 60_000_000)
  })

  it('sleeps until the time is over or the signal aborts', async () => {
    const clock = createSystemClock()
    const before = clock.monotonicMs()
    await clock.sleep(20)
    assert.ok(clock.monotonicMs() - before >= 19)
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 10)
    const start = clock.monotonicMs()
    await clock.sleep(60_000, abort.signal)
    await clock.sleep(60_000, abort.signal)
    assert.ok(clock.monotonicMs() - start < 10_000)
  })

  it('knows the offset from UTC at a time, not now', () => {
    const script = `
      import { createSystemClock } from ${JSON.stringify(new URL('../../../src/core/host/clock.ts', import.meta.url).href)}
      const clock = createSystemClock()
      console.log([1_736_942_400_000_000, 1_752_580_800_000_000].map(clock.utcOffsetMinutes).join())`
    const done = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'Europe/Berlin' },
    })
    assert.equal(done.stdout, '60,120\n', done.stderr)
  })

  it('gives random bytes and knows who lives', () => {
    const random = createSystemRandomness()
    assert.equal(random.bytes(32).length, 32)
    assert.notDeepEqual(random.bytes(32), random.bytes(32))
    const processes = createSystemProcesses('test')
    assert.equal(processes.isAlive(processes.id), true)
    assert.equal(processes.isAlive(1), true)
    const { pid } = spawnSync('true')
    assert.equal(processes.isAlive(pid), false)
    for (const id of [0, -1, 1.5, Number.NaN]) assert.equal(processes.isAlive(id), false)
  })

  it('makes the state directory when it is asked for, a private one', () => {
    const folder = makeTemporaryFolder({}, onDisk())
    try {
      const path = join(folder.path, 'share', 'state')
      const host = createDiskHost({ label: 'test', stateDirectoryPath: path })
      assert.deepEqual(folder.directory.list(), [])
      const state = host.stateDirectory
      assert.equal(state?.path, path)
      assert.equal(state, host.stateDirectory)
      assert.equal(state?.selfStat().mode, 0o700)
      assert.equal(folder.directory.stat('share')?.mode, 0o700)
      state?.close()
      assert.equal(createDiskHost({ label: 'test' }).stateDirectory, undefined)
    } finally {
      folder.remove()
    }
  })
})
