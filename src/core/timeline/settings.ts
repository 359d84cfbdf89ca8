// The settings: their shape, their defaults, and the strict reading of sentient.yaml. What is in force stands in the
// state root as the exact text of the file; the file itself is a working copy, a candidate while it differs.
import { SentientError } from '../errors.ts'
import { parseRedisAddress } from '../format/redisAddress.ts'
import type { DriftRule } from './model.ts'

export interface Settings {
  readonly version: 1
  readonly retention: {
    readonly snapshots: number
    readonly hourly: number
    readonly daily: number
    readonly weekly: number
  }
  /** Patterns as in .gitignore, for paths that are never looked at. */
  readonly ignore: readonly string[]
  readonly gitignore: boolean
  readonly zk: boolean
  readonly metadata: readonly ('owner' | 'xattrs')[]
  readonly drift: readonly { readonly paths: readonly string[]; readonly do: DriftRule }[]
  readonly watch: { readonly absorb: boolean; readonly quietMinutes: number }
  /** A Redis that gets what recycle.redis holds; null: none. */
  readonly redis: { readonly url: string | null }
}

export const defaultIgnore: readonly string[] = [
  '.git/',
  '.hg/',
  '.svn/',
  '.jj/',
  'node_modules/',
  '__pycache__/',
  '.cache/',
  '*.log',
  'lost+found/',
]

export const defaultSettings: Settings = {
  version: 1,
  retention: { snapshots: 64, hourly: 24, daily: 14, weekly: 8 },
  ignore: defaultIgnore,
  gitignore: false,
  zk: true,
  metadata: [],
  drift: [{ paths: ['**'], do: 'warn' }],
  watch: { absorb: false, quietMinutes: 10 },
  redis: { url: null },
}

export const settingsBytesMax = 1 << 20

export interface SettingsProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

export type ParsedSettings =
  | { readonly state: 'valid'; readonly settings: Settings }
  | { readonly state: 'invalid'; readonly problem: SettingsProblem }

/** The text that `init` writes; keys with their meaning, so that the file explains itself. */
export function settingsText(settings: Settings): string {
  const list = (items: readonly string[]) => items.map(item => `  - ${JSON.stringify(item)}\n`).join('') || '  []\n'
  return `# The settings of this root folder. Edit, then: sentctl config apply
version: 1

# How many snapshots of yours are kept, and how the automatic ones are thinned. Pinned ones always stay.
retention: { snapshots: ${settings.retention.snapshots}, hourly: ${settings.retention.hourly}, daily: ${settings.retention.daily}, weekly: ${settings.retention.weekly} }

# Never looked at; patterns as in .gitignore.
ignore:
${list(settings.ignore)}
# Also leave out what .gitignore files name.
gitignore: ${settings.gitignore}

# Whether transitions are to be proven in zero knowledge, where this program can.
zk: ${settings.zk}

# Metadata beyond the mode that is recorded: none, or owner, xattrs where the platform can.
metadata: []

# What a change made outside sentctl means: warn shows it, absorb keeps it (by the watcher), heal brings the record back.
drift:
${settings.drift.map(rule => `  - { paths: ${JSON.stringify(rule.paths)}, do: ${rule.do} }\n`).join('')}
watch: { absorb: ${settings.watch.absorb}, quietMinutes: ${settings.watch.quietMinutes} }

# A Redis that is told the last state: redis://host:port/database. Its password stands in .auth/redis-password.
redis: { url: ${settings.redis.url === null ? 'null' : JSON.stringify(settings.redis.url)} }
`
}

type Checker = (value: unknown, fail: (message: string) => never) => unknown

const integer =
  (min: number, max: number): Checker =>
  (value, fail) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : fail(`expected a whole number from ${min} to ${max}, found ${shown(value)}`)
const flag: Checker = (value, fail) =>
  typeof value === 'boolean' ? value : fail(`expected true or false, found ${shown(value)}`)
const word =
  (...choices: readonly string[]): Checker =>
  (value, fail) =>
    typeof value === 'string' && choices.includes(value)
      ? value
      : fail(`expected ${choices.join(' or ')}, found ${shown(value)}`)
const texts: Checker = (value, fail) =>
  Array.isArray(value) && value.every(item => typeof item === 'string' && item.length > 0 && item.length <= 1_024)
    ? value
    : fail('expected a list of texts')

interface MapSpec {
  readonly [key: string]: Checker | MapSpec
}

const spec: MapSpec = {
  version: (value, fail) => (value === 1 ? 1 : fail(`expected 1, found ${shown(value)}`)),
  retention: {
    snapshots: integer(1, 10_000),
    hourly: integer(0, 1_000),
    daily: integer(0, 1_000),
    weekly: integer(0, 1_000),
  },
  ignore: texts,
  gitignore: flag,
  zk: flag,
  metadata: (value, fail) =>
    Array.isArray(value) && value.length === 0
      ? []
      : fail('expected []: owners and extended attributes need the native core, which is not installed'),
  drift: (value, fail) => {
    if (!Array.isArray(value)) return fail('expected a list of { paths, do }')
    return value.map(rule => {
      const keys = rule !== null && typeof rule === 'object' ? Object.keys(rule).sort().join() : ''
      if (keys !== 'do,paths') return fail('expected { paths: [...], do: absorb | warn | heal }')
      return { paths: texts(rule.paths, fail), do: word('absorb', 'warn', 'heal')(rule.do, fail) }
    })
  },
  watch: { absorb: flag, quietMinutes: integer(1, 1_440) },
  redis: {
    url: (value, fail) => {
      if (value === null) return null
      const address = typeof value === 'string' ? parseRedisAddress(value) : 'expected redis://host:port/database'
      return typeof address === 'string' ? fail(address) : value
    },
  },
}

function shown(value: unknown): string {
  return value === null
    ? 'nothing'
    : typeof value === 'object'
      ? Array.isArray(value)
        ? 'a list'
        : 'a map'
      : String(value)
}

/** Reads sentient.yaml strictly; keys left out keep their defaults. The parser is loaded on first use. */
export async function parseSettings(text: string): Promise<ParsedSettings> {
  const { LineCounter, parseDocument, isMap, isScalar, visit } = await import('yaml')
  const lines = new LineCounter()
  // Keys that stand twice are found below: the parser compares each with each, and shows each of many errors in its line.
  // What it would say on stderr is not for anybody.
  const cheap = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const
  const document = parseDocument(text, { lineCounter: lines, strict: true, version: '1.2', schema: 'core', ...cheap })
  const problemAt = (offset: number, message: string): ParsedSettings => {
    const { line, col } = lines.linePos(offset)
    return { state: 'invalid', problem: { line, column: col, message: message.split('\n')[0] } }
  }
  const broken = document.errors[0] ?? document.warnings[0]
  if (broken !== undefined) return problemAt(broken.pos[0], wordingOf(broken.message))
  let odd: ParsedSettings | undefined
  visit(document, {
    Alias: (_, node) => void (odd ??= problemAt(node.range?.[0] ?? 0, 'aliases are not allowed here')),
    Node: (_, node) => {
      if (node.tag !== undefined && !/^tag:yaml\.org,2002:/.test(node.tag))
        odd ??= problemAt(node.range?.[0] ?? 0, 'tags are not allowed here')
      if ('anchor' in node && node.anchor !== undefined)
        odd ??= problemAt(node.range?.[0] ?? 0, 'anchors are not allowed here')
    },
    Map: (_, { items }) => {
      const known = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (known.has(key.value)) odd ??= problemAt(key.range?.[0] ?? 0, 'Map keys must be unique')
        known.add(key.value)
      }
    },
  })
  if (odd !== undefined) return odd
  if (document.contents === null) return { state: 'valid', settings: defaultSettings }
  let failed: ParsedSettings | undefined
  const read = (
    node: unknown,
    at: MapSpec,
    defaults: Record<string, unknown>,
    name: string,
  ): Record<string, unknown> => {
    const result = { ...defaults }
    if (!isMap(node)) {
      failed ??= problemAt((node as { range?: [number] } | null)?.range?.[0] ?? 0, `${name}: expected a map`)
      return result
    }
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '?'
      const offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? 0
      const checker = Object.hasOwn(at, key) ? at[key] : undefined
      const full = name === '' ? key : `${name}.${key}`
      if (checker === undefined) {
        failed ??= problemAt(offset, `unknown key "${full}"${suggestion(key, Object.keys(at))}`)
      } else if (typeof checker === 'function') {
        const value = (pair.value as { toJSON?: () => unknown } | null)?.toJSON?.() ?? null
        const valueOffset = (pair.value as { range?: [number] } | null)?.range?.[0] ?? offset
        try {
          result[key] = checker(value, message => {
            throw new CheckFailed(`${full}: ${message}`)
          })
        } catch (error) {
          if (!(error instanceof CheckFailed)) throw error
          failed ??= problemAt(valueOffset, error.message)
        }
      } else result[key] = read(pair.value, checker, defaults[key] as Record<string, unknown>, full)
    }
    return result
  }
  const values = read(document.contents, spec, defaultSettings as unknown as Record<string, unknown>, '')
  return failed ?? { state: 'valid', settings: values as unknown as Settings }
}

/** What the parser says of too many brackets is the engine's own word for it. */
const wordingOf = (message: string): string =>
  message.startsWith('Maximum call stack') ? 'nested too deeply' : message

class CheckFailed extends Error {}

function suggestion(text: string, words: readonly string[]): string {
  const near = nearest(text, words)
  return near === undefined ? '' : `, did you mean "${near}"?`
}

/** The closest of some words within two edits, for "did you mean". */
function nearest(text: string, words: readonly string[]): string | undefined {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i)
    for (let i = 1; i <= a.length; i++) {
      const next = [i]
      for (let j = 1; j <= b.length; j++) {
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
      }
      row = next
    }
    return row[b.length]
  }
  const ranked = words
    .map(candidate => ({ candidate, edits: distance(text, candidate) }))
    .sort((a, b) => a.edits - b.edits)
  return ranked[0] !== undefined && ranked[0].edits <= 2 ? ranked[0].candidate : undefined
}

export function settingsError(problem: SettingsProblem): SentientError {
  return new SentientError('SETTINGS_INVALID', {
    what: problem.message,
    where: `sentient.yaml line ${problem.line}, column ${problem.column}`,
  })
}

/** The keys in which two settings differ, each with both values as compact JSON. */
export function settingsDifferences(inForce: Settings, candidate: Settings) {
  const flat = (value: unknown, prefix: string, into: Map<string, string>) => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, below] of Object.entries(value)) flat(below, prefix === '' ? key : `${prefix}.${key}`, into)
    } else into.set(prefix, JSON.stringify(value))
    return into
  }
  const before = flat(inForce, '', new Map())
  const after = flat(candidate, '', new Map())
  return [...before.keys()]
    .filter(key => before.get(key) !== after.get(key))
    .map(key => ({ key, inForce: before.get(key) ?? '', candidate: after.get(key) ?? '' }))
}

/** Sets one key (dotted) in the file's text, comments kept; the value is YAML text. */
export async function editSettingsText(text: string, key: string, value: string): Promise<string> {
  const { parseDocument, parse } = await import('yaml')
  const document = parseDocument(text)
  let parsed: unknown
  try {
    parsed = parse(value, { logLevel: 'error' })
  } catch (error) {
    throw new SentientError('USAGE', { what: 'The value is not YAML', where: key, found: value }, error)
  }
  try {
    document.setIn(key.split('.'), document.createNode(parsed))
    return document.toString()
  } catch (error) {
    throw new SentientError('USAGE', { what: 'There is no such setting', where: key }, error)
  }
}
