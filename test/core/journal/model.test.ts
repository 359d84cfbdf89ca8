// The journal against an array: whatever is done in whatever order, by several handles and processes that may die, it
// holds what was appended.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hexOf } from '../../../src/core/format/bytes.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import { createMemoryHost, type MemoryHost } from '../../../src/core/host/memory.ts'
import type { Journal } from '../../../src/core/journal/journal.ts'
import { sign, signerOf } from '../../suites/journalSuite.ts'
import { createTestHost, type TestHost } from '../../support/host.ts'
import { naiveRoot, namesOf, noPack, openTest, recordOf, verify } from './fixtures.ts'

const limits = { segmentBytesMax: 3000, openSegmentsMax: 2 }
const signer = signerOf(1)

interface World {
  readonly disk: TestHost
  readonly model: string[]
  processes: { host: MemoryHost; journal: Journal }[]
  reader: Journal
}

const rootOfDisk = (host: MemoryHost): Directory => host.files.openDirectory('/')!

function startProcess(world: { readonly disk: TestHost }): { host: MemoryHost; journal: Journal } {
  const host = createMemoryHost({ disk: world.disk.disk, clock: world.disk.clock })
  return { host, journal: openTest({ host, directory: rootOfDisk(host) }, { limits }) }
}

type Command = fc.AsyncCommand<{ size: number }, World>

function command(text: string, run: (world: World) => Promise<void>): Command {
  return { check: () => true, run: (_model, world) => run(world), toString: () => text }
}

const processes = 3
const who = fc.nat({ max: processes - 1 })
const sizes = fc.array(fc.nat({ max: 1500 }), { minLength: 1, maxLength: 6 })

function appendTo(world: World, index: number, paddings: readonly number[], die: boolean): Promise<void> {
  const { host, journal } = world.processes[index]!
  const values = paddings.map((_, i) => String(world.model.length + i))
  const records = values.map((value, i) => recordOf(value, paddings[i]))
  return new Promise((resolve, reject) => {
    const work = journal.writerLock.hold('put', undefined, () => {
      const appended = journal.append(records, noPack)
      assert.deepEqual(
        appended.map(({ seq }) => String(seq)),
        values,
      )
      world.model.push(...values)
      if (!die) return
      // The process ends here, holding the lock.
      host.exit()
      world.processes[index] = startProcess(world)
      resolve()
      return new Promise<void>(() => {})
    })
    work.then(() => resolve(), reject)
  })
}

async function checkAll(world: World, journal: Journal): Promise<void> {
  journal.refresh()
  const seen = journal.head().size
  assert.deepEqual(namesOf(journal), world.model.slice(0, seen))
  assert.deepEqual(namesOf(journal, { from: 0, reverse: true }), world.model.slice(0, seen).toReversed())
  const leaves = journal.leafHashes(0, seen)
  assert.equal(hexOf(journal.rootHash(seen)), hexOf(naiveRoot(leaves)))
  const { findings, records } = await verify(journal)
  assert.deepEqual(findings, [])
  assert.equal(records, seen)
}

const commands: fc.Arbitrary<Command>[] = [
  fc
    .tuple(who, sizes)
    .map(([index, paddings]) =>
      command(`append(${index}, [${paddings}])`, world => appendTo(world, index, paddings, false)),
    ),
  fc
    .tuple(who, sizes)
    .map(([index, paddings]) =>
      command(`append(${index}, [${paddings}]) and die`, world => appendTo(world, index, paddings, true)),
    ),
  who.map(index =>
    command(`reopen(${index})`, async world => {
      const process = world.processes[index]!
      process.journal.close()
      process.journal = openTest({ host: process.host, directory: rootOfDisk(process.host) }, { limits })
    }),
  ),
  who.map(index => command(`sign(${index})`, world => sign(world.processes[index]!.journal, signer))),
  who.map(index =>
    command(`applied(${index})`, async world => {
      const { journal } = world.processes[index]!
      await journal.writerLock.hold('apply', undefined, () => journal.setApplied(journal.head().size))
    }),
  ),
  who.map(index => command(`check(${index})`, world => checkAll(world, world.processes[index]!.journal))),
  fc.constant(
    command('forget tables', async world => {
      const tables = rootOfDisk(world.disk).child('.db')!.child('offsets')
      for (const { name } of tables?.list() ?? []) tables!.removeFile(name)
    }),
  ),
  fc.constant(
    command('read', async world => {
      world.reader.refresh()
      const size = world.reader.head().size
      assert.equal(world.reader.damage(), undefined)
      for (const seq of [0, size >> 1, size - 1].filter(seq => seq >= 0 && seq < size)) {
        assert.deepEqual(namesOf(world.reader, { from: seq, to: seq + 1 }), [String(seq)])
        assert.equal(world.reader.read(seq).state, 'intact')
      }
    }),
  ),
]

describe('the journal and an array', () => {
  it('hold the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { size: 'medium', maxCommands: 40 }), async steps => {
        const disk = createTestHost()
        const started = Array.from({ length: processes }, () => startProcess({ disk }))
        const reader = openTest({ host: disk, directory: rootOfDisk(disk) }, { access: 'read', limits })
        const world: World = { disk, model: [], processes: started, reader }
        await fc.asyncModelRun(() => ({ model: { size: 0 }, real: world }), steps)
        await appendTo(world, 0, [1], false)
        for (const { journal } of world.processes) await checkAll(world, journal)
        await checkAll(world, reader)
        assert.equal(reader.head().size, world.model.length)
      }),
      { numRuns: 60 },
    )
  })
})
