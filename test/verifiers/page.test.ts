// The commands of docs/verifying.md, run one after the other as they stand there, by a shell.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { assertAccepts, openWorkshop } from './workshop.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const workshop = openWorkshop()
const { at, sentctl } = workshop
after(() => workshop.remove())

function commandsOfThePage(): string {
  const page = fs.readFileSync(path.join(repository, 'docs/verifying.md'), 'utf8')
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(match => match[1])
  assert.ok(blocks.length >= 5)
  return blocks.join('')
}

test('every command of the page does what it says', () => {
  fs.mkdirSync(at('root'))
  fs.writeFileSync(at('root/file'), 'content\n')
  sentctl('root', ['init'])
  sentctl('root', ['mkdir', ...Array.from({ length: 270 }, (_, i) => `d${i}`)])
  const ran = spawnSync('bash', ['-euo', 'pipefail', '-c', commandsOfThePage()], {
    cwd: at('root'),
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${path.join(repository, 'bin')}:${process.env.PATH ?? ''}`,
      XDG_STATE_HOME: at('device'),
    },
  })
  assert.equal(ran.status, 0, `${ran.stdout}${ran.stderr}`)
  const said = ran.stdout
  assert.match(said, /Signature Verified Successfully/)
  assert.match(said, /^27\d records of sentientos\.invalid\/.* have the signed root$/m)
  assert.match(said, /^Consistent: the 27\d records/m)
  assert.match(said, /^Included: record #1,/m)
  assert.match(said, /seen for the first time, and cosigned/)
  assertAccepts(
    /^27\d records begin with the older 27\d/,
    'consistency',
    at('since-monday.proof'),
    workshop.key('root'),
  )
})
