// What `gc` drops and what it must never drop, and what is said of states that it took.

import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { blake3 } from '../../../src/core/format/hash.ts'
import { createIdTable } from '../../../src/core/store/idTable.ts'
import { openSystem, type System } from '../../../src/core/system.ts'
import { assertClean, type Folder, flip, locate, makeFolder, noise, put, run, verifyDeep } from './fixtures.ts'

const gc = (folder: Folder) => folder.with(system => run(system.gc()))

/** Removes every snapshot, so that only the last states are kept. */
async function removeSnapshots(system: System): Promise<void> {
  for (const { name } of system.snapshots()) await run(system.snapshotRemove(name))
}

function contentAt(system: System, path: string, state: string): string {
  const file = system.openFile(path, system.resolve(state))
  const bytes = Buffer.alloc(file?.size ?? 0)
  file?.read(bytes, 0, bytes.length, 0)
  return bytes.toString()
}

test('states before the oldest snapshot go; everything from it on stays whole', async context => {
  const folder = await makeFolder(context, { file: noise(3000, 1).toString('hex') })
  await folder.with(async system => {
    for (let i = 3; i < 8; i++) await put(system, 'file', `version ${i} ${noise(500, i).toString('hex')}`)
    await run(system.snapshotCreate({ name: 'middle' }))
    for (let i = 9; i < 12; i++) await put(system, 'file', `version ${i}`)
    const [first] = system.snapshots()
    await run(system.snapshotRemove(first?.name ?? ''))

    const estimate = await run(system.gc({ dryRun: true }))
    const records = system.now().records
    assert.equal(estimate.seq, undefined)
    const report = await run(system.gc())
    assert.deepEqual({ ...report, seq: undefined }, estimate)
    assert.equal(report.seq, records)
    assert.equal(report.horizon, 8)
    assert.ok(report.objectsAfter < report.objectsBefore && report.bytesFreed > 3000)
    for (let seq = 7; seq < 12; seq++) {
      const version = seq === 8 ? 7 : seq
      assert.match(contentAt(system, 'file', `#${seq}`), new RegExp(`^version ${version}`))
    }
    for (let seq = 1; seq < 7; seq++)
      assert.throws(() => contentAt(system, 'file', `#${seq}`), { code: 'STATE_PRUNED' }, `#${seq}`)
  })
  const report = await verifyDeep(folder)
  assertClean(report)
  assert.match(
    report.checks.find(check => check.name === 'states')?.text ?? '',
    /7 records before #7: signed, objects pruned/,
  )
})

test('what gc took can not be restored, rolled back to or undone, and says so; the log still tells of it', async context => {
  const folder = await makeFolder(context, { file: 'first', other: 'other' })
  await folder.with(async system => {
    await put(system, 'file', 'second')
    await run(system.remove(['file', 'other']))
    await put(system, 'last', 'last')
    await removeSnapshots(system)
    await run(system.gc())
    const old = system.resolve('#3')
    await assert.rejects(run(system.restore(['file'], old)), { code: 'STATE_PRUNED' })
    await assert.rejects(run(system.rollback(old)), { code: 'STATE_PRUNED' })
    await assert.rejects(run(system.rollbackPreview(old)), { code: 'STATE_PRUNED' })
    await assert.rejects(run(system.diff(old, system.resolve('now'))), { code: 'STATE_PRUNED' })
    assert.throws(() => system.directory('', { at: old }), { code: 'STATE_PRUNED' })
    assert.throws(() => [...system.walkState(old)], { code: 'STATE_PRUNED' })
    await assert.rejects(run(system.undo({ seq: 4 })), { code: 'NOT_UNDOABLE' })
    assert.ok([...system.records({ under: 'file' })].length > 0)
    assert.equal(system.record(3).action, 'put')
    assert.ok((await run(system.versions('file'))).some(version => version.seq === 3))
  })
  assertClean(await verifyDeep(folder))
  // An hour later what was set aside is gone for good.
  rmSync(folder.at('.tree/dead'), { recursive: true })
  await folder.with(system => {
    assert.throws(() => [...system.recordChanges(4)], { code: 'STATE_PRUNED' })
    assert.ok([...system.records({ under: 'file' })].length > 0)
  })
  assertClean(await verifyDeep(folder))
})

test('a pinned snapshot keeps its own state, and nothing between', async context => {
  const folder = await makeFolder(context, { file: 'first' })
  await folder.with(async system => {
    await put(system, 'file', 'pinned content')
    await run(system.snapshotCreate({ name: 'keep' }))
    await run(system.snapshotPin('keep', true))
    await put(system, 'file', noise(4000, 3).toString('hex'))
    await put(system, 'file', 'last')
    for (const { name, pinned } of system.snapshots()) if (!pinned) await run(system.snapshotRemove(name))
    await run(system.gc())
    assert.equal(contentAt(system, 'file', 'keep'), 'pinned content')
    assert.throws(() => contentAt(system, 'file', '#6'), { code: 'STATE_PRUNED' })
    // Unpinning brings nothing back that is gone, and is no damage.
    await run(system.snapshotPin('keep', false))
    await put(system, 'file', 'after')
    await run(system.gc())
    assert.equal(contentAt(system, 'file', 'keep'), 'pinned content')
  })
  assertClean(await verifyDeep(folder))
  await folder.with(system => run(system.rollback(system.resolve('keep'))))
  assert.equal(folder.read('file').toString(), 'pinned content')
})

test('what an operation overwrote on disk stays as long as the snapshot that keeps it', async context => {
  const folder = await makeFolder(context, { file: 'recorded' })
  const edit = noise(3000, 7).toString('hex')
  await folder.with(async system => {
    writeFileSync(folder.at('file'), edit)
    const { protectedAs } = await run(system.restore(['file'], system.resolve('now')))
    assert.ok(protectedAs !== undefined)
    for (const { name, kind } of system.snapshots()) if (kind !== 'protect') await run(system.snapshotRemove(name))
    await run(system.gc())
    assert.equal(contentAt(system, 'file', protectedAs), edit)
    await run(system.undo())
    assert.equal(folder.read('file').toString(), edit)
  })
})

test('the last operation can be undone after gc without any snapshot', async context => {
  const folder = await makeFolder(context, { file: 'first' })
  await folder.with(async system => {
    await removeSnapshots(system)
    await put(system, 'file', 'second')
    await run(system.gc())
    await run(system.undo())
  })
  assert.equal(folder.read('file').toString(), 'first')
  assertClean(await verifyDeep(folder))
})

test('gc that finds nothing records nothing', async context => {
  const folder = await makeFolder(context, { file: 'first' })
  await gc(folder)
  const records = await folder.with(system => system.now().records)
  const { seq, objectsBefore, objectsAfter } = await gc(folder)
  assert.equal(seq, undefined)
  assert.equal(objectsBefore, objectsAfter)
  assert.equal(await folder.with(system => system.now().records), records)
})

test('gc leaves alone what it can not read: damage is no garbage', async context => {
  const content = noise(5000, 1)
  const folder = await makeFolder(context, { 'a/b/file': content, other: noise(5000, 2) })
  const place = locate(folder, '.tree/packs', content)
  flip(folder.at(place.name), place.offset)
  await folder.with(async system => {
    await put(system, 'other', 'small')
    await removeSnapshots(system)
    await run(system.gc())
    assert.ok(system.notices.some(notice => notice.code === 'damaged'))
  })
  const { findings } = await verifyDeep(folder)
  assert.deepEqual(
    findings.map(finding => [finding.code, finding.path]),
    [['pack-entry-damaged', 'a/b/file']],
  )
  assert.deepEqual((await folder.with(system => run(system.repair()))).lost, [])
  assertClean(await verifyDeep(folder))
})

test('gc refuses while a node is damaged: what lies behind it would seem garbage', async context => {
  const files = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`d/${i}`, `${i}`]))
  const folder = await makeFolder(context, files)
  await folder.with(system => put(system, 'd/0', 'changed'))
  const packs = readdirSync(folder.at('.tree/packs')).filter(name => name.endsWith('.pack'))
  const before = packs.map(name => folder.read(`.tree/packs/${name}`))
  for (const name of packs) {
    const bytes = folder.read(`.tree/packs/${name}`)
    for (let at = 16; at + 56 < bytes.length; at += 56 + bytes.readUInt32LE(at + 8)) {
      if (bytes[at + 16] === 3 && bytes.readUInt32LE(at + 8) > 300) flip(folder.at(`.tree/packs/${name}`), at + 80)
    }
  }
  const damaged = packs.map(name => folder.read(`.tree/packs/${name}`))
  assert.ok(damaged.some((bytes, i) => !bytes.equals(before[i] as Buffer)))
  await folder.with(async system => {
    const records = system.now().records
    await assert.rejects(run(system.gc()), { code: 'DAMAGED' })
    assert.equal(system.now().records, records)
  })
  for (const [i, name] of packs.entries()) assert.ok(folder.read(`.tree/packs/${name}`).equals(damaged[i] as Buffer))
})

test('what gc set aside is unlinked by a gc an hour later', async context => {
  const folder = await makeFolder(context, { file: noise(3000, 1).toString('hex') })
  await folder.with(async system => {
    await put(system, 'file', 'small')
    await removeSnapshots(system)
    await put(system, 'file', 'smaller')
    await run(system.gc())
  })
  const setAside = (): string[] => readdirSync(folder.at('.tree/dead')).filter(name => name.endsWith('.pack'))
  const before = setAside()
  assert.equal(before.length, 1)
  await gc(folder)
  assert.ok(setAside().includes(before[0] as string))
  const { clock } = folder.host
  const later = { ...folder.host, clock: { ...clock, nowMicros: () => clock.nowMicros() + 2 * 3_600_000_000 } }
  const system = await openSystem(later, { rootPath: folder.path, access: 'write' })
  await run(system.gc())
  await system.close()
  assert.ok(!setAside().includes(before[0] as string))
  assertClean(await verifyDeep(folder))
})

test('the table of what lives takes less than a hundred megabytes for a million objects', () => {
  const before = process.memoryUsage()
  const table = createIdTable()
  const bytes = Buffer.alloc(8)
  for (let i = 0; i < 1_000_000; i++) {
    bytes.writeUInt32LE(i)
    table.add(blake3(bytes))
  }
  const after = process.memoryUsage()
  assert.equal(table.size, 1_000_000)
  const grown = after.arrayBuffers - before.arrayBuffers
  assert.ok(grown < 100_000_000, `${grown} bytes`)
})
