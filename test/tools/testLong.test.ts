// The long tests' own keeping of accounts: what was green is not run again, what is told adds up, and the parts can run.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { longParts } from '../../tools/longParts.ts'
import { keyOf, type LongState, rowsOf, tableOf } from '../../tools/longState.ts'
import { isRunBySomeSuite } from '../../tools/suites.ts'

const root = path.join(import.meta.dirname, '..', '..')

test('every piece is there, and its tests are run by npm test too', () => {
  for (const part of longParts(60)) {
    for (const twin of part.twins) {
      for (const { file } of part.piecesOf?.[twin] ?? part.pieces) {
        assert.ok(fs.existsSync(path.join(root, file)), file)
        if (file.endsWith('.test.ts')) assert.ok(isRunBySomeSuite(file), file)
      }
    }
  }
})

test('what was changed since the commit is another thing to test', () => {
  assert.equal(keyOf('0123456789abcdef', ''), '0123456789ab')
  assert.notEqual(keyOf('0123456789abcdef', 'a'), keyOf('0123456789abcdef', 'b'))
})

const outcome = { part: 'kill', twin: 'native', seconds: 60, tried: { 'kill -9': 40 }, ended: '2026-01-02T03:04:05Z' }

test('outcomes of a part and twin add up, and failures are told', () => {
  const state: LongState = {
    commit: 'abc',
    outcomes: {
      one: { ...outcome, green: true, seed: 1000 },
      two: { ...outcome, green: false, seed: 1001, tried: { 'kill -9': 1500 } },
      three: { ...outcome, twin: 'TypeScript', green: true, seed: 1000 },
    },
  }
  assert.deepEqual(
    tableOf(rowsOf([state]))
      .split('\n')
      .slice(2, 4),
    [
      '| kill | native | 40 kill -9 | 1000 to 1001 | 2 | abc | 1 green, 1 failed |',
      '| kill | TypeScript | 40 kill -9 | 1000 | 1 | abc | 1 green |',
    ],
  )
})

test('it lists what there is to do, and does nothing', () => {
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-long-'))
  const env = { ...process.env, XDG_CACHE_HOME: cache }
  const list = (...parameters: string[]) =>
    spawnSync(process.execPath, [path.join(root, 'tools/testLong.ts'), '--list', ...parameters], {
      env,
      encoding: 'utf8',
    })
  try {
    const { status, stdout } = list('--only', 'kill', '--twin', 'native')
    assert.equal(status, 0)
    assert.equal(stdout.match(/^to do .* kill \| native \| test\/crash\/kill\.test\.ts/gm)?.length, 25)
    assert.deepEqual([list('--only', 'nothing').status, fs.readdirSync(cache)], [2, []])
  } finally {
    fs.rmSync(cache, { recursive: true })
  }
})
