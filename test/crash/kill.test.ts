// kill -9 at random points of a mixed workload in other processes. Nothing acknowledged may be lost, the folder opens
// without help, verifies, and goes on. The seed is printed; SENTIENT_TEST_SEED (npm test -- --seed N) replays it.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import type { Work } from '../../src/core/timeline/model.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const rounds = 40
const writer = path.join(import.meta.dirname, 'workload.ts')

async function end<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

interface Writer {
  readonly process: ChildProcess
  readonly lines: () => string[]
  ready(): Promise<void>
  ended(): Promise<void>
}

function startWriter(root: string, writerSeed: number, name: string): Writer {
  const child = spawn(process.execPath, [writer, root, String(writerSeed), name], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let problems = ''
  let wake: () => void = () => undefined
  child.stdout.on('data', data => {
    output += data
    wake()
  })
  child.stderr.on('data', data => {
    problems += data
  })
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  return {
    process: child,
    lines: () => output.split('\n').slice(0, -1),
    async ready() {
      while (!output.includes('ready\n')) {
        if (child.exitCode !== null) throw new Error(`the writer ended: ${problems}`)
        await Promise.race([ended, new Promise<void>(resolve => (wake = resolve))])
      }
    },
    ended: () => ended,
  }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const host = createDiskHost({ label: 'crash test' })

async function makeRoot(): Promise<string> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-crash-'))
  for (let i = 0; i < 40; i++) {
    fs.mkdirSync(path.join(root, `a/d${i % 4}`), { recursive: true })
    fs.writeFileSync(path.join(root, `a/d${i % 4}/f${i}`), `file ${i}\n`.repeat(1 + i * 10))
  }
  await end(initRoot(host, { path: root, zk: true }))
  return root
}

const lastAcknowledged = (lines: readonly string[]): number =>
  Math.max(-1, ...lines.filter(line => line.startsWith('ack ')).map(line => Number(line.slice(4))))
const editedPaths = (lines: readonly string[]): Set<string> =>
  new Set(lines.filter(line => line.startsWith('edit ')).map(line => line.slice(5)))

/** What must hold after any kill: the records, the journal, and a tree that is the state in force but for the edits. */
async function checkAfterKill(root: string, writers: readonly Writer[], context: string): Promise<void> {
  const lines = writers.flatMap(one => one.lines())
  assert.deepEqual(
    lines.filter(line => line.startsWith('error ')),
    [],
    context,
  )
  const system = await openSystem(host, { rootPath: root, access: 'write' })
  try {
    assert.equal(system.access, 'write', `${context}: ${JSON.stringify(system.notices)}`)
    assert.ok(system.now().records > lastAcknowledged(lines), `${context}: an acknowledged record is lost`)
    const report = await end(system.verify())
    assert.deepEqual(
      report.findings.filter(finding => finding.severity === 'damage'),
      [],
      context,
    )
    const { changes } = await end(system.status())
    const edited = editedPaths(lines)
    const strange = changes.filter(
      ({ path: changed }) => ![...edited].some(one => one === changed || one.startsWith(`${changed}/`)),
    )
    assert.deepEqual(
      strange.map(change => `${change.state} ${change.path}`),
      [],
      `${context}: drift that nobody made`,
    )
    await goOn(system, context)
  } finally {
    await system.close()
  }
}

async function goOn(system: System, context: string): Promise<void> {
  await end(system.absorb([]))
  const bytes = Buffer.from(context)
  const read = (target: Uint8Array, offset: number, length: number, position: number): number => {
    const part = bytes.subarray(position, position + length)
    target.set(part, offset)
    return part.length
  }
  const { seq } = await end(system.put('a/after', { size: bytes.length, read }))
  assert.equal(system.now().records, seq + 1, context)
}

test(`killed at ${rounds} random points of a mixed workload`, { timeout: 600_000 }, async context => {
  context.diagnostic(`seed ${seed}`)
  const root = await makeRoot()
  try {
    for (let round = 0; round < rounds; round++) {
      const roundSeed = (seed + round * 7_919) >>> 0
      const one = startWriter(root, roundSeed, 'a')
      await one.ready()
      await pause(roundSeed % 350)
      one.process.kill('SIGKILL')
      await one.ended()
      await checkAfterKill(root, [one], `seed ${seed}, round ${round}`)
    }
    const system = await openSystem(host, { rootPath: root, access: 'write' })
    const deep = await end(system.verify({ deep: true }))
    await system.close()
    assert.equal(deep.damaged, false, JSON.stringify(deep.findings.slice(0, 5)))
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
})

test('two writers, three readers, one writer killed: the others go on', { timeout: 300_000 }, async context => {
  context.diagnostic(`seed ${seed}`)
  const root = await makeRoot()
  const readers: AbortController[] = []
  try {
    const writers = [startWriter(root, seed, 'left'), startWriter(root, seed + 1, 'right')] as const
    const seen = [0, 1, 2].map(async () => {
      const stop = new AbortController()
      readers.push(stop)
      const system = await openSystem(host, { rootPath: root, access: 'read' })
      let records = 0
      try {
        for await (const record of system.follow({ signal: stop.signal, from: 0 })) {
          assert.equal(record.seq, records, 'records come in order, none twice')
          records++
        }
      } finally {
        await system.close()
      }
      return records
    })
    await Promise.all(writers.map(one => one.ready()))
    await pause(1_500)
    writers[0].process.kill('SIGKILL')
    await writers[0].ended()
    const before = writers[1].lines().length
    await pause(2_500)
    assert.ok(writers[1].lines().length > before, 'the other writer goes on')
    writers[1].process.kill('SIGKILL')
    await writers[1].ended()
    await pause(600)
    for (const stop of readers) stop.abort()
    const counts = await Promise.all(seen)
    assert.ok(Math.min(...counts) > lastAcknowledged(writers.flatMap(one => one.lines())), 'readers saw every record')
    await checkAfterKill(root, writers, `seed ${seed}, two writers`)
  } finally {
    for (const stop of readers) stop.abort()
    fs.rmSync(root, { recursive: true, force: true })
  }
})

test('killed in the middle of a rollback: the next opening finishes it', { timeout: 300_000 }, async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-crash-'))
  const files = Array.from({ length: 2_000 }, (_, i) => path.join(root, `d${i % 40}`, `f${i}`))
  const write = (text: string): void => {
    for (const file of files) {
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, `${text} ${path.basename(file)}\n`)
    }
  }
  const readAll = (): string[] => files.map(file => fs.readFileSync(file, 'utf8').split(' ')[0] as string)
  try {
    write('old')
    await end(initRoot(host, { path: root, zk: true }))
    const made = await openSystem(host, { rootPath: root, access: 'write' })
    await end(made.snapshotCreate({ name: 'before' }))
    write('new')
    await end(made.absorb([]))
    await made.close()
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'rollback.ts'), root, '2'], {
      stdio: 'inherit',
    })
    const signal = await new Promise(resolve => child.on('close', (_, how) => resolve(how)))
    assert.equal(signal, 'SIGKILL', 'it was killed before it was done')
    const between = readAll()
    assert.ok(between.includes('new'), 'something was still to be done')
    const opened = await openSystem(host, { rootPath: root, access: 'read' })
    assert.ok(opened.notices.some(notice => notice.code === 'recovered'))
    assert.deepEqual([...new Set(readAll())], ['old'])
    assert.equal(opened.record(opened.now().records - 1).action, 'rollback')
    const report = await end(opened.verify({ deep: true }))
    assert.equal(report.damaged || report.drifted, false)
    await opened.close()
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
})
