// Lets Node run .tsx files as they are: Node strips types but knows no JSX. Test runs load it with --import; the
// product itself is bundled and never needs it.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire, getCompileCacheDir, registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

// Most test processes load no .tsx at all: esbuild is loaded by those that do.
const require = createRequire(import.meta.url)

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || !url.endsWith('.tsx')) return nextLoad(url, context)
    return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
  },
})

/** Kept beside what Node itself keeps of compiled code, where it does: starting esbuild takes longer than most tests. */
function compiled(file: string): string {
  const text = fs.readFileSync(file, 'utf8')
  const folder = getCompileCacheDir()
  if (folder === undefined) return compile(file, text)
  const compiler = fs.readFileSync(require.resolve('esbuild/package.json'))
  const key = createHash('sha256').update(compiler).update(`\0${file}\0${text}`).digest('hex')
  const kept = path.join(folder, `${key}.jsx`)
  try {
    return fs.readFileSync(kept, 'utf8')
  } catch {
    const code = compile(file, text)
    fs.writeFileSync(`${kept}.${process.pid}`, code)
    fs.renameSync(`${kept}.${process.pid}`, kept)
    return code
  }
}

function compile(file: string, text: string): string {
  const { transformSync } = require('esbuild') as typeof import('esbuild')
  const { code } = transformSync(text, {
    loader: 'tsx',
    jsx: 'automatic',
    sourcefile: file,
    sourcemap: 'inline',
    target: 'node22.15',
  })
  return code
}
