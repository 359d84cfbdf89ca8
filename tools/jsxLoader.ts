// Lets Node run .tsx files as they are: Node strips types but knows no JSX. Test runs load it with --import; the
// product itself is bundled and never needs it.

import fs from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || !url.endsWith('.tsx')) return nextLoad(url, context)
    const file = fileURLToPath(url)
    const { code } = transformSync(fs.readFileSync(file, 'utf8'), {
      loader: 'tsx',
      jsx: 'automatic',
      sourcefile: file,
      sourcemap: 'inline',
      target: 'node22.15',
    })
    return { format: 'module', source: code, shortCircuit: true }
  },
})
