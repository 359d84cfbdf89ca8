// Text in cells: widths are kept exactly, and nothing that comes from a file can do anything but be read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { builtInTheme, createPainter } from '../../src/ui/theme/theme.ts'
import { bytesText, dayNumber, modeText, sizeText, whenText } from '../../src/ui/widgets/format.ts'
import {
  endsLine,
  fitLine,
  type Line,
  lineWidth,
  plainText,
  type Role,
  span,
  wrapLine,
} from '../../src/ui/widgets/line.ts'
import { cellWidth, cut, cutStart, fit, fitRight, safeText, wrap } from '../../src/ui/widgets/text.ts'

const anyText = fc.string({
  unit: fc.constantFrom('a', 'Z', ' ', '0', 'é', '漢', '字', '🙂', '́', 'ß', '…'),
  maxLength: 40,
})
const width = fc.integer({ min: 0, max: 60 })

test('what is fitted has exactly the width', () => {
  fc.assert(
    fc.property(anyText, width, (text, cells) => {
      assert.equal(cellWidth(fit(text, cells)), cells)
      assert.equal(cellWidth(fitRight(text, cells)), cells)
      assert.ok(cellWidth(cut(text, cells)) <= cells)
      assert.ok(cellWidth(cutStart(text, cells)) <= cells)
      assert.equal(lineWidth(fitLine([span(text, 'strong'), span(text)], cells)), cells)
      assert.equal(lineWidth(endsLine([span(text)], [span('#42', 'dim')], cells)), cells)
    }),
  )
})

test('what fits is kept as it is', () => {
  fc.assert(
    fc.property(anyText, text => {
      const cells = Math.max(1, cellWidth(text))
      assert.equal(cut(text, cells), text)
      assert.equal(cutStart(text, cells), text)
    }),
  )
})

test('wide characters count two cells, marks none', () => {
  assert.equal(cellWidth('漢字'), 4)
  assert.equal(cellWidth('🙂'), 2)
  assert.equal(cellWidth('é'), 1)
  assert.equal(cut('漢字漢', 4), '漢~')
})

test('foreign text can not move the cursor, change colours or reorder what is beside it', () => {
  const foreign = fc.string({
    unit: fc.constantFrom(
      '\x1b',
      '[',
      '2',
      'J',
      'm',
      '\r',
      '\b',
      '\0',
      '\x9b',
      '‮',
      '​',
      ' ',
      'x',
      '漢',
      '\u{e0001}',
      '\ud800',
    ),
    maxLength: 30,
  })
  fc.assert(
    fc.property(foreign, text => {
      assert.doesNotMatch(safeText(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    }),
  )
  assert.equal(safeText('a\tb'), 'a    b')
  assert.equal(safeText('\x1b[31mred'), '\\x1B[31mred')
})

test('a line that is too long goes on in the next rows, whole and in its roles', () => {
  const spans = fc.array(
    fc.record({ text: fc.stringMatching(/^[a-z漢 ]{0,30}$/), role: fc.constantFrom('plain', 'bad') }),
  )
  fc.assert(
    fc.property(spans, fc.integer({ min: 4, max: 40 }), (parts, width) => {
      const line = parts as Line
      const rows = wrapLine(line, width)
      for (const row of rows) assert.ok(lineWidth(row) <= width, plainText(row))
      const squeezed = (some: readonly Line[], role: string): string =>
        some
          .flat()
          .filter(span => span.role === role)
          .map(({ text }) => text)
          .join('')
          .replaceAll(' ', '')
      for (const role of ['plain', 'bad']) assert.equal(squeezed(rows, role), squeezed([line], role))
    }),
  )
  assert.deepEqual(wrapLine([span('  b   ', 'key'), span('bring back what is recorded')], 20).map(plainText), [
    '  b   bring back ',
    '      what is ',
    '      recorded',
  ])
})

test('wrapped lines hold all words and fit', () => {
  const text = 'between last look 22:41 and now, file time 03:14'
  for (const cells of [10, 20, 38]) {
    const lines = wrap(text, cells)
    assert.ok(lines.every(line => line.length <= cells))
    assert.equal(lines.join(' '), text)
  }
})

test('without colours the selection is still told apart', () => {
  const mono = createPainter(builtInTheme, { colour: false, unicode: true })
  const roles: Role[] = ['selected', 'cursor', 'damaged', 'past', 'marked']
  for (const role of roles) assert.match(mono([span('x', role)]), /\x1b\[[147;]+m/, role)
  for (const role of Object.keys(builtInTheme) as Role[])
    assert.doesNotMatch(mono([span('x', role)]), /\x1b\[[\d;]*(?:3\d|9\d)m/)
})

test('an ASCII terminal gets nothing but ASCII, in the same width', () => {
  const ascii = createPainter(builtInTheme, { colour: false, unicode: false })
  assert.equal(ascii([span('naïve')]), 'na?ve')
})

test('sizes take at most five cells', () => {
  for (let exponent = 0; exponent < 52; exponent++)
    for (const bytes of [2 ** exponent - 1, 2 ** exponent, 2 ** exponent * 1.5])
      assert.ok(sizeText(Math.round(bytes)).length <= 5, `${bytes}`)
  assert.equal(sizeText(310), '310')
  assert.equal(sizeText(1234), '1.2k')
})

test('sizes in sentences have a unit', () => {
  assert.deepEqual([0, 3, 310, 1229, 50_331_648].map(bytesText), ['0 B', '3 B', '310 B', '1.2 kB', '48 MB'])
})

test('times are a clock today, a day this year, a month before', () => {
  const now = new Date(2026, 10, 22, 7, 12).getTime() * 1000
  assert.equal(whenText(new Date(2026, 10, 22, 3, 14).getTime() * 1000, now), '03:14')
  assert.equal(whenText(new Date(2026, 9, 2).getTime() * 1000, now), '02 Oct')
  assert.equal(whenText(new Date(2024, 9, 2).getTime() * 1000, now), 'Oct 24')
  assert.equal(whenText(0, now), '')
  assert.equal(dayNumber(now) - dayNumber(new Date(2026, 10, 21, 23, 59).getTime() * 1000), 1)
})

test('modes read as ls writes them', () => {
  assert.equal(modeText(0o644), 'rw-r--r--')
  assert.equal(modeText(0o4755), 'rwsr-xr-x')
  assert.equal(modeText(0o1777), 'rwxrwxrwt')
})

test('a line says the same in any width that holds it', () => {
  assert.equal(plainText(endsLine([span('left')], [span('right')], 12)), 'left   right')
})
