// The calls that make many files visible: contents out of packs into the stage, and from there into the tree.

import { idBytes } from '../format/id.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'
import { callNative, callNativeNow, placeOf, type RawBridge } from './bridge.ts'
import { readBlocks } from './look.ts'
import type {
  NativeWork,
  PlaceItem,
  PlaceOutcome,
  PlaceRequest,
  StagedTrees,
  StageRequest,
  StageTreesRequest,
} from './native.ts'

// u32 index | u16 mode | u8 packing | u8 flush | u64 pack | u32 offset | u32 stored bytes | u32 object bytes | 32 id.
const stageItemBytes = 60
/** Flushes that wait together are answered together. */
const flushThreads = 16

export async function* stageNatively(bridge: RawBridge, request: StageRequest): NativeWork<readonly number[]> {
  const stage = placeOf(request.stage)
  const packs = placeOf(request.packs)
  if (stage === undefined || packs === undefined) return undefined
  const bytes = Buffer.alloc(request.items.length * stageItemBytes)
  let at = 0
  for (const { index, mode, id, stored } of request.items) {
    bytes.writeUInt32LE(index, at)
    bytes.writeUInt16LE(mode, at + 4)
    bytes[at + 6] = stored.packing
    bytes[at + 7] = request.flush ? 1 : 0
    bytes.writeBigUInt64LE(BigInt(stored.pack), at + 8)
    bytes.writeUInt32LE(stored.offset, at + 16)
    bytes.writeUInt32LE(stored.storedBytes, at + 20)
    bytes.writeUInt32LE(stored.objectBytes, at + 24)
    bytes.write(id, at + 28, 'hex')
    at += stageItemBytes
  }
  const answer = yield* callNative(bridge, {
    name: 'stage',
    request: { stage, packs, prefix: request.prefix, threads: request.flush ? flushThreads : 0 },
    ...{ bytes, phase: 'staging', unit: 'files', total: request.items.length, signal: request.signal },
  })
  return answer && Array.from({ length: answer.bytes.length / 4 }, (_, i) => answer.bytes.readUInt32LE(i * 4))
}

export async function* stageTreesNatively(
  bridge: RawBridge,
  request: StageTreesRequest,
): NativeWork<StagedTrees | null> {
  const stage = placeOf(request.stage)
  const packs = placeOf(request.packs)
  if (stage === undefined || packs === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'stageTrees',
    request: { stage, packs, threads: 0 },
    // Each: u16 name bytes | name | u16 path bytes | path | 32 id.
    bytes: Buffer.concat(
      request.tops.flatMap(({ name, path, node }) => [...textBytes(name), ...textBytes(path), idBytes(node.id)]),
    ),
    ...{ phase: 'staging', unit: 'files', signal: request.signal },
  })
  if (answer === undefined) return undefined
  const told = answer.value as { counts: readonly [paths: number, bytes: number][]; latestNs: string } | null
  return (
    told && {
      counts: told.counts.map(([paths, bytes]) => ({ paths, bytes })),
      latestNs: BigInt(told.latestNs),
      blocks: readBlocks(answer.bytes),
    }
  )
}

function textBytes(text: ByteString): [Buffer, Buffer] {
  const length = Buffer.alloc(2)
  length.writeUInt16LE(text.length)
  return [length, Buffer.from(text, 'latin1')]
}

export function flushDirectoriesNatively(bridge: RawBridge, root: Directory, paths: readonly ByteString[]): boolean {
  const place = placeOf(root)
  const bytes = Buffer.concat(paths.flatMap(textBytes))
  return place !== undefined && callNativeNow(bridge, 'flushDirectories', { root: place }, bytes) !== undefined
}

const outcomes: readonly PlaceOutcome[] = ['done', 'drifted', 'left']

export async function* placeNatively(bridge: RawBridge, request: PlaceRequest): NativeWork<readonly PlaceOutcome[]> {
  const root = placeOf(request.root)
  const stage = placeOf(request.stage)
  if (root === undefined || stage === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'place',
    request: { root, stage, prefix: request.prefix, threads: 0 },
    bytes: Buffer.concat(request.items.map(encodePlaceItem)),
    ...{ phase: 'applying', unit: 'paths', total: request.items.length },
  })
  return answer && Array.from(answer.bytes, outcome => outcomes[outcome] ?? 'left')
}

const statBytes = 8 + 8 + 8 + 2 + 8 + 8

// u32 index | u16 path bytes | path | u8 directory | u16 mode | u8 seen: 0 nothing, 1 a file, 2 a symlink | stat |
// u8 recheck: 0 nothing, 1 raw, 2 dag-cbor | 32 id.
function encodePlaceItem({ index, path, directory, seen, recheck }: PlaceItem): Buffer {
  const end = 6 + path.length + 4 + (seen === undefined ? 0 : statBytes)
  const bytes = Buffer.allocUnsafe(end + 1 + (recheck === undefined ? 0 : 32))
  bytes.writeUInt32LE(index, 0)
  bytes.writeUInt16LE(path.length, 4)
  bytes.write(path, 6, 'latin1')
  const at = 6 + path.length
  bytes[at] = directory === undefined ? 0 : 1
  bytes.writeUInt16LE(directory ?? 0, at + 1)
  bytes[at + 3] = seen === undefined ? 0 : seen.kind === 'file' ? 1 : 2
  if (seen !== undefined) writeStat(bytes, at + 4, seen)
  bytes[end] = recheck === undefined ? 0 : recheck.codec === 'raw' ? 1 : 2
  if (recheck !== undefined) bytes.write(recheck.id, end + 1, 'hex')
  return bytes
}

function writeStat(bytes: Buffer, at: number, stat: FileStat): void {
  bytes.writeDoubleLE(stat.dev, at)
  bytes.writeBigUInt64LE(stat.inode, at + 8)
  bytes.writeDoubleLE(stat.size, at + 16)
  bytes.writeUInt16LE(stat.mode, at + 24)
  bytes.writeBigInt64LE(stat.mtimeNs, at + 26)
  bytes.writeBigInt64LE(stat.ctimeNs, at + 34)
}
