// A copied root folder on a real terminal: it is read, it asks before it is written, and goes on as what somebody says it is.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { keys } from '../support/terminal.ts'
import { makePlace } from './harness.ts'

function copyOf(root: string): string {
  const copy = path.join(path.dirname(root), 'copy')
  execFileSync('cp', ['-a', root, copy])
  return copy
}

test('a copy asks at the first change, becomes one by its answer, and is written from then on', async context => {
  const place = makePlace(context)
  const copy = copyOf(place.root)
  const screen = place.screen({ args: ['ui', '--root', copy], columns: 100 })
  await screen.waitFor('MOVED OR A COPY? READ ONLY')
  screen.type('/home\r')
  screen.type('l')
  await screen.waitFor('notes.txt')
  screen.type('d')
  await screen.waitFor(/moved here \(m\), or a copy \(c\)\?/)
  screen.type(`c${keys.enter}`)
  await screen.waitFor(text => !text.includes('MOVED OR A COPY?') && text.includes('FILES'))
  await screen.waitFor('notes.txt')
  screen.type('d')
  await screen.waitFor('again')
  screen.type('d')
  await screen.waitFor(/deleted home\/notes\.txt/)
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
  assert.match(place.sentctl('--root', copy, 'verify'), /The history is whole/)
  const key = (folder: string): string => place.sentctl('--root', folder, 'checkpoint', 'key')
  assert.notEqual(key(copy), key(place.root))
  assert.match(place.sentctl('--root', copy, 'log', '-n', '3'), /home\/notes\.txt/)
  // The original is what it was, and goes on under its own key.
  assert.ok(place.exists('home/notes.txt'))
  assert.match(place.sentctl('snapshot', 'create', 'goes on'), /goes on/)
})

test('no answer leaves the copy as it was', async context => {
  const place = makePlace(context)
  const screen = place.screen({ args: ['ui', '--root', copyOf(place.root)], columns: 100 })
  await screen.waitFor('MOVED OR A COPY? READ ONLY')
  screen.type('5')
  await screen.waitFor('all well')
  screen.type('a')
  await screen.waitFor(/moved here \(m\), or a copy \(c\)\?/)
  screen.type(keys.enter)
  await screen.waitFor('Left as it is')
  assert.match(screen.text(), /READ ONLY/)
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
})
