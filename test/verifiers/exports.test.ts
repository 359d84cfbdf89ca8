// What sentctl exports, held against the libraries of others: golang.org/x/mod/sumdb for notes and the tree, go-car for
// CAR files. They accept what is exported and refuse it with any byte changed.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertAccepts, assertRefuses, filesBelow, openWorkshop, verifier, withEachFlip } from './workshop.ts'

const workshop = openWorkshop()
const { at, sentctl, run } = workshop
let key: string

/** So many records more, one for each directory. */
function grow(count: number, name: string): void {
  sentctl('root', ['mkdir', ...Array.from({ length: count }, (_, i) => `${name}-${i}`)])
}

function records(): number {
  return Number(sentctl('root', ['checkpoint', 'show']).split('\n')[1])
}

before(() => {
  fs.mkdirSync(at('root/etc'), { recursive: true })
  fs.writeFileSync(at('root/etc/motd'), 'welcome\n')
  const large = Buffer.alloc(3_000_000)
  for (let i = 0, x = 1; i < large.length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0
    large[i] = x >>> 24
  }
  fs.writeFileSync(at('root/large.bin'), large)
  fs.symlinkSync('etc/motd', at('root/link'))
  sentctl('root', ['init'])
  key = workshop.key('root')
  fs.writeFileSync(at('early.checkpoint'), sentctl('root', ['checkpoint', 'show']))
})
after(() => workshop.remove())

describe('checkpoints, keys and proofs', () => {
  test('the key is one that note.NewVerifier takes, and the checkpoint one that note.Open opens', () => {
    assertAccepts(/^a verifier key of sentientos\.invalid\//, 'key', key)
    assertAccepts(/^\d+ records of sentientos\.invalid\//, 'checkpoint', at('early.checkpoint'), key)
    assertRefuses('key', `${key.slice(0, -4)}AAAA`)
    const flips = withEachFlip(at('early.checkpoint'), 1000, position => {
      const ran = verifier('checkpoint', at('early.checkpoint'), key)
      assert.equal(ran.exitCode, 1, `byte ${position}: ${ran.stdout}`)
    })
    assert.ok(flips > 200)
  })

  test('inclusion of records passes tlog.CheckRecord, and nothing else does', () => {
    grow(20, 'a')
    for (const seq of [0, 9, 20]) {
      sentctl('root', ['inclusion', String(seq), '../record.proof'])
      assertAccepts(new RegExp(`^record ${seq} is among the first \\d+ `), 'inclusion', at('record.proof'), key)
    }
    const flips = withEachFlip(at('record.proof'), 200, () => assertRefuses('inclusion', at('record.proof'), key))
    assert.ok(flips > 150)
  })

  test('consistency passes tlog.CheckTree, from a number and from a kept checkpoint', () => {
    for (const older of ['1', '8', '21', '../early.checkpoint']) {
      sentctl('root', ['consistency', older, '--output', '../history.proof'])
      assertAccepts(/^\d+ records begin with the older \d+\n$/, 'consistency', at('history.proof'), key)
      assertRefuses('fork', at('history.proof'), key)
    }
    const flips = withEachFlip(at('history.proof'), 200, () => assertRefuses('consistency', at('history.proof'), key))
    assert.ok(flips > 150)
    const argv = ['verify-consistency', '../history.proof', '--old', '../early.checkpoint', '--key', key, '--json']
    const answer = JSON.parse(sentctl('root', argv)) as { consistent: boolean; old: { signed: boolean } }
    assert.deepEqual([answer.consistent, answer.old.signed], [true, true])
  })
})

test('consistency: what is asked wrongly, and a history that is shorter than what was signed', () => {
  assert.equal(run('root', ['consistency', '100000']).exitCode, 1)
  assert.equal(run('root', ['consistency', 'etc/motd']).exitCode, 2)
  assert.equal(run('root', ['consistency', 'nothing-there']).exitCode, 1)
  workshop.copy('root', 'restored')
  grow(1, 'later')
  fs.writeFileSync(at('late.checkpoint'), sentctl('root', ['checkpoint', 'show']))
  const shorter = run('restored', ['consistency', '../late.checkpoint'])
  assert.equal(shorter.exitCode, 3)
  assert.match(shorter.stderr, /shorter than what its key has signed before/)
})

describe('a log as tiles', () => {
  const check = () => assertAccepts(new RegExp(`^${records()} entries, `), 'tlog', at('log'), key)

  test('each export adds what is new, and is a whole log', () => {
    sentctl('root', ['export', 'tlog', '../log'])
    check()
    for (const size of [255, 256, 257, 300, 520]) {
      grow(size - records(), `to-${size}`)
      assert.equal(records(), size)
      const { added } = JSON.parse(sentctl('root', ['export', 'tlog', '../log', '--json'])) as { added: number }
      assert.ok(added > 0 && added < size, String(added))
      check()
    }
    const again = JSON.parse(sentctl('root', ['export', 'tlog', '../log', '--json'])) as { files: number }
    assert.equal(again.files, 0)
  })

  test('it holds the names of the layout alone; partial tiles go when the full one is there', () => {
    assert.deepEqual(
      filesBelow(at('log')).filter(
        name => !name.startsWith('tile/0/002.p/') && !name.startsWith('tile/entries/002.p/'),
      ),
      [
        'checkpoint',
        'tile/0/000',
        'tile/0/001',
        'tile/1/000.p/1',
        'tile/1/000.p/2',
        'tile/entries/000',
        'tile/entries/001',
      ],
    )
    assert.ok(fs.existsSync(at('log/tile/0/002.p/8')))
  })

  test('no byte of what the checkpoint covers can be changed', () => {
    fs.rmSync(at('fresh'), { recursive: true, force: true })
    sentctl('root', ['export', 'tlog', '../fresh'])
    const files = filesBelow(at('fresh'))
    assert.equal(files.length, 8)
    for (const name of files) {
      const flips = withEachFlip(at('fresh', name), 60, () => assertRefuses('tlog', at('fresh'), key))
      assert.ok(flips >= 30, name)
    }
    assertAccepts(/^520 entries/, 'tlog', at('fresh'), key)
  })

  test('what lies there and is no export, or the export of another log, is not touched', () => {
    fs.mkdirSync(at('taken'))
    fs.writeFileSync(at('taken/notes.txt'), 'mine')
    assert.equal(run('root', ['export', 'tlog', '../taken']).exitCode, 1)
    assert.deepEqual(filesBelow(at('taken')), ['notes.txt'])
    fs.mkdirSync(at('other'))
    sentctl('other', ['init'])
    const before = fs.readFileSync(at('log/checkpoint'), 'utf8')
    const refused = run('other', ['export', 'tlog', '../log'])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /another log/)
    workshop.copy('root', 'adopted')
    sentctl('adopted', ['adopt', '--copy'])
    sentctl('adopted', ['mkdir', 'of-the-copy'])
    const ofCopy = run('adopted', ['export', 'tlog', '../log'])
    assert.equal(ofCopy.exitCode, 1)
    assert.match(ofCopy.stderr, /another log/)
    assert.equal(fs.readFileSync(at('log/checkpoint'), 'utf8'), before)
    sentctl('adopted', ['export', 'tlog', '../log-of-the-copy'])
    assertAccepts(/^52\d entries/, 'tlog', at('log-of-the-copy'), workshop.key('adopted'))
    for (const argv of [
      ['tlog', '.runtime'],
      ['tlog', '.tree/log'],
      ['car', '.runtime/format'],
    ]) {
      const ours = run('root', ['export', ...argv])
      assert.match(ours.stderr, /NAME_RESERVED/)
      assert.equal(ours.exitCode, 1)
    }
    assertAccepts(/^520 entries/, 'tlog', at('log'), key)
  })

  test('--all mends what was damaged there', () => {
    fs.truncateSync(at('log/tile/entries/000'), 100)
    assertRefuses('tlog', at('log'), key)
    sentctl('root', ['export', 'tlog', '../log', '--all'])
    assertAccepts(/^520 entries/, 'tlog', at('log'), key)
  })
})

describe('a state as a CAR file', () => {
  const exported = (...argv: string[]) =>
    JSON.parse(sentctl('root', ['export', 'car', '../state.car', ...argv, '--json'])) as {
      root: string
      blocks: number
    }

  test('the whole state is read block by block, and nothing is there twice', () => {
    const { root, blocks } = exported()
    assertAccepts(new RegExp(`^${blocks} blocks, `), 'car', at('state.car'), root)
    assert.ok(blocks > 12)
    assert.equal(fs.statSync(at('state.car')).mode & 0o777, 0o600)
  })

  test('a part of an earlier state: a directory, a file in chunks, a symlink', () => {
    for (const [name, blocks] of [
      ['etc', /^2 blocks, [67]\d bytes/],
      ['large.bin', /^\d+ blocks, 300\d{4} bytes/],
      ['link', /^1 blocks, 8 bytes/],
    ] as const) {
      const { root } = exported('1', name)
      assertAccepts(blocks, 'car', at('state.car'), root)
    }
  })

  test('no byte of it can be changed, none left out', () => {
    const { root } = exported('1', 'etc')
    const flips = withEachFlip(at('state.car'), 1000, () => assertRefuses('car', at('state.car'), root))
    assert.ok(flips > 150)
    const whole = exported()
    withEachFlip(at('state.car'), 100, () => assertRefuses('car', at('state.car'), whole.root))
    fs.truncateSync(at('state.car'), fs.statSync(at('state.car')).size - 1)
    assertRefuses('car', at('state.car'), whole.root)
    assertRefuses('car', at('state.car'), root)
  })

  test('a damaged object leaves no half file behind', () => {
    workshop.copy('root', 'broken')
    const pack = path.join(
      at('broken/.tree/packs'),
      fs.readdirSync(at('broken/.tree/packs')).find(name => name.endsWith('.pack'))!,
    )
    const bytes = fs.readFileSync(pack)
    for (let i = 1000; i < bytes.length; i += 500) bytes[i]! ^= 0xff
    fs.writeFileSync(pack, bytes)
    assert.equal(run('broken', ['export', 'car', '../broken.car']).exitCode, 3)
    assert.deepEqual(
      fs.readdirSync(workshop.base).filter(name => name.startsWith('broken.car')),
      [],
    )
  })
})
