// The choice where no root folder is yet: start a history here, choose what to skip, or look at a demo first.
import { press } from '../input/keymap.ts'
import { failedMap, type StartAction, startMap } from '../input/scopes.ts'
import { toast } from '../panes/pane.ts'
import { initialList, moved } from './list.ts'
import type { FirstStart, Message, Model, Stage, Step } from './model.ts'
import { stay, withEffects } from './steps.ts'

type FirstStage = Extract<Stage, { kind: 'first-start' }>

export const initialFirstStart: FirstStart = { choosing: false, patterns: [], list: initialList, adopting: false }

const withStart = (model: Model, stage: FirstStage, start: Partial<FirstStart>): Model => ({
  ...model,
  stage: { ...stage, start: { ...stage.start, ...start } },
})

/** The patterns that are skipped; undefined while they are what is suggested. */
const chosenPatterns = (start: FirstStart): readonly string[] | undefined =>
  start.patterns.every(({ skipped }) => skipped)
    ? undefined
    : start.patterns.filter(({ skipped }) => skipped).map(({ pattern }) => pattern)

export function firstStartKey(model: Model, stage: FirstStage, key: string): Step<Model> {
  const pressed = press(startMap, '', key)
  if (pressed.type !== 'action') return stay(model)
  const { start } = stage
  switch (pressed.action as StartAction) {
    case 'start':
      if (start.adopting) return stay(model)
      if ((start.survey?.collisions.length ?? 0) > 0)
        return withEffects(model, toast('Rename what is in the way first.', 'bad'))
      return withEffects(withStart(model, stage, { adopting: true, choosing: false }), {
        type: 'adopt',
        path: stage.path,
        ignore: chosenPatterns(start),
      })
    case 'choose':
      return stay(start.adopting ? model : withStart(model, stage, { choosing: !start.choosing }))
    case 'demo':
      return start.adopting ? stay(model) : withEffects(withStart(model, stage, { adopting: true }), { type: 'demo' })
    case 'up':
    case 'down': {
      const to = start.list.cursor + (pressed.action === 'up' ? -1 : 1)
      const list = moved(start.list, to, start.patterns.length, Math.max(1, model.size.rows - 8))
      return stay(withStart(model, stage, { list }))
    }
    case 'toggle': {
      if (!start.choosing) return stay(model)
      const patterns = start.patterns.map((one, row) =>
        row === start.list.cursor ? { ...one, skipped: !one.skipped } : one,
      )
      return stay(withStart(model, stage, { patterns }))
    }
    case 'cancel':
      return start.adopting ? withEffects(model, { type: 'cancel' }) : stay(model)
    case 'back':
      return stay(withStart(model, stage, { choosing: false }))
    case 'quit':
      return withEffects(model, { type: 'quit', code: 0 })
    case 'retry':
      return stay(model)
  }
}

export function firstStartMessage(model: Model, stage: FirstStage, message: Message): Step<Model> {
  switch (message.type) {
    case 'surveyed': {
      const { start } = stage
      const patterns =
        start.patterns.length > 0 ? start.patterns : message.survey.skips.map(skip => ({ ...skip, skipped: true }))
      return stay(withStart(model, stage, { survey: message.survey, patterns }))
    }
    case 'surveyFailed':
    case 'adoptFailed':
      return stay(withStart(model, stage, { problem: message.problem, adopting: false }))
    default:
      return stay(model)
  }
}

/** Keys where the root folder could not be opened. */
export function failedKey(model: Model, stage: Extract<Stage, { kind: 'failed' }>, key: string): Step<Model> {
  const pressed = press(failedMap, '', key)
  if (pressed.type !== 'action') return stay(model)
  if (pressed.action === 'quit') return withEffects(model, { type: 'quit', code: 1 })
  return withEffects({ ...model, stage: { kind: 'opening', path: stage.path } }, { type: 'open', path: stage.path })
}
