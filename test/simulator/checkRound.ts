// What must hold after every round, looked at by a fresh process on a disk that works.

import assert from 'node:assert/strict'
import { isSentientError } from '../../src/core/errors.ts'
import type { ObjectId } from '../../src/core/format/id.ts'
import { adoptRoot, openSystem, type System } from '../../src/core/system.ts'
import { stagePrefix } from '../../src/core/worktree/stage.ts'
import { contentAt, diskOf, finished, recordedAt, refused } from '../core/timeline/support.ts'
import { folder, type Process, type World } from './world.ts'

export interface Promises {
  /** Leaf hash and action of each record whose operation said that it was done. */
  readonly acknowledged: Map<number, { readonly leaf: string; readonly action: string }>
  /** What others wrote, by its text, and where: it is on disk or in the history, until they overwrite it themselves. */
  readonly written: Map<string, { readonly path: string }>
  /** Of backups and imports, by their place: so many records are in it. */
  readonly carried: Map<string, number>
  rounds: number
  diskFailed: boolean
}

/** `unbound`: this device may remember nothing of the folder, which is told to it here then. */
export async function checkRound(world: World, promises: Promises, unbound: boolean): Promise<void> {
  const process = world.start('check')
  const system = await openBound(world, process, unbound)
  try {
    assert.equal(system.access, 'write', `it opens for writing: ${JSON.stringify(system.notices)}`)
    for (const [seq, { leaf, action }] of promises.acknowledged) {
      assert.ok(seq < system.now().records, `record ${seq} (${action}) was acknowledged and is gone`)
      assert.equal(system.record(seq).leaf, leaf, `record ${seq} (${action}) is another one now`)
    }
    const { findings } = await finished(system.verify({ deep: true }))
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
      'a deep verification finds nothing',
    )
    await checkShown(world, system)
    await checkCarried(world, promises)
    checkWritten(world, system, promises)
    await system.close()
    // And once more: opening and closing changed nothing.
    const again = world.start('check again')
    const { records, root } = (await world.open(again)).now()
    assert.ok(records >= system.now().records && root === system.now().root, 'it is the same when it is opened again')
    await again.system?.close()
    again.end()
  } finally {
    process.end()
  }
}

/** Opened for writing; where the device does not know the folder, it refuses a write by name until it is told. */
export async function openBound(world: World, process: Process, unbound: boolean, as: 'moved' | 'copy' = 'moved') {
  const system = await world.open(process)
  if (system.binding.refusal === undefined) return system
  assert.ok(unbound, `nobody took away what the device remembers: ${system.binding.refusal.message}`)
  await refused(system.snapshotCreate({}), 'COPY')
  await system.close()
  await finished(adoptRoot(process.host, { rootPath: folder, as }))
  return world.open(process)
}

/** Backups and imports are whole, and hold what they were said to hold. */
async function checkCarried(world: World, { carried }: Promises): Promise<void> {
  for (const place of places) {
    const isThere = formatOf(world, place)
    if (carried.has(place)) assert.ok(isThere, `${place} was acknowledged and is gone`)
    if (!isThere) continue
    const process = world.start('reader')
    try {
      const system = await openSystem(process.host, { rootPath: place, access: 'read' })
      const { records } = system.now()
      assert.ok(
        records >= (carried.get(place) ?? 0),
        `${place} has ${records} records, ${carried.get(place)} were acknowledged`,
      )
      const { findings } = await finished(system.verify({ deep: true }))
      assert.deepEqual(
        findings.filter(({ code, severity }) => severity === 'damage' && code !== 'key-missing'),
        [],
        `${place} is whole`,
      )
      await system.close()
    } finally {
      process.end()
    }
  }
}

const places = ['/backup', '/imported']

function formatOf({ disk }: World, place: string): boolean {
  const runtime = disk.files.openDirectory(`${place}/.runtime`)
  const found = runtime?.stat('format') !== undefined
  runtime?.close()
  return found
}

/** What the status says is what the disk and the state in force say. */
async function checkShown(world: World, system: System): Promise<void> {
  const directory = world.folder()
  const disk = diskOf(directory)
  directory.close()
  const recorded = recordedAt(system, system.resolve('now'))
  const differing = new Set<string>()
  for (const path of new Set([...Object.keys(disk), ...Object.keys(recorded)])) {
    // A staged file of a process that was killed: no part of the tree, and the next writer removes it.
    if (path.split('/').at(-1)?.startsWith(stagePrefix)) continue
    if (disk[path] !== recorded[path]) differing.add(path.replace(/\/$/, ''))
  }
  const report = await finished(system.status())
  const said = new Set(report.changes.map(({ path }) => path))
  assert.deepEqual(
    [...differing].filter(path => ![...said].some(other => path === other || path.startsWith(`${other}/`))),
    [],
    'every difference is shown',
  )
  assert.deepEqual(
    [...said].filter(path => !differing.has(path)),
    [],
    'only differences are shown',
  )
}

function checkWritten(world: World, system: System, promises: Promises): void {
  if (promises.written.size === 0) return
  const directory = world.folder()
  const found = new Set<string>()
  const take = (lines: Record<string, string>) => {
    for (const line of Object.values(lines)) {
      const text = /^file \d+ (.*)$/s.exec(line)?.[1]
      if (text !== undefined) found.add(text)
    }
  }
  take(diskOf(directory))
  directory.close()
  const gone: string[] = []
  for (const text of promises.written.keys()) if (!found.has(text)) gone.push(text)
  if (gone.length === 0) return
  const roots = new Set<string>()
  for (const record of system.records()) {
    roots.add(record.root)
    if (record.action !== 'gc') continue
    dropPromises(promises, gone)
    return
  }
  for (const snapshot of system.snapshots()) roots.add(snapshot.root)
  for (const record of system.records()) {
    const kept = (record.fields as { kept?: { id?: string } } | undefined)?.kept?.id
    if (kept !== undefined) roots.add(kept)
  }
  for (const root of roots) for (const text of textsAt(system, root as ObjectId)) found.add(text)
  for (const text of gone) {
    assert.ok(
      found.has(text),
      `what somebody wrote to ${promises.written.get(text)?.path} is nowhere: ${text} (${folder})`,
    )
  }
}

/** The contents of a state's files; what was forgotten is no more. */
function* textsAt(system: System, root: ObjectId): Generator<string> {
  const point = { root, seq: 0, time: 0, text: root }
  for (const { path, entry } of system.walkState(point)) {
    if (entry.kind !== 'file') continue
    try {
      yield contentAt(system, path, point)
    } catch (error) {
      if (!isSentientError(error, 'FORGOTTEN')) throw error
    }
  }
}

/** A gc may drop what only old states held. */
function dropPromises(promises: Promises, texts: readonly string[]): void {
  for (const text of texts) promises.written.delete(text)
}
