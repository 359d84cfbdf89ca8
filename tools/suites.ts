// The one list of test suites: what each runs and what it needs. `npm run check` runs the unit suite; `npm test` sets
// up what is missing and runs them all, in this order. A test file that no suite has is a finding of tools/tidy.ts.

/** Something of the machine that a suite can not do without; tools/testSetup.ts knows how to get each. */
export type Requirement =
  | 'busybox'
  | 'python packages of the reader'
  | 'go and the verifiers of others'
  | 'redis-server'
  | 'dist'
  | 'native core'

export interface Suite {
  readonly name: string
  /** Which test files, by their path relative to the root of the repository. */
  readonly files: RegExp
  readonly needs: readonly Requirement[]
  /** Test files at the same time; suites that kill processes or watch a clock run alone. */
  readonly concurrency: 'all processors' | 'one by one'
  /** The tests' own hosts have the native core; without this none has. */
  readonly native?: true
  /** Temporary folders lie in memory, where the system has room there; what is about disks asks for one itself. */
  readonly inMemory?: true
}

/** Thousands of runs: every n-th call of a host fails, every byte is flipped, processes are killed, histories drawn. */
const longTests =
  /(?<=\/)(?:faults|flips|killed|adoptKilled|random|processes|repair|repairFrom|backup|gc|fixtures|timeline)\.test\.tsx?$/
const quickFolders = /^test\/(?:core|commands|cli|ui|tools)\//

/** Everything that is done in a moment: a file that takes long belongs into one of the slow suites. */
export const unitSuite: Suite = {
  name: 'unit',
  files: new RegExp(`${quickFolders.source}(?!.*${longTests.source})`),
  needs: [],
  concurrency: 'all processors',
  inMemory: true,
}

export const slowSuites: readonly Suite[] = [
  {
    name: 'faults',
    files: new RegExp(`${quickFolders.source}.*${longTests.source}`),
    needs: [],
    concurrency: 'all processors',
  },
  { name: 'native', files: /^test\/native\//, needs: ['native core'], concurrency: 'one by one', native: true },
  {
    // What is tested above with TypeScript alone, once more: both must behave alike.
    name: 'native twins',
    files:
      /^test\/core\/(?:store|worktree|timeline|verify)\/(?:store|changing|names|permissions|timeline|gc|verify|repair)\.test\.ts$/,
    needs: ['native core'],
    concurrency: 'all processors',
    native: true,
  },
  { name: 'simulator', files: /^test\/simulator\//, needs: [], concurrency: 'one by one' },
  { name: 'crash', files: /^test\/crash\//, needs: ['dist'], concurrency: 'one by one' },
  { name: 'pty', files: /^test\/pty\//, needs: ['dist'], concurrency: 'one by one' },
  {
    name: 'reader',
    files: /^test\/reader\//,
    needs: ['python packages of the reader'],
    concurrency: 'one by one',
  },
  {
    name: 'verifiers',
    files: /^test\/verifiers\//,
    needs: ['dist', 'go and the verifiers of others'],
    concurrency: 'one by one',
  },
  { name: 'redis', files: /^test\/redis\//, needs: ['redis-server'], concurrency: 'one by one' },
  { name: 'package', files: /^test\/package\//, needs: ['dist', 'busybox'], concurrency: 'one by one' },
]

/** Whether a suite runs the test file at this path, relative to the root of the repository. */
export function isRunBySomeSuite(file: string): boolean {
  return [unitSuite, ...slowSuites].some(({ files }) => files.test(file))
}
