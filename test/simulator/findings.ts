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
  {
    wrong: 'who had a folder open while another process made it a log of its own could not read it any more',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [
        { ...common, first: [act('edit')], second: [act('watch')], disaster: nothing, binding: 'lost: a copy' },
        { ...common, first: [act('edit')], second: [], disaster: nothing },
      ],
    },
  },
  {
    wrong: 'and was told that the format file is damaged',
    course: {
      seed: 0,
      names: 'ordered',
      beginning: { ...beginning, power: 'goes after init' },
      rounds: [
        { ...common, first: [act('edit')], second: [act('verify')], disaster: nothing, binding: 'lost: a copy' },
        { ...common, first: [act('edit')], second: [], disaster: nothing, binding: 'lost: moved' },
      ],
    },
  },
  {
    wrong: 'an archive made after a gc was refused by import',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [
        { ...common, first: [act('edit')], second: [act('gc'), act('archive')], disaster: nothing },
        { ...common, first: [act('import'), act('edit')], second: [], disaster: nothing },
      ],
    },
  },
  {
    wrong: 'two processes that wrote an archive to the same file took away what the other had begun',
    course: {
      seed: 0,
      names: 'ordered',
      beginning,
      rounds: [{ ...common, first: [act('archive')], second: [act('archive')], disaster: nothing }],
    },
  },
  {
    wrong:
      'a backup took over the index of a pack that had grown since the pack was copied, which verify called damage',
    course: {
      seed: 24_873_223,
      names: 'ordered',
      beginning,
      rounds: [
        {
          ...common,
          first: [
            { what: 'remove outside', path: 3483, other: 8335 },
            { what: 'put', path: 576, other: 6556 },
            { what: 'remove', path: 1625, other: 3715 },
          ],
          second: [
            { what: 'backup', path: 4690, other: 2228 },
            { what: 'move', path: 375, other: 3796 },
            { what: 'cancelled put', path: 4783, other: 270 },
          ],
          turns: [2, 2, 1, 4],
          disaster: { what: 'power cut', at: 409, bytes: 600 },
          clockHours: -20,
        },
      ],
    },
  },
]
