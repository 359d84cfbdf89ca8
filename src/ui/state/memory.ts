// Where somebody is on the screen, as it is kept in `.intent/sessions`, and the way back there at the next start.
import type { ScreenMemory } from '../../core/format/session.ts'
import { type PaneId, paneFacts, paneIds, paneOf } from '../panes/registry.ts'
import type { PaneMemory } from './facts.ts'
import { focused } from './globalActions.ts'
import type { Model, Step, Target } from './model.ts'
import type { Operation } from './operation.ts'
import { stateTextOf } from './paths.ts'
import { andThen, stay, stepPane, withEffects } from './steps.ts'
import { timePromptId } from './timeCursor.ts'

/** What the last session left for this one. */
export interface Recollection {
  readonly screen: ScreenMemory
  /** Undefined when it was left by a key. */
  readonly killed: Killed | undefined
}

/** What is true of a session that was killed. */
export interface Killed {
  readonly text: string
  /** What ran and was not recorded. */
  readonly again?: Operation
}

export function memoryOf(model: Model): ScreenMemory {
  const panes: Record<string, PaneMemory> = {}
  for (const id of paneIds) {
    const facts = paneOf(id).remember?.(model.panes[id] as never)
    if (facts !== undefined) panes[id] = facts
  }
  return {
    pane: model.pane,
    focus: model.focus,
    path: paneFacts(model.pane).subject?.(model.panes[model.pane]) ?? '',
    past: model.past === undefined ? '' : stateTextOf(model.past),
    searched: model.searched,
    panes,
    prompt: promptOf(model),
  }
}

/** A text that somebody was about to enter. Filters follow every key and are kept with their panes. */
function promptOf({ overlays }: Model): ScreenMemory['prompt'] {
  const top = overlays.at(-1)
  if (top?.kind !== 'prompt' || top.prompt.live || top.prompt.id === timePromptId) return null
  const { id, label, text, data } = top.prompt
  return text === '' ? null : { id, label, text, data }
}

type Show = (model: Model, pane: PaneId, target?: Target) => Step<Model>

/** All panes as they were, the one that was shown on the screen, and what was half-typed in its prompt. */
export function recalled(model: Model, { screen, killed }: Recollection, show: Show): Step<Model> {
  // Who was killed goes on where he was; else what changed outside comes first, as at every start.
  const start: Model = { ...model, searched: screen.searched, touched: model.touched || killed !== undefined }
  let step: Step<Model> = stay(start)
  for (const id of paneIds) {
    const facts = screen.panes[id]
    if (facts === undefined) continue
    step = andThen(step, now =>
      stepPane(now, id, (pane, state, context) => pane.recall?.(state, facts, context) ?? [state, []]),
    )
  }
  step = andThen(step, now => show(now, 'files'))
  const pane = paneIds.find(id => id === screen.pane)
  if (pane !== undefined && pane !== 'files') step = andThen(step, now => show(now, pane))
  if (screen.focus === 'detail') step = andThen(step, now => focused(now, 'detail'))
  // What shows a past state is the Files pane.
  if (screen.past !== '' && pane === 'files')
    step = andThen(step, now =>
      withEffects(now, { type: 'ask', channel: 'global.time', query: { ask: 'state', text: screen.past } }),
    )
  return andThen(step, now => stay(withPrompt(now, screen)))
}

function withPrompt(model: Model, { prompt }: ScreenMemory): Model {
  if (prompt === null) return model
  const again = { ...prompt, cursor: prompt.text.length, live: false }
  return { ...model, overlays: [...model.overlays, { kind: 'prompt', prompt: again }] }
}
