// What every host must do, run on the real disk and in memory: names, files, directories, symlinks, renames, watches,
// locks. A subject brings what a port can not make itself: fifos, second names, directories that refuse changes.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Directory } from '../../src/core/host/host.ts'
import { buildTree, describeTree, readText, symlink, writeFile } from '../support/host.ts'
import { fileTests, nameTests } from './hostFileTests.ts'
import { lockTests, watchTests } from './hostSharedTests.ts'
import { childOf, type HostSubject, type Made, throwsCode } from './hostSubject.ts'

export function runHostSuite(name: string, make: () => HostSubject): void {
  describe(`host: ${name}`, () => {
    let subject: HostSubject
    const made = (): HostSubject => subject
    beforeEach(() => {
      subject = make()
    })
    afterEach(() => subject.remove())
    describe('names', () => nameTests(made))
    describe('files', () => fileTests(made))
    describe('directories', () => directoryTests(made))
    describe('symlinks', () => symlinkTests(made))
    describe('rename', () => renameTests(made))
    describe('what is no file', () => specialTests(made))
    describe('watch', () => watchTests(made))
    describe('lock', () => lockTests(made))
  })
}

function directoryTests(made: Made): void {
  it('walks down, and finds nothing where nothing is', () => {
    const { directory } = made()
    buildTree(directory, { a: { b: { c: 'deep' } }, f: '' })
    const b = childOf(childOf(directory, 'a'), 'b')
    assert.equal(readText(b, 'c'), 'deep')
    assert.equal(b.path, `${directory.path}/a/b`)
    assert.equal(b.child('missing'), undefined)
    assert.equal(b.stat('missing'), undefined)
    throwsCode(() => directory.child('f'), 'NOT_A_DIRECTORY')
  })

  it('describes itself as its parent does', () => {
    const { directory } = made()
    directory.makeDirectory('d', 0o751)
    const own = childOf(directory, 'd').selfStat()
    assert.deepEqual(own, directory.stat('d'))
    assert.deepEqual([own.kind, own.mode], ['dir', 0o751])
  })

  it('clones handles that close on their own', () => {
    const { directory } = made()
    buildTree(directory, { d: { f: 'x' } })
    const d = childOf(directory, 'd')
    const twin = d.clone()
    d.close()
    d.close()
    assert.equal(readText(twin, 'f'), 'x')
    throwsCode(() => d.stat('f'), 'OTHER')
    throwsCode(() => d.list(), 'OTHER')
    throwsCode(() => d.clone(), 'OTHER')
    throwsCode(() => twin.rename('f', d, 'g'), 'OTHER')
    twin.close()
  })

  it('makes what is missing and removes what is empty', () => {
    const { directory } = made()
    buildTree(directory, { d: { f: '' }, l: symlink('d'), f: '' })
    for (const name of ['d', 'l', 'f']) {
      throwsCode(() => directory.makeDirectory(name, 0o755), 'EXISTS')
      throwsCode(() => directory.makeSymlink(name, 'x'), 'EXISTS')
    }
    throwsCode(() => directory.removeDirectory('d'), 'NOT_EMPTY')
    throwsCode(() => directory.removeDirectory('l'), 'NOT_A_DIRECTORY')
    throwsCode(() => directory.removeDirectory('f'), 'NOT_A_DIRECTORY')
    throwsCode(() => directory.removeDirectory('missing'), 'NOT_FOUND')
    throwsCode(() => directory.removeFile('d'), 'IS_A_DIRECTORY', 'DENIED')
    throwsCode(() => directory.removeFile('missing'), 'NOT_FOUND')
    childOf(directory, 'd').removeFile('f')
    directory.removeDirectory('d')
    assert.equal(directory.stat('d'), undefined)
  })

  it('finds and makes nothing through a handle on a removed directory', () => {
    const { directory, followsMoves } = made()
    directory.makeDirectory('d', 0o755)
    const d = childOf(directory, 'd')
    directory.removeDirectory('d')
    directory.makeDirectory('d', 0o755)
    writeFile(directory, 'f', '')
    if (followsMoves) assert.deepEqual([d.stat('x'), d.child('x'), d.list()], [undefined, undefined, []])
    else for (const look of [() => d.stat('x'), () => d.child('x'), () => d.list()]) throwsCode(look, 'NOT_FOUND')
    throwsCode(() => d.open('x', 'create'), 'NOT_FOUND')
    throwsCode(() => d.makeDirectory('x', 0o755), 'NOT_FOUND')
    throwsCode(() => directory.rename('f', d, 'x'), 'NOT_FOUND')
    assert.deepEqual(childOf(directory, 'd').list(), [])
    d.close()
  })

  it('shows new and removed names in its own times', () => {
    const { directory } = made()
    buildTree(directory, { d: { f: '' } })
    directory.setTimes('d', 1_000_000_000n)
    childOf(directory, 'd').removeFile('f')
    assert.notEqual(directory.stat('d')?.mtimeNs, 1_000_000_000n)
  })

  it('flushes, and knows how much space is left', () => {
    const { directory } = made()
    writeFile(directory, 'f', 'x')
    directory.flush()
    directory.flushFileSystem()
    assert.ok(Number.isSafeInteger(directory.freeBytes()) && directory.freeBytes() > 0)
  })

  it('opens directories by path, through symlinks', () => {
    const { directory, host } = made()
    buildTree(directory, {
      d: { e: { f: 'x' }, up: symlink('..') },
      l: symlink('d/up/d/e'),
      f: '',
      dangling: symlink('no'),
      loop: symlink('loop'),
    })
    const open = (path: string): Directory | undefined => host.files.openDirectory(`${directory.path}/${path}`)
    const linked = open('l')
    assert.ok(linked)
    assert.equal(readText(linked, 'f'), 'x')
    assert.equal(linked.path, `${directory.path}/d/e`)
    assert.equal(open('d/e/../..//./d/')?.path, `${directory.path}/d`)
    assert.equal(open('missing'), undefined)
    assert.equal(open('missing/d'), undefined)
    assert.equal(open('dangling'), undefined)
    throwsCode(() => open('f'), 'NOT_A_DIRECTORY')
    throwsCode(() => open('f/d'), 'NOT_A_DIRECTORY')
    throwsCode(() => open('loop'), 'SYMLINK')
  })

  it('takes text in paths as UTF-8', () => {
    const { directory, host } = made()
    directory.makeDirectory('caf\xc3\xa9', 0o755)
    assert.equal(childOf(directory, 'caf\xc3\xa9').path, `${directory.path}/café`)
    assert.ok(host.files.openDirectory(`${directory.path}/café`))
  })
}

function symlinkTests(made: Made): void {
  it('keeps a target byte for byte, dangling, looping or long', () => {
    const { directory } = made()
    for (const target of ['missing', 'l', '/', '../..', '\xff\n ', 'x'.repeat(1000), 'a/../b//c/']) {
      directory.makeSymlink('l', target)
      assert.equal(directory.readLink('l'), target)
      assert.deepEqual([directory.stat('l')?.kind, directory.stat('l')?.size], ['symlink', target.length])
      directory.removeFile('l')
    }
    throwsCode(() => directory.makeSymlink('l', ''), 'NOT_FOUND')
    throwsCode(() => directory.makeSymlink('l', 'x'.repeat(5000)), 'NAME_TOO_LONG')
    throwsCode(() => directory.makeSymlink('l', 'a\0b'), 'OTHER')
    throwsCode(() => directory.makeSymlink('l', '\u0141'), 'OTHER')
    assert.deepEqual(directory.list(), [])
  })

  it('reads links only', () => {
    const { directory } = made()
    buildTree(directory, { f: '', d: {} })
    throwsCode(() => directory.readLink('f'), 'UNSUPPORTED')
    throwsCode(() => directory.readLink('d'), 'UNSUPPORTED')
    throwsCode(() => directory.readLink('missing'), 'NOT_FOUND')
  })

  it('follows no symlink at the end of any call', () => {
    const { directory } = made()
    buildTree(directory, { f: 'kept', d: { g: 'kept' }, toFile: symlink('f'), toDir: symlink('d'), no: symlink('x') })
    const before = describeTree(directory)
    for (const name of ['toFile', 'toDir', 'no']) {
      throwsCode(() => directory.open(name, 'read'), 'SYMLINK')
      throwsCode(() => directory.open(name, 'modify'), 'SYMLINK')
      throwsCode(() => directory.open(name, 'create'), 'EXISTS')
      throwsCode(() => directory.child(name), 'NOT_A_DIRECTORY')
      throwsCode(() => directory.setMode(name, 0o700), 'SYMLINK')
    }
    directory.setTimes('toFile', 5_000_000_000n)
    assert.notEqual(directory.stat('f')?.mtimeNs, 5_000_000_000n)
    assert.deepEqual(describeTree(directory), before)
    for (const name of ['toFile', 'toDir', 'no']) directory.removeFile(name)
    assert.equal(readText(childOf(directory, 'd'), 'g'), 'kept')
    assert.equal(readText(directory, 'f'), 'kept')
  })

  it('stays in its directory when that is exchanged for a symlink', () => {
    const { directory, followsMoves } = made()
    buildTree(directory, { inside: { d: { f: 'inside' } }, outside: { f: 'outside' } })
    const inside = childOf(directory, 'inside')
    const d = childOf(inside, 'd')
    inside.rename('d', directory, 'moved')
    inside.makeSymlink('d', '../outside')
    if (followsMoves) {
      assert.equal(readText(d, 'f'), 'inside')
      writeFile(d, 'new', 'x')
    } else {
      throwsCode(() => readText(d, 'f'), 'SYMLINK')
      throwsCode(() => d.list(), 'SYMLINK')
      throwsCode(() => writeFile(d, 'new', 'x'), 'SYMLINK')
      throwsCode(() => directory.rename('moved', d, 'x'), 'SYMLINK')
    }
    assert.deepEqual(childOf(directory, 'outside').list(), [{ name: 'f', kind: 'file' }])
    throwsCode(() => inside.child('d'), 'NOT_A_DIRECTORY')
  })
}

function renameTests(made: Made): void {
  it('moves within and between directories, keeping the inode', () => {
    const { directory } = made()
    buildTree(directory, { a: { f: 'x', d: { g: 'y' }, l: symlink('f') }, b: {} })
    const [a, b] = [childOf(directory, 'a'), childOf(directory, 'b')]
    const inode = a.stat('f')?.inode
    a.rename('f', a, 'f2')
    a.rename('f2', b, 'f3')
    a.rename('d', b, 'd2')
    a.rename('l', b, 'l')
    assert.equal(b.stat('f3')?.inode, inode)
    assert.deepEqual(describeTree(directory), {
      'a/': 'dir 755',
      'b/': 'dir 755',
      'b/d2/': 'dir 755',
      'b/d2/g': 'file 644 y',
      'b/f3': 'file 644 x',
      'b/l': 'symlink f',
    })
  })

  it('replaces files, symlinks and, by a directory, empty directories', () => {
    const { directory } = made()
    buildTree(directory, { f: 'new', g: 'old', h: 'newer', l: symlink('kept'), kept: 'kept', d: { x: '' }, e: {} })
    const open = directory.open('g', 'read')
    directory.rename('f', directory, 'g')
    assert.equal(open.stat().links, 0)
    assert.equal(open.read(new Uint8Array(3), 0, 3, 0), 3)
    open.close()
    directory.rename('h', directory, 'l')
    directory.rename('d', directory, 'e')
    assert.deepEqual(describeTree(directory), {
      'e/': 'dir 755',
      'e/x': 'file 644 ',
      g: 'file 644 new',
      kept: 'file 644 kept',
      l: 'file 644 newer',
    })
  })

  it('refuses what does not fit, changing nothing', () => {
    const { directory } = made()
    buildTree(directory, { f: 'f', d: { e: { x: '' } }, empty: {}, l: symlink('d') })
    const before = describeTree(directory)
    const d = childOf(directory, 'd')
    const e = childOf(d, 'e')
    throwsCode(() => directory.rename('missing', directory, 'x'), 'NOT_FOUND')
    throwsCode(() => directory.rename('missing', directory, 'f'), 'NOT_FOUND')
    throwsCode(() => directory.rename('f', directory, 'empty'), 'IS_A_DIRECTORY')
    throwsCode(() => directory.rename('l', directory, 'empty'), 'IS_A_DIRECTORY')
    throwsCode(() => directory.rename('empty', directory, 'f'), 'NOT_A_DIRECTORY')
    throwsCode(() => directory.rename('empty', directory, 'l'), 'NOT_A_DIRECTORY')
    throwsCode(() => directory.rename('empty', directory, 'd'), 'NOT_EMPTY')
    throwsCode(() => directory.rename('d', e, 'inside'), 'OTHER')
    throwsCode(() => directory.rename('d', d, 'inside'), 'OTHER')
    throwsCode(() => e.rename('x', directory, 'd'), 'NOT_EMPTY', 'IS_A_DIRECTORY')
    assert.deepEqual(describeTree(directory), before)
  })

  it('does nothing between two names of one file', () => {
    const { directory, makeHardLink } = made()
    writeFile(directory, 'f', 'x')
    makeHardLink('f', 'g')
    directory.rename('f', directory, 'g')
    directory.rename('f', directory, 'f')
    assert.deepEqual(
      directory
        .list()
        .map(listed => listed.name)
        .sort(),
      ['f', 'g'],
    )
    assert.equal(directory.stat('f')?.links, 2)
  })
}

function specialTests(made: Made): void {
  it('shows a fifo, never waits for one, and removes it', () => {
    const { directory, makeFifo } = made()
    makeFifo('fifo')
    assert.equal(directory.stat('fifo')?.kind, 'other')
    assert.deepEqual(directory.list(), [{ name: 'fifo', kind: 'other' }])
    throwsCode(() => directory.open('fifo', 'read'), 'UNSUPPORTED')
    throwsCode(() => directory.open('fifo', 'modify'), 'UNSUPPORTED')
    throwsCode(() => directory.open('fifo', 'create'), 'EXISTS')
    throwsCode(() => directory.child('fifo'), 'NOT_A_DIRECTORY')
    throwsCode(() => directory.setMode('fifo', 0o600), 'UNSUPPORTED')
    throwsCode(() => directory.readLink('fifo'), 'UNSUPPORTED')
    directory.rename('fifo', directory, 'moved')
    directory.removeFile('moved')
    assert.deepEqual(directory.list(), [])
  })
}
