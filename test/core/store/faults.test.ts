// The store when its disk fails: every operation in turn, the process killed at every operation, the power cut at every
// operation. Whatever happens, what a flush acknowledged is there afterwards, and packs hold nothing unsound once the
// next writer has looked at them.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { type ObjectId, objectId } from '../../../src/core/format/id.ts'
import { createFailingHost, type FailingHost, type Fault, SimulatedCrash } from '../../../src/core/host/failing.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import type { Ingest, SharedPackMark, Store } from '../../../src/core/store/store.ts'
import { finished, noise, openOn, text } from '../../suites/storeSubject.ts'
import { createSeededRandomness, createTestHost, type TestHost, type TestHostOptions } from '../../support/host.ts'
import { every, tried } from '../../support/thorough.ts'

/** `npm test -- --seed N` draws other power cuts. */
const seedBase = Number(process.env.SENTIENT_TEST_SEED) || 0

/** What a caller was told: these objects are durable, and the shared pack is flushed so far. */
interface Acknowledged {
  readonly ids: Set<ObjectId>
  readonly marks: SharedPackMark[]
}

/** Together above a megabyte: for a pack of its own, or for a buffer that goes to disk before the flush. */
const large = [1, 2].map(seed => noise(seed, 600_000))
const otherLarge = [3, 4].map(seed => noise(seed, 600_000))

/** What the steps put, flushed or not: the next process puts it again. */
const rewritten = [text('a'), noise(1, 700), noise(2, 700), noise(3, 700), text('taken back'), text('x')]

type Step = (store: Store, told: Acknowledged) => Promise<void> | void

/** One operation after the other, as the timeline would: each either acknowledges or throws. */
const steps: readonly Step[] = [
  (store, told) => put(store, told, { shared: true, contents: [text('a'), noise(1, 700), text('c'.repeat(900))] }),
  (store, told) => put(store, told, { shared: false, contents: [text('small and private'), noise(2, 700)] }),
  store => {
    const ingest = store.beginIngest({ shared: true })
    ingest.put('raw', 'chunk', text('taken back'))
    ingest.abort()
  },
  (store, told) => put(store, told, { shared: true, contents: [noise(4, 2000), text('x'), text('y')] }),
  async (store, told) => {
    const dropped = [...told.ids].filter((_, i) => i % 2 === 0)
    for (const id of dropped) told.ids.delete(id)
    await finished(store.collect(id => told.ids.has(id)))
  },
  (store, told) => put(store, told, { shared: true, contents: [text('after gc'), noise(3, 700)] }),
  store => store.close(),
]

/** The same with objects that do not stay in memory until the flush: packs in the stage, early writes to the shared one. */
const largeSteps: readonly Step[] = [
  (store, told) => put(store, told, { shared: true, contents: [text('a')] }),
  (store, told) => put(store, told, { shared: false, contents: [...large, text('b')] }),
  store => {
    const ingest = store.beginIngest({ shared: true })
    for (const content of otherLarge) ingest.put('raw', 'chunk', content)
    ingest.abort()
  },
  (store, told) => put(store, told, { shared: true, contents: [...otherLarge, noise(5, 600_000)] }),
  async (store, told) => {
    told.ids.delete(objectId(large[0]!))
    await finished(store.collect(id => told.ids.has(id)))
  },
  (store, told) => put(store, told, { shared: true, contents: [text('after gc')] }),
  store => store.close(),
]

function put(store: Store, told: Acknowledged, of: { shared: boolean; contents: readonly Uint8Array[] }): void {
  const ingest = store.beginIngest({ shared: of.shared })
  try {
    const links = of.contents.map(content => ingest.put('raw', 'chunk', content))
    ingest.seal()
    putAgain(ingest, of.contents)
    ingest.flush()
    // From here on the caller may name the objects in a record.
    for (const link of links) told.ids.add(link.id)
    told.marks.push(store.sharedPack())
  } catch (error) {
    ingest.abort()
    throw error
  }
}

function putAgain(ingest: Ingest, contents: readonly Uint8Array[]): void {
  const gone = new Set(ingest.revalidate())
  if (gone.size > 0) for (const content of contents) ingest.put('raw', 'chunk', content)
}

interface Run {
  readonly workload: readonly Step[]
  readonly host: FailingHost
  readonly inner: TestHost
  readonly told: Acknowledged
  readonly errors: unknown[]
}

/** Runs all steps on a fresh disk; a step that throws does not stop those behind it, the end of the process does. */
async function run(
  workload: readonly Step[],
  arrange: (host: FailingHost) => void,
  options: TestHostOptions = {},
): Promise<Run> {
  const inner = createTestHost(options)
  const host = createFailingHost(inner)
  const directory = host.files.openDirectory('/')!
  const told: Acknowledged = { ids: new Set(), marks: [] }
  const errors: unknown[] = []
  arrange(host)
  const store = openOn({ host, directory })
  for (const step of workload) {
    try {
      await step(store, told)
    } catch (error) {
      errors.push(error)
      if (error instanceof SimulatedCrash) break
    }
  }
  return { workload, host, inner, told, errors }
}

/** Opens what is left as the next process would, and checks what was acknowledged. */
function checkAfter({ workload, inner, told }: Run, label: string, markAge = 0): void {
  const host = createMemoryHost({ disk: inner.disk, clock: inner.clock, random: inner.random })
  const directory = host.files.openDirectory('/')!
  const store = openOn({ host, directory })
  // Marks are not flushed: after a cut an earlier one may be all that is left.
  const mark = told.marks.at(-1 - markAge) ?? { number: 0, flushedBytes: 0 }
  store.recoverSharedPack(mark)
  for (const id of told.ids) assert.equal(store.read(id).state, 'intact', `${label}: ${id} was acknowledged`)
  // The next operation builds on what it finds, acknowledged or not; then its word must hold.
  const links = [text('new 1'), noise(9, 3000), ...rewritten, ...(workload === largeSteps ? otherLarge : [])].map(
    content => {
      const ingest = store.beginIngest({ shared: true })
      const link = ingest.put('raw', 'chunk', content)
      ingest.flush()
      return link
    },
  )
  if (inner.disk.state.powerCut !== undefined) inner.disk.cutPower(createSeededRandomness(links.length + label.length))
  const last = openOn({ host, directory: host.files.openDirectory('/')! })
  for (const { number } of last.packs()) {
    for (const item of last.scanPack(number, { deep: true })) {
      assert.equal(item.state, 'intact', `${label}: pack ${number} at ${item.offset}: ${item.reason}`)
    }
  }
  for (const link of links)
    assert.equal(last.read(link.id).state, 'intact', `${label}: ${link.id} was acknowledged later`)
  for (const id of told.ids) assert.equal(last.read(id).state, 'intact', `${label}: ${id} was acknowledged before`)
  last.close()
}

async function operationCount(workload: readonly Step[]): Promise<number> {
  const { host, errors, told } = await run(workload, () => {})
  assert.deepEqual(errors, [])
  assert.ok(told.ids.size >= 5)
  return host.faults.count
}

const faults: Readonly<Record<string, Fault>> = {
  'fails with an input or output error': { kind: 'error', code: 'IO' },
  'finds the disk full': { kind: 'error', code: 'NO_SPACE' },
  'writes a part and fails': { kind: 'shortWrite', code: 'IO', bytes: 70 },
}

/** Large objects cost time: every eighth of their operations is tried, others for each kind of fault. */
const workloads = [
  { size: 'small', steps, stride: 1 },
  { size: 'large', steps: largeSteps, stride: every(8) },
]

for (const { size, steps, stride } of workloads) {
  describe(`no acknowledged object is lost (${size} ones)`, () => {
    let round = 0
    /** Runs a body for the numbers of operations. */
    const forOperations = async (
      body: (n: number) => Promise<void>,
      what = 'operations that fail',
    ): Promise<number> => {
      const count = await operationCount(steps)
      for (let n = 1 + (round++ % stride); n <= count; n += stride) {
        await body(n)
        tried(what)
      }
      return count
    }

    for (const [what, fault] of Object.entries(faults)) {
      it(`when any one operation ${what}`, async () => {
        let failures = 0
        const count = await forOperations(async n => {
          const result = await run(steps, host => host.faults.failAt(n, fault))
          for (const error of result.errors) {
            assert.ok(isSentientError(error), `operation ${n}: ${error instanceof Error ? error.stack : error}`)
          }
          if (result.errors.length > 0) failures++
          checkAfter(result, `operation ${n}`)
        })
        assert.ok(failures > count / stride / 4, `${failures} of ${count} operations mattered`)
      })
    }

    it('when everything fails from any operation on, and then the power goes', async () => {
      await forOperations(async n => {
        const failFrom = (host: FailingHost): void =>
          host.faults.failWhen(({ number }) => (number >= n ? { kind: 'error', code: 'IO' } : undefined))
        checkAfter(await run(steps, failFrom, { powerCut: 'ordered' }), `operation ${n}`)
      })
    })

    for (const bytes of [undefined, 0, 40]) {
      it(`when the process ends at any operation (${bytes ?? 'before it'}), and the power later`, async () => {
        await forOperations(async n => {
          const crash = (host: FailingHost): void => host.faults.crashAt(n, bytes)
          checkAfter(await run(steps, crash, { powerCut: bytes === 40 ? undefined : 'loose' }), `operation ${n}`)
        }, 'ends of the process')
      })
    }

    for (const powerCut of ['ordered', 'loose'] as const) {
      it(`when the power goes at any operation (names ${powerCut})`, async () => {
        await forOperations(async n => {
          for (const seed of size === 'small' ? [1, 2] : [n % 4]) {
            const result = await run(steps, host => host.faults.crashAt(n), { powerCut })
            result.inner.disk.cutPower(createSeededRandomness(seedBase + n * 10 + seed))
            checkAfter(result, `operation ${n}, seed ${seedBase} + ${seed}`, seed === 2 ? 1 : 0)
          }
        }, 'power cuts')
      })
    }
  })
}

describe('what a killed writer left without a flush', () => {
  it('is durable before anything is built on it', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const inner = createTestHost({ powerCut: 'ordered' })
      const host = createFailingHost(inner)
      const told: Acknowledged = { ids: new Set(), marks: [] }
      const first = openOn({ host, directory: host.files.openDirectory('/')! })
      put(first, told, { shared: true, contents: [text('before')] })
      const mark = told.marks[0]!
      host.faults.failWhen(({ call, path }) => (call === 'flush' && isPack(path) ? { kind: 'crash' } : undefined))
      const contents = [noise(seed, 3000)]
      assert.throws(() => put(first, told, { shared: true, contents }), SimulatedCrash)
      const next = openOn({ host: inner, directory: inner.files.openDirectory('/')! })
      assert.deepEqual(next.recoverSharedPack(mark), { cutBytes: 0 })
      const ingest = next.beginIngest({ shared: true })
      const link = ingest.put('raw', 'chunk', contents[0]!)
      assert.equal(ingest.objectsWritten, 0, 'it is there already')
      ingest.flush()
      inner.disk.cutPower(createSeededRandomness(seed))
      const last = openOn({ host: inner, directory: inner.files.openDirectory('/')! }, { access: 'read' })
      assert.equal(last.read(link.id).state, 'intact', `seed ${seed}`)
    }
  })
})

const isPack = (path: string): boolean => path.endsWith('.pack')

describe('a failed flush of the shared pack', () => {
  const prepare = () => {
    const inner = createTestHost()
    const host = createFailingHost(inner)
    const directory = host.files.openDirectory('/')!
    const store = openOn({ host, directory })
    const told: Acknowledged = { ids: new Set(), marks: [] }
    put(store, told, { shared: true, contents: [text('before')] })
    return { inner, host, directory, store, told }
  }
  it('is taken back, all of its group fails, and the next write goes on', () => {
    const { inner, host, directory, store, told } = prepare()
    const first = store.beginIngest({ shared: true })
    const second = store.beginIngest({ shared: true })
    const link = first.put('raw', 'chunk', text('lost'))
    second.put('raw', 'chunk', text('lost with it'))
    let failed = 0
    host.faults.failWhen(({ call, path }) =>
      call === 'flush' && isPack(path) && failed++ === 0 ? { kind: 'error', code: 'IO' } : undefined,
    )
    assert.throws(
      () => first.flush(),
      error => isSentientError(error, 'IO'),
    )
    assert.throws(
      () => second.flush(),
      error => isSentientError(error, 'IO'),
    )
    assert.equal(store.has(link.id), false)
    put(store, told, { shared: true, contents: [text('goes on')] })
    assert.equal(store.packs().length, 1)
    checkAfter({ workload: steps, host, inner, told, errors: [] }, 'after a failed flush')
    directory.close()
  })

  it('that can not be taken back poisons the writer and gives the pack up', () => {
    const { inner, host, directory, store, told } = prepare()
    let failing = true
    host.faults.failWhen(({ call, path }) =>
      failing && (call === 'flush' || call === 'truncate') && isPack(path) ? { kind: 'error', code: 'IO' } : undefined,
    )
    const attempt = () => put(store, told, { shared: true, contents: [text('lost')] })
    assert.throws(attempt, error => isSentientError(error, 'IO'))
    failing = false
    assert.throws(attempt, error => isSentientError(error, 'IO') && /nothing more is written/.test(error.message))
    const flushedBytes = told.marks.at(-1)?.flushedBytes
    assert.match(readNote(inner), new RegExp(`^1 ${flushedBytes}\n$`))
    // Another process does not build on what is in the page cache only.
    const reader = openOn({ host: inner, directory: inner.files.openDirectory('/')! }, { access: 'read' })
    assert.equal(reader.packs()[0]!.objects, 1)
    // While the disk goes on refusing, the next writer takes a new pack.
    failing = true
    const stubborn = openOn({ host, directory })
    assert.throws(() => put(stubborn, told, { shared: true, contents: [text('lost again')] }))
    failing = false
    checkAfter({ workload: steps, host, inner, told, errors: [] }, 'after poisoning')
    assert.equal(readNote(inner), '', 'settled once the disk let it')
  })
})

describe('a pack that could be looked at in part only', () => {
  it('is read anew: its index is never written from what is left', async () => {
    for (let n = 1, failed = true; failed; n++) {
      const inner = createTestHost()
      const host = createFailingHost(inner)
      const directory = host.files.openDirectory('/')!
      const store = openOn({ host, directory })
      const told: Acknowledged = { ids: new Set(), marks: [] }
      put(store, told, { shared: true, contents: [text('stays'), noise(6, 900)] })
      const dropped = objectId(noise(6, 900))
      told.ids.delete(dropped)
      host.faults.reset()
      host.faults.failAt(n, { kind: 'error', code: 'IO' })
      await finished(store.collect(id => id !== dropped, { thorough: true, urgent: true })).catch(error => {
        if (!isSentientError(error)) throw error
      })
      failed = host.faults.count >= n
      host.faults.reset()
      store.close()
      const next = openOn({ host: inner, directory: inner.files.openDirectory('/')! })
      for (const id of told.ids) assert.equal(next.read(id).state, 'intact', `operation ${n}`)
      next.close()
      directory.close()
    }
  })
})

function readNote(host: TestHost): string {
  const file = host.files.openDirectory('/')!.open('poisoned', 'read')
  const bytes = Buffer.alloc(1000)
  const count = file.read(bytes, 0, 1000, 0)
  file.close()
  return bytes.toString('latin1', 0, count)
}
