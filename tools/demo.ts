// `npm run demo -- [DIR]`: makes the demo root folder, without asking only where there is nothing yet.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline/promises'
import { build, isBuildFresh } from './build.ts'
import { demoFolder } from './start.ts'

const repository = path.dirname(import.meta.dirname)

/**
 * Makes the demo in a folder that is missing or empty, by the program that will open it: this device then knows the
 * folder as its own. Throws when that fails; the program has said why.
 */
export async function makeDemo(folder: string): Promise<void> {
  if (!isBuildFresh(repository)) await build(repository)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  process.stderr.write(`Making the demo in ${folder} …\n`)
  const { status } = spawnSync(path.join(repository, 'bin', 'sentctl'), ['demo', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('The demo could not be made.')
  process.stderr.write('The demo is ready.\n')
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
