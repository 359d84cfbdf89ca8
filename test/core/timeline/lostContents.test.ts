// Contents that no copy is left of: who asks for many paths gets the rest of them, and is told which stayed; who asks
// for that one is refused. The record says what was done.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import type { System } from '../../../src/core/system.ts'
import { assertClean, type Folder, flip, locate, makeFolder, noise, put, run, verifyDeep } from '../verify/fixtures.ts'

const count = 24
const name = (index: number): string => `d/f${String(index).padStart(2, '0')}`
const old = (index: number): Buffer => noise(700 + index, index + 1)
const lostPath = name(7)

/** Files of which the history has an older content each; that of one of them is damaged beyond mending. */
async function makeScene(context: TestContext): Promise<Folder> {
  const files = Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), old(index)]))
  const folder = await makeFolder(context, { ...files, keep: 'keep\n' })
  await folder.with(async system => {
    await run(system.snapshotCreate({ name: 'first' }))
    for (let index = 0; index < count; index++) await put(system, name(index), `new ${index}\n`)
  })
  lose(folder, old(7))
  return folder
}

/** Damages the stored content; what comes back puts it right again. */
function lose(folder: Folder, content: Uint8Array): () => void {
  const place = locate(folder, '.tree/packs', content)
  const turn = (): void => {
    flip(folder.at(place.name), place.offset + 3)
    flip(folder.at(place.name), place.offset + content.length - 2)
  }
  turn()
  return turn
}

function assertAllButOne(folder: Folder): void {
  for (let index = 0; index < count; index++) {
    const wanted = index === 7 ? Buffer.from('new 7\n') : old(index)
    assert.ok(folder.read(name(index)).equals(wanted), name(index))
  }
}

/** The disk is what the last record says, and each record is what its states say. */
async function assertTrue(folder: Folder): Promise<void> {
  const { findings } = await verifyDeep(folder)
  assert.deepEqual(
    findings.filter(({ code }) => code !== 'pack-entry-damaged'),
    [],
  )
}

const size = (system: System): number => system.now().records
const isLoss = { code: 'DAMAGED' }

describe('contents that no copy is left of', () => {
  it('rollback brings the rest back, says which stayed, and its preview says so before', async context => {
    const folder = await makeScene(context)
    await folder.with(async system => {
      const preview = await run(system.rollbackPreview(system.resolve('first')))
      assert.deepEqual(preview.lost, [lostPath])
      assert.equal(preview.counts.changed, count - 1)
      assert.ok(!preview.changes.some(({ path }) => path === lostPath))
      const result = await run(system.rollback(system.resolve('first')))
      assert.deepEqual(result.lost, [lostPath])
      assert.equal(result.changedCount, count - 1)
      const [notice] = result.notices.filter(({ code }) => code === 'lost')
      assert.match(notice?.text ?? '', /1 path was left out.*d\/f07/)
      assert.ok([...system.recordChanges(result.seq)].every(({ path }) => path !== lostPath))
      assert.deepEqual((await run(system.status())).changes, [])
    })
    assertAllButOne(folder)
    await assertTrue(folder)
  })

  it('restore of a directory, and of several paths, does the rest; that of the one path is refused', async context => {
    const folder = await makeScene(context)
    await folder.with(async system => {
      const before = size(system)
      const first = system.resolve('first')
      await assert.rejects(run(system.restore([lostPath], first)), isLoss)
      await assert.rejects(run(system.restore([lostPath], first, { as: 'other' })), isLoss)
      assert.equal(size(system), before)
      const several = await run(system.restore([name(1), lostPath], first))
      assert.deepEqual([several.lost, several.changed], [[lostPath], [name(1)]])
      const beside = await run(system.restore(['d'], first, { as: 'e' }))
      assert.deepEqual([beside.lost, beside.changedCount], [['e/f07'], count])
      const all = await run(system.restore(['d'], first))
      assert.deepEqual([all.lost, all.changedCount], [[lostPath], count - 2])
    })
    assertAllButOne(folder)
    assert.equal(readdirSync(folder.at('e')).length, count - 1)
    await assertTrue(folder)
  })

  it('undo does the rest, and all of it once the content is there again; that of one path is refused', async context => {
    const folder = await makeScene(context)
    await folder.with(async system => {
      await assert.rejects(run(system.undo({ seq: size(system) - count + 7 })), isLoss)
      const { seq } = await run(system.remove(['d'], { recursive: true }))
      const mend = lose(folder, Buffer.from('new 3\n'))
      const undone = await run(system.undo())
      assert.deepEqual([undone.lost, undone.changedCount], [[name(3)], count])
      assert.equal(system.record(undone.seq).cause, seq)
      assert.deepEqual(readdirSync(folder.at('d')).length, count - 1)
      await run(system.redo())
      assert.deepEqual(readdirSync(folder.path).includes('d'), false)
      mend()
      const whole = await run(system.undo())
      assert.deepEqual([whole.lost, whole.changedCount], [undefined, count + 1])
      assert.equal(folder.read(name(3)).toString(), 'new 3\n')
    })
    await assertTrue(folder)
  })

  it('what stands in the place of a lost file stays, with all that is in it', async context => {
    const folder = await makeFolder(context, { x: noise(900, 1), y: 'y\n' })
    await folder.with(async system => {
      await run(system.snapshotCreate({ name: 'first' }))
      await run(system.remove(['x', 'y']))
      await put(system, 'x/child', 'child\n')
      lose(folder, noise(900, 1))
      const result = await run(system.rollback(system.resolve('first')))
      assert.deepEqual([result.lost, result.changed], [['x'], ['y']])
      assert.equal(folder.read('x/child').toString(), 'child\n')
    })
    await assertTrue(folder)
  })

  it('a path at which the disk has the last copy stays', async context => {
    const content = noise(900, 1)
    const folder = await makeFolder(context, { m: content, y: 'y\n' })
    await folder.with(async system => {
      await run(system.snapshotCreate({ name: 'first' }))
      await run(system.move(['m'], 'n'))
      await put(system, 'y', 'z\n')
      lose(folder, content)
      const before = size(system)
      await assert.rejects(run(system.undo({ seq: before - 2 })), isLoss)
      assert.equal(size(system), before)
      const preview = await run(system.rollbackPreview(system.resolve('first')))
      assert.deepEqual([preview.lost, preview.counts], [['m', 'n'], { created: 0, changed: 1, deleted: 0 }])
      const result = await run(system.rollback(system.resolve('first')))
      assert.deepEqual([result.lost, result.changed], [['m', 'n'], ['y']])
      assert.ok(folder.read('n').equals(content))
      assert.deepEqual((await run(system.repair())).lost, [])
    })
    assertClean(await verifyDeep(folder))
  })

  it('a lost piece of a large content, and a content whose pack is gone', async context => {
    const large = noise(3_000_000, 9)
    const folder = await makeFolder(context, { large, small: 'small\n' })
    await folder.with(async system => {
      await run(system.snapshotCreate({ name: 'first' }))
      await put(system, 'large', 'new\n')
      await put(system, 'small', 'new\n')
      lose(folder, large.subarray(2_500_000, 2_500_200))
      assert.deepEqual((await run(system.rollbackPreview(system.resolve('first')))).lost, ['large'])
      const result = await run(system.rollback(system.resolve('first')))
      assert.deepEqual([result.lost, result.changed], [['large'], ['small']])
      // From now on it is known to be lost, and in no pack.
      await put(system, 'small', 'newer\n')
      assert.notDeepEqual((await run(system.repair())).lost, [])
      assert.deepEqual((await run(system.rollbackPreview(system.resolve('first')))).lost, ['large'])
      assert.deepEqual((await run(system.rollback(system.resolve('first')))).lost, ['large'])
      await assert.rejects(run(system.restore(['large'], system.resolve('first'))), { code: 'OBJECT_MISSING' })
    })
  })
})
