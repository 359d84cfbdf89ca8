// Standard input kept aside, and files that the user names outside the tree.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { inputBytesInMemoryMax, openOutsideFile, spooled, writeOutsideFile } from '../../src/cli/outside.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentctl-outside-'))
after(() => fs.rmSync(folder, { recursive: true }))

async function* pieces(count: number, length: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(length).fill(i)
}

function readAll(source: {
  size: number
  read(target: Uint8Array, offset: number, length: number, position: number): number
}): Uint8Array {
  const bytes = new Uint8Array(source.size)
  let length = 0
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    read = source.read(bytes, length, Math.min(1000, bytes.length - length), length)
  assert.equal(length, source.size)
  return bytes
}

for (const [what, count, length] of [
  ['nothing', 0, 0],
  ['little, in memory', 3, 1000],
  ['much, in a file without a name', 5, inputBytesInMemoryMax / 4],
] as const) {
  test(`standard input: ${what}`, async () => {
    const before = fs.readdirSync(os.tmpdir())
    const source = await spooled(pieces(count, length), new AbortController().signal)
    assert.equal(source.size, count * length)
    const bytes = readAll(source)
    for (let i = 0; i < count; i++) assert.equal(bytes[i * length], i)
    source.close()
    const left = fs.readdirSync(os.tmpdir()).filter(name => !before.includes(name) && name.startsWith('sentctl-'))
    assert.deepEqual(
      left.filter(name => !name.startsWith('sentctl-outside-')),
      [],
    )
  })
}

test('waiting for standard input ends at once when it is cancelled', async () => {
  const stop = new AbortController()
  async function* never(): AsyncGenerator<Uint8Array> {
    await new Promise(() => {})
  }
  const waiting = spooled(never(), stop.signal)
  stop.abort()
  await assert.rejects(waiting, { code: 'CANCELLED' })
})

test('files outside are opened through symlinks, and refused by name', () => {
  fs.writeFileSync(path.join(folder, 'a'), 'hello')
  fs.symlinkSync('a', path.join(folder, 'link'))
  const source = openOutsideFile(path.join(folder, 'link'))
  assert.equal(Buffer.from(readAll(source)).toString(), 'hello')
  source.close()
  assert.throws(() => openOutsideFile(path.join(folder, 'none')), { code: 'PATH_NOT_FOUND' })
  assert.throws(() => openOutsideFile(folder), { code: 'IS_A_DIRECTORY' })
})

test('a file is written whole or not at all', () => {
  const target = path.join(folder, 'proof')
  writeOutsideFile(target, 'one')
  writeOutsideFile(target, 'two')
  assert.equal(fs.readFileSync(target, 'utf8'), 'two')
  assert.throws(() => writeOutsideFile(path.join(folder, 'none', 'proof'), 'x'), { code: 'PATH_NOT_FOUND' })
  assert.deepEqual(fs.readdirSync(folder).sort(), ['a', 'link', 'proof'])
})
