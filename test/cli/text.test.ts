// Texts made of data that real folders rarely have: damage, losses, denials, long lists.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainStyle } from '../../src/cli/style.ts'
import { changeText, modeText } from '../../src/cli/text/entries.ts'
import { render as renderOperation } from '../../src/cli/text/operation.ts'
import { shortened, shownPath } from '../../src/cli/text/paths.ts'
import { render as renderRecord } from '../../src/cli/text/record.ts'
import type { TextContext } from '../../src/cli/text/renderers.ts'
import { render as renderRepair } from '../../src/cli/text/repair.ts'
import { render as renderVerify } from '../../src/cli/text/verify.ts'

const context: TextContext = { style: plainStyle, width: 80, terminal: false, base: '', args: {} }

test('a shown path leads from where one stands to what is meant', () => {
  const name = fc.constantFrom('a', 'b', 'etc')
  const somewhere = fc.array(name, { maxLength: 4 }).map(parts => parts.join('/'))
  fc.assert(
    fc.property(somewhere, somewhere, (target, base) => {
      const shown = shownPath(target, base)
      assert.equal(path.posix.join('/', base, shown).replace(/\/$/, ''), target === '' ? '' : `/${target}`)
    }),
  )
  assert.equal(shownPath('etc', 'etc'), '.')
  assert.equal(shownPath('etc/a', 'etc'), 'a')
  assert.equal(shownPath('etcetera', 'etc'), '../etcetera')
  assert.equal(shownPath('', ''), '.')
})

test('long lists say how much is left out', () => {
  assert.deepEqual(shortened(['a', 'b', 'c'], 2, 3, ': --all'), ['a', 'b', '  ... and 1 more: --all'])
  assert.deepEqual(shortened(['a', 'b'], 2, 50, ''), ['a', 'b', '  ... and 48 more'])
  assert.deepEqual(shortened(['a', 'b'], 2, 2, ''), ['a', 'b'])
})

test('modes as ls shows them', () => {
  assert.equal(modeText('file', '0644'), '-rw-r--r--')
  assert.equal(modeText('dir', '1777'), 'drwxrwxrwt')
  assert.equal(modeText('file', '4755'), '-rwsr-xr-x')
  assert.equal(modeText('file', '2640'), '-rw-r-S---')
  assert.equal(modeText('symlink', '0777'), 'lrwxrwxrwx')
})

test('what changed, in a few words', () => {
  const file = { kind: 'file', mode: '0644', size: 310, object: 'x' } as const
  const change = { path: 'a', change: 'changed' } as const
  assert.equal(changeText({ ...change, before: file, after: { ...file, size: 412, object: 'y' } }), '310 -> 412')
  assert.equal(changeText({ ...change, before: file, after: { ...file, object: 'y' } }), 'content, 310')
  assert.equal(changeText({ ...change, before: file, after: { ...file, mode: '0600' } }), 'mode 0644 -> 0600')
  assert.equal(changeText({ ...change, before: file, after: { ...file, kind: 'symlink' } }), 'file -> symlink')
  assert.equal(changeText({ ...change, before: file, after: undefined }), 'file 0644, 310')
})

test('verify names each damage with what was expected and found', () => {
  const text = renderVerify(
    {
      damaged: true,
      drifted: false,
      checks: [
        { name: 'records', checked: 12, findings: 0, text: '12 records: frames, chain' },
        { name: 'objects', checked: 30, findings: 1, text: '30 objects against their names' },
      ],
      findings: [
        {
          code: 'pack-entry-damaged',
          severity: 'damage',
          path: 'etc/shadow',
          where: 'packs/1.pack, byte 88',
          expected: 'CRC 1',
          found: 'CRC \x1b[2J',
        },
      ],
      lostPlaces: [],
    },
    { ...context, base: 'home' },
  )
  assert.equal(
    text,
    [
      'ok  12 records: frames, chain',
      '1   30 objects against their names',
      '',
      '  pack-entry-damaged  ../etc/shadow, packs/1.pack, byte 88',
      '      expected CRC 1, found CRC \\u{1b}[2J',
      '',
      'Damage was found. Nothing was changed: sentctl repair mends what can be mended.',
      '',
    ].join('\n'),
  )
})

test('repair says what is lost for good, where, and what can be done: there the advice ends', () => {
  const text = renderRepair(
    {
      rebuilt: ['pack index 1'],
      restored: [],
      lost: [{ code: 'object-missing', severity: 'damage', path: 'a' }],
      lostPlaces: [{ path: 'a', object: 'bafk', snapshots: ['one', 'two'], now: false }],
    },
    context,
  )
  assert.equal(
    text,
    [
      'Cannot be mended (1):',
      '  object-missing  a',
      'Lost for good, 1 path:',
      '  a  in one, two',
      'All else is whole, and can be used as ever. What you can do:',
      '  Put a copy of the file at its path (another device, a backup), then run sentctl repair.',
      '  Or let go of the states that need it: sentctl snapshot rm one two, then sentctl gc.',
      'Made anew from the history, as every repair does: pack index 1.',
      '',
    ].join('\n'),
  )
})

test('repair says that nothing was damaged first, and shortens a long list', () => {
  const nothing = renderRepair({ rebuilt: ['.db'], restored: [], lost: [], lostPlaces: [] }, context)
  assert.match(nothing, /^Nothing was damaged\.\n/)
  const lost = Array.from({ length: 450 }, (_, i) => ({
    ...{ code: 'object-missing', severity: 'damage' as const, path: `f${i}` },
  }))
  const many = renderRepair({ rebuilt: [], restored: [], lost, lostPlaces: [] }, context)
  assert.equal(many.split('\n').length, 203)
  assert.match(many, /\.\.\. and 250 more: sentctl repair --json lists all/)
})

test('an operation says what it kept, what it left alone and what is not visible yet', () => {
  const text = renderOperation(
    {
      seq: 7,
      action: 'rollback',
      summary: 'rollback to first',
      changedCount: 25,
      changed: Array.from({ length: 25 }, (_, i) => ({ path: `f${i}` })),
      protectedAs: 'kept-1',
      drifted: [{ path: 'busy' }],
      unapplied: [{ path: 'locked' }],
      notices: [{ code: 'clock', text: 'the clock went back' }],
    },
    context,
  )
  const lines = text.split('\n')
  assert.equal(lines[0], '#7  rollback to first')
  assert.equal(lines[21], '  ... and 5 more')
  assert.match(lines[22]!, /kept as snapshot kept-1; .*--to kept-1/)
  assert.deepEqual(lines.slice(23), [
    'Left alone, changed outside meanwhile (1):',
    '  busy',
    'Recorded, but not visible yet (1):',
    '  locked',
    'the clock went back',
    '',
  ])
})

test('a denied record and a doubtful time are seen in the list', () => {
  const text = renderRecord(
    {
      seq: 3,
      time: '2026-01-02T03:04:05.000000Z',
      actor: 'box:web',
      action: 'put',
      subject: { kind: 'file', id: 'a' },
      effect: 'deny',
      rule: 'web.zky:22',
      changed: 0,
      root: '',
      leaf: '',
      doubtful: true,
      forgotten: false,
      summary: 'put a',
      fields: {},
    },
    context,
  )
  assert.match(text, /^#3 {5}2026-01-0\d \d\d:\d\d:05 {2}box:web {3}put a {2}denied, time doubtful\n$/)
})
