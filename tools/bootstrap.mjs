// The one way into every task: `npm start` runs `node tools/bootstrap.mjs start`, and so on. Plain JavaScript that any
// Node from 20 on can run before anything is installed: it brings node_modules up to date with package-lock.json, then
// runs tools/<task>.ts with the Node that npm installed, passing arguments, signals and the exit code through.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The first release with everything that is used: zstd in node:zlib, node:sqlite, the compile cache, TypeScript. */
const nodeVersionMin = [22, 15]
/** From here on Node strips types without being asked. */
const nodeVersionStripsTypes = [22, 18]

const root = path.dirname(path.dirname(fs.realpathSync(fileURLToPath(import.meta.url))))

/** Ends with a message for people: what is wrong, then what to do. */
function fail(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exit(1)
}

function atLeast(version, [major, minor]) {
  const [foundMajor, foundMinor] = version.replace(/^v/, '').split('.').map(Number)
  return foundMajor > major || (foundMajor === major && foundMinor >= minor)
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * True when node_modules holds what package-lock.json asks for. npm leaves a list of what it installed, as its last
 * step, in node_modules/.package-lock.json, so an install by hand counts; but `npm install --package-lock-only` brings
 * that list up to date without installing anything, so each package is looked at too.
 */
function isInstalled() {
  const wanted = readJson(path.join(root, 'package-lock.json'))?.packages
  const found = readJson(path.join(root, 'node_modules', '.package-lock.json'))?.packages
  if (wanted === undefined) fail('package-lock.json is missing or damaged.', 'Bring it back from git, then try again.')
  if (found === undefined) return false
  const installed = name =>
    wanted[name]?.version === found[name].version &&
    wanted[name].integrity === found[name].integrity &&
    readJson(path.join(root, name, 'package.json'))?.version === found[name].version
  const needed = Object.keys(wanted).filter(name => name !== '' && wanted[name].optional !== true)
  return needed.every(name => name in found) && Object.keys(found).every(installed)
}

/** Runs `npm ci` with one line of progress; what npm says is shown only when it fails. */
async function install() {
  const started = Date.now()
  const live = process.stderr.isTTY === true
  const line = () => `Installing packages (once) … ${seconds(started)}` // fits the 40 columns of a phone
  const draw = () => process.stderr.write(`\r${line()}`)
  if (live) draw()
  else process.stderr.write('Installing packages (once) …\n')
  const ticker = live ? setInterval(draw, 1000) : undefined
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
  const options = ['ci', '--no-audit', '--no-fund', '--include=dev', '--include=optional', '--loglevel=error']
  const { code, error, output } = await collect([...npm, ...options])
  clearInterval(ticker)
  if (live) process.stderr.write(`\r${' '.repeat(line().length)}\r`)
  if (error?.code === 'ENOENT') fail('npm was not found.', 'Install Node.js with npm (20 or later), then try again.')
  if (code !== 0 || error !== undefined) {
    fail(
      output.trim() || String(error),
      '',
      `npm ci failed in ${root} (exit code ${code}).`,
      'It needs the network once, about 350 MB of disk, and a package-lock.json that fits package.json.',
      'What npm said is above; when it is mended, run the same command again.',
    )
  }
  process.stderr.write(`Installed the packages in ${seconds(started)}.\n`)
}

function seconds(since) {
  return `${Math.round((Date.now() - since) / 1000)} s`
}

function collect([command, ...options]) {
  return new Promise(resolve => {
    const child = spawn(command, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = chunk => {
      output = (output + chunk).slice(-20_000)
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', error => resolve({ code: -1, error, output }))
    child.on('close', code => resolve({ code, output }))
  })
}

/** The Nodes to try, best first: the one that npm installed, then the one that runs this. */
function nodesToTry() {
  const own = path.join(root, 'node_modules', '.bin', 'node')
  const nodes = fs.existsSync(own) ? [own] : []
  if (atLeast(process.version, nodeVersionMin)) nodes.push(process.execPath)
  return nodes
}

function environment() {
  const bin = path.join(root, 'node_modules', '.bin')
  const found = process.env.PATH ?? ''
  const result = { ...process.env, PATH: found.split(':').includes(bin) ? found : `${bin}:${found}` }
  const home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'))
  // Without a home there is no cache: a folder that other users can write to must not hold code that we run.
  if (home && !process.env.NODE_COMPILE_CACHE) {
    result.NODE_COMPILE_CACHE = path.join(home, 'sentientos', 'node-compile-cache')
  }
  return result
}

/** Runs the task; resolves to false when this Node can not be started at all (another platform's binary). */
function run(node, task, taskArguments) {
  const own = node !== process.execPath
  const env = environment()
  if (!own && !atLeast(process.version, nodeVersionStripsTypes)) {
    env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --experimental-strip-types --disable-warning=ExperimentalWarning`
  }
  const child = spawn(node, [task, ...taskArguments], { stdio: 'inherit', env })
  // A terminal sends Ctrl-C to the whole group, so the child has it already; a second one would mean "at once".
  const forwarded = process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT']
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT']) {
    process.on(signal, () => {
      if (forwarded.includes(signal)) child.kill(signal)
    })
  }
  return new Promise(resolve => {
    let started = true
    child.on('error', () => {
      started = false
      resolve(false)
    })
    child.on('close', (code, signal) => {
      if (!started) return
      if (signal === null) process.exit(code)
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    })
  })
}

const [name = '', ...taskArguments] = process.argv.slice(2)
const task = path.join(root, 'tools', `${name}.ts`)
if (!/^[a-zA-Z]+$/.test(name) || !fs.existsSync(task)) {
  fail(`There is no task "${name}".`, 'See "scripts" in package.json: npm start, npm test, npm run check.')
}
if (!atLeast(process.version, [20, 0])) {
  fail(`Node ${process.version} is too old: setting up needs Node 20 or later.`, 'Install it, then try again.')
}
if (!isInstalled()) await install()
for (const node of nodesToTry()) await run(node, task, taskArguments)
fail(
  `SentientOS needs Node ${nodeVersionMin.join('.')} or later. npm has none for ${process.platform} ${process.arch}` +
    ` that runs here, and ${process.execPath} is ${process.version}.`,
  'Install a newer Node with the package manager of this system, then try again.',
)
