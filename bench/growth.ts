// What grows with what exists: the same hundred changed files in trees of several sizes. Only the first snapshot and the
// look at everything (status, deep check) may grow with the tree.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type Cost, median, run } from './measure.ts'
import { type Bench, type Program, programs } from './programs.ts'
import { changeFiles, makeTree, pathOfFile } from './tree.ts'

export interface GrowthFigures {
  readonly program: string
  readonly files: number
  readonly first: Cost
  readonly status: Cost
  /** One file of known path stored and recorded: nothing else is looked at. */
  readonly put: Cost
  readonly next: Cost
  readonly back: Cost
  readonly log: Cost
}

export interface GrowthOptions {
  readonly sizes: readonly number[]
  readonly runs: number
  readonly scratch: string
  readonly repository: string
  readonly say: (text: string) => void
}

/** Our own programs alone: how peers grow is their matter. */
export function measureGrowth(options: GrowthOptions): readonly GrowthFigures[] {
  const own = programs.filter(program => program.needs.length === 0)
  return options.sizes.flatMap(files => own.map(program => measure(program, files, options)))
}

function measure(program: Program, files: number, { runs, scratch, repository, say }: GrowthOptions): GrowthFigures {
  const folder = fs.mkdtempSync(path.join(scratch, 'growth-'))
  const bench: Bench = { tree: path.join(folder, 'tree'), scratch: folder, repository }
  const place = { cwd: bench.tree, environment: program.environment(bench) }
  const sentctl = path.join(repository, 'bin/sentctl')
  makeTree(bench.tree, files)
  execFileSync('sync')
  const one = (commands: readonly (readonly string[])[] | undefined): Cost => run(commands?.[0] ?? [], place)
  const first = one(program.first(bench))
  execFileSync('sleep', ['2.5'])
  one(program.status?.(bench))
  const status = median(runs, () => one(program.status?.(bench)))
  const put = median(runs, round => {
    const source = path.join(folder, 'source')
    fs.writeFileSync(source, `round ${round}\n`)
    return run([sentctl, 'put', pathOfFile(0), '--from', source], place)
  })
  const next = median(runs, round => {
    changeFiles(bench.tree, files, { count: 100, round: round + 1 })
    return one(program.next(bench, round))
  })
  const back = one(program.back?.(bench))
  const log = median(runs, () => run([sentctl, 'log', '-n', '20'], place))
  fs.rmSync(folder, { recursive: true })
  const figures = { program: program.name, files, first, status, put, next, back, log }
  say(
    `${program.name.padEnd(20)} ${String(files).padStart(7)} files ${Object.entries(figures)
      .flatMap(([name, cost]) => (typeof cost === 'object' ? [`${name} ${cost.seconds.toFixed(2)} s`] : []))
      .join(', ')}`,
  )
  return figures
}
