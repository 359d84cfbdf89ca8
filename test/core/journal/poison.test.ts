// A failed flush that could not be taken back: what was acknowledged is copied into a new file, what was refused is cut
// and kept, and nothing is written before that.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFailingHost, type FailingHost, type Operation } from '../../../src/core/host/failing.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import type { Journal } from '../../../src/core/journal/journal.ts'
import { createSeededRandomness, createTestHost, readText, type TestHost, writeFile } from '../../support/host.ts'
import { append, assertHolds, names, noPack, openTest, recordsOf } from './fixtures.ts'

interface Scene {
  readonly inner: TestHost
  readonly host: FailingHost
  readonly journal: Journal
  readonly runtime: Directory
  /** Makes these operations fail from now on. */
  fail(...matches: ((operation: Operation) => boolean)[]): void
  /** The same folder, nothing failing. */
  reopen(): Journal
}

const limits = { segmentBytesMax: 1600 }

async function makeScene(count: number): Promise<Scene> {
  const inner = createTestHost({ powerCut: 'loose' })
  const host = createFailingHost(inner)
  const journal = openTest({ host, directory: host.files.openDirectory('/')! }, { limits })
  if (count > 0) await append(journal, recordsOf(0, count))
  return {
    inner,
    host,
    journal,
    runtime: inner.files.openDirectory('/')!.child('.runtime')!,
    fail: (...matches) =>
      host.faults.failWhen(operation =>
        matches.some(match => match(operation)) ? { kind: 'error', code: 'IO' } : undefined,
      ),
    reopen: () => openTest({ host: inner, directory: inner.files.openDirectory('/')! }, { limits }),
  }
}

const flushes = ({ call, path }: Operation): boolean => call === 'flush' && path.endsWith('.seg')
const cuts = ({ call, path }: Operation): boolean => call === 'truncate' && path.endsWith('.seg')
const notes = ({ call, path }: Operation): boolean => call === 'create' && path.endsWith('/poisoned')
const removals = ({ call, path }: Operation): boolean => call === 'removeFile' && path.endsWith('.seg')

const segment = (runtime: Directory, index = 0): { name: string; inode: bigint } => {
  const home = runtime.child('journal')!
  const { name } = home
    .list()
    .filter(listed => listed.name.endsWith('.seg'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))[index]!
  return { name, inode: home.stat(name)!.inode }
}

const torn = (runtime: Directory): number => runtime.child('torn')?.list().length ?? 0

describe('a failed flush', () => {
  it('that was taken back leaves nothing and the journal usable', async () => {
    const { journal, host, runtime } = await makeScene(2)
    let once = true
    host.faults.failWhen(operation => {
      if (!once || !flushes(operation)) return undefined
      once = false
      return { kind: 'error', code: 'IO' }
    })
    const size = runtime.child('journal')!.stat(segment(runtime).name)!.size
    await assert.rejects(append(journal, recordsOf(2, 4)), { code: 'IO' })
    assert.equal(runtime.child('journal')!.stat(segment(runtime).name)!.size, size)
    assert.equal(runtime.stat('poisoned'), undefined)
    await append(journal, recordsOf(2, 3))
    await assertHolds(journal, names(0, 3))
  })

  it('that could not be taken back poisons: the next writer copies what was acknowledged', async () => {
    for (const within of ['this process', 'another process', 'another process that has no note']) {
      const { journal, host, runtime, fail, reopen } = await makeScene(3)
      const before = segment(runtime)
      const flushed = runtime.child('journal')!.stat(before.name)!.size
      await journal.writerLock.hold('put', undefined, () => {
        fail(flushes, cuts)
        if (within.endsWith('no note')) fail(notes)
        assert.throws(() => journal.append(recordsOf(3, 5), noPack), { code: 'IO' })
        host.faults.reset()
        assert.throws(() => journal.append(recordsOf(3, 5), noPack), { code: 'IO' })
        assert.throws(() => journal.setApplied(1), { code: 'IO' })
      })
      if (!within.endsWith('no note')) assert.equal(readText(runtime, 'poisoned'), `0 ${flushed}\n`)
      const next = within === 'this process' ? journal : reopen()
      await next.writerLock.hold('put', undefined, ({ uncleanTakeover }) => {
        assert.equal(uncleanTakeover, true)
        // Without a note the refused records look like those of a killed process: whole ones are kept.
        const kept = within.endsWith('no note') ? 5 : 3
        assert.equal(next.head().size, kept)
        next.append(recordsOf(kept, kept + 2), noPack)
      })
      assert.equal(runtime.stat('poisoned'), undefined)
      assert.equal(segment(runtime).inode === before.inode, within.endsWith('no note'), within)
      assert.equal(torn(runtime), within.endsWith('no note') ? 0 : 1)
      await assertHolds(next, names(0, next.head().size))
      await assertHolds(reopen(), names(0, next.head().size))
    }
  })

  it('of which nobody could leave a note is made good by who takes the tail over', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { inner, journal, host, fail, reopen } = await makeScene(3)
      fail(flushes, cuts, notes)
      await assert.rejects(append(journal, recordsOf(3, 5)), { code: 'IO' })
      // The pages are clean now, as the kernel sees them, and never reached the disk.
      host.faults.reset()
      host.faults.crash()
      inner.exit()
      const process = createMemoryHost({ disk: inner.disk, clock: inner.clock })
      const next = openTest({ host: process, directory: process.files.openDirectory('/')! }, { limits })
      await append(next, recordsOf(5, 6))
      assert.equal(next.head().size, 6)
      process.exit()
      inner.disk.cutPower(createSeededRandomness(seed))
      await assertHolds(reopen(), names(0, 6))
    }
  })

  it('in a new segment poisons across both', async () => {
    const { journal, host, runtime, fail, reopen } = await makeScene(4)
    fail(operation => flushes(operation) && !operation.path.includes('00000000000000000000'), removals)
    await assert.rejects(append(journal, recordsOf(4, 9)), { code: 'IO' })
    host.faults.reset()
    assert.notEqual(runtime.stat('poisoned'), undefined)
    const next = reopen()
    await append(next, recordsOf(4, 6))
    await assertHolds(next, names(0, 6))
    assert.ok(torn(runtime) >= 1)
  })

  it('keeps what was flushed when only the mark could not be written', async () => {
    const { journal, host, runtime, reopen } = await makeScene(2)
    await journal.writerLock.hold('put', undefined, () => {
      journal.setApplied(2)
      host.faults.failWhen(({ call, path }) =>
        call === 'write' && path.endsWith('marks') ? { kind: 'error', code: 'NO_SPACE' } : undefined,
      )
      assert.throws(
        () => journal.append(recordsOf(2, 3), noPack),
        error => error instanceof Error && /whether they were recorded/.test(error.message),
      )
      host.faults.reset()
    })
    assert.equal(journal.head().size, 2)
    const next = reopen()
    await next.writerLock.hold('put', undefined, () => {
      assert.equal(next.head().size, 3)
      next.append(recordsOf(3, 4), noPack)
    })
    await assertHolds(next, names(0, 4))
    assert.equal(runtime.stat('poisoned'), undefined)
  })

  it('of another writer, in spite of the lock, is noticed before anybody is told yes', async () => {
    const { journal, host, runtime } = await makeScene(2)
    let once = true
    host.faults.failWhen(operation => {
      if (!once || !flushes(operation)) return undefined
      once = false
      const name = operation.path.split('/').at(-1)!
      const file = runtime.child('journal')!.open(name, 'modify')
      file.write(Buffer.from('somebody else'), file.stat().size)
      file.close()
      return undefined
    })
    await assert.rejects(append(journal, recordsOf(2, 3)), { code: 'LOCKED' })
    assert.equal(journal.head().size, 2)
    await journal.writerLock.hold('put', undefined, () => {
      assert.equal(journal.head().size, 3)
      journal.append(recordsOf(3, 4), noPack)
    })
    await assertHolds(journal, names(0, 4))
    assert.equal(torn(runtime), 1)
  })

  it('has a note that can be garbage', async () => {
    const { journal, runtime, reopen } = await makeScene(3)
    journal.close()
    for (const note of ['', '0', 'x y\n', '0 99999999\n', '77 32\n']) {
      writeFile(runtime, 'poisoned', note)
      const next = reopen()
      const claimsMore = /^\d+ \d+\n$/.test(note)
      const work = next.writerLock.hold('look', undefined, () => next.head().size)
      if (claimsMore) await assert.rejects(work, { code: 'DAMAGED' })
      else assert.equal(await work, 3)
      next.close()
      if (claimsMore) runtime.removeFile('poisoned')
    }
    await assertHolds(reopen(), names(0, 3))
  })

  it('while the copy is made is tried again', async () => {
    const { journal, host, runtime, fail, reopen } = await makeScene(3)
    fail(flushes, cuts)
    await assert.rejects(append(journal, recordsOf(3, 5)), { code: 'IO' })
    host.faults.reset()
    fail(({ path }) => path.endsWith('.seg.new'))
    await assert.rejects(append(journal, recordsOf(3, 5)), { code: 'IO' })
    assert.notEqual(runtime.stat('poisoned'), undefined)
    host.faults.reset()
    await append(journal, recordsOf(3, 5))
    assert.equal(runtime.stat('poisoned'), undefined)
    await assertHolds(reopen(), names(0, 5))
  })
})
