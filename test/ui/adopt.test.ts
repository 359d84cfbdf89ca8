// A folder that this device does not know as its own: the screen says so, reads it, and asks when something is to be
// written; the palette asks, too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScreen, listed, type TestScreen } from './harness.ts'

const unknown = 'This folder is a copy: the root folder is still at /r'

function opened(): TestScreen {
  const screen = createScreen({ open: false, columns: 100 })
  const root = { path: '/c', shownPath: '~/c', access: 'read', notices: [unknown], unknown } as const
  screen.send({ type: 'opened', root, lastSeq: 41 })
  screen.answer('directory', [listed('a')])
  screen.effects()
  return screen
}

test('the title and the first message say it', () => {
  const screen = createScreen({ open: false, columns: 100 })
  const root = { path: '/c', shownPath: '~/c', access: 'read', notices: [unknown], unknown } as const
  screen.send({ type: 'opened', root, lastSeq: 41 })
  assert.match(screen.title(), /MOVED OR A COPY\? READ ONLY/)
  assert.match(screen.bottom(), /This folder is a copy/)
})

for (const [answer, as] of [
  ['c', 'copy'],
  ['moved', 'moved'],
] as const)
  test(`the first change asks, and ${answer} is an answer`, () => {
    const screen = opened()
    screen.press('d')
    assert.match(screen.bottom(), /moved here \(m\), or a copy \(c\)\?/)
    screen.type(answer)
    screen.press('enter')
    assert.deepEqual(screen.effects(), [{ type: 'settle', as }])
  })

test('anything else leaves it as it is', () => {
  const screen = opened()
  screen.press('d')
  screen.press('enter')
  assert.deepEqual(screen.effects(), [])
  assert.match(screen.bottom(), /Left as it is/)
})

test('the palette asks, and takes the answer with the verb', () => {
  const screen = opened()
  const verb = { name: 'adopt', usage: 'sentctl adopt', summary: 'Say what it is', listed: true, needsWords: false }
  screen.send({ type: 'verbs', verbs: [verb] })
  screen.press(':')
  screen.type('adopt')
  screen.press('enter')
  assert.match(screen.bottom(), /moved here \(m\)/)
  screen.press('escape')
  screen.press(':')
  screen.type('adopt --copy')
  screen.press('enter')
  assert.deepEqual(screen.effects(), [{ type: 'settle', as: 'copy' }])
})
