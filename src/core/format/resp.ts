// RESP, the wire form of Redis, as far as it is needed here: commands as arrays of bulk strings, which is also what an
// append-only file holds, and the replies of a server.

import { asBuffer } from './bytes.ts'
import { FormatError } from './formatError.ts'

/** A command and its arguments; as bytes, or as text that becomes UTF-8. */
export type RespCommand = readonly (string | Uint8Array)[]

/** `error`: what the server refused, without the leading "-". */
export type RespReply =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array | null }
  | { readonly kind: 'list'; readonly items: readonly RespReply[] }

/** No command of ours is longer, and no reply that we ask for. */
const itemsMax = 1_000
const depthMax = 4
const numberDigitsMax = 16

export function encodeCommands(commands: Iterable<RespCommand>): Uint8Array {
  const parts: Uint8Array[] = []
  for (const command of commands) {
    parts.push(Buffer.from(`*${command.length}\r\n`))
    for (const argument of command) {
      const bytes = typeof argument === 'string' ? Buffer.from(argument) : argument
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, lineEnd)
    }
  }
  return Buffer.concat(parts)
}

const lineEnd = Buffer.from('\r\n')

/** All commands of an append-only file; throws FormatError when it holds anything else. */
export function decodeCommands(bytes: Uint8Array): Uint8Array[][] {
  const commands: Uint8Array[][] = []
  for (let at = 0; at < bytes.length; ) {
    const found = replyAt(bytes, at, 0)
    if (found === undefined) throw new FormatError('a command is cut', at)
    if (found.reply.kind !== 'list') throw new FormatError('not a command', at)
    const command = found.reply.items.map(item => {
      if (item.kind !== 'bytes' || item.bytes === null) throw new FormatError('not a command', at)
      return item.bytes
    })
    if (command.length === 0) throw new FormatError('an empty command', at)
    commands.push(command)
    at = found.next
  }
  return commands
}

/** The replies that have come whole so far; throws FormatError when they are not RESP. */
export function decodeReplies(bytes: Uint8Array): RespReply[] {
  const replies: RespReply[] = []
  for (let at = 0; at < bytes.length; ) {
    const found = replyAt(bytes, at, 0)
    if (found === undefined) break
    replies.push(found.reply)
    at = found.next
  }
  return replies
}

type Found = { readonly reply: RespReply; readonly next: number } | undefined

/** Undefined while more bytes have to come. */
function replyAt(bytes: Uint8Array, at: number, depth: number): Found {
  const end = asBuffer(bytes).indexOf('\r\n', at)
  if (end < 0) {
    if (!'+-:$*'.includes(String.fromCharCode(bytes[at] ?? 0x2b))) throw new FormatError('not RESP', at)
    return undefined
  }
  const text = asBuffer(bytes).toString('latin1', at + 1, end)
  const next = end + 2
  switch (String.fromCharCode(bytes[at]!)) {
    case '+':
      return { reply: { kind: 'text', text }, next }
    case '-':
      return { reply: { kind: 'error', text }, next }
    case ':':
      return { reply: { kind: 'integer', value: integerOf(text, at) }, next }
    case '$':
      return bytesAt(bytes, next, integerOf(text, at))
    case '*':
      return listAt(bytes, { at: next, count: integerOf(text, at), depth })
    default:
      throw new FormatError('not RESP', at)
  }
}

function bytesAt(bytes: Uint8Array, at: number, length: number): Found {
  if (length === -1) return { reply: { kind: 'bytes', bytes: null }, next: at }
  const end = at + length
  if (length < 0) throw new FormatError('a negative length', at)
  if (bytes.length < end + 2) return undefined
  if (bytes[end] !== 0x0d || bytes[end + 1] !== 0x0a) throw new FormatError('no line end behind a value', end)
  return { reply: { kind: 'bytes', bytes: bytes.subarray(at, end) }, next: end + 2 }
}

function listAt(
  bytes: Uint8Array,
  list: { readonly at: number; readonly count: number; readonly depth: number },
): Found {
  const { at, count, depth } = list
  if (count === -1) return { reply: { kind: 'bytes', bytes: null }, next: at }
  if (count < 0 || count > itemsMax || depth >= depthMax) throw new FormatError('a list that is too long', at)
  const items: RespReply[] = []
  let next = at
  for (let number = 0; number < count; number++) {
    if (next >= bytes.length) return undefined
    const found = replyAt(bytes, next, depth + 1)
    if (found === undefined) return undefined
    items.push(found.reply)
    next = found.next
  }
  return { reply: { kind: 'list', items }, next }
}

function integerOf(text: string, at: number): number {
  if (!/^(?:0|-?[1-9]\d*)$/.test(text) || text.length > numberDigitsMax) throw new FormatError('not a number', at)
  return Number(text)
}
