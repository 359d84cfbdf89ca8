// Root folders made by the command line, and the verifiers of others that look at what it exports.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const repository = path.resolve(import.meta.dirname, '../..')

export interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Workshop {
  /** A temporary folder; everything lies in it. */
  readonly base: string
  at(...names: string[]): string
  /** Runs the command line below the folder; `cwd` is a path in it. */
  run(cwd: string, argv: readonly string[], input?: string): Ran
  /** The same; it has to succeed. */
  sentctl(cwd: string, argv: readonly string[], input?: string): string
  key(root: string): string
  /** A folder as it is, with everything that belongs to it. */
  copy(from: string, to: string): void
  remove(): void
}

export function openWorkshop(): Workshop {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-verifiers-')))
  const at = (...names: string[]) => path.join(base, ...names)
  const workshop: Workshop = {
    base,
    at,
    run: (cwd, argv, input = '') =>
      spawned(path.join(repository, 'bin/sentctl'), argv, {
        cwd: at(cwd),
        input,
        env: { ...process.env, XDG_STATE_HOME: at('device') },
      }),
    sentctl(cwd, argv, input) {
      const ran = workshop.run(cwd, argv, input)
      assert.equal(ran.exitCode, 0, `sentctl ${argv.join(' ')}\n${ran.stdout}${ran.stderr}`)
      return ran.stdout
    },
    key: root => workshop.sentctl(root, ['checkpoint', 'key']).trim(),
    copy: (from, to) => assert.equal(spawned('cp', ['-a', at(from), at(to)], {}).exitCode, 0),
    remove: () => fs.rmSync(base, { recursive: true, force: true }),
  }
  return workshop
}

function spawned(
  program: string,
  options: readonly string[],
  more: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv },
): Ran {
  const ran = spawnSync(program, options, { ...more, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (ran.error !== undefined) throw ran.error
  return { exitCode: ran.status, stdout: ran.stdout, stderr: ran.stderr }
}

/** Runs a check of the Go program beside this file; `npm test` builds it and says where it is. */
export function verifier(...options: string[]): Ran {
  const program = process.env.SENTIENT_TEST_VERIFIERS
  assert.ok(program, 'SENTIENT_TEST_VERIFIERS is to name the built program of test/verifiers: npm test builds it')
  return spawned(program, options, {})
}

export function assertAccepts(says: RegExp, ...options: string[]): void {
  const ran = verifier(...options)
  assert.equal(ran.exitCode, 0, `${options.join(' ')}\n${ran.stdout}${ran.stderr}`)
  assert.match(ran.stdout, says)
}

export function assertRefuses(...options: string[]): void {
  const ran = verifier(...options)
  // 1 is a refusal; anything else is a check that was not made.
  assert.equal(ran.exitCode, 1, `${options.join(' ')}\n${ran.stdout}${ran.stderr}`)
  assert.match(ran.stderr, /^refused: /)
}

/** Changes one byte of a file, lets `look` look, and puts it back. Every position of a small file, many of a large one. */
export function withEachFlip(file: string, positionsMax: number, look: (position: number) => void): number {
  const good = fs.readFileSync(file)
  const step = Math.max(1, Math.ceil(good.length / positionsMax))
  let flips = 0
  try {
    for (let position = 0; position < good.length; position += step) {
      const bad = Buffer.from(good)
      bad[position]! ^= 1 << (flips % 8)
      fs.writeFileSync(file, bad)
      look(position)
      flips++
    }
  } finally {
    fs.writeFileSync(file, good)
  }
  return flips
}

/** All files below a folder, as paths relative to it. */
export function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
}
