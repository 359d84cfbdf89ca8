// Real processes on a real disk: writers that take turns, readers that follow, and a writer that is killed in the middle.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeTemporaryFolder, type TemporaryFolder } from '../../support/host.ts'
import { append, nameOf, openTest, recordOf, verify } from './fixtures.ts'

const workerPath = fileURLToPath(new URL('./worker.ts', import.meta.url))

interface Worker {
  readonly child: ChildProcess
  /** Resolves when it waits for its input to end. */
  readonly ready: Promise<void>
  /** Whole lines so far. */
  lines(): string[]
  /** Resolves when that many lines are there. */
  reached(count: number): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; errors: string }>
}

function start(...args: string[]): Worker {
  const child = spawn(process.execPath, [workerPath, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout!.setEncoding('utf8').on('data', text => (output += text))
  child.stderr!.setEncoding('utf8').on('data', text => (errors += text))
  const lines = (): string[] => output.split('\n').slice(1, -1)
  const ended = new Promise<Awaited<Worker['ended']>>(resolve => {
    child.on('close', (code, signal) => resolve({ code, signal, errors }))
  })
  const reached = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (lines().length >= count) resolve()
      }
      child.stdout!.on('data', look)
      child.on('close', () => (lines().length >= count ? resolve() : reject(new Error(`ended early: ${errors}`))))
      look()
    })
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', () => output.startsWith('ready\n') && resolve())
    child.on('close', () => reject(new Error(`ended early: ${errors}`)))
  })
  return { child, ready, lines, reached, ended }
}

/** The writer's own records, in the order of the journal. */
function ownOf(all: readonly string[], writer: string): string[] {
  return all.filter(name => name.startsWith(writer))
}

describe('processes', { timeout: 120_000 }, () => {
  let folder: TemporaryFolder
  let workers: Worker[] = []
  beforeEach(() => {
    folder = makeTemporaryFolder()
    openTest(folder).close()
    workers = []
  })
  afterEach(async () => {
    for (const { child } of workers) child.kill('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
    folder.remove()
  })
  const run = (...args: string[]): Worker => {
    const worker = start(...args)
    workers.push(worker)
    return worker
  }
  const startAll = async (): Promise<void> => {
    await Promise.all(workers.map(({ ready }) => ready))
    for (const { child } of workers) child.stdin!.end()
  }
  const journalNames = (): string[] => {
    const journal = openTest(folder, { access: 'read' })
    const all = [...journal.records({ from: 0 })].map(result =>
      result.state === 'intact' ? nameOf(result.record) : `${result.state} ${result.seq}`,
    )
    journal.close()
    return all
  }

  it('append in turns while others read', async () => {
    const count = 150
    const journal = openTest(folder)
    await append(journal, [recordOf('first')])
    const writers = ['a', 'b'].map(name => run('write', folder.path, name, String(count)))
    const readers = [0, 1, 2].map(() => run('read', folder.path, String(2 * count + 1)))
    await startAll()
    for (const worker of [...writers, ...readers]) {
      const { code, errors } = await worker.ended
      assert.equal(code, 0, errors)
    }
    for (const reader of readers) assert.ok(Number(reader.lines()[0]) >= 2)
    const all = journalNames()
    assert.equal(all.length, 2 * count + 1)
    for (const [index, name] of ['a', 'b'].entries()) assert.deepEqual(ownOf(all, name), writers[index]!.lines())
    // Neither had to wait until the other was done.
    const turns = all.filter((name, i) => i > 0 && all[i - 1]![0] !== name[0]).length
    assert.ok(turns >= 6, `${turns} turns`)
    await append(journal, [recordOf('last')])
    const { findings, records } = await verify(journal)
    assert.deepEqual(findings, [])
    assert.equal(records, 2 * count + 2)
    journal.close()
  })

  it('do not starve each other', async () => {
    const greedy = run('greedy', folder.path, 'g', '1500')
    const modest = run('write', folder.path, 'm', '20')
    await startAll()
    for (const { ended } of [greedy, modest]) {
      const { code, errors } = await ended
      assert.equal(code, 0, errors)
    }
    const all = journalNames()
    assert.equal(all.length, 1520)
    assert.ok(all.lastIndexOf('m19') < all.lastIndexOf('g1499'), 'the modest one had to wait for the end')
  })

  it('go on when one is killed', async () => {
    const count = 120
    for (const killAfter of [3, 31, 64]) {
      const round = `${killAfter}`
      const [dying, living] = ['x', 'y'].map(name => run('write', folder.path, `${name}${round}-`, String(count)))
      await startAll()
      await dying!.reached(killAfter)
      dying!.child.kill('SIGKILL')
      assert.equal((await dying!.ended).signal, 'SIGKILL')
      const { code, errors } = await living!.ended
      assert.equal(code, 0, errors)
      const all = journalNames()
      const acknowledged = dying!.lines()
      const kept = ownOf(all, `x${round}-`)
      assert.deepEqual(kept.slice(0, acknowledged.length), acknowledged)
      assert.ok(kept.length - acknowledged.length <= 3, 'more than one append without a yes')
      assert.deepEqual(ownOf(all, `y${round}-`), living!.lines())
      assert.equal(new Set(all).size, all.length)
    }
    const journal = openTest(folder)
    await append(journal, [recordOf('end')])
    assert.deepEqual((await verify(journal)).findings, [])
    journal.close()
  })
})
