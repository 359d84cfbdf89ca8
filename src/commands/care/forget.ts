// forget: takes what a path ever held out of the history. Nothing brings it back, so it asks first.

import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import type { ForgetReport } from '../../core/timeline/model.ts'
import { type CommandContext, type Handler, relay } from '../spec.ts'
import { counted, spokenSize } from '../words.ts'
import type { forgetSpec } from './spec.ts'

export const run: Handler<typeof forgetSpec> = async function* (context) {
  const { system, args, signal, cwd } = context
  const { dryRun, yes } = args
  const paths = args.path.map(text => system.governedPath(text, cwd))
  if (dryRun || !yes) {
    const preview = yield* relay(system.forget(paths, { signal, dryRun: true }))
    const isNothing = preview.records + preview.objects === 0
    if (dryRun || isNothing) return { result: { dryRun, ...reportData(preview) } }
    await confirm(context, preview)
  }
  const report = yield* relay(system.forget(paths, { signal }))
  return { result: { dryRun, ...reportData(report) } }
}

function reportData({ shared, seq, ...report }: ForgetReport) {
  const named = shared.map(one => ({ path: displayBytes(one.path), with: displayBytes(one.with), bytes: one.bytes }))
  return { ...report, shared: named, ...(seq === undefined ? {} : { seq }) }
}

const sharedShownMax = 10

async function confirm({ caller }: CommandContext<typeof forgetSpec>, preview: ForgetReport): Promise<void> {
  if (caller.ask === undefined) {
    throw new SentientError('USAGE', {
      what: 'What is forgotten does not come back, and nobody can be asked here',
      expected: '--yes',
      hint: 'See first what would go: sentctl forget --dry-run.',
    })
  }
  const { records, objects, bytes, shared, putAside } = preview
  const lines = [
    `For good: ${counted(objects, 'object')} of ${spokenSize(bytes)}, and the bodies of ${counted(records, 'record')}.`,
    ...shared
      .slice(0, sharedShownMax)
      .map(one => `Stays: what ${displayBytes(one.path)} shares with ${displayBytes(one.with)}`),
  ]
  if (shared.length > sharedShownMax) lines.push(`Stays: ${shared.length - sharedShownMax} more`)
  if (putAside.files > 0) lines.push(`Goes too: ${counted(putAside.files, 'file')} that were cut off or put aside.`)
  lines.push('Forget this? [y/N] ')
  const answer = (await caller.ask(lines.join('\n')))?.trim().toLowerCase()
  if (answer !== 'y' && answer !== 'yes') throw new SentientError('CANCELLED', { what: 'Nothing was forgotten' })
}
