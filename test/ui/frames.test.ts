// The output seam: after any sequence of frames a real terminal shows the last one, cell for cell.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import xterm from '@xterm/headless'
import fc from 'fast-check'
import { type Frame, frameBytes } from '../../src/ui/screen/frames.ts'
import { detectProfile } from '../../src/ui/screen/profile.ts'

const columns = 20
const rows = 6

const written = (terminal: InstanceType<typeof xterm.Terminal>, bytes: string): Promise<void> =>
  new Promise(resolve => terminal.write(bytes, resolve))

const shown = (terminal: InstanceType<typeof xterm.Terminal>): string[] =>
  Array.from({ length: rows }, (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? '')

const row = fc.oneof(
  fc.constant(''),
  fc.string({ unit: fc.constantFrom('a', 'b', '-', ' '), maxLength: columns }).map(text => text.trimEnd()),
  fc.constant('x'.repeat(columns)),
  fc.constant('\x1b[7mselected\x1b[0m and not'),
  fc.constant('漢字漢字'),
)
const frame = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: rows }),
  cursor: fc.option(fc.record({ row: fc.nat(rows - 1), column: fc.nat(columns - 1) }), { nil: undefined }),
})

test('the terminal shows the last frame of any sequence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async frames => {
      const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
      await written(terminal, 'what was there before\r\nand more')
      let before: Frame | undefined
      for (const next of frames) {
        const after: Frame = { ...next, columns }
        await written(terminal, frameBytes(before, after))
        before = after
      }
      const wanted = before?.rows.map(text => text.replace(/\x1b\[[\d;]*m/g, '')) ?? []
      assert.deepEqual(shown(terminal), [...wanted, ...Array<string>(rows - wanted.length).fill('')])
      if (before?.cursor !== undefined) {
        const { cursorX, cursorY } = terminal.buffer.active
        assert.deepEqual([cursorY, cursorX], [before.cursor.row, before.cursor.column])
      }
      terminal.dispose()
    }),
    { numRuns: 150 },
  )
})

test('the same frame again costs nothing, one changed row only itself', () => {
  const before: Frame = { rows: ['one', 'two', 'three'], columns, cursor: undefined }
  assert.equal(frameBytes(before, { ...before }), '')
  const bytes = frameBytes(before, { ...before, rows: ['one', 'TWO', 'three'] })
  assert.equal(bytes, '\x1b[2;1HTWO\x1b[K')
})

test('the profile follows TERM, NO_COLOR and the locale', () => {
  const utf8 = { LANG: 'en_US.UTF-8' }
  assert.equal(detectProfile({ ...utf8, TERM: 'xterm-256color' }, undefined).name, 'full')
  assert.deepEqual(detectProfile({ ...utf8, TERM: 'xterm', NO_COLOR: '1' }, undefined), {
    name: 'mono',
    colour: false,
    unicode: true,
  })
  assert.equal(detectProfile({ ...utf8, TERM: 'xterm', NO_COLOR: '' }, undefined).colour, true)
  assert.equal(detectProfile({ ...utf8, TERM: 'vt100' }, undefined).name, 'ascii')
  assert.equal(detectProfile({ TERM: 'xterm', LANG: 'C' }, undefined).unicode, false)
  assert.equal(detectProfile({ ...utf8, LC_ALL: 'C', TERM: 'xterm' }, undefined).unicode, false)
  assert.equal(detectProfile({ ...utf8, TERM: 'linux' }, undefined).unicode, false)
  assert.equal(detectProfile({ TERM: 'dumb' }, 'mono').name, 'mono')
})
