// What verbs take at the edge of what is ordinary: 100,000 files in many directories, and in a single one, with half as
// many coming and going. Largest resident memory, longest stalls of the event loop (in brackets what this thread worked meanwhile), and how soon a verb ends after
// Ctrl-C. `node bench/limits.ts [--files N] [--shape many|one] [--native 0|1] [--stop]`; needs dist and GNU time.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { makeTree } from './tree.ts'

const repository = path.dirname(import.meta.dirname)
const sentctl = path.join(repository, 'bin/sentctl')
const budgets = { megabytes: 300, stallMs: 30, stopMs: 1000 }
const shapes = ['many', 'one'] as const
type Shape = (typeof shapes)[number]

interface Step {
  readonly name: string
  readonly args: readonly string[]
  readonly before?: () => void
}

interface Place {
  readonly tree: string
  readonly files: number
  readonly shape: Shape
  readonly native: string
}

interface Measured {
  readonly seconds: number
  readonly megabytes: number
  readonly stalls: readonly { readonly atMs: number; readonly ms: number; readonly workedMs: number }[]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      files: { type: 'string', default: '100000' },
      shape: { type: 'string' },
      native: { type: 'string' },
      scratch: { type: 'string', default: os.tmpdir() },
      stop: { type: 'boolean', default: false },
    },
  })
  for (const shape of shapes.filter(name => values.shape === undefined || values.shape === name)) {
    for (const native of ['0', '1'].filter(twin => values.native === undefined || values.native === twin)) {
      const scratch = fs.mkdtempSync(path.join(values.scratch, 'sentientos-bench-'))
      const place = { tree: path.join(scratch, 'tree'), files: Number(values.files), shape, native }
      try {
        say(`\n${place.files} files in ${shape === 'many' ? 'many directories' : 'one directory'}, ${twinText(native)}`)
        if (values.stop) await measureStops(place)
        else for (const step of steps(place)) report(step, measure(step, place))
      } finally {
        fs.rmSync(scratch, { recursive: true, force: true })
      }
    }
  }
}

const twinText = (native: string): string => (native === '0' ? 'TypeScript alone' : 'with the native core')

/** The verbs in an order in which each finds something to do. */
function steps(place: Place): readonly Step[] {
  const { tree, files, shape } = place
  const half = Math.floor(files / 2)
  const [whole, grown] = shape === 'many' ? ['part0', 'new'] : ['flat', 'flat']
  const most = shape === 'many' ? partsOf(files).slice(1) : ['flat']
  return [
    { name: 'init', args: ['init', tree], before: () => makeShape(place) },
    { name: 'status', args: ['status'], before: () => sleep(2.5) },
    { name: 'status again', args: ['status'] },
    { name: `absorb of ${half} new files`, args: ['absorb'], before: () => makeMore(place, half) },
    { name: 'snapshot create', args: ['snapshot', 'create', '--name', 'base'] },
    { name: 'log', args: ['log', '--all'] },
    { name: 'ls', args: ['ls', whole] },
    { name: 'diff of states', args: ['diff', '--from', '0', '--to', 'now', '--names'] },
    { name: `cp -r of ${grown}`, args: ['cp', '-r', grown, 'copied'] },
    { name: 'undo of it', args: ['undo'] },
    { name: `mv of ${grown}`, args: ['mv', grown, 'moved'] },
    { name: 'undo of it', args: ['undo'] },
    { name: 'chmod -R', args: ['chmod', '-r', 'g+w', grown] },
    { name: 'rm -r of most', args: ['rm', '-r', ...most] },
    { name: 'rollback', args: ['rollback', '--to', 'base'] },
    { name: 'undo of it', args: ['undo'] },
    { name: 'restore', args: ['restore', ...most, '--to', 'base'] },
    { name: 'diff with the disk', args: ['diff', '--names'], before: () => removeSome(place, half) },
    { name: 'restore of what is gone', args: ['restore', '.'] },
    { name: 'verify', args: ['verify'] },
    { name: 'verify --deep', args: ['verify', '--deep'] },
    { name: 'gc', args: ['gc'] },
    { name: 'repair', args: ['repair'] },
    { name: 'backup', args: ['backup', path.join(path.dirname(tree), 'backup')] },
  ]
}

function makeShape(place: Place): void {
  const { tree, files, shape } = place
  if (shape === 'many') makeTree(tree, files)
  else makeFlat(path.join(tree, 'flat'), 0, files)
}

function makeMore({ tree, files, shape }: Place, count: number): void {
  if (shape === 'many') makeTree(path.join(tree, 'new'), count)
  else makeFlat(path.join(tree, 'flat'), files, count)
}

function makeFlat(directory: string, from: number, count: number): void {
  fs.mkdirSync(directory, { recursive: true })
  for (let n = from; n < from + count; n++) fs.writeFileSync(path.join(directory, `file${n}.txt`), `content ${n}\n`)
}

function removeSome({ tree, shape }: Place, count: number): void {
  if (shape === 'many') fs.rmSync(path.join(tree, 'new'), { recursive: true })
  else for (let n = 0; n < count; n++) fs.rmSync(path.join(tree, 'flat', `file${n}.txt`))
}

const filesPerPart = 3200

const partsOf = (files: number): string[] =>
  Array.from({ length: Math.ceil(files / filesPerPart) }, (_, part) => `part${part}`)

const sleep = (seconds: number): void => void execFileSync('sleep', [String(seconds)])

function commandOf(step: Step, { tree }: Place): readonly string[] {
  const [verb = '', ...rest] = step.args
  return verb === 'init' ? ['init', ...rest] : ['--root', tree, verb, ...rest]
}

function environmentOf({ native, tree }: Place): NodeJS.ProcessEnv {
  return {
    ...process.env,
    SENTIENT_NATIVE: native,
    SENTIENT_BENCH_STALLS: `${tree}.stalls`,
    NODE_OPTIONS: `--import=${path.join(import.meta.dirname, 'stallWatch.ts')}`,
    XDG_STATE_HOME: `${tree}.state`,
    XDG_CACHE_HOME: `${tree}.cache`,
  }
}

function measure(step: Step, place: Place): Measured {
  step.before?.()
  execFileSync('sync')
  const started = performance.now()
  const times = `${place.tree}.time`
  const done = spawnSync('/usr/bin/time', ['-f', '%M', '-o', times, sentctl, ...commandOf(step, place)], {
    cwd: path.dirname(place.tree),
    env: environmentOf(place),
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const seconds = (performance.now() - started) / 1000
  if (done.status !== 0) throw new Error(`${step.name} ended with ${done.status}: ${done.stderr}`)
  const megabytes = Number(fs.readFileSync(times, 'utf8').trim().split('\n').at(-1)) / 1024
  return { seconds, megabytes, stalls: JSON.parse(fs.readFileSync(`${place.tree}.stalls`, 'utf8')).stalls }
}

function report({ name }: Step, { seconds, megabytes, stalls }: Measured): void {
  const long = stalls.filter(({ ms }) => ms > budgets.stallMs)
  const mark =
    megabytes > budgets.megabytes || long.some(({ workedMs }) => workedMs > budgets.stallMs) ? '  MISSED' : ''
  const shown = long
    .map(({ atMs, ms, workedMs }) => `${ms.toFixed(0)} (${workedMs.toFixed(0)}) at ${(atMs / 1000).toFixed(2)} s`)
    .join(', ')
  say(
    `${name.padEnd(28)} ${seconds.toFixed(2).padStart(7)} s ${megabytes.toFixed(0).padStart(5)} MB, ` +
      `longest stall ${(stalls[0]?.ms ?? 0).toFixed(0).padStart(4)} ms${mark}${shown === '' ? '' : ` (${shown})`}`,
  )
}

/** Ends verbs with Ctrl-C at moments spread over their time, and waits for their end. */
async function measureStops(place: Place): Promise<void> {
  const [init, ...others] = steps(place)
  if (init !== undefined) measure(init, place)
  const by = (name: string): Step => others.find(step => step.name.startsWith(name)) as Step
  measure(by('absorb'), place)
  measure(by('snapshot'), place)
  await stopAtMoments(by('status'), place)
  await stopAtMoments(by('cp -r'), place)
  await stopAtMoments(by('rm -r'), place)
  measure(by('rm -r'), place)
  await stopAtMoments(by('rollback'), place)
  await stopAtMoments(by('restore'), place)
  await stopAtMoments(by('verify --deep'), place)
}

const moments = 12

async function stopAtMoments(step: Step, place: Place): Promise<void> {
  const undo: Step = { name: 'undo', args: ['undo'] }
  const writes = !['status', 'verify --deep'].includes(step.name)
  const { seconds } = measure(step, place)
  if (writes) measure(undo, place)
  const found: string[] = []
  let longest = 0
  for (let moment = 1; moment <= moments; moment++) {
    const after = (seconds * 1000 * moment) / (moments + 1)
    const { ms, code } = await stopped(step, place, after)
    if (code === 0 && writes) measure(undo, place)
    else longest = Math.max(longest, ms)
    found.push(`${(after / 1000).toFixed(1)}:${ms.toFixed(0)}${code === 0 ? ' (done)' : ''}`)
  }
  const mark = longest > budgets.stopMs ? '  MISSED' : ''
  say(`${step.name.padEnd(28)} ends after Ctrl-C within ${longest.toFixed(0)} ms${mark} (${found.join(', ')})`)
}

async function stopped(step: Step, place: Place, afterMs: number): Promise<{ ms: number; code: number | null }> {
  const child = spawn(sentctl, commandOf(step, place), { env: environmentOf(place), stdio: 'ignore' })
  const ended = new Promise<number | null>(resolve => child.on('exit', resolve))
  await delay(afterMs)
  const sent = performance.now()
  child.kill('SIGINT')
  const code = await ended
  return { ms: performance.now() - sent, code }
}

const say = (text: string): boolean => process.stdout.write(`${text}\n`)

await main()
