// explain: what an error code means.

import { type ErrorCode, errorTable, exitCodes, SentientError } from '../../core/errors.ts'
import type { Handler } from '../spec.ts'
import { didYouMean } from '../suggest.ts'
import type { explainSpec } from './spec.ts'

export const run: Handler<typeof explainSpec> = async function* ({ args }) {
  const all = Object.keys(errorTable) as ErrorCode[]
  const wanted = args.code?.toUpperCase().replaceAll('-', '_')
  const codes = wanted === undefined ? all : all.filter(code => code === wanted)
  if (codes.length === 0) {
    const hint = didYouMean(wanted!, all, 'sentctl explain ') ?? 'sentctl explain lists all codes.'
    throw new SentientError('USAGE', { what: 'No such error code', found: `"${args.code}"`, hint })
  }
  return {
    result: {
      codes: codes.map(code => {
        const { kind, title, explanation, hint } = errorTable[code]
        return { code, kind, exitCode: exitCodes[kind], title, explanation, hint }
      }),
    },
  }
}
