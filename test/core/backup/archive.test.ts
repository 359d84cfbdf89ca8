// Archives: the whole and ranges of it, chained, give the same history; one that was changed, cut or made up is refused
// and leaves nothing behind.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { encodeHeader } from '../../../src/core/backup/tar.ts'
import { refused } from '../timeline/support.ts'
import { filesBelow, makeFolder, noise, put, run } from '../verify/fixtures.ts'
import {
  assertSame,
  assertWhole,
  backUp,
  beside,
  exported,
  importBytes,
  importFile,
  leavesOf,
  makeSmall,
  snapshotOf,
  withReceived,
} from './support.ts'

describe('export archive and import', () => {
  it('give the same history, whole and in ranges', async context => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i % 11}/f${i}`, noise(i * 9, i)]))
    const folder = await makeFolder(context, files)
    const parts = [await exported(folder, 'part-0.tar')]
    for (let part = 1; part <= 4; part++) {
      const note = readFileSync(folder.at('.runtime/checkpoint'))
      const last = await folder.with(async system => {
        const { records } = system.now()
        for (let i = 0; i < 12; i++) await put(system, `d${i}/f${part}`, noise(4_000, part * 100 + i))
        await run(system.snapshotCreate({ name: `part-${part}` }))
        if (part === 2) await run(system.rollback(system.resolve('part-1')))
        if (part === 3) {
          await run(system.snapshotRemove('part-1'))
          await run(system.gc())
        }
        return records - 1
      })
      parts.push(await exported(folder, `part-${part}.tar`, part % 2 === 0 ? { seq: last } : { note }))
    }
    const whole = await exported(folder, 'whole.tar')
    assert.ok(parts.slice(1).every(({ bytes }) => bytes < whole.bytes / 2))

    const one = beside(folder, 'one')
    const chained = beside(folder, 'chained')
    await importFile(folder.host, whole.file, one)
    for (const { file } of parts) await importFile(folder.host, file, chained)
    for (const to of [one, chained]) {
      await assertWhole(folder.host, to)
      assert.deepEqual(readFileSync(join(to, '.runtime/checkpoint')), readFileSync(folder.at('.runtime/checkpoint')))
      await folder.with(system => withReceived(folder.host, to, received => assertSame(system, received)), 'read')
    }
    // Again, and overlapping: nothing is new.
    const before = snapshotOf(chained)
    for (const { file } of [parts[2]!, whole]) assert.equal((await importFile(folder.host, file, chained)).packs, 0)
    assert.deepEqual(snapshotOf(chained), before)
    // A backup goes on where an import ended, and an import where a backup did.
    await folder.with(system => put(system, 'more', 'more\n'))
    await backUp(folder, one)
    await assertWhole(folder.host, one)
    await folder.with(system => put(system, 'more', 'even more\n'))
    const news = await exported(folder, 'news.tar', { note: readFileSync(join(one, '.runtime/checkpoint')) })
    await importFile(folder.host, news.file, one)
    await folder.with(system => withReceived(folder.host, one, received => assertSame(system, received)), 'read')
  })

  it('is a plain tar, which tar opens', async context => {
    const folder = await makeSmall(context)
    const { file } = await exported(folder, 'archive.tar')
    const names = execFileSync('tar', ['tf', file]).toString().trim().split('\n')
    assert.deepEqual(
      [...new Set(names.map(name => name.split('/')[0]))],
      ['format', 'keys', 'checkpoint', 'packs', 'journal', 'sha256'],
    )
    const bytes = readFileSync(file)
    const end = bytes.length - 1024 - 1024
    const sum = createHash('sha256').update(bytes.subarray(0, end)).digest('hex')
    assert.ok(bytes.toString('latin1', end).includes(sum))
  })

  it('goes through a pipe, and needs no name', async context => {
    const folder = await makeSmall(context)
    const pieces: Buffer[] = []
    await folder.with(
      system => run(system.exportArchive({ write: bytes => void pieces.push(Buffer.from(bytes)) })),
      'read',
    )
    const to = beside(folder, 'imported')
    await importBytes(folder, Buffer.concat(pieces), to)
    await assertWhole(folder.host, to)
  })

  it('takes what was forgotten out on the other side too', async context => {
    const folder = await makeFolder(context, { secret: `the secret ${noise(30, 4).toString('hex')}`, other: 'stays\n' })
    const to = beside(folder, 'imported')
    await importFile(folder.host, (await exported(folder, 'one.tar')).file, to)
    const holds = (): boolean => filesBelow(to).some(name => readFileSync(join(to, name)).includes('the secret'))
    assert.ok(holds())
    const note = readFileSync(folder.at('.runtime/checkpoint'))
    await folder.with(async system => {
      await run(system.remove(['secret']))
      await run(system.forget(['secret']))
    })
    await importFile(folder.host, (await exported(folder, 'two.tar', { note })).file, to)
    assert.ok(!holds())
    await assertWhole(folder.host, to)
  })
})

describe('an archive is refused', () => {
  it('cut anywhere, or with something behind it', async context => {
    const folder = await makeSmall(context)
    const bytes = readFileSync((await exported(folder, 'archive.tar')).file)
    const to = beside(folder, 'imported')
    for (let end = 0; end < bytes.length; end += 199) {
      await refused(importBytes(folder, bytes.subarray(0, end), to), 'DAMAGED')
      assert.ok(!existsSync(to))
    }
    await refused(importBytes(folder, Buffer.concat([bytes, Buffer.alloc(512)]), to), 'DAMAGED')
  })

  it('with names that lead elsewhere, links, and sizes that are none', async context => {
    const folder = await makeSmall(context)
    const bytes = readFileSync((await exported(folder, 'archive.tar')).file)
    const to = beside(folder, 'imported')
    const member = (header: Uint8Array, content = ''): Buffer =>
      Buffer.concat([header, Buffer.alloc(Math.ceil(content.length / 512) * 512, content)])
    const typed = (type: string, link = ''): Buffer => {
      const header = Buffer.from(encodeHeader('packs/000000000009.pack', 0))
      header.write(type, 156)
      header.write(link, 157)
      return withSum(header)
    }
    const sized = (size: string): Buffer => {
      const header = Buffer.from(encodeHeader('format', 0))
      header.write(size, 124, 'latin1')
      return withSum(header)
    }
    const extras: readonly Uint8Array[] = [
      ...[
        '../escape',
        '/etc/escape',
        'packs/../../escape',
        'packs/..',
        './format',
        'journal/x',
        'keys/log-0.pem',
        'packs/000000000000.pack',
      ].map(name => member(encodeHeader(name, 4), 'evil')),
      ...['1', '2', '3', '5', '6', 'L', 'K', 'x', 'g', 'S'].map(type => typed(type, '/etc/passwd')),
      ...[
        '77777777777\0',
        '\x80\0\0\0\x7f\0\0\0\0\0\0\0',
        '-0000000001\0',
        '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
      ].map(sized),
    ]
    for (const extra of extras) {
      for (const made of [
        Buffer.concat([extra, bytes]),
        Buffer.concat([bytes.subarray(0, 1024), extra, bytes.subarray(1024)]),
      ]) {
        await refused(importBytes(folder, made, to), 'DAMAGED')
        assert.ok(!existsSync(to))
        assert.ok(!existsSync(beside(folder, 'escape')))
      }
    }
  })

  it('where it does not go on from what is there', async context => {
    const folder = await makeSmall(context)
    const to = beside(folder, 'imported')
    const whole = await exported(folder, 'one.tar')
    const later = await folder.with(async system => {
      for (let i = 0; i < 6; i++) await put(system, 'top', `turn ${i}\n`)
      return system.now().records
    })
    const gap = await exported(folder, 'gap.tar', { seq: later - 3 })
    await refused(importFile(folder.host, gap.file, to), 'STATE_NOT_FOUND')
    assert.ok(!existsSync(to))
    await importFile(folder.host, whole.file, to)
    const before = snapshotOf(to)
    await refused(importFile(folder.host, gap.file, to), 'STATE_NOT_FOUND')
    const other = await makeSmall(context)
    const foreign = await exported(other, 'foreign.tar')
    const error = await refused(importFile(folder.host, foreign.file, to), 'DIVERGED')
    assert.match(error.message, /another log/)
    assert.deepEqual(snapshotOf(to), before)
    const mine = beside(folder, 'mine')
    mkdirSync(mine)
    writeFileSync(join(mine, 'file'), 'mine')
    await refused(importFile(folder.host, whole.file, mine), 'ROOT_EXISTS')
    await refused(importFile(folder.host, whole.file, folder.path), 'ROOT_EXISTS')
    await refused(importFile(folder.host, whole.file, folder.at('below')), 'ROOT_EXISTS')
    assert.ok(!existsSync(folder.at('below')))
  })

  it('when it is of a fork: the evidence is named, nothing changes', async context => {
    const { folder, fork } = await makeFork(context)
    const to = beside(folder, 'imported')
    await importFile(folder.host, (await exported(folder, 'ours.tar')).file, to)
    const before = snapshotOf(to)
    for (const file of [fork.whole, fork.range]) {
      const error = await refused(importBytes(folder, file, to), 'DIVERGED')
      assert.equal(error.kind, 'damage')
      assert.match(error.message, /record \d+; expected leaf hash [0-9a-f]{64}; found [0-9a-f]{64}/)
      assert.deepEqual(snapshotOf(to), before)
    }
  })

  it('without an object that its records need, though all else fits', async context => {
    const folder = await makeSmall(context)
    const bytes = readFileSync((await exported(folder, 'archive.tar')).file)
    const pack = bytes.indexOf('packs/')
    const journal = bytes.indexOf('journal/')
    const end = bytes.length - 2048
    const rest = Buffer.concat([bytes.subarray(0, pack), bytes.subarray(journal, end)])
    const sum = `${createHash('sha256').update(rest).digest('hex')}\n`
    const made = Buffer.concat([rest, encodeHeader('sha256', 65), Buffer.from(sum), Buffer.alloc(512 - 65 + 1024)])
    const to = beside(folder, 'imported')
    const error = await refused(importBytes(folder, made, to), 'DAMAGED')
    assert.match(error.message, /needs an object/)
    assert.ok(!existsSync(to))
  })
})

function withSum(header: Buffer): Buffer {
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** One log that went on in two ways: archives of the other way, from its start and from behind the fork. */
async function makeFork(context: TestContext) {
  const { cpSync, rmSync } = await import('node:fs')
  const folder = await makeSmall(context)
  const saved = beside(folder, 'saved')
  cpSync(folder.path, saved, { recursive: true })
  await folder.with(async system => {
    for (let i = 0; i < 5; i++) await put(system, 'top', `one way ${i}\n`)
  })
  const ours = beside(folder, 'ours')
  cpSync(folder.path, ours, { recursive: true })
  rmSync(folder.path, { recursive: true })
  cpSync(saved, folder.path, { recursive: true })
  const { createDiskHost } = await import('../../../src/core/host/disk.ts')
  const { openSystem } = await import('../../../src/core/system.ts')
  const system = await openSystem(createDiskHost({ label: 'fork' }), { rootPath: folder.path, access: 'write' })
  for (let i = 0; i < 8; i++) await put(system, 'top', `another way ${i}\n`)
  await system.close()
  const last = await folder.with(leavesOf, 'read')
  const whole = readFileSync((await exported(folder, 'fork.tar')).file)
  const range = readFileSync((await exported(folder, 'range.tar', { seq: last.length - 6 })).file)
  rmSync(folder.path, { recursive: true })
  cpSync(ours, folder.path, { recursive: true })
  return { folder, fork: { whole, range } }
}
