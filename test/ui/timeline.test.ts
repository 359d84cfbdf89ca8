// The rows of the Timeline: days, snapshots, records, folds and gaps.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RecordView } from '../../src/core/timeline/model.ts'
import { timelineDetailLines, timelineListLines } from '../../src/ui/panes/timeline/lines.ts'
import { rowState, type TimelineRow, type TimelineSource, timelineRows } from '../../src/ui/panes/timeline/rows.ts'
import { contextOf } from '../../src/ui/state/context.ts'
import { plainText } from '../../src/ui/widgets/line.ts'
import { changed, createScreen, entry, noon, record, report, second, snapshot } from './harness.ts'

const source = (more: Partial<TimelineSource>): TimelineSource => ({
  snapshots: [],
  records: new Map(),
  total: 0,
  now: noon,
  expanded: new Set(),
  ...more,
})
const known = (...records: readonly RecordView[]): Map<number, RecordView> =>
  new Map(records.map(one => [one.seq, one]))
const kinds = (rows: readonly TimelineRow[]): string => rows.map(({ kind }) => kind).join(' ')

/** How many records a row stands for. */
const weight = (row: TimelineRow): number =>
  row.kind === 'gap' ? row.to - row.from : row.kind === 'fold' ? row.records.length : row.kind === 'record' ? 1 : 0

test('rows and gaps together stand for every record once, whatever is loaded', () => {
  const seqs = fc.uniqueArray(fc.nat(60), { maxLength: 40 })
  fc.assert(
    fc.property(seqs, seqs, fc.boolean(), (loaded, kept, absorbs) => {
      const total = 61
      const action = absorbs ? 'absorb' : 'put'
      const snapshots = kept.map(seq => snapshot(`s${seq}`, seq))
      const rows = timelineRows(
        source({
          snapshots,
          total,
          records: known(...loaded.map(seq => record(seq, { action: kept.includes(seq) ? 'snapshot' : action }))),
        }),
      )
      const standing = rows.reduce((sum, row) => sum + weight(row), 0)
      assert.equal(standing + new Set(kept).size, total)
      assert.equal(rows.filter(({ kind }) => kind === 'snapshot').length, kept.length)
      assert.equal(rows[0]?.kind, 'day')
      assert.equal(rows[1]?.kind, 'now')
    }),
  )
})

test('newest first, a row for each day with what happened on it', () => {
  const yesterday = noon - 86_400 * second
  const rows = timelineRows(
    source({
      snapshots: [snapshot('s0', 0, { time: yesterday })],
      records: known(record(1, { time: yesterday }), record(2, { time: noon }), record(3, { time: noon })),
      total: 4,
    }),
  )
  assert.equal(kinds(rows), 'day now record record day record snapshot')
  assert.deepEqual(
    rows.flatMap(row => (row.kind === 'day' ? [row.records] : [])),
    [2, 1],
  )
  assert.deepEqual(rows.map(rowState), [undefined, undefined, '#3', '#2', undefined, '#1', 's0'])
})

test('today begins with now, also where nothing has happened today', () => {
  const rows = timelineRows(source({ records: known(record(0, { time: noon - 3 * 86_400 * second })), total: 1 }))
  assert.equal(kinds(rows), 'day now day record')
  assert.deepEqual(
    rows.flatMap(row => (row.kind === 'day' ? [row.records] : [])),
    [0, 1],
  )
})

test('now counts what is damaged apart, and the title says what is kept', () => {
  const screen = createScreen({ columns: 45, rows: 20 })
  screen.press('5')
  screen.answer('status', report([changed('a'), changed('b', { state: 'damaged' })]))
  screen.answer('snapshots', [snapshot('s1', 10), snapshot('s2', 20)])
  assert.match(screen.title(), /^5 TIMELINE {2}now #41 .* 2 kept$/)
  screen.answer(
    'space',
    new Map([
      ['s2', 3_250_000],
      ['s1', 1000],
    ]),
  )
  assert.match(screen.title(), / 2 kept 3\.1 MB$/)
  const drawn = timelineListLines(screen.model().panes.timeline, contextOf(screen.model(), 'timeline')).map(plainText)
  assert.match(drawn[1] ?? '', /now {3}1 changed, 1 damaged +c shows $/)
  const detail = timelineDetailLines(screen.model().panes.timeline, contextOf(screen.model(), 'timeline')).map(
    plainText,
  )
  assert.match(detail.join('\n'), / ~ a\s+\n ! b +damaged/)
  screen.send({ type: 'resize', size: { columns: 100, rows: 24 } })
  assert.match(screen.title(), /2 kept 3\.1 MB .*c: 1 changed 1 damaged$/)
})

test('runs of what was kept become one row, until it is opened', () => {
  const absorbs = [1, 2, 3, 4].map(seq =>
    record(seq, { action: 'absorb', subject: { kind: 'file', id: `log/a${seq}` } }),
  )
  const closed = source({ records: known(record(0), ...absorbs, record(5)), total: 6 })
  assert.equal(kinds(timelineRows(closed)), 'day now record fold record')
  const open = { ...closed, expanded: new Set([4]) }
  assert.equal(kinds(timelineRows(open)), 'day now record record record record record record')
  const other = known(
    record(0, { action: 'absorb' }),
    record(1, { action: 'absorb', actor: 'watch' }),
    record(2, { action: 'absorb' }),
  )
  assert.equal(kinds(timelineRows(source({ records: other, total: 3 }))), 'day now record record record')
})

test('a million records are a gap until they come into view', () => {
  const screen = createScreen({ open: false })
  screen.send({ type: 'opened', root: { path: '/r', shownPath: '/r', access: 'write', notices: [] }, lastSeq: 999_999 })
  screen.effects()
  screen.press('5')
  screen.answer('snapshots', [snapshot('start', 2), snapshot('middle', 500_000)])
  const asked = screen
    .effects()
    .flatMap(effect => (effect.type === 'ask' && effect.query.ask === 'records' ? [effect] : []))
  assert.ok(asked.length > 0)
  assert.ok(asked.every(({ query }) => query.ask === 'records' && query.to - query.from <= 100))
  assert.ok(screen.model().panes.timeline.rows.length < 20)
  const drawn = timelineListLines(screen.model().panes.timeline, contextOf(screen.model(), 'timeline')).map(plainText)
  assert.ok(
    drawn.some(row => row.includes('499,999 records')),
    drawn.join('\n'),
  )
})

test('the lines of changed files in the preview are counted, what has none keeps its sizes', () => {
  const screen = createScreen({ columns: 45, rows: 20 })
  screen.press('5')
  screen.answer('snapshots', [snapshot('s1', 41)])
  screen.press('j')
  const change = (path: string) => ({ path, before: entry(path, 92), after: entry(path, 52, 'b') })
  screen.answer('diff', {
    changes: [change('conf'), change('logo'), { path: 'gone', before: entry('gone'), after: null }],
    counts: { created: 0, changed: 2, deleted: 1 },
  } as never)
  const asked = screen
    .effects()
    .flatMap(effect => (effect.type === 'ask' && effect.query.ask === 'changeCounts' ? [effect.query] : []))
  assert.deepEqual(asked, [{ ask: 'changeCounts', from: 's1', to: 'now', paths: ['conf', 'logo'] }])
  screen.answer(
    'changeCounts',
    new Map([
      ['conf', { added: 2, removed: 1 }],
      ['logo', { added: 0, removed: 0 }],
    ]),
  )
  const drawn = timelineDetailLines(screen.model().panes.timeline, contextOf(screen.model(), 'timeline')).map(plainText)
  assert.match(drawn.join('\n'), / ~ conf +\+2 -1 \n ~ logo +92 -> 52 \n - gone +gone /)
})

test('the cursor stays on its row when rows are loaded above it', () => {
  const screen = createScreen()
  screen.press('5')
  screen.answer('snapshots', [snapshot('s1', 10)])
  screen.press('G')
  screen.press('k')
  const before = rowState(screen.model().panes.timeline.rows[screen.model().panes.timeline.list.cursor])
  for (const effect of screen.effects()) {
    if (effect.type !== 'ask' || effect.query.ask !== 'records') continue
    const { from, to } = effect.query
    const answer = Array.from({ length: to - from }, (_, index) => record(from + index))
    screen.send({ type: 'answer', channel: effect.channel, ask: 'records', query: effect.query, answer })
  }
  assert.equal(before, 's1')
  assert.equal(rowState(screen.model().panes.timeline.rows[screen.model().panes.timeline.list.cursor]), 's1')
})

test('rows are drawn as the design shows them', () => {
  const screen = createScreen({ columns: 45, rows: 20 })
  screen.press('5')
  screen.answer('snapshots', [snapshot('20261121-2240', 39, { label: 'daily', pinned: true })])
  screen.answer('records', [record(40, { summary: 'rollback to Fri 22:40', action: 'rollback' }), record(41)])
  screen.answer('space', new Map([['20261121-2240', 3_250_000]]))
  const drawn = timelineListLines(screen.model().panes.timeline, contextOf(screen.model(), 'timeline')).map(plainText)
  assert.match(drawn[0] ?? '', /^-- Sun 22 Nov -+ 2 ops\+? $/)
  assert.match(drawn[1] ?? '', /^> {2}now {3}looking \.\.\. .*c shows $/)
  assert.match(drawn[2] ?? '', /^ \| \d\d:\d\d you {3}put f41 +#41 $/)
  assert.match(drawn[4] ?? '', /^ o \d\d:\d\d daily +P +3\.1M $/)
  for (const row of drawn) assert.ok(row.length <= 45)
})
