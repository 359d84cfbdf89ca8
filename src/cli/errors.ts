// The one boundary from errors to wording and exit codes: `what / where / expected / found / what to do`, or JSON.

import { type ErrorCode, errorTable, exitCodes, SentientError } from '../core/errors.ts'
import { HostError, type HostErrorCode } from '../core/host/error.ts'
import { localTime, type Style, safeText } from './style.ts'

/** An error as `--json` prints it, on standard error. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly kind: string
  readonly exitCode: number
  readonly what: string
  readonly where?: string
  readonly expected?: string
  readonly found?: string
  readonly hint: string
}

const hostCodes: Partial<Record<HostErrorCode, ErrorCode>> = {
  NOT_FOUND: 'PATH_NOT_FOUND',
  EXISTS: 'PATH_EXISTS',
  NOT_A_DIRECTORY: 'NOT_A_DIRECTORY',
  IS_A_DIRECTORY: 'IS_A_DIRECTORY',
  SYMLINK: 'SYMLINK_IN_PATH',
  DENIED: 'NOT_WRITABLE',
  READ_ONLY: 'NOT_WRITABLE',
  NO_SPACE: 'DISK_FULL',
}

/** Every thrown value as a SentientError; what is not one of ours is INTERNAL. */
export function sentientErrorOf(error: unknown, verb?: string): SentientError {
  if (error instanceof SentientError) {
    if (error.code !== 'USAGE' || error.details.hint !== undefined || verb === undefined) return error
    return new SentientError('USAGE', { ...error.details, hint: `See sentctl help ${verb}.` }, error)
  }
  if (error instanceof HostError && error.code === 'DENIED') {
    const what = 'The system denies it'
    return new SentientError(
      'NOT_WRITABLE',
      { what, where: error.path, hint: 'Check owner and mode: ls -ld shows them.' },
      error,
    )
  }
  if (error instanceof HostError) {
    return new SentientError(
      hostCodes[error.code] ?? 'IO',
      { where: error.path, found: `${error.call}: ${error.code}` },
      error,
    )
  }
  const found = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new SentientError('INTERNAL', { found }, error)
}

/** What to do, where that hangs on what the verb can do, or on how the words came here. */
function hintOf({ code, details, hint }: SentientError, flags: Readonly<Record<string, unknown>>): string {
  if (details.where?.includes('\ufffd') === true && code === 'PATH_NOT_FOUND') {
    return "The name came with bytes that are no UTF-8. Write them as sentctl ls shows them, in quotes: '\\xFF'."
  }
  if (details.hint !== undefined) return hint
  if (code === 'PATH_EXISTS') return `Choose another name${'force' in flags ? ', or give --force to replace it' : ''}.`
  if (code === 'IS_A_DIRECTORY') return 'recursive' in flags ? 'Give -r to mean all that is in it too.' : 'Name a file.'
  return hint
}

export function errorData(error: SentientError, flags: Readonly<Record<string, unknown>> = {}): ErrorData {
  const { where, expected, found } = error.details
  return {
    code: error.code,
    kind: error.kind,
    exitCode: exitCodes[error.kind],
    what: error.details.what ?? errorTable[error.code].title,
    // The root folder itself has no name.
    ...(where === undefined ? {} : { where: where === '' ? '.' : where }),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    hint: hintOf(error, flags),
  }
}

/** Times are ISO where they come from, and local for people. */
function shown(text: string): string {
  return safeText(text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, localTime))
}

export function errorText(error: SentientError, style: Style, flags: Readonly<Record<string, unknown>> = {}): string {
  const { code, where, expected, found, what, hint } = errorData(error, flags)
  const lines = [`${style.red(style.bold('sentctl:'))} ${shown(what)}`]
  if (where !== undefined) lines.push(`  where     ${shown(where)}`)
  if (expected !== undefined) lines.push(`  expected  ${shown(expected)}`)
  if (found !== undefined) lines.push(`  found     ${shown(found)}`)
  lines.push(`  do        ${shown(hint)}`)
  if (code !== 'USAGE' && code !== 'CANCELLED')
    lines.push(style.dim(`  code      ${code}; more: sentctl explain ${code}`))
  return `${lines.join('\n')}\n`
}
