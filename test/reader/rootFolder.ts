// Root folders for the reader: made by the command line as a person would, on trees with all that the format has to
// say something about; and the reader itself, run on them.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const repository = path.resolve(import.meta.dirname, '../..')

/** What stands at the top of a root folder beside the governed tree. */
const ownNames = [
  '.auth',
  '.db',
  '.runtime',
  '.tree',
  'recycle.lock',
  'recycle.redis',
  'recycle.trace',
  'sentient.yaml',
]

export interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(program: string, options: readonly string[], more: { cwd: string; input?: string | Buffer }): Ran {
  const env = { ...process.env, XDG_STATE_HOME: path.join(more.cwd, '..', 'state'), PYTHONDONTWRITEBYTECODE: '1' }
  const ran = spawnSync(program, options, { ...more, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (ran.error !== undefined) throw ran.error
  return { exitCode: ran.status, stdout: ran.stdout, stderr: ran.stderr }
}

/** Runs a Python file of this folder; `npm test` says by the environment which Python has the packages for it. */
export function runPython(file: string, ...options: string[]): Ran {
  const python = process.env.SENTIENT_TEST_PYTHON
  assert.ok(
    python,
    'SENTIENT_TEST_PYTHON is to name a python3 with the packages of tools/testSetup.ts: npm test sets it',
  )
  return run(python, [path.join(import.meta.dirname, file), ...options], { cwd: import.meta.dirname })
}

export interface Workshop {
  /** A temporary folder; root folders are made in it. */
  readonly base: string
  /** Runs the command line in a root folder; it has to succeed. */
  sentctl(root: string, argv: readonly string[], input?: string | Buffer): string
  /** A copy of a root folder, to be changed. */
  copy(root: string, without?: 'without the tree'): string
  remove(): void
}

export function openWorkshop(): Workshop {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-reader-')))
  let copies = 0
  return {
    base,
    sentctl(root, argv, input = '') {
      const ran = run(process.execPath, [path.join(repository, 'src/main.ts'), ...argv], { cwd: root, input })
      assert.equal(ran.exitCode, 0, `sentctl ${argv.join(' ')}\n${ran.stdout}${ran.stderr}`)
      return ran.stdout
    },
    copy(root, without) {
      copies++
      const copy = path.join(base, `copy-${copies}`)
      const own = ownNames.map(name => path.join(root, name))
      if (without !== undefined) fs.mkdirSync(copy)
      // Not by node: its strings have no room for names that are not UTF-8.
      assert.equal(run('cp', ['-a', ...(without === undefined ? [root] : own), copy], { cwd: base }).exitCode, 0)
      return copy
    },
    remove: () => fs.rmSync(base, { recursive: true, force: true }),
  }
}

/** Bytes that look random and are the same each time. */
export function noise(bytes: number, seed: number): Buffer {
  const data = Buffer.alloc(bytes)
  let x = seed + 1
  for (let i = 0; i < bytes; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0
    data[i] = x >>> 24
  }
  return data
}

const oddNames = [
  Buffer.from('new\nline'),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc3]),
  Buffer.from('ümläut'),
  Buffer.from('back\\slash'),
  Buffer.from(' '),
  Buffer.from('-x'),
  Buffer.from('\u202egnp.exe'),
  Buffer.from('a'.repeat(255)),
  Buffer.from('.sentient'),
  Buffer.from('.git'),
]

function makeTree(root: string): void {
  for (const folder of ['many', 'odd', 'empty', 'deep/a/b/c', 'etc']) {
    fs.mkdirSync(path.join(root, folder), { recursive: true })
  }
  for (let i = 0; i < 300; i++) fs.writeFileSync(path.join(root, `many/f${i}`), `file ${i}\n`)
  fs.writeFileSync(path.join(root, 'big.bin'), noise(3_000_000, 1))
  fs.writeFileSync(path.join(root, 'zeros'), Buffer.alloc(2_500_000))
  fs.writeFileSync(path.join(root, 'empty file'), '')
  fs.writeFileSync(path.join(root, 'deep/a.b'), 'sorted before deep/a/b')
  for (const name of oddNames) {
    fs.writeFileSync(Buffer.concat([Buffer.from(path.join(root, 'odd/')), name]), name)
  }
  fs.symlinkSync('..', path.join(root, 'odd/up'))
  fs.symlinkSync(Buffer.from([0x2f, 0xff]), path.join(root, 'odd/nowhere'))
  fs.chmodSync(path.join(root, 'deep/a'), 0o2750)
  fs.chmodSync(path.join(root, 'many/f1'), 0o4711)
}

/** Makes a root folder with a history of most kinds of record, more of them than a tile holds. */
export function makeHistory({ base, sentctl }: Workshop): string {
  const root = path.join(base, 'root')
  fs.mkdirSync(root)
  makeTree(root)
  const ours = (...argv: string[]) => sentctl(root, argv)
  ours('init', '--ignore-nothing', '.')
  sentctl(root, ['put', 'etc/motd'], 'hello\n')
  sentctl(root, ['put', 'big.bin', '--mode', '600'], noise(2_600_000, 2))
  ours('mv', 'etc/motd', 'etc/motd.old')
  ours('snapshot', 'create', 'before "the\nrest" \\ é ☃', '--name', 'first')
  ours('snapshot', 'pin', 'first')
  ours('cp', '-r', 'many', 'many2')
  ours('rm', '-r', 'many')
  ours('undo')
  ours('redo')
  ours('undo')
  ours('chmod', '700', 'deep')
  ours('ln', '../etc/motd.old', 'deep/link')
  fs.appendFileSync(path.join(root, 'many/f7'), 'changed outside\n')
  fs.rmSync(path.join(root, 'many/f8'))
  ours('rollback', '--to', 'first')
  ours('undo')
  fs.writeFileSync(path.join(root, 'absorbed'), 'new')
  fs.appendFileSync(path.join(root, 'many/f9'), 'changed outside\n')
  fs.rmSync(path.join(root, 'many/f10'))
  fs.symlinkSync('absorbed', path.join(root, 'many/f10'))
  ours('absorb')
  fs.writeFileSync(path.join(root, 'many/f11'), 'in the way')
  ours('restore', 'many/f11')
  ours('snapshot', 'create', 'x', '--name', 'second')
  ours('snapshot', 'label', 'second', '')
  ours('snapshot', 'create', 'y', '--name', 'third')
  ours('snapshot', 'rm', 'third')
  ours('config', 'set', 'retention.snapshots', '32')
  // One record each, so that the first tile is full.
  ours('mkdir', ...Array.from({ length: 260 }, (_, i) => `many2/d${i}`))
  ours('checkpoint', 'sign')
  return root
}

/** Makes a root folder of which gc has pruned the older states. */
export function makePruned({ base, sentctl }: Workshop): string {
  const root = path.join(base, 'pruned')
  fs.mkdirSync(root)
  fs.writeFileSync(path.join(root, 'kept'), 'from the beginning to the end')
  fs.writeFileSync(path.join(root, 'gone'), noise(300_000, 3))
  sentctl(root, ['init', '--ignore-nothing', '.'])
  sentctl(root, ['put', 'value'], noise(200_000, 4))
  sentctl(root, ['snapshot', 'create', '--name', 'pinned'])
  sentctl(root, ['snapshot', 'pin', 'pinned'])
  sentctl(root, ['put', 'value'], noise(200_000, 5))
  sentctl(root, ['rm', 'gone'])
  sentctl(root, ['put', 'value'], noise(200_000, 6))
  sentctl(root, ['snapshot', 'create', '--name', 'last'])
  const list = JSON.parse(sentctl(root, ['snapshot', 'list', '--json'])) as { snapshots: { name: string }[] }
  const old = list.snapshots.map(({ name }) => name).filter(name => name !== 'pinned' && name !== 'last')
  sentctl(root, ['snapshot', 'rm', ...old])
  sentctl(root, ['gc'])
  sentctl(root, ['put', 'value'], noise(200_000, 7))
  sentctl(root, ['checkpoint', 'sign'])
  return root
}

/** How many files, directories and symlinks there are that the history governs. */
export function countGoverned(root: string): number {
  const folder = (name: Buffer): number =>
    fs
      .readdirSync(name, { withFileTypes: true, encoding: 'buffer' })
      .filter(entry => !name.equals(Buffer.from(root)) || !ownNames.includes(entry.name.toString()))
      .reduce((n, entry) => {
        const below = Buffer.concat([name, Buffer.from('/'), entry.name])
        return n + 1 + (entry.isDirectory() ? folder(below) : 0)
      }, 0)
  return folder(Buffer.from(root))
}
