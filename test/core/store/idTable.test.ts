// Compact tables of ids against a map, and indexes made of them against both.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { blake3 } from '../../../src/core/format/hash.ts'
import { idFromBytes } from '../../../src/core/format/id.ts'
import { checkIndex, encodeIndex } from '../../../src/core/format/packIndex.ts'
import { createIdTable, createPlaceTable, type Place } from '../../../src/core/store/idTable.ts'
import {
  createPageCache,
  indexFileOf,
  mergeRecords,
  openIndex,
  tableRecords,
} from '../../../src/core/store/indexFile.ts'
import { createTestHost, writeFile } from '../../support/host.ts'

const idOf = (number: number): Uint8Array => blake3(Buffer.from(`id ${number}`))

const placeOf = (number: number): Place => ({
  offset: 16 + number * 100,
  storedBytes: 40 + (number % 7),
  objectBytes: 40 + (number % 7),
  codec: number % 2 === 0 ? 0x55 : 0x71,
  kind: number % 2 === 0 ? 1 : 3,
  packing: 0,
})

describe('a table of ids', () => {
  it('finds what a map finds, after any additions and removals', () => {
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 400 }) }) },
      { weight: 1, arbitrary: fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500, size: 'max' }), steps => {
        const table = createIdTable()
        let model: number[] = []
        for (const each of steps) {
          if ('add' in each) {
            if (!model.includes(each.add)) model.push(each.add)
            assert.equal(table.add(idOf(each.add)), model.indexOf(each.add))
          } else {
            model = model.slice(0, Math.floor(each.keep * model.length))
            table.truncate(model.length)
          }
        }
        assert.equal(table.size, model.length)
        for (let number = 0; number <= 400; number++) assert.equal(table.find(idOf(number)), model.indexOf(number))
        for (const [ordinal, number] of model.entries()) assert.deepEqual(table.idAt(ordinal), idOf(number))
      }),
      { numRuns: 50 },
    )
  })

  it('sorts ids that begin alike', () => {
    const table = createIdTable()
    const ids = Array.from({ length: 300 }, (_, number) => Buffer.from(idOf(number)).fill(number % 3, 0, 20))
    for (const id of ids) table.add(id)
    const expected = ids.toSorted(Buffer.compare)
    assert.deepEqual(
      Array.from(table.sorted(), ordinal => Buffer.from(table.idAt(ordinal))),
      expected,
    )
  })

  it('sorts, few and many', () => {
    for (const count of [0, 1, 500, 20_000]) {
      const table = createIdTable()
      for (let number = 0; number < count; number++) table.add(idOf(number))
      const sorted = [...table.sorted()]
      assert.equal(new Set(sorted).size, count)
      for (let i = 1; i < count; i++) {
        assert.ok(Buffer.compare(table.idAt(sorted[i - 1]!), table.idAt(sorted[i]!)) < 0)
      }
    }
  })

  it('keeps the last place of an id, and its part', () => {
    const table = createPlaceTable()
    for (let number = 0; number < 5000; number++) table.put(idOf(number), placeOf(number), number % 300)
    table.put(idOf(77), placeOf(9999), 65_535)
    for (let number = 0; number < 5000; number++) {
      const ordinal = table.find(idOf(number))
      assert.equal(ordinal, number)
      assert.deepEqual(table.placeAt(ordinal), placeOf(number === 77 ? 9999 : number))
      assert.equal(table.partAt(ordinal), number === 77 ? 65_535 : number % 300)
    }
    table.clear()
    assert.equal(table.size, 0)
    assert.equal(table.find(idOf(1)), -1)
  })
})

describe('an index file', () => {
  const packId = new Uint8Array(8).fill(5)
  const coveredBytes = 10_000_000
  const tableOf = (from: number, to: number) => {
    const table = createPlaceTable()
    for (let number = from; number < to; number++) table.put(idOf(number), placeOf(number))
    return table
  }

  it('is what the format says', () => {
    for (const count of [0, 1, 1000]) {
      const file = indexFileOf(packId, coveredBytes, tableRecords(tableOf(0, count)))
      const entries = Array.from({ length: count }, (_, number) => ({
        ...placeOf(number),
        id: idFromBytes(idOf(number)),
        codec: number % 2 === 0 ? ('raw' as const) : ('dag-cbor' as const),
        kind: number % 2 === 0 ? ('chunk' as const) : ('node' as const),
        packing: 'plain' as const,
      }))
      assert.deepEqual(file, Buffer.from(encodeIndex(packId, coveredBytes, entries)))
      assert.equal(checkIndex(file).entryCount, count)
    }
  })

  it('merges, the newer place counting', () => {
    const older = tableOf(0, 600)
    const newer = tableOf(500, 900)
    newer.put(idOf(3), placeOf(8000))
    const both = tableOf(0, 900)
    both.put(idOf(3), placeOf(8000))
    assert.deepEqual(mergeRecords(tableRecords(older), tableRecords(newer)), tableRecords(both))
    assert.deepEqual(mergeRecords(tableRecords(older), Buffer.alloc(0)), tableRecords(older))
    assert.deepEqual(mergeRecords(Buffer.alloc(0), tableRecords(newer)), tableRecords(newer))
  })

  for (const inMemory of [true, false]) {
    it(`finds every id and no other (${inMemory ? 'in memory' : 'by pages'})`, () => {
      const directory = createTestHost().files.openDirectory('/')!
      for (const count of [0, 1, 127, 128, 129, 5000]) {
        const name = `${count}.idx`
        writeFile(directory, name, indexFileOf(packId, coveredBytes, tableRecords(tableOf(0, count))))
        const pages = createPageCache(4)
        const index = openIndex(directory.open(name, 'read'), { packId, inMemory, pages })!
        assert.deepEqual([index.count, index.coveredBytes], [count, coveredBytes])
        for (let number = 0; number < count; number++) assert.deepEqual(index.find(idOf(number)), placeOf(number))
        for (let number = count; number < count + 500; number++) assert.equal(index.find(idOf(number)), undefined)
        for (const edge of [new Uint8Array(32), new Uint8Array(32).fill(255)]) assert.equal(index.find(edge), undefined)
        assert.deepEqual(index.records(), tableRecords(tableOf(0, count)))
        index.close()
      }
      directory.close()
    })
  }

  it('by pages finds ids that are not evenly spread', () => {
    const directory = createTestHost().files.openDirectory('/')!
    const table = createPlaceTable()
    const ids = Array.from({ length: 3000 }, (_, number) => {
      const id = new Uint8Array(32).fill(7)
      id[30] = number >> 8
      id[31] = number & 255
      return id
    })
    for (const [number, id] of ids.entries()) table.put(id, placeOf(number))
    writeFile(directory, 'x.idx', indexFileOf(packId, coveredBytes, tableRecords(table)))
    const index = openIndex(directory.open('x.idx', 'read'), { packId, inMemory: false, pages: createPageCache(2) })!
    for (const [number, id] of ids.entries()) assert.deepEqual(index.find(id), placeOf(number))
    index.close()
    directory.close()
  })
})
