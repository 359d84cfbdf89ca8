// Each rule of tidiness is shown by the smallest file that breaks it. What is forbidden is put together here from
// pieces, so that this file does not break the rules itself.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources } from '../../tools/sources.ts'
import type { TidyResult } from '../../tools/tidy.ts'
import { checkTidiness } from '../../tools/tidy.ts'
import { makeSandbox } from './sandbox.ts'

const clean = {
  'package.json': '{ "scripts": { "start": "node tools/bootstrap.mjs start" }, "devDependencies": { "ink": "1.0.0" } }',
  'package-lock.json': '{}',
  'docs/dependencies.md': '| package | why |\n| --- | --- |\n| `ink` | draws |\n',
  'src/main.ts': "// Starts.\nimport './core/store/store.ts'\n",
  'src/core/store/store.ts': '// Stores.\nexport const store = 1\n',
  'tools/bootstrap.mjs': '// Runs tasks.\n',
  'tools/start.ts': '// A task.\n',
  'test/core/store/store.test.ts': "// Tests.\nimport '../../../src/core/store/store.ts'\n",
}

const body = (lines: number) => `{\n${'  step()\n'.repeat(lines - 2)}}`
const slash = '/'

const broken: readonly (readonly [what: string, file: string, text: string, finding: RegExp])[] = [
  ['a long file', 'src/core/store/store.ts', `// Long.\n${'\n'.repeat(701)}`, /702 lines: split it/],
  ['no opening comment', 'src/core/store/store.ts', 'export const store = 1\n', /no opening comment/],
  ['a long function', 'src/core/store/store.ts', `// x\nexport function big() ${body(101)}\n`, /:2: big has 101 lines/],
  ['console in the core', 'src/core/store/store.ts', "// x\nconsole.log('x')\n", /console\.log is banned here/],
  [
    'the environment in the core',
    'src/core/store/store.ts',
    '// x\nprocess.env.X\n',
    /process\.env is banned here: the ports/,
  ],
  ['process.exit in a command', 'src/commands/x.ts', '// x\nprocess.exit(1)\n', /process\.exit is banned here: throw/],
  [
    'chance in the core',
    'src/core/store/store.ts',
    '// x\nMath.random()\n',
    /Math\.random is banned here: host\.random/,
  ],
  ['the time in the core', 'src/core/store/store.ts', '// x\nDate.now()\n', /Date\.now is banned here: host\.clock/],
  ['the time by Date', 'src/core/store/store.ts', '// x\nnew Date()\n', /new Date\(\) is banned here/],
  ['the network', 'src/commands/x.ts', "// x\nawait fetch('x')\n", /fetch is banned here: host\.network/],
  ['a plain Error in the core', 'src/core/store/store.ts', "// x\nthrow new Error('x')\n", /new Error is banned here/],
  ['a barrel', 'src/core/store/store.ts', "// x\nexport * from './other.ts'\n", /re-exports/],
  ['a fixed temporary folder', 'tools/start.ts', `// x\nexport const place = '${slash}tmp/x'\n`, /use os\.tmpdir\(\)/],
  ['a path of one machine', 'docs/notes.md', `see ${slash}home/someone/notes\n`, /a path of one machine/],
  ['a path of one machine in a script', 'bin/tool', `#!/bin/sh\nrun ${slash}root/x\n`, /:2: a path of one machine/],
  ['something still to do', 'tools/start.ts', `// ${'TO'}${'DO'} later\n`, /do it, or write it down/],
  ['a registry', 'package-lock.json', '{\n"resolved": "https://example.invalid/x"\n}\n', /names a registry/],
  ['a blob', 'docs/picture.bin', 'x'.repeat(256 * 1024 + 1), /262145 bytes/],
  ['a file nobody imports', 'src/core/store/lonely.ts', '// Alone.\n', /lonely\.ts:1: nobody imports it/],
  ['a tool nobody runs', 'tools/lonely.ts', '// Alone.\n', /lonely\.ts:1: nobody imports it/],
  ['a test that no suite runs', 'test/elsewhere/x.test.ts', '// x\n', /no suite runs this test/],
  ['an undocumented package', 'docs/dependencies.md', '# none\n', /has no row for ink/],
  ['a row too many', 'docs/dependencies.md', '| `ink` | x |\n| `gone` | x |\n', /a row for gone, which is not used/],
]

function tidy(root: string): TidyResult {
  return checkTidiness(root, readSources(root))
}

test('a tidy repository has no findings', t => {
  assert.deepEqual(tidy(makeSandbox(t, clean)), { findings: [], warnings: [] })
})

for (const [what, file, text, expected] of broken) {
  test(`is found: ${what}`, t => {
    const extra =
      file === 'src/commands/x.ts' ? { 'src/main.ts': `${clean['src/main.ts']}import './commands/x.ts'\n` } : {}
    const { findings } = tidy(makeSandbox(t, { ...clean, ...extra, [file]: text }))
    const lines = findings.map(finding => `${finding.path}:${finding.line}: ${finding.text}`)
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', expected)
  })
}

test('a product file that only its test imports is unused', t => {
  const root = makeSandbox(t, { ...clean, 'src/main.ts': '// Starts nothing.\n' })
  assert.deepEqual(
    tidy(root).findings.map(finding => finding.path),
    ['src/core/store/store.ts'],
  )
})

test('a program that a test starts by its path is used, a host that only tests have too', t => {
  const root = makeSandbox(t, {
    ...clean,
    'test/core/holder.ts': '// Holds a lock.\n',
    'test/core/store/store.test.ts':
      "// x\nimport '../../../src/core/host/memory.ts'\nnew URL('../holder.ts', import.meta.url)\n",
    'src/core/host/memory.ts': '// A host in memory.\n',
  })
  assert.deepEqual(tidy(root).findings, [])
})

test('the host may read the clock, the environment and make errors', t => {
  const text = '// x\nDate.now()\nprocess.env.X\nthrow new Error()\n'
  const main = "// Starts.\nimport './core/store/store.ts'\nimport './core/host/host.ts'\n"
  assert.deepEqual(tidy(makeSandbox(t, { ...clean, 'src/main.ts': main, 'src/core/host/host.ts': text })).findings, [])
})

test('a function counts its own lines: those of functions inside it are theirs', t => {
  const text = `// x\nexport function maker() {\n  const a = () => ${body(60)}\n  const b = () => ${body(60)}\n  return [a, b]\n}\n`
  assert.deepEqual(tidy(makeSandbox(t, { ...clean, 'src/core/store/store.ts': text })), { findings: [], warnings: [] })
})

test('a function that is getting long is a warning, not a failure', t => {
  const text = `// x\nexport function big() ${body(90)}\n`
  const { findings, warnings } = tidy(makeSandbox(t, { ...clean, 'src/core/store/store.ts': text }))
  assert.deepEqual(findings, [])
  assert.deepEqual(warnings, [{ path: 'src/core/store/store.ts', line: 2, text: 'big has 90 lines of its own' }])
})

test('a list of tests may be long', t => {
  const text = `// x\nimport '../../../src/core/store/store.ts'\nexport function suite() {\n${"  test('x', () => {})\n".repeat(120)}}\n`
  assert.deepEqual(tidy(makeSandbox(t, { ...clean, 'test/core/store/store.test.ts': text })).findings, [])
})
