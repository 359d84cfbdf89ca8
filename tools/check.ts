// `npm run check`: format, types, import rules, tidiness, generated files, unit tests. One line each with its time,
// then the particulars of what failed. Stays below a minute, so that it is run often.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { staleFiles } from './generate.ts'
import type { Finding } from './importRules.ts'
import { checkImports } from './importRules.ts'
import { runSuite } from './runTests.ts'
import type { SourceFile } from './sources.ts'
import { readSources } from './sources.ts'
import { unitSuite } from './suites.ts'
import { checkTidiness, readPackage } from './tidy.ts'

export interface StepResult {
  readonly passed: number
  readonly failed: number
  /** Ready to print; below a line that says which step they are of. */
  readonly failures: readonly string[]
  /** Tests that were skipped. */
  readonly notRun: readonly string[]
  readonly warnings?: readonly string[]
}

interface Step {
  readonly name: string
  readonly run: () => Promise<StepResult> | StepResult
}

export interface NamedResult extends StepResult {
  readonly name: string
  readonly seconds: number
}

/** Runs every step, printing a line as each ends. */
export async function check(root: string): Promise<NamedResult[]> {
  let read: SourceFile[] | undefined
  const sources = () => {
    read ??= readSources(root)
    return read
  }
  const program = (name: string, ...options: string[]) => runProgram(root, name, options)
  const packages = () => new Set(readPackage(root).dependencies)
  const apart: Step[] = [
    { name: 'format and lint', run: () => program('biome', 'check', '--colors=off', '--diagnostic-level=warn') },
    { name: 'types', run: () => program('tsc', '--project', root, '--pretty', 'false') },
  ]
  const inTurn: Step[] = [
    { name: 'imports', run: () => fromFindings(checkImports(sources(), packages())) },
    { name: 'tidy', run: () => tidy(root, sources()) },
    { name: 'generated files', run: () => fresh(root) },
  ]
  // The first two are other programs; meanwhile this process does the rest. The tests then get every processor.
  const [first, second] = await Promise.all([Promise.all(apart.map(runStep)), runInTurn(inTurn)])
  return [...first, ...second, await runStep({ name: 'unit tests', run: () => runSuite(root, unitSuite) })]
}

async function runInTurn(steps: readonly Step[]): Promise<NamedResult[]> {
  const results: NamedResult[] = []
  for (const step of steps) results.push(await runStep(step))
  return results
}

/** Runs one step and prints its line. An exception is a failure of the step, not of the check. */
export async function runStep(step: Step): Promise<NamedResult> {
  const started = performance.now()
  let result: StepResult
  try {
    result = await step.run()
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    result = { passed: 0, failed: 1, failures: [text], notRun: [] }
  }
  const seconds = (performance.now() - started) / 1000
  const named = { ...result, name: step.name, seconds }
  console.log(resultLine(named))
  return named
}

export function resultLine(result: NamedResult): string {
  const state = result.failed > 0 ? 'FAIL' : 'ok'
  const counts = result.passed + result.failed > 1 ? `${result.passed} passed, ${result.failed} failed` : ''
  const skipped = result.notRun.length > 0 ? `, ${result.notRun.length} NOT RUN` : ''
  return `${state.padEnd(5)} ${result.name.padEnd(18)} ${result.seconds.toFixed(1).padStart(6)} s  ${counts}${skipped}`.trimEnd()
}

/** Everything that the results have to say beyond their lines. */
export function particulars(results: readonly NamedResult[]): string {
  const blocks = results.flatMap(({ name, failures, warnings = [] }) => [
    ...warnings.map(text => `note, ${name}: ${text}`),
    ...failures.map(text => `\n--- ${name}: ${text}`),
  ])
  return blocks.length === 0 ? '' : `\n${blocks.join('\n')}\n`
}

function fromFindings(findings: readonly Finding[]): StepResult {
  const failures = findings.length === 0 ? [] : [`${findings.length} findings\n${findings.map(describe).join('\n')}`]
  return { passed: findings.length === 0 ? 1 : 0, failed: failures.length, failures, notRun: [] }
}

function describe({ path: file, line, text }: Finding): string {
  return `${file}:${line}: ${text}`
}

function tidy(root: string, sources: readonly SourceFile[]): StepResult {
  const { findings, warnings } = checkTidiness(root, sources)
  return { ...fromFindings(findings), warnings: warnings.map(describe) }
}

async function fresh(root: string): Promise<StepResult> {
  const stale = await staleFiles(root)
  const text = 'is not what its generator says: npm run generate'
  return fromFindings(stale.map(file => ({ path: file.path, line: 1, text })))
}

/** Runs a program of node_modules/.bin; what it prints matters only when it fails. */
function runProgram(root: string, name: string, options: readonly string[]): Promise<StepResult> {
  return new Promise(resolve => {
    const file = path.join(root, 'node_modules', '.bin', name)
    const child = spawn(file, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk: Buffer) => {
      output += chunk.toString()
    }
    const failed = (text: string) => resolve({ passed: 0, failed: 1, failures: [text], notRun: [] })
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', error => failed(String(error)))
    child.on('close', code => {
      if (code === 0) resolve({ passed: 1, failed: 0, failures: [], notRun: [] })
      else failed(`${name} ended with ${code}\n${output.trim()}`)
    })
  })
}

if (process.argv[1] === import.meta.filename) {
  const started = performance.now()
  const results = await check(path.dirname(import.meta.dirname))
  process.stdout.write(particulars(results))
  const failed = results.filter(result => result.failed > 0).map(result => result.name)
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`
  console.log(failed.length === 0 ? `\nEverything is in order (${took}).` : `\nFailed: ${failed.join(', ')} (${took}).`)
  process.exitCode = failed.length === 0 ? 0 : 1
}
