// `.intent/sessions/<id>.json`: where somebody was on the screen. Truth, but of no consequence: a file that is damaged
// is left out, and nothing of the history depends on it.

import { isByteString } from './bytes.ts'
import { FormatError } from './formatError.ts'

export const sessionBytesMax = 32_768
export const sessionsKeptMax = 16
/** One character a byte of the path, as everywhere in JSON of ours; see format/README.md. */
const pathBytesMax = 4_096
const textCharsMax = 4_096
/** Room in the file for the JSON of an operation that can be run again. */
export const sessionAgainCharsMax = 4_096
const panesMax = 16
const factsMax = 16
/** Sessions written before it was kept have no `again`. */
const absent = { again: '' }
const idPattern = /^[0-9a-f]{16}$/
const namePattern = /^[a-z][A-Za-z0-9.-]{0,39}$/

export type SessionFact = string | number | boolean

/** What the screen remembers; what a pane's facts mean is the pane's own matter. */
export interface ScreenMemory {
  readonly pane: string
  readonly focus: 'list' | 'detail'
  /** The path under the cursor, a byte a character; '' where there is none. */
  readonly path: string
  /** The past state that is looked at, as it is written in a command; '' for now. */
  readonly past: string
  readonly searched: string
  readonly panes: Readonly<Record<string, Readonly<Record<string, SessionFact>>>>
  /** Half-typed. */
  readonly prompt: { readonly id: string; readonly label: string; readonly text: string; readonly data: string } | null
}

export interface Session {
  readonly id: string
  /** The id of the process that wrote it: while that runs, the session is its own. */
  readonly process: number
  /** Microseconds since 1970. */
  readonly saved: number
  /** It was left by a key; false: it was killed, or goes on. */
  readonly ended: boolean
  /** The last record that the screen knew; -1 for none. */
  readonly lastSeq: number
  /** What ran when it was saved, for people; '' for nothing. */
  readonly operation: string
  /** The same for the program of the screen, to run it again; '' for nothing, or for what is too long to keep. */
  readonly again: string
  readonly screen: ScreenMemory
}

export const sessionFileName = (id: string): string => `${id}.json`

/** The id in the name of a session's file; undefined for other files. */
export function sessionIdOf(fileName: string): string | undefined {
  const id = fileName.endsWith('.json') ? fileName.slice(0, -'.json'.length) : ''
  return idPattern.test(id) ? id : undefined
}

export const isSessionId = (text: string): boolean => idPattern.test(text)

/** Throws FormatError when the session is over a limit. */
export function encodeSession(session: Session): Uint8Array {
  const { id, process, saved, ended, lastSeq, operation, again, screen } = session
  const { pane, focus, path, past, searched, panes, prompt } = screen
  const ordered = { pane, focus, path, past, searched, panes, prompt }
  const file = { version: 1, id, process, saved, ended, lastSeq, operation, again, screen: ordered }
  const bytes = Buffer.from(`${JSON.stringify(file, undefined, 1)}\n`)
  decodeSession(bytes)
  return bytes
}

/** Throws FormatError for anything but a session of version 1: no key more or less, everything within its limits. */
export function decodeSession(bytes: Uint8Array): Session {
  if (bytes.length > sessionBytesMax) throw new FormatError(`more than ${sessionBytesMax} bytes`)
  const keys = ['version', 'id', 'process', 'saved', 'ended', 'lastSeq', 'operation', 'again', 'screen']
  const file = fields(parsed(bytes), 'session', keys, absent)
  if (file.version !== 1) throw new FormatError(`version ${JSON.stringify(file.version)?.slice(0, 20)}, not 1`)
  if (typeof file.id !== 'string' || !isSessionId(file.id)) throw new FormatError('id')
  return {
    id: file.id,
    process: integer(file.process, 'process', 0),
    saved: integer(file.saved, 'saved', 0),
    ended: flag(file.ended, 'ended'),
    lastSeq: integer(file.lastSeq, 'lastSeq', -1),
    operation: text(file.operation, 'operation'),
    again: text(file.again, 'again'),
    screen: screenOf(file.screen),
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new FormatError('not JSON')
  }
}

function screenOf(value: unknown): ScreenMemory {
  const screen = fields(value, 'screen', ['pane', 'focus', 'path', 'past', 'searched', 'panes', 'prompt'])
  const { focus, prompt } = screen
  if (focus !== 'list' && focus !== 'detail') throw new FormatError('focus')
  const panes = entries(screen.panes, 'panes', panesMax).map(([pane, facts]) => [
    name(pane, 'pane'),
    Object.fromEntries(entries(facts, pane, factsMax).map(([key, fact]) => [name(key, 'fact'), factOf(fact)])),
  ])
  return {
    pane: name(screen.pane, 'pane'),
    focus,
    path: path(screen.path),
    past: text(screen.past, 'past'),
    searched: text(screen.searched, 'searched'),
    panes: Object.fromEntries(panes),
    prompt: prompt === null ? null : promptOf(prompt),
  }
}

function promptOf(value: unknown): NonNullable<ScreenMemory['prompt']> {
  const prompt = fields(value, 'prompt', ['id', 'label', 'text', 'data'])
  return {
    id: name(prompt.id, 'prompt'),
    label: text(prompt.label, 'label'),
    text: text(prompt.text, 'text'),
    data: text(prompt.data, 'data'),
  }
}

function entries(value: unknown, what: string, most: number): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FormatError(`${what} is no map`)
  const all = Object.entries(value)
  if (all.length > most) throw new FormatError(`more than ${most} ${what}`)
  return all
}

function fields(
  value: unknown,
  what: string,
  keys: readonly string[],
  defaults: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const found = { ...defaults, ...Object.fromEntries(entries(value, what, keys.length)) }
  const missing = keys.find(key => !Object.hasOwn(found, key))
  if (missing !== undefined) throw new FormatError(`${what} without ${missing}`)
  return found
}

function factOf(value: unknown): SessionFact {
  return typeof value === 'boolean'
    ? value
    : typeof value === 'number'
      ? integer(value, 'fact', Number.MIN_SAFE_INTEGER)
      : text(value, 'fact')
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || !value.isWellFormed() || value.length > textCharsMax) throw new FormatError(what)
  return value
}

function path(value: unknown): string {
  if (typeof value !== 'string' || value.length > pathBytesMax || !isByteString(value)) throw new FormatError('path')
  return value
}

function name(value: unknown, what: string): string {
  if (typeof value !== 'string' || !namePattern.test(value)) throw new FormatError(`${what} is no name`)
  return value
}

function integer(value: unknown, what: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) throw new FormatError(what)
  return value as number
}

function flag(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new FormatError(what)
  return value
}
