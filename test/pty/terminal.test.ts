// The terminal itself: sizes, the first start, and that it is given back as it was, however the screen ends.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { keys } from '../support/terminal.ts'
import { isSane, makePlace } from './harness.ts'

test('the terminal is as it was after q', async context => {
  const screen = makePlace(context).screen()
  await screen.waitFor('as recorded')
  assert.equal(screen.alternate, true)
  assert.equal(isSane(screen.bytes()), false)
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
  assert.equal(isSane(screen.bytes()), true)
  assert.equal(screen.alternate, false)
})

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGINT', 130],
] as const)
  test(`the terminal is as it was after ${signal}`, async context => {
    const screen = makePlace(context).screen()
    await screen.waitFor('as recorded')
    screen.kill(signal)
    assert.equal((await screen.exit()).exitCode, code)
    assert.equal(isSane(screen.bytes()), true)
    assert.equal(screen.alternate, false)
  })

test('an error that nobody caught ends the screen, is told, and leaves the terminal as it was', async context => {
  const bomb = encodeURIComponent('setTimeout(() => { throw new Error("made to fail") }, 4000)')
  const screen = makePlace(context).screen({ environment: { NODE_OPTIONS: `--import data:text/javascript,${bomb}` } })
  await screen.waitFor('1FILES')
  assert.equal((await screen.exit()).exitCode, 70)
  assert.equal(isSane(screen.bytes()), true)
  assert.match(screen.text(), /made to fail/)
  assert.match(screen.text(), /sentctl doctor/)
})

test('Ctrl-C quits', async context => {
  const screen = makePlace(context).screen()
  await screen.waitFor('as recorded')
  screen.type(keys.ctrlC)
  assert.equal((await screen.exit()).exitCode, 0)
  assert.equal(isSane(screen.bytes()), true)
})

test('Ctrl-Z gives the terminal away and takes it back', async context => {
  const screen = makePlace(context).screen()
  await screen.waitFor('as recorded')
  const from = screen.bytes().length
  screen.type(keys.ctrlZ)
  await screen.waitFor(() => screen.bytes().slice(from).includes('\x1b[?1049h'))
  const bytes = screen.bytes().slice(from)
  assert.ok(bytes.indexOf('\x1b[?1049l') >= 0 && bytes.indexOf('\x1b[?1049l') < bytes.indexOf('\x1b[?1049h'))
  await screen.waitFor('1FILES')
  screen.type('?')
  await screen.waitFor('all keys')
})

test('a process that was stopped and continued draws its screen again', async context => {
  const screen = makePlace(context).screen()
  await screen.waitFor('as recorded')
  const from = screen.bytes().length
  screen.kill('SIGSTOP')
  screen.kill('SIGCONT')
  await screen.waitFor(() => screen.bytes().slice(from).includes('\x1b[?1049h'))
  await screen.waitFor('1FILES')
})

test('any size can be used, and a resize keeps what is chosen in sight', async context => {
  const place = makePlace(context)
  for (let number = 10; number < 99; number++) place.write(`many/file-${number}`, `${number}\n`)
  place.sentctl('absorb')
  const screen = place.screen({ columns: 80, rows: 24 })
  await screen.waitFor('as recorded')
  screen.type('/many\rlG')
  await screen.waitFor('>')
  await screen.waitFor(/>.*file-98/)
  for (const [columns, rows] of [
    [40, 12],
    [45, 20],
    [160, 40],
    [100, 50],
    [20, 8],
    [80, 24],
  ] as const) {
    screen.resize(columns, rows)
    await screen.waitFor(/>.*file-98/)
    for (const row of screen.rows()) assert.ok(row.length <= columns)
    await screen.waitFor(() => screen.rows()[rows - 1]?.includes('?') === true)
    // Nothing of the old size is left: all of it drawn anew (Ctrl-L) is the same.
    // The versions beside a pane come a moment later than the rest.
    if (columns >= 160) await screen.waitFor('new 3 absorb')
    const after = screen.text()
    const written = screen.bytes().length
    screen.type('\x0c')
    await screen.waitFor(() => screen.bytes().length > written)
    await screen.waitFor(text => text === after)
  }
})

test('a row that was wider leaves nothing behind when the screen becomes narrow', async context => {
  const place = makePlace(context, { init: false })
  const screen = place.screen({ columns: 70, rows: 20 })
  await screen.waitFor('start: 4 files')
  screen.resize(50, 20)
  screen.resize(40, 20)
  await screen.waitFor('changes none of')
  await screen.waitFor(() => screen.rows().every(row => row.length <= 40))
  const titles = screen.rows().filter(row => row.includes('No history here yet'))
  assert.equal(titles.length, 1)
  const filled = screen.rows().filter(row => row !== '')
  assert.ok(
    filled.every(row => /^(SentientOS|1 start| {2})/.test(row)),
    screen.text(),
  )
})

test('at 40 by 12 the journey of a changed file works', async context => {
  const place = makePlace(context)
  place.write('etc/fstab', 'wrong\n')
  const screen = place.screen({ columns: 40, rows: 12 })
  await screen.waitFor('1 CHANGES')
  await screen.waitFor('etc/fstab')
  screen.type(keys.enter)
  await screen.waitFor('+wrong')
  screen.type('b')
  await screen.waitFor('brought back')
  assert.equal(place.read('etc/fstab'), 'tmpfs /var tmpfs\nproc /proc proc\n')
})

test('without colours the chosen row is still told apart', async context => {
  const place = makePlace(context)
  const screen = place.screen({ environment: { NO_COLOR: '1' } })
  await screen.waitFor('as recorded')
  assert.doesNotMatch(screen.bytes(), /\x1b\[(?:\d+;)*(?:3\d|4\d|9\d)(?:;\d+)*m/)
  const chosen = screen.cells().filter(row => row.slice(0, 20).every(({ reverse }) => reverse))
  assert.equal(chosen.length, 1)
})

test('a terminal without UTF-8 gets ASCII only', async context => {
  const place = makePlace(context)
  place.write('home/käse.txt', 'grün\n')
  const screen = place.screen({ environment: { LC_ALL: 'C', LANG: 'C' } })
  await screen.waitFor('home/k')
  await screen.waitFor('gr?n')
  assert.doesNotMatch(screen.bytes(), /[^\x00-\x7f]/)
})

test('a terminal that can not place its cursor is told so', async context => {
  const screen = makePlace(context).screen({ environment: { TERM: 'dumb' } })
  assert.equal((await screen.exit()).exitCode, 2)
  assert.match(screen.text(), /TERM=dumb/)
  assert.doesNotMatch(screen.bytes(), /\x1b\[\?/)
})

test('a directory that is not there is an error, and the terminal is left alone', async context => {
  const place = makePlace(context)
  const screen = place.screen({ args: ['ui', '--root', 'missing'], columns: 120 })
  assert.equal((await screen.exit()).exitCode, 1)
  assert.match(screen.text(), /No such directory/)
  assert.match(screen.text(), /ROOT_NOT_FOUND/)
  assert.doesNotMatch(screen.bytes(), /\x1b\[\?1049h/)
  const file = place.screen({ args: ['ui', '--root', 'etc/fstab'], columns: 120 })
  assert.notEqual((await file.exit()).exitCode, 0)
  assert.match(file.text(), /Not a directory/)
})

test('a directory without a history that is named gets the first start', async context => {
  const place = makePlace(context, { init: false })
  const screen = place.screen()
  await screen.waitFor('No history here yet')
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
})

test('a root folder that is moved away while it is open is told, and r opens it when it is back', async context => {
  const place = makePlace(context)
  const screen = place.screen()
  await screen.waitFor('as recorded')
  fs.renameSync(place.root, `${place.root}.moved`)
  await screen.waitFor('The root folder is gone')
  fs.renameSync(`${place.root}.moved`, place.root)
  screen.type('r')
  await screen.waitFor('as recorded')
  place.write('home/new.txt', 'x')
  await screen.waitFor('c: 1 changed')
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
})

test('where no root folder is, 1 starts a history and changes nothing', async context => {
  const place = makePlace(context, { init: false })
  const screen = place.screen({ args: ['ui'] })
  await screen.waitFor('No history here yet')
  await screen.waitFor(/start: 4 files, \d+ B, ~1 s; changes none of them/)
  screen.type('2')
  await screen.waitFor('Space skips it or not')
  screen.type(keys.escape)
  await screen.waitFor('quit')
  screen.type('1')
  await screen.waitFor('1FILES')
  await screen.waitFor('as recorded')
  assert.equal(fs.existsSync(path.join(place.root, '.runtime', 'format')), true)
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
  assert.match(place.sentctl('status'), /as recorded/)
})

test('a name in the way is said before anything is written', async context => {
  const place = makePlace(context, { init: false })
  place.write('.tree/mine', 'x')
  const screen = place.screen({ args: ['ui'] })
  await screen.waitFor('In the way, rename first: .tree')
  screen.type('1')
  await screen.waitFor('Rename what is in the way first')
  assert.equal(fs.existsSync(path.join(place.root, '.runtime')), false)
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
})

test('a folder that can not be opened says why, and q leaves', async context => {
  const place = makePlace(context)
  fs.writeFileSync(path.join(place.root, '.runtime', 'format'), 'nonsense')
  const screen = place.screen()
  await screen.waitFor('could not be opened')
  assert.match(screen.text(), /sentctl explain/)
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 1)
  assert.equal(isSane(screen.bytes()), true)
})
