// What `repair` brings back, what it leaves behind, what it says is lost, and that writing goes on after it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { markers, tileHashes } from '../../../src/core/format/constants.generated.ts'
import {
  assertClean,
  codesOf,
  type Folder,
  filesBelow,
  flip,
  locate,
  makeFolder,
  noise,
  put,
  run,
  verifyDeep,
} from './fixtures.ts'

const repair = (folder: Folder) => folder.with(system => run(system.repair()))

const actionsOf = (folder: Folder): Promise<string[]> =>
  folder.with(system => [...system.records()].map(record => record.action), 'read')

test('a damaged content comes back from the file on disk; the pack is left behind', async context => {
  const content = noise(5000, 2)
  const folder = await makeFolder(context, { 'etc/fstab': content, 'etc/hosts': noise(5000, 3) })
  const place = locate(folder, '.tree/packs', content)
  flip(folder.at(place.name), place.offset + 10)
  const damagedPack = folder.read(place.name)
  await verifyDeep(folder)
  await folder.with(async system => assert.equal((await run(system.status())).counts.damaged, 1))

  const { restored, lost } = await repair(folder)
  assert.deepEqual(
    restored.map(finding => [finding.code, finding.path]),
    [['pack-entry-damaged', 'etc/fstab']],
  )
  assert.deepEqual(lost, [])
  assertClean(await verifyDeep(folder))
  await folder.with(async system => {
    assert.equal((await run(system.status())).counts.damaged, 0)
    const file = system.openFile('etc/fstab', system.resolve('now'))
    const bytes = Buffer.alloc(content.length)
    assert.equal(file?.read(bytes, 0, bytes.length, 0), content.length)
    assert.ok(bytes.equals(content))
  })
  assert.equal((await actionsOf(folder)).at(-1), 'repair')
  const dead = readdirSync(folder.at('.tree/dead')).filter(name => name.endsWith('.pack'))
  assert.equal(dead.length, 1)
  assert.ok(readFileSync(folder.at(`.tree/dead/${dead[0]}`)).equals(damagedPack))
})

test('one changed byte of a content that is nowhere else is found by its checksum and put right', async context => {
  const old = noise(2000, 5)
  const text = 'a text that shrinks '.repeat(100)
  const folder = await makeFolder(context, { file: old })
  await folder.with(async system => {
    await put(system, 'file', text)
    await put(system, 'file', 'last\n')
  })
  const place = locate(folder, '.tree/packs', old)
  flip(folder.at(place.name), place.offset + 1234, 0x5a)
  const name = folder.at(place.name)
  const bytes = readFileSync(name)
  // The text's entry holds zstd: the magic of its frames.
  const frame = bytes.indexOf(Buffer.from('28b52ffd', 'hex'), place.offset + 2000)
  assert.ok(frame > 0)
  flip(name, frame + 12, 0x01)
  assert.equal(codesOf((await verifyDeep(folder)).findings).length, 2)
  const { lost, restored } = await repair(folder)
  assert.deepEqual([codesOf(restored), lost], [['pack-entry-damaged', 'pack-entry-damaged'], []])
  assertClean(await verifyDeep(folder))
  await folder.with(async system => {
    await run(system.restore(['file'], system.resolve('#3')))
    assert.equal(folder.read('file').toString(), text)
    await run(system.restore(['file'], system.resolve('#1')))
    assert.ok(folder.read('file').equals(old))
  })
})

test('what is nowhere any more is lost: listed once, known from then on, and it keeps nobody from writing', async context => {
  const old = noise(2000, 5)
  const folder = await makeFolder(context, { file: old })
  await folder.with(system => put(system, 'file', 'last\n'))
  const place = locate(folder, '.tree/packs', old)
  flip(folder.at(place.name), place.offset)
  flip(folder.at(place.name), place.offset + 7)

  const { lost } = await repair(folder)
  assert.deepEqual(codesOf(lost), ['object-missing'])
  assert.equal(lost[0]?.seq, 2)
  const torn = readdirSync(folder.at('.tree/torn')).filter(name => name.endsWith('.pack'))
  assert.equal(torn.length, 1)

  const after = await verifyDeep(folder)
  assert.equal(after.damaged, false)
  assert.deepEqual(
    after.findings.map(finding => [finding.code, finding.severity]),
    [['object-missing', 'note']],
  )
  const again = await repair(folder)
  assert.deepEqual([again.restored, again.lost], [[], []])
  folder.write('file', old)
  const found = await repair(folder)
  assert.deepEqual(
    [found.restored.map(({ code, severity, seq }) => [code, severity, seq]), found.lost],
    [[['object-missing', 'note', 2]], []],
  )
  assert.deepEqual((await repair(folder)).restored, [])
  folder.write('file', 'last\n')
  const gone = locate(folder, '.tree/packs', old)
  flip(folder.at(gone.name), gone.offset)
  flip(folder.at(gone.name), gone.offset + 7)
  assert.deepEqual(codesOf((await repair(folder)).restored), [])
  await folder.with(async system => {
    await put(system, 'more', 'more\n')
    await assert.rejects(run(system.restore(['file'], system.resolve('#1'))), { code: 'OBJECT_MISSING' })
    await run(system.restore(['file'], system.resolve('#3')))
    for (const snapshot of system.snapshots()) await run(system.snapshotRemove(snapshot.name))
    assert.ok(((await run(system.gc())).seq ?? 0) > 0)
  })
  assertClean(await verifyDeep(folder))
})

test('a lost content of the state in force stays damage until it is put right', async context => {
  const content = noise(2000, 6)
  const folder = await makeFolder(context, { file: content })
  const place = locate(folder, '.tree/packs', content)
  flip(folder.at(place.name), place.offset)
  flip(folder.at(place.name), place.offset + 9)
  folder.write('file', 'changed outside')
  const { lost } = await repair(folder)
  assert.deepEqual(
    lost.map(finding => finding.path),
    ['file'],
  )
  const report = await verifyDeep(folder)
  assert.equal(report.damaged, true)
  await folder.with(async system => {
    assert.equal((await run(system.status())).counts.damaged, 1)
    await run(system.absorb(['file']))
    assert.equal((await run(system.verify())).damaged, false)
    assert.equal((await run(system.status())).counts.damaged, 0)
  })
})

/** Damages every object of these kinds (as in format/pack.ts) in every pack. */
function damageKinds(folder: Folder, kinds: readonly number[]): number {
  let count = 0
  const marker = Buffer.from(markers.packEntry, 'hex')
  for (const pack of filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.pack'))) {
    const name = `.tree/packs/${pack}`
    const bytes = folder.read(name)
    for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) {
      if (!kinds.includes(bytes[at + 16] as number)) continue
      flip(folder.at(name), at + 56 + Math.floor(bytes.readUInt32LE(at + 8) / 2))
      count++
    }
  }
  return count
}

const nodeKind = 3
const stateKind = 4
const changesKind = 5
const otherKind = 6

for (const [what, kinds] of [
  ['directories, states and settings', [nodeKind, stateKind, otherKind]],
  ['lists of changes', [changesKind]],
] as const) {
  test(`${what} come back from the history when the disk shows something else`, async context => {
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`many/n${i}`, `${i}`]))
    const folder = await makeFolder(context, files)
    await folder.with(async system => {
      await run(system.remove(['many/n1', 'many/n2', 'many/n3']))
      await put(system, 'many/n4', 'four')
      await run(system.setMode(['many/n5', 'many/n6'], () => 0o600))
    })
    // The disk shows another directory than any record.
    folder.write('many/new', 'changed outside')
    folder.write('other', 'changed outside')
    const count = damageKinds(folder, kinds)
    assert.ok(count >= 3)
    const before = await verifyDeep(folder)
    assert.equal(before.damaged, true)
    const { lost } = await repair(folder)
    assert.deepEqual(lost, [])
    const after = await verifyDeep(folder)
    assert.deepEqual(codesOf(after.findings), ['path-new', 'path-new'])
    await folder.with(system => {
      assert.equal([...system.recordChanges(3)].length, 3)
      assert.equal(system.entry('many/n1', { at: system.resolve('#2') })?.size, 1)
    }, 'read')
  })
}

test('an object whose pack is gone comes from the disk, too', async context => {
  const folder = await makeFolder(context, { a: noise(2 << 20, 1), b: 'b' })
  const [first] = filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.pack'))
  for (const name of filesBelow(folder.at('.tree/packs'))) {
    if (name !== first && name.endsWith('.pack')) rmSync(folder.at(`.tree/packs/${name}`))
  }
  assert.equal((await verifyDeep(folder)).damaged, true)
  assert.deepEqual((await repair(folder)).lost, [])
  assertClean(await verifyDeep(folder))
})

test('a pack that lost its end is mended', async context => {
  const folder = await makeFolder(context, { a: 'a', b: noise(3000, 1) })
  await folder.with(system => put(system, 'c', 'c'))
  const pack = folder.at(`.tree/packs/${filesBelow(folder.at('.tree/packs')).find(name => name.endsWith('.pack'))}`)
  truncateSync(pack, readFileSync(pack).length - 500)
  assert.deepEqual((await repair(folder)).lost, [])
  assertClean(await verifyDeep(folder))
})

test('one changed byte anywhere in a segment is put right, also in its last record, and nothing else is changed', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(async system => {
    await put(system, 'a', 'b')
    await run(system.snapshotCreate({ name: 'kept' }))
    await put(system, 'c', 'd')
  })
  const name = `.runtime/journal/${filesBelow(folder.at('.runtime/journal'))[0]}`
  const good = folder.read(name)
  let shut = 0
  for (let i = 0; i < 26; i++) {
    const at = i < 2 ? i * 9 : i === 25 ? good.length - 1 : Math.floor((i * good.length) / 25)
    flip(folder.at(name), at, 1 + ((i * 37) % 255))
    await folder.with(async system => {
      if (system.access === 'read') shut++
      const { restored, lost } = await run(system.repair())
      assert.deepEqual(lost, [], `byte ${at}`)
      assert.ok(restored.length > 0, `byte ${at}`)
    })
    assert.ok(folder.read(name).equals(good), `byte ${at}`)
  }
  assert.ok(shut > 0)
  assert.ok(filesBelow(folder.at('.runtime/torn')).length >= 26)
  assertClean(await verifyDeep(folder))
  await folder.with(async system => {
    assert.deepEqual(
      system.snapshots().map(snapshot => snapshot.name),
      [system.snapshots()[0]?.name, 'kept'],
    )
    await put(system, 'a', 'after')
  })
  assertClean(await verifyDeep(folder))
})

test('a record that can not be read is lost: named, known, and the journal goes on', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(async system => {
    for (let i = 0; i < 4; i++) await put(system, 'a', `${i}`)
  })
  const name = `.runtime/journal/${filesBelow(folder.at('.runtime/journal'))[0]}`
  const frames: number[] = []
  const bytes = folder.read(name)
  const marker = Buffer.from(markers.frame, 'hex')
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) frames.push(at)
  for (const changed of [60, 90]) flip(folder.at(name), (frames[4] as number) + changed)

  const found = await folder.with(system => run(system.verify()))
  assert.deepEqual(
    found.findings.map(finding => [finding.code, finding.seq]),
    [['record-damaged', 4]],
  )
  const { restored, lost } = await repair(folder)
  assert.deepEqual(restored, [])
  assert.deepEqual(
    lost.map(finding => [finding.code, finding.seq]),
    [['record-damaged', 4]],
  )
  await folder.with(system => put(system, 'a', 'after'))
  const report = await folder.with(async system => {
    assert.equal(system.checkpoint()?.size, system.now().records)
    return await run(system.verify({ deep: true }))
  })
  assert.equal(report.damaged, false)
  assert.deepEqual(
    report.findings.map(finding => [finding.code, finding.severity, finding.seq]),
    [['record-damaged', 'note', 4]],
  )
  assert.deepEqual((await repair(folder)).lost, [])
})

test('a journal whose end is damaged stays as it is, and is said to be lost', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(system => put(system, 'a', 'b'))
  const name = `.runtime/journal/${filesBelow(folder.at('.runtime/journal'))[0]}`
  const { length } = folder.read(name)
  for (const back of [40, 90]) flip(folder.at(name), length - back)
  const bytes = folder.read(name)
  const { lost, restored, rebuilt } = await repair(folder)
  assert.deepEqual([restored, rebuilt], [[], []])
  assert.deepEqual(codesOf(lost), ['record-damaged'])
  assert.ok(folder.read(name).equals(bytes))
  await folder.with(async system => {
    assert.equal(system.access, 'read')
    await assert.rejects(put(system, 'a', 'c'), { code: 'READ_ONLY' })
  })
})

test('a checkpoint that nobody signed is set aside, and a new one is signed', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  flip(folder.at('.runtime/checkpoint'), 200)
  const bad = folder.read('.runtime/checkpoint')
  assert.deepEqual((await repair(folder)).lost, [])
  const aside = readdirSync(folder.at('.runtime/torn')).find(name => name.endsWith('checkpoint'))
  assert.ok(folder.read(`.runtime/torn/${aside}`).equals(bad))
  await folder.with(system => put(system, 'a', 'b'))
  await folder.with(system => assert.equal(system.checkpoint()?.size, system.now().records))
  assertClean(await verifyDeep(folder))
})

test('tiles, marks, recycle.lock and indexes are made anew', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(async system => {
    for (let i = 0; i < tileHashes; i++) await run(system.snapshotLabel(system.snapshots()[0]?.name ?? '', `${i}`))
  })
  const tile = folder.read('.runtime/tile/0/000')
  const indexes = filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.idx'))
  const whole = await folder.with(system => run(system.verify()), 'read')
  assertClean(whole)
  assert.equal(whole.checks.find(check => check.name === 'tiles')?.checked, 1)
  flip(folder.at('.runtime/tile/0/000'), 77)
  flip(folder.at('.runtime/marks'), 20)
  flip(folder.at('recycle.lock'), 40)
  flip(folder.at(`.tree/packs/${indexes[0]}`), 1200)
  const found = codesOf((await verifyDeep(folder)).findings)
  assert.deepEqual(found.sort(), ['index-damaged', 'marks-damaged', 'snapshot-list-damaged', 'tile-damaged'])
  const { rebuilt, lost } = await repair(folder)
  assert.deepEqual(lost, [])
  for (const name of ['.runtime/tile/0/000', `.tree/packs/${indexes[0]}`]) assert.ok(rebuilt.includes(name), name)
  assert.ok(folder.read('.runtime/tile/0/000').equals(tile))
  assertClean(await verifyDeep(folder))
})

test('repair of a whole folder records nothing and loses nothing', async context => {
  const folder = await makeFolder(context, { a: 'a', b: 'b' })
  const records = (await actionsOf(folder)).length
  const { restored, lost } = await repair(folder)
  assert.deepEqual([restored, lost], [[], []])
  assert.equal((await actionsOf(folder)).length, records)
  assertClean(await verifyDeep(folder))
})

test('damaged settings neither keep the folder shut nor stay damaged', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const text = folder.read('sentient.yaml')
  const id = await folder.with(system => system.settings().text, 'read')
  assert.equal(id, text.toString())
  const packs = filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.pack'))
  const marker = Buffer.from(markers.packEntry, 'hex')
  const bytes = folder.read(`.tree/packs/${packs[0]}`)
  const first = bytes.indexOf(marker)
  flip(folder.at(`.tree/packs/${packs[0]}`), first + 56 + 30)
  writeFileSync(folder.at('sentient.yaml'), text)
  await folder.with(async system => {
    assert.ok(system.notices.some(notice => notice.code === 'settings'))
    await put(system, 'b', 'b')
  })
  assert.deepEqual((await repair(folder)).lost, [])
  await folder.with(system => assert.deepEqual(system.notices, []))
  assertClean(await verifyDeep(folder))
})
