// The budgets of the history, beside the programs that do the same work, in one run on one generated tree: first
// snapshot, status, the next snapshot, going back, restore, deep check, size. `npm run bench -- peers [--files 100000]
// [--runs 3] [--only NAME,NAME]`. The result is JSON for report.ts.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { bytesIn, type Cost, median, run } from './measure.ts'
import { type Bench, emptyTree, type Program, programs } from './programs.ts'
import { changeFiles, makeTree } from './tree.ts'

export type Work = 'first' | 'status' | 'next' | 'back' | 'restore' | 'verify'

export interface Figures {
  readonly program: string
  readonly version: string
  readonly note: string
  readonly costs: Readonly<Partial<Record<Work, Cost>>>
  readonly storeBytes: number
}

export interface PeersOptions {
  readonly files: number
  readonly runs: number
  readonly only: readonly string[] | undefined
  readonly scratch: string
  readonly repository: string
  readonly say: (text: string) => void
}

const changed = 100

/** Figures of each program; one that is not installed is said and left out. */
export function measurePeers(options: PeersOptions): { readonly bytes: number; readonly figures: readonly Figures[] } {
  const original = path.join(options.scratch, 'tree')
  const bytes = makeTree(original, options.files)
  const figures: Figures[] = []
  for (const program of programs) {
    if (options.only !== undefined && !options.only.includes(program.name)) continue
    const missing = program.needs.find(name => !isInstalled(name))
    if (missing !== undefined) {
      options.say(`${program.name}: NOT MEASURED, ${missing} is not installed`)
      continue
    }
    const scratch = path.join(options.scratch, program.name.replace(/\W+/g, '-'))
    const bench: Bench = { tree: path.join(scratch, 'tree'), scratch, repository: options.repository }
    fs.mkdirSync(scratch)
    execFileSync('cp', ['-a', original, bench.tree])
    execFileSync('sync')
    figures.push(measure(program, bench, options))
    fs.rmSync(scratch, { recursive: true })
  }
  fs.rmSync(original, { recursive: true })
  return { bytes, figures }
}

function measure(program: Program, bench: Bench, { files, runs, say }: PeersOptions): Figures {
  const place = { cwd: bench.tree, environment: program.environment(bench) }
  const all = (commands: readonly (readonly string[])[]): Cost => {
    const costs = commands.map(command => run(command, place))
    const megabytes = Math.max(...costs.map(cost => cost.megabytes))
    return { seconds: costs.reduce((sum, cost) => sum + cost.seconds, 0), megabytes }
  }
  const costs: Partial<Record<Work, Cost>> = {}
  const note = (work: Work, cost: Cost) => {
    costs[work] = cost
    say(`${program.name.padEnd(20)} ${work.padEnd(8)} ${cost.seconds.toFixed(3)} s ${cost.megabytes.toFixed(0)} MB`)
  }
  if (program.prepare !== undefined) all(program.prepare(bench))
  note('first', all(program.first(bench)))
  // Times must be older than two seconds, or every program has to look at what it has just seen.
  execFileSync('sleep', ['2.5'])
  const { status, back } = program
  if (status !== undefined) {
    all(status(bench))
    note(
      'status',
      median(runs, () => all(status(bench))),
    )
  }
  note(
    'next',
    median(runs, round => {
      changeFiles(bench.tree, files, { count: changed, round: round + 1 })
      return all(program.next(bench, round))
    }),
  )
  const storeBytes = program.store(bench).reduce((sum, folder) => sum + bytesIn(folder), 0)
  note('verify', all(program.verify(bench)))
  note(
    'restore',
    median(Math.min(runs, 2), round => {
      const { emptied, commands } = program.restore(bench, round)
      if (emptied) emptyTree(bench.tree)
      execFileSync('sync')
      return all(commands)
    }),
  )
  execFileSync('sleep', ['2.5'])
  if (back !== undefined) note('back', all(back(bench)))
  return { program: program.name, version: versionOf(program, bench), note: program.note ?? '', costs, storeBytes }
}

function versionOf(program: Program, { repository }: Bench): string {
  const [command = path.join(repository, 'bin/sentctl'), option = '--version'] =
    program.needs.length === 0 ? [undefined, 'version'] : [program.needs[0]]
  const text = execFileSync(command, [command === 'restic' ? 'version' : option], { encoding: 'utf8' })
  return /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? 'unknown'
}

function isInstalled(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some(folder => folder !== '' && fs.existsSync(path.join(folder, name)))
}
