// The key maps of the screen as data: what is bound everywhere, what moves in lists, and the maps of prompt, palette
// and panels, which replace the pane's while they are open.

import type { MoveAction } from '../panes/pane.ts'
import { type PaneId, paneFacts, paneIds } from '../panes/registry.ts'
import type { GlobalAction } from '../state/globalActions.ts'
import type { FocusArea } from '../state/model.ts'
import { type Binding, createKeyMap, type KeyMap, type Scope } from './keymap.ts'

const moveKeys: readonly Binding<MoveAction>[] = [
  { keys: ['j', 'down'], action: 'down', help: 'down' },
  { keys: ['k', 'up'], action: 'up', help: 'up' },
  { keys: ['.', 'pagedown'], action: 'pageDown', help: 'a page down' },
  { keys: [',', 'pageup'], action: 'pageUp', help: 'a page up' },
  { keys: ['ctrl-d'], action: 'halfDown', help: 'half a page down' },
  { keys: ['ctrl-u'], action: 'halfUp', help: 'half a page up' },
  { keys: ['g g', 'home'], action: 'top', help: 'to the first row' },
  { keys: ['G', 'end'], action: 'bottom', help: 'to the last row' },
  { keys: ['J'], action: 'scrollDown', help: 'scroll the detail down' },
  { keys: ['K'], action: 'scrollUp', help: 'scroll the detail up' },
  { keys: ['/'], action: 'search', help: 'search' },
  { keys: ['n'], action: 'searchNext', help: 'next match' },
  { keys: ['N'], action: 'searchPrevious', help: 'match before' },
]

const tabKeys: readonly Binding<`pane.${PaneId}`>[] = paneIds.flatMap(id => {
  const { number, title } = paneFacts(id)
  return number === undefined ? [] : [{ keys: [number], action: `pane.${id}` as const, help: title }]
})

const globalKeys: readonly Binding<GlobalAction>[] = [
  { keys: ['t'], action: 'time', hint: 'time', help: 'go to a time or a snapshot (PAST)' },
  { keys: ['u'], action: 'undo', hint: 'undo', help: 'undo: first shows what, again runs it' },
  { keys: ['U'], action: 'redo', help: 'redo: first shows what, again runs it' },
  { keys: ['c'], action: 'changes', help: 'changes: what differs from the record' },
  { keys: ['tab', 'shift-tab'], action: 'nextArea', help: 'next area: list, detail' },
  { keys: ['+'], action: 'enlarge', help: 'this area alone' },
  { keys: ['_'], action: 'reduce', help: 'all areas' },
  { keys: [':'], action: 'palette', help: 'command palette' },
  { keys: ['?', 'f1'], action: 'help', help: 'all keys' },
  { keys: ['X'], action: 'cancel', help: 'cancel what is running' },
  { keys: ['escape'], action: 'close', help: 'close: marks, filter, PAST' },
  { keys: ['q'], action: 'quit', help: 'back, at the root quit' },
  { keys: ['ctrl-l'], action: 'redraw', help: 'draw the screen again' },
  { keys: ['ctrl-z'], action: 'suspend', help: 'suspend to the shell' },
  { keys: ['ctrl-c'], action: 'quitNow', help: 'quit' },
]

export type PanelAction = 'down' | 'up' | 'pageDown' | 'pageUp' | 'top' | 'bottom' | 'close'

const panelKeys: readonly Binding<PanelAction>[] = [
  { keys: ['j', 'down'], action: 'down', help: 'down' },
  { keys: ['k', 'up'], action: 'up', help: 'up' },
  { keys: ['.', 'pagedown', 'space', 'ctrl-d'], action: 'pageDown', help: 'a page down' },
  { keys: [',', 'pageup', 'ctrl-u'], action: 'pageUp', help: 'a page up' },
  { keys: ['g g', 'home'], action: 'top', help: 'to the beginning' },
  { keys: ['G', 'end'], action: 'bottom', help: 'to the end' },
  { keys: ['escape', 'q', 'enter'], action: 'close', hint: 'close', help: 'close' },
]

/** `Y` alone runs what a preview says: never Enter, never the key that opened it. */
const previewKeys: readonly Binding<PanelAction | 'run'>[] = [
  { keys: ['Y'], action: 'run', hint: 'run it', help: 'run it' },
  ...panelKeys.map(binding => (binding.action === 'close' ? { ...binding, keys: ['escape', 'q'] } : binding)),
]

export type PromptAction =
  | 'submit'
  | 'leave'
  | 'backspace'
  | 'delete'
  | 'left'
  | 'right'
  | 'start'
  | 'end'
  | 'clear'
  | 'word'
  | 'previous'
  | 'next'

const promptKeys: readonly Binding<PromptAction>[] = [
  { keys: ['enter'], action: 'submit', hint: 'done', help: 'done' },
  { keys: ['escape', 'ctrl-c'], action: 'leave', hint: 'leave', help: 'leave it as it was' },
  { keys: ['backspace'], action: 'backspace', help: 'delete the character before' },
  { keys: ['delete'], action: 'delete', help: 'delete the character here' },
  { keys: ['left'], action: 'left', help: 'left' },
  { keys: ['right'], action: 'right', help: 'right' },
  { keys: ['home', 'ctrl-a'], action: 'start', help: 'to the start' },
  { keys: ['end', 'ctrl-e'], action: 'end', help: 'to the end' },
  { keys: ['ctrl-u'], action: 'clear', help: 'delete all' },
  { keys: ['ctrl-w'], action: 'word', help: 'delete the word before' },
  { keys: ['up'], action: 'previous', help: 'row above; in the time prompt the snapshot before' },
  { keys: ['down', 'tab'], action: 'next', help: 'row below; in the time prompt the next snapshot' },
]

export type StartAction = 'cancel' | 'start' | 'choose' | 'demo' | 'up' | 'down' | 'toggle' | 'back' | 'quit' | 'retry'

const startKeys: readonly Binding<StartAction>[] = [
  { keys: ['1'], action: 'start', hint: 'start', help: 'start the history here' },
  { keys: ['2'], action: 'choose', hint: 'choose what to skip', help: 'choose what to skip' },
  { keys: ['3'], action: 'demo', hint: 'demo', help: 'open a demo folder instead' },
  { keys: ['j', 'down'], action: 'down', help: 'down' },
  { keys: ['k', 'up'], action: 'up', help: 'up' },
  { keys: ['space'], action: 'toggle', help: 'skip it or not' },
  { keys: ['escape'], action: 'back', help: 'back' },
  { keys: ['X'], action: 'cancel', help: 'cancel what is running' },
  { keys: ['q', 'ctrl-c'], action: 'quit', hint: 'quit', help: 'quit' },
]

const failedKeys: readonly Binding<StartAction>[] = [
  { keys: ['r'], action: 'retry', hint: 'try again', help: 'try again' },
  { keys: ['q', 'escape', 'ctrl-c'], action: 'quit', hint: 'quit', help: 'quit' },
]

export const promptMap = createKeyMap([{ name: 'prompt', title: 'Prompt', bindings: promptKeys }])
export const panelMap = createKeyMap([{ name: 'panel', title: 'Panel', bindings: panelKeys }])
export const previewMap = createKeyMap([{ name: 'panel', title: 'Preview', bindings: previewKeys }])
export const startMap = createKeyMap([{ name: 'start', title: 'First start', bindings: startKeys }])
export const failedMap = createKeyMap([{ name: 'start', title: 'Not opened', bindings: failedKeys }])

const paneMaps = new Map<string, KeyMap>()

/** The map while a pane is shown and one of its areas has the focus. */
export function paneMap(id: PaneId, focus: FocusArea): KeyMap {
  const key = `${id} ${focus}`
  const known = paneMaps.get(key)
  if (known !== undefined) return known
  const { title, keys, detailKeys, unbound = [] } = paneFacts(id)
  const scopes: Scope[] = [
    ...(focus === 'detail' ? [{ name: id, title: `${title}, detail`, bindings: detailKeys }] : []),
    { name: id, title, bindings: keys, unbound },
    { name: 'move', title: 'Move', bindings: moveKeys },
    { name: 'global', title: 'Everywhere', bindings: [...tabKeys, ...globalKeys] },
  ]
  const map = createKeyMap(scopes)
  paneMaps.set(key, map)
  return map
}

/** Builds every map once, so that keys that clash stop the start and not a key press. */
export function checkKeyMaps(): void {
  for (const id of paneIds) for (const focus of ['list', 'detail'] as const) paneMap(id, focus)
}
