// Parsers that only TypeScript has, on mutated inputs: whatever comes in, each answers or throws an error of ours, soon and
// without taking much memory. What is accepted is written again as it was, where there is one form. Run alone:
//
//   node test/core/loneParsers.ts [--minutes N] [--seed N]

import { createHash } from 'node:crypto'
import { encodeHeader } from '../../src/core/backup/tar.ts'
import { importInto } from '../../src/core/carrying.ts'
import { isSentientError } from '../../src/core/errors.ts'
import { encodeConsistency, parseConsistency } from '../../src/core/format/consistency.ts'
import { parseCosignerKey } from '../../src/core/format/cosignature.ts'
import { isFormatError } from '../../src/core/format/formatError.ts'
import { decodeRecycleRedis } from '../../src/core/format/recycleRedis.ts'
import { parseRedisAddress } from '../../src/core/format/redisAddress.ts'
import { decodeCommands, decodeReplies, encodeCommands } from '../../src/core/format/resp.ts'
import { decodeSession, encodeSession } from '../../src/core/format/session.ts'
import { parseTilePath, tilePath } from '../../src/core/format/tile.ts'
import { initRoot, openSystem } from '../../src/core/system.ts'
import { editSettingsText, parseSettings, settingsText } from '../../src/core/timeline/settings.ts'
import { compileIgnoreRule, compilePathGlob } from '../../src/core/worktree/ignore.ts'
import { dice, mutate, type Roll } from '../native/mutations.ts'
import { createTestHost } from '../support/host.ts'
import { run, source } from './verify/fixtures.ts'

interface Parser {
  readonly seeds: () => readonly Buffer[] | Promise<readonly Buffer[]>
  /** True when it accepts. What it throws beyond FormatError and SentientError is a finding. */
  readonly read: (bytes: Buffer) => boolean | Promise<boolean>
  readonly mend?: (bytes: Buffer) => Buffer
}

const texts = (...all: readonly string[]) => all.map(text => Buffer.from(text))

function same(written: Uint8Array | string, bytes: Buffer): boolean {
  if (!Buffer.from(written as string).equals(bytes)) throw new Error('accepted, and written otherwise')
  return true
}

const text = (bytes: Buffer): string => bytes.toString('utf8')

const root = Buffer.alloc(32, 7).toString('base64')
const note = `sentientos.invalid/x/0\n7\n${root}\n\n— sentientos.invalid/x/0 ${Buffer.alloc(68, 3).toString('base64')}\n`
const consistency = 'sentientos.invalid/tlog-consistency@v1\n'

const session = encodeSession({
  ...{
    id: '0123456789abcdef',
    process: 12,
    saved: 1_767_323_045_000_000,
    ended: false,
    lastSeq: 4,
    operation: 'put',
    again: '',
  },
  screen: {
    ...{ pane: 'files', focus: 'list', path: 'a/b', past: '', searched: 'x' },
    panes: { files: { row: 3, open: true, sort: 'name' } },
    prompt: { id: 'label', label: 'Label', text: 'half', data: '' },
  },
})

const redis = encodeCommands([
  ['SELECT', '0'],
  ['MULTI'],
  ['DEL', 'sentient:format', 'sentient:state'],
  ['SET', 'sentient:format', '1'],
  ['HSET', 'sentient:state', 'origin', 'o', 'records', '3'],
  ['SADD', 'sentient:sessions', '0123456789abcdef'],
  ['HSET', 'sentient:session:0123456789abcdef', 'saved', '1'],
  ['EXEC'],
])

/** A whole archive of a small history, of which importing makes the same again. */
async function archive(): Promise<Buffer> {
  const host = createTestHost({ stateDirectoryPath: '/state' })
  host.files.openDirectory('/')?.makeDirectory('root', 0o755)
  await run(initRoot(host, { path: '/root', zk: false }))
  const system = await openSystem(host, { rootPath: '/root', access: 'write' })
  await run(system.put('a', source('one'), {}))
  await run(system.put('a', source('two'), {}))
  const pieces: Uint8Array[] = []
  await run(system.exportArchive({ write: piece => void pieces.push(Uint8Array.from(piece)) }))
  await system.close()
  return Buffer.concat(pieces)
}

/** Headers of members and the checksum put right, so that what stands in the members is looked at. */
function mendArchive(bytes: Buffer): Buffer {
  const whole = Buffer.from(bytes)
  for (let at = 0; at + 512 <= whole.length; ) {
    const name = whole.toString('latin1', at, at + 100).replace(/\0.*/s, '')
    const size = Number.parseInt(whole.toString('latin1', at + 124, at + 135), 8)
    if (name === '' || !Number.isSafeInteger(size)) break
    if (name === 'sha256' && at + 512 + 65 <= whole.length)
      whole.write(`${createHash('sha256').update(whole.subarray(0, at)).digest('hex')}\n`, at + 512)
    whole.set(encodeHeader(name, size), at)
    at += 512 + Math.ceil(size / 512) * 512
  }
  return whole
}

async function isImported(bytes: Buffer): Promise<boolean> {
  const host = createTestHost({ stateDirectoryPath: '/state' })
  await run(importInto(host, source(bytes), { path: '/taken' }))
  const system = await openSystem(host, { rootPath: '/taken', access: 'read' })
  try {
    const { findings } = await run(system.verify({ deep: true }))
    const damage = findings.filter(({ severity, code }) => severity === 'damage' && code !== 'key-missing')
    if (damage.length > 0) throw new Error(`imported, and damaged: ${JSON.stringify(damage).slice(0, 500)}`)
  } finally {
    await system.close()
  }
  return true
}

export const parsers: Readonly<Record<string, Parser>> = {
  settings: {
    seeds: async () => {
      const parsed = await parseSettings('')
      return texts(
        ...(parsed.state === 'valid' ? [settingsText(parsed.settings)] : []),
        'version: 1\nignore: [a, "b*", \'[a-z]\']\ndrift:\n  - { paths: ["**"], do: heal }\n',
        'redis: { url: redis://host:1/2 }\nwatch: {absorb: true}\n',
        '? [a]\n: &x !t |\n  text\n<<: *x\n--- %YAML 1.2\n',
      )
    },
    read: async bytes => (await parseSettings(text(bytes))).state === 'valid',
  },
  'settings edit': {
    seeds: () => texts('retention.snapshots 5', 'ignore [a, b]', 'version.x 1', 'ignore.0 &x 1', ' ', '__proto__.x 1'),
    read: async bytes => {
      const [key = '', ...value] = text(bytes).split(' ')
      await editSettingsText('version: 1\nignore:\n  - a\nredis: { url: null }\n', key, value.join(' '))
      return true
    },
  },
  ignore: {
    seeds: () => texts('*.log', '/a/**/b', '[!a-z]x?', '\\#a', '!build/', '**/*a*b*', '[z-a', '[]-a]'),
    read: bytes => {
      const path = 'some/path/of/a/file.log'
      compilePathGlob(text(bytes))(path)
      return compileIgnoreRule(text(bytes), 'base[')?.matches(path) !== undefined
    },
  },
  consistency: {
    seeds: () => [
      ...texts(
        `${consistency}old 5 ${root}\n${root}\n\n${note}`,
        `${consistency}old 5 ${root}\nfound ${root}\n\n${note}\n${note}`,
      ),
    ],
    read: bytes => same(encodeConsistency(parseConsistency(bytes)), bytes),
  },
  'cosigner key': {
    seeds: () => texts(`witness+00000000+${Buffer.alloc(33, 4).toString('base64')}`),
    read: bytes => parseCosignerKey(text(bytes)).name !== '',
  },
  session: {
    seeds: () => [Buffer.from(session)],
    read: bytes => encodeSession(decodeSession(bytes)).length > 0,
  },
  commands: {
    seeds: () => [Buffer.from(redis), ...texts('*1\r\n$0\r\n\r\n', '+OK\r\n-ERR x\r\n:12\r\n*2\r\n*0\r\n$-1\r\n')],
    read: bytes => {
      decodeReplies(bytes)
      return same(encodeCommands(decodeCommands(bytes)), bytes)
    },
  },
  'recycle.redis': { seeds: () => [Buffer.from(redis)], read: bytes => decodeRecycleRedis(bytes).state.size >= 0 },
  'redis address': {
    seeds: () => texts('redis://host', 'redis://me@[::1]:7000/3', 'redis://a.b:65535/16383'),
    read: bytes => typeof parseRedisAddress(text(bytes)) !== 'string',
  },
  'tile path': {
    seeds: () => texts('0/000', '1/x001/x234/067', '63/x999/999'),
    read: bytes => {
      const place = parseTilePath(text(bytes))
      return place !== undefined && same(tilePath(place), bytes)
    },
  },
  archive: { seeds: async () => [await archive()], read: isImported, mend: mendArchive },
}

export interface LoneFinding {
  readonly parser: string
  readonly input: string
  readonly problem: string
}

export interface LoneReport {
  readonly inputs: number
  readonly accepted: number
  readonly findings: readonly LoneFinding[]
}

const batchInputs: Readonly<Record<string, number>> = { archive: 4, settings: 40, 'settings edit': 40 }
const slowMs = 2_000
const findingsMax = 5

/** For some seconds, but at least one batch of each parser. */
export async function fuzzAlone(options: { readonly seconds: number; readonly seed: number }): Promise<LoneReport> {
  const roll = dice(options.seed)
  const report = { inputs: 0, accepted: 0, findings: [] as LoneFinding[] }
  const pools = new Map<string, Buffer[]>()
  for (const [name, { seeds }] of Object.entries(parsers)) {
    const pool = (await seeds()).map(bytes => Buffer.from(bytes))
    pools.set(name, pool)
    for (const bytes of pool) await look(name, bytes, report)
  }
  const end = Date.now() + options.seconds * 1000
  do {
    for (const [name, pool] of pools)
      for (let left = batchInputs[name] ?? 200; left > 0; left--) await step(name, pool, report, roll)
  } while (Date.now() < end)
  return report
}

type Growing = { inputs: number; accepted: number; findings: LoneFinding[] }

async function step(name: string, pool: Buffer[], report: Growing, roll: Roll): Promise<void> {
  const mend = parsers[name]?.mend
  const mutated = mutate('', pool[roll(pool.length)]!, pool, roll)
  const bytes = mend !== undefined && roll(4) > 0 ? mend(mutated) : mutated
  const accepted = await look(name, bytes, report)
  if (accepted && roll(20) === 0 && pool.length < 500) pool.push(bytes)
}

async function look(name: string, bytes: Buffer, report: Growing): Promise<boolean> {
  report.inputs++
  const started = performance.now()
  const found = (problem: string): void => {
    if (report.findings.filter(({ parser }) => parser === name).length < findingsMax)
      report.findings.push({ parser: name, input: bytes.toString('base64'), problem })
  }
  try {
    const accepted = await parsers[name]!.read(bytes)
    if (accepted) report.accepted++
    return accepted
  } catch (error) {
    const isOurs = isFormatError(error) || isSentientError(error)
    if (!isOurs || (isSentientError(error) && error.code === 'INTERNAL'))
      found(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return false
  } finally {
    const took = performance.now() - started
    if (took > slowMs) found(`it took ${Math.round(took)} ms`)
  }
}

if (import.meta.main) {
  const option = (name: string, otherwise: number): number => {
    const at = process.argv.indexOf(name)
    return at < 0 ? otherwise : Number(process.argv[at + 1])
  }
  const seed = option('--seed', Date.now() % 1_000_000)
  const report = await fuzzAlone({ seconds: 60 * option('--minutes', 1), seed })
  console.log(`seed ${seed}: ${report.inputs} inputs, ${report.accepted} accepted`)
  for (const { parser, input, problem } of report.findings)
    console.log(`${parser}: ${input.slice(0, 2000)}\n  ${problem}`)
  process.exitCode = report.findings.length === 0 ? 0 : 1
}
