// How long short verbs take from a cold start, as a user waits for them: whole processes, beside a Node that does
// nothing. `node bench/coldVerbs.ts [ROOT]`; without ROOT a demo is made. Needs dist (npm run build).
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const runs = 15
const repository = path.dirname(import.meta.dirname)
const sentctl = path.join(repository, 'bin/sentctl')

function main(given: string | undefined): void {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-bench-'))
  try {
    const root = given ?? path.join(scratch, 'demo')
    if (given === undefined) spawnSync(sentctl, ['demo', root], { stdio: 'inherit' })
    const commands: readonly (readonly string[])[] = [
      [process.execPath, '-e', '0'],
      [sentctl, 'version'],
      [sentctl, 'status', '--root', root],
      [sentctl, 'log', '-n', '20', '--root', root],
    ]
    for (const command of commands) report(command, root)
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

function report([program = '', ...options]: readonly string[], root: string): void {
  const wall: number[] = []
  for (let i = 0; i <= runs; i++) {
    const started = performance.now()
    const { status } = spawnSync(program, options, { stdio: 'ignore' })
    // The first run fills caches and is not counted.
    if (status !== 0) throw new Error(`${program} ${options.join(' ')} ended with ${status}`)
    if (i > 0) wall.push(performance.now() - started)
  }
  const named = [path.basename(program), ...options].join(' ').replace(root, 'ROOT')
  process.stdout.write(
    `${named.padEnd(32)} wall median ${median(wall)} ms, least ${Math.round(Math.min(...wall))} ms\n`,
  )
}

const median = (values: number[]): number => Math.round(values.sort((a, b) => a - b)[values.length >> 1] ?? 0)

main(process.argv[2])
