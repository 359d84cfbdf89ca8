// The question what a folder is: asked on a terminal before a verb writes, which then goes on; elsewhere an exit code of
// its own, and both answers as a verb.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type Fixture, makeFolder, must } from '../commands/fixture.ts'
import { openTerminal, type Terminal } from '../support/terminal.ts'
import { run } from './runner.ts'

const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts')

let fixture: Fixture
let copies = 0
before(async () => {
  fixture = makeFolder()
  fs.writeFileSync(path.join(fixture.root, 'a'), 'a\n')
  await must(fixture.root, ['init'])
})
after(() => fixture.remove())

function copied(): string {
  copies++
  const to = path.join(fixture.folder, `copy-${copies}`)
  fs.cpSync(fixture.root, to, { recursive: true, preserveTimestamps: true })
  return to
}

/** The verb on a terminal. */
const onTerminal = (cwd: string, ...args: string[]): Terminal =>
  openTerminal({
    command: process.execPath,
    args: [main, ...args],
    cwd,
    environment: { XDG_STATE_HOME: path.join(fixture.folder, 'xdg') },
  })

const originOf = (root: string): string =>
  fs.readFileSync(path.join(root, '.runtime/checkpoint'), 'utf8').split('\n')[0]!

test('without a terminal a verb that writes ends with an exit code of its own, and names both answers', async () => {
  const root = copied()
  const before = originOf(root)
  const { exitCode, stderr } = await run(['mkdir', 'd'], { cwd: root })
  assert.equal(exitCode, 6)
  assert.match(stderr, new RegExp(`last signed at ${fixture.root}`))
  assert.match(stderr, /sentctl adopt --copy.*sentctl adopt --moved/s)
  assert.match(stderr, /code {6}COPY/)
  assert.equal((await run(['verify'], { cwd: root })).exitCode, 0)
  assert.equal((await run(['log'], { cwd: root })).exitCode, 0)
  const json = await run(['mkdir', 'd', '--json'], { cwd: root })
  assert.equal(JSON.parse(json.stderr.trim().split('\n').at(-1)!).error.code, 'COPY')
  assert.equal((await run(['adopt', '--moved'], { cwd: root })).exitCode, 6)
  assert.equal((await run(['adopt'], { cwd: root })).exitCode, 2)
  assert.equal(originOf(root), before)
  const adopted = JSON.parse(await must(root, ['adopt', '--copy', '--json']))
  assert.deepEqual([adopted.adopted, adopted.found, adopted.as], [true, 'copied', 'copy'])
  await must(root, ['mkdir', 'd'])
  assert.equal(originOf(root), adopted.origin)
  const keys = (await must(root, ['checkpoint', 'key', '--all'])).trim().split('\n')
  assert.equal(keys.length, 2)
  assert.ok(keys[0]!.startsWith(before))
  assert.equal(keys[1], (await must(root, ['checkpoint', 'key'])).trim())
})

test('on a terminal it is asked, and the verb goes on with the answer', async () => {
  const root = copied()
  const screen = onTerminal(root, 'mkdir', 'd')
  try {
    await screen.waitFor('Moved, copy or leave? [m/c/l]')
    assert.match(screen.text(), /still at/)
    screen.type('x\r')
    await screen.waitFor('m, c or l?')
    screen.type('c\r')
    assert.equal((await screen.exit()).exitCode, 0, screen.text())
    assert.match(screen.text(), /a new key/)
  } finally {
    screen.close()
  }
  assert.ok(fs.existsSync(path.join(root, 'd')))
  assert.notEqual(originOf(root), originOf(fixture.root))
})

for (const answer of ['l\r', '\r', '\x04', '\x03'])
  test(`on a terminal ${JSON.stringify(answer)} leaves it as it is`, async () => {
    const root = copied()
    const screen = onTerminal(root, 'mkdir', 'd')
    try {
      await screen.waitFor('Moved, copy or leave? [m/c/l]')
      screen.type(answer)
      assert.equal((await screen.exit()).exitCode, 6, screen.text())
    } finally {
      screen.close()
    }
    assert.ok(!fs.existsSync(path.join(root, 'd')))
    assert.equal(originOf(root), originOf(fixture.root))
  })
