// How inputs of the fuzzers are changed: bits, bytes, what stands at the borders of the format, pieces of other inputs;
// and checksums put right, so that what stands behind them is reached. The same numbers for the same seed.

import { frameSeed } from '../../src/core/format/frame.ts'
import { crc32 } from '../../src/core/format/hash.ts'

export type Roll = (below: number) => number

export function dice(seed: number): Roll {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return below => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** What stands at the borders of the format: heads of items, limits, bytes that text must escape. */
const snippets = [
  ...[
    '00',
    'ff',
    '7f',
    '80',
    '0a',
    '20',
    '22',
    '5c',
    '5c75',
    '5c6e',
    '31',
    '30',
    '2d',
    '2b',
    '2f',
    '3d',
    'f4',
    'f5',
    'f6',
  ],
  ...['1817', '1818', '18ff', '190100', '19ffff', '1a00010000', '1b001fffffffffffff', '1b0020000000000000', '38ff'],
  ...['5f', '9f', 'bf', '60', '40', '80', 'a0', 'a16161', '8181', 'd82a', 'c3a9', 'efbbbf', 'e280a8', 'c285', 'c2a0'],
  ...['eda080', 'f09f9880', '6462697464', '63676964', '63756964', '667861747472', '65636f646563', '626964', 'ffffffff'],
].map(hex => Buffer.from(hex, 'hex'))

const mutations: readonly ((bytes: Buffer, roll: Roll, other: Buffer) => Buffer)[] = [
  (bytes, roll) => withByte(bytes, roll(bytes.length), byte => byte ^ (1 << roll(8))),
  (bytes, roll) => withByte(bytes, roll(bytes.length), () => roll(256)),
  (bytes, roll) => withByte(bytes, roll(bytes.length), byte => byte + roll(3) - 1),
  (bytes, roll) => spliced(bytes, roll(bytes.length + 1), 0, snippets[roll(snippets.length)]!),
  (bytes, roll) => {
    const snippet = snippets[roll(snippets.length)]!
    return spliced(bytes, roll(bytes.length + 1), snippet.length, snippet)
  },
  (bytes, roll) => spliced(bytes, roll(bytes.length + 1), 1 + roll(8), Buffer.alloc(0)),
  (bytes, roll) => {
    const at = roll(bytes.length + 1)
    return spliced(bytes, at, 0, bytes.subarray(at, at + 1 + roll(60)))
  },
  (bytes, roll, other) => {
    const from = roll(other.length + 1)
    return spliced(bytes, roll(bytes.length + 1), roll(40), other.subarray(from, from + roll(60)))
  },
  (bytes, roll) => bytes.subarray(0, roll(bytes.length + 1)),
  (bytes, roll) => Buffer.concat([bytes, snippets[roll(snippets.length)]!]),
]

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const changed = Buffer.from(bytes)
  if (at < changed.length) changed[at] = change(changed[at]!) & 0xff
  return changed
}

const spliced = (bytes: Buffer, at: number, removed: number, inserted: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(Math.min(bytes.length, at + removed))])

/** One to five changes of an input; `others` are what pieces are taken from. */
export function mutate(kind: string, bytes: Buffer, others: readonly Buffer[], roll: Roll): Buffer {
  let changed = Buffer.from(bytes)
  for (let left = 1 + (roll(2) === 0 ? roll(4) : 0); left > 0; left--)
    changed = Buffer.from(mutations[roll(mutations.length)]!(changed, roll, others[roll(others.length)]!))
  if (roll(4) > 0) mends[kind]?.(changed)
  return changed
}

const logIdBytes = 16

const crcAt = (from: number, offset: (bytes: Buffer) => number) => (bytes: Buffer) => {
  const at = offset(bytes)
  if (at >= from && at + 4 <= bytes.length) bytes.writeUInt32LE(crc32(bytes.subarray(from, at)), at)
}

function mendFrame(bytes: Buffer): void {
  const frame = bytes.subarray(logIdBytes)
  if (frame.length < 24) return
  frame.writeUInt32LE(frame.length - 20, 4)
  frame.writeUInt32LE(frame.length - 20, frame.length - 4)
  const seed = crc32(frame.subarray(4, 8), frameSeed(bytes.subarray(0, logIdBytes)))
  frame.writeUInt32LE(crc32(frame.subarray(12, -4), seed), 8)
}

function mendTrace(bytes: Buffer): void {
  for (let at = 8; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32LE(at)
    if (end > bytes.length) return
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, end), crc32(bytes.subarray(at, at + 4))), at + 4)
    at = end
  }
}

function mendBinding(bytes: Buffer): void {
  const at = bytes.lastIndexOf(',"crc32":"')
  if (at < 0 || at + 18 > bytes.length) return
  bytes.write(crc32(bytes.subarray(0, at)).toString(16).padStart(8, '0'), at + 10)
}

/** Hands on what lies between two markers, from the first of them on. */
function eachMarked(bytes: Buffer, marker: Buffer, mend: (piece: Buffer) => void): void {
  for (let at = bytes.indexOf(marker); at >= 0; ) {
    const next = bytes.indexOf(marker, at + 1)
    mend(bytes.subarray(at, next < 0 ? bytes.length : next))
    at = next
  }
}

const frameMarker = Buffer.from([0xc3, 0x53, 0x4a, 0x0a])
const entryMarker = Buffer.from([0xf5, 0x53, 0x4e, 0x54, 0x4f, 0x42, 0x4a, 0x0a])

function mendSegment(bytes: Buffer): void {
  const logId = bytes.subarray(16, 32)
  eachMarked(bytes.subarray(32), frameMarker, frame => {
    const whole = Buffer.concat([logId, frame])
    if (logId.length === 16) mendFrame(whole)
    frame.set(whole.subarray(logId.length))
  })
}

function mendPack(bytes: Buffer): void {
  crcAt(0, () => 12)(bytes)
  eachMarked(bytes.subarray(16), entryMarker, entry => {
    if (entry.length < 56) return
    entry.writeUInt32LE(entry.length - 56, 8)
    if (entry[18] === 0) entry.writeUInt32LE(entry.length - 56, 12)
    entry.writeUInt32LE(crc32(entry.subarray(56), crc32(entry.subarray(8, 52))), 52)
  })
}

function mendMarks(bytes: Buffer): void {
  crcAt(0, () => 108)(bytes)
  crcAt(0, () => 108)(bytes.subarray(4096))
}

const mends: Readonly<Record<string, (bytes: Buffer) => void>> = {
  frame: mendFrame,
  segment: mendSegment,
  'marks-slot': mendMarks,
  'marks-file': mendMarks,
  binding: mendBinding,
  'pack-header': crcAt(0, () => 12),
  pack: mendPack,
  'pack-index': crcAt(0, bytes => bytes.length - 4),
  'recycle-trace': mendTrace,
}
