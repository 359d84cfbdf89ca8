// The network port over an injected `fetch` and plain sockets: bounded in bytes and in time, and failing as a value.

import type { Socket } from 'node:net'
import type { Exchanged, Fetched, Network } from './host.ts'

/** What is needed of the platform's `fetch`. */
export type Fetch = (url: string, options: { readonly signal: AbortSignal }) => Promise<Response>

export function createNetwork(fetch: Fetch): Network {
  return {
    async get(url, { bytesMax, timeoutMs, signal }) {
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        if (!/^https?:\/\//i.test(url)) return { state: 'failed', reason: 'not an http or https address' }
        const answer = await fetch(url, { signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) })
        return await bodyOf(answer, bytesMax)
      } catch (error) {
        if (signal?.aborted === true) return { state: 'failed', reason: 'cancelled' }
        if (timeout.aborted) return { state: 'failed', reason: `no answer within ${timeoutMs / 1000} s` }
        return { state: 'failed', reason: reasonOf(error) }
      }
    },
    async exchange(to, bytes, options) {
      // Loaded when it is first needed: nearly no run needs it.
      const { connect } = await import('node:net')
      return await exchangeOver(connect({ ...to, noDelay: true }), bytes, options)
    },
  }
}

function exchangeOver(
  socket: Socket,
  bytes: Uint8Array,
  options: Parameters<Network['exchange']>[2],
): Promise<Exchanged> {
  const { isWhole, bytesMax, timeoutMs, signal } = options
  const { promise, resolve } = Promise.withResolvers<Exchanged>()
  let received = Buffer.alloc(0)
  const fail = (reason: string): void => resolve({ state: 'failed', reason })
  const cancelled = (): void => fail('cancelled')
  const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs)
  if (signal?.aborted === true) cancelled()
  signal?.addEventListener('abort', cancelled, { once: true })
  socket.on('data', part => {
    received = Buffer.concat([received, part])
    if (received.length > bytesMax) fail(`more than ${bytesMax} bytes`)
    else if (isWhole(received)) resolve({ state: 'answered', bytes: Uint8Array.from(received) })
  })
  socket.on('error', error => fail(reasonOf(error)))
  socket.on('close', () => resolve({ state: 'answered', bytes: Uint8Array.from(received) }))
  socket.write(bytes)
  return promise.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancelled)
    socket.destroy()
  })
}

async function bodyOf(answer: Response, bytesMax: number): Promise<Fetched> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    length += part.length
    if (length > bytesMax) return { state: 'failed', reason: `more than ${bytesMax} bytes` }
    parts.push(part)
  }
  return { state: 'answered', status: answer.status, bytes: Uint8Array.from(Buffer.concat(parts)) }
}

/** Node says "fetch failed" and hides why in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const said = cause instanceof Error ? (cause as NodeJS.ErrnoException) : error
  if (!(said instanceof Error)) return String(said)
  return (said as NodeJS.ErrnoException).code ?? said.message
}
