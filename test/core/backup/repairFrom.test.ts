// What is lost in a root folder comes back from a backup, and nothing else comes in: not what was forgotten, not what
// somebody put into the other copy.

import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createDiskHost } from '../../../src/core/host/disk.ts'
import { openSystem, type System } from '../../../src/core/system.ts'
import { createSeededRandomness } from '../../support/host.ts'
import { type Folder, filesBelow, makeFolder, noise, put, run } from '../verify/fixtures.ts'
import { assertSame, backUp, beside, contentsAt, leavesOf, withReceived } from './support.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const chance = createSeededRandomness(seed)
const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below

const first = '.runtime/journal/00000000000000000000.seg'

interface Scene {
  readonly folder: Folder
  readonly backup: string
  /** Puts everything back as it was, what the device remembers too, and opens from now on as a new process. */
  again(): Opener
}

type Opener = <T>(work: (system: System) => Promise<T> | T, access?: 'read' | 'write') => Promise<T>

async function makeScene(context: TestContext): Promise<Scene> {
  const files = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`d${i % 9}/f${i}`, noise(10 + i * 30, i)]))
  const folder = await makeFolder(context, { ...files, large: noise(2_000_000, 1) })
  await folder.with(async system => {
    for (let i = 0; i < 40; i++) await put(system, `d1/f${i}`, `turn ${i}\n`)
    await run(system.snapshotCreate({ name: 'kept' }))
    for (let i = 0; i < 20; i++) await put(system, 'd1/f1', noise(500, i))
    await run(system.remove(['d2'], { recursive: true }))
  })
  const backup = beside(folder, 'backup')
  await backUp(folder, backup)
  const saved = beside(folder, 'saved')
  cpSync(folder.path, join(saved, 'root'), { recursive: true })
  cpSync(beside(folder, 'state'), join(saved, 'state'), { recursive: true })
  return {
    folder,
    backup,
    again() {
      for (const [from, to] of [
        ['root/.runtime', folder.at('.runtime')],
        ['root/.tree', folder.at('.tree')],
        ['root/.auth', folder.at('.auth')],
        ['state', beside(folder, 'state')],
      ] as const) {
        rmSync(to, { recursive: true, force: true })
        cpSync(join(saved, from), to, { recursive: true })
      }
      rmSync(folder.at('.db'), { recursive: true, force: true })
      return async (work, access = 'write') => {
        const host = createDiskHost({ label: 'test', stateDirectoryPath: beside(folder, 'state') })
        const system = await openSystem(host, { rootPath: folder.path, access })
        try {
          return await work(system)
        } finally {
          await system.close()
        }
      }
    },
  }
}

/** The files on disk hold much of what is lost: without them only the backup can give it. */
function withoutFiles({ folder }: Scene): void {
  for (const name of readdirSync(folder.path))
    if (/^(?:d\d|large)/.test(name)) rmSync(folder.at(name), { recursive: true })
}

async function assertMended(scene: Scene, open: Opener, what: string): Promise<void> {
  const { lost } = await open(system => run(system.repair({ from: scene.backup })))
  assert.deepEqual(lost, [], what)
  await open(async system => {
    const { findings, damaged } = await run(system.verify({ deep: true }))
    assert.equal(damaged, false, what)
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
      what,
    )
    await withReceived(createDiskHost({ label: 'test' }), scene.backup, received => assertSame(system, received))
  }, 'read')
}

describe('repair --from brings back', () => {
  it('packs, segments and marks that are gone, cut, or full of noise', async context => {
    const scene = await makeScene(context)
    const { folder } = scene
    const gone = (...names: string[]): void => {
      for (const name of names) rmSync(folder.at(name), { recursive: true })
    }
    const noisy = (name: string): void => {
      const bytes = readFileSync(folder.at(name))
      for (let at = 100; at < bytes.length; at += 997) bytes[at]! ^= 0x55
      writeFileSync(folder.at(name), bytes)
    }
    const packs = readdirSync(folder.at('.tree/packs')).map(name => `.tree/packs/${name}`)
    const cases: Readonly<Record<string, () => void>> = {
      'all packs': () => gone('.tree/packs'),
      'one pack': () => gone(packs.find(name => name.endsWith('.pack'))!),
      'the journal': () => gone('.runtime/journal'),
      'the journal and the marks': () => gone('.runtime/journal', '.runtime/marks'),
      'the journal, the marks and the checkpoint': () =>
        gone('.runtime/journal', '.runtime/marks', '.runtime/checkpoint'),
      'the journal and all packs': () => gone('.runtime/journal', '.tree/packs'),
      'half of the segment': () => truncateSync(folder.at(first), readFileSync(folder.at(first)).length >> 1),
      'a stretch of the segment': () => {
        const bytes = readFileSync(folder.at(first))
        writeFileSync(folder.at(first), bytes.fill(0, 3_000, 9_000))
      },
      'the header of the segment': () => {
        const bytes = readFileSync(folder.at(first))
        writeFileSync(folder.at(first), bytes.fill(0, 0, 40))
      },
      'noise in everything': () => {
        noisy(first)
        for (const name of packs) noisy(name)
      },
    }
    withoutFiles(scene)
    for (const [what, damage] of Object.entries(cases)) {
      const open = scene.again()
      damage()
      await assertMended(scene, open, what)
    }
  })

  it(`whatever some flipped bytes broke (seed ${seed})`, async context => {
    const scene = await makeScene(context)
    withoutFiles(scene)
    for (let turn = 0; turn < 6; turn++) {
      const open = scene.again()
      const names = filesBelow(scene.folder.path).filter(name => /\.seg$|\.pack$|\.runtime\/marks$/.test(name))
      for (let i = 0; i < 8; i++) {
        const name = names[random(names.length)]!
        const bytes = readFileSync(scene.folder.at(name))
        const at = random(bytes.length)
        bytes[at]! ^= 1 + random(255)
        writeFileSync(scene.folder.at(name), bytes)
      }
      await assertMended(scene, open, `turn ${turn}`)
    }
  })

  it('does nothing to a folder that is sound, and goes on from it as before', async context => {
    const scene = await makeScene(context)
    const open = scene.again()
    const before = await open(leavesOf, 'read')
    const { restored, lost } = await open(system => run(system.repair({ from: scene.backup })))
    assert.deepEqual([restored, lost], [[], []])
    assert.deepEqual((await open(leavesOf, 'read')).slice(0, before.length), before)
    await open(system => put(system, 'd1/f1', 'goes on\n'))
  })
})

describe('repair --from lets nothing else in', () => {
  it('objects and records that were changed in the other copy', async context => {
    const scene = await makeScene(context)
    withoutFiles(scene)
    for (const name of filesBelow(scene.backup).filter(one => /\.seg$|\.pack$/.test(one))) {
      const bytes = readFileSync(join(scene.backup, name))
      for (let at = 200; at < bytes.length; at += 131) bytes[at]! ^= 0x21
      writeFileSync(join(scene.backup, name), bytes)
    }
    const open = scene.again()
    const before = await open(system => contentsAt(system, 'kept'), 'read')
    rmSync(scene.folder.at('.tree/packs'), { recursive: true })
    const { lost } = await open(system => run(system.repair({ from: scene.backup })))
    assert.ok(lost.length > 0)
    await open(system => {
      for (const { path, entry } of system.walkState(system.resolve('kept'))) {
        if (entry.kind !== 'file') continue
        assert.ok(before[path] !== undefined)
      }
    }, 'read').catch(error => assert.match(String(error.code), /OBJECT_MISSING|DAMAGED/))
  })

  it('another log', async context => {
    const scene = await makeScene(context)
    const other = await makeFolder(context, { x: 'other\n' })
    const open = scene.again()
    rmSync(scene.folder.at('.runtime/journal'), { recursive: true })
    const { lost } = await open(system => run(system.repair({ from: other.path })))
    assert.ok(lost.length > 0)
    assert.ok(!existsSync(scene.folder.at(first)) || readFileSync(scene.folder.at(first)).length <= 32)
  })

  it('what was forgotten since', async context => {
    const scene = await makeScene(context)
    const { folder, backup } = scene
    const open = scene.again()
    await open(system => put(system, 'secret', 'the secret of this folder, quite long enough\n'))
    await open(system => run(system.backup(backup)), 'read')
    await open(async system => {
      await run(system.remove(['secret']))
      await run(system.forget(['secret']))
      await run(system.snapshotCreate({ name: 'after' }))
    })
    const segments = readdirSync(folder.at('.runtime/journal'))
    assert.ok(segments.length > 1)
    // The newest segment, which lists what is forgotten, stays; all others and all packs come from before.
    rmSync(folder.at(first))
    rmSync(folder.at('.tree/packs'), { recursive: true })
    await open(system => run(system.repair({ from: backup })))
    for (const name of filesBelow(folder.path)) {
      if (/\.(?:seg|pack)$/.test(name)) assert.ok(!readFileSync(folder.at(name)).includes('the secret of this'), name)
    }
    assert.ok(readFileSync(folder.at(first)).length > 5_000)
  })
})
