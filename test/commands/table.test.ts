// Rules that every entry of the command table keeps, beyond what its types say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../src/cli/arguments.ts'
import { globalFlags } from '../../src/cli/globalFlags.ts'
import type { CommandSpec, FlagSpec } from '../../src/commands/spec.ts'
import { commandGroups, commandNames, nounDefaults, specOf } from '../../src/commands/table.ts'
import { words } from './commandLine.ts'

const specs = commandNames.map(specOf)

const flagsOf = (spec: CommandSpec): [string, FlagSpec][] => Object.entries(spec.flags)

test('each verb stands in exactly one group', () => {
  const grouped = Object.values(commandGroups).flatMap(({ commands }) => commands as readonly string[])
  assert.deepEqual([...grouped].sort(), [...commandNames].sort())
})

test('each noun has a verb that it means alone', () => {
  const nouns = new Set(commandNames.filter(name => name.includes(' ')).map(name => name.split(' ')[0]!))
  assert.deepEqual(Object.keys(nounDefaults).sort(), [...nouns].sort())
  for (const [noun, name] of Object.entries(nounDefaults)) assert.ok(name.startsWith(`${noun} `))
})

test('each handler can be loaded', async () => {
  for (const spec of specs) assert.equal(typeof (await spec.load()).run, 'function', spec.name)
})

test('summaries are one line without a full stop, paragraphs end with one', () => {
  for (const { name, summary, about } of specs) {
    assert.match(summary, /^[A-Z].{5,70}[^.]$/, name)
    assert.ok(about.length > 0, name)
    for (const paragraph of about) assert.match(paragraph, /^\S[^\n]*\.$/, name)
  }
})

test('flags have names that fit a command line, and letters of their own', () => {
  for (const spec of specs) {
    const letters = [...flagsOf(spec), ...Object.entries(globalFlags as Record<string, FlagSpec>)].flatMap(
      ([, { short }]) => short ?? [],
    )
    assert.equal(new Set(letters).size, letters.length, `${spec.name}: two flags with one letter`)
    for (const [flag, { short }] of flagsOf(spec)) {
      assert.match(flag, /^[a-z]+(-[a-z]+)*$/)
      assert.ok(!flag.startsWith('no-'), `${spec.name} --${flag}: a negation is made by itself`)
      assert.ok(!Object.hasOwn(globalFlags, flag), `${spec.name} --${flag} hides a flag of every verb`)
      if (short !== undefined) assert.match(short, /^[a-zA-Z]$/)
    }
  }
})

test('one letter means one thing', () => {
  const meanings = new Map<string, Set<string>>()
  for (const spec of specs) {
    for (const [flag, { short }] of flagsOf(spec)) {
      if (short !== undefined) meanings.set(short, (meanings.get(short) ?? new Set()).add(flag))
    }
  }
  const several = [...meanings]
    .filter(([, flags]) => flags.size > 1)
    .map(([letter, flags]) => `${letter}: ${[...flags].sort().join(' ')}`)
  // Both habits are older than this program: head -n, make -n.
  assert.deepEqual(several, ['n: dry-run number'])
})

test('positionals can be told apart', () => {
  for (const { name, positionals } of specs) {
    const many = positionals.findIndex(positional => positional.many === true)
    if (many >= 0) {
      const behind = positionals.slice(many + 1)
      assert.ok(
        behind.every(positional => positional.required === true && positional.many !== true),
        name,
      )
    }
    const firstOptional = positionals.findIndex(positional => positional.required !== true)
    if (firstOptional >= 0)
      assert.ok(
        positionals.slice(firstOptional).every(positional => positional.required !== true),
        name,
      )
    assert.equal(new Set(positionals.map(positional => positional.name)).size, positionals.length, name)
  }
})

test('each verb has an example, and each example is a command line of its verb', () => {
  for (const { name, examples } of specs) {
    assert.ok(examples.length > 0, name)
    for (const { command } of examples) {
      const [program, ...argv] = words(command)
      assert.equal(program, 'sentctl')
      assert.equal(parseArguments(argv).name, name, command)
    }
  }
})

test('the palette names a verb or says why it does not', () => {
  const titles = specs.flatMap(({ palette }) => ('title' in palette ? [palette.title] : []))
  assert.equal(new Set(titles).size, titles.length)
  for (const { name, palette } of specs) {
    const text = 'title' in palette ? palette.title : palette.absent
    assert.ok(text.length > 3 && !text.endsWith('.'), name)
  }
})
