// config apply: puts an edited sentient.yaml in force.

import { operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import type { configApplySpec } from './spec.ts'

export const run: Handler<typeof configApplySpec> = async function* ({ system, signal }) {
  const { state } = await system.settingsCandidate()
  const result = operationData(system, yield* relay(system.applySettings({ signal })))
  if (state === 'missing') yield { notice: 'sentient.yaml is written again, as the settings in force are.' }
  return { result }
}
