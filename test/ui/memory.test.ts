// Where somebody was on the screen: what is remembered of a model, that it survives the file, and what the next start
// makes of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeSession, encodeSession, type ScreenMemory, type Session } from '../../src/core/format/session.ts'
import { initRoot, openSystem } from '../../src/core/system.ts'
import type { Work } from '../../src/core/timeline/model.ts'
import { createSessionKeeper, killedSession } from '../../src/ui/effects/session.ts'
import { type Killed, memoryOf } from '../../src/ui/state/memory.ts'
import type { Operation } from '../../src/ui/state/operation.ts'
import { operationOfStored, storedOperation } from '../../src/ui/state/storedOperation.ts'
import { buildTree, makeTemporaryFolder } from '../support/host.ts'
import { changed, createScreen, listed, noon, report } from './harness.ts'

const sessionOf = (screen: ScreenMemory): Session => ({
  id: '0123456789abcdef',
  process: 1,
  saved: noon,
  ended: true,
  lastSeq: 41,
  operation: '',
  again: '',
  screen,
})

const through = (screen: ScreenMemory): ScreenMemory => decodeSession(encodeSession(sessionOf(screen))).screen

/** The next screen, opened with what the one before left. */
function restarted(memory: ScreenMemory, killed?: Killed) {
  const screen = createScreen({ open: false })
  screen.send({
    type: 'opened',
    root: { path: '/r', shownPath: '~/r', access: 'write', notices: [] },
    lastSeq: 41,
    last: { screen: through(memory), killed },
  })
  return screen
}

const names = ['etc/a', 'etc/ab', 'etc/n\xc3\xafb', 'etc/c']

function inEtc() {
  const screen = createScreen()
  screen.answer('directory', [listed('etc', { kind: 'dir' })])
  screen.press('enter')
  screen.answer(
    'directory',
    names.map(name => listed(name)),
  )
  screen.press('f')
  screen.type('b')
  screen.press('enter j')
  return screen
}

test('a screen that was left goes on in its directory, with its filter, on its row', () => {
  const memory = memoryOf(inEtc().model())
  assert.deepEqual([memory.pane, memory.path], ['files', 'etc/n\xc3\xafb'])
  const screen = restarted(memory)
  assert.equal(screen.model().toast, undefined)
  screen.answer(
    'directory',
    names.map(name => listed(name)),
  )
  const { files } = screen.model().panes
  assert.deepEqual([files.path, files.filter, files.rows.length], ['etc', 'b', 2])
  assert.equal(files.rows[files.list.cursor]?.path, 'etc/n\xc3\xafb')
  assert.deepEqual(memoryOf(screen.model()), memory)
})

test('another pane is shown again, and q leads where it led', () => {
  const before = inEtc()
  before.press('w')
  assert.equal(before.model().pane, 'versions')
  const screen = restarted(memoryOf(before.model()))
  assert.deepEqual([screen.model().pane, screen.model().panes.versions.path], ['versions', 'etc/n\xc3\xafb'])
  screen.press('q')
  assert.equal(screen.model().pane, 'files')
  before.press('2')
  before.press('g g')
  const trace = restarted(memoryOf(before.model())).model()
  assert.deepEqual([trace.pane, trace.panes.trace.follow, trace.panes.trace.list.cursor], ['trace', false, 0])
})

test('what changed outside comes first, unless the screen was killed', () => {
  const memory = memoryOf(inEtc().model())
  const first = restarted(memory)
  first.answer('status', report([changed('etc/motd')]))
  assert.equal(first.model().pane, 'changes')
  const killed = restarted(memory, { text: 'Killed 14:02. This is where you were' })
  killed.answer('status', report([changed('etc/motd')]))
  assert.equal(killed.model().pane, 'files')
  assert.match(killed.bottom(), /Killed 14:02\. This is where you were/)
})

test('what was half-typed is in its prompt again; Esc leaves it, nothing runs by itself', () => {
  const before = inEtc()
  before.press('a')
  before.type('new name')
  const memory = memoryOf(before.model())
  assert.equal(memory.prompt?.text, 'new name')
  const screen = restarted(memory, { text: 'Killed 14:02. What you typed is in the prompt' })
  assert.deepEqual(
    screen.effects().filter(({ type }) => type === 'operate'),
    [],
  )
  assert.match(screen.bottom(), /new name/)
  screen.press('escape')
  assert.deepEqual(screen.model().overlays, [])
})

const killed: Killed = {
  text: 'Killed 14:02. copy a to b: not recorded, nothing changed',
  again: { do: 'copy', from: ['a'], to: 'b' },
}

test('what was killed before it was recorded is run again by Enter, and by nothing else', () => {
  const memory = memoryOf(inEtc().model())
  const screen = restarted(memory, killed)
  assert.match(screen.bottom(), /copy a to b: not recorded, nothing changed\. Enter runs it\s+again/)
  const operations = () => screen.effects().filter(({ type }) => type === 'operate')
  assert.deepEqual(operations(), [])
  screen.press('enter')
  assert.deepEqual(operations(), [{ type: 'operate', operation: killed.again }])
  screen.press('enter')
  assert.deepEqual(operations(), [])

  const left = restarted(memory, killed)
  left.press('escape enter')
  assert.deepEqual(
    left.effects().filter(({ type }) => type === 'operate'),
    [],
  )
  const other = restarted(memory, killed)
  other.press('2')
  assert.equal(other.model().pane, 'trace')
  assert.equal(other.model().armed, undefined)
})

test('a prompt that was half-typed has the keys; a folder that is only read runs nothing', () => {
  const before = inEtc()
  before.press('a')
  before.type('x')
  assert.equal(restarted(memoryOf(before.model()), killed).model().armed, undefined)
  const screen = createScreen({ open: false })
  screen.send({
    type: 'opened',
    root: { path: '/r', shownPath: '~/r', access: 'read', notices: [] },
    lastSeq: 41,
    last: { screen: memoryOf(inEtc().model()), killed },
  })
  assert.equal(screen.model().armed, undefined)
})

test('an operation is the same after a round; what the screen could not have asked for is none', () => {
  const operations: readonly Operation[] = [
    { do: 'restore', paths: ['a', 'n\xff'], to: 'now', hunks: [1], as: 'b' },
    { do: 'restore', paths: [''], to: '#3' },
    { do: 'absorb', paths: [''] },
    { do: 'remove', paths: ['a'] },
    { do: 'move', from: ['a'], to: '' },
    { do: 'copy', from: ['a'], to: 'b' },
    { do: 'makeDirectory', path: 'd' },
    { do: 'makeFile', path: 'f' },
    { do: 'setMode', paths: ['a'], mode: 0o4755 },
    { do: 'rollback', to: 'all well' },
    { do: 'undo', seq: 3 },
    { do: 'redo' },
    { do: 'snapshot', label: '' },
    { do: 'label', name: 's', label: 'x' },
    { do: 'pin', name: 's', pinned: false },
    { do: 'removeSnapshot', name: 's' },
    { do: 'repair', paths: [] },
  ]
  for (const operation of operations) assert.deepEqual(operationOfStored(storedOperation(operation)), operation)
  const wrong: readonly unknown[] = [
    null,
    [],
    { do: 'toString' },
    { do: 'remove' },
    { do: 'remove', paths: 'a' },
    { do: 'remove', paths: ['../a'] },
    { do: 'remove', paths: ['/etc'] },
    { do: 'remove', paths: ['Ω'] },
    { do: 'remove', paths: ['a'], recursive: true },
    { do: 'setMode', paths: ['a'], mode: 0o10000 },
    { do: 'undo', seq: -1 },
    { do: 'pin', name: 's', pinned: 'yes' },
  ]
  for (const one of wrong) assert.equal(operationOfStored(JSON.stringify(one)), undefined, JSON.stringify(one))
  assert.equal(operationOfStored(''), undefined)
  assert.equal(operationOfStored('{'), undefined)
  assert.equal(storedOperation({ do: 'absorb', paths: Array.from({ length: 999 }, (_, at) => `path/${at}`) }), '')
})

test('a memory of another program is left out where it does not fit', () => {
  const memory: ScreenMemory = {
    pane: 'peers',
    focus: 'list',
    path: '',
    past: '',
    searched: '',
    panes: { peers: { open: true }, files: { directory: 7, sort: 'colour', filter: true }, trace: { seq: -5 } },
    prompt: null,
  }
  const { pane, panes } = restarted(memory).model()
  assert.deepEqual([pane, panes.files.path, panes.files.sort, panes.files.filter], ['files', '', 'name', ''])
})

async function ended<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done === true) return step.value
  }
}

test('it is kept when an operation begins, while somebody pauses, and at the end; the next start says what became of it', async () => {
  const { host, path, directory, remove } = makeTemporaryFolder()
  try {
    buildTree(directory, { a: 'one' })
    await ended(initRoot(host, { path, zk: true }))
    const session = '0123456789abcdef'
    const system = await openSystem(host, { rootPath: path, access: 'write', session })
    const kept = (): Session => {
      const home = directory.child('.intent')!.child('sessions')!
      const file = home.open(`${session}.json`, 'read')
      const bytes = new Uint8Array(file.stat().size)
      file.read(bytes, 0, bytes.length, 0)
      file.close()
      assert.equal(home.stat(`${session}.json`)!.mode, 0o600)
      return decodeSession(bytes)
    }
    const keeper = createSessionKeeper(system)
    const screen = inEtc()
    keeper.changed(screen.model())
    assert.deepEqual([kept().ended, kept().operation, kept().screen.path], [false, '', 'etc/n\xc3\xafb'])
    screen.press('a')
    screen.type('half')
    keeper.changed(screen.model())
    assert.equal(kept().screen.prompt, null)
    for (let waited = 0; kept().screen.prompt === null && waited < 10_000; waited += 50)
      await new Promise(go => setTimeout(go, 50))
    assert.equal(kept().screen.prompt?.text, 'half')
    assert.match(killedSession(system, kept())?.text ?? '', /^Killed \d\d:\d\d\. What you typed is in the prompt$/)
    screen.press('escape')
    keeper.changed(screen.model())
    const running = { do: 'remove', paths: ['etc/a'] } as const
    keeper.operation(running)
    assert.equal(kept().operation, 'delete etc/a')
    assert.deepEqual(killedSession(system, kept())?.again, running)
    assert.match(
      killedSession(system, kept())?.text ?? '',
      /^Killed .*\. delete etc\/a: not recorded, nothing changed$/,
    )
    await ended(system.remove(['a']))
    assert.equal(killedSession(system, kept())?.again, undefined)
    const records = system.now().records
    assert.match(
      killedSession(system, kept())?.text ?? '',
      new RegExp(`^Killed .*a, #${records - 1}, was recorded: u undoes$`),
    )
    keeper.operation(undefined)
    assert.match(killedSession(system, kept())?.text ?? '', /This is where you were$/)
    keeper.end(true)
    assert.equal(killedSession(system, kept()), undefined)
    await system.close()
  } finally {
    remove()
  }
})
