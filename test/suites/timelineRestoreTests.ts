// What going back promises: restore of paths and hunks, rollback, undo and redo are records like any other, and what was
// changed outside is kept before it is overwritten, and comes back when that is undone.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { System } from '../../src/core/system.ts'
import {
  changesOutside,
  contentAt,
  diskOf,
  editOutside,
  finished,
  openRoot,
  put,
  recordedAt,
  recordedOf,
  refused,
} from '../core/timeline/support.ts'
import { file, symlink } from '../support/host.ts'
import type { TimelineBench } from './timelineSuite.ts'

export function restoreTests(bench: TimelineBench): void {
  describe('restore', () => pathTests(bench))
  describe('hunks', () => hunkTests(bench))
  describe('rollback', () => rollbackTests(bench))
  describe('undo and redo', () => undoTests(bench))
}

/** Disk and record agree. */
async function inStep(bench: TimelineBench, system: System, expected?: Record<string, string>): Promise<void> {
  assert.deepEqual(recordedOf(system), diskOf(bench.subject.directory))
  if (expected !== undefined) assert.deepEqual(recordedOf(system), expected)
  assert.deepEqual(await changesOutside(system), {})
}

function pathTests(bench: TimelineBench): void {
  it('brings a file, a subtree, a mode and a deletion back, and leaves the rest', async () => {
    const system = await bench.make({ a: 'one', b: 'b', d: { x: 'x', y: file('y', 0o700) } })
    const old = system.resolve('now')
    await put(system, 'a', 'two')
    await put(system, 'b', 'stays')
    await put(system, 'new', 'n')
    await finished(system.remove(['d'], { recursive: true }))
    assert.deepEqual((await finished(system.restore(['a'], old))).changed, ['a'])
    await finished(system.restore(['d'], old))
    await finished(system.restore(['new'], old))
    await inStep(bench, system, {
      a: 'file 644 one',
      b: 'file 644 stays',
      'd/': 'dir 755',
      'd/x': 'file 644 x',
      'd/y': 'file 700 y',
    })
    assert.equal((await finished(system.restore(['a', 'd'], old))).seq, -1)
    await refused(system.restore(['nowhere'], old), 'PATH_NOT_FOUND')
  })

  it('keeps an edit that it overwrites, and undo brings the edit back as an edit', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'recorded', d: { x: 'x' } })
    editOutside(directory, { a: 'edited', 'd/new': 'new', 'd/x': null })
    const drift = diskOf(directory)
    const result = await finished(system.restore(['a', 'd'], system.resolve('now')))
    assert.equal(contentAt(system, 'a', system.resolve(result.protectedAs ?? '')), 'edited')
    assert.equal(contentAt(system, 'd/new', system.resolve(result.protectedAs ?? '')), 'new')
    await inStep(bench, system, { a: 'file 644 recorded', 'd/': 'dir 755', 'd/x': 'file 644 x' })
    await finished(system.undo())
    assert.deepEqual(diskOf(directory), drift)
    assert.deepEqual(recordedOf(system), { a: 'file 644 recorded', 'd/': 'dir 755', 'd/x': 'file 644 x' })
    assert.deepEqual(await changesOutside(system), { a: 'changed', 'd/new': 'new', 'd/x': 'gone' })
    await finished(system.redo())
    await inStep(bench, system, { a: 'file 644 recorded', 'd/': 'dir 755', 'd/x': 'file 644 x' })
  })

  it('makes the parents that are missing, in the record and on disk', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ d: { e: { x: 'x', y: 'y' } }, f: { g: { z: 'z' } } })
    const old = system.resolve('now')
    await finished(system.remove(['d'], { recursive: true }))
    editOutside(directory, { f: null })
    await finished(system.restore(['d/e/x', 'f/g/z'], old))
    await inStep(bench, system, {
      'd/': 'dir 755',
      'd/e/': 'dir 755',
      'd/e/x': 'file 644 x',
      'f/': 'dir 755',
      'f/g/': 'dir 755',
      'f/g/z': 'file 644 z',
    })
  })

  it('puts a directory back where a file, a link or a full directory took its place', async () => {
    const { directory } = bench.subject
    const tree = { a: { x: '1' }, b: { x: '2' }, c: 'file', out: { secret: 's' } }
    const system = await bench.make(tree)
    const before = diskOf(directory)
    editOutside(directory, { a: 'a file', b: symlink('out'), c: { deep: { er: 'x' } } })
    const result = await finished(system.restore(['a/x', 'b/x', 'c'], system.resolve('now')))
    await inStep(bench, system, before)
    const kept = recordedAt(system, system.resolve(result.protectedAs ?? ''))
    assert.equal(kept.a, 'file 644 a file')
    assert.equal(kept.b, 'symlink out')
    assert.equal(kept['c/deep/er'], 'file 644 x')
  })

  it('lists as unapplied what an ignored file keeps from its place', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'file', b: '1' })
    const old = system.resolve('now')
    editOutside(directory, { a: { 'x~': 'ignored', kept: 'k' } })
    await finished(system.absorb([]))
    const result = await finished(system.rollback(old))
    assert.deepEqual(result.unapplied, ['a'])
    assert.deepEqual(diskOf(directory), { 'a/': 'dir 755', 'a/x~': 'file 644 ignored', b: 'file 644 1' })
    assert.deepEqual(await changesOutside(system), { a: 'unapplied' })
    assert.equal((await finished(system.absorb([]))).seq, -1, "it is nobody's edit")
    const other = await bench.open()
    await put(other, 'b', '2')
    assert.deepEqual(await changesOutside(other), { a: 'unapplied' }, 'other operations and processes leave it so')
    await finished(other.undo())
    editOutside(directory, { 'a/x~': null })
    await finished(other.restore(['a'], old))
    system.refresh()
    await inStep(bench, system, { a: 'file 644 file', b: 'file 644 1' })
  })

  it('keeps what is unapplied when its owner names it', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'file' })
    const old = system.resolve('now')
    editOutside(directory, { a: { 'x~': 'ignored', kept: 'k' } })
    await finished(system.absorb([]))
    await finished(system.rollback(old))
    editOutside(directory, { 'a/new': 'n' })
    assert.deepEqual((await finished(system.absorb(['a']))).changed.toSorted(), ['a', 'a/new'])
    assert.deepEqual(await changesOutside(system), {})
    await put(system, 'b', 'b')
    assert.equal(directory.child('.runtime')?.stat('unapplied'), undefined, 'nothing is left to remember')
  })

  it('puts a path of an earlier state elsewhere', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'one', d: { x: 'x', l: symlink('x') } })
    const old = system.resolve('now')
    await put(system, 'a', 'two')
    await finished(system.remove(['d'], { recursive: true }))
    await finished(system.restore(['a'], old, { as: 'a.old' }))
    await finished(system.restore(['d'], old, { as: 'back' }))
    await inStep(bench, system, {
      a: 'file 644 two',
      'a.old': 'file 644 one',
      'back/': 'dir 755',
      'back/l': 'symlink x',
      'back/x': 'file 644 x',
    })
    editOutside(directory, { taken: 'x' })
    await refused(system.restore(['a'], old, { as: 'back' }), 'PATH_EXISTS')
    await refused(system.restore(['a'], old, { as: 'taken' }), 'PATH_EXISTS')
    await refused(system.restore(['a'], old, { as: 'no/where' }), 'PATH_NOT_FOUND')
    await refused(system.restore(['no'], old, { as: 'x' }), 'PATH_NOT_FOUND')
    await refused(system.restore(['a', 'd'], old, { as: 'x' }), 'USAGE')
  })
}

function hunkTests(bench: TimelineBench): void {
  const lines = (...changed: [number, string][]) => {
    const all = Array.from({ length: 40 }, (_, i) => `line ${i}`)
    for (const [at, text] of changed) all[at] = text
    return `${all.join('\n')}\n`
  }

  it('takes single hunks back', async () => {
    const system = await bench.make({ f: lines() })
    const old = system.resolve('now')
    await put(system, 'f', lines([2, 'first'], [20, 'second'], [38, 'third']))
    const diff = system.fileDiff('f', old, 'disk')
    assert.deepEqual(
      diff.hunks.map(hunk => hunk.number),
      [1, 2, 3],
    )
    await finished(system.restore(['f'], old, { hunks: [2] }))
    await inStep(bench, system, { f: `file 644 ${lines([2, 'first'], [38, 'third'])}` })
    await finished(system.restore(['f'], old, { hunks: [1, 2] }))
    await inStep(bench, system, { f: `file 644 ${lines()}` })
    const same = await refused(system.restore(['f'], old, { hunks: [1] }), 'USAGE')
    assert.match(same.message, /^There is nothing to bring back; at f; found the same content as at/)
  })

  it('keeps an edit that it changes, and leaves the rest of it an edit', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ f: lines() })
    const old = system.resolve('now')
    const edited = lines([2, 'edit'], [30, 'another'])
    editOutside(directory, { f: edited })
    const result = await finished(system.restore(['f'], old, { hunks: [1] }))
    assert.deepEqual(diskOf(directory), { f: `file 644 ${lines([30, 'another'])}` })
    assert.deepEqual(recordedOf(system), { f: `file 644 ${lines()}` })
    assert.deepEqual(await changesOutside(system), { f: 'changed' })
    assert.equal(contentAt(system, 'f', system.resolve(result.protectedAs ?? '')), edited)
    await finished(system.undo())
    assert.deepEqual(diskOf(directory), { f: `file 644 ${edited}` })
  })

  it('needs one text file on both sides', async () => {
    const system = await bench.make({ f: 'a\n', g: 'a\n', b: 'a\0b', d: {} })
    const old = system.resolve('now')
    await put(system, 'f', 'b\n')
    await put(system, 'b', 'c\0d')
    await refused(system.restore(['f', 'g'], old, { hunks: [1] }), 'USAGE')
    const wrong = await refused(system.restore(['f'], old, { hunks: [7] }), 'USAGE')
    assert.equal(wrong.message, 'No such hunk; expected hunk 1; found hunk 7')
    await refused(system.restore(['b'], old, { hunks: [1] }), 'USAGE')
    await refused(system.restore(['d'], old, { hunks: [1] }), 'PATH_NOT_FOUND')
  })
}

function rollbackTests(bench: TimelineBench): void {
  it('brings everything back in one record, with a preview that says so before', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'one', d: { x: 'x', y: { z: 'z' } }, l: symlink('a'), m: file('m', 0o600) })
    const before = recordedOf(system)
    await put(system, 'a', 'two')
    await finished(system.remove(['d'], { recursive: true }))
    await put(system, 'd', 'a file now')
    await finished(system.setMode(['m'], () => 0o644))
    await put(system, 'new/file', 'n')
    await finished(system.snapshotCreate({ name: 'later' }))
    const later = recordedOf(system)
    const target = system.resolve('-2')
    const preview = await finished(system.rollbackPreview(target))
    assert.deepEqual(
      preview.changes.map(change => change.path),
      ['a', 'd', 'd/x', 'd/y', 'd/y/z', 'm', 'new', 'new/file'],
    )
    assert.deepEqual(preview.counts, { created: 3, changed: 3, deleted: 2 })
    assert.deepEqual(preview.drift, [])
    const records = system.now().records
    const result = await finished(system.rollback(target))
    assert.deepEqual([...result.changed].sort(), preview.changes.map(change => change.path).sort())
    assert.equal(system.now().records, records + 1)
    await inStep(bench, system, before)
    await finished(system.rollback(system.resolve('later')))
    await inStep(bench, system, later)
    assert.deepEqual(diskOf(directory), later)
    assert.equal((await finished(system.rollback(system.resolve('later')))).seq, -1)
  })

  it('keeps what it overwrites, leaves what is new, and undo shows all of it again', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ same: '1', will: 'old', gone: 'g', d: { x: 'x' }, e: { y: 'y' } })
    const start = system.resolve('now')
    await put(system, 'will', 'new')
    await put(system, 'added', 'a')
    await finished(system.remove(['e'], { recursive: true }))
    const recorded = recordedOf(system)
    editOutside(directory, {
      same: 'edit of what stays',
      will: 'edit of what changes',
      added: 'edit of what goes',
      gone: null,
      d: 'a file in place of a directory',
      e: 'a new file where a directory comes back',
      'never recorded': 'n',
    })
    const drift = diskOf(directory)
    const preview = await finished(system.rollbackPreview(start))
    assert.deepEqual([...preview.drift].sort(), ['added', 'd', 'e', 'same', 'will'])
    const result = await finished(system.rollback(start))
    assert.deepEqual(diskOf(directory), { ...recordedAt(system, start), 'never recorded': 'file 644 n' })
    assert.deepEqual(recordedOf(system), recordedAt(system, start))
    assert.deepEqual(await changesOutside(system), { 'never recorded': 'new' })
    const kept = recordedAt(system, system.resolve(result.protectedAs ?? ''))
    for (const path of ['same', 'will', 'added', 'd', 'e']) assert.equal(kept[path], drift[path], path)
    await finished(system.undo())
    assert.deepEqual(recordedOf(system), recorded)
    assert.deepEqual(diskOf(directory), drift)
    await finished(system.redo())
    assert.deepEqual(diskOf(directory), { ...recordedAt(system, start), 'never recorded': 'file 644 n' })
    await finished(system.undo())
    assert.deepEqual(diskOf(directory), drift)
    assert.deepEqual(recordedOf(system), recorded)
  })

  it('a kept edit can be brought back from its snapshot', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'one' })
    editOutside(directory, { a: 'precious' })
    const { protectedAs = '' } = await finished(system.rollback(system.resolve('-1')))
    await finished(system.restore(['a'], system.resolve(protectedAs)))
    await inStep(bench, system, { a: 'file 644 precious' })
    await finished(system.rollback(system.resolve('-1')))
    await finished(system.rollback(system.resolve(protectedAs)))
    await inStep(bench, system, { a: 'file 644 precious' })
  })

  it('brings the settings back, and the file that shows them when nobody edited it', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    const first = system.settings().text
    await finished(system.setSetting('watch.quietMinutes', '7'))
    assert.equal(system.settings().values.watch.quietMinutes, 7)
    await finished(system.rollback(system.resolve('-1')))
    assert.equal(system.settings().text, first)
    assert.equal((await system.settingsCandidate()).state, 'none')
    await finished(system.undo())
    assert.equal(system.settings().values.watch.quietMinutes, 7)
    assert.equal((await system.settingsCandidate()).state, 'none')
    const candidate = system.settings().text.replace('quietMinutes: 7', 'quietMinutes: 9')
    editOutside(directory, { 'sentient.yaml': candidate })
    await finished(system.rollback(system.resolve('-1')))
    assert.equal(system.settings().text, first)
    assert.deepEqual((await system.settingsCandidate()).differences, [
      { key: 'watch.quietMinutes', inForce: '10', candidate: '9' },
    ])
  })

  it('goes back inside directories that nobody may write', async () => {
    const system = await bench.make({ d: { e: { f: 'one', gone: 'g' } } })
    await finished(system.setMode(['d', 'd/e'], () => 0o555))
    const start = system.resolve('now')
    const before = recordedOf(system)
    await put(system, 'd/e/f', 'two')
    await put(system, 'd/e/new', 'n')
    await finished(system.remove(['d/e/gone']))
    await finished(system.rollback(start))
    await inStep(bench, system, before)
  })

  it('does more than a few paths as well', async () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${i}`, `content ${i}`]))
    const system = await bench.make({ d: many })
    const before = recordedOf(system)
    editOutside(
      bench.subject.directory,
      Object.fromEntries(Object.keys(many).map(name => [`d/${name}`, 'overwritten'])),
    )
    await finished(system.absorb([]))
    await finished(system.rollback(system.resolve('-1')))
    await inStep(bench, system, before)
  })
}

function undoTests(bench: TimelineBench): void {
  it('undoes and redoes every operation, one by one', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: 'a', d: { x: 'x', y: 'y' }, l: symlink('a') })
    const states: Record<string, string>[] = [diskOf(directory)]
    const step = async (work: Promise<unknown>) => {
      await work
      await inStep(bench, system)
      states.push(diskOf(directory))
    }
    const start = system.resolve('now')
    await step(put(system, 'a', 'b'))
    await step(put(system, 'p/q/r', 'r'))
    await step(finished(system.makeDirectory('m')))
    await step(finished(system.makeSymlink('m/s', 'r')))
    await step(finished(system.setMode(['d', 'd/x'], mode => mode & 0o700)))
    await step(finished(system.move(['d'], 'm/d')))
    await step(finished(system.copy(['m'], 'c', { recursive: true })))
    await step(finished(system.remove(['m'], { recursive: true })))
    editOutside(directory, { a: 'edit', new: { n: 'n' }, l: null })
    await step(finished(system.absorb([])))
    await step(finished(system.restore(['d'], start)))
    await step(finished(system.rollback(start)))
    for (const state of states.slice(0, -1).toReversed()) {
      await finished(system.undo())
      await inStep(bench, system, state)
    }
    await refused(system.undo(), 'NOT_UNDOABLE')
    for (const state of states.slice(1)) {
      await finished(system.redo())
      await inStep(bench, system, state)
    }
    await refused(system.redo(), 'NOT_UNDOABLE')
    await finished(system.undo())
    await finished(system.undo())
    await put(system, 'a', 'another way')
    assert.equal(await finished(system.redoTarget()), undefined, 'an operation after an undo ends what could be redone')
    await refused(system.redo(), 'NOT_UNDOABLE')
    await finished(system.undo())
    assert.deepEqual(diskOf(directory), states.at(-3))
  })

  it('refuses when a later record touched a path, and says which', async () => {
    const system = await bench.make({ a: '1', b: '1' })
    const { seq } = await put(system, 'a', '2')
    await put(system, 'a', '3')
    await put(system, 'b', '2')
    const error = await refused(system.undo({ seq }), 'NOT_UNDOABLE')
    assert.match(error.message, new RegExp(`#${seq}.*at a.*#${seq + 1}`))
    assert.equal((await finished(system.undoTarget()))?.seq, seq + 2)
    await finished(system.undo({ seq: seq + 1 }))
    await finished(system.undo({ seq }))
    await inStep(bench, system, { a: 'file 644 1', b: 'file 644 2' })
    await refused(system.undo({ seq: 2 }), 'NOT_UNDOABLE')
    await refused(system.undo({ seq: 9_999 }), 'STATE_NOT_FOUND')
  })

  it('does not take away what was put into a directory since, nor miss a parent', async () => {
    const system = await bench.make({ top: { d: { x: 'x' } } })
    const made = await finished(system.makeDirectory('d'))
    await put(system, 'd/f', 'f')
    const error = await refused(system.undo({ seq: made.seq }), 'NOT_UNDOABLE')
    assert.match(error.message, /d\/f/)
    const removed = await finished(system.remove(['top/d/x']))
    await finished(system.remove(['top'], { recursive: true }))
    await refused(system.undo({ seq: removed.seq }), 'NOT_UNDOABLE')
    await finished(system.undo())
    await finished(system.undo({ seq: removed.seq }))
    assert.equal(recordedOf(system)['top/d/x'], 'file 644 x')
    await inStep(bench, system)
  })

  it('leaves new files in a directory that it takes away, and the directory with them', async () => {
    const { directory } = bench.subject
    const system = await bench.make()
    await finished(system.makeDirectory('d'))
    editOutside(directory, { 'd/new': 'n' })
    const result = await finished(system.undo())
    assert.deepEqual(result.drifted, ['d'])
    assert.deepEqual(diskOf(directory), { 'd/': 'dir 755', 'd/new': 'file 644 n' })
    assert.deepEqual(await changesOutside(system), { d: 'new', 'd/new': 'new' })
    await finished(system.absorb([]))
    await inStep(bench, system)
  })

  it('keeps an edit made since in a snapshot', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    await put(system, 'a', '2')
    editOutside(directory, { a: 'edit' })
    const result = await finished(system.undo())
    await inStep(bench, system, { a: 'file 644 1' })
    assert.equal(contentAt(system, 'a', system.resolve(result.protectedAs ?? '')), 'edit')
  })

  it('knows actors and sessions apart', async () => {
    const system = await bench.make({ a: '1', b: '1', c: '1' })
    const one = await bench.open({ session: 'one' })
    const box = await bench.open({ actor: 'box:web' })
    await put(system, 'a', '2')
    await put(one, 'b', '2')
    await put(box, 'c', '2')
    one.refresh()
    assert.equal((await finished(one.undoTarget({ session: 'one' })))?.subject.id, 'b')
    assert.equal((await finished(one.undoTarget()))?.subject.id, 'b')
    await finished(one.undo({ session: 'one' }))
    await refused(one.undo({ session: 'one' }), 'NOT_UNDOABLE')
    await finished(one.undo())
    box.refresh()
    assert.equal((await finished(box.undoTarget()))?.subject.id, 'c')
    system.refresh()
    assert.deepEqual(recordedOf(system), { a: 'file 644 1', b: 'file 644 1', c: 'file 644 2' })
    await finished(one.redo({ session: 'one' }))
    system.refresh()
    assert.equal(recordedOf(system).a, 'file 644 2')
  })

  it('works across processes', async () => {
    const system = await bench.make({ a: '1' })
    await put(system, 'a', '2')
    await system.close()
    const next = await openRoot(bench.subject)
    await finished(next.undo())
    assert.deepEqual(recordedOf(next), { a: 'file 644 1' })
    await next.close()
    const last = await openRoot(bench.subject)
    await finished(last.redo())
    assert.deepEqual(diskOf(bench.subject.directory), { a: 'file 644 2' })
    await last.close()
  })
}
