// The Trace over a long journal: it reads what its window shows, and follows what comes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matches, parseTraceFilter } from '../../src/ui/panes/trace/filter.ts'
import { recordLines, traceListLines } from '../../src/ui/panes/trace/lines.ts'
import { recordAt } from '../../src/ui/panes/trace/state.ts'
import { contextOf } from '../../src/ui/state/context.ts'
import { plainText } from '../../src/ui/widgets/line.ts'
import { createScreen, record, type TestScreen } from './harness.ts'

function longJournal(total: number): TestScreen {
  const screen = createScreen({ open: false })
  screen.send({
    type: 'opened',
    root: { path: '/r', shownPath: '/r', access: 'write', notices: [] },
    lastSeq: total - 1,
  })
  screen.press('2')
  return screen
}

/** Answers every question for records, as the core would. */
function serve(screen: TestScreen): number {
  let read = 0
  for (const effect of screen.effects()) {
    if (effect.type !== 'ask' || effect.query.ask !== 'records') continue
    const { from, to } = effect.query
    read += to - from
    const answer = Array.from({ length: to - from }, (_, index) => record(from + index))
    screen.send({ type: 'answer', channel: effect.channel, ask: 'records', query: effect.query, answer })
  }
  return read
}

const shown = (screen: TestScreen): string[] =>
  traceListLines(screen.model().panes.trace, contextOf(screen.model(), 'trace')).map(plainText)

test('a million records: only chunks around the window are read and held', () => {
  const screen = longJournal(1_000_000)
  assert.ok(serve(screen) <= 512)
  assert.match(shown(screen).at(-1) ?? '', /#999999/)
  let read = 0
  for (const keys of ['g g', 'G', 'pageup', 'pageup', 'g g', 'ctrl-d']) {
    screen.press(keys)
    read += serve(screen)
  }
  assert.ok(read <= 8 * 128, `${read} records were read`)
  for (let page = 0; page < 300; page++) {
    screen.press('pagedown')
    serve(screen)
  }
  assert.ok(screen.model().panes.trace.chunks.size <= 24)
  assert.ok(
    shown(screen)
      .slice(1)
      .every(row => /put f\d+/.test(row)),
  )
})

test('new records come in at the bottom while it follows, and are counted while it is paused', () => {
  const screen = longJournal(300)
  serve(screen)
  screen.send({ type: 'recorded', records: [record(300), record(301)], lastSeq: 301 })
  assert.match(shown(screen).at(-1) ?? '', />.*put f301.*#301/)
  screen.press('k k')
  screen.send({ type: 'recorded', records: [record(302)], lastSeq: 302 })
  assert.match(shown(screen)[0] ?? '', /paused.*\+1 new below/)
  screen.press('p')
  serve(screen)
  assert.match(shown(screen).at(-1) ?? '', />.*#302/)
})

test('a filter searches backwards only as far as the window asks', () => {
  const screen = longJournal(100_000)
  screen.effects()
  screen.press('f')
  screen.type('action:absorb etc/')
  screen.press('enter')
  const [ask] = screen.effects().filter(effect => effect.type === 'ask')
  assert.deepEqual(ask?.type === 'ask' && ask.query, {
    ask: 'scan',
    before: 100_000,
    filter: { actor: '', action: 'absorb', text: 'etc/' },
    want: 200,
  })
  const found = Array.from({ length: 200 }, (_, index) =>
    record(90_000 + index, { action: 'absorb', summary: 'absorb etc/x' }),
  )
  screen.answer('scan', { records: found, scannedFrom: 90_000 })
  assert.equal(screen.model().panes.trace.found.length, 200)
  assert.deepEqual(
    screen.effects().filter(effect => effect.type === 'ask' && effect.query.ask === 'scan'),
    [],
  )
  screen.press('g g')
  const more = screen.effects().find(effect => effect.type === 'ask' && effect.query.ask === 'scan')
  assert.ok(more?.type === 'ask' && more.query.ask === 'scan' && more.query.before === 90_000)
  const cursorBefore = recordAt(screen.model().panes.trace, screen.model().panes.trace.list.cursor)
  screen.answer('scan', { records: [record(5, { action: 'absorb', summary: 'absorb etc/y' })], scannedFrom: 0 })
  const { trace } = screen.model().panes
  assert.equal(recordAt(trace, trace.list.cursor)?.seq, cursorBefore?.seq)
  screen.send({
    type: 'recorded',
    records: [record(100_000), record(100_001, { action: 'absorb', summary: 'absorb etc/z' })],
    lastSeq: 100_001,
  })
  assert.equal(screen.model().panes.trace.found.at(-1)?.seq, 100_001)
  screen.press('escape')
  assert.equal(screen.model().panes.trace.filterText, '')
})

test('filters match actor, action and text', () => {
  const one = record(7, {
    actor: 'box:web',
    action: 'put',
    summary: 'put etc/Fstab',
    subject: { kind: 'file', id: 'etc/Fstab' },
  })
  assert.equal(matches(one, parseTraceFilter('actor:box')), true)
  assert.equal(matches(one, parseTraceFilter('actor:you')), false)
  assert.equal(matches(record(1), parseTraceFilter('actor:you')), true)
  assert.equal(matches(one, parseTraceFilter('fstab action:put')), true)
  assert.equal(matches(one, parseTraceFilter('action:delete fstab')), false)
})

test('the detail of a record names all fields, escaped, and how far its proof reaches', () => {
  const one = record(7, {
    subject: { kind: 'file', id: 'a\nb' },
    summary: 'put a\\nb',
    fields: { of: 'restore', note: '\x1b[2J' },
  })
  const text = (size: number | undefined) =>
    recordLines({ record: one, changes: [], checkpointSize: size }, 80).map(plainText).join('\n')
  for (const part of ['#7', 'owner', 'file a\\nb', 'restore', '\\x1B[2J', '1'.repeat(64)])
    assert.ok(text(8).includes(part), part)
  assert.match(text(8), /signed: included in the checkpoint of 8 records/)
  assert.match(text(7), /chained/)
  assert.match(text(undefined), /chained/)
})

test('what a record brings never leaves its row', () => {
  const screen = longJournal(1)
  screen.effects()
  const evil = record(0, { summary: 'put \x1b[31m\nx', actor: 'owner' })
  screen.send({
    type: 'answer',
    channel: 'trace.chunk.0',
    ask: 'records',
    query: { ask: 'records', from: 0, to: 1 },
    answer: [evil],
  })
  assert.doesNotMatch(shown(screen).join(''), /[\x00-\x1f]/)
})
