// A course of events: what processes do side by side, what befalls them, and what must hold afterwards. A course is plain
// data, so that fast-check draws it from a seed and makes it smaller when it fails.

import fc from 'fast-check'

/** What a process does next; the numbers choose paths, contents and states from what there is then. */
export interface Action {
  readonly what: (typeof actions)[number]
  readonly path: number
  readonly other: number
}

const actions = [
  'edit',
  'edit',
  'edit',
  'remove outside',
  'put',
  'put',
  'put',
  'large put',
  'mkdir',
  'chmod',
  'remove',
  'move',
  'copy',
  'absorb',
  'absorb',
  'snapshot',
  'snapshot',
  'restore',
  'rollback',
  'rollback',
  'undo',
  'redo',
  'setting',
  'gc',
  'sign',
  'reopen',
  'status',
  'log',
  'verify',
  'cancelled put',
  'forget',
  'backup',
  'archive',
  'import',
  'watch',
  'watch',
  'clock jump',
] as const

/** What goes wrong in a round, at the n-th operation of the first process. */
export interface Disaster {
  readonly what: 'nothing' | 'nothing' | 'kill' | 'power cut' | 'error' | 'full disk' | 'failed flush' | 'derived lost'
  readonly at: number
  readonly bytes: number
}

export interface Round {
  readonly first: readonly Action[]
  readonly second: readonly Action[]
  /** How many turns each process may take at once, again and again. */
  readonly turns: readonly number[]
  readonly disaster: Disaster
  readonly clockHours: number
  /** What this device remembers of the folder; when that is lost, the first process says what the folder is. */
  readonly binding: 'kept' | 'lost: moved' | 'lost: a copy'
}

/** The power may go while the folder is made, or right after it. */
export interface Beginning {
  readonly power: 'stays' | 'goes after init' | 'goes in init'
  /** At which operation of `init`. */
  readonly at: number
  /** What the device remembers goes with it. */
  readonly bindingLost: boolean
}

export interface Course {
  readonly seed: number
  readonly names: 'ordered' | 'loose'
  readonly beginning: Beginning
  readonly rounds: readonly Round[]
}

const number = fc.nat({ max: 10_000 })

const anyAction: fc.Arbitrary<Action> = fc.record({ what: fc.constantFrom(...actions), path: number, other: number })

const anyRound: fc.Arbitrary<Round> = fc.record({
  first: fc.array(anyAction, { minLength: 1, maxLength: 6 }),
  second: fc.array(anyAction, { maxLength: 4 }),
  turns: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  disaster: fc.record({
    what: fc.constantFrom(
      'nothing' as const,
      'kill' as const,
      'kill' as const,
      'power cut' as const,
      'power cut' as const,
      'error' as const,
      'full disk' as const,
      'failed flush' as const,
      'derived lost' as const,
    ),
    at: fc.integer({ min: 1, max: 700 }),
    bytes: fc.nat({ max: 600 }),
  }),
  clockHours: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -48, max: 48 }) },
  ),
  binding: fc.oneof(
    { weight: 8, arbitrary: fc.constant('kept' as const) },
    { weight: 1, arbitrary: fc.constantFrom('lost: moved' as const, 'lost: a copy' as const) },
  ),
})

const anyBeginning: fc.Arbitrary<Beginning> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ power: 'stays', at: 1, bindingLost: false } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      power: fc.constantFrom('goes after init' as const, 'goes in init' as const),
      at: fc.integer({ min: 1, max: 500 }),
      bindingLost: fc.boolean(),
    }),
  },
)

export const anyCourse: fc.Arbitrary<Course> = fc.record({
  seed: fc.nat({ max: 2 ** 31 - 1 }),
  names: fc.constantFrom('ordered' as const, 'loose' as const),
  beginning: anyBeginning,
  rounds: fc.array(anyRound, { minLength: 1, maxLength: 5 }),
})
