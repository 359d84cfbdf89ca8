// The model before anything happened.
import { type PaneStates, paneIds, paneOf } from '../panes/registry.ts'
import type { Model, Size, Stage } from './model.ts'

export function initialModel(options: { stage: Stage; size: Size; version: string; clock: number }): Model {
  const panes = Object.fromEntries(paneIds.map(id => [id, paneOf(id).initial()])) as unknown as PaneStates
  return {
    ...options,
    pane: 'files',
    backStack: [],
    focus: 'list',
    enlarged: false,
    panes,
    overlays: [],
    pendingKeys: '',
    toast: undefined,
    armed: undefined,
    work: [],
    status: {
      report: undefined,
      checking: false,
      problem: undefined,
      intervals: new Map(),
      lookedAt: undefined,
      looks: 0,
    },
    lastSeq: -1,
    past: undefined,
    remembered: undefined,
    searched: '',
    verbs: [],
    touched: false,
  }
}
