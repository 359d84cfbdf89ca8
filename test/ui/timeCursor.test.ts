// The time cursor: stepping by snapshot and by day, typing, what the title and Files show meanwhile, and leaving it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effect } from '../../src/ui/state/model.ts'
import { createScreen, listed, noon, point, second, snapshot, type TestScreen } from './harness.ts'

const day = 86_400 * second

function timeScreen(): TestScreen {
  const screen = createScreen()
  screen.answer('directory', [listed('fstab')])
  screen.press('t')
  screen.answer('snapshots', [
    snapshot('s1', 10, { time: noon - 2 * day }),
    snapshot('s2', 20, { time: noon - day - 3600 * second, label: 'before' }),
    snapshot('s3', 30, { time: noon - day }),
    snapshot('s4', 40, { time: noon - 3600 * second }),
  ])
  screen.effects()
  return screen
}

/** What was asked for with a delay: the state that Files will show. */
const awaited = (effects: readonly Effect[]): string[] =>
  effects.flatMap(effect =>
    effect.type === 'ask' && effect.query.ask === 'state' && (effect.delayMs ?? 0) >= 300 ? [effect.query.text] : [],
  )

test('arrows step by snapshot; the title says where at once, Files follow when it rests', () => {
  const screen = timeScreen()
  assert.match(screen.bottom(), /^time: {3}now; arrows step/)
  screen.press('left')
  assert.match(screen.title(), /PAST 11:00 #40 s4/)
  assert.match(screen.bottom(), /^time: s4 {2}11:00, 4 of 4/)
  screen.press('up up')
  assert.match(screen.title(), /PAST Sat 11:00 #20 s2/)
  assert.match(screen.bottom(), /"before", 2 of 4/)
  assert.equal(screen.model().past, undefined)
  assert.deepEqual(awaited(screen.effects()), ['s4', 's3', 's2'])
  screen.answer('state', point(20, { text: 's2', snapshot: 's2' }))
  assert.equal(screen.model().past?.seq, 20)
  const listing = screen.effects().flatMap(effect => (effect.type === 'ask' ? [effect.query] : []))
  assert.deepEqual(listing, [{ ask: 'directory', path: '', at: 's2' }])
  screen.press('right')
  assert.match(screen.title(), /#30 s3/)
})

test('H and L step by day; beyond the newest is now', () => {
  const screen = timeScreen()
  screen.press('H')
  assert.match(screen.title(), /#30 s3/)
  screen.press('H')
  assert.match(screen.title(), /#10 s1/)
  screen.press('H')
  assert.match(screen.title(), /#10 s1/)
  screen.press('L')
  assert.match(screen.title(), /#20 s2/)
  screen.press('L')
  assert.match(screen.title(), /#40 s4/)
  screen.press('L')
  assert.doesNotMatch(screen.title(), /PAST/)
  assert.match(screen.bottom(), /now; arrows step/)
})

test('any other character starts a typed time, in which arrows, H and L edit', () => {
  const screen = timeScreen()
  screen.press('left')
  screen.type('yL')
  screen.press('left')
  screen.type('H')
  assert.equal(screen.bottom(), 'time: yHL')
  assert.doesNotMatch(screen.title(), /PAST/)
  screen.press('enter')
  const asked = screen
    .effects()
    .flatMap(effect => (effect.type === 'ask' && effect.query.ask === 'state' ? [effect] : []))
  assert.equal(asked.at(-1)?.query.ask === 'state' && asked.at(-1)?.channel, 'global.time')
})

test('Enter stays where one is, Esc brings back what was shown before', () => {
  const screen = timeScreen()
  screen.press('left left')
  screen.answer('state', point(30, { text: 's3', snapshot: 's3' }))
  screen.press('escape')
  assert.equal(screen.model().past, undefined)
  assert.doesNotMatch(screen.title(), /PAST/)

  screen.press('t left left enter')
  screen.answer('state', point(30, { text: 's3', snapshot: 's3' }))
  assert.equal(screen.model().past?.seq, 30)
  screen.press('t')
  assert.match(screen.bottom(), /^time: s3/)
  screen.press('left')
  screen.effects()
  screen.answer('state', point(20, { text: 's2', snapshot: 's2' }))
  assert.equal(screen.model().past?.seq, 20)
  screen.press('escape')
  screen.answer('state', point(30, { text: 's3', snapshot: 's3' }))
  assert.match(screen.title(), /PAST .*#30 s3/)
})

test('an answer that comes after the cursor was left changes nothing', () => {
  const screen = timeScreen()
  screen.press('left escape')
  const late = {
    channel: 'global.timeStep',
    ask: 'state',
    query: { ask: 'state', text: 's4' },
    answer: point(40),
  } as const
  screen.send({ type: 'answer', ...late })
  assert.equal(screen.model().past, undefined)
})
