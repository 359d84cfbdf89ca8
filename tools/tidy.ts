// Style as a test: lengths, opening comments, banned calls with what to use instead, files that nobody imports, tests
// that nobody runs, and what must not get into a repository. `npm run check` runs it over every file.

import fs from 'node:fs'
import path from 'node:path'
import type { Finding } from './importRules.ts'
import type { SourceFile } from './sources.ts'
import { isRunBySomeSuite } from './suites.ts'

const fileLinesMax = 700
const functionLinesMax = 100
const functionLinesGood = 70
const blobBytesMax = 256 * 1024

interface Ban {
  readonly uses: RegExp
  readonly files: RegExp
  readonly except?: RegExp
  readonly instead: string
}

const core = /^src\/core\//
const host = /^src\/core\/host\//

const bans: readonly Ban[] = [
  {
    uses: /^console\./,
    files: /^src\/(?:core|commands|ui)\//,
    instead: 'return data or yield progress; the cli prints',
  },
  { uses: /^process\./, files: core, except: host, instead: 'the ports of src/core/host' },
  { uses: /^process\.exit$/, files: /^src\/(?:commands|ui|boot)\//, instead: 'throw a SentientError; main ends' },
  {
    uses: /^(?:globalThis\.)?fetch$|^new (?:WebSocket|EventSource)$/,
    files: /^src\//,
    except: host,
    instead: 'host.network: one port reaches out',
  },
  { uses: /^Math\.random$/, files: core, instead: 'host.random' },
  { uses: /^Date\.now$|^new Date\(\)$/, files: core, except: host, instead: 'host.clock' },
  { uses: /^performance\.now$/, files: core, except: host, instead: 'host.clock.monotonicMs' },
  { uses: /^new Error$/, files: core, except: host, instead: 'SentientError with a code of src/core/errors.ts' },
]

interface TextRule {
  readonly pattern: RegExp
  readonly files: RegExp
  readonly except?: RegExp
  readonly text: string
}

// Patterns are written so that they do not find themselves here.
const textRules: readonly TextRule[] = [
  { pattern: /['"`]\/tmp\b/, files: /\.(?:ts|tsx|mjs)$/, text: 'a fixed temporary folder: use os.tmpdir()' },
  {
    pattern: /(?<![\w.~})-])\/(?:home|root|work|Users)\/[\w.]/,
    files: /\.(?:ts|tsx|mjs|cjs|md|json|ya?ml|sh|py|go)$|\/[^.]+$/,
    // Paths of made-up devices are what these are about.
    except: /^(?:format\/vectors|src\/commands\/demo|test\/core\/format)\/|^tools\/generateVectors\.ts$/,
    text: 'a path of one machine',
  },
  {
    pattern: /\b(?:TO[D]O|FIX[M]E|XX[X])\b/,
    files: /\.(?:ts|tsx|mjs|cjs|md|sh|py|go)$/,
    text: 'do it, or write it down',
  },
  {
    pattern: /\bwhat: ['`](?!sentctl|sentient\.yaml|gc )[a-z]/,
    files: /^src\/.*\.tsx?$/,
    text: 'what went wrong is a sentence: it begins with a capital',
  },
  { pattern: /"resolved": "http/, files: /^package-lock\.json$/, text: 'names a registry: npm reads .npmrc, use it' },
]

/** Findings fail the check; warnings are for the eye. */
export interface TidyResult {
  readonly findings: readonly Finding[]
  readonly warnings: readonly Finding[]
}

export function checkTidiness(root: string, sources: readonly SourceFile[]): TidyResult {
  const files = listFiles(root)
  const { dependencies, scripts } = readPackage(root)
  const findings = [
    ...sources.filter(source => !source.path.endsWith('.generated.ts')).flatMap(checkSource),
    ...unusedFiles(sources, scripts),
    ...files.flatMap(file => checkFile(root, file)),
    ...checkDependencyDocument(root, dependencies),
  ]
  return { findings, warnings: sources.flatMap(longFunctions) }
}

function checkSource(source: SourceFile): Finding[] {
  const at = (line: number, text: string): Finding => ({ path: source.path, line, text })
  const findings: Finding[] = []
  const lines = source.text.split('\n').length - 1
  if (lines > fileLinesMax) findings.push(at(1, `${lines} lines: split it, ${fileLinesMax} is the limit`))
  if (!/^(?:#!.*\n)?(?:\/\/ \S|\/\*\*)/.test(source.text))
    findings.push(at(1, 'no opening comment: say what the file is for'))
  for (const { name, line, lines: length, holdsTests } of source.functions) {
    if (length <= functionLinesMax || holdsTests) continue
    findings.push(at(line, `${name} has ${length} lines of its own: ${functionLinesMax} is the limit`))
  }
  for (const { text, line } of source.uses) {
    for (const ban of bans) {
      const applies = ban.uses.test(text) && ban.files.test(source.path) && ban.except?.test(source.path) !== true
      if (applies) findings.push(at(line, `${text} is banned here: ${ban.instead}`))
    }
  }
  for (const { line, reexport, typeOnly } of source.imports) {
    if (reexport && !typeOnly) findings.push(at(line, 're-exports: import from the file that has the code'))
  }
  if (/\.test\.tsx?$/.test(source.path) && !isRunBySomeSuite(source.path)) {
    findings.push(at(1, 'no suite runs this test: see tools/suites.ts'))
  }
  return findings
}

function longFunctions(source: SourceFile): Finding[] {
  return source.functions
    .filter(({ lines, holdsTests }) => !holdsTests && lines > functionLinesGood && lines <= functionLinesMax)
    .map(({ name, line, lines }) => ({ path: source.path, line, text: `${name} has ${lines} lines of its own` }))
}

/**
 * Files that nothing reaches. What a script of package.json, a test runner or a written-out path names is an entry.
 * For the product's own files a test is not a reason to be there, but for hosts: some exist to be put under a test.
 */
function unusedFiles(sources: readonly SourceFile[], scripts: ReadonlySet<string>): Finding[] {
  const used = new Set<string>()
  for (const { path: importer, imports } of sources) {
    for (const { target } of imports) {
      if (target === undefined || target === importer) continue
      const onlyTested = importer.startsWith('test/') && target.startsWith('src/') && !host.test(target)
      if (!onlyTested) used.add(target)
    }
  }
  const isNamed = (file: string) => {
    const written = new RegExp(`['"\`/]${path.basename(file).replaceAll('.', '\\.')}['"\`]`)
    const readers = sources.filter(
      ({ path: other }) => other !== file && other.startsWith('test/') <= file.startsWith('test/'),
    )
    return readers.some(({ text }) => written.test(text))
  }
  const isEntry = (file: string) =>
    file === 'src/main.ts' ||
    /\.test\.tsx?$|^bench\/|^tools\/generate\w*\.ts$|^tools\/bundle\/launch\.cjs$/.test(file) ||
    scripts.has(file) ||
    (/^(?:tools|test)\//.test(file) && isNamed(file))
  return sources
    .filter(({ path: file }) => !used.has(file) && !isEntry(file))
    .map(({ path: file }) => ({ path: file, line: 1, text: 'nobody imports it' }))
}

function checkFile(root: string, file: string): Finding[] {
  const bytes = fs.statSync(path.join(root, file)).size
  if (bytes > blobBytesMax) {
    return [{ path: file, line: 1, text: `${bytes} bytes: ${blobBytesMax} is the limit, git keeps every version` }]
  }
  const rules = textRules.filter(
    ({ files, except }) => (files.test(`/${file}`) || files.test(file)) && except?.test(file) !== true,
  )
  if (rules.length === 0 || file === 'LICENSE') return []
  const lines = fs.readFileSync(path.join(root, file), 'utf8').split('\n')
  if (lines[0]?.includes('\0') === true) return []
  const findings: Finding[] = []
  for (const [index, line] of lines.entries()) {
    for (const { pattern, text } of rules) {
      if (pattern.test(line)) findings.push({ path: file, line: index + 1, text })
    }
  }
  return findings
}

/** docs/dependencies.md has a row for each package of package.json, and no other. */
function checkDependencyDocument(root: string, dependencies: readonly string[]): Finding[] {
  const file = 'docs/dependencies.md'
  const text = fs.existsSync(path.join(root, file)) ? fs.readFileSync(path.join(root, file), 'utf8') : ''
  const rows = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(match => match[1] ?? '')
  const used = [...dependencies, ...readCrates(root)]
  const missing = used.filter(name => !rows.includes(name)).map(name => `has no row for ${name}`)
  const surplus = rows.filter(name => !used.includes(name)).map(name => `has a row for ${name}, which is not used`)
  return [...missing, ...surplus].map(problem => ({ path: file, line: 1, text: problem }))
}

/** The crates that the native core names in the one table of its workspace. */
function readCrates(root: string): string[] {
  const file = path.join(root, 'native-core', 'Cargo.toml')
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
  const table = /^\[workspace\.dependencies\]\n((?:.+\n)*)/m.exec(text)?.[1] ?? ''
  return [...table.matchAll(/^([\w-]+) *=/gm)].map(match => match[1] ?? '')
}

interface PackageJson {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The names in package.json's lists of dependencies, and the files that its scripts run, the bootstrap's tasks too. */
export function readPackage(root: string): {
  readonly dependencies: readonly string[]
  readonly scripts: ReadonlySet<string>
} {
  const json = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as PackageJson
  const lists = [json.dependencies, json.devDependencies, json.optionalDependencies]
  const words = Object.values(json.scripts ?? {}).flatMap(script => script.split(' '))
  const scripts = new Set(words.map(word => (/^\w+$/.test(word) ? `tools/${word}.ts` : word)))
  return { dependencies: lists.flatMap(list => Object.keys(list ?? {})), scripts }
}

const notOurs = new Set(['.git', 'node_modules', 'dist', '.cache', 'target'])

/** Every file of the repository, by path relative to its root. */
function listFiles(root: string, below = ''): string[] {
  return fs.readdirSync(path.join(root, below), { withFileTypes: true }).flatMap(entry => {
    const name = path.posix.join(below, entry.name)
    if (notOurs.has(entry.name) || entry.name.endsWith('.tgz')) return []
    return entry.isDirectory() ? listFiles(root, name) : entry.isFile() ? [name] : []
  })
}
