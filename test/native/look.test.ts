// Status by the native core and by TypeScript on one folder: after every kind of change both find the same, and what one
// remembers the other can use.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Host } from '../../src/core/host/host.ts'
import { initRoot, openSystem } from '../../src/core/system.ts'
import { finished } from '../core/timeline/support.ts'
import { makeTemporaryFolder } from '../support/host.ts'
import { hostOn, requireNative } from './subjects.ts'

/** A little more than a file has to be older than a look for that one to remember it. */
const settledMs = 2200

describe('status of one folder', () => {
  const { host, path: top, remove } = makeTemporaryFolder({ native: requireNative() })
  after(remove)

  before(async () => {
    for (let i = 0; i < 300; i++) {
      const directory = `${top}/d${i % 3}/e${i % 10}`
      fs.mkdirSync(directory, { recursive: true })
      fs.writeFileSync(`${directory}/f${i}`, `${i}`)
    }
    fs.symlinkSync('f0', `${top}/d0/link`)
    fs.mkdirSync(`${top}/d0/empty`)
    await finished(initRoot(host, { path: top, zk: false, ignore: ['*.tmp', 'build/'] }))
    await delay(settledMs)
    await status(hostOn(undefined))
  })

  async function status(on: Host) {
    const system = await openSystem(on, { rootPath: top, access: 'read' })
    try {
      const { changes, counts, filesChecked, filesHashed } = await finished(system.status({}))
      return { changes, counts, filesChecked, filesHashed }
    } finally {
      await system.close()
    }
  }

  /** Both see the same, whoever looks first: a look renews the cache for the next one. */
  async function same() {
    const kept = fs.readFileSync(`${top}/.db/stat`)
    const native = await status(hostOn(requireNative()))
    const between = await status(hostOn(undefined))
    fs.writeFileSync(`${top}/.db/stat`, kept)
    const typescript = await status(hostOn(undefined))
    const again = await status(hostOn(requireNative()))
    assert.deepEqual(native, typescript)
    assert.deepEqual(again, { ...between, filesHashed: again.filesHashed })
    return native
  }

  it('without a change', async () => {
    const { changes, filesChecked, filesHashed } = await same()
    assert.deepEqual([changes.length, filesChecked, filesHashed], [0, 301, 0])
  })

  const steps: Readonly<Record<string, () => void>> = {
    'a file with other bytes': () => fs.writeFileSync(`${top}/d0/e0/f0`, 'other'),
    'other bytes of the same length and time': () => {
      const { mtime, atime } = fs.statSync(`${top}/d1/e1/f1`)
      fs.writeFileSync(`${top}/d1/e1/f1`, 'X')
      fs.utimesSync(`${top}/d1/e1/f1`, atime, mtime)
    },
    'a touched file': () => fs.utimesSync(`${top}/d2/e2/f2`, 1, 1),
    'a file with another mode': () => fs.chmodSync(`${top}/d0/e3/f3`, 0o755),
    'a directory with another mode': () => fs.chmodSync(`${top}/d0/e9`, 0o700),
    'a file that is gone': () => fs.rmSync(`${top}/d1/e4/f4`),
    'a directory that is gone': () => fs.rmSync(`${top}/d0/empty`, { recursive: true }),
    'a directory with files that is gone': () => fs.rmSync(`${top}/d2/e5`, { recursive: true }),
    'a new file': () => fs.writeFileSync(`${top}/d0/new`, ''),
    'a new file at the top': () => fs.writeFileSync(`${top}/new`, ''),
    'a new directory': () => {
      fs.mkdirSync(`${top}/fresh/below`, { recursive: true })
      fs.writeFileSync(`${top}/fresh/below/file`, 'x')
    },
    'new files that are left out': () => {
      fs.writeFileSync(`${top}/d1/a.tmp`, '')
      fs.mkdirSync(`${top}/d1/build`)
      fs.writeFileSync(`${top}/d1/build/x`, '')
    },
    'a symlink to another target': () => {
      fs.rmSync(`${top}/d0/link`)
      fs.symlinkSync('f1', `${top}/d0/link`)
    },
    'a symlink in place of a directory': () => {
      fs.renameSync(`${top}/d1/e7`, `${top}/d1/moved`)
      fs.symlinkSync('moved', `${top}/d1/e7`)
    },
    'a directory in place of a file': () => {
      fs.rmSync(`${top}/d2/e8/f8`)
      fs.mkdirSync(`${top}/d2/e8/f8`)
    },
    'a pipe': () => execFileSync('mkfifo', [`${top}/d0/e0/pipe`]),
    'a name that is no text': () => fs.writeFileSync(Buffer.from(`${top}/d0/\xff\n`, 'latin1'), ''),
    'a settings file with another text': () => fs.appendFileSync(`${top}/sentient.yaml`, '# more\n'),
    'a stat cache that is damaged': () => fs.writeFileSync(`${top}/.db/stat`, 'SNTSTAT2 no more'),
  }
  for (const [what, change] of Object.entries(steps)) {
    it(`with ${what}`, async () => {
      change()
      await same()
    })
  }

  it('after a change was recorded, which the stat cache does not know of', async () => {
    const system = await openSystem(host, { rootPath: top, access: 'write' })
    await finished(system.absorb([], {}))
    await system.close()
    const { changes } = await same()
    assert.deepEqual(
      changes.filter(({ path }) => !path.endsWith('pipe')),
      [],
    )
  })
})
