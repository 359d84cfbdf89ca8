// Runs a suite's files with Node's test runner, each file in a process of its own, and turns what happens into counts
// and a list of what failed. Quiet about what passes.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import type { Suite } from './suites.ts'

export interface SuiteResult {
  readonly passed: number
  readonly failed: number
  /** Tests that were skipped or marked as still to do: nobody saw them pass. */
  readonly notRun: readonly string[]
  /** What failed and why, ready to print. */
  readonly failures: readonly string[]
  /** Files that take so long that they belong into a suite of their own, or should do less. */
  readonly warnings: readonly string[]
  readonly seconds: number
}

const slowFileMs = 10_000
const fileMsMax = 15 * 60_000
const outputCharsMax = 4000

/** The system's own file system in memory, on Linux. */
const memoryFolder = '/dev/shm'
const memoryBytesMin = 2 << 30

/** The test files of a suite as absolute paths, the largest first: at the end no processor waits for a long one. */
export function testFiles(root: string, suite: Suite): string[] {
  const folder = path.join(root, 'test')
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names
    .filter(name => /\.test\.tsx?$/.test(name) && suite.files.test(path.posix.join('test', name)))
    .map(name => path.join(folder, name))
  const bytes = new Map(files.map(file => [file, fs.statSync(file).size]))
  return files.sort((a, b) => (bytes.get(b) ?? 0) - (bytes.get(a) ?? 0) || (a < b ? -1 : 1))
}

/** Runs a suite. No test at all is a failure: a suite that tests nothing must not look as if it passed. */
export async function runSuite(root: string, suite: Suite): Promise<SuiteResult> {
  const files = testFiles(root, suite)
  if (files.length === 0) {
    return {
      passed: 0,
      failed: 1,
      notRun: [],
      failures: [`there are no tests: ${suite.files}`],
      warnings: [],
      seconds: 0,
    }
  }
  // One more than there are processors: some tests wait for the clock, or for other programs.
  const together = suite.concurrency === 'all processors' ? os.availableParallelism() + 1 : 1
  const preloads = process.env.SENTIENT_TEST_SEED === undefined ? ['jsxLoader.ts'] : ['jsxLoader.ts', 'testSeed.ts']
  const execArgv = preloads.flatMap(name => ['--import', path.join(root, 'tools', name)])
  const addOn = process.env.SENTIENT_TEST_ADD_ON
  if (suite.native === true && addOn !== undefined) process.env.SENTIENT_TEST_NATIVE = addOn
  const leaveMemory = suite.inMemory === true ? takeMemory() : undefined
  try {
    return await runFiles(root, files, { concurrency: Math.min(together, files.length), execArgv })
  } finally {
    delete process.env.SENTIENT_TEST_NATIVE
    leaveMemory?.()
  }
}

/**
 * Lets test processes have their temporary folders in memory: waiting for a disk to flush would be most of their time.
 * Comes back with how to end that; undefined where there is no such place, or little room in it.
 */
function takeMemory(): (() => void) | undefined {
  try {
    const { bavail, bsize } = fs.statfsSync(memoryFolder)
    if (bavail * bsize < memoryBytesMin) return undefined
    removeLeft()
    const folder = path.join(memoryFolder, `sst-${process.pid.toString(36)}`)
    fs.mkdirSync(folder, { mode: 0o700 })
    const before = { ...process.env }
    process.env.SENTIENT_TEST_DISK = os.tmpdir()
    process.env.TMPDIR = folder
    return () => {
      fs.rmSync(folder, { recursive: true, force: true })
      for (const name of ['SENTIENT_TEST_DISK', 'TMPDIR']) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    }
  } catch {
    return undefined
  }
}

/** What runs that were killed left there would stay in memory. */
function removeLeft(): void {
  for (const name of fs.readdirSync(memoryFolder)) {
    const [, id] = /^sst-([0-9a-z]+)$/.exec(name) ?? []
    if (id !== undefined && !isAlive(Number.parseInt(id, 36)))
      fs.rmSync(path.join(memoryFolder, name), { recursive: true, force: true })
  }
}

function isAlive(processId: number): boolean {
  if (processId === process.pid) return false
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

interface RunOptions {
  readonly concurrency: number
  readonly execArgv: string[]
}

interface Reported {
  readonly name: string
  readonly nesting: number
  readonly file?: string | undefined
  readonly line?: number | undefined
}

/** Runs test files, given as absolute paths. Exported for its own test. */
export async function runFiles(root: string, files: string[], options: RunOptions): Promise<SuiteResult> {
  const started = performance.now()
  const failures: string[] = []
  const notRun: string[] = []
  const warnings: string[] = []
  const output = new Map<string, string>()
  const counts = { passed: 0, failed: 0 }
  const trail: string[] = [] // of the test that is reported now: its suites, by nesting
  const nameOf = ({ name, nesting, file, line }: Reported) => {
    const relative = file === undefined ? '' : path.relative(root, file)
    return name === file ? relative : `${relative}:${line ?? 0} ${[...trail.slice(0, nesting), name].join(' > ')}`
  }
  const keep = ({ file, message }: { readonly file?: string | undefined; readonly message: string }) => {
    if (file !== undefined) output.set(file, ((output.get(file) ?? '') + message).slice(-outputCharsMax))
  }
  const failedFiles = new Set<string>()
  const withoutTests: string[] = [] // the runner counts such a file as one test that passed
  const stream = run({ files, timeout: fileMsMax, cwd: root, ...options })
  stream.on('test:start', ({ name, nesting }) => trail.splice(nesting, trail.length, name))
  stream.on('test:stdout', keep)
  stream.on('test:stderr', keep)
  stream.on('test:diagnostic', ({ file, message }) => keep({ file, message: `${message}\n` }))
  stream.on('test:pass', data => {
    if (data.name === data.file) withoutTests.push(data.file)
    if (data.skip !== undefined || data.todo !== undefined) notRun.push(nameOf(data))
  })
  stream.on('test:fail', data => {
    const error = data.details.error as Error & { readonly failureType?: string; readonly cause?: unknown }
    if (error.failureType === 'subtestsFailed') return
    if (data.file !== undefined) failedFiles.add(data.file)
    failures.push(`${nameOf(data)}\n${indent(describeError(error))}`)
  })
  stream.on('test:summary', data => {
    if (data.file !== undefined) {
      const seconds = Math.round(data.duration_ms / 1000)
      if (data.duration_ms > slowFileMs) warnings.push(`${path.relative(root, data.file)} takes ${seconds} s`)
      return
    }
    const { tests, passed, skipped, todo } = data.counts
    counts.passed = passed - withoutTests.length
    counts.failed = tests - passed - skipped - todo + withoutTests.length
  })
  for await (const _ of stream);
  for (const file of withoutTests) failures.push(`${path.relative(root, file)} holds no tests`)
  for (const file of failedFiles) {
    const text = output.get(file)?.trim()
    if (text) failures.push(`${path.relative(root, file)} printed\n${indent(text)}`)
  }
  counts.failed = Math.max(counts.failed, failures.length === 0 ? 0 : 1)
  return { ...counts, notRun, failures, warnings, seconds: (performance.now() - started) / 1000 }
}

function describeError(error: Error & { readonly cause?: unknown }): string {
  const cause = error.cause instanceof Error ? error.cause : error
  return cause.stack ?? cause.message
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
