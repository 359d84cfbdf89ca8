// `npm run demo -- [DIR]`: makes the demo root folder, without asking only where there is nothing yet.
import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline/promises'
import { makeDemo as work } from '../src/commands/demo/makeDemo.ts'
import { createDiskHost } from '../src/core/host/disk.ts'
import { demoFolder } from './start.ts'

/** Makes the demo in a folder that is missing or empty, with a line of progress on the error output. */
export async function makeDemo(folder: string): Promise<void> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const host = createDiskHost({ label: 'demo' })
  const terminal = process.stderr.isTTY
  process.stderr.write(`Making the demo in ${folder} …${terminal ? '' : '\n'}`)
  let shown = ''
  const steps = work(host, folder)
  for (;;) {
    const step = await steps.next()
    if (step.done) break
    const { phase, done } = step.value
    if (terminal && `${phase} ${done}` !== shown) {
      shown = `${phase} ${done}`
      process.stderr.write(`\r\x1b[KMaking the demo in ${folder} … ${shown}`)
    }
  }
  process.stderr.write(terminal ? '\r\x1b[KThe demo is ready.\n' : 'The demo is ready.\n')
}

async function main(folder: string): Promise<void> {
  const there = fs.existsSync(folder) && fs.readdirSync(folder).length > 0
  if (there) {
    if (!process.stdin.isTTY) throw new Error(`${folder} is not empty: remove it first, or name another folder.`)
    const prompt = readline.createInterface({ input: process.stdin, output: process.stderr })
    const answer = await prompt.question(`${folder} is there already. Remove it and make it anew? [y/N] `)
    prompt.close()
    if (answer.trim().toLowerCase() !== 'y') return
    fs.rmSync(folder, { recursive: true })
  }
  await makeDemo(folder)
}

if (process.argv[1] === import.meta.filename) {
  try {
    const [named] = process.argv.slice(2)
    await main(named === undefined ? demoFolder() : path.resolve(process.env.INIT_CWD ?? '.', named))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
