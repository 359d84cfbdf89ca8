// Runs one command as a user would and says what it took: wall time and the largest resident memory, by GNU time.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export interface Cost {
  readonly seconds: number
  readonly megabytes: number
}

export interface Place {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
}

const tail = 2_000

/** Throws when the command fails: a time for something that did not happen is worse than none. */
export function run(command: readonly string[], { cwd, environment = {} }: Place): Cost {
  const report = path.join(os.tmpdir(), `sentientos-bench-time-${process.pid}`)
  const started = performance.now()
  const done = spawnSync('/usr/bin/time', ['-f', '%M', '-o', report, ...command], {
    cwd,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const seconds = (performance.now() - started) / 1000
  if (done.status !== 0) {
    throw new Error(`${command.join(' ')} ended with ${done.status}: ${(done.stderr || done.stdout).slice(-tail)}`)
  }
  const megabytes = Number(fs.readFileSync(report, 'utf8').trim().split('\n').at(-1)) / 1024
  fs.rmSync(report)
  return { seconds, megabytes }
}

/** The middle of several runs; `before` puts the place into the same state each time. */
export function median(runs: number, once: (round: number) => Cost): Cost {
  const costs = Array.from({ length: runs }, (_, round) => once(round)).sort((a, b) => a.seconds - b.seconds)
  const megabytes = Math.max(...costs.map(cost => cost.megabytes))
  return { seconds: (costs[costs.length >> 1] as Cost).seconds, megabytes }
}

/** Bytes that a folder takes, as `du` counts them apart from holes: the lengths of its files. */
export function bytesIn(directory: string): number {
  let bytes = 0
  for (const item of fs.readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (item.isFile()) bytes += fs.lstatSync(path.join(item.parentPath, item.name)).size
  }
  return bytes
}
