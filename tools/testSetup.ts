// Gets what the test suites need beyond node_modules: Debian packages where this runs as root, a Python environment in
// the user's cache folder, a fresh bundle. What can not be had comes back as a reason, by name; nothing is skipped here.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { build, isBuildFresh } from './build.ts'
import { buildNative, nativeAddOn, standAloneCommand } from './native.ts'
import type { Requirement } from './suites.ts'

export interface Prepared {
  /** For the test processes: where the things are. */
  readonly environment: Readonly<Record<string, string>>
  /** Why a requirement could not be met. */
  readonly missing: ReadonlyMap<Requirement, string>
}

/** What the independent reader of the format is written with; it must run without any code of this repository. */
const readerPackages = ['blake3==1.0.11', 'zstandard==0.25.0', 'cryptography==50.0.2']

type Getter = (root: string) => Promise<Readonly<Record<string, string>>>

const getters: Readonly<Record<Requirement, Getter>> = {
  dist: async root => {
    if (!isBuildFresh(root)) await build(root)
    return {}
  },
  busybox: async () => {
    if (findProgram('busybox') === undefined) await installDebianPackages('busybox')
    return { SENTIENT_TEST_BUSYBOX: findProgram('busybox') ?? 'busybox' }
  },
  'redis-server': async () => {
    if (findProgram('redis-server') === undefined) await installDebianPackages('redis-server')
    return { SENTIENT_TEST_REDIS: findProgram('redis-server') ?? 'redis-server' }
  },
  'native core': async root => {
    const { built, text } = await buildNative(root)
    if (!built) throw new Error(text)
    return { SENTIENT_TEST_ADD_ON: nativeAddOn(root), SENTIENT_TEST_STORE: standAloneCommand(root) }
  },
  'go and the verifiers of others': async root => ({ SENTIENT_TEST_VERIFIERS: await builtVerifiers(root) }),
  'python packages of the reader': async () => ({ SENTIENT_TEST_PYTHON: await readerPython() }),
}

/** Tries to meet each requirement; one line each while it takes place. */
export async function prepare(root: string, needs: Iterable<Requirement>): Promise<Prepared> {
  const environment: Record<string, string> = {}
  const missing = new Map<Requirement, string>()
  for (const need of new Set(needs)) {
    const started = performance.now()
    try {
      Object.assign(environment, await getters[need](root))
      console.log(`ready ${need.padEnd(30)} ${((performance.now() - started) / 1000).toFixed(1)} s`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      missing.set(need, reason)
      console.log(`MISSING ${need}: ${reason}`)
    }
  }
  return { environment, missing }
}

/** Where what is costly to make stays between runs, outside the checkout. */
export function cacheFolder(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'sentientos')
}

/** The absolute path of a program on PATH. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':').filter(folder => folder !== '')
  return folders.map(folder => path.join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return fs.statSync(file).isFile()
  } catch {
    return false
  }
}

async function readerPython(): Promise<string> {
  if (findProgram('python3') === undefined) await installDebianPackages('python3', 'python3-venv')
  const python = findProgram('python3') ?? 'python3'
  const version = (await output(python, ['--version'])).trim()
  const key = createHash('sha256')
    .update([version, ...readerPackages].join('\n'))
    .digest('hex')
    .slice(0, 16)
  const folder = path.join(cacheFolder(), `reader-${key}`)
  const inside = path.join(folder, 'bin', 'python3')
  // Written last, so that an environment that was interrupted while being made is made again.
  const finished = path.join(folder, 'finished')
  if (fs.existsSync(finished) && isExecutable(inside)) return inside
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(path.dirname(folder), { recursive: true })
  try {
    await output(python, ['-m', 'venv', folder])
  } catch {
    await installDebianPackages('python3-venv') // Debian's python3 comes without
    await output(python, ['-m', 'venv', '--clear', folder])
  }
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:']
  await output(inside, ['-m', 'pip', 'install', ...quiet, ...readerPackages])
  fs.writeFileSync(finished, '')
  return inside
}

/** The program of test/verifiers, made of its sources and of the modules that go.sum pins. */
async function builtVerifiers(root: string): Promise<string> {
  const go = findProgram('go')
  const folder = path.join(root, 'test', 'verifiers')
  if (go === undefined) throw new Error('install Go, of the version in test/verifiers/go.mod or later')
  const sources = fs.readdirSync(folder).filter(name => /\.go$|^go\.(?:mod|sum)$/.test(name))
  const key = createHash('sha256').update(await output(go, ['version']))
  for (const name of sources.sort()) key.update(name).update(fs.readFileSync(path.join(folder, name)))
  const program = path.join(cacheFolder(), `verifiers-${key.digest('hex').slice(0, 16)}`)
  if (isExecutable(program)) return program
  fs.mkdirSync(cacheFolder(), { recursive: true })
  const temporary = `${program}.${process.pid}.new`
  await output(go, ['-C', folder, 'build', '-trimpath', '-buildvcs=false', '-o', temporary, '.'])
  fs.renameSync(temporary, program)
  return program
}

async function installDebianPackages(...names: string[]): Promise<void> {
  const what = names.join(' ')
  if (findProgram('apt-get') === undefined) throw new Error(`install ${what} with the package manager of this system`)
  if (process.getuid?.() !== 0) throw new Error(`as root, run: apt-get install ${what}`)
  const install = ['install', '--yes', '--no-install-recommends', ...names]
  try {
    await output('apt-get', install)
  } catch {
    await output('apt-get', ['update']) // its lists may be old, or not there at all
    await output('apt-get', install)
  }
}

/** What a program prints; throws with the end of it when it fails. */
function output(program: string, options: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
    let text = ''
    const add = (chunk: Buffer) => {
      text += chunk.toString()
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve(text)
      else
        reject(
          new Error(`${path.basename(program)} ${options.join(' ')} ended with ${code}: ${text.trim().slice(-600)}`),
        )
    })
  })
}
