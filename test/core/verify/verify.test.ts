// What `verify` finds in root folders on a real disk, and that a whole one has nothing to be found.

import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import type { Finding, VerifyReport } from '../../../src/core/timeline/model.ts'
import { assertClean, codesOf, filesBelow, flip, locate, makeFolder, noise, put, run, verifyDeep } from './fixtures.ts'

const checked = (report: VerifyReport, name: string): number =>
  report.checks.find(check => check.name === name)?.checked ?? -1

test('a whole folder has no findings, and each check says how much it looked at', async context => {
  const folder = await makeFolder(context, { 'etc/hosts': 'localhost\n', 'var/big': noise(3 << 20, 1) })
  await folder.with(system => put(system, 'etc/new', 'new\n'))
  const report = await verifyDeep(folder)
  assertClean(report)
  assert.equal(checked(report, 'records'), 4)
  assert.equal(checked(report, 'chain'), 4)
  assert.equal(checked(report, 'bodies'), 4)
  assert.equal(checked(report, 'marks'), 2)
  assert.equal(checked(report, 'checkpoint'), 1)
  assert.equal(checked(report, 'recycle.lock'), 1)
  assert.equal(checked(report, 'tree'), 3)
  assert.ok(checked(report, 'pack entries') >= checked(report, 'objects'))
  assert.ok(checked(report, 'objects') > 10)
  for (const options of [{}, { quick: true }, { since: 2 }]) {
    assertClean(await folder.with(system => run(system.verify(options)), 'read'))
  }
})

test('verify --since looks at the newer records only', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(async system => {
    for (let i = 0; i < 5; i++) await put(system, 'b', `version ${i}`)
  })
  const report = await folder.with(system => run(system.verify({ since: 6 })), 'read')
  assert.equal(checked(report, 'records'), 2)
  assertClean(report)
})

test('a flipped byte in the pack is found by --deep with pack, offset and path, and shown by status', async context => {
  const content = noise(5000, 2)
  const folder = await makeFolder(context, { 'etc/fstab': content, 'etc/hosts': noise(5000, 3) })
  const place = locate(folder, '.tree/packs', content.subarray(1000, 1100))
  flip(folder.at(place.name), place.offset)
  const usual = await folder.with(system => run(system.verify()), 'read')
  assertClean(usual)

  const report = await verifyDeep(folder)
  assert.equal(report.damaged, true)
  assert.deepEqual(codesOf(report.findings), ['pack-entry-damaged'])
  const [finding] = report.findings as [Finding]
  assert.equal(finding.path, 'etc/fstab')
  assert.equal(finding.severity, 'damage')
  const [file, offset] = (finding.where as string).split(', offset ')
  assert.equal(file, place.name)
  assert.ok(Number(offset) < place.offset && Number(offset) > place.offset - 1200)

  await folder.with(async system => {
    const { changes, counts } = await run(system.status())
    assert.equal(counts.damaged, 1)
    assert.deepEqual(
      changes.map(change => [change.path, change.state]),
      [['etc/fstab', 'damaged']],
    )
    assert.equal(system.entry('etc/fstab')?.mark, '!')
    // What an earlier, deeper look found is looked at again by a usual one.
    const again = await run(system.verify())
    assert.deepEqual(
      again.findings.map(one => [one.code, one.path]),
      [['object-damaged', 'etc/fstab']],
    )
  })

  flip(folder.at(place.name), place.offset)
  assertClean(await folder.with(system => run(system.verify()), 'read'))
  await folder.with(async system => assert.equal((await run(system.status())).counts.damaged, 0))
})

test('a damaged chunk that several paths share is told of each of them', async context => {
  const content = noise(3000, 4)
  const folder = await makeFolder(context, { one: content, 'two/copy': content })
  const place = locate(folder, '.tree/packs', content)
  flip(folder.at(place.name), place.offset + 10)
  const { findings } = await verifyDeep(folder)
  assert.deepEqual(findings.map(finding => finding.path).sort(), ['one', 'two/copy'])
})

test('a damaged chunk of a past version is told with its record, and no path is damaged now', async context => {
  const folder = await makeFolder(context, { file: 'first\n' })
  const old = noise(2000, 5)
  await folder.with(async system => {
    await put(system, 'file', old)
    await put(system, 'file', 'last\n')
  })
  const place = locate(folder, '.tree/packs', old)
  flip(folder.at(place.name), place.offset)
  const { findings } = await verifyDeep(folder)
  assert.deepEqual(codesOf(findings), ['pack-entry-damaged'])
  assert.equal(findings[0]?.path, undefined)
  assert.equal(findings[0]?.seq, 3)
  await folder.with(async system => assert.equal((await run(system.status())).counts.damaged, 0))
})

test('without its packs everything that is needed is missing, and the folder still opens', async context => {
  const folder = await makeFolder(context, { 'a/file': 'content\n' })
  for (const name of filesBelow(folder.at('.tree/packs'))) rmSync(folder.at(`.tree/packs/${name}`))
  const report = await folder.with(system => run(system.verify()), 'read')
  assert.equal(report.damaged, true)
  assert.ok(codesOf(report.findings).every(code => code === 'object-missing'))
  assert.ok(report.findings.length > 0)
})

test('a pack that lost its end is shorter than what was flushed', async context => {
  const folder = await makeFolder(context, { a: 'a', b: 'b' })
  const pack = folder.at(`.tree/packs/${filesBelow(folder.at('.tree/packs')).find(name => name.endsWith('.pack'))}`)
  truncateSync(pack, readFileSync(pack).length - 40)
  const quick = await folder.with(system => run(system.verify({ quick: true })), 'read')
  assert.ok(codesOf(quick.findings).includes('pack-shortened'))
  assert.ok(codesOf((await verifyDeep(folder)).findings).includes('pack-shortened'))
})

test('a writer that was cut off behind its mark left no damage', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const pack = folder.at(`.tree/packs/${filesBelow(folder.at('.tree/packs')).find(name => name.endsWith('.pack'))}`)
  const whole = readFileSync(pack)
  writeFileSync(pack, Buffer.concat([whole, whole.subarray(16, 100)]))
  const report = await verifyDeep(folder)
  assert.equal(report.damaged, false)
  assert.deepEqual(codesOf(report.findings), ['pack-tail-unfinished'])
  assert.equal(report.findings[0]?.severity, 'note')
})

test('an index that tells other places than the pack is found', async context => {
  const folder = await makeFolder(context, { a: 'a', b: 'b' })
  const index = filesBelow(folder.at('.tree/packs')).find(name => name.endsWith('.idx'))
  flip(folder.at(`.tree/packs/${index}`), 1100)
  for (const deep of [false, true]) {
    const report = await folder.with(system => run(system.verify({ deep })), 'read')
    assert.deepEqual(codesOf(report.findings), ['index-damaged'])
    assert.equal(report.findings[0]?.where, `.tree/packs/${index}`)
  }
})

test('changes outside are drift, with their paths, and no damage', async context => {
  const folder = await makeFolder(context, { 'etc/hosts': 'a', 'etc/gone': 'b', run: 'c' })
  folder.write('etc/hosts', 'changed outside')
  folder.write('etc/new', 'new')
  rmSync(folder.at('etc/gone'))
  chmodSync(folder.at('run'), 0o755)
  const report = await verifyDeep(folder)
  assert.equal(report.damaged, false)
  assert.equal(report.drifted, true)
  assert.deepEqual(
    report.findings.map(finding => [finding.code, finding.severity, finding.path]),
    [
      ['path-gone', 'drift', 'etc/gone'],
      ['path-changed', 'drift', 'etc/hosts'],
      ['path-new', 'drift', 'etc/new'],
      ['path-changed', 'drift', 'run'],
    ],
  )
})

test('recycle.lock that somebody edited is not believed', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const text = folder.read('recycle.lock').toString()
  writeFileSync(folder.at('recycle.lock'), text.replace('as it was adopted', 'as it never was!!!'))
  const report = await folder.with(system => run(system.verify()), 'read')
  assert.deepEqual(codesOf(report.findings), ['snapshot-list-damaged'])
  await folder.with(system => assert.equal(system.snapshots()[0]?.label, 'as it was adopted'), 'read')
})

test('a checkpoint whose signature is not of our key is found', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const other = await makeFolder(context, { a: 'a' })
  writeFileSync(folder.at('.runtime/checkpoint'), other.read('.runtime/checkpoint'))
  const report = await folder.with(system => run(system.verify()), 'read')
  assert.ok(codesOf(report.findings).includes('checkpoint-signature'))
  assert.equal(report.damaged, true)
})

test('a missing private key is noted, a foreign one is damage', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const other = await makeFolder(context, { a: 'a' })
  const key = folder.read('.auth/log-0.pem')
  writeFileSync(folder.at('.auth/log-0.pem'), other.read('.auth/log-0.pem'))
  const foreign = await folder.with(system => run(system.verify()), 'read')
  assert.deepEqual(codesOf(foreign.findings), ['key-damaged'])
  rmSync(folder.at('.auth/log-0.pem'))
  const missing = await folder.with(system => run(system.verify()), 'read')
  assert.deepEqual(codesOf(missing.findings), ['key-missing'])
  assert.equal(missing.damaged, false)
  writeFileSync(folder.at('.auth/log-0.pem'), key)
})

test('what another process writes meanwhile is no finding', async context => {
  const folder = await makeFolder(context, { a: 'a', b: noise(400_000, 9) })
  await folder.with(async writer => {
    const reports: Promise<VerifyReport>[] = []
    await folder.with(async reader => {
      for (let i = 0; i < 12; i++) {
        reports.push(run(reader.verify({ deep: true })))
        await put(writer, `new/${i}`, noise(30_000, 100 + i).toString('hex'))
        if (i === 6) await run(writer.gc())
      }
      for (const report of await Promise.all(reports)) {
        assert.deepEqual(
          report.findings.filter(finding => finding.severity === 'damage'),
          [],
        )
      }
    }, 'read')
  })
})

test('verification stops when it is told to', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  await folder.with(async system => {
    const stop = new AbortController()
    stop.abort()
    await assert.rejects(run(system.verify({ deep: true, signal: stop.signal })), { code: 'CANCELLED' })
  }, 'read')
})

test('a list of unapplied paths that is none, and a log id that is not that of the key, are found and named', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  writeFileSync(folder.at('.runtime/unapplied'), Buffer.from('824162416', 'hex'))
  const listed = await folder.with(system => run(system.verify()), 'read')
  assert.deepEqual(
    listed.findings.map(({ code, where }) => [code, where]),
    [['unapplied-damaged', '.runtime/unapplied']],
  )
  rmSync(folder.at('.runtime/unapplied'))
  const format = folder.read('.runtime/format').toString()
  const id = /"logId":"(.)/.exec(format)?.[1] === '0' ? '1' : '0'
  writeFileSync(folder.at('.runtime/format'), format.replace(/"logId":"./, `"logId":"${id}`))
  const report = await verifyDeep(folder)
  const [finding] = report.findings.filter(({ code }) => code === 'format-damaged')
  assert.equal(finding?.where, '.runtime/format')
  assert.match(finding?.expected ?? '', /the log id of the key/)
})
