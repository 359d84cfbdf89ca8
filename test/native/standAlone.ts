// The stand-alone command of the native core, as tests start it.

import { execFileSync, spawnSync } from 'node:child_process'

/** Where the command lies: tools that build the native core set it; these tests are nothing without it. */
export function standAloneCommand(): string {
  const command = process.env.SENTIENT_TEST_STORE
  if (command === undefined) throw new Error('SENTIENT_TEST_STORE does not say where sentient-store lies')
  return command
}

export interface StandAloneFinding {
  readonly code: string
  readonly severity: string
  readonly where: string
  readonly path?: string
  readonly seq?: number
  readonly found: string
}

/** The findings of a deep verification, or the code of the error that kept it from looking. */
export function verifyAlone(rootPath: string): readonly StandAloneFinding[] | string {
  const { stdout, stderr, status } = spawnSync(standAloneCommand(), ['verify', rootPath, '--deep', '--json'], {
    encoding: 'utf8',
    maxBuffer: 256 << 20,
  })
  const error = /^sentient-store: ([A-Z_]+)/.exec(stderr)?.[1]
  if (error !== undefined) return error
  if (status !== 0 && status !== 3) throw new Error(`sentient-store ended with ${status}: ${stderr}`)
  return (JSON.parse(stdout) as { findings: StandAloneFinding[] }).findings
}

/** Runs the command and gives back what it prints; throws when it fails. */
export function runAlone(...words: readonly string[]): string {
  return execFileSync(standAloneCommand(), words, { encoding: 'utf8', maxBuffer: 256 << 20 })
}
