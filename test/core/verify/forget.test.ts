// `forget`: what has to be gone is in no file any more, what was proven stays proven, what is shared stays and is named,
// and nothing brings it back.

import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import { blake3 } from '../../../src/core/format/hash.ts'
import { entryHeaderBytes } from '../../../src/core/format/pack.ts'
import type { System } from '../../../src/core/system.ts'
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
import { checkInclusion, dropBody } from './forgetFixtures.ts'

const remove = (system: System, ...paths: string[]) => run(system.remove(paths, { recursive: true }))
const forget = (folder: Folder, ...paths: string[]) => folder.with(system => run(system.forget(paths)))

const marker = Buffer.from('f5534e544f424a0a', 'hex')

/** Every byte of a file, and every payload in it that can be unpacked. */
function* layersOf(bytes: Buffer): Generator<Buffer> {
  yield bytes
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) {
    const stored = bytes.readUInt32LE(at + marker.length)
    const payload = bytes.subarray(at + entryHeaderBytes, at + entryHeaderBytes + stored)
    try {
      yield zstdDecompressSync(payload)
    } catch {
      // It lies there as it is.
    }
  }
}

/** The files of the root folder that hold any of these bytes, packed or not. */
function holding(folder: Folder, wanted: Buffer): string[] {
  return regularFiles(folder.path).filter(name => {
    for (const layer of layersOf(readFileSync(join(folder.path, name)))) if (layer.includes(wanted)) return true
    return false
  })
}

/** As `filesBelow`, which follows symlinks. */
const regularFiles = (path: string, prefix = ''): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap(item => {
    if (item.isDirectory()) return regularFiles(join(path, item.name), `${prefix}${item.name}/`)
    return item.isFile() ? [`${prefix}${item.name}`] : []
  })

function contentAt(system: System, path: string, state: string): Buffer {
  const file = system.openFile(path, system.resolve(state))
  const bytes = Buffer.alloc(file?.size ?? 0)
  for (let got = 0; got < bytes.length; ) got += file?.read(bytes, got, bytes.length - got, got) || bytes.length
  return bytes
}

/** A text that zstd packs. */
const secretText = (n: number): Buffer => Buffer.from(`the secret number ${n} is `.repeat(20) + n)

test('contents are gone from every file, byte for byte and unpacked, and every proof holds', async context => {
  const big = noise(3 << 20, 7)
  const folder = await makeFolder(context, { kept: 'kept', 'dir/other': 'other', 'dir/secret': secretText(0) })
  symlinkSync('where/the/secret/lies', folder.at('dir/link'))
  await folder.with(async system => {
    for (let i = 1; i < 4; i++) await put(system, 'dir/secret', secretText(i))
    await put(system, 'dir/big', big)
    await run(system.absorb(['dir/link']))
    await run(system.snapshotCreate({ name: 'before' }))
    folder.write('dir/secret', secretText(4))
    // Overwritten on disk: kept as a snapshot of what was in the way.
    await put(system, 'dir/secret', secretText(5))
  })
  const wanted = [
    ...[0, 1, 2, 3, 4, 5].map(secretText),
    big.subarray(0, 64),
    big.subarray(-64),
    Buffer.from('where/the/secret/lies'),
  ]
  for (const bytes of wanted) assert.ok(holding(folder, bytes).length > 0, bytes.toString('latin1', 0, 30))
  const proofs = await folder.with(async system => {
    await remove(system, 'dir/secret', 'dir/big', 'dir/link')
    await put(system, 'kept', 'kept 2')
    const { records } = system.now()
    return Promise.all(Array.from({ length: records }, (_, seq) => system.inclusion(seq)))
  })
  const preview = await folder.with(system =>
    run(system.forget(['dir/secret', 'dir/big', 'dir/link'], { dryRun: true })),
  )
  assert.equal(preview.seq, undefined)
  const report = await forget(folder, 'dir/secret', 'dir/big', 'dir/link')
  assert.deepEqual({ ...report, seq: undefined }, preview)
  assert.ok(report.objects >= 6 + 4 && report.bytes > 3 << 20, JSON.stringify(report))
  // Five times put, and what put and absorb the others; the removal of all three is a list with others' names in it.
  assert.ok(report.records >= 6, `${report.records}`)
  assert.deepEqual(report.shared, [])
  for (const bytes of wanted) assert.deepEqual(holding(folder, bytes), [], bytes.toString('latin1', 0, 30))
  assertClean(await verifyDeep(folder))
  await folder.with(async system => {
    const key = system.verifierKey()
    for (const [seq, proof] of proofs.entries()) checkInclusion(proof, key, seq)
    for (let seq = 0; seq < system.now().records; seq++) checkInclusion(await system.inclusion(seq), key, seq)
    assert.equal(contentAt(system, 'dir/other', 'before').toString(), 'other')
    for (const path of ['dir/secret', 'dir/big', 'dir/link'])
      assert.throws(() => contentAt(system, path, 'before'), { code: 'FORGOTTEN' }, path)
  })
})

test('what other paths have too stays and is named, chunk by chunk', async context => {
  const big = noise(3 << 20, 11)
  const changed = Buffer.concat([big.subarray(0, 2 << 20), noise(1 << 20, 12)])
  const folder = await makeFolder(context, { same: 'shared text', near: changed })
  await folder.with(async system => {
    await put(system, 'a/twin', 'shared text')
    await put(system, 'a/big', big)
    await put(system, 'a/own', 'own text')
    await run(system.snapshotCreate({ name: 'had' }))
    await remove(system, 'a')
  })
  const report = await forget(folder, 'a')
  const named = report.shared.map(one => `${one.path} ${one.with}`).sort()
  assert.deepEqual(named, ['a/big near', 'a/twin same'])
  assert.ok(report.sharedBytes > 1 << 20 && report.bytes > 500_000, JSON.stringify(report))
  assert.deepEqual(holding(folder, big.subarray(-64)), [])
  assert.deepEqual(holding(folder, Buffer.from('own text')), [])
  assertClean(await verifyDeep(folder))
  await folder.with(system => {
    assert.equal(contentAt(system, 'same', 'had').toString(), 'shared text')
    assert.deepEqual(contentAt(system, 'near', 'had'), changed)
    // The content has a name of its own: whoever has it elsewhere has it here.
    assert.equal(contentAt(system, 'a/twin', 'had').toString(), 'shared text')
  })
})

test('another process sees what became of segments and packs that it had open', async context => {
  const folder = await makeFolder(context, { secret: secretText(1), other: 'other' })
  const removed = await folder.with(system => remove(system, 'secret'))
  await folder.with(async reader => {
    const seqs = Array.from(reader.records({})).map(({ seq }) => seq)
    assert.deepEqual(contentAt(reader, 'secret', '#1'), secretText(1))
    await forget(folder, 'secret')
    reader.refresh()
    for (const seq of seqs) assert.equal(reader.record(seq).forgotten, seq === removed.seq, `#${seq}`)
    assert.throws(() => contentAt(reader, 'secret', '#1'), { code: 'FORGOTTEN' })
    assert.equal(contentAt(reader, 'other', '#1').toString(), 'other')
    assert.deepEqual((await run(reader.verify({ deep: true }))).findings, [])
  }, 'read')
})

test('many bodies and objects go at once, and verify tells how many went', async context => {
  const folder = await makeFolder(context, {})
  await folder.with(async system => {
    for (let i = 0; i < 40; i++) await put(system, 'dir/many', `version ${i} of it`)
    for (let i = 0; i < 40; i++) folder.write(`dir/sub/f${i}`, `file ${i}`)
    await run(system.absorb(['dir']))
    await remove(system, 'dir')
    const report = await run(system.forget(['dir']))
    assert.equal(report.objects, 80)
    const summary = system.record(report.seq ?? 0).summary
    assert.match(summary, /^forgot 80 objects and the bodies of \d+ records$/)
  })
  const report = await verifyDeep(folder)
  assertClean(report)
  assert.equal(report.checks.find(({ name }) => name === 'forgotten')?.checked, 80)
})

test('contents that are the settings too stay', async context => {
  const folder = await makeFolder(context, { other: 'other' })
  await folder.with(async system => {
    await put(system, 'copy', system.settings().text)
    await remove(system, 'copy')
    const report = await run(system.forget(['copy']))
    assert.deepEqual([report.objects, report.shared.map(one => one.with)], [0, ['sentient.yaml']])
  })
  assertClean(await verifyDeep(folder))
})

test('refused while it is there, recorded or not, and where nothing knows it', async context => {
  const folder = await makeFolder(context, { file: 'text', 'dir/file': 'text 2' })
  await folder.with(async system => {
    const { records } = system.now()
    for (const path of ['file', 'dir', 'dir/file'])
      await assert.rejects(run(system.forget([path])), { code: 'PATH_EXISTS' }, path)
    await assert.rejects(run(system.forget(['never'])), { code: 'PATH_NOT_FOUND' })
    await remove(system, 'file')
    folder.write('file', 'again')
    await assert.rejects(run(system.forget(['file'])), { code: 'PATH_EXISTS' })
    assert.equal(system.now().records, records + 1)
    rmSync(folder.at('file'))
    const report = await run(system.forget(['file']))
    assert.equal(report.seq, records + 1)
    // A second time there is nothing left to do.
    const again = await run(system.forget(['file']))
    assert.deepEqual([again.seq, again.objects, again.records], [undefined, 0, 0])
  })
  assertClean(await verifyDeep(folder))
})

test('rollback, restore and undo leave out what was forgotten, say so and go on with the rest', async context => {
  const folder = await makeFolder(context, { 'dir/secret': secretText(1), 'dir/other': 'other', top: 'top' })
  await folder.with(async system => {
    await run(system.snapshotCreate({ name: 'old' }))
    const { seq } = await remove(system, 'dir')
    await put(system, 'top', 'new top')
    await run(system.forget(['dir/secret']))
    await assert.rejects(run(system.restore(['dir/secret'], system.resolve('old'))), { code: 'FORGOTTEN' })
    const undone = await run(system.undo({ seq }))
    assert.ok(
      undone.notices.some(({ code }) => code === 'forgotten'),
      JSON.stringify(undone.notices),
    )
    assert.equal(folder.read('dir/other').toString(), 'other')
    await remove(system, 'dir')
    const restored = await run(system.restore(['dir'], system.resolve('old')))
    assert.ok(restored.notices.some(({ code, text }) => code === 'forgotten' && text.includes('dir/secret')))
    await remove(system, 'dir')
    const rolled = await run(system.rollback(system.resolve('old')))
    assert.ok(rolled.notices.some(({ code }) => code === 'forgotten'))
    assert.equal(folder.read('dir/other').toString(), 'other')
    assert.equal(folder.read('top').toString(), 'top')
    assert.equal(existsSync(folder.at('dir/secret')), false)
    assert.throws(() => system.fileDiff('dir/secret', system.resolve('old'), 'disk'), { code: 'FORGOTTEN' })
    // Written again it is there again, in the old states too: contents are named by what they are.
    await put(system, 'dir/secret', secretText(1))
    assert.deepEqual(contentAt(system, 'dir/secret', 'old'), secretText(1))
  })
  assertClean(await verifyDeep(folder))
})

test('nothing brings it back: what was put aside goes too, gc and repair go on, other segments stay as they are', async context => {
  const folder = await makeFolder(context, { secret: secretText(1), other: 'other' })
  await folder.with(async system => {
    for (let i = 0; i < 3; i++) await put(system, 'other', `other ${i}`)
    await remove(system, 'secret')
  })
  for (const torn of ['.tree/torn', '.runtime/torn', '.tree/dead']) {
    mkdirSync(folder.at(torn), { recursive: true })
    writeFileSync(folder.at(`${torn}/whatever`), secretText(1))
  }
  for (const name of filesBelow(folder.at('.tree/packs')).filter(file => file.endsWith('.pack')))
    copyFileSync(folder.at(`.tree/packs/${name}`), folder.at(`.tree/dead/0000000000000001-${name}`))
  const report = await forget(folder, 'secret')
  assert.ok(report.putAside.files >= 4, JSON.stringify(report.putAside))
  assert.deepEqual(holding(folder, secretText(1)), [])
  const [first = '', ...rest] = filesBelow(folder.at('.runtime/journal')).sort()
  assert.equal(rest.length, 1)
  assert.ok(folder.read(`.runtime/journal/${first}`).length > segmentHeaderBytes)
  await folder.with(async system => {
    assert.deepEqual((await run(system.repair())).lost, [])
    await run(system.gc())
    assert.deepEqual((await run(system.repair())).lost, [])
    const log = Array.from(system.records({}))
    assert.ok(log.some(record => record.forgotten))
  })
  assert.deepEqual(holding(folder, secretText(1)), [])
  assertClean(await verifyDeep(folder))
})

test('a missing object or body that no record lists is damage', async context => {
  const folder = await makeFolder(context, { secret: secretText(1), other: secretText(2) })
  await folder.with(async system => {
    await put(system, 'third', 'third')
    await remove(system, 'secret')
  })
  await forget(folder, 'secret')
  assertClean(await verifyDeep(folder))
  const [first = ''] = filesBelow(folder.at('.runtime/journal')).sort()
  const segment = folder.at(`.runtime/journal/${first}`)
  const whole = readFileSync(segment)
  dropBody(segment, 2)
  const report = await verifyDeep(folder)
  assert.ok(report.damaged)
  assert.ok(codesOf(report.findings).includes('body-missing'), JSON.stringify(report.findings))
  writeFileSync(segment, whole)
  assertClean(await verifyDeep(folder))
  const { name, offset } = locate(folder, '.tree/packs', blake3(secretText(2)))
  flip(folder.at(name), offset + 3)
  assert.ok((await verifyDeep(folder)).damaged)
})
