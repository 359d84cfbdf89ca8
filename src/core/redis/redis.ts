// What Redis is given: recycle.redis, a file for a server to load, and the same keys for a server that is named in the
// settings. Both are copies; neither is ever in the way of what somebody asked for.

import { asBuffer, hexOf } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import {
  decodeRecycleRedis,
  encodeRecycleRedis,
  type RedisFacts,
  recycleRedisBytesMax,
  redisCommands,
  redisKeys,
  type StoredRedis,
} from '../format/recycleRedis.ts'
import { decodeReplies, encodeCommands, type RespCommand, type RespReply } from '../format/resp.ts'
import { isSessionId } from '../format/session.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, Network, Randomness } from '../host/host.ts'
import { readFully, removeIfThere } from '../store/layout.ts'

export const recycleRedisName = 'recycle.redis'

export type FoundRedis =
  | { readonly state: 'missing' }
  | { readonly state: 'wrong'; readonly reason: string }
  | { readonly state: 'read'; readonly stored: StoredRedis; readonly bytes: Uint8Array }

export function readRecycleRedis(root: Directory): FoundRedis {
  try {
    const stat = root.stat(recycleRedisName)
    if (stat === undefined) return { state: 'missing' }
    const file = root.open(recycleRedisName, 'read')
    try {
      const bytes = readFully(file, 0, recycleRedisBytesMax + 1)
      return { state: 'read', stored: decodeRecycleRedis(bytes), bytes }
    } finally {
      file.close()
    }
  } catch (error) {
    if (isFormatError(error)) return { state: 'wrong', reason: error.reason }
    if (isHostError(error)) return { state: 'wrong', reason: `the disk reports ${error.code}` }
    throw error
  }
}

/** By rename, from a place where what a kill leaves is cleared away. Throws what the port throws. */
export function writeRecycleRedis(
  directories: { readonly root: Directory; readonly runtime: Directory },
  facts: RedisFacts,
  random: Randomness,
): void {
  const { root, runtime } = directories
  const temporary = `${recycleRedisName}.${hexOf(random.bytes(4))}`
  try {
    const file = runtime.open(temporary, 'create', 0o600)
    try {
      file.write(encodeRecycleRedis(facts), 0)
    } finally {
      file.close()
    }
    runtime.rename(temporary, root, recycleRedisName)
  } catch (error) {
    if (isHostError(error)) removeAfterFailure(runtime, temporary)
    throw error
  }
}

function removeAfterFailure(runtime: Directory, name: string): void {
  try {
    removeIfThere(runtime, name)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

/** A server of the settings: `redis://[user@]host[:port][/db]`, and the password that is kept apart. */
export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly database: number
  readonly user: string
  readonly password: string
}

export type Pushed = { readonly state: 'done' } | { readonly state: 'failed'; readonly reason: string }

export interface PushOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** What a server may answer to what is asked here. */
const answerBytesMax = 1 << 20

/**
 * Sets the keys of a server, all or none. Refused where it holds the state of another log: two root folders need two
 * databases. Never throws for what the server or the line does.
 */
export async function pushToRedis(
  network: Network,
  server: RedisServer,
  facts: RedisFacts,
  options: PushOptions,
): Promise<Pushed> {
  const hello: RespCommand[] = [
    ...(server.password === ''
      ? []
      : [server.user === '' ? ['AUTH', server.password] : ['AUTH', server.user, server.password]]),
    ['SELECT', `${server.database}`],
  ]
  const asked = await talk(network, server, { ...options, hello, commands: lookCommands })
  if (asked.state === 'failed') return asked
  const [origin, known] = asked.replies
  const held = origin?.kind === 'bytes' && origin.bytes !== null ? asBuffer(origin.bytes).toString('latin1') : undefined
  if (held !== undefined && logOf(held) !== logOf(facts.state.origin))
    return { state: 'failed', reason: `it holds the state of another root folder, ${printable(held)}` }
  const stale = known?.kind === 'list' ? known.items.flatMap(idOf) : []
  const commands = [['MULTI'], ...redisCommands(facts, stale), ['EXEC']]
  const set = await talk(network, server, { ...options, hello, commands })
  return set.state === 'failed' ? set : { state: 'done' }
}

const lookCommands: readonly RespCommand[] = [
  ['HGET', redisKeys.state, 'origin'],
  ['SMEMBERS', redisKeys.sessions],
]

function idOf(item: RespReply): string[] {
  const id = item.kind === 'bytes' && item.bytes !== null ? asBuffer(item.bytes).toString('latin1') : ''
  return isSessionId(id) ? [id] : []
}

/** Without the epoch: a log that goes on in another one is the same. */
const logOf = (origin: string): string => origin.slice(0, Math.max(0, origin.lastIndexOf('/')))

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 120)

type Talked =
  | { readonly state: 'answered'; readonly replies: readonly RespReply[] }
  | { readonly state: 'failed'; readonly reason: string }

/** Says all at once, and takes the replies to `commands`; the first that was refused is the reason. */
async function talk(
  network: Network,
  { host, port }: RedisServer,
  options: PushOptions & { readonly hello: readonly RespCommand[]; readonly commands: readonly RespCommand[] },
): Promise<Talked> {
  const { hello, commands, timeoutMs, signal } = options
  const all = [...hello, ...commands]
  const answer = await network.exchange({ host, port }, encodeCommands(all), {
    isWhole: bytes => isWhole(bytes, all.length),
    bytesMax: answerBytesMax,
    timeoutMs,
    signal,
  })
  if (answer.state === 'failed') return answer
  try {
    const replies = decodeReplies(answer.bytes)
    const refused = [...replies, ...replies.flatMap(reply => (reply.kind === 'list' ? reply.items : []))]
    const first = refused.find(reply => reply.kind === 'error')
    if (first !== undefined) return { state: 'failed', reason: printable(first.text) }
    if (replies.length < all.length) return { state: 'failed', reason: 'it broke off' }
    return { state: 'answered', replies: replies.slice(hello.length) }
  } catch (error) {
    if (!isFormatError(error)) throw error
    return { state: 'failed', reason: 'what answers is no Redis' }
  }
}

/** Also when it makes no sense: then there is nothing to wait for. */
function isWhole(bytes: Uint8Array, replies: number): boolean {
  try {
    return decodeReplies(bytes).length >= replies
  } catch (error) {
    if (!isFormatError(error)) throw error
    return true
  }
}
