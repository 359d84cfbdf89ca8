// The frozen root folders of format/fixtures: every program of today and later opens them, finds what they are said to
// hold and what is wrong with them, writes to them, and repairs what can be repaired.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createDiskHost } from '../../src/core/host/disk.ts'
import type { Directory, Host } from '../../src/core/host/host.ts'
import { openSystem, type System } from '../../src/core/system.ts'
import type { Finding } from '../../src/core/timeline/model.ts'
import type { Expectation, Expectations } from '../../tools/makeFixtures.ts'
import { createTestHost, makeTemporaryFolder, readFile, writeFile } from '../support/host.ts'
import { contentAt, finished, put, refused, sourceOf } from './timeline/support.ts'

const repository = path.join(import.meta.dirname, '..', '..')
const fixtures = path.join(repository, 'format', 'fixtures', 'v1')

/** Of expected.json, which lists those of the archives: all of them are frozen. */
const expectedSha256 = '95ef02af6fa4157495882257e00bffe4cb4b83a40f9c03a546ef1a89907e075f'

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const expectedBytes = fs.readFileSync(path.join(fixtures, 'expected.json'))
const expected = JSON.parse(expectedBytes.toString()) as Expectations
const clean = expected.archives['clean.tar'] as Expectation

/** Unpacks an archive; the path of the root folder. */
function unpack(context: TestContext, name: string): string {
  const temporary = makeTemporaryFolder()
  context.after(() => temporary.remove())
  execFileSync('tar', ['-xpf', path.join(fixtures, name), '-C', temporary.path])
  return path.join(temporary.path, expected.folder)
}

async function opened<T>(
  rootPath: string,
  work: (system: System) => Promise<T> | T,
  host: Host = createDiskHost({ label: 'test' }),
): Promise<T> {
  const system = await openSystem(host, { rootPath, access: 'write' })
  try {
    return await work(system)
  } finally {
    await system.close()
  }
}

/** What is more than a note: of these a later version may make other ones. */
async function findingsOf(system: System): Promise<Finding[]> {
  const { findings } = await finished(system.verify({ deep: true }))
  return findings.filter(({ severity }) => severity !== 'note')
}

const codesOf = (findings: readonly Finding[]): string[] => [...new Set(findings.map(({ code }) => code))].sort()

function assertHolds(system: System, expectation: Expectation): void {
  const { records, stateRoot, checkpoint, names, keptReadable } = expectation
  const { records: found, root, applied } = system.now()
  assert.deepEqual({ found, root, applied }, { found: records, root: stateRoot, applied: records })
  assert.equal(system.checkpoint()?.size, checkpoint)
  assert.deepEqual(
    system.snapshots().map(({ name }) => name),
    expected.snapshots,
  )
  const actions = [...system.records()].map(({ seq, action }) => [seq, action])
  const all = expected.actions.map((action, seq) => [seq, action])
  assert.deepEqual(
    actions,
    all.filter(([seq]) => seq !== names.seq),
  )
  if (keptReadable) assertKept(system)
  else assert.throws(() => assertKept(system), { code: 'OBJECT_MISSING' })
}

function assertKept(system: System): void {
  const { snapshot, path: keptPath, bytes, sha256: hash } = expected.kept
  const content = Buffer.from(contentAt(system, keptPath, system.resolve(snapshot)), 'latin1')
  assert.deepEqual({ bytes: content.length, hash: sha256(content) }, { bytes, hash })
}

function assertFinds(findings: readonly Finding[], { codes, names }: Expectation): void {
  assert.deepEqual(codesOf(findings), codes)
  const named = Object.entries(names)
  const isNamed = (finding: Finding): boolean => named.every(([key, value]) => finding[key as keyof Finding] === value)
  assert.ok(codes.length === 0 || findings.some(isNamed), JSON.stringify(findings))
}

/** The same tree in the memory of another host, which then can not be written. */
function onReadOnlyMedium(rootPath: string): { readonly host: Host; readonly path: string } {
  const host = createTestHost()
  const name = 'folder'
  const top = host.files.openDirectory('/') as Directory
  top.makeDirectory(name, 0o755)
  const source = createDiskHost({ label: 'test' }).files.openDirectory(rootPath) as Directory
  const target = top.child(name) as Directory
  copyInto(source, target)
  for (const directory of [source, target, top]) directory.close()
  host.disk.setReadOnly(true)
  return { host, path: `/${name}` }
}

function copyInto(source: Directory, target: Directory): void {
  for (const { name, kind } of source.list()) {
    const mode = source.stat(name)?.mode ?? 0
    if (kind === 'symlink') target.makeSymlink(name, source.readLink(name))
    else if (kind === 'file') writeFile(target, name, readFile(source, name), mode)
    else {
      target.makeDirectory(name, mode)
      const [from, to] = [source.child(name) as Directory, target.child(name) as Directory]
      copyInto(from, to)
      from.close()
      to.close()
    }
  }
}

const modeOf = (file: string): number => fs.statSync(file).mode & 0o7777

const segmentOf = (root: string): string => path.join(root, '.runtime', 'journal', '00000000000000000000.seg')

describe('the frozen root folders', () => {
  test('are as they were made', () => {
    const names = fs.readdirSync(fixtures).sort()
    assert.deepEqual(names, ['README.md', 'expected.json', ...Object.keys(expected.archives)].sort())
    for (const [name, archive] of Object.entries(expected.archives)) {
      assert.equal(sha256(fs.readFileSync(path.join(fixtures, name))), archive.sha256, name)
    }
    assert.equal(sha256(expectedBytes), expectedSha256)
  })

  test('are not made again where they are', () => {
    const made = spawnSync(process.execPath, [path.join(repository, 'tools', 'makeFixtures.ts')], { encoding: 'utf8' })
    assert.equal(made.status, 1, made.stderr)
    assert.match(made.stderr, /frozen/)
    assert.equal(sha256(fs.readFileSync(path.join(fixtures, 'expected.json'))), expectedSha256)
  })

  for (const [name, expectation] of Object.entries(expected.archives)) {
    describe(name, () => {
      test('holds what it is said to hold, and takes a write', async context => {
        const root = unpack(context, name)
        await opened(root, async system => {
          assert.equal(system.access, expectation.opens)
          assertHolds(system, expectation)
          assertFinds(await findingsOf(system), expectation)
          const { seq } = await put(system, 'notes/later.txt', 'written later\n')
          assert.ok(seq >= expectation.records)
          assert.equal(contentAt(system, 'notes/later.txt', system.resolve('now')), 'written later\n')
        })
        assert.equal(fs.readFileSync(path.join(root, 'notes', 'later.txt'), 'utf8'), 'written later\n')
        await opened(root, async system => {
          assert.equal(system.checkpoint()?.size, system.now().records)
          const after = codesOf(await findingsOf(system))
          assert.deepEqual(
            after.filter(code => !expectation.codes.includes(code)),
            [],
          )
        })
      })

      test('says the same on a medium that can not be written', async context => {
        const { host, path: rootPath } = onReadOnlyMedium(unpack(context, name))
        await opened(
          rootPath,
          async system => {
            assert.equal(system.access, 'read')
            assertHolds(system, expectation)
            assertFinds(await findingsOf(system), expectation)
            await refused(put(system, 'notes/later.txt', ''), 'READ_ONLY')
          },
          host,
        )
      })

      test('is repaired', async context => {
        const root = unpack(context, name)
        await opened(root, async system => {
          const { lost } = await finished(system.repair())
          assert.equal(lost.length === 0, expectation.repairRestoresAll, JSON.stringify(lost))
          // What the disk shows is never lost.
          assert.deepEqual(
            lost.filter(finding => finding.path !== undefined),
            [],
          )
        })
        await opened(root, async system => {
          assert.deepEqual(await findingsOf(system), [])
          assert.equal(system.now().root, expectation.stateRoot)
          const { changes } = await finished(system.status())
          assert.deepEqual(changes, [])
          if (expectation.repairRestoresAll) assertKept(system)
        })
      })
    })
  }
})

describe('after unpacking', () => {
  test('keys and dotfolders are private, and opening makes what was left out', async context => {
    const root = unpack(context, 'clean.tar')
    const at = (name: string): string => path.join(root, name)
    for (const name of ['.auth', '.runtime', '.runtime/journal', '.tree', '.tree/packs'])
      assert.equal(modeOf(at(name)), 0o700, name)
    for (const name of ['.auth/log-0.pem', '.auth/log-0.vkey', '.runtime/marks', '.tree/packs/000000000001.pack'])
      assert.equal(modeOf(at(name)), 0o600, name)
    for (const name of ['.runtime/stage', '.runtime/lock', '.tree/stage', '.db'])
      assert.equal(fs.existsSync(at(name)), false, name)
    await opened(root, system => put(system, 'notes/later.txt', ''))
    for (const name of ['.runtime/stage', '.db']) assert.equal(modeOf(at(name)), 0o700, name)
  })

  test('every record tells the whole difference of its states, older ones and new ones', async context => {
    const root = unpack(context, 'clean.tar')
    await opened(root, async system => {
      await finished(system.put('later/than/all.txt', sourceOf('new\n'), { parents: true }))
      fs.mkdirSync(path.join(root, 'found'))
      fs.writeFileSync(path.join(root, 'found', 'outside.txt'), 'new\n')
      await finished(system.absorb([]))
      await finished(system.setMode(['later', 'found'], mode => mode & 0o700, { recursive: true }))
      const { records } = system.now()
      assert.ok(records >= clean.records + 3)
      for (let seq = 1; seq < records; seq++) {
        const before = system.resolve(`#${seq - 1}`)
        const { changes } = await finished(system.diff(before, system.resolve(`#${seq}`)))
        const byPath = [...changes].sort((a, b) => (a.path < b.path ? -1 : 1))
        assert.deepEqual([...system.recordChanges(seq)], byPath, `record ${seq}`)
      }
    })
  })

  test('what only a snapshot holds comes back to the disk', async context => {
    const root = unpack(context, 'clean.tar')
    const { snapshot, path: keptPath, sha256: hash } = expected.kept
    await opened(root, system => finished(system.restore([keptPath], system.resolve(snapshot))))
    assert.equal(sha256(fs.readFileSync(path.join(root, keptPath))), hash)
  })
})

describe('what happened to them', () => {
  test('a torn tail is kept aside by the next writer and cut', async context => {
    const whole = fs.readFileSync(segmentOf(unpack(context, 'clean.tar')))
    const root = unpack(context, 'torn-tail.tar')
    const torn = fs.readFileSync(segmentOf(root))
    assert.deepEqual(torn.subarray(0, whole.length), whole)
    const tail = torn.subarray(whole.length)
    assert.ok(tail.length > 0)
    await opened(root, system => put(system, 'notes/plan.md', 'whole\n'))
    const names = fs.readdirSync(path.join(root, '.runtime', 'torn'))
    assert.equal(names.length, 1)
    assert.match(names[0] as string, new RegExp(`^\\d+-0{20}-${whole.length}$`))
    assert.deepEqual(fs.readFileSync(path.join(root, '.runtime', 'torn', names[0] as string)), tail)
    const after = fs.readFileSync(segmentOf(root))
    assert.deepEqual(after.subarray(0, whole.length), whole)
    assert.ok(!after.includes(tail))
  })

  test('the older index is sound, and covers only the beginning of its pack', context => {
    const root = unpack(context, 'old-index.tar')
    const pack = fs.readFileSync(path.join(root, '.tree', 'packs', '000000000003.pack'))
    const index = fs.readFileSync(path.join(root, '.tree', 'packs', '000000000003.idx'))
    assert.equal(index.toString('latin1', 0, 8), 'SNTIDX01')
    assert.deepEqual(index.subarray(8, 16), pack.subarray(8, 16))
    const covered = Number(index.readBigUInt64LE(16))
    assert.ok(covered > 16 && covered < pack.length, `${covered} of ${pack.length}`)
  })

  test('without any marks the records decide', async context => {
    const root = unpack(context, 'cut-marks.tar')
    fs.rmSync(path.join(root, '.runtime', 'marks'))
    await opened(root, async system => {
      assertHolds(system, clean)
      assert.deepEqual(codesOf(await findingsOf(system)), ['marks-damaged'])
      await put(system, 'notes/later.txt', '')
    })
    assert.equal(fs.statSync(path.join(root, '.runtime', 'marks')).size, 8192)
    assert.equal(modeOf(path.join(root, '.runtime', 'marks')), 0o600)
    await opened(root, async system => assert.deepEqual(await findingsOf(system), []))
  })

  test('a flipped bit in the length of the last record is damage and no torn tail', async context => {
    const root = unpack(context, 'clean.tar')
    const bytes = fs.readFileSync(segmentOf(root))
    const last = bytes.length - 20 - bytes.readUInt32LE(bytes.length - 4)
    bytes[last + 5] = (bytes[last + 5] as number) ^ 1
    fs.writeFileSync(segmentOf(root), bytes)
    await opened(root, async system => {
      assert.equal(system.access, 'read')
      assert.equal(system.now().records, clean.records)
      const findings = await findingsOf(system)
      assert.ok(findings.some(({ code, seq }) => code === 'record-damaged' && seq === clean.records - 1))
      await refused(put(system, 'notes/later.txt', ''), 'READ_ONLY', 'DAMAGED')
    })
    assert.deepEqual(fs.readFileSync(segmentOf(root)), bytes)
    await opened(root, async system => assert.deepEqual((await finished(system.repair())).lost, []))
    await opened(root, async system => {
      assert.equal(system.access, 'write')
      assertHolds(system, clean)
      assert.deepEqual(await findingsOf(system), [])
    })
  })
})
