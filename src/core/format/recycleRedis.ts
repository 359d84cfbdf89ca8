// `recycle.redis`: the last state as commands of Redis, a file that a Redis server loads as its append-only file.
// Derived: the records and the sessions say the same. A server that is named in the settings gets the same keys.

import { byteStringOf, displayBytes, equalBytes } from './bytes.ts'
import { FormatError } from './formatError.ts'
import { decodeCommands, encodeCommands, type RespCommand } from './resp.ts'
import { encodeSession, isSessionId, type Session, sessionsKeptMax } from './session.ts'

export const recycleRedisBytesMax = 1 << 20

export const redisKeys = {
  format: 'sentient:format',
  state: 'sentient:state',
  snapshot: 'sentient:snapshot:latest',
  sessions: 'sentient:sessions',
  session: (id: string): string => `sentient:session:${id}`,
} as const

const formatText = '1'

export interface RedisState {
  readonly origin: string
  readonly records: number
  /** CID of the state root. */
  readonly root: string
  /** Of the last record, microseconds since 1970. */
  readonly time: number
  readonly checkpoint: { readonly size: number; readonly root: string } | undefined
}

export interface RedisSnapshot {
  readonly name: string
  readonly label: string
  readonly seq: number
  /** CID of the state root. */
  readonly root: string
  readonly time: number
  readonly kind: string
  readonly pinned: boolean
  /** How many files it holds and their bytes; undefined: not counted. */
  readonly counted: { readonly files: number; readonly bytes: number } | undefined
}

export interface RedisFacts {
  readonly state: RedisState
  readonly snapshot: RedisSnapshot | undefined
  /** Sorted by id. */
  readonly sessions: readonly Session[]
}

/** The commands that set all keys; `stale` are ids of sessions that a server may still have. */
export function redisCommands(facts: RedisFacts, stale: readonly string[] = []): RespCommand[] {
  const { state, snapshot, sessions } = facts
  const ids = [...new Set([...sessions.map(({ id }) => id), ...stale])].sort()
  return [
    ['DEL', redisKeys.format, redisKeys.state, redisKeys.snapshot, redisKeys.sessions, ...ids.map(redisKeys.session)],
    ['SET', redisKeys.format, formatText],
    ['HSET', redisKeys.state, ...stateFields(state)],
    ...(snapshot === undefined ? [] : [['HSET', redisKeys.snapshot, ...snapshotFields(snapshot)]]),
    ...(sessions.length === 0 ? [] : [['SADD', redisKeys.sessions, ...sessions.map(({ id }) => id)]]),
    ...sessions.map((session): RespCommand => ['HSET', redisKeys.session(session.id), ...sessionFields(session)]),
  ]
}

/** The whole file. One transaction: whoever pipes it into a server that runs gets all of it or nothing. */
export function encodeRecycleRedis(facts: RedisFacts): Uint8Array {
  return encodeCommands([['SELECT', '0'], ['MULTI'], ...redisCommands(facts), ['EXEC']])
}

const stateFields = ({ origin, records, root, time, checkpoint }: RedisState): string[] => [
  ...['origin', origin, 'records', `${records}`, 'root', root, 'time', `${time}`],
  ...(checkpoint === undefined ? [] : ['checkpointSize', `${checkpoint.size}`, 'checkpointRoot', checkpoint.root]),
]

const snapshotFields = ({ name, label, seq, root, time, kind, pinned, counted }: RedisSnapshot): string[] => [
  ...['name', name, 'label', label, 'seq', `${seq}`, 'root', root, 'time', `${time}`],
  ...['kind', kind, 'pinned', pinned ? '1' : '0'],
  ...(counted === undefined ? [] : ['files', `${counted.files}`, 'bytes', `${counted.bytes}`]),
]

const sessionFields = (session: Session): (string | Uint8Array)[] => [
  ...['saved', `${session.saved}`, 'ended', session.ended ? '1' : '0'],
  ...['pane', session.screen.pane, 'path', displayBytes(session.screen.path)],
  ...['json', encodeSession(session)],
]

/** The fields of a key, by their names; values as byte strings. */
export type RedisHash = ReadonlyMap<string, string>

/** What a recycle.redis says. */
export interface StoredRedis {
  readonly state: RedisHash
  readonly snapshot: RedisHash | undefined
  /** By the session's id. */
  readonly sessions: ReadonlyMap<string, RedisHash>
}

/** Reads what `encodeRecycleRedis` wrote; throws FormatError for any other sequence of commands. */
export function decodeRecycleRedis(bytes: Uint8Array): StoredRedis {
  if (bytes.length > recycleRedisBytesMax) throw new FormatError(`more than ${recycleRedisBytesMax} bytes`)
  const commands = decodeCommands(bytes)
  const [select, multi, del, set, ...rest] = commands
  if (!isCommand(select, 'SELECT', '0') || !isCommand(multi, 'MULTI')) throw new FormatError('it begins otherwise')
  if (del === undefined || textOf(del[0]) !== 'DEL') throw new FormatError('it begins otherwise')
  if (!isCommand(set, 'SET', redisKeys.format, formatText)) throw new FormatError('another version')
  if (!isCommand(rest.pop(), 'EXEC')) throw new FormatError('it ends otherwise')
  const hashes = new Map<string, RedisHash>()
  for (const command of rest) {
    const [verb, key] = [textOf(command[0]), textOf(command[1])]
    if (verb === 'SADD' && key === redisKeys.sessions) continue
    if (verb !== 'HSET' || command.length % 2 !== 0 || hashes.has(key)) throw new FormatError(`a command ${verb}`)
    hashes.set(key, hashOf(command))
  }
  return storedOf(hashes)
}

function storedOf(hashes: ReadonlyMap<string, RedisHash>): StoredRedis {
  const state = hashes.get(redisKeys.state)
  if (state === undefined) throw new FormatError('there is no state')
  const prefix = redisKeys.session('')
  const sessions = new Map<string, RedisHash>()
  for (const [key, hash] of hashes) {
    if (key === redisKeys.state || key === redisKeys.snapshot) continue
    const id = key.startsWith(prefix) ? key.slice(prefix.length) : ''
    if (!isSessionId(id) || sessions.size >= sessionsKeptMax) throw new FormatError('a key that does not belong there')
    sessions.set(id, hash)
  }
  return { state, snapshot: hashes.get(redisKeys.snapshot), sessions }
}

function hashOf(command: readonly Uint8Array[]): RedisHash {
  const hash = new Map<string, string>()
  for (let at = 2; at < command.length; at += 2) hash.set(textOf(command[at]), textOf(command[at + 1]))
  return hash
}

const isCommand = (command: readonly Uint8Array[] | undefined, ...words: string[]): boolean =>
  command?.length === words.length && command.every((part, index) => equalBytes(part, Buffer.from(words[index]!)))

function textOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) throw new FormatError('a value is missing')
  return byteStringOf(bytes)
}

/** A whole number of a hash; undefined where there is none. */
export function redisInteger(hash: RedisHash, field: string): number | undefined {
  const text = hash.get(field) ?? ''
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}
