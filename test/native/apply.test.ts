// Going back with the native core and with TypeScript: two folders with one history show the same tree afterwards, and
// what was changed outside in the last moment stays.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'node:test'
import type { Native, PlaceRequest } from '../../src/core/native/native.ts'
import { initRoot, openSystem } from '../../src/core/system.ts'
import { finished } from '../core/timeline/support.ts'
import { describeTree, makeTemporaryFolder, type TemporaryFolder } from '../support/host.ts'
import { requireNative } from './subjects.ts'

const fileCount = 150

function fill(top: string): void {
  for (let i = 0; i < fileCount; i++) {
    const directory = `${top}/d${i % 5}/e${i % 7}`
    fs.mkdirSync(directory, { recursive: true })
    fs.writeFileSync(`${directory}/f${i}`, `file ${i} `.repeat(i))
    fs.chmodSync(`${directory}/f${i}`, i % 11 === 0 ? 0o4755 : 0o640)
  }
  fs.writeFileSync(Buffer.from(`${top}/d0/\xff name`, 'latin1'), 'bytes')
  fs.writeFileSync(`${top}/large`, Buffer.alloc(3_000_000, 'many chunks of it '))
  fs.symlinkSync('d0', `${top}/link`)
  fs.mkdirSync(`${top}/closed`)
  fs.writeFileSync(`${top}/closed/inside`, 'x')
  fs.chmodSync(`${top}/closed`, 0o555)
}

function change(top: string): void {
  for (let i = 0; i < fileCount; i += 2) {
    const file = `${top}/d${i % 5}/e${i % 7}/f${i}`
    if (i % 3 === 0) fs.rmSync(file)
    else fs.writeFileSync(file, 'another')
  }
  fs.rmSync(`${top}/d1`, { recursive: true })
  fs.rmSync(`${top}/d2/e0`, { recursive: true, force: true })
  fs.writeFileSync(`${top}/d2/e0`, 'a file in place of a directory')
  fs.rmSync(`${top}/link`)
  fs.mkdirSync(`${top}/link`)
  fs.writeFileSync(`${top}/large`, 'small')
  fs.chmodSync(`${top}/closed`, 0o755)
  fs.rmSync(`${top}/closed`, { recursive: true })
  fs.chmodSync(`${top}/d3`, 0o700)
}

async function withHistory({ host, path }: TemporaryFolder) {
  fill(path)
  await finished(initRoot(host, { path, zk: false }))
  const system = await openSystem(host, { rootPath: path, access: 'write' })
  change(path)
  await finished(system.absorb([], {}))
  return system
}

/** The tree after going back, and what was told of it. */
async function wentBack(native: Native | undefined) {
  const folder = makeTemporaryFolder({ native })
  try {
    const system = await withHistory(folder)
    const { changedCount, unapplied, drifted } = await finished(system.rollback(system.resolve('#1'), {}))
    const { changes } = await finished(system.status({}))
    await system.close()
    const names = fs.readdirSync(folder.path).filter(name => !/^(?:\.|recycle|sentient)/.test(name))
    const tree = names.map(name => {
      const stat = fs.lstatSync(`${folder.path}/${name}`)
      if (stat.isSymbolicLink()) return [name, fs.readlinkSync(`${folder.path}/${name}`)]
      if (!stat.isDirectory()) return [name, stat.mode, fs.readFileSync(`${folder.path}/${name}`, 'latin1')]
      const directory = folder.directory.child(name)!
      return [name, stat.mode, describeTree(directory)]
    })
    const staged = fs.readdirSync(`${folder.path}/.runtime/stage`)
    return { tree, staged, changedCount, unapplied, drifted, differences: changes.length }
  } finally {
    folder.remove()
  }
}

describe('going back', () => {
  it('shows the same tree with both', async () => {
    const native = await wentBack(requireNative())
    assert.deepEqual(native, await wentBack(undefined))
    assert.deepEqual([native.unapplied, native.drifted, native.staged, native.differences], [[], [], [], 0])
  })

  it('leaves what was changed just before it was replaced, and says so', async () => {
    const native = requireNative()
    const edited = new Map<'free' | 'taken', string>()
    // An editor that saves between the decision and the renames.
    const meddling: Native = {
      ...native,
      place(request: PlaceRequest) {
        for (const { path, seen, directory } of request.items) {
          const which = seen === undefined ? 'free' : 'taken'
          if (directory !== undefined || edited.has(which) || !path.startsWith('d0/')) continue
          edited.set(which, path)
          fs.writeFileSync(`${folder.path}/${path}`, 'saved in the last moment')
        }
        return native.place(request)
      },
    }
    const folder = makeTemporaryFolder({ native: meddling })
    try {
      const system = await withHistory(folder)
      const { drifted } = await finished(system.rollback(system.resolve('#1'), {}))
      await system.close()
      assert.equal(edited.size, 2)
      assert.deepEqual([...drifted].sort(), [...edited.values()].sort())
      for (const path of edited.values())
        assert.equal(fs.readFileSync(`${folder.path}/${path}`, 'utf8'), 'saved in the last moment')
    } finally {
      folder.remove()
    }
  })
})

const gone = ['closed', 'd0', 'd1', 'd2', 'd3', 'd4', 'large']

/** Everything but a link removed outside and brought back by its owner. */
async function cameBack(native: Native | undefined, loseContent: boolean) {
  const folder = makeTemporaryFolder({ native })
  const { host, path: top } = folder
  try {
    fill(top)
    await finished(initRoot(host, { path: top, zk: false }))
    const before = treeBelow(folder)
    fs.chmodSync(`${top}/closed`, 0o755)
    for (const name of gone) fs.rmSync(`${top}/${name}`, { recursive: true })
    if (loseContent) loseOneObject(top)
    const system = await openSystem(host, { rootPath: top, access: 'write' })
    const { changed, changedCount, unapplied, drifted, seq } = await finished(
      system.restore(gone, system.resolve('now'), {}),
    )
    const { fields } = system.record(seq)
    const { changes, filesHashed } = await finished(system.status({}))
    await system.close()
    const staged = fs.readdirSync(`${top}/.runtime/stage`)
    const told = { changed, changedCount, unapplied, drifted, disk: fields.disk, staged, differences: changes.length }
    return { told, filesHashed, before, after: treeBelow(folder) }
  } finally {
    folder.remove()
  }
}

function treeBelow({ path, directory }: TemporaryFolder) {
  const names = fs.readdirSync(path).filter(name => !/^(?:\.|recycle|sentient)/.test(name))
  return names.map(name => {
    const stat = fs.lstatSync(`${path}/${name}`)
    if (stat.isSymbolicLink()) return [name, fs.readlinkSync(`${path}/${name}`)]
    if (!stat.isDirectory()) return [name, stat.mode, fs.readFileSync(`${path}/${name}`, 'latin1')]
    return [name, stat.mode, describeTree(directory.child(name)!)]
  })
}

/** The content of one file is damaged in its pack. */
function loseOneObject(top: string): void {
  for (const name of fs.readdirSync(`${top}/.tree/packs`)) {
    const file = `${top}/.tree/packs/${name}`
    if (name.endsWith('.idx')) fs.rmSync(file)
    const bytes = fs.readFileSync(file, { flag: 'a+' })
    const at = bytes.indexOf('file 7 '.repeat(7))
    if (at < 0) continue
    bytes[at] = 0x46
    fs.writeFileSync(file, bytes)
  }
}

describe('bringing back what is gone', () => {
  it('makes whole directories with both, and remembers what it made', async () => {
    const native = await cameBack(requireNative(), false)
    const typescript = await cameBack(undefined, false)
    assert.deepEqual(native.told, typescript.told)
    assert.deepEqual(native.after, native.before)
    assert.deepEqual(typescript.after, typescript.before)
    assert.deepEqual([native.told.staged, native.told.differences], [[], 0])
    assert.ok(native.told.changedCount > fileCount / 2)
    // What went back to its place alone is not older than its own rename.
    assert.ok(native.filesHashed <= 2, `${native.filesHashed} files were read again`)
  })

  it('goes path by path where a content is damaged, and leaves out the same', async () => {
    const native = await cameBack(requireNative(), true)
    const typescript = await cameBack(undefined, true)
    assert.deepEqual(native.told, typescript.told)
    assert.deepEqual(native.after, typescript.after)
    assert.ok(native.told.differences > 0)
  })

  it('removes what a killed process left half made', async () => {
    const folder = makeTemporaryFolder({ native: requireNative() })
    try {
      fs.writeFileSync(`${folder.path}/file`, 'x')
      await finished(initRoot(folder.host, { path: folder.path, zk: false }))
      const left = `${folder.path}/.runtime/stage/0123456789ab-0`
      fs.mkdirSync(`${left}/below`, { recursive: true })
      fs.writeFileSync(`${left}/below/file`, 'half')
      fs.chmodSync(`${left}/below`, 0o500)
      const system = await openSystem(folder.host, { rootPath: folder.path, access: 'write' })
      await finished(system.snapshotCreate({ label: 'any write' }))
      await system.close()
      assert.deepEqual(fs.readdirSync(`${folder.path}/.runtime/stage`), [])
    } finally {
      folder.remove()
    }
  })
})
