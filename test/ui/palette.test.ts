// The palette and the lines of sentctl: what the screen shows as a command line is one, and verbs get the arguments that
// the command line would give them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../src/cli/arguments.ts'
import { commandNames, specOf } from '../../src/commands/table.ts'
import { splitWords, verbArguments } from '../../src/ui/effects/verbArguments.ts'
import { dataLines, verbEntries } from '../../src/ui/effects/verbs.ts'
import { commandLine, type Operation } from '../../src/ui/state/operation.ts'
import { paletteItems } from '../../src/ui/state/palette.ts'
import { plainText } from '../../src/ui/widgets/line.ts'
import { createScreen } from './harness.ts'

const examples: readonly (readonly [Operation, string])[] = [
  [{ do: 'restore', paths: ['etc/fstab'], to: 'now' }, 'restore'],
  [{ do: 'restore', paths: ["it's here", 'b c'], to: '20261121-2240' }, 'restore'],
  [{ do: 'restore', paths: ['a'], to: '#12', hunks: [1, 3] }, 'restore'],
  [{ do: 'restore', paths: ['a'], to: 's1', as: 'b' }, 'restore'],
  [{ do: 'absorb', paths: ['caf\xe9'] }, 'absorb'],
  [{ do: 'remove', paths: ['a', 'b'] }, 'rm'],
  [{ do: 'move', from: ['a'], to: 'b' }, 'mv'],
  [{ do: 'copy', from: ['a'], to: '' }, 'cp'],
  [{ do: 'makeDirectory', path: 'a/b' }, 'mkdir'],
  [{ do: 'makeFile', path: 'a' }, 'put'],
  [{ do: 'setMode', paths: ['a'], mode: 0o644 }, 'chmod'],
  [{ do: 'rollback', to: '#4' }, 'rollback'],
  [{ do: 'undo', seq: 4 }, 'undo'],
  [{ do: 'redo' }, 'redo'],
  [{ do: 'repair', paths: ['a'] }, 'repair'],
  [{ do: 'snapshot', label: 'before the upgrade' }, 'snapshot create'],
  [{ do: 'snapshot', label: '' }, 'snapshot create'],
  [{ do: 'label', name: 's1', label: '' }, 'snapshot label'],
  [{ do: 'pin', name: 's1', pinned: true }, 'snapshot pin'],
  [{ do: 'pin', name: 's1', pinned: false }, 'snapshot unpin'],
  [{ do: 'removeSnapshot', name: 's1' }, 'snapshot rm'],
]

test('the line that is shown for an operation is one that sentctl takes', () => {
  for (const [operation, verb] of examples) {
    const [program, ...words] = splitWords(commandLine(operation)).filter(word => !word.startsWith('<'))
    assert.equal(program, 'sentctl')
    assert.equal(parseArguments(words).name, verb, commandLine(operation))
  }
})

test('verbs get the same arguments from the palette as from the command line', () => {
  for (const name of commandNames) {
    const spec = specOf(name)
    for (const { command, exit } of spec.examples) {
      const words = splitWords(command.replace(/[|<>].*/, '').trim()).slice(1)
      if (exit !== undefined || words.some(word => /^--(?:root|json|quiet|log)/.test(word))) continue
      const parsed = parseArguments(words)
      if (parsed.name !== name) continue
      const given = words.slice(words.slice(0, 2).join(' ') === name ? 2 : words[0] === name ? 1 : words.length)
      assert.deepEqual(verbArguments(spec, given), parsed.args, command)
    }
  }
})

test('what does not fit a verb is refused by name', () => {
  assert.throws(() => verbArguments(specOf('log'), ['--nonsense']), /--nonsense/)
  assert.throws(() => verbArguments(specOf('log'), ['-n', 'many']), /whole number/)
  assert.throws(() => verbArguments(specOf('mv'), ['a']), /missing/)
  assert.throws(() => splitWords('show "open'), /quote/)
})

test('the palette finds keys and verbs, and runs a typed line', () => {
  const screen = createScreen()
  screen.send({ type: 'verbs', verbs: verbEntries() })
  const first = (text: string) => paletteItems(screen.model(), text)[0]
  assert.equal(first('rename')?.kind, 'action')
  const verify = paletteItems(screen.model(), 'verify').find(item => item.kind === 'verb')
  assert.equal(verify?.kind === 'verb' && verify.verb.name, 'verify')
  assert.deepEqual(first('log -n 3')?.kind, 'line')
  screen.effects()
  screen.press(':')
  screen.type('log -n 3')
  screen.press('enter')
  assert.deepEqual(screen.effects(), [{ type: 'runVerb', words: 'log -n 3' }])
  screen.press(':')
  screen.type('verify')
  screen.press('enter')
  const words = screen.effects().map(effect => effect.type === 'runVerb' && effect.words)
  assert.deepEqual(words, ['verify'])
})

test('who types the beginning of a verb gets that verb first, also one that is not listed', () => {
  const screen = createScreen()
  screen.send({ type: 'verbs', verbs: verbEntries() })
  const first = (text: string, count: number): string[] =>
    paletteItems(screen.model(), text)
      .slice(0, count)
      .map(item => (item.kind === 'verb' ? item.verb.name : item.kind === 'line' ? item.words : `(${item.title})`))
  const named = commandNames.filter(name => name.startsWith('ver'))
  assert.ok(named.includes('version'))
  assert.deepEqual(first('ver', named.length).sort(), [...named].sort())
  for (const text of ['ver', 'verify']) assert.deepEqual(first(text, 1), ['verify'])
  assert.deepEqual(first('rep', 1), ['repair'])
  assert.deepEqual(first('stat', 1), ['status'])
  assert.deepEqual(first('create', 1), ['snapshot create'])
  assert.equal(
    paletteItems(screen.model(), '').some(item => item.kind === 'verb' && item.verb.name === 'version'),
    false,
  )
})

test('a verb that needs words asks for them instead of failing', () => {
  const screen = createScreen()
  screen.send({ type: 'verbs', verbs: verbEntries() })
  screen.press(':')
  screen.type('inclusion')
  screen.press('enter')
  const top = screen.model().overlays.at(-1)
  assert.equal(top?.kind === 'palette' && top.text, 'inclusion ')
})

test('an action from the palette is the same as its key', () => {
  const screen = createScreen()
  screen.press(':')
  screen.type('new file')
  screen.press('enter')
  const top = screen.model().overlays.at(-1)
  assert.equal(top?.kind === 'prompt' && top.prompt.id, 'files.create')
})

test('plain data is shown as rows without control characters', () => {
  const rows = dataLines({ name: 'a\x1bb', list: [{ seq: 1, text: 'two\nlines' }, 2], none: [], empty: {} }, 0).map(
    plainText,
  )
  assert.deepEqual(rows, [
    'name: a\\x1Bb',
    'list:',
    '  - seq: 1',
    '    text: two',
    '      lines',
    '  - 2',
    'none: none',
    'empty: none',
  ])
})
