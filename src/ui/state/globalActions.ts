// What works in every pane: moving in the list, changing pane and area, time, undo, help, leaving.
import { type MoveAction, send, toast } from '../panes/pane.ts'
import { type PaneId, paneFacts, paneOf } from '../panes/registry.ts'
import { contextOf, layoutFor } from './context.ts'
import { helpPanel } from './help.ts'
import { moved } from './list.ts'
import type { Armed, Effect, FocusArea, Model, Step } from './model.ts'
import { stay, stepPane, withEffects } from './steps.ts'
import { leavePast, openTimeCursor } from './timeCursor.ts'

export type GlobalAction =
  | 'time'
  | 'undo'
  | 'redo'
  | 'changes'
  | 'nextArea'
  | 'enlarge'
  | 'reduce'
  | 'palette'
  | 'help'
  | 'cancel'
  | 'close'
  | 'quit'
  | 'redraw'
  | 'suspend'
  | 'quitNow'

export function moveAction(model: Model, action: MoveAction): Step<Model> {
  const id = model.pane
  const pane = paneFacts(id)
  const state = model.panes[id]
  const context = contextOf(model, id)
  const { height } = context.list
  const length = pane.length(state)
  const to = (cursor: number): Step<Model> => movedTo(model, cursor)
  const { cursor } = state.list
  switch (action) {
    case 'up':
      return to(cursor - 1)
    case 'down':
      return to(cursor + 1)
    case 'pageUp':
      return to(cursor - height + 1)
    case 'pageDown':
      return to(cursor + height - 1)
    case 'halfUp':
      return to(cursor - Math.ceil(height / 2))
    case 'halfDown':
      return to(cursor + Math.ceil(height / 2))
    case 'top':
      return to(0)
    case 'bottom':
      return to(length - 1)
    case 'scrollUp':
      return scrolledBy(model, -Math.ceil(context.detail.height / 3))
    case 'scrollDown':
      return scrolledBy(model, Math.ceil(context.detail.height / 3))
    case 'search':
      return withEffects(model, searchPrompt(model))
    case 'searchNext':
      return searched(model, model.searched, 1)
    case 'searchPrevious':
      return searched(model, model.searched, -1)
  }
}

const searchPrompt = (model: Model): Effect =>
  send({
    type: 'prompt',
    prompt: { id: 'global.search', label: 'search', text: '', cursor: 0, data: model.searched, live: false },
  })

/** The cursor of the pane on another row. */
function movedTo(model: Model, row: number): Step<Model> {
  return stepPane(model, model.pane, (pane, state, context) => {
    const list = moved(state.list, row, pane.length(state), context.list.height)
    return pane.moved({ ...state, list }, context)
  })
}

function scrolledBy(model: Model, rows: number): Step<Model> {
  return stepPane(model, model.pane, (pane, state, context) => {
    const last = Math.max(0, pane.detailLength(state) - 1)
    const scroll = Math.max(0, Math.min(pane.detailScroll(state) + rows, last))
    return pane.scrolled(state, scroll, context)
  })
}

/** To the next row that holds the text, around the end once. A pane without row texts searches by itself. */
export function searched(model: Model, text: string, direction: 1 | -1): Step<Model> {
  if (text === '') return withEffects(model, toast('Nothing searched yet: / searches.'))
  const id = model.pane
  const pane = paneFacts(id)
  const state = model.panes[id]
  if (pane.rowText === undefined) {
    const asked = { type: 'prompted', id: `${id}.search`, text, data: String(direction) } as const
    return stepPane(model, id, (searching, own, context) => searching.receive(own, asked, context))
  }
  const wanted = text.toLowerCase()
  const length = pane.length(state)
  for (let step = 1; step <= length; step++) {
    const row = (((state.list.cursor + step * direction) % length) + length) % length
    if (pane.rowText(state, row).toLowerCase().includes(wanted)) return movedTo(model, row)
  }
  return withEffects(model, toast(`Not found: ${text}`))
}

export function globalAction(model: Model, action: GlobalAction | `pane.${PaneId}`): Step<Model> {
  if (action.startsWith('pane.'))
    return withEffects(model, send({ type: 'show', pane: action.slice('pane.'.length) as PaneId }))
  switch (action as GlobalAction) {
    case 'changes':
      return withEffects(model, send({ type: 'show', pane: 'changes' }))
    case 'time':
      return openTimeCursor(model)
    case 'undo':
    case 'redo':
      return undoAsked(model, action as 'undo' | 'redo')
    case 'nextArea':
      return withEffects(model, send({ type: 'focus', area: model.focus === 'list' ? 'detail' : 'list' }))
    case 'enlarge':
      return rearranged({ ...model, enlarged: true })
    case 'reduce':
      return rearranged({ ...model, enlarged: false })
    case 'palette':
      return [
        {
          ...model,
          toast: undefined,
          overlays: [...model.overlays, { kind: 'palette', text: '', list: { cursor: 0, top: 0 } }],
        },
        model.verbs.length === 0 ? [{ type: 'loadVerbs' }] : [],
      ]
    case 'help':
      return stay({
        ...model,
        toast: undefined,
        overlays: [...model.overlays, { kind: 'panel', panel: helpPanel(model) }],
      })
    case 'cancel':
      return model.work.length === 0
        ? withEffects(model, toast('Nothing is running.'))
        : withEffects(model, { type: 'cancel' })
    case 'close':
      return closed(model)
    case 'quit':
      return left(model)
    case 'quitNow':
      return withEffects(model, { type: 'quit', code: 0 })
    case 'redraw':
      return withEffects(model, { type: 'redraw' })
    case 'suspend':
      return withEffects(model, { type: 'suspend' })
  }
}

export const undoChannel = 'global.undo'

/** What there is to undo is found in the journal; the same key again, before or after the answer, runs it. */
function undoAsked(model: Model, direction: 'undo' | 'redo'): Step<Model> {
  const text = `looking for what to ${direction} ...`
  const armed: Armed = { scope: 'global', action: direction, text, effects: [], waits: 'once' }
  const query = { ask: 'undoable', direction } as const
  return withEffects({ ...model, armed, toast: undefined }, { type: 'ask', channel: undoChannel, query })
}

/** Sizes or areas changed: the pane on the screen settles in them. */
export function rearranged(model: Model): Step<Model> {
  return stepPane(model, model.pane, (pane, state, context) => {
    const list = moved(state.list, state.list.cursor, pane.length(state), context.list.height)
    const next = { ...state, list }
    return pane.arranged === undefined ? pane.moved(next, context) : pane.arranged(next, context)
  })
}

export const focused = (model: Model, focus: FocusArea): Step<Model> =>
  focus === model.focus ? stay(model) : rearranged({ ...model, focus })

/** Esc: the topmost of marks, filter, one area alone, PAST, a pane that another one opened. Work goes on. */
function closed(model: Model): Step<Model> {
  const id = model.pane
  const inPane = paneOf(id).escape?.(model.panes[id] as never, contextOf(model, id))
  if (inPane !== undefined) return [{ ...model, panes: { ...model.panes, [id]: inPane[0] } }, inPane[1]]
  if (model.enlarged) return rearranged({ ...model, enlarged: false })
  if (model.past !== undefined) return leavePast(model)
  return model.backStack.length > 0 ? withEffects(model, send({ type: 'back' })) : stay(model)
}

/** q: back to the list, to the pane before, out. */
function left(model: Model): Step<Model> {
  // A detail that is on the screen only while it has the focus was opened from the list: that is where back leads.
  const opened = model.focus === 'detail' && layoutFor({ ...model, focus: 'list' }, model.pane).detail === undefined
  if (opened) return focused(model, 'list')
  if (model.backStack.length > 0) return withEffects(model, send({ type: 'back' }))
  const running = model.work.find(({ channel }) => channel === 'operation')
  if (running === undefined) return withEffects(model, { type: 'quit', code: 0 })
  const text = `${running.text} is running: q again cancels it and quits`
  const armed = { scope: 'global', action: 'quit', text, effects: [{ type: 'quit', code: 0 }] } as const
  return withEffects(model, send({ type: 'arm', armed }))
}
