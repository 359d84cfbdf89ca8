// Each rule of the table is shown by an import that breaks it, and the whole by a small program that breaks none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkImports } from '../../tools/importRules.ts'
import { readSources } from '../../tools/sources.ts'
import { makeSandbox } from './sandbox.ts'

const packages = new Set(['ink', 'react', 'yargs', 'yaml'])

/** A program that keeps every rule; each test below adds to it. */
const wellBehaved = {
  'src/main.ts': "import './cli/cli.ts'\nvoid import('./ui/ui.tsx')\n",
  'src/cli/cli.ts':
    "import yargs from 'yargs'\nimport '../commands/table.ts'\nimport '../core/errors.ts'\nvoid yargs\n",
  'src/ui/ui.tsx': "import { Text } from 'ink'\nimport '../commands/table.ts'\nexport const ui = <Text>don't</Text>\n",
  'src/commands/table.ts':
    "import '../core/system.ts'\nimport type { A } from '../core/store/inner.ts'\nexport type B = A\n",
  'src/core/errors.ts': '',
  'src/core/progress.ts': "import './errors.ts'\n",
  'src/core/system.ts':
    "import './timeline/timeline.ts'\nimport './verify/verify.ts'\nimport './contracts/contracts.ts'\n",
  'src/core/host/disk.ts': "import 'node:fs'\n",
  'src/core/format/cbor.ts': "import 'node:zlib'\nimport '../host/disk.ts'\n",
  'src/core/store/store.ts': "import './inner.ts'\nimport '../format/cbor.ts'\n",
  'src/core/store/inner.ts': "import type { T } from '../timeline/inner.ts'\nexport type A = T\n",
  'src/core/journal/journal.ts': "import '../store/store.ts'\n",
  'src/core/worktree/worktree.ts': "import '../journal/journal.ts'\n",
  'src/core/store/tree.ts': '',
  'src/core/timeline/timeline.ts': "import '../worktree/worktree.ts'\nimport './inner.ts'\nimport '../store/tree.ts'\n",
  'src/core/timeline/inner.ts': 'export type T = 1\n',
  'src/core/verify/verify.ts': "import '../timeline/timeline.ts'\n",
  'src/core/contracts/contracts.ts': "import 'yaml'\nimport '../store/store.ts'\n",
  'test/core/store/inner.test.ts': "import '../../../src/core/store/inner.ts'\nimport 'node:fs'\n",
}

const broken: readonly (readonly [what: string, file: string, line: string, finding: RegExp])[] = [
  ['store reaching right', 'src/core/store/x.ts', "import '../journal/journal.ts'", /store may not import journal/],
  ['journal reaching right', 'src/core/journal/x.ts', "import '../worktree/worktree.ts'", /journal may not import/],
  ['worktree reaching right', 'src/core/worktree/x.ts', "import '../timeline/timeline.ts'", /worktree may not import/],
  [
    'history reaching verify',
    'src/core/timeline/x.ts',
    "import '../verify/verify.ts'",
    /timeline may not import verify/,
  ],
  ['history reaching system', 'src/core/timeline/x.ts', "import '../system.ts'", /timeline may not import system/],
  ['two subsystems', 'src/core/boxes/x.ts', "import '../contracts/contracts.ts'", /subsystem may not import subsystem/],
  ['host with something of ours', 'src/core/host/x.ts', "import '../errors.ts'", /host may not import errors/],
  [
    'past the front',
    'src/core/journal/x.ts',
    "import '../store/inner.ts'",
    /src\/core\/store\/inner\.ts is not open to others: store\.ts,/,
  ],
  ['files in the core', 'src/core/store/x.ts', "import 'node:fs'", /store may not load node:fs/],
  [
    'processes in system',
    'src/core/system.ts',
    "import 'node:child_process'",
    /system may not load node:child_process/,
  ],
  ['commands below system', 'src/commands/x.ts', "import '../core/store/store.ts'", /commands may not import store/],
  ['cli to ui', 'src/cli/x.ts', "import '../ui/ui.tsx'", /cli may not import ui/],
  ['ui to cli, even types', 'src/ui/x.ts', "import type {} from '../cli/cli.ts'", /ui may not import cli/],
  ['cli to system', 'src/cli/x.ts', "import '../core/system.ts'", /cli may not import system/],
  ['core to commands', 'src/core/verify/x.ts', "import '../../commands/table.ts'", /verify may not import commands/],
  [
    'core to commands, later',
    'src/core/system.ts',
    "void import('../commands/table.ts')",
    /system may not import commands/,
  ],
  ['product to tools', 'src/cli/x.ts', "import '../../tools/x.ts'", /cli may not import tools/],
  ['Ink outside ui', 'src/cli/x.ts', "import 'ink'", /ink may be loaded by src\/ui only/],
  ['React by its inner path', 'src/commands/x.ts', "import 'react/jsx-runtime'", /react may be loaded by src\/ui only/],
  ['yargs outside cli', 'src/ui/x.ts', "import 'yargs/helpers'", /yargs may be loaded by src\/cli only/],
  ['a package nobody listed', 'src/cli/x.ts', "import 'left-pad'", /left-pad is not in package\.json/],
  ['a file that is not there', 'src/cli/x.ts', "import './gone.ts'", /\.\/gone\.ts leads to no source file/],
  ['a file of no part', 'src/elsewhere.ts', '', /belongs to no part/],
  [
    'a ring',
    'src/core/store/inner.ts',
    "import './store.ts'",
    /import cycle: \S+store\.ts -> \S+inner\.ts -> \S+store\.ts/,
  ],
  [
    'an import type in an expression',
    'src/ui/x.ts',
    "export type X = import('../cli/cli.ts').Y",
    /ui may not import cli/,
  ],
]

function findings(root: string): string[] {
  return checkImports(readSources(root), packages).map(({ path, line, text }) => `${path}:${line}: ${text}`)
}

test('a program that keeps the rules has no findings', t => {
  assert.deepEqual(findings(makeSandbox(t, wellBehaved)), [])
})

for (const [what, file, line, expected] of broken) {
  test(`is found: ${what}`, t => {
    const before = (wellBehaved as Record<string, string>)[file] ?? ''
    const found = findings(makeSandbox(t, { 'tools/x.ts': '', ...wellBehaved, [file]: `${before}${line}\n` }))
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', expected)
    assert.ok(found[0]?.startsWith(file), found[0])
  })
}
