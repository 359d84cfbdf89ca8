// Who may import whom, as a table, and the check of it: `npm run check` runs it over every source file. A part that
// needs more is a question for the design; the answer is one word in the table, with its reason.

import { builtinModules } from 'node:module'
import { basename } from 'node:path'
import type { Import, SourceFile } from './sources.ts'

export interface Finding {
  readonly path: string
  readonly line: number
  readonly text: string
}

interface Part {
  readonly name: string
  /** The files of the part; the first part that fits a path has it. */
  readonly files: RegExp
  /** Names of the parts whose code it may load. Its own files are always open to it. */
  readonly mayImport: readonly string[]
  /** The files of its folder that others may load; the rest is its own business. Without it every file is public. */
  readonly open?: readonly string[]
  /** Modules of Node that it may load; without it all. */
  readonly nodeModules?: readonly string[]
}

/** No files, no network, no processes: what is pure, and what gives way to the event loop. */
const pureNodeModules = ['buffer', 'crypto', 'timers', 'timers/promises', 'util', 'zlib']
const base = ['errors', 'host errors', 'progress', 'host', 'format']
const aboveCore = ['commands', 'cli', 'ui', 'boot', 'main']
const history = ['native', 'store', 'journal', 'worktree', 'timeline']

function corePart(name: string, mayImport: readonly string[], more: Partial<Part> = {}): Part {
  return { name, files: new RegExp(`^src/core/${name}/`), mayImport, nodeModules: pureNodeModules, ...more }
}

/** Open is the file named like the folder, and `pure`: functions over what they are given, which keep no state. */
function historyPart(name: string, ...pure: string[]): Part {
  const mayImport = [...base, ...history.slice(0, history.indexOf(name))]
  return corePart(name, mayImport, { open: [name, ...pure] })
}

/** `type` imports of anything in src/core are free: they are gone before the program runs. */
const parts: readonly Part[] = [
  { name: 'errors', files: /^src\/core\/errors\.ts$/, mayImport: [], nodeModules: [] },
  { name: 'host errors', files: /^src\/core\/host\/error\.ts$/, mayImport: [], nodeModules: [] },
  { name: 'progress', files: /^src\/core\/progress\.ts$/, mayImport: ['errors'], nodeModules: pureNodeModules },
  {
    name: 'system',
    files: /^src\/core\/(?:system|systemApi|newRoot|lastState|adoptRoot|carrying|parts|rootFormat|signing)\.ts$/,
    mayImport: ['core'],
    nodeModules: pureNodeModules,
  },
  corePart('host', ['host errors'], { nodeModules: builtinModules }),
  corePart('format', ['errors', 'host errors', 'host']),
  // `module`: it is the only loader of the add-on.
  corePart('native', ['format', 'errors', 'host errors'], {
    open: ['load'],
    nodeModules: [...pureNodeModules, 'module'],
  }),
  historyPart('store', 'changes', 'content', 'idTable', 'layout', 'packScan', 'packedList', 'packing', 'reach', 'tree'),
  historyPart('journal'),
  historyPart(
    'worktree',
    'apply',
    'contents',
    'foldedNames',
    'ignore',
    'paths',
    'reserved',
    'scan',
    'stage',
    'targets',
    'walk',
  ),
  historyPart('timeline', 'records'),
  corePart('verify', [...base, ...history], { open: ['verify'] }),
  // Every other subsystem (keys, contracts, boxes, ...): system.ts joins them, they never meet.
  { ...corePart('subsystem', [...base, ...history], { open: [] }), files: /^src\/core\/[^/]+\// },
  // Errors are caught everywhere; the format's codecs are pure, and names are read and shown with them.
  { name: 'commands', files: /^src\/commands\//, mayImport: ['system', ...base, 'boot'] },
  { name: 'cli', files: /^src\/cli\//, mayImport: ['commands', 'errors', 'host errors', 'progress', 'format'] },
  { name: 'ui', files: /^src\/ui\//, mayImport: ['commands', 'errors', 'host errors', 'progress', 'format'] },
  { name: 'boot', files: /^src\/boot\//, mayImport: [...base, 'store'] },
  { name: 'main', files: /^src\/main\.ts$/, mayImport: ['cli', 'ui', 'commands', 'host', 'native', 'errors'] },
  { name: 'test support', files: /^test\/support\//, mayImport: ['core', ...aboveCore] },
  { name: 'tools', files: /^(?:tools|bench)\//, mayImport: ['core', ...aboveCore, 'test support'] },
  { name: 'test', files: /^test\//, mayImport: ['core', ...aboveCore, 'test support', 'tools'] },
]

/** Packages that one part alone may load, so that no other pays for them. */
const packageOwners: readonly { readonly packages: RegExp; readonly part: string }[] = [
  { packages: /^(?:react|ink|ink-[a-z-]+|react-[a-z-]+)$/, part: 'ui' },
  { packages: /^yargs(?:-parser)?$/, part: 'cli' },
]

const coreNames = new Set(['system', 'subsystem', 'verify', ...base, ...history])

function partOf(file: string): Part | undefined {
  return parts.find(part => part.files.test(file))
}

/** Subsystems that share the last row are still apart: each is its own folder. */
function samePart(a: string, b: string): boolean {
  const [partA, partB] = [partOf(a), partOf(b)]
  return partA === partB && (partA?.name !== 'subsystem' || folderOf(a) === folderOf(b))
}

function folderOf(file: string): string {
  return file.split('/').slice(0, 3).join('/')
}

/** Everything that breaks a rule. `packages` are the names that package.json lists. */
export function checkImports(sources: readonly SourceFile[], packages: ReadonlySet<string>): Finding[] {
  const findings: Finding[] = []
  const known = new Set(sources.map(source => source.path))
  for (const { path, imports } of sources) {
    const part = partOf(path)
    if (part === undefined) findings.push({ path, line: 1, text: 'belongs to no part: see tools/importRules.ts' })
    for (const one of part === undefined ? [] : imports) {
      const text = one.target === undefined ? checkPackage(part!, one, packages) : checkFile(path, part!, one, known)
      if (text !== undefined) findings.push({ path, line: one.line, text })
    }
  }
  return [...findings, ...findCycles(sources)]
}

function checkPackage(part: Part, { specifier, typeOnly }: Import, packages: ReadonlySet<string>): string | undefined {
  if (specifier.startsWith('node:')) {
    const allowed = part.nodeModules?.includes(specifier.slice('node:'.length)) ?? true
    return allowed || typeOnly ? undefined : `${part.name} may not load ${specifier}: use the ports of src/core/host`
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (!packages.has(name)) return `${name} is not in package.json`
  const owner = packageOwners.find(({ packages: owned }) => owned.test(name))?.part
  const open = owner === undefined || owner === part.name || /^t(?:ools|est)/.test(part.name)
  return open ? undefined : `${name} may be loaded by src/${owner} only`
}

function checkFile(file: string, part: Part, one: Import, known: ReadonlySet<string>): string | undefined {
  const target = one.target ?? ''
  if (/\.(?:json|cjs|js)$/.test(target)) return undefined // data, and what the build makes
  if (!known.has(target)) return `${one.specifier} leads to no source file`
  const other = partOf(target)
  if (other === undefined || samePart(file, target)) return undefined
  const inCore = coreNames.has(other.name)
  if (one.typeOnly && inCore && part.name !== 'errors') return undefined
  const allowed = part.mayImport.includes(other.name) || (inCore && part.mayImport.includes('core'))
  if (!allowed) return `${part.name} may not import ${other.name} (${target})`
  // system.ts joins the operations of every part into one; verify and repair look at what the others keep to themselves.
  const joins = ['system', 'verify', 'test', 'test support', 'tools'].includes(part.name)
  if (other.open === undefined || joins) return undefined
  const folder = folderOf(target)
  const names = other.name === 'subsystem' ? [basename(folder)] : other.open
  return names.some(name => target === `${folder}/${name}.ts`)
    ? undefined
    : `${target} is not open to others: ${names.map(name => `${name}.ts`).join(', ')} of ${folder} are`
}

/** One finding for each ring of files that load each other while they start. */
function findCycles(sources: readonly SourceFile[]): Finding[] {
  const edges = new Map(
    sources.map(({ path, imports }) => [path, imports.filter(one => !one.typeOnly && !one.dynamic)]),
  )
  const findings: Finding[] = []
  const done = new Set<string>()
  const trail: string[] = []
  const walk = (path: string): void => {
    trail.push(path)
    for (const { target = '', line } of edges.get(path) ?? []) {
      const from = trail.indexOf(target)
      if (from >= 0) findings.push({ path, line, text: `import cycle: ${[...trail.slice(from), target].join(' -> ')}` })
      else if (!done.has(target) && edges.has(target)) walk(target)
    }
    trail.pop()
    done.add(path)
  }
  for (const path of edges.keys()) if (!done.has(path)) walk(path)
  return findings
}
