// sentctl as a process of its own: signals, pipes whose reader leaves, and a real terminal.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type Fixture, makeAdopted, makeFolder } from '../commands/fixture.ts'
import { keys, openTerminal } from '../support/terminal.ts'

const main = path.resolve(import.meta.dirname, '../../src/main.ts')
/** More than is read in the time of a test; it takes no room on the disk. */
const sparseBytes = 64 * 1024 ** 3

let fixture: Fixture

before(async () => {
  fixture = await makeAdopted()
})
after(() => fixture.remove())

function environment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, XDG_STATE_HOME: path.join(folder, 'xdg') }
}

function start(argv: readonly string[], cwd: string, folder: string, nodeOptions: readonly string[] = []) {
  const child = spawn(process.execPath, [...nodeOptions, main, ...argv], {
    cwd,
    env: environment(folder),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => (stdout += data))
  child.stderr.on('data', (data: Buffer) => (stderr += data))
  const ended = new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>(resolve => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended, output: () => stdout + stderr }
}

async function until(condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!condition()) {
    assert.ok(performance.now() < end, 'waited too long')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

test('the version is one line, quickly', async () => {
  const { code, stdout } = await start(['version'], fixture.root, fixture.folder).ended
  assert.equal(code, 0)
  assert.match(stdout, /^sentctl \d+\.\d+\.\d+\n$/)
})

test('Ctrl-C in the middle of long work ends it cleanly within a second', async () => {
  const { root, folder, remove } = makeFolder()
  try {
    fs.closeSync(fs.openSync(path.join(root, 'huge'), 'w'))
    fs.truncateSync(path.join(root, 'huge'), sparseBytes)
    fs.writeFileSync(path.join(root, 'small'), 'small\n')
    const { child, ended } = start(['init'], root, folder)
    await until(() => fs.existsSync(path.join(root, '.runtime/format')))
    await new Promise(resolve => setTimeout(resolve, 300))
    const sentMs = performance.now()
    child.kill('SIGINT')
    const { code, stderr } = await ended
    const tookMs = performance.now() - sentMs
    assert.equal(code, 1)
    assert.match(stderr, /sentctl: Cancelled\n {2}do {8}None of your files changed/)
    assert.ok(tookMs < 1000, `${tookMs} ms`)
    // It is in order: it opens, and what was there is still there.
    const status = await start(['status', '--quiet', '--json', 'small'], root, folder).ended
    assert.equal(status.code, 0, status.stderr)
    assert.equal(fs.statSync(path.join(root, 'huge')).size, sparseBytes)
  } finally {
    remove()
  }
})

test('a second Ctrl-C ends the process at once with 130', async () => {
  // Work that does not hear that it shall stop.
  const deaf = 'data:text/javascript,AbortController.prototype.abort=()=>process._rawDebug("asked")'
  const { child, ended, output } = start(['trace-live', '--from', '0'], fixture.root, fixture.folder, [
    '--import',
    deaf,
  ])
  await until(() => output().includes('#0'))
  child.kill('SIGINT')
  await until(() => output().includes('asked'))
  child.kill('SIGTERM')
  assert.equal((await ended).code, 130)
})

test('a reader that leaves early is no error', async () => {
  const child = spawn(
    'sh',
    [
      '-c',
      `"$0" "$1" man | head -1; "$0" "$1" find / | head -1; "$0" "$1" log --all --json | head -c 20`,
      process.execPath,
      main,
    ],
    {
      cwd: fixture.root,
      env: environment(fixture.folder),
    },
  )
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => (stderr += data))
  const code = await new Promise(resolve => child.on('close', resolve))
  assert.equal(code, 0)
  assert.ok(!/EPIPE|internal|INTERNAL/.test(stderr), stderr)
})

test('on a terminal: progress while it works, colours, and put reads until Ctrl-D', async () => {
  const { root, folder, remove } = makeFolder()
  try {
    fs.closeSync(fs.openSync(path.join(root, 'huge'), 'w'))
    fs.truncateSync(path.join(root, 'huge'), sparseBytes)
    const environmentOf = { XDG_STATE_HOME: path.join(folder, 'xdg') }
    const init = openTerminal({
      command: process.execPath,
      args: [main, 'init'],
      cwd: root,
      environment: environmentOf,
    })
    await init.waitFor(/1 file, 0 directories, 69 GB/)
    await init.waitFor(/storing 1 of 1 file/)
    init.type(keys.ctrlC)
    assert.equal((await init.exit()).exitCode, 1)
    assert.match(init.text(), /sentctl: Cancelled/)
    assert.ok(!/storing/.test(init.text()), 'the progress line is gone')
    init.close()
    const put = openTerminal({
      command: process.execPath,
      args: [main, 'put', 'home/typed'],
      cwd: fixture.root,
      environment: { XDG_STATE_HOME: path.join(fixture.folder, 'xdg') },
    })
    await put.waitFor('Ctrl-D ends')
    put.type('typed by hand\r\x04')
    await put.waitFor(/#\d+ {2}put home\/typed/)
    assert.equal((await put.exit()).exitCode, 0)
    put.close()
    assert.equal(fs.readFileSync(path.join(fixture.root, 'home/typed'), 'utf8'), 'typed by hand\n')
  } finally {
    remove()
  }
})

test('what cannot be written to standard output makes the run fail', async () => {
  const full = fs.openSync('/dev/full', 'w')
  try {
    const child = spawn(process.execPath, [main, 'log'], {
      cwd: fixture.root,
      stdio: ['ignore', full, 'pipe'],
      env: { ...process.env, XDG_STATE_HOME: path.join(fixture.folder, 'xdg') },
    })
    let stderr = ''
    child.stderr?.on('data', chunk => {
      stderr += chunk
    })
    const code = await new Promise(resolve => child.on('close', resolve))
    assert.equal(code, 1)
    assert.match(stderr, /Standard output cannot be written\n {2}found {5}ENOSPC/)
  } finally {
    fs.closeSync(full)
  }
})
