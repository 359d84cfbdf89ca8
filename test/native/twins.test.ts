// Two verifiers that share no code look at the same folders, sound ones and ones that are damaged in many random
// places: what one finds, the other finds. A difference is a bug of one of the two.

import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type Folder, makeFolder, noise, put, run, typescriptAlone } from '../core/verify/fixtures.ts'
import { dice } from './mutations.ts'
import { damage } from './spoiling.ts'
import { askTwins, disagreementOf } from './verdicts.ts'

const runs = Number(process.env.SENTIENT_TWINS_RUNS ?? 150)
// Without wishes the same folders each time; SENTIENT_TWINS_RUNS plays others, from SENTIENT_TEST_SEED on.
const firstSeed = process.env.SENTIENT_TWINS_RUNS === undefined ? 1 : Number(process.env.SENTIENT_TEST_SEED ?? 1)

async function compare(folder: Folder, what: string): Promise<readonly string[]> {
  const verdict = await askTwins(folder)
  const disagreement = disagreementOf(verdict)
  assert.ok(disagreement === undefined, `${what}\n  ${disagreement}`)
  return verdict.native
}

/** A folder with a history of some breadth: many records, tiles, directories of branches, large files, a gc. */
async function grown(context: TestContext): Promise<Folder> {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`many/file-${i}`, `number ${i}\n`]))
  const folder = await makeFolder(
    context,
    { ...many, 'large/noise': noise(700_000, 5), 'a/b/c': 'deep\n' },
    typescriptAlone,
  )
  await folder.with(async system => {
    for (let i = 0; i < 300; i++) await put(system, `log/${i % 20}`, `entry ${i}\n`)
    await run(system.snapshotCreate({ name: 'middle', label: 'in the middle' }))
    await run(system.remove(['many'], { recursive: true }))
    await run(system.undo())
    await put(system, 'large/text', 'and on and on\n'.repeat(20_000))
  })
  await folder.with(async system => {
    for (const { name } of system.snapshots()) if (name !== 'middle') await run(system.snapshotRemove(name))
    await run(system.gc({}))
    await put(system, 'after/gc', 'still here\n')
  })
  return folder
}

describe('the two verifiers agree', () => {
  test('on a folder with a long history, sound and damaged', async context => {
    const folder = await grown(context)
    assert.deepEqual(await compare(folder, 'the sound folder'), [])
    const met = new Set<string>()
    const differences: string[] = []
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      const roll = dice(seed)
      const done = Array.from({ length: 1 + (roll(3) === 0 ? roll(3) : 0) }, () => damage(folder, roll))
      const what = `SENTIENT_TEST_SEED=${seed} SENTIENT_TWINS_RUNS=1: ${done.map(one => one.what).join(', ')}`
      try {
        for (const code of await compare(folder, what)) met.add(code.split(' ')[0] as string)
      } catch (error) {
        differences.push((error as Error).message)
      } finally {
        for (const { undo } of done.toReversed()) undo()
      }
    }
    assert.equal(differences.length, 0, differences.join('\n\n'))
    if (runs >= 150)
      for (const code of expectedCodes) assert.ok(met.has(code), `${code} was never met: ${[...met].join()}`)
    assert.deepEqual(await compare(folder, 'the sound folder again'), [])
  })
})

const expectedCodes = ['record-damaged', 'object', 'index-damaged', 'tile-damaged', 'trace-damaged', 'DAMAGED']
