// The part of the suite of all hosts that is about names and about files.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ByteString, Directory } from '../../src/core/host/host.ts'
import { buildTree, describeTree, readText, writeFile } from '../support/host.ts'
import { childOf, type Made, throwsCode } from './hostSubject.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

export function nameTests(made: Made): void {
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
    const parts = [...directory.listInParts()]
    assert.ok(parts.length > 1)
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
    assert.deepEqual(parts.flat().sort(byName), listed.sort(byName))
    for (const part of directory.listInParts()) if (part.length > 0) break
    assert.deepEqual([...directory.listInParts()].flat().length, 2000)
  })
}

export function fileTests(made: Made): void {
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
