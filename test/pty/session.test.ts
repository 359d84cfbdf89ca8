// The phone killed it: the next start is where one was, on a real terminal, and an operation of before can be undone.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { keys } from '../support/terminal.ts'
import { makePlace } from './harness.ts'

test('killed in a directory with a filter and an operation behind it: there again, and u undoes it', async context => {
  const place = makePlace(context)
  const before = place.screen()
  await before.waitFor('as recorded')
  before.type('/etc\r')
  before.type('l')
  await before.waitFor('dnsmasq.conf')
  before.type('d')
  await before.waitFor('again')
  before.type('d')
  await before.waitFor(/deleted etc\/fstab/)
  before.type('fdns')
  await before.waitFor('dns')
  const sessions = path.join(place.root, '.intent/sessions')
  const kept = (): { id: string; screen: { panes: { files: { filter: string } } } } =>
    JSON.parse(fs.readFileSync(path.join(sessions, fs.readdirSync(sessions)[0]!), 'utf8'))
  for (let waited = 0; kept().screen.panes.files.filter !== 'dns' && waited < 20_000; waited += 100)
    await new Promise(go => setTimeout(go, 100))
  before.kill('SIGKILL')
  await before.exit()
  const { id } = kept()

  const after = place.screen()
  await after.waitFor(/Killed \d\d:\d\d/)
  await after.waitFor('dnsmasq.conf')
  assert.match(after.text(), /1FILES/)
  assert.match(after.text(), /etc\//)
  assert.deepEqual(
    fs.readdirSync(sessions).map(name => [name, fs.statSync(path.join(sessions, name)).mode & 0o777]),
    [[`${id}.json`, 0o600]],
  )
  after.type(keys.escape)
  after.type('u')
  await after.waitFor(/u again: undo #\d+/)
  after.type('u')
  await after.waitFor(/undone #\d+/)
  assert.ok(place.exists('etc/fstab'))
  after.type('q')
  assert.equal((await after.exit()).exitCode, 0)
  assert.match(fs.readFileSync(path.join(place.root, 'recycle.redis'), 'latin1'), new RegExp(`sentient:session:${id}`))
  assert.match(place.sentctl('verify'), /recycle\.redis/)

  const again = place.screen()
  await again.waitFor('as recorded')
  assert.doesNotMatch(again.text(), /Killed/)
  assert.match(again.text(), /etc\//)
  again.type('q')
  assert.equal((await again.exit()).exitCode, 0)
})

test('killed while it keeps, before the record: said, and Enter runs it again', async context => {
  const place = makePlace(context)
  for (let at = 0; at < 4_000; at++) place.write(`big/file-${at}`, `${at}\n`.repeat(50))
  const before = place.screen()
  await before.waitFor('1CHANGES')
  await before.waitFor('big/')
  const records = place.sentctl('log', '--json').trim().split('\n').length
  const sessions = path.join(place.root, '.intent/sessions')
  const running = (): boolean =>
    fs.readdirSync(sessions).some(name => {
      const { operation } = JSON.parse(fs.readFileSync(path.join(sessions, name), 'utf8')) as { operation: string }
      return operation !== ''
    })
  before.type('A')
  for (let waited = 0; !running() && waited < 20_000; waited += 1) await new Promise(go => setTimeout(go, 1))
  before.kill('SIGKILL')
  await before.exit()
  assert.equal(place.sentctl('log', '--json').trim().split('\n').length, records, 'it was killed before the record')

  const after = place.screen()
  await after.waitFor(/Killed \d\d:\d\d\. keep big: not recorded, nothing changed\. Enter\s+runs\s+it\s+again/)
  after.type(keys.enter)
  await after.waitFor(/kept big.* #\d+/)
  after.type('qq')
  assert.equal((await after.exit()).exitCode, 0)
  assert.match(place.sentctl('status'), /as recorded/)
})

test('a damaged session is left out, and named', async context => {
  const place = makePlace(context)
  const sessions = path.join(place.root, '.intent/sessions')
  fs.mkdirSync(sessions, { recursive: true })
  fs.writeFileSync(path.join(sessions, '0123456789abcdef.json'), '{"version": 1, "pane": "trace"')
  const screen = place.screen()
  await screen.waitFor('0123456789abcdef.json is left out: not JSON')
  await screen.waitFor('1FILES')
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)
})
