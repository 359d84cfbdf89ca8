// The one list of test suites: what each runs and what it needs. `npm run check` runs the unit suite; `npm test` sets
// up what is missing and runs them all, in this order. A test file that no suite has is a finding of tools/tidy.ts.

/** Something of the machine that a suite can not do without; tools/testSetup.ts knows how to get each. */
export type Requirement = 'busybox' | 'python packages of the reader' | 'dist'

export interface Suite {
  readonly name: string
  /** Folders below test/. */
  readonly folders: readonly string[]
  readonly needs: readonly Requirement[]
  /** Test files at the same time; suites that kill processes or watch a clock run alone. */
  readonly concurrency: 'all processors' | 'one by one'
}

export const unitSuite: Suite = {
  name: 'unit',
  folders: ['core', 'commands', 'cli', 'ui', 'tools'],
  needs: [],
  concurrency: 'all processors',
}

export const slowSuites: readonly Suite[] = [
  { name: 'crash', folders: ['crash'], needs: ['dist'], concurrency: 'one by one' },
  { name: 'pty', folders: ['pty'], needs: ['dist'], concurrency: 'one by one' },
  { name: 'reader', folders: ['reader'], needs: ['dist', 'python packages of the reader'], concurrency: 'one by one' },
  { name: 'package', folders: ['package'], needs: ['dist', 'busybox'], concurrency: 'one by one' },
]

/** Whether a suite runs the test file at this path, relative to the root of the repository. */
export function isRunBySomeSuite(file: string): boolean {
  return [unitSuite, ...slowSuites].some(({ folders }) => folders.some(folder => file.startsWith(`test/${folder}/`)))
}
