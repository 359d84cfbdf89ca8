// The native core's own tests, by cargo, in the folder where its builds lie.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { it } from 'node:test'
import { cargoFolder } from '../../tools/native.ts'

it('passes its own tests', async () => {
  const root = path.join(import.meta.dirname, '..', '..')
  const done = spawnSync('cargo', ['test', '--locked', '--package', 'sentient-store'], {
    cwd: path.join(root, 'native-core'),
    env: { ...process.env, CARGO_TARGET_DIR: await cargoFolder(root), CARGO_TERM_COLOR: 'never' },
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  assert.equal(done.status, 0, `${done.stdout}${done.stderr}`.slice(-6000))
  assert.match(done.stdout, /test result: ok\. [1-9]/)
})
