// Two verifiers that share no code look at the same folders, sound ones and ones that are damaged in many random
// places: what one finds, the other finds. A difference is a bug of one of the two.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { openSystem } from '../../src/core/system.ts'
import type { Finding } from '../../src/core/timeline/model.ts'
import { type Folder, filesBelow, makeFolder, noise, put, run, typescriptAlone } from '../core/verify/fixtures.ts'
import { verifyAlone } from './standAlone.ts'

const runs = Number(process.env.SENTIENT_TWINS_RUNS ?? 150)
// Without wishes the same folders each time; SENTIENT_TWINS_RUNS plays others, from SENTIENT_TEST_SEED on.
const firstSeed = process.env.SENTIENT_TWINS_RUNS === undefined ? 1 : Number(process.env.SENTIENT_TEST_SEED ?? 1)

/** Small numbers from a seed; the same in every run. */
function dice(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return below => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** Verification waits a moment before its second look; a test has nobody to wait for. */
const impatient = ({ host }: Folder): Folder['host'] => ({
  ...host,
  clock: { ...host.clock, sleep: () => Promise.resolve() },
})

async function findingsOfTypeScript(folder: Folder): Promise<readonly Finding[] | string> {
  try {
    const system = await openSystem(impatient(folder), { rootPath: folder.path, access: 'read' })
    try {
      const { findings } = await run(system.verify({ deep: true }))
      return findings
    } finally {
      // On its way out it signs nothing over a checkpoint that the records do not have: it has told so above.
      await system.close().catch((error: unknown) => {
        if (!isSentientError(error, 'DAMAGED')) throw error
      })
    }
  } catch (error) {
    if (!isSentientError(error)) throw error
    return error.code
  }
}

interface Told {
  readonly code: string
  readonly severity: string
  readonly path?: string
  readonly seq?: number
}

/**
 * What both must agree on: the codes of all damage, and which records they name. That something is wrong with an object
 * counts, not where it is told: TypeScript finds objects by the indexes, the stand-alone verifier by reading the packs;
 * where an index lies, the two look at other places.
 */
function essence(findings: readonly Told[] | string, isIndexWrong: boolean): string[] {
  if (typeof findings === 'string') return [findings]
  // A recycle.trace that is not whole is noted, and one that says something wrong is damage: both must tell these apart.
  const damage = findings.filter(({ severity, code }) => severity === 'damage' || code === 'trace-damaged')
  const codes = damage.map(({ code, seq, severity }) => {
    if (code === 'trace-damaged') return `${code} ${severity}`
    if (/^(?:object-damaged|object-missing|pack-entry-damaged)$/.test(code)) return isIndexWrong ? '' : 'object'
    return namesSeq.has(code) ? `${code} ${seq}` : code
  })
  // Where records are lost, TypeScript also asks the tiles for the root; these may be what is damaged.
  const areLost = codes.some(code => /^record-/.test(code))
  return [...new Set(codes)].filter(code => code !== '' && !(areLost && code === 'checkpoint-mismatch')).sort()
}

const namesSeq = new Set(['record-damaged', 'record-missing', 'body-damaged', 'body-untrue', 'chain-broken'])

/** What these held TypeScript knows from elsewhere and goes on with; the stand-alone verifier goes on with what it finds. */
const knownElsewhere: ReadonlySet<string> = new Set(['key-damaged', 'format-damaged'])

async function compare(folder: Folder, what: string): Promise<string[]> {
  // First, as it changes nothing: who opens a folder may bring derived files up to date.
  const alone = verifyAlone(folder.path)
  const findings = await findingsOfTypeScript(folder)
  const isIndexWrong = typeof findings !== 'string' && findings.some(({ code }) => code === 'index-damaged')
  const native = essence(alone, isIndexWrong)
  const typescript = essence(findings, isIndexWrong)
  const known = typescript.find(told => knownElsewhere.has(told))
  if (known !== undefined) {
    assert.ok(native.includes(known) || native.includes('DAMAGED'), `${what}: ${known}, not ${native.join(', ')}`)
    return native
  }
  const more = native.filter(told => !typescript.includes(told))
  const less = typescript.filter(told => !native.includes(told))
  assert.ok(
    more.length + less.length === 0,
    `${what}\n  only native: ${more.join(', ')}\n  only TypeScript: ${less.join(', ')}`,
  )
  return native
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

const shared = ['.auth', '.runtime/journal', '.runtime/tile', '.tree/packs']
const single = ['.runtime/checkpoint', '.runtime/format', '.runtime/marks', 'recycle.lock', 'recycle.trace']

function files(folder: Folder): string[] {
  const below = shared.flatMap(name =>
    fs.existsSync(folder.at(name)) ? filesBelow(folder.at(name)).map(file => path.join(name, file)) : [],
  )
  return [...below, ...single].filter(name => fs.existsSync(folder.at(name)))
}

const spoil: Readonly<Record<string, (bytes: Buffer, roll: (below: number) => number) => Buffer | undefined>> = {
  'one bit': (bytes, roll) => {
    const at = roll(bytes.length)
    bytes[at] = bytes[at]! ^ (1 << roll(8))
    return bytes
  },
  'a few bytes': (bytes, roll) => {
    const at = roll(bytes.length)
    for (let i = at; i < Math.min(bytes.length, at + 1 + roll(40)); i++) bytes[i] = roll(256)
    return bytes
  },
  'a page of zeros': (bytes, roll) => bytes.fill(0, roll(bytes.length), roll(bytes.length)),
  'cut short': (bytes, roll) => bytes.subarray(0, roll(bytes.length)),
  longer: (bytes, roll) => Buffer.concat([bytes, noise(1 + roll(300), roll(1000))]),
  'a piece gone': (bytes, roll) => {
    const at = roll(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + roll(100))])
  },
  'a piece twice': (bytes, roll) => {
    const at = roll(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - roll(500)))])
  },
  gone: () => undefined,
}

/** Does something to one file; gives back what it was and how to undo it. */
function damage(folder: Folder, roll: (below: number) => number): { what: string; undo: () => void } {
  const all = files(folder)
  const name = all[roll(all.length)]!
  const kinds = Object.keys(spoil)
  const kind = kinds[roll(kinds.length)]!
  const good = folder.read(name)
  const bad = spoil[kind]!(Buffer.from(good), roll)
  if (bad === undefined) fs.rmSync(folder.at(name))
  else fs.writeFileSync(folder.at(name), bad)
  const mode = fs.statSync(folder.at('.runtime/format'), { throwIfNoEntry: false })?.mode ?? 0o600
  return {
    what: `${kind} in ${name}`,
    undo: () => fs.writeFileSync(folder.at(name), good, { mode }),
  }
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
