// A content that is lost for good, from its discovery to the end of the advice: which path of which snapshots, what
// still works, and both ways out of it.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type Fixture, makeFolder, must } from '../commands/fixture.ts'
import { run } from './runner.ts'

/** Bytes that do not shrink. */
const lostBytes = Buffer.from(
  Array.from({ length: 200_000 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) ^ (i >>> 3)),
)
let fixture: Fixture

/** What others keep of it is overwritten where it lies in a pack: more than repair can guess. */
function destroyIn(root: string): void {
  const folder = path.join(root, '.tree/packs')
  let found = 0
  for (const name of fs.readdirSync(folder).filter(file => file.endsWith('.pack'))) {
    const file = path.join(folder, name)
    const bytes = fs.readFileSync(file)
    const at = bytes.indexOf(lostBytes.subarray(150_000, 150_064))
    if (at < 0) continue
    fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, at), Buffer.alloc(64), bytes.subarray(at + 64)]))
    found += 1
  }
  assert.equal(found, 1, 'the content lies in one pack, not compressed')
}

before(async () => {
  fixture = makeFolder()
  const { root } = fixture
  fs.mkdirSync(path.join(root, 'd'))
  fs.writeFileSync(path.join(root, 'd/big'), lostBytes)
  fs.writeFileSync(path.join(root, 'd/text'), 'text\n')
  await must(root, ['init'])
  await must(root, ['snapshot', 'create', '--name', 'one'])
  await must(root, ['put', 'd/big'], 'another content\n')
  await must(root, ['snapshot', 'create', '--name', 'two'])
  destroyIn(root)
})
after(() => fixture.remove())

const sentctl = (...argv: string[]) => run(argv, { cwd: fixture.root })

test('repair names the path and the snapshots, verify goes on naming them and is no damage', async () => {
  assert.equal((await sentctl('verify', '--deep')).exitCode, 3)
  const repaired = await sentctl('repair')
  assert.equal(repaired.exitCode, 3)
  assert.match(repaired.stdout, /Lost for good, 1 path:\n {2}d\/big {2}in \S+, one\n/)
  assert.match(repaired.stdout, /snapshot rm \S+ one, then sentctl gc/)
  const verified = await sentctl('verify')
  assert.equal(verified.exitCode, 0)
  assert.match(verified.stdout, /d\/big {2}in \S+, one\n/)
  assert.doesNotMatch(verified.stdout, /mends what can be mended/)
  const again = await sentctl('repair')
  assert.equal(again.exitCode, 0)
  assert.match(again.stdout, /^Nothing else was damaged/)
  const [place] = JSON.parse((await sentctl('verify', '--json')).stdout).lostPlaces
  assert.equal(place.path, 'd/big')
  assert.equal(place.now, false)
})

test('snapshot list marks the snapshots that lack something', async () => {
  const { stdout } = await sentctl('snapshot', 'list')
  assert.match(stdout, / one .*\(1 path lost\)/)
  assert.doesNotMatch(stdout, / two .*lost/)
})

test('what needs it says what is lost and not to look for it again; the rest works', async () => {
  for (const argv of [
    ['cat', 'd/big', '--at', 'one'],
    ['restore', 'd/big', '--to', 'one'],
    ['rollback', '--to', 'one'],
  ]) {
    const { exitCode, stderr } = await sentctl(...argv)
    assert.equal(exitCode, 3)
    assert.match(stderr, /lost for good\n {2}where {5}d\/big \(\S+, one\)/)
    assert.doesNotMatch(stderr, /sentctl verify/)
  }
  assert.match((await sentctl('diff', '--from', 'one', '--to', 'two')).stdout, /cannot be compared/)
  assert.equal((await sentctl('cat', 'd/text', '--at', 'one')).stdout, 'text\n')
})

test('a copy put back at its path brings it back', async () => {
  const file = path.join(fixture.root, 'd/big')
  const now = fs.readFileSync(file)
  fs.writeFileSync(file, lostBytes)
  const { stdout, exitCode } = await sentctl('repair')
  assert.equal(exitCode, 0)
  assert.match(
    stdout,
    /^Mended \(1\):\n {2}object-missing .*\n.*\(known to be lost\)\nNothing is lost\.\nFound again, 1 path:\n {2}d\/big {2}in \S+, one\n/,
  )
  assert.doesNotMatch(stdout, /Lost/)
  assert.deepEqual((await sentctl('cat', 'd/big', '--at', 'one')).bytes, Buffer.from(lostBytes))
  assert.doesNotMatch((await sentctl('snapshot', 'list')).stdout, /lost/)
  fs.writeFileSync(file, now)
})
