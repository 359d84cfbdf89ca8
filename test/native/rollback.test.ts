// Rollbacks by the stand-alone command, on folders that TypeScript made and goes on with.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { codesOf, type Folder, makeFolder, put, run, typescriptAlone } from '../core/verify/fixtures.ts'
import { runAlone, standAloneCommand, verifyAlone } from './standAlone.ts'

async function madeFolder(context: Parameters<typeof makeFolder>[0]): Promise<Folder> {
  const folder = await makeFolder(context, { 'a/one': '1\n', 'a/two': '2\n', top: 'top\n' }, typescriptAlone)
  await folder.with(async system => {
    await run(system.snapshotCreate({ name: 'before' }))
    await put(system, 'a/one', 'changed\n')
    await put(system, 'b/c/deep', 'new\n')
    await run(system.remove(['a/two']))
  })
  return folder
}

async function assertSound(folder: Folder): Promise<void> {
  assert.deepEqual(verifyAlone(folder.path), [])
  await folder.with(async system => {
    const report = await run(system.verify({ deep: true }))
    const found = report.findings.filter(({ severity }) => severity !== 'note')
    assert.deepEqual([codesOf(found), report.drifted], [[], false])
  })
}

describe('a rollback without Node', () => {
  test('is a record that TypeScript reads, undoes and goes on from', async context => {
    const folder = await madeFolder(context)
    runAlone('rollback', folder.path, '--to', 'before')
    assert.equal(folder.read('a/one').toString(), '1\n')
    assert.equal(fs.existsSync(folder.at('b')), false)
    await assertSound(folder)
    await folder.with(async system => {
      assert.equal([...system.records()].at(-1)?.action, 'rollback')
      await run(system.undo())
    })
    assert.equal(folder.read('b/c/deep').toString(), 'new\n')
    await assertSound(folder)
    runAlone('rollback', folder.path, '--to', 'before')
    await assertSound(folder)
  })

  test('is refused while another process holds the lock', async context => {
    const folder = await madeFolder(context)
    const lock = new DatabaseSync(folder.at('.runtime/lock'))
    try {
      lock.exec('BEGIN EXCLUSIVE')
      const { status, stderr } = spawnSync(standAloneCommand(), ['rollback', folder.path, '--to', 'before'])
      assert.deepEqual([status, /LOCKED/.test(String(stderr))], [5, true])
      lock.exec('ROLLBACK')
      runAlone('rollback', folder.path, '--to', 'before')
    } finally {
      lock.close()
    }
    await assertSound(folder)
  })

  test('that was killed behind its record is finished by TypeScript', async context => {
    const folder = await madeFolder(context)
    const tree = fs.mkdtempSync(`${folder.path}-`)
    for (const name of ['a', 'b', 'top']) fs.cpSync(folder.at(name), `${tree}/${name}`, { recursive: true })
    const marks = folder.read('.runtime/marks')
    runAlone('rollback', folder.path, '--to', 'before')
    // As if nothing but the record had reached the disk.
    fs.writeFileSync(folder.at('.runtime/marks'), marks)
    for (const name of ['a', 'b', 'top']) {
      fs.rmSync(folder.at(name), { recursive: true, force: true })
      fs.cpSync(`${tree}/${name}`, folder.at(name), { recursive: true })
    }
    await folder.with(() => undefined)
    assert.equal(folder.read('a/one').toString(), '1\n')
    assert.equal(folder.read('a/two').toString(), '2\n')
    assert.equal(fs.existsSync(folder.at('b')), false)
    await assertSound(folder)
  })

  test('leaves a folder alone that was changed outside where it would have to go', async context => {
    const folder = await madeFolder(context)
    folder.write('a/one', 'mine\n')
    const { status, stderr } = spawnSync(standAloneCommand(), ['rollback', folder.path, '--to', 'before'])
    assert.deepEqual([status, /DRIFT at a\/one/.test(String(stderr))], [1, true])
    assert.equal(folder.read('a/one').toString(), 'mine\n')
    assert.equal(fs.existsSync(folder.at('b/c/deep')), true)
  })
})
