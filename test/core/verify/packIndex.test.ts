// An index that is sound as a file and does not say what its pack holds: the pack counts. Reading finds what lies there,
// verify names the index alone, repair writes it anew. And what of a pack has to be sound where no mark says it.

import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { decodeIndexHeader, encodeIndex, type IndexEntry, indexEntries } from '../../../src/core/format/packIndex.ts'
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

const small = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`d/f${i}`, noise(300 + i, i)]))
const large = noise(2_500_000, 99)

/** The first pack is private and has an index. */
async function makeIndexed(context: TestContext): Promise<{ folder: Folder; index: string }> {
  const folder = await makeFolder(context, { ...small, large })
  const name = filesBelow(folder.at('.tree/packs')).find(file => file.endsWith('.idx'))
  assert.ok(name !== undefined)
  return { folder, index: folder.at(`.tree/packs/${name}`) }
}

const exchanged = (entries: IndexEntry[]): IndexEntry[] => {
  const [a, b] = [entries[3]!, entries[7]!]
  const at = (place: IndexEntry, id: IndexEntry): IndexEntry => ({ ...place, id: id.id })
  return entries.map(entry => (entry === a ? at(b, a) : entry === b ? at(a, b) : entry))
}

const wrong: Readonly<Record<string, (entries: IndexEntry[]) => IndexEntry[]>> = {
  'two places exchanged': exchanged,
  'all places shifted': entries => entries.map(entry => ({ ...entry, offset: entry.offset - 8 })),
  'an object left out': entries => entries.slice(0, -1),
  'nothing in it': () => [],
}

for (const [what, change] of Object.entries(wrong)) {
  test(`an index with ${what}: everything is read, the index is named, and mended`, async context => {
    const { folder, index } = await makeIndexed(context)
    const whole = readFileSync(index)
    const { packId, coveredBytes } = decodeIndexHeader(whole)
    writeFileSync(
      index,
      encodeIndex(packId, coveredBytes, change([...indexEntries(whole)].filter(({ offset }) => offset > 100))),
    )
    for (const deep of [false, true]) {
      const { findings } = await folder.with(system => run(system.verify({ deep })), 'read')
      assert.deepEqual([codesOf(findings)], [['index-damaged']], `deep ${deep}`)
    }
    const { restored, lost } = await folder.with(system => run(system.repair()))
    assert.deepEqual([codesOf(restored), lost], [['index-damaged'], []])
    assert.ok(readFileSync(index).equals(whole))
    assertClean(await verifyDeep(folder))
  })
}

test('what an index leads wrong to is brought back all the same', async context => {
  const { folder, index } = await makeIndexed(context)
  const whole = readFileSync(index)
  const { packId, coveredBytes } = decodeIndexHeader(whole)
  writeFileSync(index, encodeIndex(packId, coveredBytes, exchanged([...indexEntries(whole)])))
  await folder.with(async system => {
    await run(system.snapshotCreate({ name: 'first' }))
    await run(system.remove(['d', 'large'], { recursive: true }))
    const result = await run(system.rollback(system.resolve('first')))
    assert.equal(result.lost, undefined)
  })
  for (const [name, content] of Object.entries({ ...small, large })) assert.ok(folder.read(name).equals(content), name)
})

test('without marks, what lies in the shared pack is not called damaged', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  await folder.with(system => put(system, 'file', noise(500, 1)))
  const { name, offset } = locate(folder, '.tree/packs', noise(500, 1))
  await folder.with(system => put(system, 'file', 'more\n'))
  const shared = folder.at(name)
  appendFileSync(shared, noise(90, 2))
  const codes = async (): Promise<[string, string][]> =>
    (await verifyDeep(folder)).findings.map(({ code, severity }) => [code, severity])
  assert.deepEqual(await codes(), [['pack-tail-unfinished', 'note']])
  rmSync(folder.at('.runtime/marks'))
  assert.deepEqual(await codes(), [
    ['marks-damaged', 'damage'],
    ['pack-tail-unfinished', 'note'],
  ])
  // What something needs is missed wherever it lay.
  flip(shared, offset + 9)
  assert.deepEqual(
    (await codes()).filter(([, severity]) => severity === 'damage').map(([code]) => code),
    ['marks-damaged', 'object-damaged'],
  )
})
