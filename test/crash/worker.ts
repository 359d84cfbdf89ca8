// A process of its own that works on a root folder until it is done or killed. It says on standard output what it was
// told by the system, at once and in full lines, so that whoever kills it knows what must be there afterwards.

import fs from 'node:fs'
import path from 'node:path'
import { isSentientError } from '../../src/core/errors.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { openSystem, type System } from '../../src/core/system.ts'
import type { OperationResult, StatePoint, Work } from '../../src/core/timeline/model.ts'
import { contentAt, finished, sourceOf } from '../core/timeline/support.ts'
import { createSeededRandomness, nativeUnderTest } from '../support/host.ts'

const [, , what = '', rootPath = '', stateDirectoryPath = '', seedText = '0', parameter = ''] = process.argv
const host = createDiskHost({ label: what, stateDirectoryPath, native: nativeUnderTest() })
const chance = createSeededRandomness(Number(seedText))
const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below
const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T
const say = (...words: (string | number)[]): void => {
  fs.writeSync(1, `${words.join(' ')}\n`)
}

const open = (access: 'read' | 'write' = 'write'): Promise<System> => openSystem(host, { rootPath, access })

/** What the mixed workload must expect of an operation whose path is not as it should be. */
const expected = [
  'PATH_NOT_FOUND',
  'PATH_EXISTS',
  'PATH_INVALID',
  'NOT_A_DIRECTORY',
  'IS_A_DIRECTORY',
  'NOT_UNDOABLE',
  'DRIFT',
  'STATE_NOT_FOUND',
] as const

async function acknowledge(system: System, work: Work<OperationResult>): Promise<void> {
  try {
    const { seq, unapplied } = await finished(work)
    if (seq >= 0) say('ack', seq, system.record(seq).leaf)
    if (unapplied.length > 0) say('problem', 'unapplied', unapplied.join())
  } catch (error) {
    if (!isSentientError(error, ...expected)) throw error
  }
}

let counter = 0

/** A change behind the system's back, only below `free`; contents are never the same twice. */
function edit(): void {
  const name = `free/${pick(['a', 'b', 'c', 'd'])}`
  const place = path.join(rootPath, name)
  say('editing', name)
  if (random(5) === 0) {
    fs.rmSync(place, { force: true })
    say('edited', name)
    return
  }
  const content = `edit ${seedText} ${counter++}`
  if (random(2) === 0) fs.writeFileSync(place, content)
  else {
    fs.writeFileSync(`${place}~`, content)
    fs.renameSync(`${place}~`, place)
  }
  say('edited', name, content)
}

const anyPath = (): string =>
  [pick(['p', 'q', 'r']), pick(['x', 'y', 'z']), pick(['1', '2', '3'])].slice(random(3)).join('/')

const large = Buffer.alloc(1_200_000)

function operation(system: System): Work<OperationResult> {
  const state = () => {
    const snapshots = system.snapshots()
    const last = system.now().records - 1
    return system.resolve(random(2) === 0 ? pick(snapshots).name : `#${Math.max(1, last - random(30))}`)
  }
  const content = (): Uint8Array => {
    if (random(12) > 0) return Buffer.from(`content ${seedText} ${counter++}`)
    large.writeUInt32LE(counter++)
    return large
  }
  const operations: readonly (() => Work<OperationResult>)[] = [
    () => system.put(anyPath(), sourceOf(content())),
    () => system.put(anyPath(), sourceOf(content())),
    () => system.put(anyPath(), sourceOf(content())),
    () => system.makeDirectory(anyPath(), { parents: true }),
    () => system.makeSymlink(anyPath(), 'somewhere'),
    () => system.setMode([anyPath()], mode => mode ^ 0o020),
    () => system.remove([anyPath()], { recursive: true }),
    () => system.move([anyPath()], anyPath()),
    () => system.copy([anyPath()], anyPath(), { recursive: true }),
    () => system.absorb([]),
    () => system.absorb(['free']),
    () => system.restore([anyPath()], state()),
    () => system.restore(['free'], state()),
    () => system.rollback(state()),
    () => system.undo(),
    () => system.undo(),
    () => system.redo(),
    () => system.snapshotCreate({ label: `label ${counter}` }),
    () => system.snapshotLabel(pick(system.snapshots()).name, `again ${counter}`),
    () => system.setSetting('watch.quietMinutes', String(1 + random(60))),
  ]
  return pick(operations)()
}

/** Operations of all kinds, and changes outside, until it is killed. */
async function work(): Promise<void> {
  for (;;) {
    const system = await open()
    say('ready')
    for (let i = 0; i < 25; i++) {
      if (random(4) === 0) edit()
      await acknowledge(system, operation(system))
    }
    await system.close()
  }
}

/** Puts files of its own until `parameter` records are acknowledged. */
async function write(): Promise<void> {
  const system = await open()
  say('ready')
  for (let done = 0; done < Number(parameter); done++) {
    const name = `${seedText}/${done % 20}`
    const { seq } = await finished(system.put(name, sourceOf(`${seedText} wrote ${done}`)))
    say('ack', seq, system.record(seq).leaf)
  }
  await system.close()
  say('done')
}

/** Looks at everything again and again until its input ends; whatever is not in order is said. */
async function read(): Promise<void> {
  let stop = false
  process.stdin.on('end', () => (stop = true)).resume()
  const system = await open('read')
  say('ready')
  let seen = 0
  let rounds = 0
  while (!stop) {
    system.refresh()
    const { records } = system.now()
    if (records < seen) say('problem', `${records} records after ${seen}`)
    for (const record of system.records({ from: seen, to: records })) {
      if (record.seq !== seen) say('problem', `record ${record.seq} after ${seen - 1}`)
      seen = record.seq + 1
      for (const _ of system.recordChanges(record.seq));
    }
    for (const { path, entry } of system.walkState(system.resolve('now'))) {
      if (entry.kind !== 'file') continue
      const file = system.openFile(path, system.resolve('now'))
      file?.read(Buffer.alloc(entry.size), 0, entry.size, 0)
    }
    await finished(system.status())
    system.snapshots()
    rounds++
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  await system.close()
  say('read', rounds, seen)
}

/** Each content says where it belongs, again and again, so that a reader knows what is right. */
const tellingContent = (name: string, number: number): string => `${name} holds ${number}\n`.repeat(1 + (number % 400))

/** Writes, drops snapshots and collects what they kept, an hour later each time by its clock, until its input ends. */
async function collect(): Promise<void> {
  let stop = false
  process.stdin.on('end', () => (stop = true)).resume()
  let ahead = 0
  const later = { ...host, clock: { ...host.clock, nowMicros: () => host.clock.nowMicros() + ahead } }
  const system = await openSystem(later, { rootPath, access: 'write' })
  say('ready')
  for (let i = 0; !stop; i++) {
    for (let k = 0; k < 6; k++) {
      const name = `c/${(i * 5 + k) % 23}`
      await finished(system.put(name, sourceOf(tellingContent(name, counter++)), { parents: true }))
    }
    await finished(system.snapshotCreate({}))
    for (const { name } of system.snapshots().slice(0, -2)) await finished(system.snapshotRemove(name))
    const { bytesFreed } = await finished(system.gc())
    // What it has set aside may be unlinked by the next one.
    ahead += 61 * 60_000_000
    say('collected', bytesFreed)
  }
  await system.close()
  say('done')
}

/** Reads the last state and the kept ones while somebody collects: what it gets is right, or it is told to try again. */
async function readCollected(): Promise<void> {
  let stop = false
  process.stdin.on('end', () => (stop = true)).resume()
  const system = await open('read')
  say('ready')
  let contents = 0
  let again = 0
  while (!stop) {
    system.refresh()
    for (const point of [system.resolve('now'), ...system.snapshots().map(({ name }) => system.resolve(name))]) {
      try {
        contents += readState(system, point)
      } catch (error) {
        if (!isSentientError(error, 'STATE_PRUNED')) throw error
        again++
      }
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  await system.close()
  say('read', contents, again)
}

/** How many contents there were, each looked at. */
function readState(system: System, point: StatePoint): number {
  let contents = 0
  for (const { path: name, entry } of system.walkState(point)) {
    if (entry.kind !== 'file' || !name.startsWith('c/')) continue
    const text = contentAt(system, name, point)
    const number = Number(/^\S+ holds (\d+)\n/.exec(text)?.[1])
    if (text !== tellingContent(name, number)) say('problem', `${name} in ${point.text}`)
    contents++
  }
  return contents
}

/** One rollback to `parameter`, acknowledged like everything else. */
async function rollback(): Promise<void> {
  const system = await open()
  say('ready')
  const work = system.rollback(system.resolve(parameter))
  for (;;) {
    const step = await work.next()
    if (step.done) {
      say('ack', step.value.seq, system.record(step.value.seq).leaf)
      break
    }
    say('progress', step.value.phase, step.value.done)
  }
  await system.close()
  say('done')
}

// Nobody is left who would kill it.
if (['work', 'write', 'rollback'].includes(what))
  process.stdin
    .on('end', () => process.exit(1))
    .resume()
    .unref()

const modes: Readonly<Record<string, () => Promise<void>>> = {
  ...{ work, write, read, rollback, collect, readCollected },
}
try {
  await modes[what]?.()
} catch (error) {
  say('problem', (error as Error).stack?.replaceAll('\n', ' | ') ?? String(error))
  process.exitCode = 1
}
