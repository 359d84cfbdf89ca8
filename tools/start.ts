// `npm start`: builds when the sources changed, makes the demo root folder when there is none, then opens the terminal
// UI on it. `npm start -- --root DIR` opens another folder; everything after `--` goes to `sentctl ui`.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { build, isBuildFresh } from './build.ts'
import { buildNativeAloud } from './native.ts'

/** Where the demo lives: with the user's data, outside the sources. */
export function demoFolder(): string {
  return path.join(process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local', 'share'), 'sentientos', 'demo')
}

/**
 * Makes the demo unless it is there. What a user did in it stays: only they remove it. One that was interrupted while
 * it was made has never been opened, so it is made anew.
 */
async function ensureDemo(folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`
  if (fs.existsSync(unfinished)) fs.rmSync(folder, { recursive: true, force: true })
  if (fs.existsSync(path.join(folder, '.runtime', 'format'))) return
  if (fs.existsSync(folder) && fs.readdirSync(folder).length > 0) {
    throw new Error(
      `${folder} is in the way: it is no root folder. Move it away, or open another: npm start -- --root DIR`,
    )
  }
  const { makeDemo } = await import('./demo.ts')
  fs.mkdirSync(path.dirname(folder), { recursive: true })
  fs.writeFileSync(unfinished, '')
  await makeDemo(folder)
  fs.rmSync(unfinished)
}

/** Whether the user named the folder to open. */
function namesRoot(options: readonly string[]): boolean {
  return options.some(option => option === '--root' || option.startsWith('--root='))
}

/** Becomes sentctl: on a phone a Node that only waits for another one is 40 MB too many. */
function openScreen(root: string, options: readonly string[]): never {
  const program = path.join(root, 'bin', 'sentctl')
  process.chdir(process.env.INIT_CWD ?? '.') // npm moved us to the checkout; DIR is meant from where the user stands
  if (process.execve === undefined) throw new Error(`npm start does not work on ${process.platform}: run bin/sentctl`)
  return process.execve(program, [program, 'ui', ...options], process.env)
}

async function main(root: string, options: readonly string[]): Promise<never> {
  if (!isBuildFresh(root)) {
    process.stderr.write('Building …\n')
    await build(root)
  }
  await buildNativeAloud(root)
  if (namesRoot(options)) return openScreen(root, options)
  await ensureDemo(demoFolder())
  return openScreen(root, [...options, '--root', demoFolder()])
}

if (process.argv[1] === import.meta.filename) {
  // Not awaited here: the demo imports this file and would wait for the end of what waits for it.
  main(path.dirname(import.meta.dirname), process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  })
}
