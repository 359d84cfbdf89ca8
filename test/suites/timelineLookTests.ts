// What looking promises: status, listings, find, versions, differences, and recycle.trace, which replayed gives the
// state in force. None of it changes anything.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  changesOutside,
  contentAt,
  diskOf,
  editOutside,
  finished,
  put,
  recordedOf,
  refused,
  replayedTrace,
} from '../core/timeline/support.ts'
import { describeTree, file, symlink } from '../support/host.ts'
import type { TimelineBench } from './timelineSuite.ts'

export function lookTests(bench: TimelineBench): void {
  describe('status and listings', () => statusTests(bench))
  describe('versions, find and differences', () => findTests(bench))
  describe('recycle.trace', () => traceTests(bench))
}

function statusTests(bench: TimelineBench): void {
  it('says what differs, how, and what the settings make of it', async () => {
    const { directory } = bench.subject
    const system = await bench.make({
      content: 'old',
      mode: file('m', 0o644),
      both: file('b', 0o644),
      kind: 'k',
      gone: 'g',
      same: 's',
      'sentient.yaml':
        'version: 1\ndrift:\n  - { paths: ["**"], do: warn }\n  - { paths: ["both", "new/**"], do: heal }\n',
    })
    editOutside(directory, {
      content: 'new',
      mode: file('m', 0o600),
      both: file('B', 0o600),
      kind: symlink('k'),
      gone: null,
      new: { f: 'f' },
    })
    const report = await finished(system.status())
    assert.deepEqual(
      report.changes.map(({ path, state, differs, drift, reason }) => [path, state, differs.join(), drift, reason]),
      [
        ['both', 'changed', 'content,mode', 'heal', 'changed outside'],
        ['content', 'changed', 'content', 'warn', 'changed outside'],
        ['gone', 'gone', '', 'warn', 'removed outside'],
        ['kind', 'changed', 'kind', 'warn', 'changed outside'],
        ['mode', 'changed', 'mode', 'warn', 'mode changed outside'],
        ['new', 'new', '', 'heal', 'new, not recorded'],
        ['new/f', 'new', '', 'heal', 'new, not recorded'],
      ],
    )
    assert.deepEqual([report.counts.changed, report.counts.new, report.counts.gone], [4, 2, 1])
    assert.equal(report.records, system.now().records)
    assert.equal(report.root, system.now().root)
    const under = await finished(system.status({ under: ['new', 'mode', 'nowhere'] }))
    assert.deepEqual(
      under.changes.map(change => change.path),
      ['mode', 'new', 'new/f'],
    )
    assert.equal(system.lastStatus(), report, 'a look at a part is not the last whole look')
  })

  it('sees an edit of the same size at the same moment', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'aaaa' })
    for (const content of ['bbbb', 'cccc', 'dddd']) {
      editOutside(directory, { a: content })
      assert.deepEqual(await changesOutside(system), { a: 'changed' })
      editOutside(directory, { a: 'aaaa' })
      assert.deepEqual(await changesOutside(system), {})
    }
  })

  it('lists directories with marks, disk and record side by side', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ d: { same: 's', changed: 'c', gone: 'g', sub: { x: 'x' } }, l: symlink('d') })
    const before = system.resolve('now')
    editOutside(directory, { 'd/changed': 'C', 'd/gone': null, 'd/new': 'n', 'd/sub/y': 'y', 'd/z~': 'ignored' })
    assert.deepEqual(
      system.directory('d').map(({ name, mark }) => `${mark} ${name}`),
      ['? changed', '- gone', '+ new', '? same', '? sub', '  z~'],
    )
    await finished(system.status())
    assert.deepEqual(
      system.directory('d').map(({ name, mark }) => `${mark} ${name}`),
      ['~ changed', '- gone', '+ new', '= same', '= sub', '  z~'],
    )
    assert.deepEqual(system.entry('d/sub')?.below, { count: 1, worst: '+' })
    assert.equal(system.entry('d')?.below?.worst, '-')
    assert.equal(system.entry('nowhere'), undefined)
    assert.deepEqual(
      system.directory('d', { at: before }).map(({ name, mark, size }) => `${mark} ${name} ${size}`),
      ['= changed 1', '= gone 1', '= same 1', '= sub 1'],
    )
    assert.throws(() => system.directory('nowhere'), { code: 'PATH_NOT_FOUND' })
    assert.throws(() => system.directory('d/same'), { code: 'NOT_A_DIRECTORY' })
    assert.throws(() => system.directory('l'), { code: 'NOT_A_DIRECTORY' })
  })

  it('changes nothing on disk but what is derived', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', d: { b: '2' } })
    editOutside(directory, { a: 'edit' })
    const truth = () => Object.entries(describeTree(directory)).filter(([path]) => !path.startsWith('.db/'))
    const before = truth()
    await finished(system.status())
    await finished(system.diff(system.resolve('-1'), 'disk'))
    system.fileDiff('a', system.resolve('now'), 'disk')
    await finished(system.versions('a'))
    await finished(system.rollbackPreview(system.resolve('-1')))
    for await (const _ of system.find({}));
    assert.deepEqual(truth(), before)
  })

  it('everything derived may be deleted', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', d: { b: '2' } })
    await put(system, 'a', '2')
    await finished(system.snapshotCreate({ name: 's' }))
    await finished(system.status())
    const snapshots = system.snapshots()
    await system.close()
    editOutside(directory, { '.db': null, 'recycle.lock': null, 'recycle.trace': null })
    const again = await bench.open()
    assert.deepEqual(again.snapshots(), snapshots)
    assert.deepEqual(await changesOutside(again), {})
    assert.equal((await finished(again.versions('a'))).length, 2)
    await put(again, 'a', '3')
    await again.close()
    assert.ok(directory.stat('recycle.lock') !== undefined && directory.stat('recycle.trace') !== undefined)
  })
}

function findTests(bench: TimelineBench): void {
  it('versions: every record that changed a path, newest first', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'one', d: { x: 'x' }, other: 'o' })
    await put(system, 'a', 'two')
    await put(system, 'other', 'not a')
    await finished(system.setMode(['a'], () => 0o600))
    await finished(system.move(['a'], 'd'))
    await put(system, 'a', 'anew')
    editOutside(directory, { a: 'edit' })
    await finished(system.absorb([]))
    await finished(system.rollback(system.resolve('-1')))
    const found = await finished(system.versions('a'))
    assert.deepEqual(
      found.map(({ action, before, after }) => [action, before?.size ?? null, after?.size ?? null]),
      [
        ['rollback', 4, 3],
        ['absorb', 4, 4],
        ['put', null, 4],
        ['move', 3, null],
        ['chmod', 3, 3],
        ['put', 3, 3],
        ['adopt', null, 3],
      ],
    )
    assert.equal((await finished(system.versions('a', { limit: 2 }))).length, 2)
    assert.deepEqual(await finished(system.versions('nowhere')), [])
    const moved = await finished(system.versions('d/a'))
    assert.deepEqual(
      moved.map(version => version.action),
      ['rollback', 'move'],
    )
  })

  it('find: by name, kind and place, now and in a past state', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: { 'one.txt': '1', b: { 'two.txt': '2' } }, 'three.txt': '3', l: symlink('a') })
    const before = system.resolve('now')
    await finished(system.remove(['a/one.txt']))
    editOutside(directory, { 'a/new.txt': 'n' })
    const found = async (options: Parameters<typeof system.find>[0]) => {
      const paths: string[] = []
      for await (const { path, mark } of system.find(options)) paths.push(`${mark}${path}`)
      return paths.sort()
    }
    assert.deepEqual(await found({ name: '*.txt' }), ['+a/new.txt', '?a/b/two.txt', '?three.txt'])
    assert.deepEqual(await found({ name: '*.txt', at: before }), ['=a/b/two.txt', '=a/one.txt', '=three.txt'])
    assert.deepEqual(await found({ kind: 'dir' }), ['?a', '?a/b'])
    assert.deepEqual(await found({ under: 'a/b' }), ['?a/b', '?a/b/two.txt'])
    assert.deepEqual(await found({ name: 't[!h]?.*', at: before }), ['=a/b/two.txt'])
  })

  it('diff: states against each other and against the disk', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', b: '2', d: { x: 'x' }, m: file('m', 0o644) })
    const old = system.resolve('now')
    await put(system, 'a', '11')
    await finished(system.remove(['d'], { recursive: true }))
    const now = system.resolve('now')
    const shown = (report: Awaited<ReturnType<typeof diff>>) =>
      report.changes.map(({ path, before, after }) => `${path} ${before?.size ?? '-'} ${after?.size ?? '-'}`)
    const diff = (...parameters: Parameters<typeof system.diff>) => finished(system.diff(...parameters))
    assert.deepEqual(shown(await diff(old, now)), ['a 1 2', 'd 1 -', 'd/x 1 -'])
    assert.deepEqual(shown(await diff(now, old)), ['a 2 1', 'd - 1', 'd/x - 1'])
    assert.deepEqual(shown(await diff(old, now, { under: ['d'] })), ['d 1 -', 'd/x 1 -'])
    editOutside(directory, { a: '1', b: '222', m: file('m', 0o600), n: 'new' })
    assert.deepEqual(shown(await diff(old, 'disk')), ['b 1 3', 'd 1 -', 'd/x 1 -', 'm 1 1', 'n - 3'])
    assert.deepEqual(shown(await diff(now, 'disk')), ['a 2 1', 'b 1 3', 'm 1 1', 'n - 3'])
    assert.deepEqual(shown(await diff(now, now)), [])
  })

  it('file differences: hunks, binaries, symlinks, what is missing', async () => {
    const { directory } = bench.subject
    const lines = Array.from({ length: 30 }, (_, i) => `${i}\n`)
    const system = await bench.make({ t: lines.join(''), b: 'a\0b', l: symlink('one'), d: {}, latin: 'gr\xfc\xdfe\n' })
    const old = system.resolve('now')
    editOutside(directory, {
      t: lines.with(3, 'three\n').with(25, '').join(''),
      b: 'a\0c',
      l: symlink('two'),
      n: 'new\nfile',
    })
    const text = system.fileDiff('t', old, 'disk')
    assert.equal(text.kind, 'text')
    assert.deepEqual([text.added, text.removed, text.hunks.length], [1, 2, 2])
    assert.deepEqual(text.hunks[0]?.lines.slice(3, 5), ['-3', '+three'])
    assert.equal(system.fileDiff('b', old, 'disk').kind, 'binary')
    assert.deepEqual(
      system.fileDiff('l', old, 'disk').hunks[0]?.lines.filter(line => !line.startsWith('\\')),
      ['-one', '+two'],
    )
    assert.equal(system.fileDiff('d', old, 'disk').kind, 'other')
    assert.equal(system.fileDiff('latin', old, 'disk').kind, 'same')
    const added = system.fileDiff('n', old, 'disk')
    assert.deepEqual([added.before, added.added, added.removed], [null, 2, 0])
    assert.equal(system.fileDiff('nowhere', old, 'disk').kind, 'same')
    await finished(system.absorb([]))
    assert.deepEqual(system.fileDiff('t', old, system.resolve('now')).hunks, text.hunks)
  })

  it('openFile reads disk and states, at any place', async () => {
    const { directory } = bench.subject
    const large = Buffer.alloc(1_300_000, 'some content that is long ')
    const system = await bench.make({ f: 'recorded', l: symlink('f'), d: {} })
    await put(system, 'large', large)
    editOutside(directory, { f: 'edited' })
    const now = system.resolve('now')
    assert.equal(contentAt(system, 'f', now), 'recorded')
    assert.equal(contentAt(system, 'l', now), 'f')
    const disk = system.openFile('f', 'disk')
    const bytes = Buffer.alloc(6)
    assert.equal(disk?.read(bytes, 0, 6, 0), 6)
    assert.equal(bytes.toString(), 'edited')
    disk?.close()
    const part = Buffer.alloc(100)
    const stored = system.openFile('large', now)
    assert.equal(stored?.read(part, 0, 100, 1_048_550), 100)
    assert.deepEqual(part, large.subarray(1_048_550, 1_048_650))
    assert.equal(system.openFile('nowhere', now), undefined)
    assert.equal(system.openFile('nowhere', 'disk'), undefined)
    assert.throws(() => system.openFile('d', 'disk'), { code: 'IS_A_DIRECTORY' })
    assert.throws(() => system.openFile('d', now), { code: 'IS_A_DIRECTORY' })
    await refused((async () => system.openFile('l/x', 'disk'))(), 'SYMLINK_IN_PATH')
  })

  it('records: filters, limits and both directions', async () => {
    const system = await bench.make({ a: '1', d: { b: '2', c: '3' } })
    await put(system, 'a', '2')
    await put(system, 'd/b', '3')
    await finished(system.remove(['d'], { recursive: true }))
    const seqs = (filter: Parameters<typeof system.records>[0]) => [...system.records(filter)].map(({ seq }) => seq)
    const last = system.now().records - 1
    assert.deepEqual(seqs({ newestFirst: true, limit: 2 }), [last, last - 1])
    assert.deepEqual(seqs({ action: 'put' }), [last - 2, last - 1])
    assert.deepEqual(seqs({ under: 'd', from: 3 }), [last - 1, last])
    assert.deepEqual(seqs({ under: 'd/c', from: 3 }), [last])
    assert.deepEqual(seqs({ from: 1, to: 2 }), [1])
    assert.deepEqual(seqs({ actor: 'nobody' }), [])
    assert.deepEqual(
      [...system.recordChanges(last)].map(change => change.path),
      ['d', 'd/b', 'd/c'],
    )
    assert.throws(() => system.record(999), { code: 'STATE_NOT_FOUND' })
    assert.match(system.record(last).summary, /^delete d \(3 paths\)$/)
  })
}

function traceTests(bench: TimelineBench): void {
  it('replayed from its base it gives the state in force', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', d: { x: 'x', y: { z: 'z' } }, wasDir: { in: 'i' } })
    await put(system, 'a', '2')
    await finished(system.remove(['d/y'], { recursive: true }))
    editOutside(directory, { wasDir: 'a file', new: { deep: 'n' } })
    await finished(system.absorb([]))
    await finished(system.setSetting('zk', 'false'))
    await system.close()
    await replayedTrace(bench.subject)
    const again = await bench.open()
    await finished(again.rollback(again.resolve('-1')))
    await finished(again.undo())
    await finished(again.move(['d'], 'e'))
    const recorded = recordedOf(again)
    await again.close()
    const replayed = await replayedTrace(bench.subject)
    assert.equal(replayed.root, replayed.claimed)
    const last = await bench.open({ access: 'read' })
    assert.equal(replayed.root, last.now().root)
    assert.equal(replayed.seq, last.now().records - 1)
    assert.deepEqual(recordedOf(last), recorded)
    assert.deepEqual(diskOf(directory), recorded)
  })

  it('is made anew when it does not fit', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    await system.close()
    for (const broken of ['', 'nonsense', undefined]) {
      if (broken === undefined) directory.removeFile('recycle.trace')
      else editOutside(directory, { 'recycle.trace': broken })
      const again = await bench.open()
      await put(again, 'a', `${broken} `)
      await again.close()
      const replayed = await replayedTrace(bench.subject)
      assert.equal(replayed.root, replayed.claimed)
    }
  })
}
