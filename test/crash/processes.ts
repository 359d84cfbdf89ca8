// Root folders on the real disk and processes that work on them: started, listened to, killed.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { createDiskHost } from '../../src/core/host/disk.ts'
import type { Directory, Host } from '../../src/core/host/host.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import { finished, type TimelineSubject } from '../core/timeline/support.ts'
import { buildTree, createSeededRandomness, makeTemporaryFolder, nativeUnderTest, type Tree } from '../support/host.ts'

/** Of the run: printed, and taken from SENTIENT_TEST_SEED to run the same again. */
export const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}: SENTIENT_TEST_SEED=${seed} draws the same again`)

const chance = createSeededRandomness(seed)
export const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below

const workerFile = path.join(import.meta.dirname, 'worker.ts')

export interface CrashFolder extends Pick<TimelineSubject, 'host' | 'path' | 'directory'> {
  readonly host: Host
  readonly directory: Directory
  readonly statePath: string
  open(): Promise<System>
  remove(): void
}

/** A root folder with this content, and a place outside it where processes remember it. */
export async function makeCrashFolder(tree: Tree): Promise<CrashFolder> {
  const folder = makeTemporaryFolder()
  buildTree(folder.directory, { root: tree, state: {} })
  const root = path.join(folder.path, 'root')
  const statePath = path.join(folder.path, 'state')
  const host = createDiskHost({ label: 'crash test', stateDirectoryPath: statePath, native: nativeUnderTest() })
  await finished(initRoot(host, { path: root, zk: true }))
  const directory = host.files.openDirectory(root)!
  return {
    host,
    path: root,
    directory,
    statePath,
    open: () => openSystem(host, { rootPath: root, access: 'write' }),
    remove() {
      directory.close()
      folder.remove()
    },
  }
}

export interface Worker {
  readonly process: ChildProcess
  /** What it said, line by line, each in words. */
  readonly lines: readonly (readonly string[])[]
  /** Resolves when it said a line that begins so; fails when it ends before. */
  until(...words: string[]): Promise<void>
  kill(): Promise<void>
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>
}

export function startWorker(folder: CrashFolder, what: string, options: { seed: number; parameter?: string }): Worker {
  const parameters = [what, folder.path, folder.statePath, String(options.seed), options.parameter ?? '']
  const child = spawn(process.execPath, [workerFile, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[][] = []
  const waiting = new Set<() => void>()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) lines.push(line.split(' '))
    for (const look of waiting) look()
  })
  let over = false
  const ended = new Promise<number | null>(resolve => {
    child.on('close', code => {
      over = true
      for (const look of waiting) look()
      resolve(code)
    })
  })
  return {
    process: child,
    lines,
    ended,
    until: (...words) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const said = lines.some(line => words.every((word, i) => line[i] === word))
          if (!said && !over) return
          waiting.delete(look)
          if (said) resolve()
          else reject(new Error(`it ended without "${words.join(' ')}": ${lines.slice(-3).join(' / ')}`))
        }
        waiting.add(look)
        look()
      }),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Acknowledged records, by their number; every one must be in the journal for ever. */
export function acknowledgedBy(...workers: readonly Worker[]): Map<number, string> {
  const all = new Map<number, string>()
  for (const { lines } of workers) {
    for (const [word, seq, leaf] of lines) {
      assert.notEqual(word, 'problem', lines.at(-1)?.join(' '))
      if (word !== 'ack') continue
      assert.equal(all.get(Number(seq)), undefined, `record ${seq} was acknowledged once`)
      all.set(Number(seq), leaf ?? '')
    }
  }
  return all
}

export function assertAllThere(system: System, acknowledged: ReadonlyMap<number, string>): void {
  for (const [seq, leaf] of acknowledged) assert.equal(system.record(seq).leaf, leaf, `record ${seq} is there`)
}

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
