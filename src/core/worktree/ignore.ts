// Ignore patterns with the syntax of .gitignore, over bytes: names need not be valid UTF-8. A pattern is compiled once,
// into a regular expression or, where it has so many stars that one could try for ever, into steps taken side by side.

import { byteStringOfText } from '../format/bytes.ts'
import type { ByteString } from '../host/host.ts'

export interface IgnoreRule {
  readonly pattern: string
  /** What it means; TypeScript asks `matches`. */
  readonly expression: RegExp
  readonly matches: Matches
  readonly negated: boolean
  readonly directoriesOnly: boolean
}

type Matches = (path: ByteString) => boolean

export type Ignored = (path: ByteString, isDirectory: boolean) => IgnoreRule | undefined

export const patternBytesMax = 1_024

/** One rule, or undefined for a blank line or a comment. `base` prefixes the pattern with a directory. */
export function compileIgnoreRule(line: string, base: ByteString = ''): IgnoreRule | undefined {
  let text: ByteString = byteStringOfText(line.replace(/\r$/, '')).replace(/(?<!\\)\s+$/, '')
  if (text === '' || text.startsWith('#')) return undefined
  const negated = text.startsWith('!')
  if (negated) text = text.slice(1)
  const directoriesOnly = text.endsWith('/')
  if (directoriesOnly) text = text.slice(0, -1)
  const anchored = text.includes('/')
  if (text.startsWith('/')) text = text.slice(1)
  const steps: Step[] = [...(base === '' ? '' : `${base}/`)].map(charStep)
  if (!anchored) steps.push({ kind: 'folders' })
  const expression = expressionOf([...steps, ...stepsOf(text)])
  return { pattern: line, expression, matches: matcher([...steps, ...stepsOf(text)]), negated, directoriesOnly }
}

/** The function that says which rule, if any, leaves a path out; the last matching rule wins, as git has it. */
export function compileIgnore(patterns: readonly string[]): Ignored {
  const rules = patterns.map(pattern => compileIgnoreRule(pattern)).filter(rule => rule !== undefined)
  return (path, isDirectory) => matchRules(rules, path, isDirectory)
}

export function matchRules(rules: readonly IgnoreRule[], path: ByteString, isDirectory: boolean) {
  for (let i = rules.length - 1; i >= 0; i--) {
    const rule = rules[i]
    if (rule.directoriesOnly && !isDirectory) continue
    if (rule.matches(path)) return rule.negated ? undefined : rule
  }
  return undefined
}

/** A path matcher for `paths:` in the settings: globs from the top; `X/**` also matches `X`. */
export function compilePathGlob(glob: string): Matches {
  const text = byteStringOfText(glob)
  if (text === '**') return () => true
  if (!text.endsWith('/**')) return matcher(stepsOf(text))
  const itself = matcher(stepsOf(text.slice(0, -3)))
  const below = matcher([...stepsOf(text.slice(0, -3)), charStep('/'), { kind: 'all' }])
  return path => itself(path) || below(path)
}

/** A glob over one name, for `find --name`. */
export function compileNameGlob(glob: string): (name: ByteString) => boolean {
  return matcher(stepsOf(byteStringOfText(glob)))
}

/** What a pattern is made of. */
type Step =
  /** One of these bytes, `table[byte]` being 1; the source is that of a regular expression. */
  | { readonly kind: 'one'; readonly source: string; readonly table: Uint8Array }
  /** Any bytes of one name; any bytes; nothing, or any folders with the slash behind them. */
  | { readonly kind: 'star' | 'all' | 'folders' }

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

function oneOf(source: string, isMember: (byte: number) => boolean): Step {
  return { kind: 'one', source, table: Uint8Array.from({ length: 256 }, (_, byte) => (isMember(byte) ? 1 : 0)) }
}

function charStep(char: string): Step {
  const code = char.charCodeAt(0)
  return oneOf(escapeForRegExp(char), byte => byte === code)
}

const slash = 0x2f
const anyButSlash = oneOf('[^/]', byte => byte !== slash)

function stepsOf(glob: ByteString): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!
    if (char === '*') {
      let end = at
      while (glob[end + 1] === '*') end++
      const wholePart = (at === 0 || glob[at - 1] === '/') && (end + 1 === glob.length || glob[end + 1] === '/')
      const isDeep = end > at && wholePart
      const hasMore = glob[end + 1] === '/'
      steps.push({ kind: isDeep ? (hasMore ? 'folders' : 'all') : 'star' })
      at = isDeep && hasMore ? end + 1 : end
    } else if (char === '?') steps.push(anyButSlash)
    else if (char === '[') {
      const end = glob.indexOf(']', at + 2)
      steps.push(end < 0 ? charStep('[') : classStep(glob.slice(at + 1, end)))
      if (end >= 0) at = end
    } else if (char === '\\' && at + 1 < glob.length) steps.push(charStep(glob[++at]!))
    else steps.push(charStep(char))
  }
  return steps
}

/** A class; a range whose ends stand the wrong way round has nothing in it, as in git. */
function classStep(inside: ByteString): Step {
  const negated = /^[!^]/.test(inside)
  const body = inside.replace(/^[!^]/, '')
  const ranges: { readonly from: string; readonly to: string }[] = []
  for (let at = 0; at < body.length; at++) {
    const isRange = body[at + 1] === '-' && at + 2 < body.length
    const [from, to] = [body[at]!, body[isRange ? at + 2 : at]!]
    if (from <= to) ranges.push({ from, to })
    if (isRange) at += 2
  }
  const source = ranges.map(({ from, to }) =>
    from === to ? escapeForRegExp(from) : `${escapeForRegExp(from)}-${escapeForRegExp(to)}`,
  )
  const isIn = (byte: number): boolean =>
    ranges.some(({ from, to }) => byte >= from.charCodeAt(0) && byte <= to.charCodeAt(0))
  return oneOf(`[${negated ? '^/' : ''}${source.join('')}]`, byte =>
    negated ? byte !== slash && !isIn(byte) : isIn(byte),
  )
}

const sources = { star: '[^/]*', all: '.*', folders: '(?:.*/)?' }

const expressionOf = (steps: readonly Step[]): RegExp =>
  new RegExp(`^${steps.map(step => (step.kind === 'one' ? step.source : sources[step.kind])).join('')}$`, 's')

/** A regular expression goes back for each star: with more of them the time grows as a power of the path's length. */
const starsMax = 2
const deepStarsMax = 1

function matcher(steps: readonly Step[]): Matches {
  const stars = steps.filter(({ kind }) => kind === 'star').length
  const deep = steps.filter(({ kind }) => kind === 'all' || kind === 'folders').length
  if (stars > starsMax || deep > deepStarsMax) return path => matchesInSteps(steps, path)
  const expression = expressionOf(steps)
  return path => expression.test(path)
}

/** Of a way that stands at folders: it may go on, or it is within a name. Elsewhere every way may go on. */
const fresh = 2
const within = 1

/** Follows every way through the steps at once, byte by byte: as many of both, multiplied, are the most it takes. */
function matchesInSteps(steps: readonly Step[], path: ByteString): boolean {
  let now = new Uint8Array(steps.length + 1)
  let next = new Uint8Array(steps.length + 1)
  now[0] = fresh
  for (let at = 0; at <= path.length; at++) {
    const byte = path.charCodeAt(at)
    for (let state = 0; state < steps.length; state++)
      if (now[state] === fresh && steps[state]!.kind !== 'one') now[state + 1] = fresh
    if (at === path.length) return now[steps.length]! > 0
    next.fill(0)
    for (let state = 0; state < steps.length; state++) {
      if (now[state] === 0) continue
      const step = steps[state]!
      if (step.kind === 'one') {
        if (step.table[byte] === 1) next[state + 1] = fresh
      } else if (step.kind === 'folders') next[state] = Math.max(next[state]!, byte === slash ? fresh : within)
      else if (step.kind === 'all' || byte !== slash) next[state] = fresh
    }
    ;[now, next] = [next, now]
  }
  return false
}

/** What editors leave lying about while they work; never looked at. */
export const editorTemporaries: readonly string[] = ['4913', '.*.sw[a-z]', '.*.un~', '*~', '.#*', '#*#', '.~lock.*#']
