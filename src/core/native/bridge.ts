// One call over the bridge: a request as JSON, an answer as JSON and bytes. What fails on the other side comes back as the
// errors of this side. Names and paths cross as text with one char a byte, which is what they are here.

import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorCode, SentientError } from '../errors.ts'
import { HostError, type HostErrorCode } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import type { Progress } from '../progress.ts'

interface RawAnswer {
  readonly text: string
  readonly bytes: Buffer
}

interface RawControl {
  cancel(): void
  done(): number
}

/** What the add-on exports; see native-core/crates/bridge. */
export interface RawBridge {
  version(): number
  start(name: string, request: string, bytes: Uint8Array, control: RawControl): Promise<RawAnswer>
  runNow(name: string, request: string, bytes: Uint8Array): RawAnswer
  readonly Control: new () => RawControl
}

/** Of the calls in this folder; a bridge that has another is of another build. */
export const bridgeVersion = 2

export interface NativeCall {
  readonly name: string
  readonly request: Readonly<Record<string, unknown>>
  readonly bytes?: Uint8Array
  readonly phase: string
  readonly unit: Progress['unit']
  readonly total?: number
  readonly signal?: AbortSignal | undefined
}

export interface NativeAnswer {
  readonly value: unknown
  readonly bytes: Buffer
}

const noBytes = new Uint8Array(0)
const progressMs = 50

/** Runs a call beside the event loop; undefined when the other side leaves this work to TypeScript. */
export async function* callNative(
  bridge: RawBridge,
  call: NativeCall,
): AsyncGenerator<Progress, NativeAnswer | undefined, void> {
  const control = new bridge.Control()
  if (call.signal?.aborted === true) control.cancel()
  const settled = bridge.start(call.name, JSON.stringify(call.request), call.bytes ?? noBytes, control).then(
    answer => ({ answer }),
    (error: unknown) => ({ error }),
  )
  const cancel = () => control.cancel()
  call.signal?.addEventListener('abort', cancel)
  let outcome: Awaited<typeof settled> | undefined
  try {
    while (outcome === undefined) {
      outcome = await settledOrTick(settled)
      const { phase, unit, total } = call
      if (outcome === undefined) yield { phase, done: control.done(), ...(total === undefined ? {} : { total }), unit }
    }
  } finally {
    call.signal?.removeEventListener('abort', cancel)
    // Who stops listening must not leave threads behind that still write.
    if (outcome === undefined) {
      cancel()
      await settled
    }
  }
  return 'error' in outcome ? declinedOrThrow(outcome.error, call.signal) : readAnswer(outcome.answer)
}

async function settledOrTick<T>(settled: Promise<T>): Promise<T | undefined> {
  const stop = new AbortController()
  const tick = delay(progressMs, undefined, { signal: stop.signal }).catch(() => undefined)
  try {
    return await Promise.race([settled, tick])
  } finally {
    stop.abort()
  }
}

/** Runs a short call while everything waits; undefined as above. */
export function callNativeNow(
  bridge: RawBridge,
  name: string,
  request: Readonly<Record<string, unknown>>,
  bytes: Uint8Array = noBytes,
): NativeAnswer | undefined {
  try {
    return readAnswer(bridge.runNow(name, JSON.stringify(request), bytes))
  } catch (error) {
    return declinedOrThrow(error)
  }
}

const readAnswer = ({ text, bytes }: RawAnswer): NativeAnswer => ({ value: JSON.parse(text), bytes })

interface Reason {
  readonly declined?: string
  readonly host?: HostErrorCode
  readonly call?: string
  readonly path?: string
  readonly code?: ErrorCode
  readonly where?: string
  readonly expected?: string
  readonly found?: string
}

function declinedOrThrow(error: unknown, signal?: AbortSignal): undefined {
  const reason = reasonOf(error)
  if (reason === undefined) throw new SentientError('INTERNAL', { what: 'The native core failed' }, error)
  if (reason.declined !== undefined) return undefined
  if (reason.host !== undefined) throw new HostError(reason.host, reason.call ?? '', reason.path ?? '', error)
  const details = Object.entries({ where: reason.where, expected: reason.expected, found: reason.found })
  const told = Object.fromEntries(details.filter(([, text]) => text !== undefined && text !== ''))
  throw new SentientError(reason.code ?? 'INTERNAL', told, signal?.reason ?? error)
}

function reasonOf(error: unknown): Reason | undefined {
  if (!(error instanceof Error)) return undefined
  try {
    const reason: unknown = JSON.parse(error.message)
    return typeof reason === 'object' && reason !== null ? reason : undefined
  } catch {
    return undefined
  }
}

/** How the other side reaches a directory that this side holds open; undefined for one that is on no real disk. */
export function placeOf(directory: Directory): string | undefined {
  if (!('place' in directory) || typeof directory.place !== 'function') return undefined
  const place: unknown = directory.place()
  return typeof place === 'string' && place.startsWith('/proc/self/fd/') ? place : undefined
}
