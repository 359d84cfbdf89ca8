// The independent reader, written in Python from the text of the format alone, agrees with what the command line
// writes; and finds what is changed behind its back.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { countGoverned, makeHistory, makePruned, openWorkshop, type Ran, runPython } from './rootFolder.ts'

const workshop = openWorkshop()
const { sentctl, copy } = workshop
let root: string

before(() => {
  root = makeHistory(workshop)
})
after(() => workshop.remove())

function verify(folder: string, ...options: string[]): Ran {
  return runPython('reader.py', 'verify', folder, ...options)
}

/** What a report says under a topic; one string a line. */
function said(ran: Ran, topic: string): string[] {
  const lines = ran.stdout.split('\n')
  return lines.filter(line => line.startsWith(`${topic} `)).map(line => line.slice(topic.length).trim())
}

function assertVerified(ran: Ran): void {
  assert.deepEqual([ran.exitCode, said(ran, 'DAMAGE'), ran.stderr], [0, [], ''], ran.stdout)
  assert.match(ran.stdout, /^everything verified/m)
}

/** It found damage in a file, which it names. */
function assertNames(ran: Ran, file: string): void {
  assert.equal(ran.exitCode, 3, ran.stdout)
  const found = said(ran, 'DAMAGE').filter(line => line.startsWith(file))
  assert.notEqual(found.length, 0, ran.stdout)
}

function onlySegment(folder: string): string {
  return path.join(folder, '.runtime/journal', '0'.repeat(20).concat('.seg'))
}

function flip(file: string, offset: number): void {
  const data = fs.readFileSync(file)
  const at = offset < 0 ? data.length + offset : offset
  data.writeUInt8(data.readUInt8(at) ^ 0x10, at)
  fs.writeFileSync(file, data)
}

function recordsOf(folder: string): number {
  return Number(fs.readFileSync(path.join(folder, '.runtime/checkpoint'), 'utf8').split('\n')[1])
}

describe('a root folder with a long history', () => {
  test('is verified from end to end, with counts', () => {
    const ran = verify(root)
    assertVerified(ran)
    const records = recordsOf(root)
    const paths = countGoverned(root)
    const snapshots = JSON.parse(sentctl(root, ['snapshot', 'list', '--json'])) as { snapshots: unknown[] }
    assert.ok(records > 280)
    assert.equal(
      said(ran, 'journal')[0],
      `1 segments, ${records} records, ${records} bodies, 0 forgotten, 0 bytes torn`,
    )
    assert.match(said(ran, 'merkle')[0] ?? '', new RegExp(`of ${records} records, 1 of 1 tiles$`))
    assert.match(said(ran, 'checkpoint')[0] ?? '', new RegExp(`^${records} records, signed by sentientos.invalid/`))
    assert.match(said(ran, 'packs')[0] ?? '', /^(\d) packs, (\d{4}) entries, \2 objects, \1 indexes$/)
    assert.match(said(ran, 'states')[0] ?? '', /from record 0 on, \d+ directories, \d+ contents, 3 of them in chunks/)
    assert.match(said(ran, 'states')[0] ?? '', / 4 symlinks$/)
    assert.match(said(ran, 'changes')[0] ?? '', new RegExp(`^${records} records are what their states differ in`))
    assert.match(
      said(ran, 'snapshots')[0] ?? '',
      new RegExp(`^${snapshots.snapshots.length} in recycle.lock, .*signed$`),
    )
    assert.match(said(ran, 'trace')[0] ?? '', new RegExp(`^records 2 to ${records - 1} replayed, [1-9]`))
    assert.match(said(ran, 'disk')[0] ?? '', new RegExp(`^${paths} paths compared, \\d{7} bytes of files, 0 differ$`))
    assert.deepEqual(said(ran, 'remark'), [])
  })

  test('is verified by its key alone, and not by another', () => {
    const key = sentctl(root, ['checkpoint', 'key']).trim()
    const bare = copy(root)
    fs.rmSync(path.join(bare, '.auth'), { recursive: true })
    assertVerified(verify(bare, '--key', key))
    const note = path.join(root, '.runtime/checkpoint')
    assertVerified(verify(bare, '--key', key, '--checkpoint', note))
    const other = path.join(workshop.base, 'other')
    fs.mkdirSync(other)
    sentctl(other, ['init', '.'])
    const otherKey = sentctl(other, ['checkpoint', 'key']).trim()
    assertNames(verify(bare, '--key', otherKey), '.runtime/checkpoint')
    assert.equal(verify(bare, '--key', `${key}A`).exitCode, 2)
  })

  test('with a checkpoint of more records is not the one that was seen', () => {
    const shorter = copy(root)
    const note = path.join(workshop.base, 'seen')
    sentctl(root, ['put', 'absorbed'], 'one record more\n')
    sentctl(root, ['checkpoint', 'sign'])
    fs.copyFileSync(path.join(root, '.runtime/checkpoint'), note)
    sentctl(root, ['undo'])
    sentctl(root, ['checkpoint', 'sign'])
    assertVerified(verify(root, '--checkpoint', note))
    assertNames(verify(shorter, '--checkpoint', note), 'the checkpoint that was given')
  })

  test('that changed outside has drift, and no damage', () => {
    const changed = copy(root)
    fs.writeFileSync(path.join(changed, 'etc/motd.old'), 'HELLO\n')
    fs.rmSync(path.join(changed, 'deep/a'), { recursive: true })
    fs.writeFileSync(path.join(changed, 'found'), '')
    fs.chmodSync(path.join(changed, 'many'), 0o700)
    const ran = verify(changed)
    assertVerified(ran)
    assert.deepEqual(said(ran, 'drift').sort(), [
      'deep/a: removed',
      'etc/motd.old: other contents',
      'found: new',
      'many: mode 700 instead of 755',
    ])
  })
})

describe('a flipped byte is found and its file named', () => {
  const cases: readonly (readonly [file: string, offset: number])[] = [
    ['.runtime/journal/00000000000000000000.seg', 20],
    ['.runtime/journal/00000000000000000000.seg', 20_000],
    ['.runtime/journal/00000000000000000000.seg', -30],
    ['.runtime/tile/0/000', 4000],
    ['.runtime/checkpoint', 70],
    ['.runtime/checkpoint', -8],
    ['.runtime/marks', 2000],
    ['.auth/log-0.vkey', 90],
    ['.auth/log-0.pem', 60],
    ['.tree/packs/000000000001.pack', 12],
    ['.tree/packs/000000000001.pack', 16 + 30],
    ['.tree/packs/000000000001.pack', 5000],
    ['.tree/packs/000000000001.idx', 3000],
    ['.tree/packs/000000000002.pack', 1_000_000],
    ['recycle.lock', 120],
    ['recycle.lock', -8],
  ]
  for (const [file, offset] of cases) {
    test(`${file} at ${offset}`, () => {
      const damaged = copy(root, 'without the tree')
      flip(path.join(damaged, file), offset)
      assertNames(verify(damaged), file)
    })
  }

  test('in one slot of the marks is said, and no damage: a write that was cut short leaves that', () => {
    for (const offset of [40, 4096 + 90]) {
      const damaged = copy(root, 'without the tree')
      flip(path.join(damaged, '.runtime/marks'), offset)
      const ran = verify(damaged)
      assert.equal(ran.exitCode, 0, ran.stdout)
      assert.ok(said(ran, 'remark').some(line => line.startsWith(`.runtime/marks at ${offset < 4096 ? 0 : 4096}: `)))
    }
    const both = copy(root, 'without the tree')
    for (const offset of [40, 4096 + 90]) flip(path.join(both, '.runtime/marks'), offset)
    assertNames(verify(both), '.runtime/marks')
  })

  test('in recycle.trace is said, and no damage: it ends there and is made anew', () => {
    const damaged = copy(root, 'without the tree')
    flip(path.join(damaged, 'recycle.trace'), 5000)
    const ran = verify(damaged)
    assert.equal(ran.exitCode, 0, ran.stdout)
    assert.ok(said(ran, 'remark').some(line => line.startsWith('recycle.trace ends where it is not whole')))
  })

  test('in the chunk of a file, which is named too', () => {
    const damaged = copy(root, 'without the tree')
    const piece = fs.readFileSync(path.join(root, 'big.bin')).subarray(1_000_000, 1_000_100)
    const packs = fs.readdirSync(path.join(damaged, '.tree/packs')).filter(name => name.endsWith('.pack'))
    const holders = packs.map(name => path.join(damaged, '.tree/packs', name))
    const [holder] = holders.filter(name => fs.readFileSync(name).includes(piece))
    assert.ok(holder)
    flip(holder, fs.readFileSync(holder).indexOf(piece))
    const ran = verify(damaged)
    assertNames(ran, `.tree/packs/${path.basename(holder)}`)
    assert.ok(said(ran, 'DAMAGE').some(line => /^record \d+, big.bin: object [0-9a-f]{64} is in no pack$/.test(line)))
  })
})

describe('the end of the journal', () => {
  test('that was never acknowledged is torn, not damaged', () => {
    const torn = copy(root)
    const frame = fs.readFileSync(onlySegment(torn)).subarray(32, 132)
    fs.appendFileSync(onlySegment(torn), frame)
    const ran = verify(torn)
    assertVerified(ran)
    assert.match(said(ran, 'journal')[0] ?? '', / 100 bytes torn$/)
  })

  test('that was acknowledged and is gone is damaged', () => {
    const cut = copy(root)
    fs.truncateSync(onlySegment(cut), fs.statSync(onlySegment(cut)).size - 1)
    const ran = verify(cut)
    assertNames(ran, '.runtime/journal/00000000000000000000.seg')
    assert.match(said(ran, 'DAMAGE').join('\n'), /a mark says that it was on disk/)
  })
})

describe('an inclusion file', () => {
  const check = (file: string, key: string) => runPython('reader.py', 'inclusion', file, '--key', key)

  test('of every kind of place in the tree verifies, a changed one does not', () => {
    const key = sentctl(root, ['checkpoint', 'key']).trim()
    const size = recordsOf(root)
    for (const seq of [0, 1, 17, 255, 256, size - 1]) {
      const file = path.join(workshop.base, `record-${seq}`)
      sentctl(root, ['inclusion', String(seq), file])
      const ran = check(file, key)
      assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr)
      assert.match(ran.stdout, new RegExp(`^verified: record ${seq} of ${size}, signed by sentientos.invalid/`))
    }
    const good = fs.readFileSync(path.join(workshop.base, 'record-17'), 'utf8')
    const changed = path.join(workshop.base, 'changed')
    const path17 = good.split('\n')[3] ?? ''
    for (const text of [
      good.replace('index 17', 'index 18'),
      good.replace('extra pm', 'extra pn'),
      good.replace(path17, `${path17.startsWith('A') ? 'B' : 'A'}${path17.slice(1)}`),
      good.replace(`${path17}\n`, ''),
      good.replace(`\n${size}\n`, `\n${size + 1}\n`),
      good.slice(0, -1),
      `${good}\n`,
    ]) {
      assert.notEqual(text, good)
      fs.writeFileSync(changed, text)
      assert.equal(check(changed, key).exitCode, 3, text)
    }
  })
})

test('a folder that gc has pruned is verified from its horizon on', () => {
  const pruned = makePruned(workshop)
  const ran = verify(pruned)
  assertVerified(ran)
  assert.doesNotMatch(said(ran, 'states')[0] ?? '', /from record 0 on/)
  assert.match(said(ran, 'snapshots')[0] ?? '', /^2 in recycle.lock/)
})

test('a directory that appears together with what is in it is listed as it is afterwards', () => {
  const folder = path.join(workshop.base, 'appears')
  fs.mkdirSync(folder)
  sentctl(folder, ['init', '--ignore-nothing', '.'])
  sentctl(folder, ['put', '--parents', 'a/b/c'], 'x')
  fs.mkdirSync(path.join(folder, 'found/below'), { recursive: true })
  fs.writeFileSync(path.join(folder, 'found/below/file'), 'x')
  sentctl(folder, ['absorb'])
  sentctl(folder, ['mkdir', '--parents', 'd/e/f'])
  assertVerified(verify(folder))
})

test('any text can be the label of a snapshot', () => {
  const folder = path.join(workshop.base, 'labels')
  fs.mkdirSync(folder)
  sentctl(folder, ['init', '--ignore-nothing', '.'])
  sentctl(folder, ['snapshot', 'create', '\u0001\t\n\u001b\u0085\u2028\u{1f600}"\\', '--name', 'odd'])
  assertVerified(verify(folder))
  sentctl(folder, ['snapshot', 'create', 'delete is \u007f', '--name', 'delete'])
  assertVerified(verify(folder))
})

test('who calls it wrongly is told so', () => {
  assert.equal(verify(workshop.base).exitCode, 2)
  assert.equal(runPython('reader.py').exitCode, 2)
  assert.equal(runPython('reader.py', 'inclusion', 'file').exitCode, 2)
})

test('the reader passes the known answers of the format', () => {
  const ran = runPython('known_answers.py')
  assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr)
  const files = fs.readdirSync(path.resolve(import.meta.dirname, '../../format/vectors'))
  assert.equal(ran.stdout.match(/^ok /gm)?.length, files.length)
})
