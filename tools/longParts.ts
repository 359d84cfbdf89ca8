// What `npm run test:long` runs: each line of the fault bars in full, cut into pieces of some minutes, so that a run can
// be stopped and taken up again. A piece is a test file, or a part of one, or a program that runs for so many minutes; it
// says on standard output what it tried.

export type Twin = 'TypeScript' | 'native'

export interface Piece {
  /** A program of the repository, run by Node; a test file runs everything that it has. */
  readonly file: string
  /** Of tests, by their names. */
  readonly only?: string
  readonly skip?: string
  /** Told `--minutes` and `--seed`, for a program; for so long it runs. */
  readonly minutes?: number
  /** Run so many times, each with another seed. */
  readonly times?: number
  /** Each of these in so many shares, so that it can be stopped and taken up again. */
  readonly shares?: number
  /** About how long a share takes, on a machine with nothing else to do. */
  readonly seconds: number
}

export interface Part {
  readonly name: string
  /** What is tried, for people. */
  readonly what: string
  readonly twins: readonly Twin[]
  readonly pieces: readonly Piece[]
  /** Only where `twin` runs; else the pieces are for all twins. */
  readonly piecesOf?: Partial<Record<Twin, readonly Piece[]>>
}

const both: readonly Twin[] = ['TypeScript', 'native']
const minutesEach = 5

/** A program that runs as long as it is told to, in pieces. */
const forMinutes = (minutes: number, piece: Omit<Piece, 'seconds' | 'times' | 'minutes'>): Piece => {
  const each = Math.min(minutesEach, minutes)
  return { ...piece, minutes: each, times: Math.max(1, Math.round(minutes / each)), seconds: each * 60 }
}

/** `minutes`: of the parts that end when the time is over. */
export function longParts(minutes: number): readonly Part[] {
  return [
    {
      name: 'kill',
      what: 'kill -9 at random points of a mixed workload, and in the middle of rollbacks',
      twins: both,
      pieces: [{ file: 'test/crash/kill.test.ts', times: 25, seconds: 120 }],
    },
    {
      name: 'power',
      what: 'a simulated power cut at every operation: unflushed writes lost, reordered, torn',
      twins: ['TypeScript'],
      pieces: [
        { file: 'test/core/timeline/faults.test.ts', only: 'the end of the power', times: 3, shares: 8, seconds: 40 },
        { file: 'test/core/store/faults.test.ts', only: 'power', times: 2, seconds: 120 },
        { file: 'test/core/journal/faults.test.ts', only: 'a power cut', times: 3, seconds: 60 },
        { file: 'test/core/backup/faults.test.ts', only: 'power', seconds: 300 },
        { file: 'test/core/adoptKilled.test.ts', only: 'power goes', seconds: 200 },
        { file: 'test/core/verify/killed.test.ts', only: 'power goes', times: 2, seconds: 200 },
        { file: 'test/core/verify/forget/killed.test.ts', only: 'power goes', seconds: 100 },
        { file: 'test/core/export/faults.test.ts', only: 'power', seconds: 60 },
      ],
    },
    {
      name: 'fail',
      what: 'the n-th file operation fails, for every n: an error, no space, a short write, a flush, the end of the process',
      twins: both,
      pieces: [
        { file: 'test/core/timeline/faults.test.ts', only: 'a failing disk', shares: 24, seconds: 40 },
        { file: 'test/core/timeline/faults.test.ts', only: 'the end of the process', shares: 12, seconds: 40 },
        { file: 'test/core/timeline/faults.test.ts', only: 'a wish to stop', shares: 6, seconds: 40 },
        { file: 'test/core/store/faults.test.ts', skip: 'power goes', seconds: 200 },
        { file: 'test/core/journal/faults.test.ts', skip: 'a power cut', seconds: 60 },
        { file: 'test/core/backup/faults.test.ts', skip: 'power', seconds: 900 },
        { file: 'test/core/adoptKilled.test.ts', skip: 'power goes', seconds: 300 },
        { file: 'test/core/verify/killed.test.ts', skip: 'power goes', seconds: 100 },
        { file: 'test/core/verify/forget/killed.test.ts', skip: 'power goes', seconds: 200 },
        { file: 'test/core/export/faults.test.ts', skip: 'power', seconds: 120 },
      ],
      // Both together, on the real disk: operations of TypeScript and of the native core have one row of numbers.
      piecesOf: {
        native: ['an error', 'a full disk', 'a short write', 'flushes', 'the end'].map(only => ({
          file: 'test/native/faults.test.ts',
          only: `${only}.*: `,
          shares: 12,
          seconds: 30,
        })),
      },
    },
    {
      name: 'flip',
      what: 'one flipped bit at every byte of every truth file of a folder; all eight in eight pieces',
      twins: both,
      pieces: [
        { file: 'test/core/verify/flips.test.ts', skip: 'is mended', times: 8, shares: 16, seconds: 15 },
        { file: 'test/core/verify/flips.test.ts', only: 'is mended', shares: 64, seconds: 30 },
      ],
    },
    {
      name: 'together',
      what: 'two writers and several readers side by side; writers killed beside another',
      twins: both,
      pieces: [{ file: 'test/crash/together.test.ts', times: 10, seconds: 20 }],
    },
    {
      name: 'collect',
      what: 'readers while somebody writes and collects what old snapshots kept',
      twins: both,
      pieces: [{ file: 'test/crash/collect.test.ts', times: 5, seconds: 60 }],
    },
    {
      name: 'orders',
      what: 'the same tree reached by random orders of changes: one root, also by the native core at once',
      twins: both,
      pieces: [{ file: 'test/core/timeline/orders.test.ts', shares: 20, seconds: 15 }],
    },
    {
      name: 'simulator',
      what: 'whole machines with processes, faults, kills, power cuts, jumping clocks',
      twins: ['TypeScript'],
      pieces: [forMinutes(minutes, { file: 'test/simulator/long.ts' })],
    },
    {
      name: 'fuzz',
      what: 'mutated bytes for every parser, both twins asked about the same; whole folders for all verifiers',
      twins: both,
      pieces: [forMinutes(minutes / 4, { file: 'test/core/loneParsers.ts' })],
      piecesOf: {
        native: [
          forMinutes(minutes, { file: 'test/native/coverageFuzz.ts' }),
          forMinutes(minutes, { file: 'test/native/differentialFuzz.ts' }),
          forMinutes(minutes / 2, { file: 'test/native/folderFuzz.ts' }),
        ],
      },
    },
  ]
}
