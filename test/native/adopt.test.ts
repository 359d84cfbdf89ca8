// A tree that is kept by the native core and one that is kept by TypeScript: the same objects, states, changes and
// remembered stats, and each reads what the other wrote.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { Host } from '../../src/core/host/host.ts'
import { initRoot, openSystem, surveyFolder } from '../../src/core/system.ts'
import { finished } from '../core/timeline/support.ts'
import { hostOn, makeTwins, requireNative } from './subjects.ts'

/** A little more than a file has to be older than a look for that one to remember it. */
const settledMs = 2200

type Fill = (directory: string) => void

const ignore = ['*.tmp', '!keep.tmp', 'build/']

/** What `init` says before it begins; its lists in any order. */
async function countedIn(host: Host, directory: string) {
  const found = await finished(surveyFolder(host, { path: directory, ignore }))
  const sorted = <T>(list: readonly T[]) => [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  const { skips, special, unreadable, nestedRoots, ...numbers } = found
  return { ...numbers, lists: [skips, special, unreadable, nestedRoots].map(list => sorted<unknown>(list)) }
}

async function keep(host: Host, directory: string) {
  const survey = await countedIn(host, directory)
  await finished(initRoot(host, { path: directory, zk: false, ignore }))
  return { ...(await look(host, directory)), survey }
}

async function look(host: Host, directory: string) {
  const system = await openSystem(host, { rootPath: directory, access: 'read' })
  try {
    const status = await finished(system.status({}))
    const verified = await finished(system.verify({ deep: true }))
    const { root, changes, before, after } = system.record(1)
    return {
      ...{ root, changes, before, after, verified: verified.checks.map(({ name, findings }) => [name, findings]) },
      ...{ differences: status.changes.length, hashed: status.filesHashed, checked: status.filesChecked },
    }
  } finally {
    await system.close()
  }
}

/** Both keep the same tree; then each looks at what the other kept. Says how many files each look had to hash. */
async function compare(fill: Fill, settleMs = 0): Promise<number[]> {
  const twins = makeTwins()
  try {
    for (const { path: directory } of [twins.native, twins.typescript]) {
      fill(directory)
    }
    await delay(settleMs)
    const { survey, ...expected } = await keep(twins.typescript.host, twins.typescript.path)
    const { survey: counted, ...kept } = await keep(twins.native.host, twins.native.path)
    assert.deepEqual(counted, survey)
    const looks = [
      expected,
      kept,
      await look(hostOn(undefined), twins.native.path),
      await look(hostOn(requireNative()), twins.typescript.path),
    ]
    for (const found of looks) assert.deepEqual({ ...found, hashed: 0 }, { ...expected, hashed: 0, differences: 0 })
    return looks.map(({ hashed }) => hashed)
  } finally {
    twins.remove()
  }
}

const write = (directory: string, name: string, bytes: string | Buffer, mode = 0o644) => {
  const file = Buffer.from(`${directory}/${name}`, 'latin1')
  fs.mkdirSync(path.dirname(`${directory}/${name}`), { recursive: true })
  fs.writeFileSync(file, bytes)
  fs.chmodSync(file, mode)
}

/** Bytes that do not shrink, the same for one seed. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = seed | 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

describe('a tree kept by both', () => {
  it('of all kinds of entries', async () => {
    await compare(directory => {
      write(directory, 'empty', '')
      write(directory, 'script', '#!/bin/sh\n', 0o755)
      write(directory, 'a/b/c/deep', 'deep')
      write(directory, 'a.b', 'sorts before a/b')
      write(directory, 'a/\xff\xfe\n', 'bytes as a name')
      write(directory, 'same', 'twice')
      write(directory, 'again', 'twice')
      fs.linkSync(`${directory}/same`, `${directory}/linked`)
      fs.symlinkSync('a/b', `${directory}/link`)
      fs.symlinkSync('/nowhere/at/all', `${directory}/dangling`)
      fs.mkdirSync(`${directory}/nothing/below`, { recursive: true })
      fs.chmodSync(`${directory}/nothing`, 0o700)
    })
  })

  it('remembers the stats of what is old enough', async () => {
    const hashed = await compare(directory => {
      for (let i = 0; i < 100; i++) write(directory, `d${i % 3}/f${i}`, `${i}`)
    }, settledMs)
    assert.deepEqual(hashed, [0, 0, 0, 0])
  })

  it('without anything in it', async () => {
    const twins = makeTwins()
    try {
      const roots: string[] = []
      for (const { host, path: directory } of [twins.native, twins.typescript]) {
        await finished(initRoot(host, { path: directory, zk: false }))
        const system = await openSystem(host, { rootPath: directory, access: 'read' })
        roots.push(system.now().root)
        await system.close()
      }
      assert.equal(roots[0], roots[1])
    } finally {
      twins.remove()
    }
  })

  it('with what the rules leave out', async () => {
    await compare(directory => {
      for (const name of ['x.tmp', 'a/y.tmp', 'a/keep.tmp', 'build/inside', 'a/build/x', 'a~', '.a.swp', 'kept'])
        write(directory, name, name)
      write(directory, 'a/b/build', 'a file of that name stays')
    })
  })

  it('with directories above and far above a leaf', async () => {
    await compare(directory => {
      for (const count of [64, 65, 1300])
        for (let i = 0; i < count; i++) write(directory, `d${count}/f${i}`, `${i % 7}`)
    })
  })

  it('with files of many chunks, and some of them alike', async () => {
    await compare(directory => {
      const large = noise(5_000_000, 1)
      write(directory, 'large', large)
      write(directory, 'shifted', Buffer.concat([noise(1000, 2), large]))
      write(directory, 'zeros', Buffer.alloc(3_000_000))
      for (const size of [65_535, 65_536, 65_537, 1_048_576, 1_048_577]) write(directory, `s${size}`, noise(size, size))
    })
  })

  it('of more changes than one list holds', async () => {
    await compare(directory => {
      for (let i = 0; i < 4500; i++) write(directory, `d${i % 50}/f${i}`, `${i}`)
    })
  })

  it('of random trees', async () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'b', '.', '-', '~', '\xe9', 't', 'm', 'p'),
      minLength: 1,
      maxLength: 6,
    })
    const usable = name.filter(text => text !== '.' && text !== '..')
    const file = fc.record({
      at: fc.array(usable, { minLength: 1, maxLength: 4 }),
      size: fc.nat(200_000),
      seed: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 30 }), async files => {
        await compare(directory => {
          write(directory, 'first', 'first')
          for (const { at, size, seed } of files) {
            try {
              write(directory, at.join('/'), noise(size, seed))
            } catch {
              // A directory or a file of that name is there already.
            }
          }
        })
      }),
      { numRuns: 15 },
    )
  })
})

describe('a native keeping', () => {
  it('leaves nothing behind when it is cancelled', async () => {
    const twins = makeTwins()
    try {
      const { host, path: directory } = twins.native
      for (let i = 0; i < 20; i++) write(directory, `f${i}`, noise(20_000_000, i))
      const stop = new AbortController()
      const work = initRoot(host, { path: directory, zk: false, signal: stop.signal })
      const cancelled = async () => {
        for (let step = await work.next(); !step.done; step = await work.next())
          if (step.value.phase === 'storing') stop.abort()
      }
      await assert.rejects(cancelled(), { code: 'CANCELLED' })
      const stage = `${directory}/.tree/stage`
      assert.deepEqual(fs.existsSync(stage) ? fs.readdirSync(stage) : [], [])
    } finally {
      twins.remove()
    }
  })
})
