// The progress line: when it appears, what it says, and that it goes away.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgressLine, progressText } from '../../src/cli/progress.ts'

function watched(columns?: number) {
  let written = ''
  let now = 0
  const line = createProgressLine(
    { write: text => (written += text), ...(columns === undefined ? {} : { columns }) },
    () => now,
  )
  return {
    line,
    at(ms: number) {
      now = ms
    },
    take() {
      const text = written
      written = ''
      return text
    },
  }
}

const step = (done: number, total?: number) =>
  ({ phase: 'reading', done, unit: 'files', ...(total === undefined ? {} : { total }) }) as const

test('short work shows nothing', () => {
  const { line, at, take } = watched()
  line.show(step(1, 10))
  at(200)
  line.show(step(9, 10))
  line.clear()
  assert.equal(take(), '')
})

test('long work shows amount, rate and remaining time, on one line that is cleared', () => {
  const { line, at, take } = watched()
  line.show(step(0, 1000))
  at(1000)
  line.show(step(100, 1000))
  assert.equal(take(), '\rreading 100 of 1,000 files, 100/s, 9 s left\x1b[K')
  line.clear()
  assert.equal(take(), '\r\x1b[K')
  line.clear()
  assert.equal(take(), '')
})

test('it is drawn at most ten times a second', () => {
  const { line, at, take } = watched()
  for (let ms = 0; ms <= 1300; ms += 10) {
    at(ms)
    line.show(step(ms, 2000))
  }
  assert.equal(take().split('\r').length - 1, 11)
})

test('the rate follows the last seconds, and starts again with a new phase', () => {
  const { line, at, take } = watched()
  for (let ms = 0; ms <= 10_000; ms += 100) {
    at(ms)
    line.show(step(ms <= 5000 ? ms : 5000 + (ms - 5000) / 10))
  }
  assert.match(take().split('\r').at(-1)!, /^reading 5,500 files, 100\/s/)
  at(10_200)
  line.show({ phase: 'writing', done: 5, unit: 'files' })
  assert.equal(take(), '\rwriting 5 files\x1b[K')
})

test('it never wraps on a narrow terminal', () => {
  const { line, at, take } = watched(30)
  line.show(step(0, 1_000_000))
  at(1000)
  line.show(step(100_000, 1_000_000))
  const shown = take().slice(1, -3)
  assert.ok(shown.length < 30, shown)
})

test('bytes are shown as sizes', () => {
  assert.equal(
    progressText({ phase: 'hashing', done: 2048, total: 4096, unit: 'bytes' }, 1024),
    'hashing 2.0k of 4.0k bytes, 1.0k/s, 2 s left',
  )
})
