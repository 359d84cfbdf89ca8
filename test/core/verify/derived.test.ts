// What is derived can be deleted: nothing is lost, and the next opening or a repair makes it anew. And the replay chain
// leads to the state in force.

import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { blake3 } from '../../../src/core/format/hash.ts'
import { objectId } from '../../../src/core/format/id.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { openStore } from '../../../src/core/store/store.ts'
import type { ObjectWriter } from '../../../src/core/store/tree.ts'
import type { System } from '../../../src/core/system.ts'
import type { TimelineContext } from '../../../src/core/timeline/context.ts'
import { replayTrace } from '../../../src/core/timeline/trace.ts'
import { assertClean, type Folder, filesBelow, makeFolder, noise, put, run, verifyDeep } from './fixtures.ts'

async function makeHistory(context: Parameters<typeof makeFolder>[0]): Promise<Folder> {
  const files = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`d/${i % 7}/${i}`, `content ${i}`]))
  const folder = await makeFolder(context, { ...files, big: noise(2 << 20, 1) })
  await folder.with(async system => {
    await put(system, 'd/0/0', 'changed')
    await run(system.snapshotCreate({ name: 'mine', label: 'by hand' }))
    await run(system.remove(['d/1'], { recursive: true }))
    await run(system.setSetting('retention.hourly', '12'))
    await run(system.move(['d/2'], 'moved'))
    await run(system.rollback(system.resolve('mine')))
    await run(system.undo())
  })
  return folder
}

/** All that people can ask of a folder, as plain data. */
async function everything(system: System) {
  const status = await run(system.status())
  return {
    now: system.now(),
    snapshots: system.snapshots(),
    records: [...system.records()],
    versions: await run(system.versions('d/0/0')),
    counts: status.counts,
    files: [...system.walkState(system.resolve('now'))],
    settings: system.settings().text,
    checkpoint: system.checkpoint(),
  }
}

/** Deletes everything derived; returns how much that was. */
function deleteDerived(folder: Folder): number {
  const names = [
    ...filesBelow(folder.at('.db')).map(name => `.db/${name}`),
    ...filesBelow(folder.at('.tree/packs'))
      .filter(name => name.endsWith('.idx'))
      .map(name => `.tree/packs/${name}`),
    ...['recycle.lock', 'recycle.trace', 'recycle.redis'].filter(name => existsSync(folder.at(name))),
  ]
  for (const name of names) rmSync(folder.at(name))
  rmSync(folder.at('.db'), { recursive: true })
  return names.length
}

test('everything derived can be deleted: the next opening knows all that it knew', async context => {
  const folder = await makeHistory(context)
  const before = await folder.with(everything, 'read')
  assert.ok(deleteDerived(folder) >= 6)
  assert.deepEqual(await folder.with(everything, 'read'), before)
  assertClean(await verifyDeep(folder))
  await folder.with(system => put(system, 'after', 'after'))
  for (const name of ['recycle.lock', 'recycle.trace', '.db']) assert.ok(existsSync(folder.at(name)), name)
  assertClean(await verifyDeep(folder))
})

test('repair makes everything derived anew', async context => {
  const folder = await makeHistory(context)
  const before = await folder.with(everything, 'read')
  const trace = folder.read('recycle.trace')
  const indexes = filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.idx'))
  deleteDerived(folder)
  const { rebuilt, restored, lost } = await folder.with(system => run(system.repair()))
  assert.deepEqual([restored, lost], [[], []])
  assert.ok(rebuilt.includes('recycle.lock') && rebuilt.includes('recycle.trace'))
  assert.ok(folder.read('recycle.trace').equals(trace))
  assert.deepEqual(
    filesBelow(folder.at('.tree/packs')).filter(name => name.endsWith('.idx')),
    indexes,
  )
  assert.deepEqual(await folder.with(everything, 'read'), before)
  assertClean(await verifyDeep(folder))
})

test('derived files full of nonsense are no obstacle either', async context => {
  const folder = await makeHistory(context)
  const before = await folder.with(everything, 'read')
  const names = [
    ...filesBelow(folder.at('.db')).map(name => `.db/${name}`),
    ...filesBelow(folder.at('.tree/packs'))
      .filter(name => name.endsWith('.idx'))
      .map(name => `.tree/packs/${name}`),
    'recycle.lock',
    'recycle.trace',
  ]
  for (const [i, name] of names.entries()) writeFileSync(folder.at(name), noise(300 + i, i))
  assert.deepEqual(await folder.with(everything, 'read'), before)
  assert.deepEqual((await folder.with(system => run(system.repair()))).lost, [])
  assert.deepEqual(await folder.with(everything, 'read'), before)
  assertClean(await verifyDeep(folder))
})

/** Reads from the store, writes into memory. */
function overlay(tree: Directory, host: Folder['host']): { writer: ObjectWriter; close(): void } {
  const { clock, random, processes } = host
  const store = openStore({ directory: tree, clock, random, processes, access: 'read' })
  const made = new Map<string, Uint8Array>()
  return {
    writer: {
      get: link => made.get(link.id) ?? store.get(link),
      put(codec, _kind, bytes) {
        const id = objectId(bytes)
        made.set(id, Uint8Array.from(bytes))
        return { codec, id }
      },
    },
    close: () => store.close(),
  }
}

function replay(folder: Folder): ReturnType<typeof replayTrace> {
  const root = folder.host.files.openDirectory(folder.path) as Directory
  const tree = root.child('.tree') as Directory
  const { writer, close } = overlay(tree, folder.host)
  try {
    return replayTrace({ directories: { root } } as unknown as TimelineContext, writer)
  } finally {
    close()
    tree.close()
    root.close()
  }
}

test('recycle.trace replayed over its base leads to the state in force', async context => {
  const folder = await makeHistory(context)
  const { root, records } = await folder.with(system => system.now(), 'read')
  assert.deepEqual(replay(folder), { seq: records - 1, root, claimed: root })
  await folder.with(async system => {
    for (const { name } of system.snapshots()) await run(system.snapshotRemove(name))
    await put(system, 'later', 'later')
    await run(system.gc())
    await put(system, 'latest', 'latest')
  })
  const after = await folder.with(system => system.now(), 'read')
  assert.deepEqual(replay(folder), { seq: after.records - 1, root: after.root, claimed: after.root })
  assert.equal(blake3(folder.read('later')).length, 32)
  assert.ok(existsSync(join(folder.path, 'latest')))
})
