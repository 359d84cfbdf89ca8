// What init, the single operations and absorb promise: one record each, the disk follows, what was changed outside and
// stands in the way is kept first, and a refusal changes nothing.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { initRoot, surveyFolder } from '../../src/core/system.ts'
import type { OperationResult } from '../../src/core/timeline/model.ts'
import {
  assertSound,
  changesOutside,
  contentAt,
  diskOf,
  editOutside,
  finished,
  makeRoot,
  openRoot,
  put,
  recordedOf,
  refused,
  sourceOf,
} from '../core/timeline/support.ts'
import { buildTree, describeTree, file, symlink } from '../support/host.ts'
import type { TimelineBench } from './timelineSuite.ts'

const sample = {
  etc: { fstab: 'one\ntwo\n', hosts: 'localhost\n', 'rc.d': { boot: file('#!/bin/sh\n', 0o755) } },
  home: { note: 'note', link: symlink('../etc/hosts') },
  empty: {},
}

export function operationTests(bench: TimelineBench): void {
  describe('init', () => initTests(bench))
  describe('one path', () => singleTests(bench))
  describe('several paths', () => severalTests(bench))
  describe('what stands in the way', () => inTheWayTests(bench))
  describe('absorb', () => absorbTests(bench))
  describe('decisions and cancelling', () => decisionTests(bench))
}

function initTests(bench: TimelineBench): void {
  it('records what is there, changes none of it, and starts a snapshot', async () => {
    buildTree(bench.subject.directory, sample)
    const before = diskOf(bench.subject.directory)
    const system = await bench.make()
    assert.deepEqual(diskOf(bench.subject.directory), before)
    assert.deepEqual(recordedOf(system), before)
    assert.deepEqual(await changesOutside(system), {})
    assert.deepEqual(
      [...system.records()].map(record => record.action),
      ['init', 'adopt', 'snapshot'],
    )
    assert.equal(system.snapshots().length, 1)
    assert.equal(system.record(1).changed, Object.keys(before).length)
    await system.close()
    await assertSound(bench.subject)
  })

  it('takes an empty folder', async () => {
    const system = await bench.make()
    assert.deepEqual(recordedOf(system), {})
    await put(system, 'first', 'content')
    assert.deepEqual(diskOf(bench.subject.directory), { first: 'file 644 content' })
  })

  it('names taken names before it writes anything', async () => {
    const { subject } = bench
    buildTree(subject.directory, { zk_contracts: { mine: 'x' }, 'recycle.lock': 'y', a: 'z' })
    const before = describeTree(subject.directory)
    const error = await refused(initRoot(subject.host, { path: subject.path, zk: true }), 'NAME_RESERVED')
    assert.match(error.message, /recycle\.lock, zk_contracts/)
    assert.deepEqual(describeTree(subject.directory), before)
  })

  it('refuses a second root folder in, above and below one', async () => {
    const { subject } = bench
    await bench.make(sample)
    await refused(initRoot(subject.host, { path: subject.path, zk: true }), 'ROOT_EXISTS')
    await refused(initRoot(subject.host, { path: `${subject.path}/etc`, zk: true }), 'ROOT_EXISTS')
  })

  it('tells what it would skip, and skips it', async () => {
    const { subject } = bench
    buildTree(subject.directory, { a: '1', node_modules: { b: '22', c: '333' }, d: { 'x~': 'temporary' } })
    const survey = await finished(surveyFolder(subject.host, { path: subject.path }))
    assert.equal(survey.files, 2)
    assert.deepEqual(
      survey.skips.map(({ pattern, files, bytes }) => ({ pattern, files, bytes })),
      [{ pattern: 'node_modules/', files: 2, bytes: 5 }],
    )
    const system = await makeRoot(subject)
    assert.deepEqual(Object.keys(recordedOf(system)), ['a', 'd/'])
    await system.close()
  })

  it('keeps the settings that are there, or writes them', async () => {
    const system = await bench.make({
      a: '1',
      'sentient.yaml': 'version: 1\nignore: ["*.tmp"]\nzk: false\n',
      'b.tmp': '',
    })
    assert.deepEqual(system.settings().values.ignore, ['*.tmp'])
    assert.equal(system.settings().values.zk, false)
    assert.deepEqual(Object.keys(recordedOf(system)), ['a'])
  })

  it('is begun again after it was killed', async () => {
    const { subject } = bench
    buildTree(subject.directory, { a: '1', '.runtime': {} })
    const system = await bench.make()
    assert.deepEqual(recordedOf(system), { a: 'file 644 1' })
  })
}

function singleTests(bench: TimelineBench): void {
  const disk = () => diskOf(bench.subject.directory)

  const inStep = async (system: Awaited<ReturnType<TimelineBench['make']>>, expected: Record<string, string>) => {
    assert.deepEqual(disk(), expected)
    assert.deepEqual(recordedOf(system), expected)
    assert.deepEqual(await changesOutside(system), {})
  }

  it('puts files: new, over an old one, with parents, empty and large', async () => {
    const system = await bench.make({ a: 'old' })
    const first = await put(system, 'a', 'new')
    assert.equal(first.seq, 3)
    assert.deepEqual(first.changed, ['a'])
    await put(system, 'deep/er/b', 'b')
    await put(system, 'none', '')
    const large = Buffer.alloc(2_500_000, 'large content ')
    await finished(system.put('large', sourceOf(large), { mode: 0o600 }))
    await inStep(system, {
      a: 'file 644 new',
      'deep/': 'dir 755',
      'deep/er/': 'dir 755',
      'deep/er/b': 'file 644 b',
      large: `file 600 ${large.toString('latin1')}`,
      none: 'file 644 ',
    })
    assert.equal(system.record(first.seq).before?.size, 3)
    assert.equal(system.record(first.seq).action, 'put')
  })

  it('keeps the mode of a file that it puts again, and takes a new one', async () => {
    const system = await bench.make({ a: file('old', 0o750) })
    await put(system, 'a', 'new')
    await inStep(system, { a: 'file 750 new' })
    await finished(system.put('a', sourceOf('new'), { mode: 0o604 }))
    await inStep(system, { a: 'file 604 new' })
  })

  it('records nothing when nothing changes', async () => {
    const system = await bench.make({ a: 'same' })
    const records = system.now().records
    assert.equal((await put(system, 'a', 'same')).seq, -1)
    assert.equal(system.now().records, records)
  })

  it('makes directories and symlinks, and refuses what exists', async () => {
    const system = await bench.make({ a: '1', d: {} })
    await finished(system.makeDirectory('x', { mode: 0o700 }))
    await finished(system.makeDirectory('p/q/r', { parents: true }))
    await finished(system.makeSymlink('x/l', '../nowhere'))
    await inStep(system, {
      a: 'file 644 1',
      'd/': 'dir 755',
      'p/': 'dir 755',
      'p/q/': 'dir 755',
      'p/q/r/': 'dir 755',
      'x/': 'dir 700',
      'x/l': 'symlink ../nowhere',
    })
    await refused(system.makeDirectory('d'), 'PATH_EXISTS')
    await refused(system.makeDirectory('m/n'), 'PATH_NOT_FOUND')
    await refused(system.makeDirectory('a/n', { parents: true }), 'NOT_A_DIRECTORY')
    await refused(system.makeSymlink('a', 'b'), 'PATH_EXISTS')
    await refused(system.makeSymlink('new', ''), 'USAGE')
    await refused(system.put('d', sourceOf('')), 'IS_A_DIRECTORY')
    await refused(system.put('a/b', sourceOf('')), 'NOT_A_DIRECTORY')
    await refused(system.put('q/b', sourceOf(''), { parents: false }), 'PATH_NOT_FOUND')
    assert.equal((await finished(system.makeDirectory('p/q', { parents: true }))).seq, -1)
  })

  it('refuses paths outside the governed tree', async () => {
    const system = await bench.make()
    for (const path of [
      '',
      '/a',
      'a/',
      'a//b',
      '../x',
      'a/../b',
      './a',
      '.runtime/x',
      'sentient.yaml',
      'recycle.lock',
    ]) {
      await refused(system.put(path, sourceOf('')), 'PATH_INVALID')
    }
    await refused(system.put('n'.repeat(256), sourceOf('')), 'PATH_INVALID')
    assert.deepEqual(disk(), {})
  })

  it('sets modes, one by one and of a subtree', async () => {
    const system = await bench.make({ d: { f: file('f', 0o644), l: symlink('f'), g: file('g', 0o600) }, h: 'h' })
    await finished(system.setMode(['h'], () => 0o755))
    await finished(system.setMode(['d'], (mode, kind) => (kind === 'dir' ? 0o555 : mode & ~0o222), { recursive: true }))
    await inStep(system, {
      'd/': 'dir 555',
      'd/f': 'file 444 f',
      'd/g': 'file 400 g',
      'd/l': 'symlink f',
      h: 'file 755 h',
    })
    assert.equal((await finished(system.setMode(['h'], mode => mode))).seq, -1)
    await refused(
      system.setMode(['missing'], () => 0),
      'PATH_NOT_FOUND',
    )
  })

  it('writes below directories that their mode closes', async () => {
    const system = await bench.make({ d: { e: { f: 'f' } } })
    await finished(system.setMode(['d', 'd/e'], () => 0o555))
    await put(system, 'd/e/g', 'g')
    await finished(system.remove(['d/e/f']))
    await inStep(system, { 'd/': 'dir 555', 'd/e/': 'dir 555', 'd/e/g': 'file 644 g' })
    await finished(system.remove(['d'], { recursive: true }))
    await inStep(system, {})
  })
}

function severalTests(bench: TimelineBench): void {
  const disk = () => diskOf(bench.subject.directory)
  const tree = { a: 'a', d: { x: 'x', y: { z: 'z' } }, e: {}, l: symlink('a') }

  it('removes files, and directories when told so', async () => {
    const system = await bench.make(tree)
    await refused(system.remove(['d']), 'IS_A_DIRECTORY')
    await refused(system.remove(['a', 'missing']), 'PATH_NOT_FOUND')
    assert.equal((await finished(system.remove(['a', 'l']))).changedCount, 2)
    const removed = await finished(system.remove(['d'], { recursive: true }))
    assert.deepEqual([...removed.changed].sort(), ['d', 'd/x', 'd/y', 'd/y/z'])
    assert.deepEqual(disk(), { 'e/': 'dir 755' })
    assert.deepEqual(recordedOf(system), disk())
    assert.equal(system.record(removed.seq).subject.id, 'd')
  })

  it('moves into directories, to names, and whole subtrees', async () => {
    const system = await bench.make(tree)
    await finished(system.move(['a', 'l'], 'e'))
    await finished(system.move(['d'], 'e/renamed'))
    await finished(system.move(['e/renamed/y/z'], ''))
    assert.deepEqual(disk(), {
      'e/': 'dir 755',
      'e/a': 'file 644 a',
      'e/l': 'symlink a',
      'e/renamed/': 'dir 755',
      'e/renamed/x': 'file 644 x',
      'e/renamed/y/': 'dir 755',
      z: 'file 644 z',
    })
    assert.deepEqual(recordedOf(system), disk())
    assert.deepEqual(await changesOutside(system), {})
  })

  it('moves and copies over a file only when forced, never over a directory or into itself', async () => {
    const system = await bench.make(tree)
    await refused(system.move(['a'], 'l'), 'PATH_EXISTS')
    await refused(system.copy(['d'], 'd/y/in', { recursive: true }), 'PATH_INVALID')
    await refused(system.move(['a', 'l'], 'missing'), 'NOT_A_DIRECTORY')
    await refused(system.copy(['d'], 'e'), 'IS_A_DIRECTORY')
    await refused(system.move(['missing'], 'e'), 'PATH_NOT_FOUND')
    await finished(system.copy(['d'], 'e', { recursive: true }))
    await refused(system.copy(['d'], 'e', { recursive: true, force: true }), 'PATH_EXISTS')
    await finished(system.copy(['d/x'], 'a', { force: true }))
    await finished(system.move(['d/y/z'], 'd/x', { force: true }))
    assert.deepEqual(recordedOf(system), {
      a: 'file 644 x',
      'd/': 'dir 755',
      'd/x': 'file 644 z',
      'd/y/': 'dir 755',
      'e/': 'dir 755',
      'e/d/': 'dir 755',
      'e/d/x': 'file 644 x',
      'e/d/y/': 'dir 755',
      'e/d/y/z': 'file 644 z',
      l: 'symlink a',
    })
    assert.deepEqual(disk(), recordedOf(system))
  })

  it('does not let two sources become one', async () => {
    const system = await bench.make({ a: { f: 'a' }, b: { f: 'b' }, to: {} })
    await refused(system.copy(['a/f', 'b/f'], 'to'), 'PATH_EXISTS')
    await refused(system.move(['a/f', 'b/f'], 'to'), 'PATH_EXISTS')
    assert.deepEqual(disk(), recordedOf(system))
  })

  it('acts only on what is recorded as it stands', async () => {
    const { directory } = bench.subject
    const system = await bench.make(tree)
    editOutside(directory, { a: 'edited', 'd/new': 'new' })
    const before = disk()
    for (const work of [
      system.move(['a'], 'b'),
      system.copy(['d'], 'e', { recursive: true }),
      system.setMode(['a'], () => 0o700),
      system.move(['d/new'], 'b'),
    ]) {
      await refused(work, 'DRIFT')
    }
    assert.deepEqual(disk(), before)
    await finished(system.absorb([]))
    await finished(system.move(['a'], 'b'))
    assert.equal(disk().b, 'file 644 edited')
  })

  it('keeps the state before an operation on many paths', async () => {
    const system = await bench.make({ d: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, `${i}`])) })
    await put(system, 'd/f0', 'changed')
    await finished(system.remove(['d'], { recursive: true }))
    const snapshot = system.snapshots().at(-1)
    assert.equal(snapshot?.kind, 'protect')
    assert.equal(snapshot?.label, 'before delete')
    assert.equal(contentAt(system, 'd/f0', system.resolve(snapshot?.name ?? '')), 'changed')
  })
}

function inTheWayTests(bench: TimelineBench): void {
  const disk = () => diskOf(bench.subject.directory)

  /** The drift was kept: the snapshot that the result names holds it. */
  const keptIn = (system: Awaited<ReturnType<TimelineBench['make']>>, result: OperationResult, path: string) => {
    assert.ok(result.protectedAs !== undefined, 'a snapshot was made')
    assert.equal(system.snapshots().find(({ name }) => name === result.protectedAs)?.kind, 'protect')
    return contentAt(system, path, system.resolve(result.protectedAs))
  }

  it('keeps an edit that a put, a removal or a forced copy replaces', async () => {
    const system = await bench.make({ a: '1', b: '2', c: '3' })
    editOutside(bench.subject.directory, { a: 'edit a', b: 'edit b', c: 'edit c', d: 'never recorded' })
    assert.equal(keptIn(system, await put(system, 'a', 'put'), 'a'), 'edit a')
    assert.equal(keptIn(system, await finished(system.remove(['b'])), 'b'), 'edit b')
    assert.equal(keptIn(system, await finished(system.copy(['a'], 'c', { force: true })), 'c'), 'edit c')
    assert.equal(keptIn(system, await finished(system.remove(['d'])), 'd'), 'never recorded')
    assert.deepEqual(disk(), { a: 'file 644 put', c: 'file 644 put' })
    assert.deepEqual(recordedOf(system), disk())
  })

  it('keeps what is new below a directory that it removes', async () => {
    const system = await bench.make({ d: { a: '1' } })
    editOutside(bench.subject.directory, { 'd/new': { deep: 'deep' }, 'd/a': 'edit' })
    const removed = await finished(system.remove(['d'], { recursive: true }))
    assert.equal(keptIn(system, removed, 'd/new/deep'), 'deep')
    assert.equal(keptIn(system, removed, 'd/a'), 'edit')
    assert.deepEqual(disk(), {})
  })

  it('leaves ignored files and the directory that holds them', async () => {
    const system = await bench.make({ d: { a: '1', 'x~': 'temporary' } })
    const removed = await finished(system.remove(['d'], { recursive: true }))
    assert.deepEqual(disk(), { 'd/': 'dir 755', 'd/x~': 'file 644 temporary' })
    assert.deepEqual(removed.drifted, ['d'])
    assert.deepEqual(recordedOf(system), {})
  })

  it('makes nothing where the disk has something of another kind', async () => {
    const system = await bench.make({ a: '1' })
    editOutside(bench.subject.directory, { f: 'file', d: { in: 'x' }, l: symlink('a') })
    const before = disk()
    await refused(system.put('d', sourceOf('')), 'IS_A_DIRECTORY')
    await refused(system.makeDirectory('f'), 'PATH_EXISTS')
    await refused(system.makeDirectory('l'), 'PATH_EXISTS')
    await refused(system.makeSymlink('f', 'a'), 'PATH_EXISTS')
    await refused(system.makeSymlink('d', 'a'), 'PATH_EXISTS')
    await refused(system.copy(['a'], 'f'), 'PATH_EXISTS')
    await refused(system.put('f/x', sourceOf('')), 'NOT_A_DIRECTORY')
    await refused(system.put('l/x', sourceOf('')), 'SYMLINK_IN_PATH')
    await refused(system.makeDirectory('l/x', { parents: true }), 'SYMLINK_IN_PATH')
    await refused(system.move(['a'], 'l/x'), 'SYMLINK_IN_PATH')
    assert.deepEqual(disk(), before)
    assert.deepEqual(recordedOf(system), { a: 'file 644 1' })
  })

  it('takes over a directory that exists on disk only, and not what is in it', async () => {
    const system = await bench.make({ a: 'a', b: 'b' })
    editOutside(bench.subject.directory, { d: { in: 'x' }, e: {} })
    await put(system, 'd/new', 'new')
    await finished(system.makeDirectory('e'))
    await finished(system.move(['a'], 'd'))
    await finished(system.copy(['b'], 'd/c'))
    assert.deepEqual(recordedOf(system), {
      b: 'file 644 b',
      'd/': 'dir 755',
      'd/a': 'file 644 a',
      'd/c': 'file 644 b',
      'd/new': 'file 644 new',
      'e/': 'dir 755',
    })
    assert.deepEqual(await changesOutside(system), { 'd/in': 'new' })
  })

  it('goes on where a recorded parent is gone, and stops where it is a link or a file', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ d: { a: '1' }, e: { b: '2' }, f: { c: '3' }, out: {} })
    editOutside(directory, { d: null, e: symlink('out'), f: 'file' })
    await put(system, 'd/new', 'new')
    assert.deepEqual(await changesOutside(system), {
      'd/a': 'gone',
      e: 'changed',
      'e/b': 'gone',
      f: 'changed',
      'f/c': 'gone',
    })
    await refused(system.put('e/new', sourceOf('')), 'SYMLINK_IN_PATH')
    await refused(system.put('f/new', sourceOf('')), 'NOT_A_DIRECTORY')
    assert.equal(disk()['out/new'], undefined)
  })
}

function absorbTests(bench: TimelineBench): void {
  const disk = () => diskOf(bench.subject.directory)

  it('records every kind of drift, and nothing twice', async () => {
    const { directory } = bench.subject
    const system = await bench.make({
      changed: 'old',
      mode: file('m', 0o644),
      gone: 'x',
      d: { a: '1', b: { c: '2' } },
      wasFile: 'f',
      wasDir: { in: '3' },
      l: symlink('one'),
    })
    editOutside(directory, {
      changed: 'new',
      mode: file('m', 0o755),
      gone: null,
      'd/b': null,
      'd/new': { deep: { er: 'er' } },
      wasFile: { now: 'dir' },
      wasDir: 'now a file',
      l: symlink('two'),
    })
    assert.deepEqual(await changesOutside(system), {
      changed: 'changed',
      'd/b': 'gone',
      'd/b/c': 'gone',
      'd/new': 'new',
      'd/new/deep': 'new',
      'd/new/deep/er': 'new',
      gone: 'gone',
      l: 'changed',
      mode: 'changed',
      wasDir: 'changed',
      'wasDir/in': 'gone',
      wasFile: 'changed',
      'wasFile/now': 'new',
    })
    const before = disk()
    const kept = await finished(system.absorb([]))
    assert.equal(kept.changedCount, 13)
    assert.deepEqual(disk(), before)
    assert.deepEqual(recordedOf(system), before)
    assert.deepEqual(await changesOutside(system), {})
    assert.equal((await finished(system.absorb([]))).seq, -1)
  })

  it('records only the paths that are named, with the parents they need', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', d: { x: 'x' } })
    editOutside(directory, { a: 'edit', 'd/x': 'edit', new: { deep: { f: 'f', g: 'g' } } })
    await finished(system.absorb(['new/deep/f', 'd']))
    assert.deepEqual(await changesOutside(system), { a: 'changed', 'new/deep/g': 'new' })
    await refused(system.absorb(['.runtime']), 'PATH_INVALID')
  })

  it('looks at what another process recorded meanwhile', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', b: '2', d: { x: 'x' } })
    const other = await bench.open()
    editOutside(directory, { a: 'edit a', b: 'edit b' })
    await finished(other.absorb(['a']))
    await put(other, 'd/y', 'y')
    await finished(other.remove(['d/x']))
    const kept = await finished(system.absorb([]))
    assert.deepEqual(kept.changed, ['b'])
    assert.deepEqual(recordedOf(system), disk())
  })

  it('goes on when a directory left the record meanwhile', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ d: { x: 'x' } })
    const other = await bench.open()
    await finished(other.remove(['d/x']))
    // What is new in it keeps the directory on disk.
    editOutside(directory, { 'd/new': 'n' })
    await finished(other.undo({ seq: 1 })).catch(() => undefined)
    await finished(other.remove(['d'], { recursive: true }))
    editOutside(directory, { d: { new: 'again' } })
    await finished(system.absorb(['d/new']))
    assert.deepEqual(recordedOf(system), { 'd/': 'dir 755', 'd/new': 'file 644 again' })
  })

  it('two at once keep everything once', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1', b: '2' })
    const other = await bench.open()
    editOutside(directory, { a: 'edit a', b: 'edit b', new: { c: 'c', large: Buffer.alloc(1_500_000, 'x') } })
    const [one, two] = await Promise.all([finished(system.absorb([])), finished(other.absorb([]))])
    assert.equal(Math.min(one.seq, two.seq), -1)
    assert.equal(Math.max(one.changedCount, two.changedCount), 5)
    system.refresh()
    assert.deepEqual(recordedOf(system), disk())
    const [first, second] = await Promise.all([put(system, 'a', 'first'), put(other, 'b', 'second')])
    assert.equal(Math.abs(first.seq - second.seq), 1)
    system.refresh()
    assert.deepEqual(recordedOf(system), disk())
  })

  it('leaves what is ignored alone, unless it is recorded', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    await finished(system.setSetting('ignore', '["*.log", "build/"]'))
    await put(system, 'kept.log', 'recorded')
    editOutside(directory, { 'kept.log': 'changed', 'other.log': 'x', build: { out: 'y' } })
    assert.deepEqual(await changesOutside(system), { 'kept.log': 'changed' })
    await finished(system.absorb([]))
    assert.deepEqual(Object.keys(recordedOf(system)), ['a', 'kept.log'])
  })

  it('makes no record of a setting that has its value already', async () => {
    const system = await bench.make({ a: '1' })
    await finished(system.setSetting('gitignore', 'true'))
    const { records } = system.now()
    const { seq, changedCount } = await finished(system.setSetting('gitignore', 'true'))
    assert.deepEqual([seq, changedCount, system.now().records], [-1, 0, records])
  })

  it('honours .gitignore files when the settings say so', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ d: { '.gitignore': '*.o\n!keep.o\n' } })
    editOutside(directory, { 'd/x.o': 'o', 'd/keep.o': 'k', 'x.o': 'above' })
    assert.deepEqual(Object.keys(await changesOutside(system)), ['d/keep.o', 'd/x.o', 'x.o'])
    await finished(system.setSetting('gitignore', 'true'))
    assert.deepEqual(Object.keys(await changesOutside(system)), ['d/keep.o', 'x.o'])
    const below = await finished(system.status({ under: ['d'] }))
    assert.deepEqual(
      below.changes.map(change => change.path),
      ['d/keep.o'],
    )
  })
}

function decisionTests(bench: TimelineBench): void {
  const disk = () => diskOf(bench.subject.directory)

  it('a denial is recorded and nothing else', async () => {
    const asked: string[] = []
    const system = await bench.make(
      { a: '1', b: '2', d: { c: '3' } },
      {
        actor: 'box:web',
        decide: requests => {
          for (const { actor, action, path } of requests) asked.push(`${actor} ${action} ${path}`)
          return { effect: 'deny', bundle: null, rule: 'no writing' }
        },
      },
    )
    const before = disk()
    const recorded = recordedOf(system)
    editOutside(bench.subject.directory, { b: 'edit' })
    const works = [
      system.put('a', sourceOf('x')),
      system.put('big', sourceOf(Buffer.alloc(1_200_000))),
      system.remove(['d'], { recursive: true }),
      system.absorb([]),
      system.setSetting('zk', 'false'),
    ]
    for (const work of works) {
      const error = await refused(work, 'DENIED')
      assert.equal(error.kind, 'denied')
      assert.match(error.message, /no writing/)
    }
    editOutside(bench.subject.directory, { b: '2' })
    assert.deepEqual(disk(), before)
    assert.deepEqual(recordedOf(system), recorded)
    const denials = [...system.records({ action: 'denied' })]
    assert.deepEqual(
      denials.map(({ effect, rule, actor, fields }) => ({ effect, rule, actor, wanted: fields.wanted })),
      ['put', 'put', 'delete', 'absorb', 'govern'].map(wanted => ({
        effect: 'deny',
        rule: 'no writing',
        actor: 'box:web',
        wanted,
      })),
    )
    assert.deepEqual(asked, [
      'box:web write a',
      'box:web create big',
      'box:web delete d',
      'box:web delete d/c',
      'box:web write b',
      'box:web govern ',
    ])
    await refused(system.undo(), 'NOT_UNDOABLE')
    await system.close()
    await assertSound(bench.subject)
  })

  it('what was cancelled before it began leaves nothing', async () => {
    const system = await bench.make({ d: { a: '1' } })
    const { signal } = { signal: AbortSignal.abort() }
    const before = { records: system.now().records, disk: disk() }
    for (const work of [
      system.remove(['d'], { recursive: true, signal }),
      system.put('big', sourceOf(Buffer.alloc(1_200_000)), { signal }),
      system.absorb([], { signal }),
      system.rollback(system.resolve('-1'), { signal }),
      system.snapshotCreate({ signal }),
    ]) {
      await refused(work, 'CANCELLED')
    }
    assert.deepEqual({ records: system.now().records, disk: disk() }, before)
    await put(system, 'd/b', 'not in the way of what comes after')
  })

  it('a folder that is open for reading changes nothing', async () => {
    const system = await bench.make({ a: '1' })
    await system.close()
    const reader = await openRoot(bench.subject, { access: 'read' })
    const before = describeTree(bench.subject.directory)
    for (const work of [reader.put('a', sourceOf('x')), reader.absorb([]), reader.undo(), reader.snapshotCreate()]) {
      await refused(work, 'READ_ONLY', 'NOT_UNDOABLE')
    }
    assert.deepEqual(diskOf(bench.subject.directory), { a: 'file 644 1' })
    await reader.close()
    assert.deepEqual(Object.keys(describeTree(bench.subject.directory)), Object.keys(before))
  })
}
