// A folder with the files of a made-up repository, for the tests of the tools.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export const repository = path.dirname(path.dirname(import.meta.dirname))

/** Makes a folder that holds these files and is removed when the test ends. */
export function makeSandbox(
  test: { after: (hook: () => void) => void },
  files: Readonly<Record<string, string>> = {},
): string {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-tools-')))
  test.after(() => fs.rmSync(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFile(root, name, text)
  return root
}

/** Writes a file below the sandbox, with the folders above it. */
export function writeFile(root: string, name: string, text: string): void {
  const file = path.join(root, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}

/** Lets the made-up repository use the packages of the real one. */
export function linkPackages(root: string): void {
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'))
}
