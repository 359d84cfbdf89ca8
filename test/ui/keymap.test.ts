// Keys to actions: clashes are errors at load, every key of every pane leads somewhere, and what may not be bound is not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyMap, type KeyMap, press, type Scope } from '../../src/ui/input/keymap.ts'
import {
  checkKeyMaps,
  failedMap,
  panelMap,
  paneMap,
  previewMap,
  promptMap,
  startMap,
} from '../../src/ui/input/scopes.ts'
import { paneFacts, paneIds } from '../../src/ui/panes/registry.ts'
import { createScreen } from './harness.ts'

const scope = (name: string, ...bindings: Scope['bindings']): Scope => ({ name, title: name, bindings })
const bind = (keys: string, action: string, replaces = false) => ({ keys: [keys], action, help: action, replaces })
const allMaps = (): KeyMap[] => [
  ...paneIds.flatMap(id => [paneMap(id, 'list'), paneMap(id, 'detail')]),
  promptMap,
  panelMap,
  previewMap,
  startMap,
  failedMap,
]

test('the maps of all panes load', () => checkKeyMaps())

test('a key bound twice is an error that names the key', () => {
  assert.throws(() => createKeyMap([scope('one', bind('a', 'x'), bind('a', 'y'))]), /the key a/)
  assert.throws(() => createKeyMap([scope('in', bind('a', 'x')), scope('out', bind('a', 'y'))]), /in and out/)
})

test('an inner scope replaces a key only when it says so', () => {
  const map = createKeyMap([scope('in', bind('a', 'x', true)), scope('out', bind('a', 'y'))])
  assert.deepEqual(press(map, '', 'a'), { type: 'action', scope: 'in', action: 'x' })
})

test('a key that begins a sequence can not be one itself', () => {
  assert.throws(() => createKeyMap([scope('one', bind('g g', 'top'), bind('g', 'go'))]), /the key g/)
})

test('a sequence waits for its end, and what does not complete it counts for itself', () => {
  const map = createKeyMap([scope('one', bind('g g', 'top'), bind('j', 'down'))])
  assert.deepEqual(press(map, '', 'g'), { type: 'pending', keys: 'g' })
  assert.deepEqual(press(map, 'g', 'g'), { type: 'action', scope: 'one', action: 'top' })
  assert.deepEqual(press(map, 'g', 'j'), { type: 'action', scope: 'one', action: 'down' })
})

test('keys that stop serial lines or begin escape sequences are never bound', () => {
  for (const key of ['ctrl-s', 'ctrl-q', '[', ']', 'O']) {
    assert.throws(() => createKeyMap([scope('one', bind(key, 'x'))]), /can not be bound/)
    for (const map of allMaps()) assert.equal(map.byKeys.has(key), false)
  }
})

test('every action can be reached without Ctrl, Alt and function keys', () => {
  const convenience = new Set(['halfUp', 'halfDown', 'redraw', 'suspend', 'quitNow', 'word', 'start', 'end'])
  for (const map of allMaps())
    for (const { keys, action } of map.live) {
      if (keys.length === 0 || convenience.has(action)) continue
      const plain = keys.some(key => !/ctrl-|alt-|\bf\d/.test(key))
      assert.ok(plain || action === 'clear', `${action}: ${keys.join(', ')}`)
    }
})

test('every action of a pane has a binding, and every binding an action', () => {
  for (const id of paneIds) {
    const { actions, keys, detailKeys } = paneFacts(id)
    const bound = new Set([...keys, ...detailKeys].map(({ action }) => action))
    for (const action of Object.keys(actions)) assert.ok(bound.has(action), `${id}: ${action} can not be reached`)
    for (const action of bound) assert.ok(action in actions, `${id}: no ${action}`)
  }
})

test('undo is not bound in the Trace', () => {
  const screen = createScreen()
  screen.press('2')
  screen.effects()
  screen.press('u U')
  assert.deepEqual(screen.effects(), [])
  assert.equal(paneMap('trace', 'list').byKeys.has('u'), false)
  assert.equal(paneMap('files', 'list').byKeys.has('u'), true)
})

test('a rollback runs by Y alone', () => {
  const running = [...previewMap.byKeys].filter(([, { action }]) => action === 'run').map(([keys]) => keys)
  assert.deepEqual(running, ['Y'])
  for (const map of allMaps()) if (map !== previewMap) assert.equal(map.byKeys.has('Y'), false)
})

test('the help shows every key that is live', () => {
  const screen = createScreen()
  screen.press('?')
  const top = screen.model().overlays.at(-1)
  assert.equal(top?.kind, 'panel')
  const text =
    top?.kind === 'panel' ? top.panel.lines.map(spans => spans.map(({ text: part }) => part).join('')).join('\n') : ''
  for (const { help } of paneMap('files', 'list').live) assert.ok(text.includes(help), help)
})
