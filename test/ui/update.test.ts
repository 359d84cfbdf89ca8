// The transitions of the screen: keys and answers in, model and effects out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedWhen } from '../../src/ui/state/looks.ts'
import type { Effect } from '../../src/ui/state/model.ts'
import type { Operation } from '../../src/ui/state/operation.ts'
import {
  changed,
  createScreen,
  entry,
  listed,
  noon,
  point,
  record,
  report,
  result,
  second,
  snapshot,
  type TestScreen,
} from './harness.ts'

const operations = (effects: readonly Effect[]): Operation[] =>
  effects.flatMap(effect => (effect.type === 'operate' ? [effect.operation] : []))

function filesScreen(): TestScreen {
  const screen = createScreen()
  screen.answer('directory', [
    listed('etc', { kind: 'dir', size: 4, below: { count: 2, worst: '~' } }),
    listed('fstab'),
    listed('motd', { mark: '~' }),
    listed('new.txt', { mark: '+' }),
  ])
  screen.effects()
  return screen
}

test('the first look that finds something shows the changes, unless a key was pressed', () => {
  const quiet = createScreen()
  quiet.answer('status', report([changed('etc/fstab')]))
  assert.equal(quiet.model().pane, 'changes')
  assert.match(quiet.title(), /1CHANGES/)
  assert.match(quiet.title(), /c: 1 changed$/)

  const busy = createScreen()
  busy.press('j')
  busy.answer('status', report([changed('etc/fstab')]))
  assert.equal(busy.model().pane, 'files')

  const clean = createScreen()
  clean.answer('status', report([]))
  assert.equal(clean.model().pane, 'files')
  assert.match(clean.title(), /as recorded$/)
})

test('damage is counted apart from what was changed', () => {
  const screen = createScreen()
  screen.answer('status', report([changed('a'), changed('b', { state: 'damaged' })]))
  assert.match(screen.title(), /c: 1 changed 1 damaged$/)
  assert.deepEqual(
    screen.model().panes.changes.rows.map(({ path }) => path),
    ['b', 'a'],
  )
})

test('b brings back what differs, and nothing where nothing does', () => {
  const screen = filesScreen()
  screen.press('j')
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /as recorded/)
  screen.press('j')
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['motd'], to: 'now' }])
})

test('what removes or touches more asks for the key once more, and any other key forgets it', () => {
  const screen = filesScreen()
  screen.press('G')
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /not recorded: b again removes new\.txt, a snapshot keeps it/)
  screen.press('k')
  assert.equal(screen.model().armed, undefined)
  screen.press('j b')
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['new.txt'], to: 'now' }])
})

test('Esc takes an announced action back and does nothing else', () => {
  const screen = filesScreen()
  screen.press('j space k d')
  assert.match(screen.bottom(), /delete fstab: d again deletes/)
  screen.effects()
  screen.press('escape')
  assert.equal(screen.model().armed, undefined)
  assert.equal(screen.model().panes.files.marks.size, 1)
  screen.press('escape')
  assert.equal(screen.model().panes.files.marks.size, 0)
  assert.deepEqual(screen.effects(), [])
})

test('marked paths are kept together', () => {
  const screen = filesScreen()
  screen.press('space j space space A')
  const kept = operations(screen.effects())
  assert.deepEqual(kept, [{ do: 'absorb', paths: ['etc', 'motd', 'new.txt'] }])
})

test('marked hunks alone are brought back', () => {
  const screen = createScreen()
  screen.answer('status', report([changed('etc/fstab')]))
  const hunk = (number: number) => ({
    number,
    beforeStart: number * 10,
    beforeLines: 1,
    afterStart: number * 10,
    afterLines: 1,
    lines: ['-a', '+b'],
  })
  screen.answer('fileDiff', {
    path: 'etc/fstab',
    before: null,
    after: null,
    kind: 'text',
    hunks: [hunk(1), hunk(2)],
    added: 2,
    removed: 2,
  })
  screen.press('tab j space')
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['etc/fstab'], to: 'now', hunks: [2] }])
})

test('undo shows first and runs when it is asked again', () => {
  const screen = createScreen()
  screen.effects()
  screen.press('u')
  assert.deepEqual(screen.effects(), [
    { type: 'ask', channel: 'global.undo', query: { ask: 'undoable', direction: 'undo' } },
  ])
  screen.answer('undoable', record(39, { summary: 'delete etc/fstab' }))
  assert.match(screen.bottom(), /^u again: undo #39 delete etc\/fstab, you, .*; 2 later ops elsewhere/)
  screen.press('u')
  assert.deepEqual(operations(screen.effects()), [{ do: 'undo', seq: 39 }])
})

test('u u typed ahead of the answer undoes; another key between forgets it', () => {
  const screen = filesScreen()
  screen.press('u u')
  assert.deepEqual(operations(screen.effects()), [])
  screen.answer('undoable', record(40))
  assert.deepEqual(operations(screen.effects()), [{ do: 'undo', seq: 40 }])
  screen.press('u j')
  screen.effects()
  screen.answer('undoable', record(40))
  assert.equal(screen.model().armed, undefined)
  assert.deepEqual(operations(screen.effects()), [])
})

test('without something of this session to undo it says where the rest is', () => {
  const screen = createScreen()
  screen.press('u')
  screen.answer('undoable', undefined)
  assert.match(screen.bottom(), /Timeline/)
})

test('a rollback runs from its preview, by Y and by no other key', () => {
  const screen = createScreen()
  screen.press('5')
  screen.answer('snapshots', [snapshot('s1', 10), snapshot('s2', 30)])
  screen.answer('records', [])
  screen.press('j j')
  screen.press('b')
  screen.answer('rollbackPreview', {
    target: point(30, { text: 's2', snapshot: 's2' }),
    changes: [{ path: 'etc/fstab', before: entry('fstab'), after: entry('fstab', 4, 'b') }],
    counts: { created: 0, changed: 1, deleted: 0 },
    bytes: 4,
    drift: ['home/notes'],
    lost: [],
    settingsChange: false,
  })
  const top = screen.model().overlays.at(-1)
  assert.ok(top?.kind === 'panel' && top.panel.id === 'preview')
  screen.effects()
  for (const key of ['b', 'enter', 'y', 'space', '5', 'u']) screen.press(key)
  assert.deepEqual(screen.effects(), [])
  assert.equal(screen.model().overlays.length, 1)
  screen.press('Y')
  const [run, ...more] = operations(screen.effects())
  assert.deepEqual(more, [])
  assert.equal(run?.do, 'rollback')
  assert.equal(screen.model().overlays.length, 0)
})

test('a typed time shows Files as they were, read-only, until Esc', () => {
  const screen = filesScreen()
  screen.press('t')
  screen.type('yesterday 22:40')
  screen.press('enter')
  screen.answer('state', point(30, { snapshot: 's2', text: 's2' }))
  assert.match(screen.title(), /PAST/)
  const [asked] = screen
    .effects()
    .filter(effect => effect.type === 'ask' && effect.query.ask === 'directory')
    .slice(-1)
  assert.deepEqual(asked?.type === 'ask' && asked.query, { ask: 'directory', path: '', at: 's2' })
  screen.answer('directory', [listed('fstab', { mtime: 0 })])
  screen.effects()
  screen.press('d d')
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /PAST is read-only/)
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [])
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['fstab'], to: 's2' }])
  screen.press('escape')
  assert.equal(screen.model().past, undefined)
  assert.doesNotMatch(screen.title(), /PAST/)
})

test('one file out of yesterday: y there, Esc, p here', () => {
  const screen = filesScreen()
  screen.press('t')
  screen.type('#30')
  screen.press('enter')
  screen.answer('state', point(30))
  screen.answer('directory', [listed('fstab', { mtime: 0 })])
  screen.press('y escape')
  screen.answer('directory', [listed('fstab')])
  screen.effects()
  screen.press('p')
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /fstab is there: p again puts the one of #30 in its place/)
  screen.press('p')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['fstab'], to: '#30' }])
})

test('a path of the past is put back where it is missing, and beside what has its name elsewhere', () => {
  const put = (directory: string, names: readonly string[]) => {
    const screen = filesScreen()
    screen.send({ type: 'remember', remembered: { paths: ['etc/fstab'], at: '#30', move: false } })
    screen.send({ type: 'show', pane: 'files', target: { path: `${directory}/x` } })
    screen.answer(
      'directory',
      names.map(name => listed(`${directory}/${name}`)),
    )
    screen.effects()
    screen.press('p')
    return operations(screen.effects())
  }
  const back = { do: 'restore', paths: ['etc/fstab'], to: '#30' } as const
  assert.deepEqual(put('etc', ['hosts']), [{ ...back, as: 'etc/fstab' }])
  assert.deepEqual(put('home', ['fstab']), [{ ...back, as: 'home/fstab.2' }])
})

test('a time that is not there says so and changes nothing', () => {
  const screen = filesScreen()
  screen.press('t')
  screen.type('nowhere')
  screen.press('enter')
  const query = { ask: 'state', text: 'nowhere' } as const
  screen.send({
    type: 'refused',
    channel: 'global.time',
    query,
    problem: { code: 'STATE_NOT_FOUND', text: 'No such state', hint: 'See.' },
  })
  assert.match(screen.bottom(), /No such state/)
  assert.equal(screen.model().past, undefined)
})

test('prompts edit a line, and their keys are not those of the pane', () => {
  const screen = filesScreen()
  screen.press('j r')
  screen.press('ctrl-u')
  screen.type('dxq')
  screen.press('left backspace')
  screen.type('-')
  assert.match(screen.bottom(), /^rename to: d-q$/)
  screen.effects()
  screen.press('enter')
  assert.deepEqual(operations(screen.effects()), [{ do: 'move', from: ['fstab'], to: 'd-q' }])
})

test('names are typed as they are shown: escapes are bytes', () => {
  const screen = filesScreen()
  screen.press('a')
  screen.type('caf\\xE9')
  screen.press('enter')
  assert.deepEqual(operations(screen.effects()), [{ do: 'makeFile', path: 'caf\xe9' }])
  screen.press('a')
  screen.type('bad\\escape')
  screen.press('enter')
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /escape/)
})

test('pasted text never runs as keys', () => {
  const screen = filesScreen()
  screen.send({ type: 'paste', text: 'dd\nY' })
  assert.deepEqual(screen.effects(), [])
  screen.press('a')
  screen.send({ type: 'paste', text: 'two\nlines' })
  assert.match(screen.bottom(), /: two lines$/)
})

test('the filter follows what is typed; Esc brings the one before back', () => {
  const screen = filesScreen()
  const names = () => screen.model().panes.files.rows.map(({ name }) => name)
  screen.press('f')
  screen.type('t')
  assert.deepEqual(names(), ['etc', 'fstab', 'motd', 'new.txt'])
  screen.type('a')
  assert.deepEqual(names(), ['fstab'])
  screen.press('escape')
  assert.deepEqual(names(), ['etc', 'fstab', 'motd', 'new.txt'])
  screen.press('f')
  screen.type('!t')
  screen.press('enter')
  assert.deepEqual(names(), [])
  screen.press('F')
  assert.equal(names().length, 4)
  screen.press('escape')
  assert.equal(screen.model().panes.files.filter, '')
})

test('search goes to the next row that holds the text, around the end', () => {
  const screen = filesScreen()
  screen.press('/')
  screen.type('mot')
  screen.press('enter')
  assert.equal(screen.model().panes.files.list.cursor, 2)
  screen.press('n')
  assert.equal(screen.model().panes.files.list.cursor, 2)
  screen.press('/')
  screen.type('etc')
  screen.press('enter')
  assert.equal(screen.model().panes.files.list.cursor, 0)
})

test('q goes back the way one came, and quits at the root', () => {
  const screen = filesScreen()
  screen.press('c w')
  screen.answer('status', report([changed('etc/fstab')]))
  screen.press('w')
  assert.equal(screen.model().pane, 'versions')
  screen.press('q')
  assert.equal(screen.model().pane, 'changes')
  screen.press('q')
  assert.equal(screen.model().pane, 'files')
  screen.effects()
  screen.press('q')
  assert.deepEqual(screen.effects(), [{ type: 'quit', code: 0 }])
})

test('a pane that one came through already is gone back to, not opened once more', () => {
  const screen = filesScreen()
  for (let round = 0; round < 3; round++) {
    screen.press('c')
    assert.equal(screen.model().pane, 'changes')
    screen.send({ type: 'show', pane: 'versions', target: { path: 'motd' } })
  }
  screen.press('q')
  assert.equal(screen.model().pane, 'changes')
  screen.press('q')
  assert.equal(screen.model().pane, 'files')
  screen.effects()
  screen.press('q')
  assert.deepEqual(screen.effects(), [{ type: 'quit', code: 0 }])
})

test('a message that is longer than the row takes the rows above, and never the whole screen', () => {
  const screen = createScreen({ columns: 40, rows: 12 })
  const text = Array.from({ length: 60 }, (_, word) => `word${word}`).join(' ')
  screen.send({ type: 'toast', text: text.slice(0, 70), kind: 'bad' })
  assert.equal(screen.bottom().replaceAll('\n', ' '), text.slice(0, 70))
  screen.send({ type: 'toast', text, kind: 'bad' })
  const rows = screen.bottom().split('\n')
  assert.equal(rows.length, 4)
  assert.ok(rows.every(row => row.length < 40))
  assert.match(rows[3] ?? '', /~$/)
})

test('q closes a detail that was opened from the list; an area beside the list is left with the screen', () => {
  for (const [columns, pane, quits] of [
    [80, '2', false],
    [45, '1', false],
    [80, '1', true],
  ] as const) {
    const screen = createScreen({ columns, rows: 24 })
    screen.answer('directory', [listed('fstab')])
    screen.press(pane)
    screen.press('tab')
    screen.effects()
    screen.press('q')
    const quit = screen.effects().some(({ type }) => type === 'quit')
    assert.equal(quit, quits, `${columns} ${pane}`)
    if (!quits) assert.equal(screen.model().focus, 'list')
  }
})

test('while an operation runs q asks first', () => {
  const screen = filesScreen()
  screen.send({
    type: 'work',
    work: { channel: 'operation', text: 'rollback to s1', done: 212, total: 348, unit: 'files', cancellable: true },
  })
  assert.match(screen.bottom(), /rollback to s1 {2}212\/348 files {2}X cancels/)
  screen.press('q')
  assert.deepEqual(screen.effects(), [])
  assert.match(screen.bottom(), /q again/)
  screen.press('q')
  assert.deepEqual(screen.effects(), [{ type: 'quit', code: 0 }])
})

test('after an operation it is said what was done and what was kept', () => {
  const screen = filesScreen()
  const operation = { do: 'restore', paths: ['etc/fstab'], to: 'now' } as const
  screen.send({ type: 'operated', operation, result: result({ protectedAs: '20261122-1200' }), lastSeq: 42 })
  assert.match(screen.bottom(), /brought back etc\/fstab #42, u undoes; before: 20261122-1200/)
  assert.match(screen.title(), /now #42/)
  assert.ok(screen.effects().some(effect => effect.type === 'ask' && effect.query.ask === 'status'))
})

test('after a cancelled operation it is said what is true', () => {
  const screen = filesScreen()
  const operation = { do: 'rollback', to: 's1' } as const
  const problem = { code: 'CANCELLED', text: 'Cancelled', hint: '' }
  screen.send({ type: 'operationFailed', operation, problem, lastSeq: 41 })
  assert.match(screen.bottom(), /nothing was recorded, nothing changed/)
  screen.send({ type: 'operationFailed', operation, problem, lastSeq: 43 })
  assert.match(screen.bottom(), /recorded up to #43/)
})

test('what was as recorded before it was edited here is kept at once; other edits wait', () => {
  const screen = filesScreen()
  screen.send({ type: 'edited', path: 'fstab', changed: true, wasRecorded: true })
  assert.deepEqual(operations(screen.effects()), [{ do: 'absorb', paths: ['fstab'] }])
  screen.send({ type: 'edited', path: 'motd', changed: true, wasRecorded: false })
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /A keeps it/)
})

test('an answer that comes for another directory is not taken', () => {
  const screen = filesScreen()
  screen.press('enter')
  screen.send({
    type: 'answer',
    channel: 'files.list',
    ask: 'directory',
    query: { ask: 'directory', path: '', at: undefined },
    answer: [listed('late')],
  })
  assert.notEqual(screen.model().panes.files.rows[0]?.name, 'late')
  screen.answer('directory', [listed('etc/fstab')])
  assert.equal(screen.model().panes.files.rows[0]?.name, 'fstab')
})

test('a directory that vanished gives way to its parent', () => {
  const screen = filesScreen()
  screen.press('enter')
  const query = { ask: 'directory', path: 'etc', at: undefined } as const
  screen.send({
    type: 'refused',
    channel: 'files.list',
    query,
    problem: { code: 'PATH_NOT_FOUND', text: 'gone', hint: '' },
  })
  assert.equal(screen.model().panes.files.path, '')
  assert.match(screen.bottom(), /etc is not there/)
})

test('a resize keeps the row under the cursor in sight', () => {
  const screen = createScreen()
  screen.answer(
    'directory',
    Array.from({ length: 500 }, (_, index) => listed(`f${String(index).padStart(3, '0')}`)),
  )
  screen.press('G')
  for (const [columns, rows] of [
    [40, 12],
    [160, 50],
    [80, 24],
    [20, 6],
  ] as const) {
    screen.send({ type: 'resize', size: { columns, rows } })
    const { cursor, top } = screen.model().panes.files.list
    assert.equal(cursor, 499)
    assert.ok(top <= 499 && top >= 499 - rows)
  }
})

test('a folder opened for reading only refuses to write, and says so', () => {
  const screen = createScreen({ open: false })
  screen.send({
    type: 'opened',
    root: { path: '/r', shownPath: '/r', access: 'read', notices: ['Open for reading only'] },
    lastSeq: 5,
  })
  screen.answer('directory', [listed('motd', { mark: '~' })])
  assert.match(screen.title(), /READ ONLY/)
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [])
  assert.match(screen.bottom(), /reading only/)
})

test('when a path came to differ does not move with later looks', () => {
  const screen = createScreen()
  const change = changed('etc/fstab')
  const lastLook = noon - 7200 * second
  screen.answer('status', report([change], { lastLook }))
  const first = screen.model().status.intervals.get('etc/fstab')
  assert.equal(first?.after, lastLook)
  screen.send({ type: 'treeChanged' })
  screen.answer('status', report([change, changed('etc/motd')], { lastLook: noon }))
  assert.deepEqual(screen.model().status.intervals.get('etc/fstab'), first)
  assert.ok((screen.model().status.intervals.get('etc/motd')?.after ?? 0) > noon)
  const text = changedWhen(change, screen.model().status.intervals, noon + 600 * second)
  assert.match(text, /^between last look 10:00 and 12:00, file time 11:00$/)
  const older = changed('etc/fstab', { disk: { kind: 'file', mode: 0o644, size: 5, mtime: lastLook - 60 * second } })
  assert.match(changedWhen(older, screen.model().status.intervals, noon), /^before last look 10:00, file time 09:59$/)
})
