// Names and circumstances of real disks: each ends in a clear result, and nothing is lost. Needs the right to mount a
// small tmpfs for the full and the read-only disk; where that is refused, these two fail by name.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { byteStringOfText } from '../../src/core/format/bytes.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import type { Host } from '../../src/core/host/host.ts'
import { type ByteSource, initRoot, openSystem, type System } from '../../src/core/system.ts'
import type { Work } from '../../src/core/timeline/model.ts'

const host = createDiskHost({ label: 'circumstances' })

async function end<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

function makeFolder(context: TestContext): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-names-')))
  context.after(() => spawnSync('rm', ['-rf', folder]))
  return folder
}

async function withRoot(folder: string, work: (system: System) => Promise<void>, on: Host = host): Promise<void> {
  const system = await openSystem(on, { rootPath: folder, access: 'write' })
  try {
    await work(system)
  } finally {
    await system.close()
  }
}

function source(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(target, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
  }
}

const bytePath = (folder: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')])

async function assertSound(system: System): Promise<void> {
  const report = await end(system.verify({ deep: true }))
  assert.deepEqual(
    report.findings.filter(finding => finding.severity === 'damage'),
    [],
  )
}

test('names of any bytes are adopted, changed, rolled back and undone', async context => {
  const folder = makeFolder(context)
  const names = [
    'bad\xff\xfeutf8',
    'two\nlines',
    'n'.repeat(255),
    'Case',
    'case',
    ' blank ',
    '-dash',
    byteStringOfText('Grüße'),
  ]
  for (const name of names) fs.writeFileSync(bytePath(folder, name), `first ${name.length}`)
  await end(initRoot(host, { path: folder, zk: true }))
  await withRoot(folder, async system => {
    assert.deepEqual([...system.walkState(system.resolve('now'))].map(item => item.path).sort(), [...names].sort())
    for (const name of names) fs.writeFileSync(bytePath(folder, name), 'second')
    await end(system.absorb([]))
    await end(system.rollback(system.resolve('-1')))
    for (const name of names) assert.equal(fs.readFileSync(bytePath(folder, name), 'utf8'), `first ${name.length}`)
    await end(system.undo())
    for (const name of names) assert.equal(fs.readFileSync(bytePath(folder, name), 'utf8'), 'second')
    assert.deepEqual((await end(system.status())).changes, [])
    await assertSound(system)
  })
})

test('a path longer than the system can name at once', async context => {
  const folder = makeFolder(context)
  const part = 'd'.repeat(200)
  const deep = Array.from({ length: 24 }, () => part).join('/')
  await end(initRoot(host, { path: folder, zk: true }))
  await withRoot(folder, async system => {
    await end(system.put(`${deep}/file`, source(Buffer.from('deep\n'))))
    assert.equal((await end(system.status())).changes.length, 0)
    await end(system.remove([part], { recursive: true }))
    assert.equal(fs.existsSync(path.join(folder, part)), false)
    await end(system.undo())
    assert.equal(system.openFile(`${deep}/file`, 'disk')?.size, 5)
    await assertSound(system)
  })
})

test('symlinks are recorded as what they are and never followed', async context => {
  const folder = makeFolder(context)
  const outside = makeFolder(context)
  fs.writeFileSync(path.join(outside, 'secret'), 'untouched')
  fs.symlinkSync('loop-b', path.join(folder, 'loop-a'))
  fs.symlinkSync('loop-a', path.join(folder, 'loop-b'))
  fs.symlinkSync(outside, path.join(folder, 'out'))
  fs.mkdirSync(path.join(folder, 'real'))
  fs.writeFileSync(path.join(folder, 'real/file'), 'recorded')
  await end(initRoot(host, { path: folder, zk: true }))
  await withRoot(folder, async system => {
    const kinds = new Map([...system.walkState(system.resolve('now'))].map(({ path: at, entry }) => [at, entry.kind]))
    assert.deepEqual([kinds.get('loop-a'), kinds.get('out'), kinds.has('out/secret')], ['symlink', 'symlink', false])
    await assert.rejects(end(system.put('out/secret', source(Buffer.from('changed')))), error =>
      isSentientError(error, 'NOT_A_DIRECTORY', 'SYMLINK_IN_PATH'),
    )
    // A directory that somebody replaced by a link out of the tree: bringing its file back must not go through it.
    fs.rmSync(path.join(folder, 'real'), { recursive: true })
    fs.symlinkSync(outside, path.join(folder, 'real'))
    await end(system.restore(['real'], system.resolve('now')))
    assert.equal(fs.lstatSync(path.join(folder, 'real')).isDirectory(), true)
    assert.equal(fs.readFileSync(path.join(folder, 'real/file'), 'utf8'), 'recorded')
    assert.deepEqual(fs.readdirSync(outside), ['secret'])
    assert.equal(fs.readFileSync(path.join(outside, 'secret'), 'utf8'), 'untouched')
    await assertSound(system)
  })
})

test('pipes are skipped and said', async context => {
  const folder = makeFolder(context)
  assert.equal(spawnSync('mkfifo', [path.join(folder, 'pipe')]).status, 0)
  fs.writeFileSync(path.join(folder, 'file'), 'x')
  const { notices } = await end(initRoot(host, { path: folder, zk: true }))
  assert.match(notices.map(notice => notice.text).join(), /pipe/)
  await withRoot(folder, async system => assert.deepEqual((await end(system.status())).skipped, ['pipe']))
})

test('files that change or vanish while they are read stay for the next look', async context => {
  const folder = makeFolder(context)
  fs.writeFileSync(path.join(folder, 'growing'), Buffer.alloc(3 << 20, 'a'))
  for (let i = 0; i < 300; i++) fs.writeFileSync(path.join(folder, `f${i}`), `file ${i}`)
  await end(initRoot(host, { path: folder, zk: true }))
  await withRoot(folder, async system => {
    for (let i = 0; i < 300; i++) fs.writeFileSync(path.join(folder, `f${i}`), `again ${i}`)
    fs.appendFileSync(path.join(folder, 'growing'), 'b')
    const work = system.absorb([])
    for (let turn = 0; ; turn++) {
      const step = await work.next()
      if (step.done) break
      fs.appendFileSync(path.join(folder, 'growing'), 'more')
      fs.rmSync(path.join(folder, `f${turn}`), { force: true })
    }
    await end(system.absorb([]))
    assert.deepEqual((await end(system.status())).changes, [])
    await assertSound(system)
  })
})

test('a clock that jumps back is marked, and order stays', async context => {
  const folder = makeFolder(context)
  await end(initRoot(host, { path: folder, zk: true }))
  const past = { ...host, clock: { ...host.clock, nowMicros: () => host.clock.nowMicros() - 40 * 86_400_000_000 } }
  await withRoot(
    folder,
    async system => {
      const { seq } = await end(system.put('a', source(Buffer.from('1'))))
      assert.equal(system.record(seq).doubtful, true)
      await end(system.undo())
      await assertSound(system)
    },
    past,
  )
  await withRoot(folder, async system => {
    const { seq } = await end(system.put('b', source(Buffer.from('2'))))
    assert.equal(system.record(seq).doubtful, false)
  })
})

function mountSmall(context: TestContext, folder: string): void {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder], { encoding: 'utf8' })
  assert.equal(mounted.status, 0, `a tmpfs can not be mounted: ${mounted.stderr}`)
  context.after(() => spawnSync('umount', ['-l', folder]))
}

const noise = (bytes: number): Buffer => Buffer.from(host.random.bytes(bytes))

test('a full disk: refused before the commit, nothing lost, and it goes on when there is space', async context => {
  const folder = makeFolder(context)
  mountSmall(context, folder)
  fs.writeFileSync(path.join(folder, 'kept'), 'kept')
  await end(initRoot(host, { path: folder, zk: true }))
  fs.writeFileSync(path.join(folder, 'ballast'), noise(2 << 20))
  await withRoot(folder, async system => {
    const { records } = system.now()
    await assert.rejects(end(system.put('big', source(noise(3 << 20)))), error => isSentientError(error, 'DISK_FULL'))
    assert.equal(system.now().records, records)
    assert.equal(fs.existsSync(path.join(folder, 'big')), false)
    assert.equal(fs.readFileSync(path.join(folder, 'kept'), 'utf8'), 'kept')
  })
  fs.rmSync(path.join(folder, 'ballast'))
  await withRoot(folder, async system => {
    await end(system.put('small', source(noise(1_000))))
    await assertSound(system)
  })
})

test('a read-only folder can be looked at, verified, and refuses to change', async context => {
  const folder = makeFolder(context)
  mountSmall(context, folder)
  fs.writeFileSync(path.join(folder, 'file'), 'content')
  await end(initRoot(host, { path: folder, zk: true }))
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', folder]).status, 0)
  await withRoot(folder, async system => {
    assert.equal(system.access, 'read')
    assert.deepEqual((await end(system.status())).changes, [])
    await assertSound(system)
    await assert.rejects(end(system.put('x', source(Buffer.from('x')))), error => isSentientError(error, 'READ_ONLY'))
  })
})
