// Long journals: what is derived saves reading them, what is missing is read in slices that say how far they are and can
// be stopped, and whoever asks for nothing of it does not wait.

import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { decodeFormatFile } from '../../../src/core/format/formatFile.ts'
import { decodeTraceHeader, decodeTraceItemAt } from '../../../src/core/format/recycleTrace.ts'
import { createSystemClock } from '../../../src/core/host/clock.ts'
import { type NewRecord, openJournal } from '../../../src/core/journal/journal.ts'
import type { Progress } from '../../../src/core/progress.ts'
import { openSystem } from '../../../src/core/system.ts'
import { type Folder, makeFolder, put, run } from '../verify/fixtures.ts'

/** A folder with two versions of `a`, and a clock by which every slice is used up at once. */
async function makeLong(context: TestContext, count: number, path?: (i: number) => string): Promise<Folder> {
  let ms = 0
  const clock = { ...createSystemClock(), monotonicMs: () => (ms += 10) }
  const folder = await makeFolder(context, { a: '1' }, { clock })
  await folder.with(system => put(system, 'a', '2'))
  await folder.with(system => run(system.snapshotCreate({ name: 'early' })))
  await lengthen(folder, count, path)
  return folder
}

/** Appends records like that of the second version, each of its own path, as fast as a journal takes them. */
async function lengthen(folder: Folder, count: number, path = (i: number) => `d${i % 100}/a`): Promise<void> {
  const { clock, random, processes, locks, files } = folder.host
  const root = files.openDirectory(folder.path)!
  const [runtime, derived] = [root.child('.runtime')!, root.child('.db')!]
  const { logId } = decodeFormatFile(folder.read('.runtime/format'))
  const journal = openJournal({ directory: runtime, derived, clock, random, processes, locks, access: 'write', logId })
  const example = [...journal.records({ from: 0 })].flatMap(one =>
    one.state === 'intact' && one.record.body?.subject.id === 'a' ? [one.record] : [],
  )[0]!
  const like = (id: string): NewRecord => ({
    root: journal.head().root!,
    body: { ...example.body!, subject: { kind: 'file', id } },
  })
  await journal.writerLock.hold('lengthen', undefined, ({ mark }) => {
    const pack = { number: mark.packNumber, flushedBytes: mark.packFlushedBytes, packId: mark.packId }
    for (let from = 0; from < count; from += 1_000) {
      journal.append(
        Array.from({ length: Math.min(1_000, count - from) }, (_, k) => like(path(from + k))),
        pack,
      )
    }
    journal.setApplied(journal.head().size)
  })
  journal.close()
  for (const directory of [derived, runtime, root]) directory.close()
}

const derivedAt = (folder: Folder, name: string) => folder.at(`.db/${name}`)

async function steps<T>(work: AsyncGenerator<Progress, T, void>): Promise<Progress[]> {
  const seen: Progress[] = []
  for await (const step of work) seen.push(step)
  return seen
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'nothing'
  } catch (error) {
    if (!isSentientError(error)) throw error
    return error.code
  }
}

describe('a long journal', () => {
  it('is not read for snapshots by who asks for none, and in slices by who does', async context => {
    const folder = await makeLong(context, 12_000)
    const names = await folder.with(system => system.snapshots().map(({ name }) => name), 'read')
    assert.ok(names.includes('early'))
    rmSync(folder.at('recycle.lock'))
    const lazily = { rootPath: folder.path, access: 'read', ready: false } as const
    const reader = await openSystem(folder.host, lazily)
    assert.equal([...reader.records({ newestFirst: true, limit: 5 })].length, 5)
    assert.equal(reader.resolve('#3').seq, 3)
    await reader.close()
    assert.ok(!existsSync(folder.at('recycle.lock')), 'nothing was read that could be kept')

    const asker = await openSystem(folder.host, lazily)
    const stopped = new AbortController()
    stopped.abort()
    assert.equal(await codeOf(run(asker.ready({ signal: stopped.signal }))), 'CANCELLED')
    const seen = await steps(asker.ready())
    assert.ok(seen.some(({ phase, total }) => phase === 'reading snapshots' && total === asker.now().records))
    assert.deepEqual(
      asker.snapshots().map(({ name }) => name),
      names,
    )
    await asker.close()
    assert.ok(existsSync(folder.at('recycle.lock')), 'it is kept for the next one')
    const told: Progress[] = []
    rmSync(folder.at('recycle.lock'))
    const writer = { rootPath: folder.path, access: 'write', progress: (step: Progress) => told.push(step) } as const
    await (await openSystem(folder.host, writer)).close()
    assert.ok(told.length > 0, 'a writer needs the list and says what it waits for')
  })

  it('is searched for the last gc once', async context => {
    const folder = await makeLong(context, 1)
    await folder.with(system => put(system, 'a', '3'))
    await folder.with(async system => {
      for (const { name } of system.snapshots()) await run(system.snapshotRemove(name))
      await run(system.snapshotCreate({ name: 'kept' }))
      assert.ok((await run(system.gc())).horizon > 2)
    })
    await lengthen(folder, 1_500)
    const refused = () => folder.with(system => codeOf(run(system.diff(system.resolve('#1'), 'disk'))), 'read')
    assert.equal(await refused(), 'STATE_PRUNED')
    const file = derivedAt(folder, 'pruned.json')
    const known = JSON.parse(folder.read('.db/pruned.json').toString())
    assert.ok(known.size > 1_500 && known.gc > 2, 'it is kept')
    // Believed as far as the records bear it out.
    const lies = [
      { ...known, leaf: '00'.repeat(32), gc: null },
      { ...known, gc: 1 },
      { ...known, gc: known.size + 7 },
      { ...known, size: known.size + 1e6, gc: null },
      { size: 'x' },
      null,
    ]
    for (const lie of lies) {
      writeFileSync(file, JSON.stringify(lie))
      assert.equal(await refused(), 'STATE_PRUNED', JSON.stringify(lie))
    }
    writeFileSync(file, '{')
    assert.equal(await refused(), 'STATE_PRUNED')
    // What is believed is not looked for again: it is only seen that a gc is not where the file says none is.
    writeFileSync(file, JSON.stringify({ ...known, gc: null }))
    assert.equal(await refused(), 'nothing')
  })

  it('tells the versions of a path whether it is indexed or not', async context => {
    const folder = await makeLong(context, 12_000, i => (i % 3_000 === 17 ? 'd/a' : `d${i % 50}/a`))
    const seqs = async (host = folder.host) => {
      const system = await openSystem(host, { rootPath: folder.path, access: 'read' })
      try {
        // Two at once share one database.
        const asked = await Promise.all([run(system.versions('d/a')), run(system.versions('a'))])
        return asked.map(list => list.map(({ seq }) => seq))
      } finally {
        await system.close()
      }
    }
    const { databases, ...without } = folder.host
    const expected = await seqs({ ...without, stateDirectory: folder.host.stateDirectory })
    assert.equal(expected[0]?.length, 4)
    assert.equal(expected[1]?.length, 2)
    for (let question = 0; question < 3; question++) assert.deepEqual(await seqs(), expected)
  })

  it('is searched for what to undo in slices', async context => {
    const folder = await makeLong(context, 3_000)
    await folder.with(async system => {
      const seen = await steps(system.undoTarget({ session: 'nobody' }))
      assert.ok(seen.length > 0 && seen.every(({ unit }) => unit === 'records'))
      const stopped = new AbortController()
      stopped.abort()
      const cancelled = system.undoTarget({ session: 'nobody', signal: stopped.signal })
      assert.equal(await codeOf(run(cancelled)), 'CANCELLED')
      assert.equal((await run(system.undoTarget()))?.seq, system.now().records - 1)
      const last = await put(system, 'a', '3')
      await put(system, 'a', '4')
      await lengthen(folder, 1_000)
      system.refresh()
      const error = await run(system.undo({ seq: last.seq })).catch(error => error)
      assert.match(error.message, new RegExp(`#${last.seq}.*#${last.seq + 1}`))
    })
  })

  it('is filtered in slices, and as by reading every record', async context => {
    const folder = await makeLong(context, 2_000)
    await folder.with(async system => {
      for (const filter of [
        { under: 'd7' },
        { under: 'a' },
        { action: 'snapshot' },
        { actor: 'nobody' },
        { under: '' },
      ]) {
        const everything = [...system.records()].map(({ seq }) => seq)
        const passing = [...system.records(filter)].map(({ seq }) => seq)
        const found: number[] = []
        let told = 0
        for await (const step of system.scanRecords({ ...filter, newestFirst: true })) {
          if ('progress' in step) told++
          else found.unshift(step.record.seq)
        }
        assert.deepEqual(found, passing)
        assert.ok(told > 0)
        if ('under' in filter && filter.under === '') assert.ok(passing.length > 2_000)
        else assert.ok(passing.length < everything.length / 10)
      }
    }, 'read')
  })

  it('comes into recycle.trace by and by, and not before that is whole', async context => {
    const folder = await makeLong(context, 12_000)
    await folder.with(system => put(system, 'b', '1'))
    rmSync(derivedAt(folder, 'trace.json'))
    const before = folder.read('recycle.trace')
    await folder.with(system => put(system, 'b', '2'))
    assert.deepEqual(folder.read('recycle.trace'), before)
    assert.ok(existsSync(derivedAt(folder, 'trace.new')))
    for (let i = 3; i < 5; i++) await folder.with(system => put(system, 'b', String(i)))
    assert.ok(!existsSync(derivedAt(folder, 'trace.new')))
    assert.deepEqual(traceSeqs(folder), await recordsFromBase(folder))
    await folder.with(system => put(system, 'b', '9'))
    assert.deepEqual(traceSeqs(folder), await recordsFromBase(folder))
  })
})

function traceSeqs(folder: Folder): number[] {
  const bytes = folder.read('recycle.trace')
  const header = decodeTraceHeader(bytes)
  assert.ok(header.state === 'ok')
  const seqs = [header.value.baseSeq]
  for (let offset = header.nextOffset; offset < bytes.length; ) {
    const item = decodeTraceItemAt(bytes, offset)
    assert.ok(item.state === 'ok')
    offset = item.nextOffset
    seqs.push(item.value.seq)
  }
  return seqs
}

async function recordsFromBase(folder: Folder): Promise<number[]> {
  const { records, base } = await folder.with(
    system => ({ records: system.now().records, base: system.snapshots()[0]!.seq }),
    'read',
  )
  return Array.from({ length: records - base }, (_, i) => base + i)
}
