// Steps put together: transitions of the whole model from transitions of one pane.

import type { Pane } from '../panes/pane.ts'
import { type PaneId, type PaneStates, paneOf } from '../panes/registry.ts'
import { contextOf } from './context.ts'
import type { Context, Effect, Model, Step } from './model.ts'

/** One step after another; the effects of both. */
export function andThen(step: Step<Model>, next: (model: Model) => Step<Model>): Step<Model> {
  const [model, effects] = next(step[0])
  return [model, [...step[1], ...effects]]
}

export const stay = (model: Model): Step<Model> => [model, []]
export const withEffects = (model: Model, ...effects: readonly Effect[]): Step<Model> => [model, effects]

/** A step of one pane as a step of the model. */
export function stepPane<Id extends PaneId>(
  model: Model,
  id: Id,
  step: (pane: Pane<PaneStates[Id]>, state: PaneStates[Id], context: Context) => Step<PaneStates[Id]>,
): Step<Model> {
  const before: PaneStates[Id] = model.panes[id]
  const [state, effects] = step(paneOf(id), before, contextOf(model, id))
  if (state === before) return [model, effects]
  return [{ ...model, panes: { ...model.panes, [id]: state } }, effects]
}
