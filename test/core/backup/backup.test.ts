// Backups: taken while others write and gc collects, killed and run again; only what is new is copied; another history
// in their place is evidence.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import { decodeEntryHeader, findEntryMarker } from '../../../src/core/format/pack.ts'
import { createDiskHost } from '../../../src/core/host/disk.ts'
import { openSystem, type System } from '../../../src/core/system.ts'
import { createSeededRandomness } from '../../support/host.ts'
import { refused } from '../timeline/support.ts'
import { type Files, type Folder, filesBelow, flip, makeFolder, noise, put, run } from '../verify/fixtures.ts'
import { assertSame, assertWhole, backUp, beside, bytesOf, snapshotOf, withReceived } from './support.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const chance = createSeededRandomness(seed)
const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below

const manyFiles = (count: number): Files =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i % 40}/f${i}`, noise(20 + ((i * 37) % 3000), i)]))

const few: Files = { 'a/one': 'first\n', 'a/two': noise(200_000, 7), top: 'top\n' }

interface Started {
  readonly lines: string[]
  readonly ended: Promise<number | null>
  kill(): Promise<number | null>
}

function start(what: string, folder: Folder, to = ''): Started {
  const worker = join(import.meta.dirname, 'worker.ts')
  const state = beside(folder, 'state')
  const child = spawn(process.execPath, [worker, what, folder.path, state, String(random(1 << 30)), to], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)))
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  return {
    lines,
    ended,
    kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 6000, 'it takes too long')
    await setTimeout(10)
  }
}

describe('while another process writes and collects', { timeout: 600_000 }, () => {
  it(`is whole whenever it is killed, and in the end the same (seed ${seed})`, async context => {
    const folder = await makeFolder(context, manyFiles(3000))
    const to = beside(folder, 'backup')
    const writer = start('write', folder)
    context.after(() => writer.kill())
    await until(() => writer.lines.includes('ready'))
    let finished = 0
    let killed = 0
    for (let turn = 0; killed < 12 || finished < 2; turn++) {
      const backup = start('backup', folder, to)
      await until(() => backup.lines.includes('ready'))
      await Promise.race([backup.ended, setTimeout(turn % 4 === 3 ? 60_000 : random(250))])
      await backup.kill()
      if (backup.lines.some(line => line.startsWith('done'))) finished++
      else killed++
      if (existsSync(join(to, '.runtime/format'))) await assertWhole(folder.host, to)
    }
    await until(() => writer.lines.filter(line => line === 'gc').length >= 2)
    await writer.kill()
    const { records } = await backUp(folder, to)
    await assertWhole(folder.host, to)
    await folder.with(async system => {
      assert.equal(records, system.now().records)
      await withReceived(folder.host, to, received => assertSame(system, received))
    }, 'read')
    context.diagnostic(`${killed} killed, ${finished} finished meanwhile, ${records} records`)
  })
})

describe('what is copied', () => {
  it('is only what is new', async context => {
    const folder = await makeFolder(context, manyFiles(400))
    const to = beside(folder, 'backup')
    const first = await backUp(folder, to)
    assert.ok(first.bytes > 400_000 && first.bytes < bytesOf(folder.at('.tree')) + bytesOf(folder.at('.runtime')))
    const before = snapshotOf(to)
    assert.equal((await backUp(folder, to)).bytes, 0)
    assert.deepEqual(snapshotOf(to), before)
    await folder.with(system => put(system, 'd1/new', noise(50_000, 99)))
    const { bytes, records } = await backUp(folder, to)
    assert.ok(bytes > 50_000 && bytes < 60_000, String(bytes))
    assert.equal(records, first.records + 1)
    assert.equal((await backUp(folder, to)).bytes, 0)
    await assertWhole(folder.host, to)
  })

  it('holds no private key and no tree, and reads like the root folder', async context => {
    const folder = await makeFolder(context, few)
    const to = beside(folder, 'backup')
    await folder.with(system => run(system.snapshotCreate({ name: 'kept' })))
    await folder.with(system => put(system, 'a/one', 'second\n'))
    await backUp(folder, to)
    assert.deepEqual(readdirSync(join(to, '.auth')), ['log-0.vkey'])
    await folder.with(source => withReceived(folder.host, to, received => assertSame(source, received)), 'read')
    assert.deepEqual(readdirSync(to).sort(), ['.auth', '.db', '.runtime', '.tree'])
    const system = await openSystem(folder.host, { rootPath: to, access: 'write' })
    await refused(put(system, 'a/one', 'third\n'), 'COPY')
    await system.close()
  })

  it('follows gc: what is dropped goes, what is kept is whole', async context => {
    const folder = await makeFolder(context, few)
    const to = beside(folder, 'backup')
    await folder.with(system => put(system, 'large', noise(3_000_000, 5)))
    await backUp(folder, to)
    await folder.with(async system => {
      await run(system.remove(['large']))
      for (const { name } of system.snapshots()) await run(system.snapshotRemove(name))
      await run(system.gc())
    })
    assert.ok((await backUp(folder, to)).removedPacks > 0)
    assert.ok(bytesOf(join(to, '.tree')) < 1_000_000)
    await assertWhole(folder.host, to)
  })

  it('follows forget: no file of the backup holds it any more', async context => {
    const secret = `the secret ${noise(40, 3).toString('hex')} is only here`
    const folder = await makeFolder(context, { ...few, secret })
    const to = beside(folder, 'backup')
    await folder.with(system => put(system, 'secret', `${secret} again`))
    await backUp(folder, to)
    assert.ok(holds(to, secret) && holds(to, 'secret'))
    await folder.with(async system => {
      await run(system.remove(['secret']))
      await run(system.forget(['secret']))
    })
    await backUp(folder, to)
    assert.ok(!holds(to, secret))
    await assertWhole(folder.host, to)
    assert.equal((await backUp(folder, to)).bytes, 0)
  })
})

/** Byte for byte, and in the payloads of packs. */
function holds(path: string, text: string): boolean {
  return filesBelow(path).some(name => {
    const bytes = readFileSync(join(path, name))
    if (bytes.includes(text)) return true
    for (let at = findEntryMarker(bytes, 0); name.endsWith('.pack') && at >= 0; at = findEntryMarker(bytes, at + 8)) {
      const { packing, payloadOffset, nextOffset } = decodeEntryHeader(bytes, at)
      if (packing === 'zstd' && zstdDecompressSync(bytes.subarray(payloadOffset, nextOffset)).includes(text))
        return true
    }
    return false
  })
}

describe('what is refused', () => {
  it('another log, a history that diverged, and one that is longer: nothing changes there', async context => {
    const folder = await makeFolder(context, few)
    const to = beside(folder, 'backup')
    await backUp(folder, to)
    const other = await makeFolder(context, few)
    const saved = beside(folder, 'saved')
    const savedState = beside(folder, 'saved-state')
    cpSync(folder.path, saved, { recursive: true })
    cpSync(beside(folder, 'state'), savedState, { recursive: true })
    await folder.with(system => put(system, 'a/one', 'one way\n'))
    await backUp(folder, to)
    const before = snapshotOf(to)
    const log = await refused(backUp(other, to), 'DIVERGED')
    assert.equal(log.kind, 'damage')
    assert.match(log.message, /another log/)

    const older = await restored(folder, { saved, savedState })
    const longer = await refused(
      older.with(system => run(system.backup(to)), 'read'),
      'DIVERGED',
    )
    assert.match(longer.message, /more records/)
    await older.with(system => put(system, 'a/one', 'another way\n'))
    const fork = await refused(
      older.with(system => run(system.backup(to)), 'read'),
      'DIVERGED',
    )
    assert.match(fork.message, /record \d+; expected leaf hash [0-9a-f]{64}; found [0-9a-f]{64}/)
    assert.match(fork.hint, /sentctl consistency/)
    assert.deepEqual(snapshotOf(to), before)
  })

  it("somebody's files, root folders, and places within them", async context => {
    const folder = await makeFolder(context, few)
    const other = await makeFolder(context, few)
    const foreign = beside(folder, 'foreign')
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'file'), 'mine')
    await refused(backUp(folder, foreign), 'ROOT_EXISTS')
    await refused(backUp(folder, other.path), 'ROOT_EXISTS')
    await refused(backUp(folder, join(other.path, 'a/backup')), 'ROOT_EXISTS')
    await refused(backUp(folder, folder.at('backup')), 'ROOT_EXISTS')
    await refused(backUp(folder, join(folder.path, '..')), 'ROOT_EXISTS')
    await refused(backUp(folder, beside(folder, 'no/such')), 'PATH_NOT_FOUND')
    assert.deepEqual(readdirSync(foreign), ['file'])
  })

  it('a damaged root folder: what was backed up before stays whole', async context => {
    const folder = await makeFolder(context, few)
    const to = beside(folder, 'backup')
    await backUp(folder, to)
    const before = snapshotOf(to)
    await folder.with(system => put(system, 'more', noise(5_000, 8)))
    const pack = folder.at('.tree/packs/000000000001.pack')
    flip(pack, readFileSync(pack).length - 100)
    const error = await refused(backUp(folder, to), 'DAMAGED')
    assert.match(error.hint, /repair/)
    await assertWhole(folder.host, to)
    for (const [name, bytes] of Object.entries(before))
      assert.ok(readFileSync(join(to, name)).toString('latin1').startsWith(bytes), name)
  })
})

/** The root folder as it was, and this device too. */
async function restored(
  folder: Folder,
  { saved, savedState }: { saved: string; savedState: string },
): Promise<Pick<Folder, 'with'>> {
  rmSync(folder.path, { recursive: true })
  cpSync(saved, folder.path, { recursive: true })
  rmSync(beside(folder, 'state'), { recursive: true })
  cpSync(savedState, beside(folder, 'state'), { recursive: true })
  // As if it were the same directory.
  rmSync(beside(folder, 'state'), { recursive: true })
  mkdirSync(beside(folder, 'state'))
  return {
    async with<T>(work: (system: System) => Promise<T> | T, access: 'read' | 'write' = 'write'): Promise<T> {
      const host = createDiskHost({ label: 'test' })
      const system = await openSystem(host, { rootPath: folder.path, access })
      try {
        return await work(system)
      } finally {
        await system.close()
      }
    },
  }
}

describe('--deep', () => {
  it('puts right what rotted in the backup', async context => {
    const folder = await makeFolder(context, few)
    const to = beside(folder, 'backup')
    await folder.with(async system => {
      for (let i = 0; i < 30; i++) await put(system, 'a/one', `turn ${i}\n`)
    })
    await backUp(folder, to)
    const before = snapshotOf(to)
    const segment = join(to, '.runtime/journal/00000000000000000000.seg')
    const rot: Readonly<Record<string, () => void>> = {
      pack: () => flip(join(to, '.tree/packs/000000000001.pack'), 5_000),
      'pack header': () => flip(join(to, '.tree/packs/000000000001.pack'), 9),
      segment: () => flip(segment, 3_000),
      'segment header': () => flip(segment, 9),
      'segment cut': () => writeFileSync(segment, readFileSync(segment).subarray(0, 2_000)),
      'segment gone': () => rmSync(segment),
      marks: () => writeFileSync(join(to, '.runtime/marks'), Buffer.alloc(8192, 1)),
      checkpoint: () => flip(join(to, '.runtime/checkpoint'), 60),
    }
    for (const [what, damage] of Object.entries(rot)) {
      damage()
      await backUp(folder, to, true)
      await assertWhole(folder.host, to)
      const after = snapshotOf(to)
      for (const name of Object.keys(before).filter(one => /seg$|checkpoint|vkey|format/.test(one)))
        assert.equal(after[name]?.length, before[name]!.length, `${what}: ${name}`)
    }
  })
})
