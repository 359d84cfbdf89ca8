// `npm run build:native`: builds the native core with cargo into dist/native/. `npm start` and `npm test` do the same on
// their way. It is never needed: without cargo, or when the build fails, one line says so and TypeScript does the work.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** dist/native/build.json: what the last build was made from, and what came of it. */
interface Stamp {
  /** Of all sources, their names included. */
  readonly sources: string
  readonly rust: string
  /** Why there is no add-on; absent when there is one. */
  readonly failure?: string
}

export interface NativeBuild {
  readonly built: boolean
  /** One line for people. */
  readonly text: string
}

const folder = 'native-core'
const addOn = 'sentient.node'
const stampName = 'build.json'

/** Where the add-on lies when it is built. */
export function nativeAddOn(root: string): string {
  return path.join(root, 'dist', 'native', addOn)
}

/** Where the stand-alone command lies when it is built. */
export function standAloneCommand(root: string): string {
  return path.join(path.dirname(nativeAddOn(root)), 'sentient-store')
}

/** Builds unless that was done with these sources; `say` gets short lines on how far it is. Never throws. */
export async function buildNative(root: string, say: (line: string) => void = () => {}): Promise<NativeBuild> {
  if (process.env.SENTIENT_NATIVE === '0') return { built: false, text: 'turned off by SENTIENT_NATIVE=0' }
  try {
    const rust = await output('cargo', ['--version'], root)
    if (rust === undefined) return missing(root)
    const stamp: Stamp = { sources: describeSources(root), rust }
    const last = readStamp(root)
    if (last?.sources === stamp.sources && last.rust === stamp.rust) {
      if (last.failure !== undefined)
        return { built: false, text: `${last.failure} (npm run build:native tries again)` }
      const made = [nativeAddOn(root), standAloneCommand(root)]
      if (made.every(file => fs.existsSync(file))) return { built: true, text: 'up to date' }
    }
    const failure = await compile(root, targetFolder(rust, root), say)
    writeStamp(root, failure === undefined ? stamp : { ...stamp, failure })
    return failure === undefined ? { built: true, text: 'built' } : { built: false, text: failure }
  } catch (error) {
    return { built: false, text: error instanceof Error ? error.message : String(error) }
  }
}

/** An add-on that came with the package is used as it is. */
function missing(root: string): NativeBuild {
  return fs.existsSync(nativeAddOn(root))
    ? { built: true, text: 'up to date' }
    : { built: false, text: 'cargo is missing' }
}

function readStamp(root: string): Stamp | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(path.dirname(nativeAddOn(root)), stampName), 'utf8')) as Stamp
  } catch {
    return undefined
  }
}

function writeStamp(root: string, stamp: Stamp): void {
  const directory = path.dirname(nativeAddOn(root))
  fs.mkdirSync(directory, { recursive: true })
  fs.writeFileSync(path.join(directory, stampName), `${JSON.stringify(stamp)}\n`)
}

function describeSources(root: string): string {
  const hash = createHash('sha256')
  const names = fs.readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
  for (const name of names.sort()) {
    if (!/(?:\.rs|\.toml|\.lock)$/.test(name) || /^(?:target|fuzz)\//.test(name)) continue
    hash.update(`${name}\0`).update(fs.readFileSync(path.join(root, folder, name)))
  }
  return hash.digest('hex')
}

/** Where cargo builds, for whoever runs it beside this. */
export async function cargoFolder(root: string): Promise<string> {
  return targetFolder((await output('cargo', ['--version'], root)) ?? '', root)
}

/** Outside the checkout, one for each toolchain and set of dependencies. */
function targetFolder(rust: string, root: string): string {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache')
  const lock = fs.readFileSync(path.join(root, folder, 'Cargo.lock'))
  const key = createHash('sha256').update(rust).update(lock).digest('hex').slice(0, 16)
  return path.join(cache, 'sentientos', `cargo-${key}`)
}

/** Why it failed; undefined when it did not. */
async function compile(root: string, target: string, say: (line: string) => void): Promise<string | undefined> {
  const lock = fs.readFileSync(path.join(root, folder, 'Cargo.lock'), 'utf8')
  const total = lock.split('[[package]]').length - 1
  let done = 0
  const cargo = ['build', '--release', '--locked', '--package', 'sentient-bridge', '--package', 'sentient-store']
  const { code, errors } = await collect('cargo', cargo, {
    cwd: path.join(root, folder),
    env: { ...process.env, CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: 'never' },
    line: line => {
      if (/^\s*Compiling /.test(line)) say(`Building the native core (once) … ${Math.min(++done, total)} of ${total}`)
    },
  })
  if (code !== 0) return errors.find(line => /^error/.test(line)) ?? errors.at(-1) ?? `cargo ended with ${code}`
  const results: readonly (readonly [from: string, to: string])[] = [
    ['libsentient_bridge.so', nativeAddOn(root)],
    ['sentient-store', standAloneCommand(root)],
  ]
  for (const [from, made] of results) {
    fs.mkdirSync(path.dirname(made), { recursive: true })
    // By rename: a process that has the old one loaded keeps it.
    fs.copyFileSync(path.join(target, 'release', from), `${made}.new`)
    fs.renameSync(`${made}.new`, made)
  }
  return undefined
}

async function output(command: string, options: readonly string[], cwd: string): Promise<string | undefined> {
  let text = ''
  const { code } = await collect(command, options, { cwd, env: process.env, line: line => (text += line) })
  return code === 0 ? text : undefined
}

interface Collecting {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly line: (line: string) => void
}

function collect(
  command: string,
  options: readonly string[],
  { cwd, env, line }: Collecting,
): Promise<{ readonly code: number; readonly errors: readonly string[] }> {
  return new Promise(resolve => {
    const child = spawn(command, options, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const errors: string[] = []
    const read = (stream: NodeJS.ReadableStream, keep: boolean) => {
      let rest = ''
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const one of lines) {
          if (keep) errors.push(one)
          line(one)
        }
      })
    }
    read(child.stdout, false)
    read(child.stderr, true)
    child.on('error', () => resolve({ code: -1, errors }))
    child.on('close', code => resolve({ code: code ?? -1, errors: errors.slice(-200) }))
  })
}

/** The same with its progress on a terminal, and one line when TypeScript has to do. */
export async function buildNativeAloud(root: string): Promise<NativeBuild> {
  // A checkout without its sources never has one.
  if (!fs.existsSync(path.join(root, folder))) return { built: false, text: `${folder} is missing` }
  const live = process.stderr.isTTY === true
  let told = false
  const done = await buildNative(root, line => {
    if (live) process.stderr.write(`\r\x1b[K${line}`)
    else if (!told) process.stderr.write('Building the native core (once) …\n')
    told = true
  })
  if (live && told) process.stderr.write('\r\x1b[K')
  if (!done.built) process.stderr.write(`No native core: ${done.text}. TypeScript does its work.\n`)
  return done
}

if (process.argv[1] === import.meta.filename) {
  const root = path.dirname(import.meta.dirname)
  fs.rmSync(path.join(path.dirname(nativeAddOn(root)), stampName), { force: true })
  const done = await buildNativeAloud(root)
  if (done.built) console.log(`The native core is ${done.text}: ${path.relative(root, nativeAddOn(root))}`)
  else process.exitCode = 1
}
