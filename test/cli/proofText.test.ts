// Texts about proofs that fail, forks and witnesses' looks: what examples that succeed never print.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainStyle } from '../../src/cli/style.ts'
import { render as renderConsistency } from '../../src/cli/text/consistency.ts'
import { render as renderConsistent } from '../../src/cli/text/consistent.ts'
import { render as renderTlog } from '../../src/cli/text/exportedTlog.ts'
import type { TextContext } from '../../src/cli/text/renderers.ts'
import { render as renderWitness } from '../../src/cli/text/witness.ts'

const context: TextContext = { style: plainStyle, width: 80, terminal: false, base: '', args: {} }
const origin = 'sentientos.invalid/log/0'

test('a fork names both histories, and says which of its two kinds it is', () => {
  const fork = { consistent: false, fork: true, origin, root: 'bb', old: { size: 5, root: 'aa', signed: true } }
  assert.equal(
    renderConsistent({ ...fork, size: 9 }, context),
    `Fork: one key signed two histories of ${origin}
  5 records with root aa
  9 records with root bb
  the second does not begin with the first 5 records
`,
  )
  assert.match(renderConsistent({ ...fork, size: 5 }, context), /^ {2}two roots for one size$/m)
})

test('what is not consistent says why, with nothing in it that could steer a terminal', () => {
  const text = renderConsistent({ consistent: false, fork: false, reason: 'wrong \u001b[2J signature' }, context)
  assert.match(text, /^Not consistent: wrong /)
  assert.ok(!text.includes('\u001b'))
  const file = renderConsistency({ consistent: false, old: 3, size: 8, file: 'a.proof', proof: '' }, context)
  assert.match(file, /^Wrote a\.proof: the 8 records do not begin with the older 3\. Check it with: /)
})

test('a look of a witness: what stands there, what was cosigned, how a fork is shown', () => {
  const look = { time: '2026-01-02T03:04:05.000000Z', log: 'https://log.example', origin, size: 1, text: 'nothing new' }
  const lines = renderWitness({ ...look, state: 'same', file: '/witness/checkpoint' }, context).split('\n')
  assert.match(lines[0]!, / {2}same {2}https:\/\/log\.example: nothing new$/)
  assert.deepEqual(lines.slice(1), [`  1 record of ${origin}`, '  cosigned: /witness/checkpoint', ''])
  const fork = renderWitness({ ...look, state: 'fork', evidence: '/witness/a.fork' }, context)
  assert.match(fork, / {2}FORK {2}/)
  assert.match(fork, /^ {2}show it to anybody: sentctl verify-consistency \/witness\/a\.fork --key VKEY$/m)
  const nothing = renderWitness({ time: look.time, log: 'there', state: 'unreachable', text: 'no answer' }, context)
  assert.equal(nothing.split('\n').length, 2)
})

test('an export that had nothing to do says so', () => {
  const report = { path: '/log', origin, size: 7, added: 0, files: 0, bytes: 0 }
  assert.equal(renderTlog(report), 'Nothing new: /log has all 7 signed records.\n')
})
