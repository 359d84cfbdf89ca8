// What every host must do, run on the real disk and in memory: names, files, directories, symlinks, renames, watches,
// locks. A subject brings what a port can not make itself: fifos, second names, directories that refuse changes.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type HostErrorCode, isHostError } from '../../src/core/host/error.ts'
import type { ByteString, Directory, Host } from '../../src/core/host/host.ts'
import { buildTree, describeTree, readText, symlink, writeFile } from '../support/host.ts'

export interface HostSubject {
  readonly host: Host
  /** Empty. */
  readonly directory: Directory
  makeFifo(name: ByteString): void
  makeHardLink(name: ByteString, newName: ByteString): void
  /** Makes changes in the directory `name` fail; returns how to undo that. */
  makeReadOnly(name: ByteString): () => void
  /** Whether a handle stays usable when its directory is moved. */
  readonly followsMoves: boolean
  remove(): void
}

/** Asserts that `body` throws a HostError of one of these codes. */
export function throwsCode(body: () => unknown, ...codes: HostErrorCode[]): void {
  assert.throws(body, (error: unknown) => {
    assert.ok(isHostError(error), `not a HostError: ${error}`)
    assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, found ${error.message} (${error.cause})`)
    return true
  })
}

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

type Made = () => HostSubject

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

function childOf(directory: Directory, name: ByteString): Directory {
  const child = directory.child(name)
  assert.ok(child, `${name} is missing`)
  return child
}

function nameTests(made: Made): void {
  const unusual: Record<string, ByteString> = {
    'that are not UTF-8': '\xff\xfe\x80',
    'that are half a UTF-8 character': 'caf\xc3',
    'with a newline': 'a\nb',
    'with a backslash, quotes and a tab': '\\"\'\t',
    'of 255 bytes': 'x'.repeat(255),
    'of 255 bytes that are not ASCII': '\xe9'.repeat(255),
    'that start with dots': '...',
    'that look like an option': '-rf',
    'of a space': ' ',
  }
  for (const [what, name] of Object.entries(unusual)) {
    it(`takes names ${what}`, () => {
      const { directory } = made()
      writeFile(directory, name, 'content')
      assert.equal(readText(directory, name), 'content')
      assert.deepEqual(directory.list(), [{ name, kind: 'file' }])
      directory.setMode(name, 0o640)
      directory.setTimes(name, 1_000_000_000n)
      assert.equal(directory.stat(name)?.mode, 0o640)
      directory.removeFile(name)
      directory.makeDirectory(name, 0o755)
      const child = childOf(directory, name)
      child.makeSymlink(name, name)
      assert.equal(child.readLink(name), name)
      child.rename(name, directory, 'plain')
      assert.equal(directory.readLink('plain'), name)
      child.close()
      directory.removeDirectory(name)
      assert.deepEqual(directory.list(), [{ name: 'plain', kind: 'symlink' }])
    })
  }

  const calls = (directory: Directory, name: ByteString): (() => unknown)[] => [
    () => directory.child(name),
    () => directory.stat(name),
    () => directory.readLink(name),
    () => directory.open(name, 'read'),
    () => directory.open(name, 'create'),
    () => directory.makeDirectory(name, 0o755),
    () => directory.makeSymlink(name, 'target'),
    () => directory.rename(name, directory, 'other'),
    () => directory.rename('file', directory, name),
    () => directory.removeFile(name),
    () => directory.removeDirectory(name),
    () => directory.setMode(name, 0o755),
    () => directory.setTimes(name, 0n),
  ]
  it('refuses what is no single name, in every call', () => {
    const { directory } = made()
    writeFile(directory, 'file', '')
    for (const name of ['', '.', '..', 'a/b', '/', '../file', 'file/', 'a\0b', '\u0100', 'gr\u0141', '\u{1f600}']) {
      for (const call of calls(directory, name)) throwsCode(call, 'OTHER')
    }
    assert.deepEqual(directory.list(), [{ name: 'file', kind: 'file' }])
  })

  it('refuses names that are too long, in every call', () => {
    const { directory } = made()
    writeFile(directory, 'file', '')
    for (const call of calls(directory, 'x'.repeat(256))) throwsCode(call, 'NAME_TOO_LONG')
  })

  it('keeps names apart that differ in case or in the form of an accent', () => {
    const { directory } = made()
    const names = ['a', 'A', '\xc3\xa9', 'e\xcc\x81', '\xe9']
    for (const name of names) writeFile(directory, name, name)
    assert.deepEqual(
      directory
        .list()
        .map(listed => listed.name)
        .sort(),
      [...names].sort(),
    )
  })

  it('lists 2,000 names', () => {
    const { directory } = made()
    const names = Array.from({ length: 2000 }, (_, index) => `${index}\xff`).sort()
    for (const name of names) directory.makeSymlink(name, 'nowhere')
    const listed = directory.list()
    assert.deepEqual(listed.map(each => each.name).sort(), names)
    assert.ok(listed.every(each => each.kind === 'symlink'))
  })
}

function fileTests(made: Made): void {
  it('writes and reads at positions, leaving zeros in holes', () => {
    const { directory } = made()
    const file = directory.open('f', 'create')
    file.write(bytes('world'), 8)
    file.write(bytes('hello'), 0)
    const target = new Uint8Array(20).fill(0x2e)
    assert.equal(file.read(target, 2, 18, 0), 13)
    assert.equal(Buffer.from(target).toString('latin1'), '..hello\0\0\0world.....')
    assert.equal(file.read(target, 0, 20, 13), 0)
    assert.equal(file.read(target, 0, 20, 100), 0)
    assert.equal(file.read(target, 0, 2, 1), 2)
    assert.equal(Buffer.from(target).toString('latin1', 0, 3), 'elh')
    assert.equal(file.read(target, 0, 0, 0), 0)
    file.write(new Uint8Array(0), 40)
    assert.equal(file.stat().size, 13)
    file.close()
  })

  it('truncates, and grows by zeros', () => {
    const { directory } = made()
    const file = directory.open('f', 'create')
    file.write(bytes('hello'), 0)
    file.truncate(2)
    file.truncate(4)
    file.flush()
    file.close()
    assert.equal(readText(directory, 'f'), 'he\0\0')
  })

  it('sees through one handle what another one writes', () => {
    const { directory } = made()
    const writer = directory.open('f', 'create')
    const reader = directory.open('f', 'read')
    writer.write(bytes('now'), 0)
    assert.equal(reader.stat().size, 3)
    throwsCode(() => reader.write(bytes('no'), 0), 'OTHER')
    const modifier = directory.open('f', 'modify')
    modifier.write(bytes('N'), 0)
    modifier.close()
    const target = new Uint8Array(3)
    reader.read(target, 0, 3, 0)
    assert.equal(Buffer.from(target).toString(), 'Now')
    for (const file of [writer, reader]) file.close()
  })

  it('creates only what is missing and opens only what exists', () => {
    const { directory } = made()
    throwsCode(() => directory.open('f', 'read'), 'NOT_FOUND')
    throwsCode(() => directory.open('f', 'modify'), 'NOT_FOUND')
    assert.deepEqual(directory.list(), [])
    writeFile(directory, 'f', 'kept')
    throwsCode(() => directory.open('f', 'create'), 'EXISTS')
    assert.equal(readText(directory, 'f'), 'kept')
    directory.makeDirectory('d', 0o755)
    throwsCode(() => directory.open('d', 'create'), 'EXISTS')
    throwsCode(() => directory.open('d', 'read'), 'IS_A_DIRECTORY')
    throwsCode(() => directory.open('d', 'modify'), 'IS_A_DIRECTORY')
  })

  it('gives exactly the mode that was asked for, whatever the umask', () => {
    const { directory } = made()
    const umask = process.umask(0o077)
    try {
      for (const mode of [0o644, 0o666, 0o777, 0o600, 0o400, 0o000, 0o4755, 0o1777]) {
        const name = mode.toString(8)
        directory.open(name, 'create', mode).close()
        assert.equal(directory.stat(name)?.mode, mode, `file ${name}`)
        directory.makeDirectory(`d${name}`, mode)
        assert.equal(directory.stat(`d${name}`)?.mode, mode, `directory ${name}`)
      }
      directory.open('default', 'create').close()
      assert.equal(directory.stat('default')?.mode, 0o600)
    } finally {
      process.umask(umask)
    }
  })

  it('changes modes by name and by handle', () => {
    const { directory } = made()
    const file = directory.open('f', 'create', 0o600)
    file.setMode(0o755)
    assert.equal(file.stat().mode, 0o755)
    directory.setMode('f', 0o640)
    assert.equal(file.stat().mode, 0o640)
    file.close()
    const reader = directory.open('f', 'read')
    reader.setMode(0o444)
    reader.close()
    assert.equal(directory.stat('f')?.mode, 0o444)
    throwsCode(() => directory.setMode('missing', 0o644), 'NOT_FOUND')
  })

  it('sets times to a microsecond', () => {
    const { directory } = made()
    writeFile(directory, 'f', '')
    directory.makeDirectory('d', 0o755)
    directory.makeSymlink('l', 'f')
    const times = { f: 1_234_567_890_123_456_000n, d: 999_999_999_000n, l: 2_000_000_000_500_000_000n }
    for (const [name, time] of Object.entries(times)) directory.setTimes(name, time)
    for (const [name, time] of Object.entries(times)) {
      const off = (directory.stat(name)?.mtimeNs ?? 0n) - time
      assert.ok(off >= -1000n && off <= 1000n, `${name} is off by ${off} ns`)
    }
    directory.setTimes('f', -5_000_000_000n)
    assert.equal(directory.stat('f')?.mtimeNs, -5_000_000_000n)
    throwsCode(() => directory.setTimes('missing', 0n), 'NOT_FOUND')
  })

  it('shows writes in mtime and ctime, and changes of mode in ctime alone', () => {
    const { directory } = made()
    writeFile(directory, 'f', 'a')
    directory.setTimes('f', 1_000_000_000n)
    const before = directory.stat('f')
    assert.ok(before && before.ctimeNs > before.mtimeNs)
    directory.setMode('f', 0o600)
    assert.equal(directory.stat('f')?.mtimeNs, before.mtimeNs)
    writeFile(directory, 'f', 'b')
    const after = directory.stat('f')
    assert.ok(after && after.mtimeNs > before.mtimeNs && after.ctimeNs >= before.ctimeNs)
    assert.deepEqual([after.inode, after.dev], [before.inode, before.dev])
  })

  it('keeps the data of a removed file for who has it open', () => {
    const { directory } = made()
    const file = directory.open('f', 'create')
    file.write(bytes('still'), 0)
    directory.removeFile('f')
    assert.equal(directory.stat('f'), undefined)
    file.write(bytes(' here'), 5)
    file.flush()
    const target = new Uint8Array(10)
    assert.equal(file.read(target, 0, 10, 0), 10)
    assert.equal(Buffer.from(target).toString(), 'still here')
    assert.equal(file.stat().links, 0)
    writeFile(directory, 'f', 'new')
    assert.equal(file.stat().size, 10)
    file.close()
    assert.equal(readText(directory, 'f'), 'new')
  })

  it('counts names of one file', () => {
    const { directory, makeHardLink } = made()
    writeFile(directory, 'f', 'both')
    makeHardLink('f', 'g')
    const [f, g] = [directory.stat('f'), directory.stat('g')]
    assert.deepEqual([f?.links, g?.links, g?.inode], [2, 2, f?.inode])
    writeFile(directory, 'g', 'changed')
    assert.equal(readText(directory, 'f'), 'changed')
    directory.removeFile('f')
    assert.equal(directory.stat('g')?.links, 1)
    assert.equal(readText(directory, 'g'), 'changed')
  })

  it('refuses a closed handle, and closes it twice', () => {
    const { directory } = made()
    const file = directory.open('f', 'create')
    file.close()
    file.close()
    throwsCode(() => file.read(new Uint8Array(1), 0, 1, 0), 'OTHER')
    throwsCode(() => file.write(new Uint8Array(1), 0), 'OTHER')
    throwsCode(() => file.flush(), 'OTHER')
    throwsCode(() => file.stat(), 'OTHER')
  })

  it('refuses changes in a directory that can not be written', () => {
    const { directory, makeReadOnly } = made()
    buildTree(directory, { d: { f: 'kept', e: {} }, g: 'outside' })
    const undo = makeReadOnly('d')
    try {
      const d = childOf(directory, 'd')
      for (const change of [
        () => d.open('new', 'create'),
        () => d.makeDirectory('new', 0o755),
        () => d.makeSymlink('new', 'f'),
        () => d.rename('f', d, 'new'),
        () => d.rename('f', directory, 'new'),
        () => directory.rename('g', d, 'new'),
        () => d.removeFile('f'),
        () => d.removeDirectory('e'),
      ]) {
        throwsCode(change, 'DENIED', 'READ_ONLY')
      }
      assert.equal(readText(d, 'f'), 'kept')
      d.close()
    } finally {
      undo()
    }
    assert.deepEqual(describeTree(directory), {
      'd/': 'dir 755',
      'd/e/': 'dir 755',
      'd/f': 'file 644 kept',
      g: 'file 644 outside',
    })
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

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 10) {
    assert.ok(waitedMs < 5000, `waited five seconds for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

function watchTests(made: Made): void {
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

function lockTests(made: Made): void {
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
