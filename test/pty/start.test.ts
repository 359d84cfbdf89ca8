// `npm start` as a new user meets it, on a real terminal: the demo is made once, is this device's own, and everything that
// the screen can show is in it.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openTerminal } from '../support/terminal.ts'

test('the first start makes the demo and shows what changed in it; it can be written at once', async context => {
  const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-start-')))
  const start = () => {
    const terminal = openTerminal({
      command: process.execPath,
      args: [path.join(import.meta.dirname, '../../tools/start.ts')],
      cwd: home,
      columns: 100,
      environment: {
        HOME: home,
        XDG_DATA_HOME: `${home}/data`,
        XDG_STATE_HOME: `${home}/state`,
        INIT_CWD: home,
        // Building it is another test's, and takes minutes where nothing is built yet.
        SENTIENT_NATIVE: '0',
      },
    })
    context.after(() => terminal.close())
    return terminal
  }
  context.after(() => fs.rmSync(home, { recursive: true, force: true }))
  const screen = start()
  await screen.waitFor('c: 4 changed 1 damaged', 60_000)
  assert.doesNotMatch(screen.text(), /READ ONLY|MOVED OR A COPY/)
  screen.type('A')
  await screen.waitFor(/etc\/shadow/)
  screen.type('j')
  await screen.waitFor('> ~ etc/crontabs/root')
  screen.type('A')
  await screen.waitFor(/kept etc\/crontabs\/root #\d+/)
  await screen.waitFor('c: 3 changed 1 damaged')
  screen.type('q')
  assert.equal((await screen.exit()).exitCode, 0)

  const again = start()
  await again.waitFor('c: 3 changed 1 damaged', 60_000)
  assert.doesNotMatch(again.bytes(), /Making the demo/)
  again.type('q')
  assert.equal((await again.exit()).exitCode, 0)
})
