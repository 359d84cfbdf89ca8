// Asks both twins about the same bytes: for every parser of the format, frozen, grown and mutated inputs go to the codec of
// TypeScript and to that of Rust. What one accepts and the other refuses, or reads otherwise, is a bug of one of the two.
// Run alone:
//
//   node test/native/differentialFuzz.ts [--minutes N] [--corpus DIR] [--seed N] [--kinds a,b]
//
// `--corpus` is a folder that coverageFuzz.ts has grown: each of its inputs is asked about, then changed further.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { makeCorpus, readDirectory, readFrozen } from './corpus.ts'
import { dice, mutate, type Roll } from './mutations.ts'
import { shown, shows } from './shown.ts'
import { standAloneCommand } from './standAlone.ts'

/** A running `sentient-store probe`. */
class Probe {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>
  private pieces: Buffer[] = []
  private pending = 0
  private wake: () => void = () => undefined
  private ended = false

  constructor(kind: string) {
    this.child = spawn(standAloneCommand(), ['probe', kind], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdin.on('error', () => undefined)
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.pieces.push(bytes)
      this.pending += bytes.length
      this.wake()
    })
    this.child.on('close', () => {
      this.ended = true
      this.wake()
    })
  }

  /** What it reads in each input; undefined for what it refuses. */
  async ask(inputs: readonly Buffer[]): Promise<(string | undefined)[]> {
    for (const input of inputs) {
      const head = Buffer.alloc(4)
      head.writeUInt32LE(input.length)
      this.child.stdin.write(head)
      this.child.stdin.write(input)
    }
    const answers: (string | undefined)[] = []
    for (const input of inputs) {
      const length = (await this.take(4, input)).readUInt32LE(0)
      answers.push(length === 0 ? undefined : (await this.take(length, input)).toString('latin1'))
    }
    return answers
  }

  private async take(count: number, input: Buffer): Promise<Buffer> {
    while (this.pending < count) {
      if (this.ended) throw new Error(`the probe ended; the input: ${input.toString('hex')}`)
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
    const all = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces)
    this.pieces = [all.subarray(count)]
    this.pending -= count
    return all.subarray(0, count)
  }

  end(): void {
    this.child.stdin.end()
  }
}

export interface Difference {
  readonly kind: string
  readonly hex: string
  /** What each reads, cut short; undefined where it refuses. */
  readonly typescript: string | undefined
  readonly native: string | undefined
}

export interface FuzzReport {
  readonly inputs: number
  readonly accepted: number
  /** At most a few of each kind. */
  readonly differences: readonly Difference[]
}

export interface FuzzOptions {
  /** Of mutated inputs; those that are there already are always all asked about. */
  readonly seconds: number
  readonly seed: number
  readonly kinds?: readonly string[] | undefined
  /** Folders of inputs, one for each kind, below this one. */
  readonly corpus?: string | undefined
}

const batchInputs = 400
const differencesOfKindMax = 5
const shownMax = 400
/** No parser thinks so long about what a fuzzer makes, on however busy a machine. */
const slowMs = 10_000

/** What one kind has to begin with and what becomes of it. */
interface Lane {
  readonly kind: string
  readonly probe: Probe
  readonly pool: Buffer[]
}

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const made = makeCorpus()
  const roll = dice(options.seed)
  const report = { inputs: 0, accepted: 0, differences: [] as Difference[] }
  const lanes = Object.keys(shows)
    .filter(kind => options.kinds?.includes(kind) ?? true)
    .map((kind): Lane => {
      const grown = options.corpus === undefined ? [] : readDirectory(path.join(options.corpus, kind))
      const pool = [...(made[kind] as Buffer[]), ...readFrozen(kind), ...grown]
      if (pool.length === 0) throw new Error(`there is nothing of the kind ${kind} to begin with`)
      return { kind, probe: new Probe(kind), pool }
    })
  for (const lane of lanes)
    for (let at = 0; at < lane.pool.length; at += batchInputs)
      await compare(lane, lane.pool.slice(at, at + batchInputs), report)
  const end = Date.now() + options.seconds * 1000
  do {
    for (const lane of lanes) {
      const { kind, pool } = lane
      const inputs = Array.from({ length: batchInputs }, () => mutate(kind, pool[roll(pool.length)]!, pool, roll))
      const accepted = await compare(lane, inputs, report)
      keepSome(pool, accepted, roll)
    }
  } while (Date.now() < end)
  for (const { probe } of lanes) probe.end()
  return report
}

type Growing = { inputs: number; accepted: number; differences: Difference[] }

/** Asks both about each input; gives back those that TypeScript accepts. */
async function compare({ kind, probe }: Lane, inputs: readonly Buffer[], report: Growing): Promise<Buffer[]> {
  const answers = await probe.ask(inputs)
  const accepted: Buffer[] = []
  for (const [index, bytes] of inputs.entries()) {
    const typescript = shownOrThrown(kind, bytes)
    const native = answers[index]
    if (typescript !== undefined) accepted.push(bytes)
    if (typescript === native) continue
    if (report.differences.filter(difference => difference.kind === kind).length >= differencesOfKindMax) continue
    const short = (text: string | undefined) => text?.slice(0, shownMax)
    report.differences.push({ kind, hex: bytes.toString('hex'), typescript: short(typescript), native: short(native) })
  }
  report.inputs += inputs.length
  report.accepted += accepted.length
  return accepted
}

/** What a codec throws that it must not throw is a difference like others, and so is one that does not come to an end. */
function shownOrThrown(kind: string, bytes: Buffer): string | undefined {
  const started = performance.now()
  try {
    const said = shown(kind, bytes)
    const took = performance.now() - started
    return took > slowMs ? `it took ${Math.round(took)} ms` : said
  } catch (error) {
    return `it threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
  }
}

/** What is accepted and new is where the next mutation may begin. */
function keepSome(pool: Buffer[], accepted: readonly Buffer[], roll: Roll): void {
  for (const bytes of accepted) if (roll(50) === 0 && pool.length < 5000 && bytes.length < 4096) pool.push(bytes)
}

if (import.meta.main) {
  const option = (name: string): string | undefined => {
    const at = process.argv.indexOf(name)
    return at < 0 ? undefined : process.argv[at + 1]
  }
  const seed = Number(option('--seed') ?? Date.now() % 1_000_000)
  const report = await fuzz({
    seconds: 60 * Number(option('--minutes') ?? 1),
    seed,
    kinds: option('--kinds')?.split(','),
    corpus: option('--corpus'),
  })
  console.log(`seed ${seed}: ${report.inputs} inputs, ${report.accepted} accepted`)
  for (const { kind, hex, typescript, native } of report.differences)
    console.log(`${kind}: ${hex}\n  TypeScript: ${typescript ?? 'refuses'}\n  native: ${native ?? 'refuses'}`)
  process.exitCode = report.differences.length === 0 ? 0 : 1
}
