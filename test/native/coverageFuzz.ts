// Coverage-guided fuzzing of the parsers of the native core, by libFuzzer: builds native-core/fuzz with the compiler's
// coverage counters and gives each parser its share of the time. The inputs that it finds are worth keeping for both twins:
// differentialFuzz.ts goes on from them. By hand:
//
//   node test/native/coverageFuzz.ts [--minutes N] [--corpus DIR] [--seed N] [--kinds a,b]
//   node test/native/coverageFuzz.ts --freeze [--corpus DIR]     the smallest inputs with the same coverage, for test/native/corpus

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { cacheFolder } from '../../tools/testSetup.ts'
import { makeCorpus, readDirectory, readFrozen, writeKept } from './corpus.ts'
import { shown, shows } from './shown.ts'

const repository = path.join(import.meta.dirname, '..', '..')
const fuzzFolder = path.join(repository, 'native-core', 'fuzz')
const triple = 'x86_64-unknown-linux-gnu'

/** As cargo-fuzz has it, without what needs a nightly compiler. */
const coverageFlags = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
].join(' ')

/** How many shares of the time a kind has, and how long its inputs may be; of the others it is one, and 4096 bytes. */
const shares: Readonly<Record<string, { readonly share?: number; readonly bytesMax?: number }>> = {
  cbor: { share: 2 },
  node: { share: 3, bytesMax: 16_384 },
  changes: { share: 3 },
  body: { share: 3 },
  segment: { share: 2, bytesMax: 16_384 },
  pack: { share: 2, bytesMax: 16_384 },
  'marks-file': { bytesMax: 8_300 },
  note: { share: 2 },
  'recycle-lock': { share: 2 },
  'recycle-trace': { share: 2 },
  binding: { share: 2 },
  inclusion: { share: 2 },
  zstd: { bytesMax: 16_384 },
  'segment-header': { share: 0.25, bytesMax: 64 },
  'pack-header': { share: 0.25, bytesMax: 64 },
  'pack-entry': { share: 0.5, bytesMax: 128 },
  'marks-slot': { share: 0.5, bytesMax: 600 },
  cid: { share: 0.5, bytesMax: 128 },
  origin: { share: 0.5, bytesMax: 128 },
  'private-key': { share: 0.5, bytesMax: 256 },
}

/** The fuzzer's binary. */
function build(): string {
  const target = path.join(cacheFolder(), 'cargo-fuzz')
  const done = spawnSync('cargo', ['build', '--release', '--locked', '--target', triple], {
    cwd: fuzzFolder,
    env: { ...process.env, RUSTFLAGS: coverageFlags, CARGO_TARGET_DIR: target },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (done.status !== 0) throw new Error('the fuzz target can not be built')
  return path.join(target, triple, 'release', 'sentient-fuzz')
}

const nameOf = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex')

/** The folder of a kind, with all that is known to begin with. */
function sow(corpus: string, kind: string, made: readonly Buffer[]): string {
  const folder = path.join(corpus, kind)
  fs.mkdirSync(folder, { recursive: true })
  for (const bytes of [...made, ...readFrozen(kind)]) fs.writeFileSync(path.join(folder, nameOf(bytes)), bytes)
  return folder
}

interface Ran {
  readonly code: number
  readonly text: string
}

/** Runs the binary; its report goes to stderr. */
function run(binary: string, kind: string, options: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    const env = { ...process.env, SENTIENT_FUZZ_KIND: kind }
    const child = spawn(binary, options, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      text = (text + piece).slice(-200_000)
    })
    child.on('close', code => resolve({ code: code ?? -1, text }))
  })
}

const lastNumber = (text: string, pattern: RegExp): number => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0)

interface Fuzzing {
  readonly binary: string
  readonly corpus: string
  readonly seed: number
}

/** Fuzzes one kind for some seconds; answers whether there were findings. */
async function fuzzKind({ binary, corpus, seed }: Fuzzing, kind: string, seconds: number): Promise<boolean> {
  const findings = path.join(corpus, 'findings')
  fs.mkdirSync(findings, { recursive: true })
  const { code, text } = await run(binary, kind, [
    path.join(corpus, kind),
    `-max_total_time=${Math.max(1, Math.round(seconds))}`,
    `-max_len=${shares[kind]?.bytesMax ?? 4096}`,
    `-seed=${seed}`,
    `-dict=${path.join(fuzzFolder, 'dictionary.txt')}`,
    `-artifact_prefix=${findings}/${kind}-`,
    ...['-timeout=5', '-rss_limit_mb=1024', '-use_value_profile=1', '-print_final_stats=1', '-verbosity=1'],
  ])
  const executions = lastNumber(text, /number_of_executed_units:\s+(\d+)/g)
  const edges = lastNumber(text, /cov: (\d+)/g)
  const features = lastNumber(text, / ft: (\d+)/g)
  const memory = lastNumber(text, /peak_rss_mb:\s+(\d+)/g)
  const inputs = fs.readdirSync(path.join(corpus, kind)).length
  const what = `${executions} executions, ${edges} edges, ${features} features, ${inputs} inputs, ${memory} MB`
  console.log(`${kind.padEnd(16)} ${Math.round(seconds)} s: ${what}`)
  if (code !== 0) console.log(`${text.slice(-3000)}\nFINDING in ${kind}: exit code ${code}, see ${findings}`)
  return code !== 0
}

/** The smallest inputs that reach what all of them reach, for the repository. */
async function freeze({ binary, corpus }: Fuzzing, kind: string): Promise<void> {
  const smallest = path.join(corpus, 'frozen', kind)
  fs.rmSync(smallest, { recursive: true, force: true })
  fs.mkdirSync(smallest, { recursive: true })
  const { code, text } = await run(binary, kind, ['-merge=1', '-max_len=1048576', smallest, path.join(corpus, kind)])
  if (code !== 0) throw new Error(text.slice(-3000))
  const all = readDirectory(smallest).sort((a, b) => a.length - b.length)
  const accepted = all.find(bytes => shown(kind, bytes) !== undefined)
  const inputs = all.filter(bytes => bytes.length <= keptBytesMax || bytes === accepted)
  writeKept(kind, inputs)
  console.log(`${kind.padEnd(16)} ${inputs.length} inputs`)
}

/** The repository takes no longer ones but one that is accepted; what they reach is reached by makeCorpus or a longer run. */
const keptBytesMax = 320

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
}

const kinds = Object.keys(shows).filter(kind => option('--kinds')?.split(',').includes(kind) ?? true)
const corpus = path.resolve(option('--corpus') ?? path.join(cacheFolder(), 'fuzz-corpus'))
const seed = Number(option('--seed') ?? Date.now() % 1_000_000)
const fuzzing: Fuzzing = { binary: build(), corpus, seed }
const made = makeCorpus()
for (const kind of kinds) sow(corpus, kind, made[kind] ?? [])
if (process.argv.includes('--freeze')) {
  for (const kind of kinds) await freeze(fuzzing, kind)
} else {
  const seconds = 60 * Number(option('--minutes') ?? 30)
  const total = kinds.reduce((sum, kind) => sum + (shares[kind]?.share ?? 1), 0)
  console.log(`seed ${seed}, corpus ${corpus}`)
  let found = 0
  for (const kind of kinds) if (await fuzzKind(fuzzing, kind, (seconds * (shares[kind]?.share ?? 1)) / total)) found++
  process.exitCode = found === 0 ? 0 : 1
}
