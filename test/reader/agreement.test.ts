// The program and the independent reader agree: on the frozen root folders, on records that lie, and on a sample of
// single flipped bits in every file of truth. By hand, every byte of a small folder and every bit of its small files:
//
//   SENTIENT_TEST_PYTHON=... node test/reader/agreement.test.ts --full [--part 0/2]
//
// A sample is replayed by --seed N.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { forge, forgeries, withBaseBehind } from '../core/verify/forging.ts'
import {
  chance,
  disagreement,
  type Flip,
  flipped,
  kindOfFile,
  openReader,
  ownVerdict,
  type Reader,
  truthOf,
} from './agreement.ts'
import { noise, openWorkshop } from './rootFolder.ts'

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
}
const full = process.argv.includes('--full')
const seed = Number(option('--seed') ?? 20_261)
const [part, parts] = (option('--part') ?? '0/1').split('/').map(Number) as [number, number]
/** Flips of a sample in each file, and what counts as small. */
const flipsPerFile = 60
const smallBytes = 1_024

const workshop = openWorkshop()
const { sentctl } = workshop
after(() => workshop.remove())

/** A few kilobytes of truth with a bit of everything: several packs, a list of changes, contents that differ in packing. */
function makeSmall(name: string): string {
  const root = path.join(workshop.base, name)
  fs.mkdirSync(path.join(root, 'd'), { recursive: true })
  for (const file of ['a', 'a.b', 'd/x', 'd/y']) fs.writeFileSync(path.join(root, file), `${file} `.repeat(40))
  fs.writeFileSync(path.join(root, 'noise'), noise(3_000, 1))
  fs.symlinkSync('a', path.join(root, 'link'))
  sentctl(root, ['init', '--ignore-nothing', '.'])
  sentctl(root, ['put', 'a'], 'changed')
  sentctl(root, ['rm', '-r', 'd'])
  sentctl(root, ['undo'])
  sentctl(root, ['snapshot', 'create', 'label', '--name', 'mine'])
  sentctl(root, ['checkpoint', 'sign'])
  return root
}

interface Pair {
  readonly own: string
  readonly reader: Reader
}

/** Two copies of one folder, so that both verifiers work at the same time. */
function pairOf(root: string): Pair {
  return { own: workshop.copy(root), reader: openReader(workshop.copy(root)) }
}

const stateDirectory = path.join(workshop.base, 'state')

async function check({ own, reader }: Pair, flip: Flip): Promise<string | undefined> {
  const [mine, other] = await Promise.all([
    flipped(own, flip, () => ownVerdict(own, stateDirectory)),
    reader.verdict(flip),
  ])
  const what = disagreement(flip, mine, other)
  if (what === undefined) return undefined
  return `${flip.file} at ${flip.offset}, bit ${flip.bit}: ${what}\n  program: ${mine.text}\n  reader: ${other.text}`
}

function sampleOf(root: string): Flip[] {
  const random = chance(seed)
  return truthOf(root).flatMap(({ file, bytes }) =>
    Array.from({ length: flipsPerFile }, () => ({
      file,
      offset: Math.floor(random() * bytes),
      bit: Math.floor(random() * 8),
    })),
  )
}

function* everything(root: string): Generator<Flip> {
  const random = chance(seed)
  for (const { file, bytes } of truthOf(root)) {
    for (let offset = 0; offset < bytes; offset++) {
      const slot = file.endsWith('/marks') && offset % 4_096 < 120
      const bits = slot || bytes <= smallBytes ? [0, 1, 2, 3, 4, 5, 6, 7] : [Math.floor(random() * 8)]
      for (const bit of bits) yield { file, offset, bit }
    }
  }
}

describe('a flipped bit', () => {
  let pair: Pair
  let root: string
  before(() => {
    root = makeSmall('small')
    pair = pairOf(root)
  })
  after(() => pair.reader.close())

  test('is nowhere in a folder that is whole', async () => {
    assert.deepEqual((await ownVerdict(pair.own, stateDirectory)).damaged, new Set())
    assert.deepEqual((await pair.reader.verdict()).damaged, new Set())
  })

  test(`is found by both, wherever it is (seed ${seed})`, async () => {
    const failures: string[] = []
    let count = 0
    const tally = new Map<string, number>()
    const wanted = full ? everything(root) : sampleOf(root)
    let number = 0
    for (const flip of wanted) {
      if (number++ % parts !== part) continue
      const failure = await check(pair, flip)
      if (failure !== undefined) {
        failures.push(failure)
        if (full && failures.length <= 50) console.log(failure)
      }
      count++
      tally.set(kindOfFile(flip.file) ?? '', (tally.get(kindOfFile(flip.file) ?? '') ?? 0) + 1)
      if (full && count % 1_000 === 0) console.log(`${count} flips, ${failures.length} failures`)
    }
    if (full) console.log(`${count} flips`, tally)
    assert.deepEqual(failures.slice(0, 10), [])
    assert.ok(tally.size >= 6 && count >= 400, `${count} ${[...tally.keys()]}`)
    // Nothing was left flipped.
    assert.deepEqual((await ownVerdict(pair.own, stateDirectory)).damaged, new Set())
  })
})

describe('a record that lies', { skip: full }, () => {
  for (const [name, forgery] of Object.entries(forgeries)) {
    test(`${name}: ${forgery.code ?? 'no finding'}`, async () => {
      const root = path.join(workshop.base, `forged ${name}`)
      fs.mkdirSync(path.join(root, 'd'), { recursive: true })
      for (const file of ['a', 'a.b', 'd/x', 'd/y']) fs.writeFileSync(path.join(root, file), file)
      sentctl(root, ['init', '--ignore-nothing', '.'])
      const host = createDiskHost({ label: 'forger', stateDirectoryPath: stateDirectory })
      const seq = await forge(host, root, forgery)
      const own = await ownVerdict(root, stateDirectory)
      const reader = openReader(root)
      const other = await reader.verdict()
      reader.close()
      assert.deepEqual([...other.damaged], [...own.damaged], `${own.text}\n${other.text}`)
      assert.equal(own.damaged.size > 0, forgery.code !== undefined, own.text)
      if (forgery.code !== undefined) assert.match(other.text, new RegExp(`record ${seq}\\b`))
    })
  }
})

describe('a frame that says that it was written behind itself', { skip: full }, () => {
  test('is damage for both', async () => {
    const root = makeSmall('rebased')
    const segment = path.join(root, '.runtime/journal/00000000000000000000.seg')
    const whole = fs.readFileSync(segment)
    for (const seq of [0, 3]) {
      fs.writeFileSync(segment, withBaseBehind(whole, seq))
      const own = await ownVerdict(root, stateDirectory)
      const reader = openReader(root)
      const other = await reader.verdict()
      reader.close()
      assert.deepEqual([...own.damaged], ['journal'], own.text)
      assert.ok(other.damaged.has('journal'), other.text)
      assert.match(other.text, /a frame with the base/)
    }
  })
})

describe('a recycle.trace that was cut short while it was written', { skip: full }, () => {
  test('is no damage for either', async () => {
    const root = makeSmall('torn-trace')
    const file = path.join(root, 'recycle.trace')
    const whole = fs.readFileSync(file)
    const flippedLast = Buffer.from(whole)
    flippedLast[whole.length - 3] = (flippedLast[whole.length - 3] as number) ^ 1
    for (const torn of [flippedLast, Buffer.concat([whole, Buffer.alloc(99)]), Buffer.alloc(whole.length, 7)]) {
      fs.writeFileSync(file, torn)
      const own = await ownVerdict(root, stateDirectory)
      const reader = openReader(root)
      const other = await reader.verdict()
      reader.close()
      assert.deepEqual([[...own.damaged], [...other.damaged]], [[], []], `${own.text}\n${other.text}`)
    }
  })
})

describe('the frozen root folders', { skip: full }, () => {
  const fixtures = path.resolve(import.meta.dirname, '../../format/fixtures/v1')
  for (const name of fs.readdirSync(fixtures).filter(one => one.endsWith('.tar'))) {
    test(name, async () => {
      const folder = path.join(workshop.base, name)
      fs.mkdirSync(folder)
      execFileSync('tar', ['-xpf', path.join(fixtures, name), '-C', folder])
      const root = path.join(folder, 'root')
      const own = await ownVerdict(root, stateDirectory)
      const reader = openReader(root)
      const other = await reader.verdict()
      reader.close()
      const sound = ['clean.tar', 'torn-tail.tar'].includes(name)
      assert.deepEqual([own.damaged.size === 0, other.damaged.size === 0], [sound, sound], `${own.text}\n${other.text}`)
      for (const kind of own.damaged) assert.ok(other.damaged.has(kind), `${kind}: ${own.text}\n${other.text}`)
    })
  }
})
