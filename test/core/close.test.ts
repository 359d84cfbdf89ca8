// What is made on the way out (a checkpoint, recycle.lock) is for the next opening: where there is no space for it, what
// was asked for is done all the same, and the next one that has the space makes it.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createTestHost } from '../support/host.ts'
import { finished, makeRoot, openRoot, put, recordedOf, refused, type TimelineSubject } from './timeline/support.ts'

function makeSubject() {
  const host = createTestHost({ stateDirectoryPath: '/state' })
  const top = host.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  top.close()
  const subject: TimelineSubject = {
    ...{ host, path: '/folder', directory, advance: host.clock.advance },
    remove: () => directory.close(),
  }
  return { host, subject }
}

it('closes without an error on a full disk, and signs later', async () => {
  const { host, subject } = makeSubject()
  await (await makeRoot(subject, { a: 'a' })).close()
  const writer = await openRoot(subject)
  await finished(writer.snapshotCreate({ name: 'full' }))
  const { size } = writer.checkpoint()!
  host.disk.setCapacity(0)
  await writer.close()
  const reader = await openRoot(subject, { access: 'read' })
  assert.deepEqual(reader.snapshots().at(-1)?.name, 'full')
  assert.equal(reader.checkpoint()?.size, size)
  await reader.close()
  host.disk.setCapacity(2 ** 30)
  const again = await openRoot(subject)
  await finished(again.snapshotCreate({ name: 'more' }))
  await again.close()
  const last = await openRoot(subject, { access: 'read' })
  assert.equal(last.checkpoint()?.size, last.now().records)
  await last.close()
})

/** Replaces what a file of the folder's data holds. */
function overwrite({ directory }: TimelineSubject, child: string, name: string, text: string): void {
  const parent = directory.child(child)!
  parent.removeFile(name)
  const file = parent.open(name, 'create', 0o600)
  file.write(Buffer.from(text), 0)
  file.close()
  parent.close()
}

it('closes with a notice, and signs nothing, over a checkpoint that is damaged; repair has it signed anew', async () => {
  const { subject } = makeSubject()
  await (await makeRoot(subject, { a: 'a' })).close()
  overwrite(subject, '.runtime', 'checkpoint', 'no note\n')
  const writer = await openRoot(subject)
  await finished(writer.snapshotCreate({ name: 'more' }))
  await writer.close()
  const [notice] = writer.notices
  assert.equal(notice?.code, 'unsigned')
  assert.match(notice.text, /The checkpoint cannot be read.*sentctl repair/)
  const reader = await openRoot(subject, { access: 'read' })
  assert.equal(reader.snapshots().at(-1)?.name, 'more')
  const { findings } = await finished(reader.verify())
  assert.ok(findings.some(({ code }) => code === 'checkpoint-signature'))
  await reader.close()
  const mender = await openRoot(subject)
  await finished(mender.repair())
  await mender.close()
  assert.deepEqual(mender.notices, [])
  const last = await openRoot(subject, { access: 'read' })
  assert.equal(last.checkpoint()?.size, last.now().records)
  assert.deepEqual((await finished(last.verify())).findings, [])
  await last.close()
})

it('closes with a notice where the private key is damaged', async () => {
  const { subject } = makeSubject()
  await (await makeRoot(subject, { a: 'a' })).close()
  overwrite(subject, '.auth', 'log-0.pem', 'no key\n')
  const writer = await openRoot(subject)
  const { size } = writer.checkpoint()!
  await finished(writer.snapshotCreate({ name: 'more' }))
  await writer.close()
  assert.deepEqual(
    writer.notices.map(({ code }) => code),
    ['unsigned'],
  )
  const reader = await openRoot(subject, { access: 'read' })
  assert.equal(reader.snapshots().at(-1)?.name, 'more')
  assert.equal(reader.checkpoint()?.size, size)
  await reader.close()
})

it('removes on a full disk by what is kept for that, and keeps it again', async () => {
  const { host, subject } = makeSubject()
  await (await makeRoot(subject, { a: 'a', b: 'b', large: Buffer.alloc(3 << 20, 'x') })).close()
  const runtime = subject.directory.child('.runtime')!
  assert.equal(runtime.stat('reserve')?.size, 1 << 20)
  const writer = await openRoot(subject)
  host.disk.setCapacity(2 ** 30)
  // All is taken.
  host.disk.setCapacity(2 ** 30 - subject.directory.freeBytes())
  await refused(put(writer, 'a', 'more'), 'DISK_FULL')
  assert.equal(runtime.stat('reserve')?.size, 1 << 20)
  await finished(writer.remove(['a']))
  assert.deepEqual(Object.keys(recordedOf(writer)), ['b', 'large'])
  const left = runtime.stat('reserve')?.size ?? 0
  assert.ok(left > 0 && left < 1 << 20, `${left}`)
  await finished(writer.remove(['large']))
  await writer.close()
  assert.ok((runtime.stat('reserve')?.size ?? 0) > 0)
  host.disk.setCapacity(2 ** 30)
  await (await openRoot(subject)).close()
  assert.equal(runtime.stat('reserve')?.size, 1 << 20)
  runtime.close()
  const last = await openRoot(subject, { access: 'read' })
  assert.deepEqual(
    (await finished(last.verify({ deep: true }))).findings.filter(({ severity }) => severity === 'damage'),
    [],
  )
  await last.close()
})
