// Records that say what is not so, made one by one: the stand-alone verifier finds each as TypeScript does.

import assert from 'node:assert/strict'
import test from 'node:test'
import { makeFolder, put, typescriptAlone } from '../core/verify/fixtures.ts'
import { forge, forgeries } from '../core/verify/forging.ts'
import { verifyAlone } from './standAlone.ts'

const files = { a: 'one', 'a.b': 'two', 'd/x': 'three', 'd/y': 'four' }

for (const [name, forgery] of Object.entries(forgeries)) {
  test(`${name}: ${forgery.code ?? 'no finding'}`, async context => {
    const folder = await makeFolder(context, files, typescriptAlone)
    await folder.with(system => put(system, 'a', 'changed'))
    const seq = await forge(folder.host, folder.path, forgery)
    const findings = verifyAlone(folder.path)
    assert.ok(typeof findings !== 'string', `it could not look: ${String(findings)}`)
    const damage = findings.filter(({ severity }) => severity === 'damage')
    assert.deepEqual(
      [...new Set(damage.map(({ code }) => code))],
      forgery.code === undefined ? [] : [forgery.code],
      JSON.stringify(damage),
    )
    if (forgery.code === undefined) return
    assert.equal(damage[0]?.seq, seq)
    if (forgery.path !== undefined) assert.ok(damage.some(finding => finding.path === forgery.path))
  })
}
