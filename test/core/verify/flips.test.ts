// One changed byte anywhere in what a folder can not do without is found, and crashes nothing; and repair brings back
// whatever the disk or the history still tells.

import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { openSystem } from '../../../src/core/system.ts'
import { isMine, isShared, thoroughness, tried } from '../../support/thorough.ts'
import { refused } from '../timeline/support.ts'
import { codesOf, type Folder, filesBelow, flip, makeFolder, noise, put, run } from './fixtures.ts'

/** Verification waits a moment before its second look; a test has nobody to wait for. */
const impatient = (folder: Folder) => ({
  ...folder.host,
  clock: { ...folder.host.clock, sleep: () => Promise.resolve() },
})

async function outcomeOf(folder: Folder): Promise<string> {
  try {
    const system = await openSystem(impatient(folder), { rootPath: folder.path, access: 'read' })
    try {
      const report = await run(system.verify({ deep: true }))
      return report.damaged ? 'damage' : codesOf(report.findings).join()
    } finally {
      await system.close()
    }
  } catch (error) {
    if (!isSentientError(error)) throw error
    return error.code
  }
}

/** Positions spread over a file, always its first and last bytes; in a thorough run every one. */
function positions(size: number, count: number): number[] {
  const most = count * thoroughness
  const spread = Array.from({ length: Math.min(size, most) }, (_, i, all = Math.min(size, most)) =>
    Math.floor(((i + 0.5) * size) / all),
  )
  return [...new Set([0, 1, ...spread, size - 2, size - 1])].filter(at => at >= 0 && at < size && isMine(at))
}

/** One bit of a byte, another one at each position; eight runs with seeds in a row reach each. */
const firstBit = Number(process.env.SENTIENT_TEST_SEED ?? 0)
const bitAt = (at: number): number => (firstBit + at + (at >> 3)) % 8

const truthFolders = ['.auth', '.runtime/journal', '.tree/packs']
const truthFiles = ['.runtime/checkpoint', '.runtime/format', '.runtime/marks']

function truth(folder: Folder): string[] {
  const below = truthFolders.flatMap(name => filesBelow(folder.at(name)).map(file => `${name}/${file}`))
  return [...below.filter(name => !name.endsWith('.idx')), ...truthFiles]
}

const tornIn = (folder: Folder): string[] =>
  existsSync(folder.at('.runtime/torn')) ? filesBelow(folder.at('.runtime/torn')) : []

/** A writer takes nothing of it for what a write cut short left behind. */
async function assertNothingCut(folder: Folder, what: string): Promise<void> {
  const sizes = () =>
    filesBelow(folder.at('.runtime/journal')).map(name => folder.read(`.runtime/journal/${name}`).length)
  const before = sizes()
  try {
    await (await openSystem(impatient(folder), { rootPath: folder.path, access: 'write' })).close()
  } catch (error) {
    if (!isSentientError(error)) throw error
  }
  assert.deepEqual(tornIn(folder), [], what)
  const after = sizes()
  assert.ok(
    before.every((size, i) => (after[i] ?? 0) >= size),
    `${what}: the journal is shorter now`,
  )
}

test('a changed bit in any file of truth is found', async context => {
  const folder = await makeFolder(context, { 'etc/fstab': noise(500, 3), 'etc/hosts': 'x'.repeat(300), 'a/b/c': 'c' })
  await folder.with(system => put(system, 'etc/new', 'hello'))
  const whole: Folder = { ...folder, path: `${folder.path}-whole` }
  cpSync(folder.path, whole.path, { recursive: true, preserveTimestamps: true })
  const putBack = () => {
    rmSync(folder.path, { recursive: true })
    cpSync(whole.path, folder.path, { recursive: true, preserveTimestamps: true })
  }
  const tally = new Map<string, number>()
  for (const name of truth(folder)) {
    const good = folder.read(name)
    for (const at of positions(good.length, 24)) {
      const bit = bitAt(at)
      const bad = Buffer.from(good)
      bad[at] = (bad[at] as number) ^ (1 << bit)
      writeFileSync(folder.at(name), bad)
      const what = `bit ${bit} of byte ${at} of ${name}`
      const outcome = await outcomeOf(folder)
      assert.notEqual(outcome, '', what)
      // Only what a write cut short may leave behind is not called damage.
      const mayBeNote = name === '.runtime/marks'
      if (!mayBeNote) assert.match(outcome, /^(?:damage|DAMAGED|KEY|FORMAT_UNKNOWN)$/, what)
      if (name.startsWith('.runtime/') && (!mayBeNote || at % 64 < 2)) {
        await assertNothingCut(folder, what)
        putBack()
      }
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
      tried('flipped bits')
    }
    writeFileSync(folder.at(name), good)
  }
  assert.equal(await outcomeOf(folder), '')
  assert.ok(isShared || (tally.get('damage') ?? 0) > 80)
})

test('a changed bit in what the device remembers of the folder is found', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(system => put(system, 'b', 'hello'))
  const state = join(dirname(folder.path), 'state')
  const [name = ''] = readdirSync(state)
  const good = readFileSync(join(state, name))
  assert.match(name, /\.binding$/)
  for (const at of positions(good.length, 24)) {
    const bit = bitAt(at)
    const bad = Buffer.from(good)
    bad[at] = (bad[at] as number) ^ (1 << bit)
    writeFileSync(join(state, name), bad)
    const what = `bit ${bit} of byte ${at} of the binding`
    assert.notEqual(await outcomeOf(folder), '', what)
    await refused(
      folder.with(system => put(system, 'b', 'never')),
      'COPY',
    )
    tried('flipped bits')
  }
  writeFileSync(join(state, name), good)
  await folder.with(system => put(system, 'b', 'again'))
})

test('a changed byte anywhere in a pack is mended while the disk or the history tells what it was', async context => {
  // What is removed below has its content in another file, too.
  const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`many/n${i}`, `${i % 40}`]))
  const folder = await makeFolder(context, { 'etc/fstab': noise(500, 3), 'a/b/c': 'c', ...many })
  await folder.with(async system => {
    await put(system, 'etc/new', 'hello')
    await run(system.setMode(['etc/fstab', 'a/b/c'], () => 0o600))
    await run(system.remove(['many/n1', 'many/n2']))
    await run(system.snapshotCreate())
  })
  const copy: Folder = { ...folder, path: `${folder.path}-copy`, at: name => `${folder.path}-copy/${name}` }
  const packs = filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.pack'))
  assert.ok(packs.length > 0)
  for (const pack of packs) {
    for (const at of positions(folder.read(`.tree/packs/${pack}`).length, 14)) {
      rmSync(copy.path, { recursive: true, force: true })
      cpSync(folder.path, copy.path, { recursive: true, preserveTimestamps: true })
      flip(copy.at(`.tree/packs/${pack}`), at)
      // On a device that remembers nothing, a copy is as good as what it was made of.
      const host = { ...impatient(folder), stateDirectory: undefined }
      const system = await openSystem(host, { rootPath: copy.path, access: 'write' })
      const { restored, lost } = await run(system.repair())
      await system.close()
      assert.deepEqual(lost, [], `byte ${at} of ${pack}`)
      assert.ok(restored.length > 0, `byte ${at} of ${pack}`)
      assert.equal(await outcomeOf(copy), '', `byte ${at} of ${pack}`)
      tried('damaged bytes mended')
    }
  }
})
