// `npm run build`: bundles src/main.ts and everything it needs into dist/, which runs without node_modules. Each
// dynamic import becomes a chunk of its own, so that a verb never loads the terminal UI. A build whose inputs have not
// changed since the last one is not repeated: looking costs a few milliseconds.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { BuildOptions, Metafile, OutputFile } from 'esbuild'

interface Input {
  readonly path: string
  readonly bytes: number
  readonly modifiedMs: number
  readonly sha256: string
}

/** dist/build.json: what the last build was made from, and what it made. */
interface Stamp {
  readonly inputs: readonly Input[]
  readonly outputs: readonly string[]
}

const stampName = 'build.json'

/** Files that shape every build without being in the bundle; the lock file stands for all of node_modules. */
const alwaysInputs = ['package-lock.json', 'tools/build.ts', 'tools/bundle/plugins.ts', 'tools/bundle/licences.ts']
const copied = { 'launch.cjs': 'tools/bundle/launch.cjs' }

/** True when dist/ is there and was made from exactly these sources. */
export function isBuildFresh(root: string): boolean {
  const dist = path.join(root, 'dist')
  let stamp: Stamp
  try {
    stamp = JSON.parse(fs.readFileSync(path.join(dist, stampName), 'utf8')) as Stamp
  } catch {
    return false
  }
  return (
    stamp.outputs.every(name => fs.existsSync(path.join(dist, name))) &&
    stamp.inputs.every(input => isUnchanged(root, input))
  )
}

function isUnchanged(root: string, input: Input): boolean {
  const found = fs.statSync(path.join(root, input.path), { throwIfNoEntry: false })
  if (found?.size !== input.bytes) return false
  return found.mtimeMs === input.modifiedMs || describeInput(root, input.path).sha256 === input.sha256
}

function describeInput(root: string, name: string): Input {
  const file = path.join(root, name)
  const { size, mtimeMs } = fs.statSync(file)
  const sha256 = createHash('sha256').update(fs.readFileSync(file)).digest('hex')
  return { path: name, bytes: size, modifiedMs: mtimeMs, sha256 }
}

/** Builds dist/ below `root`. Throws when a source does not compile; dist/ then is as it was. */
export async function build(root: string): Promise<{ readonly bytes: number; readonly files: number }> {
  const esbuild = await import('esbuild')
  const { licenceTexts } = await import('./bundle/licences.ts')
  const { metafile, outputFiles } = await esbuild.build({
    ...(await bundleOptions(root)),
    metafile: true,
    write: false,
  })
  refuseHiddenNames(metafile)
  const inputs = Object.keys(metafile.inputs).filter(name => !name.includes(':'))
  const ours = inputs.filter(name => !name.includes('node_modules/'))
  const stampInputs = [...new Set([...ours, ...alwaysInputs, ...Object.values(copied)])].sort()
  // Described before anything is written: a source that changes meanwhile makes the stamp stale, not wrong.
  const described = stampInputs.map(name => describeInput(root, name))
  const files = new Map<string, Uint8Array>()
  for (const [name, source] of Object.entries(copied)) files.set(name, fs.readFileSync(path.join(root, source)))
  files.set('THIRD-PARTY-LICENSES.txt', Buffer.from(licenceTexts(root, inputs)))
  for (const file of chunksFirst(outputFiles))
    files.set(path.relative(path.join(root, 'dist'), file.path), file.contents)
  writeDist(root, files, described)
  let bytes = 0
  for (const contents of files.values()) bytes += contents.length
  return { bytes, files: files.size }
}

async function bundleOptions(root: string): Promise<BuildOptions> {
  const { bundlePlugins, lazySegmenter } = await import('./bundle/plugins.ts')
  return {
    absWorkingDir: root,
    entryPoints: { main: 'src/main.ts' },
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    jsx: 'automatic',
    legalComments: 'none', // the texts are in THIRD-PARTY-LICENSES.txt
    logLevel: 'warning',
    define: {
      'process.env.NODE_ENV': '"production"',
      BUILT_MICROS: String(builtMicros()),
      ...lazySegmenter.define,
    },
    inject: [...lazySegmenter.inject],
    plugins: [...bundlePlugins],
  }
}

/** Now, or what SOURCE_DATE_EPOCH says, so that a build can be repeated byte for byte. */
function builtMicros(): number {
  const seconds = process.env.SOURCE_DATE_EPOCH
  return seconds !== undefined && /^\d{1,10}$/.test(seconds) ? Number(seconds) * 1_000_000 : Date.now() * 1000
}

/**
 * Node finds the names in a CommonJS package that is loaded by `import()`, a bundle only its default: such a program
 * works from its sources and fails when built, so it is not built.
 */
function refuseHiddenNames({ outputs }: Metafile): void {
  for (const { entryPoint = '', exports } of Object.values(outputs)) {
    if (!entryPoint.includes('node_modules/') || exports.some(name => name !== 'default')) continue
    throw new Error(
      `import() of ${entryPoint}, a CommonJS file: its names are lost in the bundle (tools/bundle/plugins.ts)`,
    )
  }
}

/** main.js comes last, so that a start in the middle of a build finds every chunk that its main.js names. */
function chunksFirst(files: readonly OutputFile[]): OutputFile[] {
  return files.toSorted((a, b) => Number(!a.path.includes('/chunks/')) - Number(!b.path.includes('/chunks/')))
}

function writeDist(root: string, files: ReadonlyMap<string, Uint8Array>, inputs: readonly Input[]): void {
  const dist = path.join(root, 'dist')
  fs.rmSync(path.join(dist, stampName), { force: true })
  for (const [name, contents] of files) replaceFile(path.join(dist, name), contents)
  for (const name of fs.readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(dist, name)
    // What lies in native/ is made by tools/native.ts.
    if (!files.has(name) && !name.startsWith('native/') && fs.statSync(file).isFile()) fs.rmSync(file)
  }
  const stamp: Stamp = { inputs, outputs: [...files.keys()] }
  replaceFile(path.join(dist, stampName), Buffer.from(`${JSON.stringify(stamp)}\n`))
}

function replaceFile(file: string, contents: Uint8Array): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}.new`
  fs.writeFileSync(temporary, contents)
  fs.renameSync(temporary, file)
}

if (process.argv[1] === import.meta.filename) {
  const root = path.dirname(import.meta.dirname)
  if (isBuildFresh(root) && !process.argv.includes('--force')) {
    console.log('dist/ is up to date.')
  } else {
    const started = performance.now()
    try {
      const { bytes, files } = await build(root)
      const took = Math.round(performance.now() - started)
      console.log(`Built dist/: ${files} files, ${Math.round(bytes / 1024)} KiB, ${took} ms.`)
    } catch (error) {
      console.error(error instanceof Error ? error.message : error)
      process.exitCode = 1
    }
  }
}
