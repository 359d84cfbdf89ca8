// Errors as the screen shows them. The code decides; wording is only shown.
import { isSentientError } from '../../core/errors.ts'
import type { Problem } from '../state/model.ts'
import { safeText } from '../widgets/text.ts'

export function problemOf(error: unknown): Problem {
  if (isSentientError(error)) return { code: error.code, text: safeText(error.message), hint: safeText(error.hint) }
  const text = error instanceof Error ? error.message : String(error)
  return { code: 'INTERNAL', text: safeText(text), hint: 'Report it with the output of sentctl doctor.' }
}
