// Modes as people write them, held against what chmod(1) makes of them.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { modeChange, octalMode } from '../../src/commands/files/mode.ts'

const texts = [
  '600',
  '0755',
  'u+x',
  'go-w',
  'a=rX',
  'u=rw,go=r',
  '+x',
  '=r',
  'u+s',
  'g+s',
  '+t',
  'a-x,u+X',
  'ug=rwx,o=',
  'u+r-w',
  'o+X',
  'u=rwxs',
]
const starts = [0o644, 0o755, 0o600, 0o000, 0o777, 0o4755, 0o2710, 0o1777]

test('symbolic and octal modes do what chmod does', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentctl-mode-'))
  try {
    const file = path.join(folder, 'file')
    const directory = path.join(folder, 'dir')
    fs.writeFileSync(file, '')
    fs.mkdirSync(directory)
    for (const text of texts) {
      for (const start of starts) {
        for (const [kind, target] of [
          ['file', file],
          ['dir', directory],
        ] as const) {
          // An octal mode of chmod(1) keeps set-ID bits of directories: that is left out of the comparison.
          if (kind === 'dir' && /^\d/.test(text)) continue
          fs.chmodSync(target, start)
          execFileSync('sh', ['-c', 'umask 0; exec chmod -- "$1" "$2"', 'sh', text, target])
          const expected = fs.statSync(target).mode & 0o7777
          const found = modeChange(text)(start, kind)
          assert.equal(found.toString(8), expected.toString(8), `${text} on ${kind} ${start.toString(8)}`)
        }
      }
    }
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})

test('what is no mode is refused', () => {
  for (const text of ['', '8', '99999', 'x+u', 'u*x', 'u+q', 'u', '-1', '0o644']) {
    assert.throws(() => modeChange(text), { code: 'USAGE' }, text)
    assert.throws(() => octalMode(text), { code: 'USAGE' }, text)
  }
})
