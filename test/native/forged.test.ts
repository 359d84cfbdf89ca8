// Records that say what is not so, made one by one: the stand-alone verifier finds each as TypeScript does.

import assert from 'node:assert/strict'
import test from 'node:test'
import { makeFolder, put, run, typescriptAlone } from '../core/verify/fixtures.ts'
import { forge, forgeries, withBaseBehind } from '../core/verify/forging.ts'
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

test('a frame that says that it was written behind itself', async context => {
  const segment = '.runtime/journal/00000000000000000000.seg'
  const folder = await makeFolder(context, files, typescriptAlone)
  for (let i = 0; i < 3; i++) await folder.with(system => put(system, 'a', `turn ${i}`))
  const whole = folder.read(segment)
  const { last } = await folder.with(system => ({ last: system.now().records - 1 }), 'read')
  for (const seq of [0, 2, last]) {
    folder.write(segment, withBaseBehind(whole, seq))
    const { findings } = await folder.with(system => run(system.verify()), 'read')
    assert.ok(findings.some(({ code }) => code === 'record-damaged'))
    const alone = verifyAlone(folder.path)
    assert.ok(typeof alone !== 'string', String(alone))
    const told = ({ code, seq: at, found }: { code: string; seq?: number; found?: string }) => [code, at, found]
    assert.deepEqual(alone.map(told), findings.map(told))
  }
})

test('a recycle.trace that was cut short while it was written is noted, whatever .db says of it', async context => {
  const folder = await makeFolder(context, files, typescriptAlone)
  await folder.with(system => put(system, 'a', 'changed'))
  const trace = folder.read('recycle.trace')
  const flipped = Buffer.from(trace)
  flipped[trace.length - 3] = (flipped[trace.length - 3] as number) ^ 1
  const torn = { flipped, zeros: Buffer.concat([trace, Buffer.alloc(99)]), headless: Buffer.alloc(trace.length, 7) }
  for (const [what, bytes] of Object.entries(torn)) {
    folder.write('recycle.trace', bytes)
    const told = ({ code, severity, found }: { code: string; severity: string; found?: string }) => [
      code,
      severity,
      found,
    ]
    const { findings, damaged } = await folder.with(system => run(system.verify()), 'read')
    assert.deepEqual(
      [findings.map(({ code, severity }) => [code, severity]), damaged],
      [[['trace-damaged', 'note']], false],
      what,
    )
    const alone = verifyAlone(folder.path)
    assert.ok(typeof alone !== 'string', String(alone))
    assert.deepEqual(alone.map(told), findings.map(told), what)
  }
})
