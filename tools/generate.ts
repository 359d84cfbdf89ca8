// `npm run generate`: writes every file that is made from another one. Each tools/generate<Something>.ts exports a
// function of its own name that says what the files should hold; `--check` only compares.

import fs from 'node:fs'
import path from 'node:path'

export interface GeneratedFile {
  /** Relative to the root of the repository. */
  readonly path: string
  readonly text: string
}

type Generator = (root: string) => readonly GeneratedFile[] | Promise<readonly GeneratedFile[]>

/** What all generators say now, without writing anything. */
export async function generateAll(root: string): Promise<GeneratedFile[]> {
  const folder = path.join(root, 'tools')
  const names = fs.readdirSync(folder).filter(name => /^generate[A-Z]\w*\.ts$/.test(name))
  const files: GeneratedFile[] = []
  for (const name of names.sort()) {
    const functionName = path.basename(name, '.ts')
    const module = (await import(path.join(folder, name))) as Readonly<Record<string, unknown>>
    const generator = module[functionName]
    if (typeof generator !== 'function') throw new Error(`tools/${name} exports no function ${functionName}`)
    files.push(...(await (generator as Generator)(root)))
  }
  return files
}

/** The files that are missing or hold something else than their generator says. */
export async function staleFiles(root: string): Promise<GeneratedFile[]> {
  const files = await generateAll(root)
  return files.filter(file => readText(path.join(root, file.path)) !== file.text)
}

function readText(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined
}

if (process.argv[1] === import.meta.filename) {
  const root = path.dirname(import.meta.dirname)
  const stale = await staleFiles(root)
  if (process.argv.includes('--check')) {
    for (const file of stale) console.log(`${file.path} is not what its generator says: npm run generate`)
    process.exitCode = stale.length === 0 ? 0 : 1
  } else {
    for (const file of stale) {
      fs.mkdirSync(path.dirname(path.join(root, file.path)), { recursive: true })
      fs.writeFileSync(path.join(root, file.path), file.text)
      console.log(`wrote ${file.path}`)
    }
    if (stale.length === 0) console.log('Every generated file is fresh.')
  }
}
