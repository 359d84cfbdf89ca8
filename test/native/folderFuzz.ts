// Whole root folders, damaged in several places, before all three verifiers: the program's own, the stand-alone one of the
// native core, and the reader that was written from the text of the format alone. All call a folder damaged or none does; the
// first two also name the same damage. Run alone:
//
//   node test/native/folderFuzz.ts [--minutes N] [--seed N] [--once SEED]

import fs from 'node:fs'
import path from 'node:path'
import { prepare } from '../../tools/testSetup.ts'
import { type Folder, makeFolder, noise, put, run, typescriptAlone } from '../core/verify/fixtures.ts'
import { openReader, type Reader } from '../reader/agreement.ts'
import { dice, mutate, type Roll } from './mutations.ts'
import { type Done, damage, files } from './spoiling.ts'
import { askTwins, disagreementOf } from './verdicts.ts'

const truth = /^(?:\.auth\/.*|\.runtime\/(?:format|marks|checkpoint|journal\/.*)|\.tree\/packs\/.*\.pack)$/

interface Subject {
  readonly folder: Folder
  readonly reader: Reader
  /** Files as they were earlier in the history, by name. */
  readonly earlier: ReadonlyMap<string, Buffer>
  remove(): void
}

/** Small, with a bit of everything: packs, lists of changes, snapshots, a gc, two epochs of files to mix up. */
async function makeSubject(): Promise<Subject> {
  const undo: (() => void)[] = []
  const context = { after: (work: unknown) => void undo.push(work as () => void) }
  const content = { a: 'one '.repeat(99), 'a.b': 'two', 'd/x': 'three', 'd/y': 'four', noise: noise(3_000, 1) }
  const folder = await makeFolder(context, content, typescriptAlone)
  const earlier = new Map<string, Buffer>()
  await folder.with(async system => {
    await put(system, 'a', 'changed')
    await run(system.remove(['d'], { recursive: true }))
  })
  for (const name of files(folder)) earlier.set(name, folder.read(name))
  await folder.with(async system => {
    await run(system.undo())
    await run(system.snapshotCreate({ name: 'mine', label: 'a label' }))
    for (const { name } of system.snapshots()) if (name !== 'mine') await run(system.snapshotRemove(name))
    await put(system, 'large', noise(200_000, 2))
    await put(system, 'large', 'small')
    await run(system.gc({}))
    await put(system, 'after/gc', 'still here')
  })
  const reader = openReader(folder.path)
  return {
    ...{ folder, reader, earlier },
    remove() {
      reader.close()
      for (const work of undo) work()
    },
  }
}

/** What was done to files, and back. */
function replaced(folder: Folder, what: string, contents: ReadonlyMap<string, Buffer | undefined>): Done {
  const before = new Map([...contents.keys()].map(name => [name, readIfThere(folder, name)] as const))
  const write = (all: ReadonlyMap<string, Buffer | undefined>): void => {
    for (const [name, bytes] of all) {
      if (bytes === undefined) fs.rmSync(folder.at(name), { force: true })
      else fs.writeFileSync(folder.at(name), bytes, { mode: 0o600 })
    }
  }
  write(contents)
  return { what: `${what} in ${[...contents.keys()].join(' and ')}`, undo: () => write(before) }
}

const readIfThere = (folder: Folder, name: string): Buffer | undefined =>
  fs.existsSync(folder.at(name)) ? folder.read(name) : undefined

const kindOf = (name: string): string =>
  name.endsWith('.pack') ? 'pack' : name.endsWith('.seg') ? 'segment' : name.endsWith('marks') ? 'marks-file' : ''

type Spoiler = (subject: Subject, names: readonly string[], roll: Roll) => Done | undefined

const spoilers: readonly Spoiler[] = [
  // A file like the fuzzers change one, its checksums put right: what is wrong shows only behind them.
  ({ folder }, names, roll) => {
    const name = names[roll(names.length)]!
    const bytes = folder.read(name)
    return replaced(folder, 'mended', new Map([[name, mutate(kindOf(name), bytes, [bytes], roll)]]))
  },
  ({ folder }, names, roll) => {
    const [one, other] = [names[roll(names.length)]!, names[roll(names.length)]!]
    if (one === other) return undefined
    const contents = new Map([
      [one, folder.read(other)],
      [other, folder.read(one)],
    ])
    return replaced(folder, 'swapped', contents)
  },
  ({ folder, earlier }, names, roll) => {
    const name = names[roll(names.length)]!
    const bytes = earlier.get(name)
    return bytes === undefined ? undefined : replaced(folder, 'as it was before', new Map([[name, bytes]]))
  },
  // A pack or a segment once more, or alone, under another number.
  ({ folder }, names, roll) => {
    const numbered = names.filter(name => /\d+\.(?:pack|seg)$/.test(name))
    const name = numbered[roll(numbered.length)]!
    const other = name.replace(/\d+(?=\.)/, digits => String(roll(9)).padStart(digits.length, '0'))
    if (other === name) return undefined
    const bytes = folder.read(name)
    const contents = new Map<string, Buffer | undefined>([[other, bytes]])
    if (roll(2) === 0) contents.set(name, undefined)
    return replaced(folder, 'under another number', contents)
  },
]

/** One to three of these. */
function spoil(subject: Subject, roll: Roll): Done[] {
  const done: Done[] = []
  for (let left = 1 + (roll(2) === 0 ? roll(3) : 0); left > 0; left--) {
    const names = files(subject.folder).filter(name => truth.test(name) && subject.folder.read(name).length > 0)
    if (names.length === 0) break
    const choice = roll(spoilers.length + 2)
    const spoiled =
      choice < spoilers.length ? spoilers[choice]!(subject, names, roll) : damage(subject.folder, roll, names)
    if (spoiled !== undefined) done.push(spoiled)
  }
  return done
}

/** What the verifiers do not agree on; undefined when they do. */
async function disagreement({ folder, reader }: Subject): Promise<string | undefined> {
  const other = await reader.verdict()
  const twins = await askTwins(folder)
  const isDamaged = other.damaged.size > 0
  const told = disagreementOf(twins)
  if (told !== undefined)
    return `${told}\n  program: ${JSON.stringify(twins.findings).slice(0, 900)}\n  native: ${JSON.stringify(twins.alone).slice(0, 900)}`
  if (isDamaged === twins.isDamaged) return undefined
  return `${isDamaged ? 'only the reader' : 'all but the reader'} calls it damaged\n  reader: ${other.text.slice(0, 600)}\n  program: ${JSON.stringify(twins.findings).slice(0, 900)}`
}

export interface FolderReport {
  readonly folders: number
  readonly damaged: number
  readonly differences: readonly string[]
}

const differencesMax = 20

/** `firstSeed` and those after it, for so many folders or so long. */
export async function fuzzFolders(options: {
  readonly firstSeed: number
  readonly folders: number
  readonly seconds: number
}): Promise<FolderReport> {
  const subject = await makeSubject()
  const report = { folders: 0, damaged: 0, differences: [] as string[] }
  const end = Date.now() + options.seconds * 1000
  try {
    const first = await disagreement(subject)
    if (first !== undefined) report.differences.push(`the sound folder: ${first}`)
    for (let seed = options.firstSeed; report.folders < options.folders && Date.now() < end; seed++) {
      const done = spoil(subject, dice(seed))
      const what = `--once ${seed}: ${done.map(one => one.what).join(', ')}`
      try {
        const told = await disagreement(subject)
        if (told !== undefined) report.differences.push(`${what}\n  ${told}`)
      } catch (error) {
        report.differences.push(`${what}\n  ${error instanceof Error ? error.stack : String(error)}`)
      } finally {
        for (const { undo } of done.toReversed()) undo()
      }
      report.folders++
      if (done.length > 0) report.damaged++
      if (report.differences.length >= differencesMax) break
    }
    const last = await disagreement(subject)
    if (last !== undefined) report.differences.push(`the sound folder again: ${last}`)
  } finally {
    subject.remove()
  }
  return report
}

if (import.meta.main) {
  const option = (name: string): number | undefined => {
    const at = process.argv.indexOf(name)
    return at < 0 ? undefined : Number(process.argv[at + 1])
  }
  const { environment } = await prepare(path.join(import.meta.dirname, '..', '..'), [
    ...(process.env.SENTIENT_TEST_STORE === undefined ? (['native core'] as const) : []),
    'python packages of the reader',
  ])
  Object.assign(process.env, environment)
  const once = option('--once')
  const firstSeed = once ?? option('--seed') ?? Date.now() % 1_000_000
  const seconds = 60 * (option('--minutes') ?? 1)
  const report = await fuzzFolders({ firstSeed, folders: once === undefined ? Number.POSITIVE_INFINITY : 1, seconds })
  console.log(`seeds from ${firstSeed}: ${report.folders} folders, ${report.damaged} changed`)
  for (const difference of report.differences) console.log(difference)
  process.exitCode = report.differences.length === 0 ? 0 : 1
}
