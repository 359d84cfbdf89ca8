// verify: what was checked, how many, and what was found. Damage is exit code 3.

import { exitCodes, SentientError } from '../../core/errors.ts'
import { findingData } from '../data.ts'
import { lostAmong } from '../lost.ts'
import { type Handler, relay } from '../spec.ts'
import { stateSeq } from '../states.ts'
import type { verifySpec } from './spec.ts'

export const run: Handler<typeof verifySpec> = async function* ({ system, args, signal }) {
  const { quick, deep, since } = args
  if (quick && deep)
    throw new SentientError('USAGE', {
      what: '--quick and --deep exclude each other',
      hint: 'See sentctl help verify.',
    })
  const from = since === undefined ? {} : { since: stateSeq(system, since) + 1 }
  const report = yield* relay(system.verify({ signal, quick, deep, ...from }))
  return {
    result: {
      damaged: report.damaged,
      drifted: report.drifted,
      checks: report.checks.map(({ name, checked, findings, text }) => ({ name, checked, findings, text })),
      findings: report.findings.map(findingData),
      lostPlaces: report.damaged ? [] : yield* lostAmong(system, report.findings, signal),
    },
    exitCode: report.damaged ? exitCodes.damage : 0,
  }
}
