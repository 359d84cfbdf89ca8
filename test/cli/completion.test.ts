// Completion scripts and the manual page: bash's script is run in a real bash; those of shells that are not everywhere
// are held against the table.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { completionScript } from '../../src/cli/completion/completion.ts'
import { globalFlags } from '../../src/cli/globalFlags.ts'
import { manualPage } from '../../src/cli/manual.ts'
import type { FlagSpec } from '../../src/commands/spec.ts'
import { commandNames, specOf } from '../../src/commands/table.ts'
import { usageOf } from '../../src/commands/usage.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentctl-completion-'))
after(() => fs.rmSync(folder, { recursive: true }))
fs.mkdirSync(path.join(folder, 'etc'))
fs.writeFileSync(path.join(folder, 'etc/with space'), '')
fs.writeFileSync(path.join(folder, 'etc.conf'), '')

/** What bash offers for the last word; `sentctl completion --candidates KIND` is stood in for by KIND-1 and KIND-2. */
function offered(...words: string[]): string[] {
  const script = `${completionScript('bash')}
sentctl() { [ "$1 $2" = 'completion --candidates' ] && printf '%s-1\\n%s-2\\n' "$3" "$3"; }
compopt() { :; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_sentctl
printf '%s\\n' "\${COMPREPLY[@]}"
`
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...words], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '')
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .sort()
}

test('bash completes verbs, nouns, flags and values', () => {
  const known: [string, string[]][] = [
    ['sn', ['snapshot']],
    ['stat', ['status']],
    ['snapshot |p', ['pin']],
    ['snapshot |', ['create', 'label', 'list', 'pin', 'rm', 'unpin']],
    ['--json |resto', ['restore']],
    ['--root etc |stat', ['status']],
    ['put |--f', ['--from']],
    ['snapshot create |--a', ['--absorb']],
    ['init |--no', ['--no-color', '--no-zk']],
    ['find --kind |', ['dir', 'file', 'symlink']],
    ['completion |', ['bash', 'fish', 'zsh']],
    ['snapshot pin |', ['snapshot-1', 'snapshot-2']],
    ['restore etc.conf --to |', ['state-1', 'state-2']],
    ['rollback --to |state-2', ['state-2']],
    ['explain |', ['code-1', 'code-2']],
    ['cat |etc', ['etc', 'etc.conf']],
    ['cat |etc/', ['etc/with space']],
    ['chmod |', []],
    ['chmod 600 |etc.', ['etc.conf']],
    ['ui --root |', ['etc']],
    ['help |snap', ['snapshot']],
  ]
  for (const [line, expected] of known) {
    assert.deepEqual(offered('sentctl', ...line.replace('|', '').split(' ')), expected, line)
  }
})

test('each shell knows each verb and each flag', () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const script = completionScript(shell)
    for (const name of commandNames) {
      for (const word of name.split(' ')) assert.ok(script.includes(word), `${shell}: ${name}`)
      const flags: Readonly<Record<string, FlagSpec>> = { ...specOf(name).flags, ...globalFlags }
      for (const [flag, { type, default: fallback }] of Object.entries(flags)) {
        const shown = type === 'boolean' && fallback === true ? `no-${flag}` : flag
        assert.ok(script.includes(shell === 'fish' ? `-l ${shown}` : `--${shown}`), `${shell}: ${name} --${shown}`)
      }
    }
  }
})

test('the manual page has each verb and only known requests', () => {
  const lines = manualPage().trimEnd().split('\n')
  const known = new Set([
    '.\\"',
    '.TH',
    '.SH',
    '.SS',
    '.PP',
    '.TP',
    '.B',
    '.I',
    '.RI',
    '.br',
    '.RS',
    '.RE',
    '.nh',
    '.ad',
  ])
  for (const line of lines) {
    assert.ok(line !== '' && !line.startsWith("'"), line)
    if (line.startsWith('.')) assert.ok(known.has(line.split(' ')[0]!), line)
    assert.ok(!/(?<!\\)-/.test(line.replace(/^\.\\".*|^\.TH.*/, '')), `a hyphen that cannot be copied: ${line}`)
  }
  for (const name of commandNames)
    assert.ok(lines.includes(`.SS ${usageOf(specOf(name)).replaceAll('-', '\\-')}`), name)
})
