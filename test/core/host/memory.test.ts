// The memory host: the suite of all hosts, and what only a disk in memory can do: go back, fill up, lose its power.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Directory } from '../../../src/core/host/host.ts'
import { createMemoryDisk, createMemoryHost } from '../../../src/core/host/memory.ts'
import type { NameSurvival } from '../../../src/core/host/memoryNodes.ts'
import { throwsCode } from '../../suites/hostSubject.ts'
import { runHostSuite } from '../../suites/hostSuite.ts'
import {
  buildTree,
  createSeededRandomness,
  createTestHost,
  describeTree,
  readFile,
  readText,
  symlink,
  type TestHost,
  type TestHostOptions,
  testStartMicros,
  writeFile,
} from '../../support/host.ts'
import { makeMemorySubject } from './subjects.ts'

runHostSuite('memory', makeMemorySubject)

function rootOf(host: TestHost): Directory {
  return host.files.openDirectory('/')!
}

describe('the memory disk', () => {
  it('takes times from its clock', () => {
    const host = createTestHost()
    const root = rootOf(host)
    host.clock.setMicros(testStartMicros + 5_000_000)
    writeFile(root, 'f', 'x')
    const age = (root.stat('f')?.mtimeNs ?? 0n) - BigInt(testStartMicros) * 1000n
    assert.ok(age >= 5_000_000_000n && age < 5_001_000_000n)
  })

  it('goes back to a snapshot, as often as wanted, with what had several names', () => {
    const { disk } = createTestHost()
    const root = disk.files.openDirectory('/')!
    buildTree(root, { d: { f: 'before', l: symlink('f') } })
    disk.makeHardLink(root.child('d')!, 'f', 'g')
    const snapshot = disk.snapshot()
    const before = describeTree(root)
    for (let time = 0; time < 2; time += 1) {
      const now = disk.files.openDirectory('/')!
      const d = now.child('d')!
      writeFile(d, 'g', `changed ${time}`)
      assert.equal(readText(d, 'f'), `changed ${time}`)
      now.rename('d', now, 'e')
      disk.restore(snapshot)
      assert.deepEqual(describeTree(disk.files.openDirectory('/')!), before)
    }
  })

  it('fills up, writing what fits, and gets space back', () => {
    const { disk } = createTestHost({ capacityBytes: 10 })
    const root = disk.files.openDirectory('/')!
    writeFile(root, 'f', '12345')
    const file = root.open('g', 'create')
    throwsCode(() => file.write(Buffer.from('1234567'), 0), 'NO_SPACE')
    assert.equal(file.stat().size, 5)
    throwsCode(() => file.truncate(6), 'NO_SPACE')
    file.write(Buffer.from('over'), 0)
    assert.equal(root.freeBytes(), 0)
    root.removeFile('g')
    assert.equal(root.freeBytes(), 0)
    file.close()
    assert.equal(root.freeBytes(), 5)
    disk.setCapacity(1)
    assert.equal(root.freeBytes(), 0)
  })

  it('is shared by processes, each with its locks and its life', () => {
    const first = createTestHost()
    const second = createMemoryHost({ disk: first.disk })
    const [lock, other] = [first, second].map(host => host.locks.open(host.files.openDirectory('/')!, 'lock'))
    assert.ok(lock && other)
    assert.notEqual(first.processes.id, second.processes.id)
    assert.equal(lock.tryAcquire(), true)
    assert.equal(other.tryAcquire(), false)
    assert.equal(second.processes.isAlive(first.processes.id), true)
    first.exit()
    assert.equal(second.processes.isAlive(first.processes.id), false)
    assert.equal(other.tryAcquire(), true)
    assert.equal(second.processes.isAlive(99), false)
  })

  it('refuses directories of other disks', () => {
    const [one, two] = [createTestHost(), createTestHost()].map(rootOf)
    assert.ok(one && two)
    writeFile(one, 'f', '')
    throwsCode(() => one.rename('f', two, 'f'), 'CROSS_DEVICE')
  })
})

// What a disk holds after the power went, for many seeds.
function afterPowerCuts(options: TestHostOptions, work: (root: Directory) => void): Record<string, string>[] {
  return Array.from({ length: 200 }, (_, seed) => {
    const host = createTestHost(options)
    work(rootOf(host))
    host.disk.cutPower(createSeededRandomness(seed))
    const left = describeTree(rootOf(host))
    host.disk.cutPower(createSeededRandomness(seed + 1))
    assert.deepEqual(describeTree(rootOf(host)), left, 'what survived once survives again')
    return left
  })
}

function distinct(all: readonly Record<string, string>[]): string[] {
  return [...new Set(all.map(left => Object.entries(left).join(' ')))].sort()
}

describe('the memory disk without power', () => {
  const survivals: NameSurvival[] = ['ordered', 'loose']
  for (const powerCut of survivals) {
    it(`keeps what was flushed (${powerCut})`, () => {
      const all = afterPowerCuts({ powerCut }, root => {
        const file = root.open('f', 'create')
        const buffer = Buffer.from('kept')
        file.write(buffer, 0)
        buffer.fill('.')
        file.flush()
        root.flush()
        writeFile(root, 'lost', 'perhaps')
        root.removeFile('lost')
      })
      assert.ok(all.every(left => left.f === 'file 600 kept'))
    })

    it(`keeps all after the whole file system was flushed (${powerCut})`, () => {
      const all = afterPowerCuts({ powerCut }, root => {
        buildTree(root, { a: { b: { c: 'x' } }, l: symlink('a') })
        root.removeFile('l')
        root.flushFileSystem()
      })
      assert.deepEqual(distinct(all), ['a/,dir 755 a/b/,dir 755 a/b/c,file 644 x'])
    })
  }

  it('may lose bytes whose name it keeps, and the name of flushed bytes', () => {
    const all = afterPowerCuts({ powerCut: 'ordered' }, root => {
      const bytesFlushed = root.open('bytes', 'create')
      bytesFlushed.write(Buffer.from('x'), 0)
      root.flush()
      bytesFlushed.flush()
      const nameFlushed = root.open('name', 'create')
      nameFlushed.write(Buffer.from('y'), 0)
    })
    assert.deepEqual(distinct(all), [
      'bytes,file 600 x',
      'bytes,file 600 x name,file 600 ',
      'bytes,file 600 x name,file 600 y',
    ])
  })

  it('keeps names in their order, renames whole', () => {
    const all = afterPowerCuts({ powerCut: 'ordered' }, root => {
      buildTree(root, { d: {}, e: {} })
      root.flushFileSystem()
      const [d, e] = [root.child('d')!, root.child('e')!]
      d.makeSymlink('l', 'x')
      d.rename('l', e, 'l')
      e.removeFile('l')
    })
    const base = 'd/,dir 755'
    assert.deepEqual(distinct(all), [
      `${base} d/l,symlink x e/,dir 755`,
      `${base} e/,dir 755`,
      `${base} e/,dir 755 e/l,symlink x`,
    ])
  })

  it('keeps all names up to the flush of any directory', () => {
    const all = afterPowerCuts({ powerCut: 'ordered' }, root => {
      buildTree(root, { d: {}, e: {} })
      root.child('d')!.flush()
    })
    assert.deepEqual(distinct(all), ['d/,dir 755 e/,dir 755'])
  })

  it('keeps names of several directories in any order when loose, and loses or doubles what moved', () => {
    const all = afterPowerCuts({ powerCut: 'loose' }, root => {
      buildTree(root, { d: { f: '' }, e: {} })
      root.flushFileSystem()
      root.child('d')!.rename('f', root.child('e')!, 'f')
    })
    assert.deepEqual(distinct(all), [
      'd/,dir 755 d/f,file 644  e/,dir 755',
      'd/,dir 755 d/f,file 644  e/,dir 755 e/f,file 644 ',
      'd/,dir 755 e/,dir 755',
      'd/,dir 755 e/,dir 755 e/f,file 644 ',
    ])
    const flushed = afterPowerCuts({ powerCut: 'loose' }, root => {
      buildTree(root, { d: { f: '' }, e: {} })
      root.flushFileSystem()
      root.child('d')!.rename('f', root.child('e')!, 'f')
      root.child('e')!.flush()
    })
    assert.ok(flushed.every(left => left['e/f'] !== undefined))
  })

  it('tears writes at sectors and reorders them', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 300; seed += 1) {
      const host = createTestHost({ powerCut: 'ordered' })
      const file = rootOf(host).open('f', 'create')
      file.write(Buffer.alloc(1536, 'a'), 0)
      rootOf(host).flushFileSystem()
      file.write(Buffer.alloc(1024, 'b'), 256)
      file.write(Buffer.alloc(10, 'c'), 1600)
      host.disk.cutPower(createSeededRandomness(seed))
      seen.add(
        Buffer.from(readFile(rootOf(host), 'f'))
          .toString('latin1')
          .replace(/(.)\1*/gs, (run, char) => `${char}${run.length} `),
      )
    }
    const starts = [
      'a1536 ',
      'a256 b256 a1024 ',
      'a512 b512 a512 ',
      'a1024 b256 a256 ',
      'a256 b768 a512 ',
      'a512 b768 a256 ',
      'a256 b256 a512 b256 a256 ',
      'a256 b1024 a256 ',
    ]
    const ends = ['', '\0' + '64 c10 ']
    assert.deepEqual([...seen].sort(), starts.flatMap(start => ends.map(end => start + end)).sort())
  })

  it('has free locks and true link counts afterwards', () => {
    const host = createTestHost({ powerCut: 'ordered' })
    const root = rootOf(host)
    buildTree(root, { f: 'x', d: {} })
    root.flushFileSystem()
    host.disk.makeHardLink(root, 'f', 'g')
    const lock = host.locks.open(root, 'lock')
    assert.equal(lock.tryAcquire(), true)
    for (let seed = 0; seed < 20; seed += 1) host.disk.cutPower(createSeededRandomness(seed))
    const now = rootOf(host)
    assert.deepEqual([now.selfStat().links, now.stat('d')?.links], [3, 2])
    const names = now.list().filter(({ name }) => name === 'f' || name === 'g').length
    assert.equal(now.stat('f')?.links, names)
    const next = createMemoryHost({ disk: host.disk })
    assert.equal(next.locks.open(next.files.openDirectory('/')!, 'lock').tryAcquire(), true)
  })

  it('is refused where power cuts are not modelled', () => {
    assert.throws(() => createMemoryDisk().cutPower(createSeededRandomness(1)), TypeError)
  })
})
