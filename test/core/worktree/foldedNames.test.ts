// A file system that takes several names for one: nothing is overwritten by what only looks like itself, what can not
// stand beside each other is refused before the commit, and a new name for the same thing still comes about.

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { NameFolding } from '../../../src/core/host/memoryNodes.ts'
import type { System } from '../../../src/core/system.ts'
import { foldedName } from '../../../src/core/worktree/foldedNames.ts'
import { buildTree, createTestHost, describeTree, type TestHost, type Tree } from '../../support/host.ts'
import {
  assertSound,
  changesOutside,
  diskOf,
  finished,
  makeRoot,
  openRoot,
  put,
  recordedOf,
  refused,
  type TimelineSubject,
} from '../timeline/support.ts'

const opened: System[] = []

afterEach(async () => {
  for (const system of opened.splice(0)) await system.close()
})

function subjectOf(host: TestHost): TimelineSubject {
  const top = host.files.openDirectory('/')!
  if (top.stat('folder') === undefined) top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  top.close()
  return { host, path: '/folder', directory, remove: () => directory.close(), advance: host.clock.advance }
}

const folding = (names: NameFolding = { foldsCase: true }): TimelineSubject =>
  subjectOf(createTestHost({ stateDirectoryPath: '/state', names }))

async function make(subject: TimelineSubject, tree: Tree): Promise<System> {
  const system = await makeRoot(subject, tree)
  opened.push(system)
  return system
}

async function inStep(system: System, subject: TimelineSubject): Promise<void> {
  assert.deepEqual(recordedOf(system), diskOf(subject.directory))
  assert.deepEqual(await changesOutside(system), {})
}

/** A history with `d/A` and `d/a`, made where names are kept apart, now on a disk that folds, which holds one of them. */
async function movedPair(): Promise<{ subject: TimelineSubject; system: System }> {
  const from = subjectOf(createTestHost())
  const apart = await makeRoot(from, { d: { A: 'large', a: 'small', other: 'x' } })
  await finished(apart.snapshotCreate({ name: 'both' }))
  await finished(apart.remove(['d/a']))
  await apart.close()
  const host = createTestHost({ names: { foldsCase: true } })
  host.disk.restore((from.host as TestHost).disk.snapshot())
  const subject = subjectOf(host)
  const system = await openRoot(subject)
  opened.push(system)
  return { subject, system }
}

describe('a file system that folds case', () => {
  it('refuses a name that it would take for another, and changes nothing', async () => {
    const subject = folding()
    const system = await make(subject, { readme: 'old', d: { x: '1' } })
    const records = system.now().records
    const error = await refused(put(system, 'README', 'new'), 'NAME_COLLISION')
    assert.equal(error.details.where, 'README')
    assert.match(error.details.found ?? '', /^readme, /)
    await refused(finished(system.makeDirectory('D')), 'NAME_COLLISION')
    await refused(finished(system.copy(['readme'], 'ReadMe')), 'NAME_COLLISION')
    assert.equal(system.now().records, records)
    await inStep(system, subject)
    assert.deepEqual(subject.directory.child('.runtime')!.child('stage')!.list(), [])
  })

  it('does not take a dotfolder in other letters for content', async () => {
    const subject = folding()
    const system = await make(subject, { x: '1' })
    await refused(put(system, '.RUNTIME/format', 'x'), 'NAME_COLLISION', 'PATH_NOT_FOUND', 'PATH_INVALID')
    await refused(finished(system.makeDirectory('.Tree')), 'NAME_COLLISION')
    await assertSound(subject)
  })

  it('gives a file or a directory its name in other letters, there and back', async () => {
    const subject = folding()
    const system = await make(subject, { note: 'text', dir: { inner: 'y', deep: { z: 'z' } } })
    await finished(system.move(['note'], 'Note'))
    await inStep(system, subject)
    await finished(system.move(['dir'], 'Dir'))
    await inStep(system, subject)
    assert.deepEqual(Object.keys(describeTree(subject.directory.child('Dir')!)).sort(), ['deep/', 'deep/z', 'inner'])
    await finished(system.undo())
    await inStep(system, subject)
    await finished(system.rollback(system.resolve('#1')))
    await inStep(system, subject)
    assert.ok(subject.directory.list().some(({ name }) => name === 'note'))
    await assertSound(subject)
  })

  it('refuses to bring a state back that needs both of two names, before the commit', async () => {
    const { subject, system } = await movedPair()
    const before = describeTree(subject.directory.child('d')!)
    const records = system.now().records
    for (const work of [
      () => system.rollback(system.resolve('both')),
      () => system.restore(['d'], system.resolve('both')),
      () => system.restore(['d/a'], system.resolve('both')),
      () => system.undo(),
    ]) {
      const error = await refused(work(), 'NAME_COLLISION')
      assert.equal(error.details.where, 'd/a')
    }
    assert.equal(system.now().records, records)
    assert.deepEqual(describeTree(subject.directory.child('d')!), before)
    // What the message offers works: the other content under a name of its own.
    await finished(system.restore(['d/a'], system.resolve('both'), { as: 'd/a.small' }))
    await inStep(system, subject)
  })

  it('names the pair when both would be new in one directory', async () => {
    const { subject, system } = await movedPair()
    await finished(system.remove(['d'], { recursive: true }))
    const error = await refused(system.rollback(system.resolve('both')), 'NAME_COLLISION')
    assert.match(`${error.details.where} ${error.details.found}`, /d\/a d\/A beside it/)
    await inStep(system, subject)
  })

  it('tells what is there in other letters from what is recorded', async () => {
    const { subject, system } = await movedPair()
    subject.directory.child('d')!.removeFile('A')
    buildTree(subject.directory.child('d')!, { a: 'somebody else' })
    assert.deepEqual(Object.keys(await changesOutside(system)).sort(), ['d/A', 'd/a'])
    await refused(system.restore(['d/A'], system.resolve('now')), 'NAME_COLLISION')
    assert.match(describeTree(subject.directory.child('d')!).a ?? '', /somebody else/)
    await finished(system.absorb([]))
    await inStep(system, subject)
  })
})

describe('a file system that keeps names decomposed', () => {
  const composed = 'caf\xc3\xa9'
  const decomposed = 'cafe\xcc\x81'

  it('refuses a name that would come back otherwise', async () => {
    const subject = folding({ normalises: true })
    const system = await make(subject, { plain: 'x' })
    const error = await refused(put(system, composed, 'new'), 'NAME_COLLISION')
    assert.match(error.details.found ?? '', /keeps it as/)
    await put(system, decomposed, 'new')
    await inStep(system, subject)
    await refused(put(system, composed, 'other'), 'NAME_COLLISION')
    await inStep(system, subject)
  })
})

describe('what a new root folder says of names', () => {
  const noticed = async (names: NameFolding): Promise<string[]> => {
    const subject = folding(names)
    const { initRoot } = await import('../../../src/core/system.ts')
    const made = await finished(initRoot(subject.host, { path: subject.path, zk: true }))
    return made.notices.filter(({ code }) => code === 'names').map(({ text }) => text)
  }

  it('is nothing where names are kept apart, and each trait where they are not', async () => {
    assert.deepEqual(await noticed({}), [])
    assert.match((await noticed({ foldsCase: true })).join(), /upper and lower case/)
    assert.match((await noticed({ normalises: true })).join(), /composed/)
  })
})

describe('foldedName', () => {
  it('joins what some file system joins, and nothing else', () => {
    for (const [a, b] of [
      ['README', 'readme'],
      ['caf\xc3\xa9', 'CAFE\xcc\x81'],
      ['a.', 'a'],
      ['stra\xc3\x9fe', 'STRASSE'],
    ]) {
      assert.equal(foldedName(a!), foldedName(b!))
    }
    for (const [a, b] of [
      ['a', 'b'],
      ['\xff', '\xfe'],
      ['e', '\xc3\xa9'],
    ]) {
      assert.notEqual(foldedName(a!), foldedName(b!))
    }
  })
})
