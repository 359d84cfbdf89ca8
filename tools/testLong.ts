// `npm run test:long`: the fault bars in full, for hours. It can be stopped at any time (Ctrl-C) and taken up again: what
// has run green at this commit is not run again.
//
//   npm run test:long -- --list                  the parts, how far each is, and about how long the rest takes
//   npm run test:long -- --only kill --only flip some parts; --twin native or TypeScript: of one twin
//   npm run test:long -- --minutes 120           for the parts that run as long as they may (60)
//   npm run test:long -- --seed 7                other draws; --again: what has run green, too
//   npm run test:long -- --most 5                no more than so many pieces, then it ends
//   npm run test:long -- --record                writes what was tried into docs/reliability.md

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { longParts, type Piece, type Twin } from './longParts.ts'
import {
  addOutcome,
  allStates,
  keyOf,
  type LongState,
  type Row,
  readState,
  rowsOf,
  stateFolder,
  tableOf,
} from './longState.ts'
import { buildNativeAloud, nativeAddOn, standAloneCommand } from './native.ts'

const root = path.dirname(import.meta.dirname)

interface Task {
  /** Unique: where its outcome is kept. */
  readonly name: string
  readonly part: string
  readonly twin: Twin
  readonly piece: Piece
  readonly seed: number
  /** `3/8`; undefined where it is one. */
  readonly share: string | undefined
}

interface Options {
  readonly tasks: readonly Task[]
  readonly again: boolean
  readonly list: boolean
  readonly record: boolean
  readonly most: number
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      twin: { type: 'string' },
      minutes: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      again: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      most: { type: 'string' },
    },
  })
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
  if (!(minutes > 0)) throw new Error(`--minutes takes a number, not "${values.minutes}"`)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed takes a whole number, not "${values.seed}"`)
  const parts = longParts(minutes)
  const names = parts.map(({ name }) => name)
  const unknown = values.only?.find(name => !names.includes(name))
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}": ${names.join(', ')}`)
  const tasks = parts
    .filter(({ name }) => values.only?.includes(name) ?? true)
    .flatMap(part =>
      part.twins
        .filter(twin => values.twin === undefined || values.twin === twin)
        .flatMap(twin =>
          (part.piecesOf?.[twin] ?? part.pieces).flatMap(piece => tasksOf(part.name, twin, piece, seed)),
        ),
    )
  const most = values.most === undefined ? Number.POSITIVE_INFINITY : Number(values.most)
  if (!(most >= 1)) throw new Error(`--most takes a number from 1 on, not "${values.most}"`)
  return { tasks, again: values.again, list: values.list, record: values.record, most }
}

function tasksOf(part: string, twin: Twin, piece: Piece, firstSeed: number): Task[] {
  const { file, only = '', skip, minutes = '', times = 1, shares = 1 } = piece
  const which = [part, twin, file, only, skip === undefined ? '' : `not ${skip}`, minutes].join(' | ')
  return Array.from({ length: times * shares }, (_, i) => {
    const seed = firstSeed * 1_000 + Math.floor(i / shares)
    const share = shares === 1 ? undefined : `${1 + (i % shares)}/${shares}`
    return { name: [which, [seed, share].join(' ').trim()].join(' | '), part, twin, piece, seed, share }
  })
}

const isGreen = (state: LongState, { name }: Task): boolean => state.outcomes[name]?.green === true

function currentKey(): string {
  const git = (...parameters: string[]) =>
    execFileSync('git', parameters, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  const code = ['src', 'test', 'native-core', 'format', 'package-lock.json']
  const commit = git('rev-parse', 'HEAD').trim()
  const added = git('ls-files', '--others', '--exclude-standard', '--', ...code)
  return keyOf(commit, git('diff', 'HEAD', '--', ...code) + added)
}

interface Ran {
  readonly green: boolean
  readonly seconds: number
  readonly tried: Record<string, number>
  readonly output: string
  readonly stopped: boolean
}

/** What a test says of itself, or a fuzzer. */
const triedLine = /^(?:(?:# )?tried |seeds? (?:from )?\d+: |[\w-]+ +\d+ s: )(\d+) ([^,\n]+)/gm

let running: ChildProcess | undefined
let stopping = false

/** Runs one piece in a process of its own. */
function run({ piece, seed, twin, share }: Task): Promise<Ran> {
  const { file, only, skip, minutes } = piece
  const isTest = /\.test\.ts$/.test(file)
  const told = minutes === undefined ? [] : ['--minutes', String(minutes), '--seed', String(seed)]
  const parameters = [
    ...(isTest ? ['--import', path.join(root, 'tools', 'testSeed.ts')] : []),
    ...(only === undefined ? [] : [`--test-name-pattern=${only}`]),
    ...(skip === undefined ? [] : [`--test-skip-pattern=${skip}`]),
    path.join(root, file),
    ...told,
  ]
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    SENTIENT_TEST_SEED: String(seed),
    SENTIENT_TEST_THOROUGHNESS: 'full',
    ...(share === undefined ? {} : { SENTIENT_TEST_SHARE: share }),
  }
  delete env.SENTIENT_TEST_NATIVE
  if (twin === 'native') {
    env.SENTIENT_TEST_NATIVE = nativeAddOn(root)
    env.SENTIENT_TEST_STORE = standAloneCommand(root)
  }
  const started = performance.now()
  const child = spawn(process.execPath, parameters, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running = child
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      running = undefined
      const output = chunks.join('')
      const tried: Record<string, number> = {}
      for (const [, count, what = ''] of output.matchAll(triedLine)) tried[what] = (tried[what] ?? 0) + Number(count)
      const something = Object.values(tried).some(count => count > 0)
      const seconds = (performance.now() - started) / 1000
      resolve({ green: code === 0 && something, seconds, tried, output, stopped: stopping })
    })
  })
}

function stop(): void {
  if (stopping) process.exit(130)
  stopping = true
  console.log('\nstopping; what has run green is kept')
  // A terminal has told it already; what it has started ends with it.
  running?.kill('SIGTERM')
}

const hours = (seconds: number): string =>
  seconds < 90
    ? `${Math.round(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`

/** As long as the same took before, or as the table guesses. */
function expected(task: Task, state: LongState): number {
  const known = Object.entries(state.outcomes).filter(([name]) =>
    name.startsWith(task.name.slice(0, task.name.lastIndexOf(' | '))),
  )
  if (known.length === 0) return task.piece.seconds
  return known.reduce((sum, [, { seconds }]) => sum + seconds, 0) / known.length
}

async function runAll(tasks: readonly Task[], key: string): Promise<boolean> {
  let state = readState(key)
  let green = true
  for (const [i, task] of tasks.entries()) {
    const left = tasks.slice(i).reduce((sum, one) => sum + expected(one, state), 0)
    console.log(`${i + 1} of ${tasks.length}, about ${hours(left)} left: ${task.name}`)
    const ran = await run(task)
    if (ran.stopped) {
      process.exitCode = 130
      return green
    }
    const { part, twin, seed } = task
    const { seconds, tried } = ran
    state = addOutcome(key, task.name, {
      part,
      twin,
      seed,
      seconds,
      tried,
      green: ran.green,
      ended: new Date().toISOString(),
    })
    const told = Object.entries(tried).map(([what, count]) => `${count} ${what}`)
    console.log(`  ${ran.green ? 'green' : 'FAILED'} in ${hours(seconds)}: ${told.join(', ') || 'nothing was tried'}`)
    if (ran.green) continue
    green = false
    const log = path.join(stateFolder(), `${key}-${part}-${twin}-${i}.log`)
    fs.writeFileSync(log, ran.output)
    console.log(`${ran.output.slice(-4000)}\n  all of it: ${log}`)
  }
  return green
}

/** Of all commits, by part. */
function recordedRows(): Row[] {
  const order = longParts(1).map(({ name }) => name)
  const rows = rowsOf(allStates())
  return rows.sort((a, b) => order.indexOf(a.part) - order.indexOf(b.part) || (a.twin < b.twin ? -1 : 1))
}

function record(): void {
  const file = path.join(root, 'docs', 'reliability.md')
  const [begin, end] = ['<!-- what was tried -->', '<!-- end of what was tried -->']
  const text = fs.readFileSync(file, 'utf8')
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${file} has no place for the table`)
  fs.writeFileSync(file, `${before}${begin}\n\n${tableOf(recordedRows())}\n${end}${after}`)
}

async function main(): Promise<void> {
  const { tasks, again, list, record: records, most } = readOptions()
  if (records) return record()
  const key = currentKey()
  const state = readState(key)
  const left = again ? tasks : tasks.filter(task => !isGreen(state, task))
  console.log(`${key}: ${tasks.length - left.length} of ${tasks.length} pieces have run green before`)
  if (list) {
    for (const task of tasks)
      console.log(
        `${isGreen(state, task) ? 'green' : 'to do'}  ${hours(expected(task, state)).padStart(6)}  ${task.name}`,
      )
    return
  }
  if (left.some(({ twin }) => twin === 'native')) {
    const { built, text } = await buildNativeAloud(root)
    if (!built) throw new Error(`the native core can not be tested: ${text} (--twin TypeScript goes without)`)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  const green = await runAll(left.slice(0, most), key)
  console.log(`\n${tableOf(rowsOf([readState(key)]))}`)
  if (!green) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
