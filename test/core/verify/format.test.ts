// A damaged `.runtime/format`: where the keys, the journal and what this device remembers agree on what it held, the
// folder goes on, verify names it, and repair writes it anew. What a later version may have written is refused as ever.

import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { adoptRoot } from '../../../src/core/system.ts'
import { assertClean, codesOf, type Folder, makeFolder, put, run, verifyDeep } from './fixtures.ts'

const name = '.runtime/format'

/** One that is a copy has had another log id before. */
async function makeCopy(context: TestContext): Promise<Folder> {
  const folder = await makeFolder(context, { file: 'text\n' })
  await run(adoptRoot(folder.host, { rootPath: folder.path, as: 'copy' }))
  return folder
}

const lastDigit = /[0-9a-f](?="\}|"\]\})/
const other = (digit: string): string => (digit === '0' ? '1' : '0')

const damages: Readonly<Record<string, (text: string) => string>> = {
  'another digit in the log id': text => text.replace(/(?<="logId":")[0-9a-f]/, other),
  'another log id': text => text.replace(/(?<="logId":")[0-9a-f]{32}/, 'ab'.repeat(16)),
  'what is no digit in the log id': text => text.replace(/(?<="logId":")[0-9a-f]/, 'g'),
  'a byte of no text': text => text.replace('requires', 'requ\xe9res'),
  'another word': text => text.replace('"options"', '"optjons"'),
}

async function assertMended(folder: Folder, damaged: string, what: string): Promise<void> {
  const whole = folder.read(name)
  assert.notEqual(damaged, whole.toString('latin1'), what)
  folder.write(name, Buffer.from(damaged, 'latin1'))
  await folder.with(async system => {
    assert.match(system.notices.map(({ text }) => text).join(), /\.runtime\/format is damaged/)
    await put(system, 'file', `${what}\n`)
  })
  await folder.with(system => assert.equal(system.checkpoint()?.size, system.now().records), 'read')
  const { findings } = await verifyDeep(folder)
  assert.deepEqual(codesOf(findings), ['format-damaged'], what)
  const { restored, lost } = await folder.with(system => run(system.repair()))
  assert.deepEqual([codesOf(restored), lost], [['format-damaged'], []], what)
  assert.ok(folder.read(name).equals(whole), what)
  assertClean(await verifyDeep(folder))
}

test('what it held is known: written as ever, named, mended', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  const text = folder.read(name).toString('latin1')
  for (const [what, damage] of Object.entries(damages)) await assertMended(folder, damage(text), what)
})

test('nothing is carried elsewhere under a log id that is wrong', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  const text = folder.read(name).toString('latin1')
  const to = `${folder.path}-backup`
  for (const damage of Object.values(damages)) {
    folder.write(name, Buffer.from(damage(text), 'latin1'))
    await folder.with(async system => {
      await assert.rejects(run(system.backup(to)), { code: 'DAMAGED' })
      await assert.rejects(run(system.exportArchive(`${to}.tar`)), { code: 'DAMAGED' })
      await run(system.repair())
      await run(system.backup(to))
    })
  }
  await folder.with(system => run(system.backup(to)))
})

test('in a copy, too', async context => {
  const folder = await makeCopy(context)
  const text = folder.read(name).toString('latin1')
  for (const [what, damage] of Object.entries(damages)) await assertMended(folder, damage(text), what)
  await assertMended(folder, text.replace(lastDigit, other), 'another digit in an earlier log id')
})

test('what a later version may have written is refused, and what nobody else says is believed to nobody', async context => {
  const folder = await makeFolder(context, { file: 'text\n' })
  const text = folder.read(name).toString('latin1')
  const open = () => folder.with(() => undefined)
  for (const later of [text.replace('"format":1', '"format":2'), text.replace('[]', '["new"]')]) {
    folder.write(name, later)
    await assert.rejects(open(), { code: 'FORMAT_UNKNOWN' })
    assert.equal(folder.read(name).toString(), later)
  }
  for (const damaged of ['', text.slice(0, -1), text.replace('{"format":1,"requires"', '{"farmot":1,"requests')]) {
    folder.write(name, damaged)
    await assert.rejects(open(), { code: 'DAMAGED' })
  }
  // The keys of another folder: nobody says what they say.
  folder.write(name, text)
  const stranger = await makeFolder(context, { file: 'text\n' })
  rmSync(folder.at('.auth'), { recursive: true })
  cpSync(stranger.at('.auth'), folder.at('.auth'), { recursive: true })
  await folder.with(async system => {
    assert.ok(codesOf((await run(system.verify())).findings).includes('format-damaged'))
    assert.doesNotMatch(system.notices.map(({ text }) => text).join(), /\.runtime\/format is damaged/)
  }, 'read')
  assert.equal(folder.read(name).toString(), text)
})
