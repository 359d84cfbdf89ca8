// The journal against its budgets, in one process on one disk: opening a root folder with a million records, reading them
// all, verifying them, and appends that are durable, beside SQLite. `node bench/journal.ts [RECORDS] [FOLDER]`.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { decodeFormatFile } from '../src/core/format/formatFile.ts'
import { createDiskHost } from '../src/core/host/disk.ts'
import type { Host } from '../src/core/host/host.ts'
import { type Journal, type NewRecord, openJournal, type PackMark } from '../src/core/journal/journal.ts'
import { initRoot, openSystem } from '../src/core/system.ts'
import { standAloneCommand } from '../tools/native.ts'

const recordsDefault = 1_000_000
const files = 1_000
const batchRecords = 1_000
const openings = 15
const singles = 300
const groupRecords = 64
const groups = 150

const budgets = {
  openMs: 100,
  verifyPerSecond: 60_000,
  verifyNativePerSecond: 200_000,
  againstSqlite: 2,
  groupPerSecond: 4_000,
  /** Records are appended by TypeScript, with the native core as without. */
  groupNativePerSecond: 20_000,
}

async function main(): Promise<void> {
  const records = Number(process.argv[2] ?? recordsDefault)
  const scratch = fs.mkdtempSync(path.join(process.argv[3] ?? os.tmpdir(), 'sentientos-bench-'))
  try {
    const place = await makeRoot(path.join(scratch, 'root'))
    await fill(place, records)
    say('resident memory after that', `at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
    await measureOpenings(place)
    await measureReading(place, records)
    measureNativeVerify(place, records)
    await measureSingles(place, scratch)
    await measureGroups(place)
    say('largest resident memory', `${Math.round(process.resourceUsage().maxRSS / 1024)} MB, all of the above`)
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

interface Place {
  readonly host: Host
  readonly rootPath: string
}

async function makeRoot(rootPath: string): Promise<Place> {
  fs.mkdirSync(path.join(rootPath, 'home'), { recursive: true })
  for (let i = 0; i < files; i++) fs.writeFileSync(path.join(rootPath, `home/f${i}`), `content number ${i}\n`)
  const host = createDiskHost({ label: 'bench' })
  for await (const _ of initRoot(host, { path: rootPath, zk: false }));
  const system = await openSystem(host, { rootPath, access: 'write' })
  // So that there is a record of one path, with entries, whose like the others are.
  const content = Buffer.from('changed')
  const source = {
    size: content.length,
    read: (to: Uint8Array, offset: number, length: number, position: number) =>
      content.copy(to, offset, position, position + length),
  }
  for await (const _ of system.put('home/f1', source));
  await system.close()
  return { host, rootPath }
}

/** Runs with the journal open under the lock, as `sentctl` would hold it. */
async function withJournal<T>(
  { host, rootPath }: Place,
  work: (journal: Journal, mark: () => PackMark, like: () => NewRecord) => Promise<T>,
): Promise<T> {
  const { clock, random, processes, locks } = host
  const root = host.files.openDirectory(rootPath)!
  const [runtime, derived] = [root.child('.runtime')!, root.child('.db')!]
  const { logId } = decodeFormatFile(fs.readFileSync(path.join(rootPath, '.runtime/format')))
  const journal = openJournal({ directory: runtime, derived, clock, random, processes, locks, access: 'write', logId })
  let mark: PackMark = { number: 0, flushedBytes: 0 }
  await journal.writerLock.hold('bench', undefined, session => {
    const { packNumber: number, packFlushedBytes: flushedBytes, packId } = session.mark
    mark = { number, flushedBytes, ...(packId && { packId }) }
  })
  const example = [...journal.records({ from: 0, to: 16 })].flatMap(one =>
    one.state === 'intact' && one.record.body?.action === 'put' ? [one.record.body] : [],
  )[0]!
  const root0 = journal.head().root!
  try {
    return await work(
      journal,
      () => mark,
      () => ({ root: root0, body: example }),
    )
  } finally {
    journal.close()
    for (const directory of [derived, runtime, root]) directory.close()
  }
}

async function fill(place: Place, records: number): Promise<void> {
  const started = performance.now()
  await withJournal(place, (journal, mark, like) =>
    journal.writerLock.hold('fill', undefined, async () => {
      while (journal.head().size < records) {
        const count = Math.min(batchRecords, records - journal.head().size)
        journal.append(Array.from({ length: count }, like), mark())
        await setImmediate()
      }
      journal.setApplied(journal.head().size, { flush: true })
    }),
  )
  // Signed once, as every process that writes leaves it.
  const system = await openSystem(place.host, { rootPath: place.rootPath, access: 'write' })
  await system.signCheckpoint()
  await system.close()
  const bytes = fs
    .readdirSync(path.join(place.rootPath, '.runtime/journal'), { withFileTypes: true })
    .reduce((sum, file) => sum + fs.statSync(path.join(file.parentPath, file.name)).size, 0)
  const took = ((performance.now() - started) / 1000).toFixed(1)
  say(`${records.toLocaleString('en')} records`, `${Math.round(bytes / 1e6)} MB, made in ${took} s`)
}

async function measureOpenings({ host, rootPath }: Place): Promise<void> {
  const open = async (options: { readonly access: 'read' | 'write'; readonly ready?: boolean }): Promise<number> => {
    const started = performance.now()
    const system = await openSystem(host, { rootPath, ...options })
    const took = performance.now() - started
    await system.close()
    return took
  }
  for (const access of ['read', 'write'] as const) {
    const times: number[] = []
    for (let i = 0; i < openings; i++) times.push(await open({ access }))
    judged(`opened for ${access === 'read' ? 'reading' : 'writing'}`, median(times), budgets.openMs)
  }
  fs.rmSync(path.join(rootPath, 'recycle.lock'))
  judged('the same for reading without recycle.lock', await open({ access: 'read', ready: false }), budgets.openMs)
  fs.rmSync(path.join(rootPath, '.db'), { recursive: true })
  const { stall, ms } = await watched(() => open({ access: 'write' }))
  say('the same for writing without recycle.lock and .db', `${ms.toFixed(0)} ms, longest stall ${stall.toFixed(0)} ms`)
}

async function measureReading(place: Place, records: number): Promise<void> {
  await withJournal(place, async journal => {
    const decoded = performance.now()
    const most = Math.min(records, 200_000)
    let count = 0
    for (const _ of journal.records({ from: 0, to: most })) count++
    say('records read and decoded', `${perSecond(count, performance.now() - decoded)} a second`)
    const before = process.cpuUsage()
    const { stall, ms } = await watched(async () => {
      for await (const _ of journal.verify());
    })
    const { user, system } = process.cpuUsage(before)
    const rate = (records / ms) * 1000
    say(
      'verify of the journal',
      `${perSecond(records, ms)} records a second (${perSecond(records, (user + system) / 1000)} of processor time), ` +
        `longest stall ${stall.toFixed(0)} ms; budget ${budgets.verifyPerSecond.toLocaleString('en')}, ` +
        (rate >= budgets.verifyPerSecond ? 'held' : 'missed'),
    )
  })
}

/** The stand-alone command, its start included. */
function measureNativeVerify({ rootPath }: Place, records: number): void {
  const command = standAloneCommand(path.dirname(import.meta.dirname))
  const what = 'verify of the journal, stand-alone command'
  if (!fs.existsSync(command)) {
    say(what, 'NOT MEASURED, it is not built')
    return
  }
  const started = performance.now()
  const done = spawnSync(command, ['verify', rootPath, '--journal'], { encoding: 'utf8' })
  const ms = performance.now() - started
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status}: ${done.stdout}${done.stderr}`)
  const verdict = (records / ms) * 1000 >= budgets.verifyNativePerSecond ? 'held' : 'missed'
  const budget = budgets.verifyNativePerSecond.toLocaleString('en')
  say(what, `${perSecond(records, ms)} records a second; budget ${budget}, ${verdict}`)
}

/** One after the other in turns, so that both see the same disk. */
async function measureSingles(place: Place, scratch: string): Promise<void> {
  const file = path.join(scratch, 'rows.sqlite')
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (id INTEGER PRIMARY KEY, data BLOB)',
  )
  const insert = database.prepare('INSERT INTO row (data) VALUES (?)')
  const row = randomBytes(350)
  const [own, theirs]: [number[], number[]] = [[], []]
  await withJournal(place, async (journal, mark, like) => {
    for (let i = 0; i < singles; i++) {
      const started = performance.now()
      await journal.writerLock.hold('append', undefined, () => journal.append([like()], mark()))
      const between = performance.now()
      insert.run(row)
      own.push(between - started)
      theirs.push(performance.now() - between)
    }
  })
  database.close()
  const ratio = median(own) / median(theirs)
  say(
    'one durable append, lock taken and released',
    `${median(own).toFixed(2)} ms; SQLite WAL, synchronous=FULL: ${median(theirs).toFixed(2)} ms; ` +
      `${ratio.toFixed(2)}x, budget ${budgets.againstSqlite}x, ${ratio <= budgets.againstSqlite ? 'held' : 'missed'}`,
  )
}

async function measureGroups(place: Place): Promise<void> {
  await withJournal(place, async (journal, mark, like) => {
    const started = performance.now()
    for (let i = 0; i < groups; i++) {
      const records = Array.from({ length: groupRecords }, like)
      await journal.writerLock.hold('append', undefined, () => journal.append(records, mark()))
    }
    const rate = (groups * groupRecords * 1000) / (performance.now() - started)
    say(
      `appends, ${groupRecords} to a flush`,
      `${Math.round(rate).toLocaleString('en')} a second; budget of TypeScript alone ` +
        `${budgets.groupPerSecond.toLocaleString('en')}, ${rate >= budgets.groupPerSecond ? 'held' : 'missed'}; with ` +
        `the native core ${budgets.groupNativePerSecond.toLocaleString('en')}, ` +
        (rate >= budgets.groupNativePerSecond ? 'held' : 'missed'),
    )
  })
}

/** How long some work took, and for how long it kept the event loop from going on. */
async function watched(work: () => Promise<unknown>): Promise<{ readonly ms: number; readonly stall: number }> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  delays.disable()
  return { ms, stall: delays.max / 1e6 }
}

function judged(what: string, ms: number, budgetMs: number): void {
  say(what, `${ms.toFixed(1)} ms; budget ${budgetMs} ms, ${ms <= budgetMs ? 'held' : 'missed'}`)
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

const perSecond = (count: number, ms: number): string => Math.round((count / ms) * 1000).toLocaleString('en')

const say = (what: string, found: string): boolean => process.stdout.write(`${what.padEnd(50)} ${found}\n`)

await main()
