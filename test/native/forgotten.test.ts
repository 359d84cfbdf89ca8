// Contents and records that were forgotten: the stand-alone verifier takes what a record lists for gone, and nothing else.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import test from 'node:test'
import { makeFolder, put, run, typescriptAlone } from '../core/verify/fixtures.ts'
import { dropBody } from '../core/verify/forgetFixtures.ts'
import { verifyAlone } from './standAlone.ts'

test('what was forgotten is not missed', async context => {
  const folder = await makeFolder(
    context,
    { 'secret/key': 'do not keep this\n', other: 'keep this\n' },
    typescriptAlone,
  )
  await folder.with(async system => {
    await put(system, 'secret/key', 'nor this\n')
    await run(system.snapshotCreate({ name: 'with-the-secret' }))
    await run(system.remove(['secret'], { recursive: true }))
    await run(system.forget(['secret/key']))
    await put(system, 'other', 'and this\n')
  })
  assert.deepEqual(verifyAlone(folder.path), [])
})

test('a body that is gone without a word is damage', async context => {
  const folder = await makeFolder(context, { other: 'keep this\n' }, typescriptAlone)
  await folder.with(system => put(system, 'other', 'and this\n'))
  const [segment] = readdirSync(folder.at('.runtime/journal'))
  dropBody(folder.at(`.runtime/journal/${segment}`), 1)
  const findings = verifyAlone(folder.path)
  assert.ok(typeof findings !== 'string')
  assert.ok(findings.some(({ code, seq }) => code === 'body-missing' && seq === 1))
})
