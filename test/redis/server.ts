// A real redis-server for the tests: its own folder, a port of this machine that was free, ended and removed after.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { decodeReplies, encodeCommands, type RespReply } from '../../src/core/format/resp.ts'
import { createNetwork } from '../../src/core/host/network.ts'

export interface Redis {
  readonly port: number
  /** What it wrote while it started. */
  log(): string
  /** The reply, as text and lists of text; an error begins with "-". */
  ask(...command: string[]): Promise<unknown>
  stop(): Promise<void>
}

export interface RedisOptions {
  readonly password?: string
  /** Loaded as its append-only file when it starts. */
  readonly appendOnlyFile?: string
  /** How servers before Redis 7 keep it; later ones take it over. */
  readonly layout?: 'one file'
}

const program = process.env.SENTIENT_TEST_REDIS ?? 'redis-server'
const network = createNetwork(fetch)

export async function startRedis({ password, appendOnlyFile, layout }: RedisOptions = {}): Promise<Redis> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-redis-'))
  const port = await freePort()
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no']
  if (password !== undefined) options.push('--requirepass', password)
  if (appendOnlyFile !== undefined && layout === 'one file') {
    fs.copyFileSync(appendOnlyFile, path.join(folder, 'state.aof'))
    options.push('--appendonly', 'yes', '--appendfilename', 'state.aof')
  } else if (appendOnlyFile !== undefined) {
    // The layout of Redis 7: a manifest that names the file.
    const home = path.join(folder, 'appendonlydir')
    fs.mkdirSync(home)
    fs.copyFileSync(appendOnlyFile, path.join(home, 'state.aof.1.incr.aof'))
    fs.writeFileSync(path.join(home, 'state.aof.manifest'), 'file state.aof.1.incr.aof seq 1 type i\n')
    options.push('--appendonly', 'yes', '--appendfilename', 'state.aof', '--appenddirname', 'appendonlydir')
  }
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  const failed = new Promise<never>((_, reject) => child.on('error', reject))
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', part => {
      log += part
      if (log.includes('Ready to accept connections')) resolve()
    })
    child.on('close', code => reject(new Error(`redis-server ended with ${code}: ${log}`)))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    fs.rmSync(folder, { recursive: true, force: true })
  }
  try {
    await Promise.race([ready, failed])
  } catch (error) {
    await stop()
    throw error
  }
  return { port, log: () => log, ask: (...command) => ask(port, password, command), stop }
}

async function ask(port: number, password: string | undefined, command: readonly string[]): Promise<unknown> {
  const commands = [...(password === undefined ? [] : [['AUTH', password]]), command]
  const answer = await network.exchange({ host: '127.0.0.1', port }, encodeCommands(commands), {
    isWhole: bytes => decodeReplies(bytes).length === commands.length,
    bytesMax: 1 << 20,
    timeoutMs: 10_000,
  })
  if (answer.state === 'failed') throw new Error(answer.reason)
  return plain(decodeReplies(answer.bytes).at(-1)!)
}

function plain(reply: RespReply): unknown {
  switch (reply.kind) {
    case 'list':
      return reply.items.map(plain)
    case 'bytes':
      return reply.bytes === null ? null : Buffer.from(reply.bytes).toString('utf8')
    case 'integer':
      return reply.value
    case 'error':
      return `-${reply.text}`
    case 'text':
      return reply.text
  }
}

/** HGETALL as an object. */
export async function hashOf(redis: Redis, key: string): Promise<Record<string, string>> {
  const parts = (await redis.ask('HGETALL', key)) as string[]
  return Object.fromEntries(parts.flatMap((part, at) => (at % 2 === 0 ? [[part, parts[at + 1]!]] : [])))
}

export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
