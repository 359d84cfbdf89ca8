// Prompt, palette and panels: what lies above the pane, with keys of its own. The topmost takes every key.
import { keysText, press } from '../input/keymap.ts'
import { type PanelAction, type PromptAction, panelMap, previewMap, promptMap } from '../input/scopes.ts'
import { askWhatItIs, operate, send, toast } from '../panes/pane.ts'
import { contextOf } from './context.ts'
import { clamp, settled } from './list.ts'
import type { Model, Overlay, Panel, Prompt, Step } from './model.ts'
import { paletteItems } from './palette.ts'
import { bodyRows, panelHeight, panelRows } from './panel.ts'
import { stay, withEffects } from './steps.ts'
import { follow, stepOf, stepped } from './timeCursor.ts'

type PromptOverlay = Extract<Overlay, { kind: 'prompt' }>
type PaletteOverlay = Extract<Overlay, { kind: 'palette' }>

const withTop = (model: Model, overlay: Overlay): Model => ({
  ...model,
  overlays: [...model.overlays.slice(0, -1), overlay],
})
const withoutTop = (model: Model): Model => ({ ...model, overlays: model.overlays.slice(0, -1) })

export const paletteRows = (model: Model): number => Math.max(1, Math.min(bodyRows(model) - 1, 14))

/** A key for the topmost overlay. `dispatch` runs an action that the palette chose. */
export function overlayKey(
  model: Model,
  key: string,
  dispatch: (model: Model, scope: string, action: string) => Step<Model>,
): Step<Model> {
  const top = model.overlays.at(-1)
  if (top === undefined) return stay(model)
  if (top.kind === 'panel') return panelKey(model, top.panel, key)
  const pressed = press(promptMap, '', key)
  const action = pressed.type === 'action' ? (pressed.action as PromptAction) : undefined
  const typed = action === undefined && isText(key) ? (key === 'space' ? ' ' : key) : undefined
  if (top.kind === 'prompt') return promptKey(model, top, action, typed)
  return paletteKey(model, top, action, typed, dispatch)
}

const isText = (key: string): boolean => key === 'space' || [...key].length === 1

/** Pasted text goes into a prompt as one line; elsewhere it is dropped, as it would be taken for keys. */
export function pasted(model: Model, text: string): Step<Model> {
  const top = model.overlays.at(-1)
  const line = text.replace(/[\r\n\t]+/g, ' ').replace(/\p{Cc}/gu, '')
  if (top?.kind === 'prompt') return promptKey(model, top, undefined, line)
  if (top?.kind === 'palette')
    return stay(withTop(model, { ...top, text: top.text + line, list: { cursor: 0, top: 0 } }))
  return stay(model)
}

function promptKey(
  model: Model,
  top: PromptOverlay,
  action: PromptAction | undefined,
  typed: string | undefined,
): Step<Model> {
  const { prompt } = top
  const { id, text, data } = prompt
  if (action === 'submit') return withEffects(withoutTop(model), send({ type: 'prompted', id, text, data }))
  if (action === 'leave') return withEffects(withoutTop(model), send({ type: 'promptLeft', id, data }))
  const step = stepOf(prompt, action, typed)
  if (step !== undefined) {
    const next = stepped(model, prompt, step)
    return follow(withTop(model, { kind: 'prompt', prompt: next }), next.chosen)
  }
  const edited = typed === undefined ? edit(prompt, action) : inserted(prompt, typed)
  const next = withTop(model, { kind: 'prompt', prompt: edited })
  if (!prompt.live || edited.text === text) return stay(next)
  return withEffects(next, send({ type: 'promptChanged', id, text: edited.text, data }))
}

/** What is typed takes the place of a snapshot that was stepped to. */
function inserted({ chosen, ...prompt }: Prompt, typed: string): Prompt {
  if (chosen !== undefined) return { ...prompt, text: typed, cursor: typed.length }
  const text = prompt.text.slice(0, prompt.cursor) + typed + prompt.text.slice(prompt.cursor)
  return { ...prompt, text, cursor: prompt.cursor + typed.length }
}

function edit({ chosen, ...prompt }: Prompt, action: PromptAction | undefined): Prompt {
  const { text, cursor } = prompt
  if (action === undefined && chosen !== undefined) return { ...prompt, chosen }
  const characters = (part: string): string[] => [...part]
  const last = characters(text.slice(0, cursor)).at(-1) ?? ''
  const first = characters(text.slice(cursor))[0] ?? ''
  switch (action) {
    case 'backspace':
      return { ...prompt, text: text.slice(0, cursor - last.length) + text.slice(cursor), cursor: cursor - last.length }
    case 'delete':
      return { ...prompt, text: text.slice(0, cursor) + text.slice(cursor + first.length) }
    case 'left':
      return { ...prompt, cursor: cursor - last.length }
    case 'right':
      return { ...prompt, cursor: cursor + first.length }
    case 'start':
      return { ...prompt, cursor: 0 }
    case 'end':
      return { ...prompt, cursor: text.length }
    case 'clear':
      return { ...prompt, text: '', cursor: 0 }
    case 'word': {
      const kept = text.slice(0, cursor).replace(/\S*\s*$/, '')
      return { ...prompt, text: kept + text.slice(cursor), cursor: kept.length }
    }
    default:
      return prompt
  }
}

function paletteKey(
  model: Model,
  top: PaletteOverlay,
  action: PromptAction | undefined,
  typed: string | undefined,
  dispatch: (model: Model, scope: string, action: string) => Step<Model>,
): Step<Model> {
  const items = paletteItems(model, top.text)
  const move = (by: number): Step<Model> => {
    const cursor = clamp(top.list.cursor + by, 0, items.length - 1)
    return stay(withTop(model, { ...top, list: settled({ ...top.list, cursor }, items.length, paletteRows(model)) }))
  }
  const retyped = (text: string): Step<Model> => stay(withTop(model, { ...top, text, list: { cursor: 0, top: 0 } }))
  if (typed !== undefined) return retyped(top.text + typed)
  switch (action) {
    case 'leave':
      return stay(withoutTop(model))
    case 'previous':
      return move(-1)
    case 'next':
      return move(1)
    case 'backspace':
      return top.text === '' ? stay(withoutTop(model)) : retyped([...top.text].slice(0, -1).join(''))
    case 'clear':
      return retyped('')
    case 'word':
      return retyped(top.text.replace(/\S*\s*$/, ''))
    case 'submit':
      break
    default:
      return stay(model)
  }
  const item = items[top.list.cursor]
  if (item === undefined) return withEffects(withoutTop(model), toast(`No such command: ${top.text}`, 'bad'))
  if (item.kind === 'action') return dispatch(withoutTop(model), item.scope, item.action)
  if (item.kind === 'verb' && item.verb.needsWords) return retyped(`${item.verb.name} `)
  const words = item.kind === 'line' ? item.words : item.verb.name
  if (words === 'adopt') return withEffects(withoutTop(model), askWhatItIs)
  const settling = /^adopt\s+--(moved|copy)$/.exec(words)?.[1] as 'moved' | 'copy' | undefined
  if (settling !== undefined) return withEffects(withoutTop(model), { type: 'settle', as: settling })
  return withEffects(withoutTop(model), { type: 'runVerb', words })
}

function panelKey(model: Model, panel: Panel, key: string): Step<Model> {
  const map = panel.id === 'preview' ? previewMap : panelMap
  const pressed = press(map, model.pendingKeys, key)
  if (pressed.type === 'pending') return stay({ ...model, pendingKeys: pressed.keys })
  const next = { ...model, pendingKeys: '' }
  if (pressed.type === 'unknown') return stay(next)
  const page = Math.max(1, panelHeight(model) - 1)
  const last = Math.max(0, panelRows(panel, model.size.columns).length - panelHeight(model))
  const scrolled = (scroll: number): Step<Model> =>
    stay(withTop(next, { kind: 'panel', panel: { ...panel, scroll: clamp(scroll, 0, last) } }))
  switch (pressed.action as PanelAction | 'run') {
    case 'down':
      return scrolled(panel.scroll + 1)
    case 'up':
      return scrolled(panel.scroll - 1)
    case 'pageDown':
      return scrolled(panel.scroll + page)
    case 'pageUp':
      return scrolled(panel.scroll - page)
    case 'top':
      return scrolled(0)
    case 'bottom':
      return scrolled(last)
    case 'close':
      return stay(withoutTop(next))
    case 'run':
      if (panel.runs === undefined) return stay(next)
      return withEffects(withoutTop(next), operate(panel.runs, { ...contextOf(next, next.pane), past: undefined }))
  }
}

/** The keys of the topmost overlay for the hint row. */
export function overlayHints(model: Model): readonly { readonly keys: string; readonly text: string }[] {
  const top = model.overlays.at(-1)
  if (top?.kind !== 'panel') return []
  const map = top.panel.id === 'preview' ? previewMap : panelMap
  const hints = map.live.filter(({ hint }) => hint !== undefined)
  return [
    ...hints.map(({ keys: [first = ''], hint = '' }) => ({ keys: keysText(first), text: hint })),
    { keys: 'j k', text: 'scroll' },
  ]
}
