// The time cursor: `t` opens a prompt in which the arrows step from snapshot to snapshot and `H` `L` from day to day; any
// other character starts a typed time. While one steps the title says where one is, and Files follow a moment later.
import type { SnapshotView, StatePoint } from '../../core/timeline/model.ts'
import type { PromptAction } from '../input/scopes.ts'
import { send } from '../panes/pane.ts'
import { dayNumber, momentText } from '../widgets/format.ts'
import { safeText } from '../widgets/text.ts'
import type { Model, Prompt, Step } from './model.ts'
import { stateTextOf } from './paths.ts'
import { andThen, stay, stepPane, withEffects } from './steps.ts'

export const timePromptId = 'global.time'
const followChannel = 'global.timeStep'
const followMs = 300

/** Opens the prompt; what was shown before comes back when it is left. */
export function openTimeCursor(model: Model): Step<Model> {
  const data = model.past === undefined ? '' : stateTextOf(model.past)
  const chosen = model.past?.snapshot === undefined ? undefined : model.past
  const text = chosen?.snapshot ?? ''
  const prompt: Prompt = { id: timePromptId, label: 'time', text, cursor: text.length, data, live: false }
  const at = chosen === undefined ? prompt : { ...prompt, chosen }
  return withEffects(model, send({ type: 'prompt', prompt: at }), {
    type: 'ask',
    channel: 'timeline.snapshots',
    query: { ask: 'snapshots' },
  })
}

/** The state that was stepped to in the prompt that is open. */
export function steppedTo(model: Model): StatePoint | undefined {
  const top = model.overlays.at(-1)
  return top?.kind === 'prompt' ? top.prompt.chosen : undefined
}

/** What the row says beside the name of a snapshot: `Fri 22:40 "daily", 3 of 64`. */
export function steppedText(model: Model): string {
  const chosen = steppedTo(model)
  if (chosen === undefined) return ''
  const { snapshots } = model.panes.timeline
  const at = snapshots.findIndex(({ name }) => name === chosen.text)
  const label = snapshots[at]?.label ?? ''
  const shown = label === '' ? '' : ` "${safeText(label)}"`
  return `${momentText(chosen.time, model.clock)}${shown}, ${at + 1} of ${snapshots.length}`
}

type Direction = 'older' | 'newer'

/** Which way a key of the prompt steps; undefined: it edits the text. */
export function stepOf(
  prompt: Prompt,
  action: PromptAction | undefined,
  typed: string | undefined,
): { readonly direction: Direction; readonly by: 'snapshot' | 'day' } | undefined {
  if (prompt.id !== timePromptId) return undefined
  if (action === 'previous') return { direction: 'older', by: 'snapshot' }
  if (action === 'next') return { direction: 'newer', by: 'snapshot' }
  // In a text that was typed these are what they are everywhere.
  if (prompt.text !== '' && prompt.chosen === undefined) return undefined
  if (action === 'left') return { direction: 'older', by: 'snapshot' }
  if (action === 'right') return { direction: 'newer', by: 'snapshot' }
  if (typed === 'H') return { direction: 'older', by: 'day' }
  return typed === 'L' ? { direction: 'newer', by: 'day' } : undefined
}

/** The prompt after a step, and the state that it stands for; past the newest snapshot is now, with an empty text. */
export function stepped(
  { panes, clock }: Pick<Model, 'panes' | 'clock'>,
  prompt: Prompt,
  { direction, by }: { readonly direction: Direction; readonly by: 'snapshot' | 'day' },
): Prompt {
  const { snapshots } = panes.timeline
  const named = snapshots.findIndex(({ name }) => name === prompt.text)
  const at = named < 0 ? snapshots.length : named
  const next = by === 'snapshot' ? at + (direction === 'older' ? -1 : 1) : dayStep(snapshots, at, direction, clock)
  const snapshot = snapshots[Math.max(0, next)]
  const { chosen: _, ...rest } = prompt
  if (snapshot === undefined) return { ...rest, text: '', cursor: 0 }
  const { name, root, seq, time } = snapshot
  return { ...rest, text: name, cursor: name.length, chosen: { root, seq, time, text: name, snapshot: name } }
}

/** The newest snapshot of an earlier day, the oldest of a later one. */
function dayStep(snapshots: readonly SnapshotView[], at: number, direction: Direction, clock: number): number {
  const day = dayNumber(snapshots[at]?.time ?? clock)
  if (direction === 'older') return snapshots.findLastIndex(({ time }, index) => index < at && dayNumber(time) < day)
  const later = snapshots.findIndex(({ time }, index) => index > at && dayNumber(time) > day)
  return later < 0 ? snapshots.length : later
}

/** Files follow the time cursor once it rests; other panes wait for Enter. */
export function follow(model: Model, chosen: StatePoint | undefined): Step<Model> {
  if (model.pane !== 'files') return stay(model)
  const forget = { type: 'forget', channel: followChannel } as const
  if (chosen === undefined)
    return andThen(withEffects(model, forget), next => (next.past === undefined ? stay(next) : leavePast(next)))
  const query = { ask: 'state', text: chosen.text } as const
  return withEffects(model, { type: 'ask', channel: followChannel, query, delayMs: followMs })
}

/** The cursor rested: Files list the state; the answer to a prompt that is gone means nothing. */
export function followed(model: Model, channel: string, past: StatePoint): Step<Model> {
  if (channel !== followChannel || steppedTo(model) === undefined) return stay(model)
  return stepPane({ ...model, past }, 'files', (pane, state, context) => pane.enter(state, context, undefined))
}

/** Back to now: Files list the disk again. */
export function leavePast(model: Model): Step<Model> {
  const next = { ...model, past: undefined }
  return stepPane(next, 'files', (pane, state, context) => pane.enter(state, context, undefined))
}

/** Esc in the prompt: what was shown before it, `text` as `openTimeCursor` kept it. */
export function timeCursorLeft(model: Model, text: string): Step<Model> {
  const forgotten = withEffects(model, { type: 'forget', channel: followChannel })
  if (text === '') return model.past === undefined ? forgotten : andThen(forgotten, leavePast)
  if (model.past !== undefined && stateTextOf(model.past) === text) return forgotten
  return withEffects(model, { type: 'ask', channel: timePromptId, query: { ask: 'state', text } })
}
