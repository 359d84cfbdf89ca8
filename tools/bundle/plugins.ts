// What the bundle changes in other people's packages. So that a terminal opens fast: no development tools, no `fetch`
// where it would load a whole HTTP client to decode a base64 text, no Unicode tables before a text needs them. And so
// that it runs at all: no CommonJS where names would be lost. The build fails when a package has no more what is changed
// here; test/tools/build.test.ts sees whether it helps.

import fs from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import type { OnLoadResult, Plugin } from 'esbuild'

const here = import.meta.dirname
const stringWidthFile = path.join(here, 'stringWidth.ts')

/** The file with every match replaced; a file without any is of another version than this was written for. */
async function changed(file: string, pattern: RegExp, by: string): Promise<OnLoadResult> {
  const text = await fs.promises.readFile(file, 'utf8')
  const contents = text.replace(pattern, by)
  if (contents === text) throw new Error(`${file} holds no ${pattern} any more: see tools/bundle/plugins.ts`)
  return { contents, loader: 'js' }
}

/** With DEV=true in the environment Ink looks for React's development tools and prints what it does not find. */
const inkWithoutDevelopmentTools: Plugin = {
  name: 'no development tools in Ink',
  setup(build) {
    build.onLoad({ filter: /[/\\]ink[/\\]build[/\\]reconciler\.js$/ }, ({ path: file }) =>
      changed(file, /process\.env\['DEV'\] === 'true'/g, 'false'),
    )
  },
}

/** Yoga decodes its WebAssembly with fetch where there is one: 40 to 70 ms for loading undici. */
const yogaWithoutFetch: Plugin = {
  name: 'no fetch in yoga-layout',
  setup(build) {
    build.onLoad({ filter: /yoga-wasm-base64-esm\.js$/ }, ({ path: file }) =>
      changed(file, /typeof fetch/g, '"undefined"'),
    )
  },
}

/** Every import of string-width leads to ours, which alone reaches the package. */
const fastStringWidth: Plugin = {
  name: 'fast string-width',
  setup(build) {
    build.onResolve({ filter: /^string-width$/ }, async ({ importer, resolveDir, kind, pluginData }) => {
      if (pluginData === 'the package') return undefined
      if (importer !== stringWidthFile) return { path: stringWidthFile }
      return build.resolve('string-width', { kind, importer, resolveDir, pluginData: 'the package' })
    })
  },
}

/** For Node yaml names its CommonJS files, whose names `import()` of a bundle does not see: take its ES modules. */
const yamlAsModules: Plugin = {
  name: 'yaml as ES modules',
  setup(build) {
    build.onResolve({ filter: /^yaml$/ }, async ({ importer, resolveDir, kind, pluginData }) => {
      if (pluginData === 'the package') return undefined
      const found = await build.resolve('yaml', { kind, importer, resolveDir, pluginData: 'the package' })
      if (found.errors.length > 0) return found
      return { path: path.join(path.dirname(found.path), '..', 'browser', 'dist', 'index.js') }
    })
  },
}

/** An ES module has no `require`; CommonJS packages that ask for a module of Node get it without one. */
const builtinsWithoutRequire: Plugin = {
  name: 'modules of Node for CommonJS packages',
  setup(build) {
    build.onResolve({ filter: /^[a-z:_/]+$/ }, ({ path: name, kind }) =>
      kind === 'require-call' && isBuiltin(name) ? { path: name, namespace: 'node-builtin' } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'node-builtin' }, ({ path: name }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(name)})`,
      loader: 'js',
    }))
  },
}

export const bundlePlugins: readonly Plugin[] = [
  inkWithoutDevelopmentTools,
  yogaWithoutFetch,
  fastStringWidth,
  yamlAsModules,
  builtinsWithoutRequire,
]

/** Every written-out Intl.Segmenter becomes the lazy one. */
export const lazySegmenter = {
  inject: [path.join(here, 'segmenter.ts')],
  define: { 'Intl.Segmenter': 'LazySegmenter' },
} as const
