// Records that say what is not so are found, named by seq and path, whoever signed them.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import test from 'node:test'
import { decodeTraceHeader, decodeTraceItemAt, encodeTraceItem } from '../../../src/core/format/recycleTrace.ts'
import { codesOf, makeFolder, put, run } from './fixtures.ts'
import { forge, forgeries, withBaseBehind } from './forging.ts'

const files = { a: 'one', 'a.b': 'two', 'd/x': 'three', 'd/y': 'four' }

for (const [name, forgery] of Object.entries(forgeries)) {
  test(`${name}: ${forgery.code ?? 'no finding'}`, async context => {
    const folder = await makeFolder(context, files)
    await folder.with(system => put(system, 'a', 'changed'))
    const seq = await forge(folder.host, folder.path, forgery)
    for (const options of [{}, { deep: true }, { since: seq }]) {
      const report = await folder.with(system => run(system.verify(options)), 'read')
      const damage = report.findings.filter(({ severity }) => severity === 'damage')
      assert.deepEqual([...new Set(codesOf(damage))], forgery.code === undefined ? [] : [forgery.code])
      if (forgery.code === undefined) continue
      assert.equal(damage[0]?.seq, seq)
      if (forgery.path !== undefined) assert.ok(damage.some(finding => finding.path === forgery.path))
      if (forgery.code === 'changes-untrue') assert.ok(damage[0]?.expected !== undefined || forgery.path === undefined)
    }
    // What stands before it is as good as it was.
    const before = await folder.with(system => run(system.verify({ since: seq + 1 })), 'read')
    assert.deepEqual(
      codesOf(before.findings).filter(code => code.startsWith('changes')),
      [],
    )
  })
}

const segment = '.runtime/journal/00000000000000000000.seg'

test('a frame that says that it was written behind itself is found, read all the same, and mended', async context => {
  const folder = await makeFolder(context, files)
  for (let i = 0; i < 4; i++) await folder.with(system => put(system, 'a', `turn ${i}`))
  const whole = folder.read(segment)
  const { last } = await folder.with(system => ({ last: system.now().records - 1 }), 'read')
  for (const seq of [0, 2, last]) {
    writeFileSync(folder.at(segment), withBaseBehind(whole, seq))
    await folder.with(async system => {
      assert.equal([...system.records()].length, last + 1)
      const { findings } = await run(system.verify())
      // What the marks name is looked at by every opening.
      assert.equal(system.access, seq === last ? 'read' : 'write')
      assert.deepEqual(
        findings
          .filter(({ code }) => code !== 'journal-damaged')
          .map(finding => [finding.code, finding.seq, finding.found]),
        [['record-damaged', seq, 'a base behind the frame itself']],
      )
    })
    await folder.with(async system => {
      const { restored, lost } = await run(system.repair())
      assert.deepEqual([codesOf(restored).includes('record-damaged'), lost], [true, []])
    })
    assert.deepEqual(codesOf((await folder.with(system => run(system.verify()), 'read')).findings), [])
  }
})

test('recycle.trace that says other changes than the records is found, with seq and offset', async context => {
  const folder = await makeFolder(context, files)
  await folder.with(async system => {
    await put(system, 'a', 'changed')
    await put(system, 'd/x', 'changed too')
  })
  const trace = folder.read('recycle.trace')
  const header = decodeTraceHeader(trace)
  assert.ok(header.state === 'ok')
  const first = decodeTraceItemAt(trace, header.nextOffset)
  assert.ok(first.state === 'ok')
  const second = decodeTraceItemAt(trace, first.nextOffset)
  assert.ok(second.state === 'ok' && second.nextOffset === trace.length)
  const [head, one, two] = [trace.subarray(0, header.nextOffset), first.value, second.value]
  const untold = { ...one, changes: [] }
  const torn = ['a record that does not end', 'a block of nonsense']
  const cases: [what: string, bytes: Uint8Array[], seq: number | undefined][] = [
    ['changes that are left out', [encodeTraceItem(untold), encodeTraceItem(two)], one.seq],
    ['a record that is left out', [encodeTraceItem(two)], one.seq],
    ['another state', [encodeTraceItem({ ...one, root: two.root }), encodeTraceItem(two)], one.seq],
    ['a record twice', [encodeTraceItem(one), encodeTraceItem(one)], one.seq],
    ['a record that does not end', [encodeTraceItem({ ...one, more: true })], one.seq],
    [
      'a record that is still to come',
      [encodeTraceItem(one), encodeTraceItem(two), encodeTraceItem({ ...two, seq: two.seq + 1 })],
      two.seq + 1,
    ],
    ['a block of nonsense', [Buffer.alloc(80, 1)], undefined],
  ]
  for (const [what, blocks, seq] of cases) {
    writeFileSync(folder.at('recycle.trace'), Buffer.concat([head, ...blocks]))
    const { findings } = await folder.with(system => run(system.verify()), 'read')
    assert.deepEqual(codesOf(findings), ['trace-damaged'], what)
    assert.equal(findings[0]?.seq, seq, what)
    // What a write leaves that was cut short, though .db says that the file was longer once.
    assert.equal(findings[0]?.severity, torn.includes(what) ? 'note' : 'damage', what)
    assert.match(findings[0]?.where ?? '', /^recycle\.trace, offset \d+$/)
  }
  // A last block that was cut is no fault: the file is written without being flushed.
  writeFileSync(folder.at('recycle.trace'), trace.subarray(0, trace.length - 3))
  const { findings } = await folder.with(system => run(system.verify()), 'read')
  assert.deepEqual(findings, [])
  writeFileSync(folder.at('recycle.trace'), Buffer.concat([head, encodeTraceItem(two)]))
  await folder.with(async system => assert.deepEqual((await run(system.repair())).lost, []))
  assert.ok(folder.read('recycle.trace').equals(trace))
})
