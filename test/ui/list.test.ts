// Lists and areas: for any length, height and way of moving, the cursor is a row and the row is on the screen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { layoutOf } from '../../src/ui/state/layout.ts'
import { initialList, moved, settled } from '../../src/ui/state/list.ts'

test('the cursor is always visible, and the window holds as many rows as there are', () => {
  const step = fc.record({
    to: fc.integer({ min: -50, max: 5000 }),
    length: fc.integer({ min: 0, max: 2000 }),
    height: fc.integer({ min: 1, max: 60 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), steps => {
      let list = initialList
      for (const { to, length, height } of steps) {
        list = moved(settled(list, length, height), to, length, height)
        assert.ok(list.cursor >= 0 && list.cursor <= Math.max(0, length - 1))
        assert.ok(list.cursor >= list.top && list.cursor < list.top + height)
        assert.ok(list.top >= 0 && list.top <= Math.max(0, length - height))
      }
    }),
  )
})

test('one step scrolls by one row at most', () => {
  let list = initialList
  for (let row = 0; row < 100; row++) {
    const next = moved(list, row, 100, 10)
    assert.ok(Math.abs(next.top - list.top) <= 1)
    list = next
  }
})

test('areas fill the screen and never more, for any size', () => {
  const pane = fc.record({
    arrangement: fc.constantFrom('side' as const, 'below' as const),
    narrow: fc.constantFrom('single' as const, 'both' as const),
    focus: fc.constantFrom('list' as const, 'detail' as const),
    listShare: fc.integer({ min: 30, max: 60 }),
    enlarged: fc.boolean(),
    isTrace: fc.boolean(),
    hasVersions: fc.boolean(),
  })
  const size = fc.record({ columns: fc.integer({ min: 20, max: 300 }), rows: fc.integer({ min: 6, max: 120 }) })
  fc.assert(
    fc.property(size, pane, ({ columns, rows }, arrangement) => {
      const { list, detail, aside, strip, messageRow } = layoutOf({ columns, rows }, arrangement)
      const body = rows - (messageRow ? 3 : 2) - (strip?.height ?? 0)
      assert.ok(list !== undefined || detail !== undefined)
      const columnsLeft = columns - (aside === undefined ? 0 : aside.width + 1)
      for (const area of [list, detail, aside, strip])
        if (area !== undefined) assert.ok(area.width > 0 && area.height > 0)
      if (list !== undefined && detail?.place === 'right') assert.equal(list.width + 1 + detail.width, columnsLeft)
      else for (const area of [list, detail]) if (area !== undefined) assert.equal(area.width, columnsLeft)
      const heights = (list?.height ?? 0) + (detail?.place === 'below' ? detail.height + 1 : 0)
      if (detail?.place === 'right') assert.equal(detail.height, body)
      assert.equal(detail?.place === 'alone' ? detail.height : heights, body)
    }),
    { numRuns: 500 },
  )
})

test('below 80 columns there is one area, from 80 on two, from 140 on the Trace as well', () => {
  const files = {
    arrangement: 'side',
    narrow: 'single',
    focus: 'list',
    listShare: 49,
    enlarged: false,
    isTrace: false,
    hasVersions: true,
  } as const
  const narrow = layoutOf({ columns: 40, rows: 12 }, files)
  assert.deepEqual(narrow, {
    list: { width: 40, height: 10 },
    detail: undefined,
    aside: undefined,
    strip: undefined,
    messageRow: false,
  })
  const usual = layoutOf({ columns: 80, rows: 24 }, files)
  assert.deepEqual(usual.list, { width: 39, height: 22 })
  assert.deepEqual(usual.detail, { width: 40, height: 22, place: 'right' })
  assert.equal(usual.strip, undefined)
  const wide = layoutOf({ columns: 160, rows: 40 }, files)
  assert.ok(wide.list !== undefined && wide.detail !== undefined && wide.strip !== undefined && wide.messageRow)
})
