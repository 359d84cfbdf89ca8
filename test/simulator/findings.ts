// Courses that once broke a promise, each with what was wrong; simulator.test.ts plays them all.

import type { Course, Disaster } from './course.ts'

interface Finding {
  readonly wrong: string
  readonly course: Course
}

const act = (what: Course['rounds'][number]['first'][number]['what']) => ({ what, path: 0, other: 0 })
const nothing: Disaster = { what: 'nothing', at: 1, bytes: 0 }
const common = { turns: [1], clockHours: 0, binding: 'kept' } as const
const beginning = { power: 'stays', at: 1, bindingLost: false } as const

export const findings: readonly Finding[] = [
  {
    wrong: 'two processes that set a setting: the second wrote over what the first had put in force',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [{ ...common, first: [act('setting'), act('edit')], second: [act('setting')], disaster: nothing }],
    },
  },
  {
    wrong: 'recycle.lock was torn by a power cut and then taken for damage',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [
        {
          ...common,
          first: [act('snapshot'), act('edit'), act('chmod')],
          second: [],
          disaster: { what: 'power cut', at: 216, bytes: 1 },
        },
      ],
    },
  },
  {
    wrong: 'an index was torn by a power cut and then taken for damage',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [
        {
          ...common,
          first: [act('edit'), act('rollback'), act('edit')],
          second: [act('mkdir')],
          disaster: { what: 'power cut', at: 71, bytes: 0 },
        },
      ],
    },
  },
  {
    wrong: 'a disk that failed while the folder was looked for was taken for a folder without a history',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [{ ...common, first: [act('edit')], second: [], disaster: { what: 'error', at: 2, bytes: 0 } }],
    },
  },
  {
    wrong: 'a process that had not yet read what another one signed took the folder for a copy',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [
        { ...common, first: [act('mkdir'), act('edit')], second: [act('edit'), act('sign')], disaster: nothing },
      ],
    },
  },
  {
    wrong: 'recycle.trace was torn by a power cut and then taken for damage',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [
        {
          ...common,
          first: [act('reopen'), act('chmod')],
          second: [{ what: 'remove', path: 5225, other: 0 }, act('mkdir')],
          turns: [1, 1, 2],
          disaster: { what: 'power cut', at: 245, bytes: 0 },
        },
      ],
    },
  },
]
