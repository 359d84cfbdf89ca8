// Names and paths as a real disk allows them: any bytes, long, deep, in pairs that differ by case, through links. Every
// operation treats them as what they are, and nothing is ever followed out of the tree.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { displayBytes } from '../../../src/core/format/bytes.ts'
import { createFailingHost } from '../../../src/core/host/failing.ts'
import type { System } from '../../../src/core/system.ts'
import {
  buildTree,
  describeTree,
  makeTemporaryFolder,
  symlink,
  type TemporaryFolder,
  type Tree,
} from '../../support/host.ts'
import {
  assertSound,
  changesOutside,
  diskOf,
  editOutside,
  finished,
  makeRoot,
  onDisk,
  openRoot,
  put,
  recordedOf,
  refused,
  sourceOf,
  type TimelineSubject,
} from '../timeline/support.ts'

let subject: TimelineSubject
const opened: System[] = []

beforeEach(() => {
  subject = onDisk()
})

afterEach(async () => {
  for (const system of opened.splice(0)) await system.close()
  // Paths may be too long for what removes a folder by its path.
  editOutside(subject.directory, Object.fromEntries(subject.directory.list().map(({ name }) => [name, null])))
  subject.remove()
})

async function make(tree: Tree): Promise<System> {
  const system = await makeRoot(subject, tree)
  opened.push(system)
  return system
}

async function inStep(system: System): Promise<void> {
  assert.deepEqual(recordedOf(system), diskOf(subject.directory))
  assert.deepEqual(await changesOutside(system), {})
}

const oddNames = {
  'invalid UTF-8': '\xff\xfe\x80 bytes',
  'half a character': 'a\xc3',
  newline: 'two\nlines\r\n',
  'control characters': '\x01\x1b[31m\x7f\t',
  spaces: ' leading and trailing ',
  'an option': '-rf',
  backslashes: '\\x41\\n\\',
  quotes: '\'"`$(x);&|<>*?[',
  'right to left': Buffer.from('\u202egnp.exe').toString('latin1'),
  'composed e acute': Buffer.from('\u00e9').toString('latin1'),
  'decomposed e acute': Buffer.from('e\u0301').toString('latin1'),
  '255 bytes': 'n'.repeat(255),
  '255 bytes that are no text': '\xf0'.repeat(255),
  'three dots': '...',
  'upper case': 'CaSe',
  'lower case': 'case',
}

describe('names', () => {
  it('of any bytes are adopted, changed, moved, brought back and removed', async () => {
    const names = Object.values(oddNames)
    const tree = Object.fromEntries(names.map(name => [name, `content of ${Buffer.from(name).toString('hex')}`]))
    const system = await make({ d: tree, link: { [oddNames.newline]: symlink(oddNames['invalid UTF-8']) } })
    await inStep(system)
    assert.equal(Object.keys(recordedOf(system)).length, names.length + 3)
    const before = diskOf(subject.directory)
    for (const name of names) {
      editOutside(subject.directory, { [`d/${name}`]: 'edited' })
      await finished(system.absorb([`d/${name}`]))
      await put(system, `new/${name}`, 'put')
      await finished(system.move([`new/${name}`], `moved ${name}`.slice(0, 255)))
    }
    await inStep(system)
    await finished(system.rollback(system.resolve('#1')))
    assert.deepEqual(diskOf(subject.directory), before)
    await finished(system.remove(['d'], { recursive: true }))
    await finished(system.undo())
    await inStep(system)
    for (const name of names) {
      const [version] = await finished(system.versions(`d/${name}`, { limit: 1 }))
      assert.equal(version?.action, 'undo', name)
    }
    await system.close()
    opened.splice(0)
    await assertSound(subject)
  })

  it('are shown so that they can be typed again', async () => {
    const system = await make({})
    for (const name of Object.values(oddNames)) {
      const shown = displayBytes(name)
      assert.match(shown, /^[^\x00-\x1f\x7f-\x9f\u202e]+$/u, name)
      assert.equal(system.governedPath(shown, subject.path), name)
      assert.equal(system.governedPath(`d/../${shown}`, `${subject.path}/x/..`), name)
    }
    assert.throws(() => system.governedPath('../outside', subject.path), { code: 'PATH_INVALID' })
    assert.throws(() => system.governedPath('/etc/passwd', subject.path), { code: 'PATH_INVALID' })
  })

  it('longer than 255 bytes are refused by name', async () => {
    const system = await make({ a: '1' })
    const long = 'n'.repeat(256)
    for (const work of [
      system.put(long, sourceOf('')),
      system.makeDirectory(`d/${long}`, { parents: true }),
      system.move(['a'], long),
      system.absorb([long]),
    ]) {
      const error = await refused(work, 'PATH_INVALID')
      assert.match(error.message, /256 bytes/)
    }
    assert.deepEqual(diskOf(subject.directory), { a: 'file 644 1' })
  })
})

describe('deep paths', () => {
  const part = (i: number) => `${i} ${'x'.repeat(220)}`
  const deep = (depth: number) => Array.from({ length: depth }, (_, i) => part(i)).join('/')

  it('beyond what the system takes as one path work as others do', async () => {
    const system = await make({ a: '1' })
    const place = deep(30)
    assert.ok(place.length > 4_096 + 2_000)
    await put(system, `${place}/file`, 'deep down')
    await inStep(system)
    editOutside(subject.directory, {
      [`${place}/file`]: 'edited',
      [`${place}/other`]: 'new',
      [`${place}/l`]: symlink('file'),
    })
    assert.deepEqual(Object.values(await changesOutside(system)), ['changed', 'new', 'new'])
    await finished(system.absorb([]))
    await inStep(system)
    await finished(system.copy([part(0)], 'copied', { recursive: true }))
    await finished(system.setMode([place], () => 0o700))
    await finished(system.restore([`${place}/file`], system.resolve('#3')))
    await inStep(system)
    await finished(system.rollback(system.resolve('-1')))
    assert.deepEqual(diskOf(subject.directory), { a: 'file 644 1' })
    await finished(system.undo())
    await inStep(system)
    await finished(system.remove([part(0), 'copied'], { recursive: true }))
    await inStep(system)
  })

  it('of many directories work too', async () => {
    const place = Array.from({ length: 120 }, () => 'd').join('/')
    const system = await make({})
    await put(system, `${place}/file`, 'at the bottom')
    await finished(system.status())
    await finished(system.rollback(system.resolve('-1')))
    await finished(system.undo())
    await inStep(system)
  })

  it('longer than the format holds are refused by name', async () => {
    const system = await make({})
    const error = await refused(system.put(deep(300), sourceOf('')), 'PATH_INVALID')
    assert.match(error.message, /65535/)
  })
})

describe('links', () => {
  let outside: TemporaryFolder
  beforeEach(() => {
    outside = makeTemporaryFolder()
    buildTree(outside.directory, { x: 'not ours', d: { y: 'nor this' } })
  })
  afterEach(() => outside.remove())

  it('are recorded as what they are and never followed: loops, out of the tree, to nothing', async () => {
    const before = describeTree(outside.directory)
    const system = await make({
      self: symlink('self'),
      up: symlink('..'),
      d: { back: symlink('../d'), away: symlink(outside.path) },
      away: symlink(outside.path),
      nothing: symlink('no/such/thing'),
      long: symlink('x'.repeat(4_000)),
    })
    await inStep(system)
    const found = []
    for await (const { path, kind } of system.find({})) found.push(`${kind} ${path}`)
    assert.deepEqual(found.sort(), [
      'dir d',
      'symlink away',
      'symlink d/away',
      'symlink d/back',
      'symlink long',
      'symlink nothing',
      'symlink self',
      'symlink up',
    ])
    await finished(system.remove(['away', 'd', 'up', 'self'], { recursive: true }))
    await finished(system.undo())
    await inStep(system)
    assert.deepEqual(describeTree(outside.directory), before)
  })

  it('in the middle of a path stop every operation that would make something', async () => {
    const before = describeTree(outside.directory)
    const system = await make({ away: symlink(outside.path), a: '1' })
    for (const work of [
      system.put('away/x', sourceOf('written through')),
      system.put('away/new', sourceOf('written through')),
      system.makeDirectory('away/deep/er', { parents: true }),
      system.makeSymlink('away/l', 'x'),
      system.move(['a'], 'away/a'),
      system.copy(['a'], 'away/d/a'),
      system.restore(['a'], system.resolve('now'), { as: 'away/a' }),
    ]) {
      await refused(work, 'SYMLINK_IN_PATH', 'NOT_A_DIRECTORY')
    }
    for (const work of [system.remove(['away/x']), system.setMode(['away/x'], () => 0), system.move(['away/x'], 'b')]) {
      await refused(work, 'PATH_NOT_FOUND')
    }
    assert.equal((await finished(system.absorb(['away/x']))).seq, -1)
    assert.throws(() => system.openFile('away/x', 'disk'), { code: 'SYMLINK_IN_PATH' })
    assert.deepEqual(describeTree(outside.directory), before)
    await inStep(system)
  })

  it('in place of a recorded directory give way, and what they lead to stays', async () => {
    const before = describeTree(outside.directory)
    const system = await make({ d: { x: 'ours', d: { y: 'ours too' } } })
    const tree = diskOf(subject.directory)
    editOutside(subject.directory, { d: symlink(outside.path) })
    assert.deepEqual(await changesOutside(system), { d: 'changed', 'd/d': 'gone', 'd/d/y': 'gone', 'd/x': 'gone' })
    await refused(system.put('d/x', sourceOf('through the link')), 'SYMLINK_IN_PATH')
    await finished(system.rollback(system.resolve('now')))
    assert.deepEqual(diskOf(subject.directory), tree)
    assert.deepEqual(describeTree(outside.directory), before)
    await finished(system.undo())
    assert.equal(diskOf(subject.directory).d, `symlink ${outside.path}`)
    await finished(system.remove(['d'], { recursive: true }))
    assert.deepEqual(diskOf(subject.directory), {})
    assert.deepEqual(describeTree(outside.directory), before)
  })

  it('that come at the last moment are not written through', async () => {
    const before = describeTree(outside.directory)
    await (await makeRoot(subject, { d: { x: 'ours' } })).close()
    const host = createFailingHost(subject.host)
    const system = await openRoot({ host, path: subject.path })
    // The record is written; before the file is put in its place the directory becomes a link out of the tree.
    let armed = true
    host.faults.failWhen(({ call, path }) => {
      if (armed && call === 'rename' && path.includes('/stage/')) {
        armed = false
        fs.renameSync(`${subject.path}/d`, `${subject.path}/moved away`)
        fs.symlinkSync(outside.path, `${subject.path}/d`)
      }
      return undefined
    })
    const result = await finished(system.put('d/x', sourceOf('put')))
    assert.equal(armed, false)
    assert.deepEqual(describeTree(outside.directory), before)
    assert.equal(result.seq >= 0, true)
    const report = await changesOutside(system)
    assert.equal(report.d, 'changed')
    await system.close()
  })
})
