// A history that goes on under a new key, held against the libraries of others: what was given away before stays good
// under the key of its time, what comes after verifies under the new one, and a witness follows it over the change.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, test } from 'node:test'
import { assertAccepts, assertRefuses, openWorkshop } from './workshop.ts'

const workshop = openWorkshop()
const { at, run, sentctl } = workshop
let earlier: string
let key: string

const grow = (count: number, name: string): string =>
  sentctl('root', ['mkdir', ...Array.from({ length: count }, (_, i) => `${name}-${i}`)])
const witness = (of: string) => {
  const ran = run('.', ['witness', 'log', '--key', of, '--state', 'witness', '--json'])
  return { exitCode: ran.exitCode, ...(JSON.parse(ran.stdout.split('\n')[0]!) as { state: string; size: number }) }
}

before(() => {
  fs.mkdirSync(at('root'))
  fs.writeFileSync(at('root/motd'), 'welcome\n')
  sentctl('root', ['init'])
  grow(300, 'before')
  earlier = workshop.key('root')
  sentctl('root', ['inclusion', '5', '../before.proof'])
  sentctl('root', ['export', 'tlog', '../log'])
  fs.writeFileSync(at('before.checkpoint'), sentctl('root', ['checkpoint', 'show']))
})
after(() => workshop.remove())

test('a device that knows nothing of the log goes on under a new key', () => {
  assert.deepEqual([witness(earlier).exitCode, witness(earlier).state], [0, 'same'])
  fs.rmSync(at('device'), { recursive: true })
  assert.equal(run('root', ['mkdir', 'refused']).exitCode, 6)
  sentctl('root', ['adopt', '--moved'])
  key = workshop.key('root')
  assert.notEqual(key, earlier)
  assert.equal(key.split('/')[1], earlier.split('/')[1], 'it is the same log')
  assert.deepEqual(sentctl('root', ['checkpoint', 'key', '--all']).trim().split('\n'), [earlier, key])
  grow(5, 'after')
})

test('inclusion: the file of before under the key of before, a new one under the new key, for the same record', () => {
  sentctl('root', ['inclusion', '5', '../after.proof'])
  assertAccepts(/^record 5 is among the first 3\d\d /, 'inclusion', at('before.proof'), earlier)
  assertAccepts(/^record 5 is among the first 3\d\d /, 'inclusion', at('after.proof'), key)
  assertRefuses('inclusion', at('before.proof'), key)
  assertRefuses('inclusion', at('after.proof'), earlier)
})

test('the tiles go on where they were, under the new key alone', () => {
  const { added, size } = JSON.parse(sentctl('root', ['export', 'tlog', '../log', '--json'])) as Record<string, number>
  assert.equal(added, 6)
  assertAccepts(new RegExp(`^${size} entries, `), 'tlog', at('log'), key)
  assertRefuses('tlog', at('log'), earlier)
})

test('a proof that the new epoch goes on from what was signed before', () => {
  sentctl('root', ['consistency', '../before.checkpoint', '--output', '../history.proof'])
  const argv = ['verify-consistency', 'history.proof', '--key', earlier, '--key', key, '--json']
  const answer = JSON.parse(sentctl('.', argv)) as { consistent: boolean }
  assert.equal(answer.consistent, true)
})

test('a witness takes the new key, and goes on with it', () => {
  const seen = witness(key)
  assert.deepEqual([seen.exitCode, seen.state], [0, 'first'])
  assert.deepEqual([witness(key).state, witness(key).size], ['same', seen.size])
})
