// An operation as text in a session's file, so that one that was killed before it was recorded can be run again. The file
// may be anybody's: only what the screen itself could have asked for comes back.
import { isByteString } from '../../core/format/bytes.ts'
import { checkPath } from '../../core/format/changes.ts'
import { isFormatError } from '../../core/format/formatError.ts'
import { sessionAgainCharsMax } from '../../core/format/session.ts'
import type { Operation } from './operation.ts'

type Check = (value: unknown) => boolean
type Fields<O> = { readonly [K in Exclude<keyof O, 'do'>]-?: Check }
type Shapes = { readonly [D in Operation['do']]: Fields<Extract<Operation, { readonly do: D }>> }

const text: Check = value => typeof value === 'string' && value.isWellFormed()
const flag: Check = value => typeof value === 'boolean'
const count: Check = value => Number.isSafeInteger(value) && (value as number) >= 0
const mode: Check = value => count(value) && (value as number) <= 0o7777
const path: Check = value => {
  if (typeof value !== 'string' || !isByteString(value)) return false
  try {
    if (value !== '') checkPath(value)
    return true
  } catch (error) {
    if (isFormatError(error)) return false
    throw error
  }
}
const list =
  (item: Check): Check =>
  value =>
    Array.isArray(value) && value.every(item)
const perhaps =
  (check: Check): Check =>
  value =>
    value === undefined || check(value)

const shapes: Shapes = {
  restore: { paths: list(path), to: text, hunks: perhaps(list(count)), as: perhaps(path) },
  absorb: { paths: list(path) },
  remove: { paths: list(path) },
  move: { from: list(path), to: path },
  copy: { from: list(path), to: path },
  makeDirectory: { path },
  makeFile: { path },
  setMode: { paths: list(path), mode },
  rollback: { to: text },
  undo: { seq: count },
  redo: {},
  snapshot: { label: text },
  label: { name: text, label: text },
  pin: { name: text, pinned: flag },
  removeSnapshot: { name: text },
  repair: { paths: list(path) },
}

/** '' for one with more paths than a session's file has room for. */
export function storedOperation(operation: Operation): string {
  const stored = JSON.stringify(operation)
  return stored.length > sessionAgainCharsMax ? '' : stored
}

/** Undefined for '' and for anything but an operation. */
export function operationOfStored(stored: string): Operation | undefined {
  let value: unknown
  try {
    value = JSON.parse(stored)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('do' in value) || typeof value.do !== 'string') return undefined
  if (!Object.hasOwn(shapes, value.do)) return undefined
  const checks: Readonly<Record<string, Check>> = shapes[value.do as Operation['do']]
  const operation = value as Readonly<Record<string, unknown>>
  const known = Object.keys(operation).every(key => key === 'do' || Object.hasOwn(checks, key))
  return known && Object.entries(checks).every(([key, check]) => check(operation[key]))
    ? (value as Operation)
    : undefined
}
