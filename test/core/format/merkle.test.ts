// The Merkle tree against published hashes, against the definitions of RFC 6962 written down literally, and tiles.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOfHex, hexOf } from '../../../src/core/format/bytes.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import {
  compactRange,
  compactRangeNodes,
  consistencyPath,
  emptyRoot,
  type HashAt,
  inclusionPath,
  leafHash,
  nodeHash,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/core/format/merkle.ts'
import { hashInTile, parseTilePath, tileBytes, tileOf, tilePath } from '../../../src/core/format/tile.ts'

const sha = (...parts: Uint8Array[]): Uint8Array => createHash('sha256').update(Buffer.concat(parts)).digest()

// RFC 6962, 2.1: MTH, PATH and SUBPROOF as they stand there, over the leaf inputs.
const split = (n: number): number => 2 ** (Math.ceil(Math.log2(n)) - 1)
function mth(d: readonly Uint8Array[]): Uint8Array {
  if (d.length === 0) return sha()
  if (d.length === 1) return sha(Uint8Array.of(0), d[0]!)
  const k = split(d.length)
  return sha(Uint8Array.of(1), mth(d.slice(0, k)), mth(d.slice(k)))
}
function pathOf(m: number, d: readonly Uint8Array[]): Uint8Array[] {
  if (d.length === 1) return []
  const k = split(d.length)
  return m < k ? [...pathOf(m, d.slice(0, k)), mth(d.slice(k))] : [...pathOf(m - k, d.slice(k)), mth(d.slice(0, k))]
}
function subproof(m: number, d: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === d.length) return whole ? [] : [mth(d)]
  const k = split(d.length)
  if (m <= k) return [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))]
  return [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))]
}

/** A tree that has heard of every complete subtree, as the journal's tiles have. */
function treeOf(leaves: readonly Uint8Array[]): { hashAt: HashAt; root: Uint8Array } {
  const hashes = new Map<string, Uint8Array>()
  const range = compactRange({ completed: (level, index, hash) => hashes.set(`${level}/${index}`, hash) })
  for (const leaf of leaves) range.push(leafHash(leaf))
  const hashAt: HashAt = (level, index) => {
    const hash = hashes.get(`${level}/${index}`)
    assert(hash, `asked for ${level}/${index}, which is not complete`)
    return hash
  }
  return { hashAt, root: range.root() }
}

const numbered = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${i}`))
const hexes = (hashes: readonly Uint8Array[]): string[] => hashes.map(hexOf)

// The test tree of certificate transparency and of Trillian.
const published = {
  leaves: ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'],
  roots: [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ],
  leaf0Of8: [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ],
}

test('the published tree of certificate transparency', () => {
  const leaves = published.leaves.map(bytesOfHex)
  const { hashAt, root } = treeOf(leaves)
  for (const [size, hash] of published.roots.entries())
    assert.equal(hexOf(rootAt(size, hashAt)), hash, `${size} leaves`)
  assert.equal(hexOf(root), published.roots[8])
  assert.equal(hexOf(emptyRoot), published.roots[0])
  assert.deepEqual(hexes(inclusionPath(8, 0, hashAt)), published.leaf0Of8)
  assert.deepEqual(hexes(consistencyPath(1, 8, hashAt)), published.leaf0Of8)
})

test('roots, inclusion and consistency paths are those of RFC 6962, for all trees up to 40 leaves', () => {
  const leaves = numbered(40)
  const { hashAt } = treeOf(leaves)
  for (let size = 0; size <= leaves.length; size++) {
    const part = leaves.slice(0, size)
    assert.equal(hexOf(rootAt(size, hashAt)), hexOf(mth(part)))
    for (let index = 0; index < size; index++) {
      assert.deepEqual(hexes(inclusionPath(size, index, hashAt)), hexes(pathOf(index, part)))
    }
    for (let old = 1; old <= size; old++) {
      assert.deepEqual(hexes(consistencyPath(old, size, hashAt)), hexes(subproof(old, part, true)), `${old} to ${size}`)
    }
  }
})

test('every path proves its leaf, and nothing else', () => {
  const leaves = numbered(34)
  const { hashAt } = treeOf(leaves)
  for (let size = 1; size <= leaves.length; size++) {
    const root = rootAt(size, hashAt)
    for (let index = 0; index < size; index++) {
      const leaf = leafHash(leaves[index]!)
      const path = inclusionPath(size, index, hashAt)
      assert(verifyInclusion(leaf, index, size, path, root))
      assert(!verifyInclusion(leafHash(Buffer.from('other')), index, size, path, root))
      assert(!verifyInclusion(leaf, index, size, path, emptyRoot))
      assert(!verifyInclusion(leaf, index, size, [...path, root], root))
      if (path.length > 0) {
        assert(!verifyInclusion(leaf, index, size, path.slice(1), root))
        assert(!verifyInclusion(leaf, index, size, path.slice(0, -1), root))
        assert(!verifyInclusion(leaf, index, size, path.with(0, emptyRoot), root))
      }
      for (let other = 0; other < size; other++)
        if (other !== index) assert(!verifyInclusion(leaf, other, size, path, root))
      for (const place of [-1, size, 0.5, Number.NaN]) assert(!verifyInclusion(leaf, place, size, path, root))
    }
  }
})

test('every consistency path proves its two trees, and nothing else', () => {
  const leaves = numbered(26)
  const { hashAt } = treeOf(leaves)
  const roots = Array.from({ length: leaves.length + 1 }, (_, size) => rootAt(size, hashAt))
  for (let size = 0; size <= leaves.length; size++) {
    for (let old = 0; old <= size; old++) {
      const path = consistencyPath(old, size, hashAt)
      assert(verifyConsistency(old, size, roots[old]!, roots[size]!, path), `${old} to ${size}`)
      assert(!verifyConsistency(old, size, roots[old]!, leafHash(Buffer.from('x')), path) || old === 0)
      assert(!verifyConsistency(old, size, leafHash(Buffer.from('x')), roots[size]!, path))
      assert(!verifyConsistency(old, size, roots[old]!, roots[size]!, [...path, emptyRoot]))
      if (path.length > 0) {
        assert(!verifyConsistency(old, size, roots[old]!, roots[size]!, path.slice(1)))
        assert(!verifyConsistency(old, size, roots[old]!, roots[size]!, path.slice(0, -1)))
        assert(!verifyConsistency(old, size, roots[old]!, roots[size]!, path.with(-1, emptyRoot)))
      }
      if (old < size) assert(!verifyConsistency(size, old, roots[size]!, roots[old]!, path))
    }
  }
})

test('a compact range goes on from what it told', () => {
  fc.assert(
    fc.property(fc.nat(70), fc.nat(70), (first, more) => {
      const leaves = numbered(first + more).map(leafHash)
      const start = compactRange()
      for (const leaf of leaves.slice(0, first)) start.push(leaf)
      const next = compactRange({ from: { size: first, hashes: start.hashes() } })
      for (const leaf of leaves.slice(first)) next.push(leaf)
      assert.equal(hexOf(next.root()), hexOf(mth(numbered(first + more))))
      assert.equal(next.size, first + more)
    }),
  )
  assert.throws(() => compactRange({ from: { size: 3, hashes: [emptyRoot] } }), FormatError)
})

test('the nodes of a compact range are its hashes', () => {
  const leaves = numbered(100)
  const { hashAt } = treeOf(leaves)
  for (const size of [0, 1, 2, 3, 63, 64, 65, 100]) {
    const hashes = compactRangeNodes(size).map(({ level, index }) => hashAt(level, index))
    assert.equal(hexOf(compactRange({ from: { size, hashes } }).root()), hexOf(rootAt(size, hashAt)))
  }
})

test('trees of more than 2^32 leaves', () => {
  // Every complete subtree is asked for by place; its place is its hash here.
  const asked: string[] = []
  const hashAt: HashAt = (level, index) => {
    asked.push(`${level}/${index}`)
    return sha(Buffer.from(`${level}/${index}`))
  }
  const size = 2 ** 40 + 2 ** 33 + 5
  const index = 2 ** 39 + 12_345
  const root = rootAt(size, hashAt)
  const path = inclusionPath(size, index, hashAt)
  // Below level 33 the invented hashes are not those of their halves, so only the length can be checked there.
  assert.equal(path.length, 41)
  assert.equal(root.length, 32)
  assert(asked.every(place => Number(place.split('/')[1]) < 2 ** 41))
  assert(asked.includes(`40/0`) && asked.includes(`33/128`))
})

test('bad questions are refused', () => {
  const hashAt: HashAt = () => emptyRoot
  assert.throws(() => inclusionPath(3, 3, hashAt), FormatError)
  assert.throws(() => inclusionPath(0, 0, hashAt), FormatError)
  assert.throws(() => consistencyPath(4, 3, hashAt), FormatError)
  assert.throws(() => rootAt(-1, hashAt), FormatError)
  assert.throws(() => nodeHash(emptyRoot, new Uint8Array(31)), FormatError)
  assert(!verifyInclusion(new Uint8Array(31), 0, 1, [], new Uint8Array(31)))
})

test('leaf hashes of any length, one after the other', () => {
  for (const length of [0, 1, 4096, 4097, 5000, 3]) {
    const bytes = new Uint8Array(length).fill(length)
    assert.equal(hexOf(leafHash(bytes)), hexOf(sha(Uint8Array.of(0), bytes)))
  }
})

test('paths of tiles', () => {
  const examples: [number, number, string][] = [
    [0, 0, '0/000'],
    [1, 999, '1/999'],
    [0, 1000, '0/x001/000'],
    [0, 1_234_067, '0/x001/x234/067'],
    [63, 5, '63/005'],
  ]
  for (const [tileLevel, tileIndex, path] of examples) {
    assert.equal(tilePath({ tileLevel, tileIndex }), path)
    assert.deepEqual(parseTilePath(path), { tileLevel, tileIndex })
  }
  fc.assert(
    fc.property(fc.nat(63), fc.maxSafeNat(), (tileLevel, tileIndex) =>
      assert.deepEqual(parseTilePath(tilePath({ tileLevel, tileIndex })), { tileLevel, tileIndex }),
    ),
  )
  for (const path of ['0/0', '00/000', '0/x000/000', '64/000', '0/001/000', '0/x001', '0/000.p/5', '', '0/x0012/000']) {
    assert.equal(parseTilePath(path), undefined, path)
  }
  for (const place of [
    { tileLevel: 64, tileIndex: 0 },
    { tileLevel: 0, tileIndex: -1 },
  ])
    assert.throws(() => tilePath(place), FormatError)
})

test('every hash of a full tree comes out of its tiles', () => {
  const { hashAt } = treeOf(numbered(2048))
  const tiles = new Map<string, Uint8Array>()
  for (let tileIndex = 0; tileIndex < 8; tileIndex++) {
    const tile = Buffer.concat(Array.from({ length: 256 }, (_, i) => hashAt(0, tileIndex * 256 + i)))
    assert.equal(tile.length, tileBytes)
    tiles.set(tilePath({ tileLevel: 0, tileIndex }), tile)
  }
  for (let level = 0; level < 8; level++) {
    for (let index = 0; index < 2048 / 2 ** level; index += 3) {
      const tile = tiles.get(tilePath(tileOf(level, index)))!
      assert.equal(hexOf(hashInTile(tile, level, index)), hexOf(hashAt(level, index)), `${level}/${index}`)
    }
  }
  assert.deepEqual(tileOf(8, 300), { tileLevel: 1, tileIndex: 1 })
  assert.deepEqual(tileOf(9, 128), { tileLevel: 1, tileIndex: 1 })
  assert.throws(() => hashInTile(new Uint8Array(100), 0, 0), FormatError)
})
