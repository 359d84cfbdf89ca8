// The Merkle tree over the journal, as RFC 6962 and RFC 9162 define it: leaves are envelopes, a tree of n leaves splits
// at the largest power of two below n. Proof makers ask for the hashes of complete subtrees and so work from tiles.

import { equalBytes } from './bytes.ts'
import { envelopeBytesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { sha256 } from './hash.ts'

/** The hash of the complete subtree `index` at `level`: of the leaves index * 2^level up to (index + 1) * 2^level. */
export type HashAt = (level: number, index: number) => Uint8Array

export const emptyRoot: Uint8Array = Uint8Array.from(sha256(new Uint8Array(0)))

const leafInput = new Uint8Array(1 + envelopeBytesMax)
const nodeInput = new Uint8Array(65)
nodeInput[0] = 1

/** SHA-256 of 00 and the envelope's bytes. */
export function leafHash(envelopeBytes: Uint8Array): Uint8Array {
  if (envelopeBytes.length > envelopeBytesMax) {
    return sha256(new Uint8Array(1), envelopeBytes)
  }
  leafInput.set(envelopeBytes, 1)
  return sha256(leafInput.subarray(0, 1 + envelopeBytes.length))
}

/** SHA-256 of 01 and the two hashes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== 32 || right.length !== 32) throw new FormatError('a hash has 32 bytes')
  nodeInput.set(left, 1)
  nodeInput.set(right, 33)
  return sha256(nodeInput)
}

/** The tree of a growing log, as the roots of its complete subtrees from the largest to the smallest. */
export interface CompactRange {
  readonly size: number
  /** Appends a leaf hash. */
  push(leaf: Uint8Array): void
  root(): Uint8Array
  /** What `compactRange` needs to go on from here. */
  hashes(): readonly Uint8Array[]
}

export interface CompactRangeOptions {
  /** Where to go on from: a size and its `hashes()`; left out: the empty tree. */
  readonly from?: { readonly size: number; readonly hashes: readonly Uint8Array[] }
  /** Told each complete subtree as it becomes complete, leaves (level 0) included. */
  readonly completed?: (level: number, index: number, hash: Uint8Array) => void
}

export function compactRange({ from, completed }: CompactRangeOptions = {}): CompactRange {
  let size = from?.size ?? 0
  const stack = [...(from?.hashes ?? [])]
  checkSize(size)
  if (stack.length !== onesIn(size)) throw new FormatError('a compact range has one hash for each bit of its size')
  return {
    get size() {
      return size
    },
    hashes: () => [...stack],
    push(leaf) {
      let hash = leaf
      let index = size
      let level = 0
      completed?.(0, index, hash)
      for (; index % 2 === 1; index = (index - 1) / 2) {
        hash = nodeHash(stack.pop()!, hash)
        level++
        completed?.(level, (index - 1) / 2, hash)
      }
      stack.push(hash)
      size++
    },
    root() {
      if (stack.length === 0) return emptyRoot
      let root = stack[stack.length - 1]!
      for (let i = stack.length - 2; i >= 0; i--) root = nodeHash(stack[i]!, root)
      return root
    },
  }
}

/** The sizes of the complete subtrees of a tree, from left to right, as (level, index) pairs. */
export function compactRangeNodes(size: number): { level: number; index: number }[] {
  checkSize(size)
  const nodes: { level: number; index: number }[] = []
  let start = 0
  for (let level = 52; level >= 0; level--) {
    const width = 2 ** level
    if (size - start < width) continue
    nodes.push({ level, index: start / width })
    start += width
  }
  return nodes
}

/** The root of the tree of the first `size` leaves. */
export function rootAt(size: number, hashAt: HashAt): Uint8Array {
  checkSize(size)
  return size === 0 ? emptyRoot : rangeHash(0, size, hashAt)
}

/** The hashes that prove leaf `index` in the tree of `size` leaves, from the leaf's sibling up. */
export function inclusionPath(size: number, index: number, hashAt: HashAt): Uint8Array[] {
  checkSize(size)
  if (!Number.isInteger(index) || index < 0 || index >= size) throw new FormatError('no such leaf in the tree')
  const path: Uint8Array[] = []
  let low = 0
  let high = size
  while (high - low > 1) {
    const middle = low + splitPoint(high - low)
    if (index < middle) {
      path.push(rangeHash(middle, high, hashAt))
      high = middle
    } else {
      path.push(rangeHash(low, middle, hashAt))
      low = middle
    }
  }
  return path.reverse()
}

/** Whether the path proves that the leaf hash is at `index` in a tree of `size` leaves with this root (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leaf, root, ...path])) return false
  let node = index
  let last = size - 1
  let hash = leaf
  for (const sibling of path) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else hash = nodeHash(hash, sibling)
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equalBytes(hash, root)
}

/** The hashes that prove that the tree of `newSize` leaves begins with the tree of `oldSize` leaves. */
export function consistencyPath(oldSize: number, newSize: number, hashAt: HashAt): Uint8Array[] {
  checkSize(oldSize)
  checkSize(newSize)
  if (oldSize > newSize) throw new FormatError('the older tree is the larger one')
  if (oldSize === 0 || oldSize === newSize) return []
  const path: Uint8Array[] = []
  let low = 0
  let high = newSize
  // Down to the subtree that ends where the old tree ends, collecting what hangs beside the way.
  while (oldSize !== high) {
    const middle = low + splitPoint(high - low)
    if (oldSize <= middle) {
      path.push(rangeHash(middle, high, hashAt))
      high = middle
    } else {
      path.push(rangeHash(low, middle, hashAt))
      low = middle
    }
  }
  // When that subtree begins at the first leaf it is the whole old tree, whose root the verifier has.
  if (low !== 0) path.push(rangeHash(low, high, hashAt))
  return path.reverse()
}

/** Whether the path proves that the new tree begins with the old one (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize) return false
  if (!areHashes([oldRoot, newRoot, ...path])) return false
  if (oldSize === newSize) return path.length === 0 && equalBytes(oldRoot, newRoot)
  if (oldSize === 0) return path.length === 0 && equalBytes(oldRoot, emptyRoot)
  let node = oldSize - 1
  let last = newSize - 1
  while (node % 2 === 1) {
    node = (node - 1) / 2
    last = Math.floor(last / 2)
  }
  const rest = node === 0 ? [oldRoot, ...path] : [...path]
  const first = rest.shift()
  if (first === undefined) return false
  let oldHash = first
  let newHash = first
  for (const hash of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(hash, oldHash)
      newHash = nodeHash(hash, newHash)
      while (node % 2 === 0 && node !== 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else newHash = nodeHash(newHash, hash)
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equalBytes(oldHash, oldRoot) && equalBytes(newHash, newRoot)
}

/** The hash of the leaves low..high; `low` is a multiple of the largest power of two in the width. */
function rangeHash(low: number, high: number, hashAt: HashAt): Uint8Array {
  const width = high - low
  const half = width === 1 ? 1 : splitPoint(width)
  if (width === 1 || half * 2 === width) return hashAt(Math.log2(width), low / width)
  return nodeHash(rangeHash(low, low + half, hashAt), rangeHash(low + half, high, hashAt))
}

/** The largest power of two below n, for n of 2 and more. */
function splitPoint(n: number): number {
  let power = 1
  while (power * 2 < n) power *= 2
  return power
}

function onesIn(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every(hash => hash.length === 32)
}

function checkSize(size: number): void {
  if (!isCount(size)) throw new FormatError('the size of a tree is an integer from 0 on')
}
