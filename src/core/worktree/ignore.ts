// Ignore patterns with the syntax of .gitignore, over bytes. A pattern is compiled once into a regular expression whose
// stars never cross each other's text, so matching stays linear in practice and names need not be valid UTF-8.

import { byteStringOfText } from '../format/bytes.ts'
import type { ByteString } from '../host/host.ts'

export interface IgnoreRule {
  readonly pattern: string
  readonly expression: RegExp
  readonly negated: boolean
  readonly directoriesOnly: boolean
}

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
  const prefix = base === '' ? '' : `${escapeForRegExp(base)}/`
  const source = `^${prefix}${anchored ? '' : '(?:.*/)?'}${globSource(text)}$`
  return { pattern: line, expression: new RegExp(source, 's'), negated, directoriesOnly }
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
    if (rule.expression.test(path)) return rule.negated ? undefined : rule
  }
  return undefined
}

/** A path matcher for `paths:` in the settings: globs from the top; `X/**` also matches `X`. */
export function compilePathGlob(glob: string): (path: ByteString) => boolean {
  const text = byteStringOfText(glob)
  const below = text.endsWith('/**')
  const source = below ? `^${globSource(text.slice(0, -3))}(?:/.*)?$` : `^${globSource(text)}$`
  const expression = new RegExp(text === '**' ? '' : source, 's')
  return path => expression.test(path)
}

/** A glob over one name, for `find --name`. */
export function compileNameGlob(glob: string): (name: ByteString) => boolean {
  const expression = new RegExp(`^${globSource(byteStringOfText(glob))}$`, 's')
  return name => expression.test(name)
}

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

function globSource(glob: ByteString): string {
  let source = ''
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]
    if (char === '*') {
      let end = at
      while (glob[end + 1] === '*') end++
      const wholePart = (at === 0 || glob[at - 1] === '/') && (end + 1 === glob.length || glob[end + 1] === '/')
      if (end > at && wholePart) {
        if (glob[end + 1] === '/') {
          source += '(?:.*/)?'
          end++
        } else source += '.*'
      } else source += '[^/]*'
      at = end
    } else if (char === '?') source += '[^/]'
    else if (char === '[') {
      const end = glob.indexOf(']', at + 2)
      if (end < 0) source += '\\['
      else {
        const body = glob.slice(at + 1, end).replace(/^[!^]/, '')
        const negated = /^[!^]/.test(glob.slice(at + 1, end))
        source += `[${negated ? '^/' : ''}${body.replace(/[\\\]^[]/g, '\\$&')}]`
        at = end
      }
    } else if (char === '\\' && at + 1 < glob.length) source += escapeForRegExp(glob[++at])
    else source += escapeForRegExp(char)
  }
  return source
}

/** What editors leave lying about while they work; never looked at. */
export const editorTemporaries: readonly string[] = ['4913', '.*.sw[a-z]', '.*.un~', '*~', '.#*', '#*#', '.~lock.*#']
