// Repair from the screen: offered where `b` meets damage, said before it runs, and its result.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RepairReport } from '../../src/core/timeline/model.ts'
import type { Effect } from '../../src/ui/state/model.ts'
import type { Operation } from '../../src/ui/state/operation.ts'
import { equivalentLine } from '../../src/ui/state/selectors.ts'
import { plainText } from '../../src/ui/widgets/line.ts'
import { changed, createScreen, listed, report, type TestScreen } from './harness.ts'

const operations = (effects: readonly Effect[]): Operation[] =>
  effects.flatMap(effect => (effect.type === 'operate' ? [effect.operation] : []))

const panelText = (screen: TestScreen): string => {
  const top = screen.model().overlays.at(-1)
  return top?.kind === 'panel' ? [top.panel.title, ...top.panel.lines.map(plainText)].join('\n') : 'no panel'
}

const damaged = report([
  changed('etc/keys', { state: 'damaged', differs: [] }),
  changed('etc/fstab'),
  changed('etc/shadow', { state: 'damaged', differs: [] }),
])

function changesScreen(): TestScreen {
  const screen = createScreen()
  screen.answer('status', damaged)
  screen.effects()
  return screen
}

const mended = (more: Partial<RepairReport>): RepairReport => ({ rebuilt: [], restored: [], lost: [], ...more })
const finding = (path: string) =>
  ({ code: 'pack-entry-damaged', severity: 'damage', path, seq: 40, where: 'p' }) as const

test('b on a damaged path says what a repair does; Y alone runs it', () => {
  const screen = changesScreen()
  screen.press('b')
  assert.match(
    panelText(screen),
    /^repair, what it will do\nRepair etc\/keys\n.*changes no file of yours.*\$ sentctl repair$/s,
  )
  for (const key of ['b', 'enter', 'y', 'space']) screen.press(key)
  assert.deepEqual(operations(screen.effects()), [])
  screen.press('Y')
  assert.deepEqual(operations(screen.effects()), [{ do: 'repair', paths: ['etc/keys'] }])
  assert.equal(screen.model().overlays.length, 0)
})

test('Esc leaves it; what is not damaged is brought back as ever, also when both are marked', () => {
  const screen = changesScreen()
  screen.press('b escape')
  assert.deepEqual(operations(screen.effects()), [])
  screen.press('space space')
  screen.press('b')
  assert.match(panelText(screen), /Repair 2 paths\n {4}etc\/keys\n {4}etc\/shadow\nTheir recorded content/)
  screen.press('escape space b')
  assert.match(screen.bottom(), /b again brings back etc\/fstab; damaged, b on it\s+alone repairs: 2 paths/)
  screen.effects()
  screen.press('b')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['etc/fstab'], to: 'now' }])
})

test('Files offers the same, and a folder that is open for reading only refuses', () => {
  const screen = createScreen()
  screen.press('1')
  screen.answer('status', damaged)
  screen.answer('directory', [listed('etc/shadow', { mark: '!' }), listed('etc/other', { mark: '!' })])
  screen.effects()
  screen.press('b')
  assert.match(panelText(screen), /Repair etc\/shadow/)
  screen.press('escape')
  assert.equal(plainText(equivalentLine(screen.model())), '$ sentctl repair')
  // Another trouble than damage: the record is put in place again.
  screen.press('j b')
  assert.deepEqual(operations(screen.effects()), [{ do: 'restore', paths: ['etc/other'], to: 'now' }])

  const reader = createScreen({ open: false })
  reader.send({ type: 'opened', root: { path: '/r', shownPath: '/r', access: 'read', notices: [] }, lastSeq: 41 })
  reader.answer('status', damaged)
  reader.press('b')
  assert.match(reader.bottom(), /reading only/)
})

test('the result says what was mended in one row, and all of it where something is lost', () => {
  const screen = changesScreen()
  const operation = { do: 'repair', paths: ['etc/keys'] } as const
  screen.send({ type: 'repaired', operation, report: mended({ restored: [finding('etc/keys')] }), lastSeq: 42 })
  assert.equal(screen.bottom(), 'mended etc/keys #42; nothing is lost')
  assert.equal(screen.model().overlays.length, 0)
  assert.ok(screen.effects().some(effect => effect.type === 'ask' && effect.query.ask === 'status'))

  screen.send({ type: 'repaired', operation, report: mended({ rebuilt: ['recycle.trace'] }), lastSeq: 42 })
  assert.equal(screen.bottom(), 'nothing was damaged; rebuilt recycle.trace')

  const lost = mended({ restored: [finding('etc/shadow')], lost: [finding('etc/keys'), finding('etc/more')] })
  screen.send({ type: 'repaired', operation, report: lost, lastSeq: 43 })
  assert.match(screen.bottom(), /^mended etc\/shadow; lost for good: 2 findings #43$/)
  assert.match(
    panelText(screen),
    /^repair, result\nLost for good: 2 findings\n {2}pack-entry-damaged {2}etc\/keys, #40, p\n/,
  )
  assert.match(panelText(screen), /w and b bring an older version back/)
})
