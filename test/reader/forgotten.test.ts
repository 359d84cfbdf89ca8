// A folder in which something was forgotten: both verifiers accept it, and both refuse one in which something is missing
// that no record lists.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { dropBody } from '../core/verify/forgetFixtures.ts'
import { ownVerdict } from './agreement.ts'
import { noise, openWorkshop, runPython } from './rootFolder.ts'

const workshop = openWorkshop()
const { sentctl, copy } = workshop
let root: string
/** Before anything was forgotten. */
let whole: string

before(() => {
  root = path.join(workshop.base, 'root')
  fs.mkdirSync(path.join(root, 'dir/below'), { recursive: true })
  fs.writeFileSync(path.join(root, 'dir/below/secret'), 'the secret\n')
  fs.writeFileSync(path.join(root, 'dir/big'), noise(3_000_000, 1))
  fs.writeFileSync(path.join(root, 'dir/shared'), 'also elsewhere\n')
  fs.writeFileSync(path.join(root, 'elsewhere'), 'also elsewhere\n')
  fs.symlinkSync('dir/below/secret', path.join(root, 'dir/link'))
  sentctl(root, ['init', '--ignore-nothing', '.'])
  sentctl(root, ['put', 'dir/big'], noise(2_500_000, 2))
  sentctl(root, ['put', 'dir/below/secret'], 'another secret\n')
  sentctl(root, ['snapshot', 'create', '--name', 'had'])
  // In the way of the next, so that it is kept as it was found.
  fs.writeFileSync(path.join(root, 'dir/below/secret'), 'never recorded\n')
  sentctl(root, ['put', 'dir/below/secret'], 'a third secret\n')
  sentctl(root, ['rm', '-r', 'dir'])
  sentctl(root, ['put', 'elsewhere'], 'something else\n')
  whole = copy(root)
  sentctl(root, ['forget', '--yes', 'dir'])
  sentctl(root, ['put', 'later'], 'later\n')
  sentctl(root, ['rollback', '--to', 'had'])
  sentctl(root, ['checkpoint', 'sign'])
})
after(() => workshop.remove())

const state = (): string => path.join(workshop.base, 'state')

async function assertBoth(folder: string, damaged: boolean, what: string): Promise<void> {
  const reader = runPython('reader.py', 'verify', folder)
  assert.equal(reader.exitCode, damaged ? 3 : 0, `${what}, the reader: ${reader.stdout}${reader.stderr}`)
  const own = await ownVerdict(folder, state())
  assert.equal(own.damaged.size > 0, damaged, `${what}, verify: ${own.text}`)
}

test('what is forgotten is no damage', async () => {
  await assertBoth(root, false, 'forgotten')
  const { stdout } = runPython('reader.py', 'verify', root)
  assert.match(stdout, /journal .*, [1-9]\d* forgotten,/)
})

test('the checkpoint of before is still good', () => {
  const note = path.join(whole, '.runtime/checkpoint')
  assert.equal(runPython('reader.py', 'verify', root, '--checkpoint', note).exitCode, 0)
})

test('bodies that no record lists are missed', async () => {
  const folder = copy(root)
  const segments = path.join(folder, '.runtime/journal')
  const first = path.join(segments, fs.readdirSync(segments).sort()[0] ?? '')
  dropBody(first, 1)
  await assertBoth(folder, true, 'a body')
})

test('objects that no record lists are missed', async () => {
  const packs = path.join(root, '.tree/packs')
  for (const name of fs.readdirSync(packs).filter(file => file.endsWith('.pack'))) {
    if (fs.statSync(path.join(packs, name)).size <= 16) continue
    const folder = copy(root)
    const pack = path.join(folder, '.tree/packs', name)
    fs.truncateSync(pack, 16)
    fs.rmSync(pack.replace('.pack', '.idx'), { force: true })
    await assertBoth(folder, true, name)
  }
})

test('the same objects missing without the record are damage', async () => {
  // The journal and marks of before, the packs of after.
  const folder = copy(whole)
  fs.rmSync(path.join(folder, '.tree'), { recursive: true })
  fs.cpSync(path.join(root, '.tree'), path.join(folder, '.tree'), { recursive: true })
  await assertBoth(folder, true, 'without the record')
})
