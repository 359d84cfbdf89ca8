// The result of one operation: what was recorded, and what did not go as plainly as asked.

import type { OperationData } from '../../commands/data.ts'
import { pathLines } from './paths.ts'
import type { TextContext } from './renderers.ts'

export function render(operation: OperationData, context: TextContext): string {
  const {
    seq,
    action,
    summary,
    changed,
    changedCount,
    snapshot,
    protectedAs,
    unapplied,
    drifted,
    lost = [],
    notices,
  } = operation
  const { style } = context
  const lines: string[] = []
  if (seq === undefined) lines.push('Nothing to do: no record was made.')
  else lines.push(`${style.bold(`#${seq}`)}  ${summary ?? action}`)
  if (changedCount > 1) lines.push(...pathLines(changed, changedCount, context))
  if (protectedAs !== undefined) {
    const undo = snapshot === protectedAs ? '' : `; sentctl restore PATH --to ${protectedAs} brings it back`
    lines.push(`How it was before is kept as snapshot ${style.bold(protectedAs)}${undo}.`)
  }
  if (drifted.length > 0) {
    lines.push(
      style.yellow(`Left alone, changed outside meanwhile (${drifted.length}):`),
      ...pathLines(drifted, drifted.length, context),
    )
  }
  if (lost.length > 0) {
    lines.push(style.red(`Left out, no copy of it is left (${lost.length}):`), ...pathLines(lost, lost.length, context))
  }
  if (unapplied.length > 0) {
    lines.push(
      style.red(`Recorded, but not visible yet (${unapplied.length}):`),
      ...pathLines(unapplied, unapplied.length, context),
    )
  }
  for (const { code, text } of notices) if (code !== 'protected' || protectedAs === undefined) lines.push(text)
  return `${lines.join('\n')}\n`
}
