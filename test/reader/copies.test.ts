// Copies and restored folders, as the independent reader sees them: both logs verify, with what was signed before under
// the key of its time, and neither is taken for the other.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { openWorkshop, type Ran, runPython } from './rootFolder.ts'

const workshop = openWorkshop()
const { sentctl, base } = workshop
after(() => workshop.remove())

const at = (...names: string[]): string => path.join(base, ...names)
const copy = (from: string, to: string): void =>
  fs.cpSync(at(from), at(to), { recursive: true, preserveTimestamps: true })

function make(name: string): void {
  fs.mkdirSync(at(name))
  fs.writeFileSync(at(name, 'a'), 'a')
  sentctl(at(name), ['init'])
}

const verify = (name: string, ...options: string[]): Ran => runPython('reader.py', 'verify', at(name), ...options)

function assertVerified(name: string, ...options: string[]): string {
  const { exitCode, stdout } = verify(name, ...options)
  assert.equal(exitCode, 0, stdout)
  assert.doesNotMatch(stdout, /not finished/)
  return stdout
}

test('a copy and its original both go on', () => {
  make('one')
  copy('one', 'two')
  fs.copyFileSync(at('one/.runtime/checkpoint'), at('before'))
  sentctl(at('two'), ['adopt', '--copy'])
  for (const name of ['one', 'two']) {
    sentctl(at(name), ['put', 'a'], `in ${name}`)
    const { exitCode } = verify(name, '--checkpoint', at('before'))
    assert.equal(exitCode, 0, 'what was signed before both is good for both')
    assertVerified(name)
  }
  fs.copyFileSync(at('one/.runtime/checkpoint'), at('later'))
  assert.equal(verify('two', '--checkpoint', at('later')).exitCode, 3, 'what the other one signed is not')
  copy('two', 'three')
  sentctl(at('three'), ['adopt', '--copy'])
  sentctl(at('three'), ['put', 'a'], 'a copy of a copy')
  assert.match(assertVerified('three'), /journal +3 segments/)
})

test('a backup that was put back goes on under the next key', () => {
  make('four')
  copy('four', 'backup')
  sentctl(at('four'), ['put', 'a'], 'lost')
  fs.rmSync(at('four'), { recursive: true })
  copy('backup', 'four')
  sentctl(at('four'), ['adopt', '--moved'])
  sentctl(at('four'), ['put', 'a'], 'again')
  assert.match(assertVerified('four'), /signed by sentientos\.invalid\/[a-z2-7]+\/1/)
})

test('a checkpoint of a key that was not in force is named', () => {
  make('five')
  copy('five', 'six')
  sentctl(at('six'), ['adopt', '--copy'])
  sentctl(at('six'), ['put', 'a'], 'b')
  // The journal names the key of each epoch: with the record of the new one gone, its checkpoint is of nobody.
  fs.copyFileSync(at('six/.runtime/checkpoint'), at('five/.runtime/checkpoint'))
  assert.equal(verify('five').exitCode, 3)
})
