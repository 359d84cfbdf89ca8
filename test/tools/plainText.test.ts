// The bundle's fast paths must measure and cut text exactly as the packages that they stand in for.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'
import esbuild from 'esbuild'
import fc from 'fast-check'
import { hasPlainClusters, isPlainText, plainRanges } from '../../tools/bundle/plainText.ts'
import { bundlePlugins } from '../../tools/bundle/plugins.ts'
import { LazySegmenter } from '../../tools/bundle/segmenter.ts'
import { anyText as textOfAnyCharacters } from '../support/text.ts'
import { linkPackages, makeSandbox } from './sandbox.ts'

type StringWidth = (text: string, options?: object) => number

// The one that Ink uses; it is not a dependency of ours.
const requireFromInk = createRequire(import.meta.resolve('ink'))
const { default: stringWidth } = requireFromInk('string-width') as { default: StringWidth }

const plainCharacters = plainRanges.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index)),
)
const sequences = [
  '\u001b[1m',
  '\u001b[38;2;1;20;255m',
  '\u001b]8;;https://example.invalid\u0007',
  '\u001b]8;;\u0007',
  '\u001b[0K',
]
const controls = ['\n', '\t', '\r', '\r\n', '\u0007', '\u001b', '\u001b[', '\u001b]8;', '\u009b', '1', ';', 'm']
const textOf = (parts: readonly string[]) =>
  fc.array(fc.constantFrom(...parts), { maxLength: 40 }).map(all => all.join(''))
const anyText = fc.oneof(
  textOf(plainCharacters),
  textOf([...plainCharacters.slice(0, 120), ...sequences, ...sequences]),
  textOf([...plainCharacters.slice(0, 60), ...controls, ...controls]),
  fc.string({ unit: 'grapheme' }),
  textOfAnyCharacters(),
)
const runs = { numRuns: 2000 }

test('every plain character is one column wide', () => {
  assert.ok(plainCharacters.length > 1500)
  for (const character of plainCharacters) {
    assert.equal(isPlainText(character), true)
    assert.equal(stringWidth(character), 1, `U+${character.charCodeAt(0).toString(16)}`)
  }
})

test('what is wide, joins or has no width is not plain', () => {
  const others = ['e\u0301', '漢', '\u{1f600}', '\u00ad', '\u200d', '\ufe0f', 'a\r\nb', '\u25fd', '\u0600']
  for (const text of [...others, '\t', '\u001b']) assert.equal(isPlainText(text), false, JSON.stringify(text))
  for (const text of others) assert.equal(hasPlainClusters(text), false, JSON.stringify(text))
})

test('the fast width is the width of the package', async t => {
  const root = makeSandbox(t, { 'entry.ts': "export { default } from 'string-width'\n" })
  linkPackages(root)
  const bundled = path.join(root, 'bundled.mjs')
  await esbuild.build({
    entryPoints: [path.join(root, 'entry.ts')],
    outfile: bundled,
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [...bundlePlugins],
  })
  assert.match(fs.readFileSync(bundled, 'utf8'), /hasPlain|isPlainText/)
  const { default: fastWidth } = (await import(bundled)) as { default: StringWidth }
  fc.assert(
    fc.property(anyText, text => assert.equal(fastWidth(text), stringWidth(text))),
    runs,
  )
  const counted = { countAnsiEscapeCodes: true }
  assert.equal(fastWidth('\u001b[1mx', counted), stringWidth('\u001b[1mx', counted))
})

test('the lazy segmenter cuts any text as the real one does', () => {
  for (const granularity of ['grapheme', 'word'] as const) {
    const lazy = new LazySegmenter(undefined, { granularity })
    const real = new Intl.Segmenter(undefined, { granularity })
    const pieces = (all: Iterable<Intl.SegmentData>) => [...all].map(({ segment, index }) => ({ segment, index }))
    fc.assert(
      fc.property(anyText, text => assert.deepEqual(pieces(lazy.segment(text)), pieces(real.segment(text)))),
      runs,
    )
  }
})
