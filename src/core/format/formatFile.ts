// `.runtime/format`: what makes a folder a root folder, and what a program must know to open it.

import { isUtf8 } from 'node:buffer'
import { asBuffer, bytesOfHex, hexOf } from './bytes.ts'
import { formatFileBytesMax, formatNameBytesMax, formatVersion } from './constants.generated.ts'
import { FormatError } from './formatError.ts'

export interface FormatFile {
  readonly format: number
  /** Names of what a program must know to open the folder at all; sorted. */
  readonly requires: readonly string[]
  /** Names of what a program must know to write to the folder; sorted. */
  readonly options: readonly string[]
  /** 16 bytes: what new segments and the origin carry. */
  readonly logId: Uint8Array
  /** The ids that older segments carry, oldest first: of what this folder is a copy. Left out when there are none. */
  readonly earlier?: readonly Uint8Array[]
}

/** What this program may do with a folder. */
export type Openable =
  | { readonly state: 'write' }
  /** An option is unknown. */
  | { readonly state: 'read'; readonly unknown: readonly string[] }
  /** The version or a requirement is unknown. */
  | { readonly state: 'refuse'; readonly unknown: readonly string[] }

/** The requirements and options that version 1 knows: none yet. */
const knownRequirements: readonly string[] = []
const knownOptions: readonly string[] = []

/** One line of JSON with a newline; this is the only spelling. */
export function encodeFormatFile(file: FormatFile): Uint8Array {
  checkNames(file.requires)
  checkNames(file.options)
  if (!Number.isSafeInteger(file.format) || file.format < 1) throw new FormatError('format versions count from 1')
  const { format, requires, options, logId, earlier = [] } = file
  if ([logId, ...earlier].some(id => id.length !== 16)) throw new FormatError('a log id has 16 bytes')
  const value = {
    format,
    requires,
    options,
    logId: hexOf(logId),
    ...(earlier.length > 0 ? { earlier: earlier.map(hexOf) } : {}),
  }
  return Uint8Array.from(Buffer.from(`${JSON.stringify(value)}\n`))
}

/**
 * Also reads files of later versions as long as they keep these keys; `openable` says what may be done. Throws
 * FormatError for anything that is not spelled as `encodeFormatFile` does.
 */
export function decodeFormatFile(bytes: Uint8Array): FormatFile {
  if (bytes.length > formatFileBytesMax || !isUtf8(bytes)) throw new FormatError('not a format file')
  const text = asBuffer(bytes).toString('utf8')
  const value = parseJson(text)
  const { format, requires, options, logId, earlier } = value
  const known = typeof format === 'number' && typeof logId === 'string' && (earlier === undefined || isNames(earlier))
  if (!known || !isNames(requires) || !isNames(options)) {
    throw new FormatError('a format file has format, requires, options and logId')
  }
  const file: FormatFile = {
    format,
    requires,
    options,
    logId: bytesOfHex(logId),
    ...(earlier === undefined ? {} : { earlier: earlier.map(bytesOfHex) }),
  }
  if (asBuffer(encodeFormatFile(file)).toString('utf8') !== text)
    throw new FormatError('a format file spelled otherwise')
  return file
}

export function openable(file: FormatFile): Openable {
  const requirements = file.requires.filter(name => !knownRequirements.includes(name))
  if (file.format !== formatVersion) return { state: 'refuse', unknown: [`format ${file.format}`, ...requirements] }
  if (requirements.length > 0) return { state: 'refuse', unknown: requirements }
  const unknown = file.options.filter(name => !knownOptions.includes(name))
  return unknown.length > 0 ? { state: 'read', unknown } : { state: 'write' }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new FormatError('not a format file')
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(name => typeof name === 'string')
}

function checkNames(names: readonly string[]): void {
  const name = new RegExp(`^[a-z][a-z0-9-]{0,${formatNameBytesMax - 1}}$`)
  if (!names.every((text, i) => name.test(text) && (i === 0 || names[i - 1]! < text))) {
    throw new FormatError('names of a format file are not unique, sorted words')
  }
}
