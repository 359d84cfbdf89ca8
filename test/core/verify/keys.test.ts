// Public keys that are damaged or gone: the records, or the private key, still tell them. The folder goes on, verify
// names the file, and repair writes it anew as it was.

import assert from 'node:assert/strict'
import { rmSync, truncateSync } from 'node:fs'
import test from 'node:test'
import { adoptRoot, type System } from '../../../src/core/system.ts'
import { assertClean, codesOf, type Folder, flip, locate, makeFolder, put, run, verifyDeep } from './fixtures.ts'

const key = '.auth/log-0.vkey'

const damages: Readonly<Record<string, (path: string) => void>> = {
  'another character in its name': path => flip(path, 30, 1),
  'another character in the key': path => flip(path, 70, 1),
  'a character more': path => flip(path, 70, 0x80),
  'its end cut off': path => truncateSync(path, 40),
  'nothing in it': path => truncateSync(path, 0),
  'no newline': path => truncateSync(path, 101),
}

const findingsOf = async (folder: Folder): Promise<readonly (string | undefined)[][]> =>
  (await verifyDeep(folder)).findings
    .filter(({ severity }) => severity === 'damage')
    .map(({ code, where }) => [code, where])

const noticesOf = (system: System): string[] => system.notices.map(({ text }) => text)

for (const [what, damage] of Object.entries(damages)) {
  test(`a public key with ${what}: written and signed as ever, named, mended`, async context => {
    const folder = await makeFolder(context, { file: 'text\n' })
    const whole = folder.read(key)
    assert.equal(whole.length, 102)
    damage(folder.at(key))
    await folder.with(async system => {
      if (what !== 'no newline') assert.match(noticesOf(system).join(), /public key is damaged; at \.auth\/log-0\.vkey/)
      await put(system, 'file', 'more\n')
    })
    await folder.with(system => assert.equal(system.checkpoint()?.size, system.now().records), 'read')
    assert.deepEqual(await findingsOf(folder), [['key-damaged', key]])
    const { restored, lost } = await folder.with(system => run(system.repair()))
    assert.deepEqual([codesOf(restored), lost], [['key-damaged'], []])
    assert.ok(folder.read(key).equals(whole))
    assertClean(await verifyDeep(folder))
  })
}

test('one that is missing, and one without its private key', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  const whole = folder.read(key)
  rmSync(folder.at(key))
  assert.deepEqual(await findingsOf(folder), [['key-damaged', key]])
  await folder.with(system => run(system.repair()))
  assert.ok(folder.read(key).equals(whole))
  assertClean(await verifyDeep(folder))
  rmSync(folder.at('.auth/log-0.pem'))
  flip(folder.at(key), 80, 2)
  await folder.with(system => run(system.repair()))
  assert.ok(folder.read(key).equals(whole))
  assert.deepEqual(codesOf((await verifyDeep(folder)).findings), ['key-missing'])
})

test('where no record can tell it, the private key does; where neither can, the folder is read', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  const whole = folder.read(key)
  const inRecord = locate(folder, '.runtime/journal', whole.subarray(40, 80))
  flip(folder.at(inRecord.name), inRecord.offset)
  flip(folder.at(inRecord.name), inRecord.offset + 20)
  flip(folder.at(key), 80, 2)
  await folder.with(system => run(system.repair()))
  assert.ok(folder.read(key).equals(whole))

  flip(folder.at(key), 80, 2)
  rmSync(folder.at('.auth/log-0.pem'))
  await folder.with(async system => {
    assert.equal(system.access, 'read')
    assert.equal(system.binding.refusal, undefined)
    assert.match(noticesOf(system).join(), /public key is damaged/)
    await assert.rejects(put(system, 'file', 'more\n'), { code: 'KEY' })
    assert.throws(() => system.verifierKey(), { code: 'KEY' })
    const report = await run(system.verify())
    assert.ok(report.findings.some(({ code, where }) => code === 'key-damaged' && where === key))
  })
  assert.equal(folder.read('file').toString(), 'text\n')
})

test('keys of earlier epochs, and a damaged one of a later epoch, are told apart', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  rmSync(folder.at('.auth/log-0.pem'))
  await run(adoptRoot(folder.host, { rootPath: folder.path, as: 'moved' }))
  const names = [key, '.auth/log-1.vkey']
  const whole = names.map(name => folder.read(name))
  for (const name of names) flip(folder.at(name), 75, 1)
  await folder.with(async system => {
    assert.match(system.verifierKey(), /\/1\+/)
    assert.deepEqual(
      system.verifierKeys(),
      whole.map(bytes => bytes.toString().trim()),
    )
    await put(system, 'file', 'more\n')
  })
  assert.deepEqual(
    await findingsOf(folder),
    names.map(name => ['key-damaged', name]),
  )
  await folder.with(system => run(system.repair()))
  assert.deepEqual(
    names.map(name => folder.read(name)),
    whole,
  )
  rmSync(folder.at(names[1]!))
  await folder.with(system => assert.match(system.verifierKey(), /\/1\+/), 'read')
  await folder.with(system => run(system.repair()))
  assert.deepEqual(
    names.map(name => folder.read(name)),
    whole,
  )
  assertClean(await verifyDeep(folder))
})
