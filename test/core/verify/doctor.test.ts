// What `doctor` says of folders that are well and of folders that are not.

import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { createFailingHost, SimulatedCrash } from '../../../src/core/host/failing.ts'
import type { DoctorCheck } from '../../../src/core/system.ts'
import { openSystem } from '../../../src/core/system.ts'
import { type Folder, filesBelow, flip, locate, makeFolder, noise, put, run, verifyDeep } from './fixtures.ts'

async function examine(folder: Folder, path = folder.path): Promise<ReadonlyMap<string, DoctorCheck>> {
  const system = await openSystem(folder.host, { rootPath: path, access: 'read' })
  try {
    return new Map((await system.doctor()).map(check => [check.name, check]))
  } finally {
    await system.close()
  }
}

const stateOf = (checks: ReadonlyMap<string, DoctorCheck>, name: string): string | undefined => checks.get(name)?.state

test('all is well with a new folder', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const checks = await examine(folder)
  assert.deepEqual(
    [...checks.values()].filter(check => check.state !== 'ok'),
    [],
  )
  assert.ok(checks.size >= 18)
  assert.match(checks.get('format')?.text ?? '', /^version 1, no options, log [0-9a-f]{32}$/)
  assert.match(checks.get('journal')?.text ?? '', /^3 records/)
  assert.match(checks.get('checkpoint')?.text ?? '', /^over 3 records/)
  assert.match(checks.get('binding')?.text ?? '', /3 records/)
  assert.deepEqual(
    filesBelow(folder.at('.runtime')).filter(name => name.includes('probe')),
    [],
  )
})

test('modes that let others in', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  chmodSync(folder.at('.auth/log-0.pem'), 0o644)
  chmodSync(folder.at('.tree'), 0o755)
  const checks = await examine(folder)
  assert.equal(stateOf(checks, 'keys'), 'bad')
  assert.equal(stateOf(checks, 'dotfolders'), 'warn')
  assert.match(checks.get('dotfolders')?.text ?? '', /\.tree has mode 0755/)
})

test('settings that are changed, wrong or missing', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const text = folder.read('sentient.yaml').toString()
  writeFileSync(folder.at('sentient.yaml'), text.replace('hourly: 24', 'hourly: 12'))
  assert.match((await examine(folder)).get('settings')?.text ?? '', /retention/)
  writeFileSync(folder.at('sentient.yaml'), text.replace('hourly: 24', 'hourly: [')) // not YAML any more
  assert.equal(stateOf(await examine(folder), 'settings'), 'bad')
  rmSync(folder.at('sentient.yaml'))
  assert.equal(stateOf(await examine(folder), 'settings'), 'warn')
})

test('a folder that was moved, copied, restored, or put back in time', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const elsewhere = `${folder.path}-elsewhere`
  const backup = `${folder.path}-backup`
  const copy = (from: string, to: string): void => cpSync(from, to, { recursive: true, preserveTimestamps: true })
  copy(folder.path, backup)
  copy(folder.path, elsewhere)
  const binding = async (path: string) => (await examine(folder, path)).get('binding')
  assert.equal((await binding(folder.path))?.state, 'ok')
  const copied = await binding(elsewhere)
  assert.equal(copied?.state, 'bad')
  assert.match(copied?.text ?? '', /copy of .*root, which is still there/)

  await folder.with(system => put(system, 'a', 'b'))
  rmSync(folder.path, { recursive: true })
  const moved = await binding(elsewhere)
  assert.equal(moved?.state, 'bad')
  assert.match(moved?.text ?? '', /signed for 4 records; the journal has 3 records/)

  renameSync(backup, folder.path)
  const behind = await binding(folder.path)
  assert.equal(behind?.state, 'bad')
  assert.match(behind?.text ?? '', /signed for 4 records; the journal has 3 records/)
})

test('a device that remembers nothing', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const forgetful = { ...folder, host: { ...folder.host, stateDirectory: undefined } }
  assert.equal(stateOf(await examine(forgetful), 'binding'), 'warn')
})

test('damage, leftovers, and a writer that was killed', async context => {
  const content = noise(3000, 1)
  const folder = await makeFolder(context, { a: content })
  const place = locate(folder, '.tree/packs', content)
  flip(folder.at(place.name), place.offset)
  await verifyDeep(folder)
  const damaged = await examine(folder)
  assert.equal(stateOf(damaged, 'store'), 'bad')
  assert.match(damaged.get('store')?.text ?? '', /1 damaged path, first a$/)
  await folder.with(system => run(system.repair()))
  assert.equal(stateOf(await examine(folder), 'store'), 'ok')

  mkdirSync(folder.at('.tree/torn'), { recursive: true })
  writeFileSync(folder.at('.tree/torn/part'), 'x')
  assert.equal(stateOf(await examine(folder), 'leftovers'), 'warn')

  const killed = createFailingHost(folder.host)
  const system = await openSystem(killed, { rootPath: folder.path, access: 'write' })
  killed.faults.failWhen(({ call, path }) =>
    call === 'write' && path.endsWith('.seg') ? { kind: 'crash' } : undefined,
  )
  await assert.rejects(put(system, 'b', 'b'), SimulatedCrash)
  killed.faults.crash()
  assert.match((await examine(folder)).get('lock')?.text ?? '', /^held by process \d+ \(put\)$/)
  const note = folder.read('.runtime/holder').toString()
  writeFileSync(folder.at('.runtime/holder'), note.replace(/^\d+/, '999999999'))
  const left = (await examine(folder)).get('lock')
  assert.equal(left?.state, 'warn')
  assert.match(left?.text ?? '', /^process 999999999 \(put\) ended without letting it go$/)
})

test('a damaged journal is told, and every other check still answers', async context => {
  const folder = await makeFolder(context, { a: 'a' })
  const name = folder.at(`.runtime/journal/${filesBelow(folder.at('.runtime/journal'))[0]}`)
  truncateSync(name, readFileSync(name).length - 10)
  const checks = await examine(folder)
  assert.equal(stateOf(checks, 'journal'), 'bad')
  assert.ok(checks.size >= 18)
  assert.equal(stateOf(checks, 'keys'), 'ok')
})
