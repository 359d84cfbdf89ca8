// Databases of derived data: they keep what they are given, and a damaged one is replaced by an empty one.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Database } from '../../../src/core/host/database.ts'
import { createFailingHost, SimulatedCrash } from '../../../src/core/host/failing.ts'
import {
  buildTree,
  makeTemporaryFolder,
  onDisk,
  readText,
  symlink,
  type TemporaryFolder,
  writeFile,
} from '../../support/host.ts'

describe('databases of the disk host', () => {
  let folder: TemporaryFolder
  beforeEach(() => {
    folder = makeTemporaryFolder({}, onDisk())
  })
  afterEach(() => folder.remove())

  const open = (): Database => {
    const database = folder.host.databases?.open(folder.directory, 'index')
    assert.ok(database)
    return database
  }
  const fill = (database: Database): void => {
    database.run('CREATE TABLE t (a, b, c)')
    database.run('INSERT INTO t VALUES (?, ?, ?)', 1, 'text', new Uint8Array([1, 2]))
    database.run('INSERT INTO t VALUES (?, ?, ?)', 2, null, 0.5)
  }
  const tables = (database: Database): unknown[] => database.all('SELECT name FROM sqlite_master').map(row => row.name)

  it('keep values of every type until they are opened again', () => {
    const first = open()
    fill(first)
    first.close()
    const second = open()
    const rows = second.all('SELECT * FROM t WHERE a >= ? ORDER BY a', 1)
    assert.deepEqual(
      rows.map(row => [row.a, row.b, row.c]),
      [
        [1, 'text', new Uint8Array([1, 2])],
        [2, null, 0.5],
      ],
    )
    second.close()
    second.close()
    assert.deepEqual(folder.directory.list(), [{ name: 'index', kind: 'file' }])
  })

  it('are made anew where the file is damaged, in its head or cut short', () => {
    for (const damage of [
      () => writeFile(folder.directory, 'index', 'no database '.repeat(1000)),
      () => {
        const file = folder.directory.open('index', 'modify')
        file.truncate(5000)
        file.write(Buffer.alloc(3000, 0xff), 100)
        file.close()
      },
    ]) {
      const whole = open()
      if (tables(whole).length === 0) fill(whole)
      whole.close()
      damage()
      const anew = open()
      assert.deepEqual(tables(anew), [])
      fill(anew)
      anew.close()
    }
  })

  it('never follow a symlink', () => {
    buildTree(folder.directory, { outside: 'kept', index: symlink('outside') })
    const database = open()
    fill(database)
    database.close()
    assert.equal(readText(folder.directory, 'outside'), 'kept')
    assert.equal(folder.directory.stat('index')?.kind, 'file')
  })

  it('are none where a directory has the name', () => {
    buildTree(folder.directory, { index: { f: 'kept' } })
    assert.equal(folder.host.databases?.open(folder.directory, 'index'), undefined)
    assert.equal(folder.directory.stat('index')?.kind, 'dir')
  })

  it('wait for another process that writes instead of throwing its work away', () => {
    const first = open()
    fill(first)
    first.run('BEGIN EXCLUSIVE')
    assert.equal(folder.host.databases?.open(folder.directory, 'index'), undefined)
    first.run('COMMIT')
    const second = open()
    assert.deepEqual(tables(second), ['t'])
    for (const database of [first, second]) database.close()
  })

  it('end with a simulated process', () => {
    const failing = createFailingHost(folder.host)
    const directory = failing.files.openDirectory(folder.path)!
    const database = failing.databases?.open(directory, 'index')
    assert.ok(database)
    fill(database)
    failing.faults.crash()
    assert.throws(() => database.run('DELETE FROM t'), SimulatedCrash)
    assert.throws(() => failing.databases?.open(directory, 'index'), SimulatedCrash)
    assert.deepEqual(tables(open()), ['t'])
  })
})
