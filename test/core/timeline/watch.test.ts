// The watcher: changes outside are told, kept or taken back as the settings say, whatever becomes of directories, of
// notifications that get lost, of other processes and of the disk; and it goes on.

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { HostError } from '../../../src/core/host/error.ts'
import type { Host } from '../../../src/core/host/host.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import type { System, WatchEvent } from '../../../src/core/system.ts'
import { createTestHost, makeTemporaryFolder, type TestHost, type Tree } from '../../support/host.ts'
import {
  changesOutside,
  contentAt,
  diskOf,
  editOutside,
  finished,
  makeRoot,
  openRoot,
  put,
  recordedOf,
  sourceOf,
  type TimelineSubject,
} from './support.ts'

interface Watched {
  readonly subject: TimelineSubject
  readonly system: System
  readonly events: readonly WatchEvent[]
  /** Lets time pass for the watcher. */
  pass(ms: number): Promise<void>
  /** The texts of the events of a kind so far. */
  told(kind: WatchEvent['kind']): string[]
  /** Every watch says that its queue overflowed. */
  overflow(): void
  stop(): Promise<void>
}

const running: Watched[] = []

afterEach(async () => {
  for (const watched of running.splice(0)) await watched.stop()
})

interface Options extends Omit<Parameters<System['watch']>[0], 'signal'> {
  /** Changes the host that the watching process runs on. */
  readonly host?: (inner: TestHost) => Host
  readonly open?: Parameters<typeof openRoot>[1]
}

async function watching(tree: Tree, { host: wrap = inner => inner, open, ...options }: Options = {}): Promise<Watched> {
  const inner = createTestHost({ stateDirectoryPath: '/state' })
  const top = inner.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  const subject = { host: inner, path: '/folder', directory, advance: inner.clock.advance, remove: () => {} }
  await (await makeRoot(subject, tree)).close()
  const callbacks = new Set<(event: { overflow: boolean }) => void>()
  // The clock of the test moves only by the watcher's own sleeping.
  const gate = { until: 0 }
  const start = inner.clock.monotonicMs()
  const slow = {
    ...wrap(inner),
    clock: {
      ...inner.clock,
      async sleep(ms: number, signal?: AbortSignal) {
        while (inner.clock.monotonicMs() - start + ms > gate.until && !signal?.aborted) await setImmediate()
        await inner.clock.sleep(ms, signal)
      },
    },
  }
  const { files } = slow
  const host: Host = {
    ...slow,
    files: {
      ...files,
      watch(watchedDirectory, changed) {
        callbacks.add(changed)
        const watch = files.watch(watchedDirectory, changed)
        return {
          close() {
            callbacks.delete(changed)
            watch.close()
          },
        }
      },
    },
  }
  const system = await openRoot({ host, path: '/folder' }, open)
  const stopping = new AbortController()
  const events: WatchEvent[] = []
  const ended = (async () => {
    for await (const event of system.watch({ ...options, signal: stopping.signal })) events.push(event)
  })()
  let failure: unknown
  ended.catch(error => (failure = error))
  const watched: Watched = {
    subject,
    system,
    events,
    async pass(ms) {
      gate.until = Math.max(gate.until, inner.clock.monotonicMs() - start) + ms
      while (inner.clock.monotonicMs() - start + 250 <= gate.until && failure === undefined && !isOver)
        await setImmediate()
      for (let i = 0; i < 20; i++) await setImmediate()
      if (failure !== undefined) throw failure
    },
    told: kind => events.filter(event => event.kind === kind).map(event => [event.text, ...event.paths].join(' ')),
    overflow: () => {
      for (const changed of [...callbacks]) changed({ overflow: true })
    },
    async stop() {
      stopping.abort()
      gate.until = Number.POSITIVE_INFINITY
      await ended
      await system.close()
    },
  }
  let isOver = false
  ended.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  running.push(watched)
  await watched.pass(500)
  return watched
}

describe('telling', () => {
  it('what was changed before and what changes now, each once', async () => {
    const watched = await watching({ a: '1', d: { b: '2' }, same: 's' })
    const { subject } = watched
    assert.match(watched.events[0]?.text ?? '', /^2 directories$/)
    editOutside(subject.directory, { a: 'edit', 'd/new': 'n', 'd/b': null })
    await watched.pass(1_000)
    assert.deepEqual(watched.told('drift').sort(), [
      'changed: changed outside a',
      'gone: removed outside d/b',
      'new: new, not recorded d/new',
    ])
    await watched.pass(5_000)
    assert.equal(watched.told('drift').length, 3)
    editOutside(subject.directory, { a: 'another edit' })
    await watched.pass(1_000)
    assert.equal(watched.told('drift').length, 4)
    assert.deepEqual(watched.told('absorbed'), [])
    assert.deepEqual(Object.keys(recordedOf(watched.system)), ['a', 'd/', 'd/b', 'same'])
  })

  it('nothing of what is ignored, of our own names, of operations', async () => {
    const watched = await watching({ a: '1', node_modules: { x: 'x' }, d: {} })
    const { subject } = watched
    editOutside(subject.directory, { 'x.log': '1', 'd/y~': '2', 'node_modules/x': '3', 'd/z.log': '4' })
    await put(watched.system, 'd/put', 'content')
    const other = await openRoot({
      host: createMemoryHost({ disk: (subject.host as TestHost).disk, clock: subject.host.clock }),
      path: '/folder',
    })
    await put(other, 'd/others', 'content')
    await finished(other.remove(['a']))
    await other.close()
    await watched.pass(2_000)
    assert.deepEqual(watched.told('drift'), [])
    assert.deepEqual(watched.told('record'), ['put d/put', 'put d/others', 'delete a'])
  })

  it('goes on when directories are removed, made anew, moved, replaced by files and links', async () => {
    const watched = await watching({ d: { e: { f: 'f' } }, out: {} })
    const { subject } = watched
    const step = async (edits: Parameters<typeof editOutside>[1]) => {
      editOutside(subject.directory, edits)
      await watched.pass(1_500)
    }
    await step({ d: null })
    await step({ d: { e: { f: 'f', g: 'new' } } })
    await step({ 'd/e/g': 'seen in the directory that was made anew' })
    await step({ 'd/e': 'a file' })
    await step({ 'd/e': { f: 'f' } })
    await step({ d: null })
    await step({ d: 'a file' })
    await step({ d: { e: { f: 'changed' } } })
    const drift = watched.told('drift')
    assert.ok(drift.filter(text => text === 'changed: changed outside d/e/f').length >= 1, drift.join())
    assert.equal(drift.filter(text => text.endsWith(' d/e/g')).length, 2, drift.join())
    assert.deepEqual(await changesOutside(watched.system), { 'd/e/f': 'changed' })
    assert.deepEqual(watched.told('problem'), [])
  })

  it('looks at everything when notifications were lost', async () => {
    const watched = await watching({ a: '1', d: { b: '2' } })
    const { subject } = watched
    watched.overflow()
    await watched.pass(1_000)
    assert.equal(watched.told('rescan').length, 1)
    editOutside(subject.directory, { 'd/b': 'edit' })
    watched.overflow()
    await watched.pass(1_000)
    assert.deepEqual(watched.told('drift'), ['changed: changed outside d/b'])
  })

  it('looks also while something changes all the time', async () => {
    const watched = await watching({ a: '1' })
    for (let i = 0; i < 80; i++) {
      editOutside(watched.subject.directory, { [`new ${i}`]: 'n' })
      await watched.pass(250)
    }
    assert.ok(watched.told('drift').length > 30, `${watched.told('drift').length} told`)
  })

  it('looks from time to time where not every directory can be watched', async () => {
    let watches = 0
    const watched = await watching(
      { a: { x: '1' }, b: { y: '2' }, c: { z: '3' } },
      {
        host: inner => {
          const { files } = inner
          return {
            ...inner,
            files: {
              ...files,
              watch(directory, changed) {
                if (++watches > 2) throw new HostError('TOO_MANY_OPEN', 'watch', directory.path)
                return files.watch(directory, changed)
              },
            },
          }
        },
      },
    )
    assert.match(watched.events[0]?.text ?? '', /the whole tree every 15 s/)
    editOutside(watched.subject.directory, { 'a/x': 'edit', 'b/y': 'edit', 'c/z': 'edit' })
    await watched.pass(20_000)
    assert.deepEqual(watched.told('drift').sort(), [
      'changed: changed outside a/x',
      'changed: changed outside b/y',
      'changed: changed outside c/z',
    ])
  })

  it('ends when the root folder itself goes, not when its mode changes', async () => {
    const watched = await watching({ a: '1' })
    const { disk } = watched.subject.host as TestHost
    const top = disk.files.openDirectory('/')!
    top.setMode('folder', 0o700)
    await watched.pass(1_000)
    assert.deepEqual(watched.told('problem'), [])
    top.rename('folder', top, 'elsewhere')
    await watched.pass(1_000)
    assert.deepEqual(watched.told('problem'), ['the root folder itself is gone'])
    top.rename('elsewhere', top, 'folder')
    top.close()
  })
})

describe('keeping', () => {
  it('records what changes as actor unknown, and deletions', async () => {
    const watched = await watching({ a: '1', gone: 'g', d: {} }, { absorb: true })
    editOutside(watched.subject.directory, { a: 'edit', gone: null, 'd/new': { deep: 'deep' } })
    await watched.pass(2_000)
    assert.deepEqual(recordedOf(watched.system), diskOf(watched.subject.directory))
    assert.equal(watched.told('absorbed').length, 1)
    const [record] = [...watched.system.records({ action: 'absorb' })]
    assert.equal(record?.actor, 'unknown')
    editOutside(watched.subject.directory, { 'd/new/deep': 'deeper', 'd/new/more': 'm' })
    await watched.pass(2_000)
    assert.deepEqual(recordedOf(watched.system), diskOf(watched.subject.directory))
    assert.deepEqual(watched.told('problem'), [])
  })

  it('follows the rules of the settings, also of new ones', async () => {
    const settings = (rules: string) => `version: 1\ndrift:\n  - { paths: ["**"], do: warn }\n${rules}`
    const watched = await watching({
      k: { a: '1' },
      w: '1',
      'sentient.yaml': settings('  - { paths: ["k/**"], do: absorb }\n'),
    })
    editOutside(watched.subject.directory, { 'k/a': 'kept', w: 'told' })
    await watched.pass(2_000)
    assert.equal(recordedOf(watched.system)['k/a'], 'file 644 kept')
    assert.equal(recordedOf(watched.system).w, 'file 644 1')
    editOutside(watched.subject.directory, { 'sentient.yaml': settings('  - { paths: ["w"], do: absorb }\n') })
    await finished(watched.system.applySettings())
    await watched.pass(1_000)
    editOutside(watched.subject.directory, { 'k/a': 'not kept', w: 'kept now' })
    await watched.pass(2_000)
    assert.equal(recordedOf(watched.system)['k/a'], 'file 644 kept')
    assert.equal(recordedOf(watched.system).w, 'file 644 kept now')
  })

  it('holds back when very much is gone at once', async () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${i}`, `${i}`]))
    const watched = await watching({ mount: many, a: '1' }, { absorb: true })
    editOutside(watched.subject.directory, { mount: null, a: 'edit' })
    await watched.pass(2_000)
    assert.match(watched.told('problem')[0] ?? '', /gone at once/)
    assert.equal(Object.keys(recordedOf(watched.system)).length, 152)
    assert.equal(recordedOf(watched.system).a, 'file 644 edit')
    editOutside(watched.subject.directory, { mount: many })
    await watched.pass(2_000)
    assert.deepEqual(await changesOutside(watched.system), {})
  })

  it('leaves what is forbidden as it is, and goes on', async () => {
    let asked = 0
    const decide: NonNullable<NonNullable<Parameters<typeof openRoot>[1]>['decide']> = requests => {
      for (const { path } of requests) {
        asked++
        if (path === 'no') return { effect: 'deny', bundle: null, rule: 'not that one' }
      }
      return { effect: 'permit', bundle: null, rule: '' }
    }
    const watched = await watching({ no: '1', yes: '1' }, { absorb: true, open: { decide } })
    editOutside(watched.subject.directory, { no: 'edit' })
    await watched.pass(10_000)
    assert.equal(asked, 1, 'it is not asked again and again')
    assert.match(watched.told('problem')[0] ?? '', /not that one/)
    editOutside(watched.subject.directory, { yes: 'edit' })
    await watched.pass(2_000)
    assert.equal(recordedOf(watched.system).no, 'file 644 1')
    assert.equal(recordedOf(watched.system).yes, 'file 644 edit')
  })

  it('waits while another process writes, and while the disk is full', async () => {
    const watched = await watching({ a: '1' }, { absorb: true })
    const { disk } = watched.subject.host as TestHost
    disk.setCapacity(0)
    editOutside(watched.subject.directory, { a: null })
    await watched.pass(4_000)
    assert.equal(recordedOf(watched.system).a, 'file 644 1')
    assert.ok(watched.told('problem').length > 0)
    disk.setCapacity(2 ** 40)
    await watched.pass(8_000)
    assert.deepEqual(recordedOf(watched.system), {})
  })

  it('makes a snapshot when it has been quiet', async () => {
    const watched = await watching({ a: '1' }, { absorb: true })
    editOutside(watched.subject.directory, { a: 'edit' })
    await watched.pass(2_000)
    assert.deepEqual(watched.told('snapshot'), [])
    await watched.pass(11 * 60_000)
    assert.equal(watched.told('snapshot').length, 1)
    const snapshot = watched.system.snapshots().at(-1)
    assert.equal(contentAt(watched.system, 'a', watched.system.resolve(snapshot?.name ?? '')), 'edit')
    await watched.pass(11 * 60_000)
    assert.equal(watched.told('snapshot').length, 1, 'of one state one snapshot is enough')
  })
})

describe('healing', () => {
  it('brings the record back after two quiet seconds, keeping what was there', async () => {
    const watched = await watching({ a: '1', d: { b: '2' } }, { heal: true })
    const { subject, system } = watched
    const before = diskOf(subject.directory)
    editOutside(subject.directory, { a: 'foreign', 'd/b': null, 'd/new': 'foreign too' })
    await watched.pass(1_000)
    assert.notDeepEqual(diskOf(subject.directory), before, 'not at once')
    await watched.pass(4_000)
    assert.deepEqual(diskOf(subject.directory), before)
    assert.ok(watched.told('healed').length >= 1)
    const kept = system.snapshots().filter(snapshot => snapshot.kind === 'protect')
    const contents = kept.flatMap(({ name }) => {
      const point = system.resolve(name)
      return ['a', 'd/new']
        .filter(path => system.openFile(path, point) !== undefined)
        .map(path => contentAt(system, path, point))
    })
    assert.ok(contents.includes('foreign') && contents.includes('foreign too'), contents.join())
    const [record] = [...system.records({ action: 'heal' })]
    assert.equal(record?.root, system.record((record?.seq ?? 1) - 1).root, 'healing changes nothing that is recorded')
    await finished(system.undo())
    assert.equal(diskOf(subject.directory).a, 'file 644 foreign')
  })

  it('waits longer each time when it is fought', async () => {
    const watched = await watching({ a: '1' }, { heal: true })
    for (let i = 0; i < 40; i++) {
      editOutside(watched.subject.directory, { a: `foreign ${i}` })
      await watched.pass(5_000)
    }
    const healed = watched.told('healed').length
    assert.ok(healed >= 3 && healed <= 8, `${healed} times`)
    assert.ok(watched.told('problem').some(text => /keeps changing a/.test(text)))
  })

  it('of one path is not hindered by another', async () => {
    const watched = await watching({ a: '1', b: '2', c: '3' }, { heal: true })
    const { disk } = watched.subject.host as TestHost
    editOutside(watched.subject.directory, { a: 'foreign', b: null, c: null })
    disk.makeFifo(watched.subject.directory, 'b')
    await watched.pass(6_000)
    const { b, ...healed } = diskOf(watched.subject.directory)
    assert.equal(b, 'other')
    assert.deepEqual(healed, { a: 'file 644 1', c: 'file 644 3' })
  })

  it('does not touch what somebody recorded meanwhile', async () => {
    const watched = await watching({ a: '1' }, { heal: true })
    editOutside(watched.subject.directory, { a: 'edit' })
    await watched.pass(750)
    const other = await openRoot({
      host: createMemoryHost({ disk: (watched.subject.host as TestHost).disk, clock: watched.subject.host.clock }),
      path: '/folder',
    })
    await finished(other.absorb([]))
    await other.close()
    await watched.pass(6_000)
    assert.equal(diskOf(watched.subject.directory).a, 'file 644 edit')
    assert.deepEqual(watched.told('healed'), [])
  })
})

describe('on a real disk', () => {
  it('keeps what changes, in directories that are made anew too', async () => {
    const folder = makeTemporaryFolder()
    const subject = { ...folder, advance: () => {} }
    const system = await makeRoot(subject, { a: '1', d: { b: '2' } })
    const stop = new AbortController()
    const ended = (async () => {
      for await (const _ of system.watch({ absorb: true, signal: stop.signal }));
    })()
    const settled = async () => {
      for (let i = 0; i < 100; i++) {
        await setTimeout(50)
        if (JSON.stringify(recordedOf(system)) === JSON.stringify(diskOf(folder.directory))) return
      }
      assert.deepEqual(recordedOf(system), diskOf(folder.directory))
    }
    await setTimeout(100)
    editOutside(folder.directory, { a: 'edit', 'd/new': 'n' })
    await settled()
    editOutside(folder.directory, { d: null })
    editOutside(folder.directory, { d: { b: 'anew' } })
    await settled()
    editOutside(folder.directory, { 'd/b': 'seen again' })
    await settled()
    stop.abort()
    await ended
    await system.close()
    folder.remove()
  })
})

describe('following', () => {
  it('gives the records of all processes as they come', async () => {
    const subject = createTestHost({ stateDirectoryPath: '/state' })
    const top = subject.files.openDirectory('/')!
    top.makeDirectory('folder', 0o755)
    const directory = top.child('folder')!
    const folder = { host: subject, path: '/folder', directory, advance: subject.clock.advance, remove: () => {} }
    const system = await makeRoot(folder, { a: '1' })
    const reader = await openRoot(folder, { access: 'read' })
    const stop = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const record of reader.follow({ signal: stop.signal, from: 2 })) {
        seen.push(record.summary)
        if (seen.length === 3) stop.abort()
      }
    })()
    await put(system, 'a', '2')
    await setTimeout(5)
    await finished(system.put('b', sourceOf('b')))
    await following
    assert.deepEqual(seen.slice(1), ['put a', 'put b'])
    await reader.close()
    await system.close()
  })
})
