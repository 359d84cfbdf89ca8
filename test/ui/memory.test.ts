// Where somebody was on the screen: what is remembered of a model, that it survives the file, and what the next start
// makes of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeSession, encodeSession, type ScreenMemory, type Session } from '../../src/core/format/session.ts'
import { initRoot, openSystem } from '../../src/core/system.ts'
import type { Work } from '../../src/core/timeline/model.ts'
import { createSessionKeeper, killedText } from '../../src/ui/effects/session.ts'
import { memoryOf } from '../../src/ui/state/memory.ts'
import { buildTree, makeTemporaryFolder } from '../support/host.ts'
import { changed, createScreen, listed, noon, report } from './harness.ts'

const sessionOf = (screen: ScreenMemory): Session => ({
  id: '0123456789abcdef',
  process: 1,
  saved: noon,
  ended: true,
  lastSeq: 41,
  operation: '',
  screen,
})

const through = (screen: ScreenMemory): ScreenMemory => decodeSession(encodeSession(sessionOf(screen))).screen

/** The next screen, opened with what the one before left. */
function restarted(memory: ScreenMemory, killed?: string) {
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
  const killed = restarted(memory, 'Killed 14:02. This is where you were')
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
  const screen = restarted(memory, 'Killed 14:02. What you typed is in the prompt')
  assert.deepEqual(
    screen.effects().filter(({ type }) => type === 'operate'),
    [],
  )
  assert.match(screen.bottom(), /new name/)
  screen.press('escape')
  assert.deepEqual(screen.model().overlays, [])
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
    assert.match(killedText(system, kept()) ?? '', /^Killed \d\d:\d\d\. What you typed is in the prompt$/)
    screen.press('escape')
    keeper.changed(screen.model())
    keeper.operation('delete etc/a')
    assert.equal(kept().operation, 'delete etc/a')
    assert.match(killedText(system, kept()) ?? '', /^Killed .*\. delete etc\/a: not recorded, nothing changed$/)
    await ended(system.remove(['a']))
    const records = system.now().records
    assert.match(killedText(system, kept()) ?? '', new RegExp(`^Killed .*a, #${records - 1}, was recorded: u undoes$`))
    keeper.operation('')
    assert.match(killedText(system, kept()) ?? '', /This is where you were$/)
    keeper.end(true)
    assert.equal(killedText(system, kept()), undefined)
    await system.close()
  } finally {
    remove()
  }
})
