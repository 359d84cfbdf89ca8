// An archive before it is taken in: every byte of it is looked at, and only then anything is written. What is refused
// here leaves no trace.
import { createHash } from 'node:crypto'
import { hexOf } from '../format/bytes.ts'
import { type Checkpoint, parseOrigin, verifyCheckpoint } from '../format/checkpoint.ts'
import { formatFileBytesMax, noteBytesMax, packBytesMax, segmentBytesMax } from '../format/constants.generated.ts'
import { FormatError, isFormatError } from '../format/formatError.ts'
import { decodeFormatFile, type FormatFile, openable } from '../format/formatFile.ts'
import { parseSegmentFileName } from '../format/frame.ts'
import { blake3 } from '../format/hash.ts'
import { idBytes } from '../format/id.ts'
import { parseVerifierKey, type VerifierKey } from '../format/note.ts'
import { decodePackHeader, entryHeaderBytes, packHeaderBytes, parsePackFileName } from '../format/pack.ts'
import type { Progress, Slicer } from '../progress.ts'
import { unpackBytes } from '../store/packing.ts'
import { scanEntries } from '../store/packScan.ts'
import { checksumName } from './archive.ts'
import { readFully } from './files.ts'
import { badArchive, blockBytes, type Member, membersOf, partOf, type Source } from './tar.ts'

export interface Archive {
  readonly format: FormatFile
  readonly formatBytes: Uint8Array
  readonly keys: ReadonlyMap<string, Uint8Array>
  readonly verifiers: readonly VerifierKey[]
  readonly checkpoint: (Checkpoint & { readonly bytes: Uint8Array }) | undefined
  readonly packs: readonly (Member & { readonly id: string; readonly number: number })[]
  readonly segments: readonly (Member & { readonly first: number })[]
  /** The first record. */
  readonly from: number
}

type Work<T> = AsyncGenerator<Progress, T, void>

const keyBytesMax = 4_096
const checksumBytes = 65
const membersMax = 10_000_000

/** Throws DAMAGED where anything is not as an export writes it. Records are checked by who takes them in. */
export async function* readArchive(source: Source, slicer: Slicer): Work<Archive> {
  const members: Member[] = []
  for (const member of membersOf(source)) {
    members.push(member)
    if (members.length > membersMax) throw badArchive('too many members', member.offset)
  }
  yield* checkSum(source, members, slicer)
  const sorted = sortMembers(members)
  const formatBytes = bytesOf(source, sorted.format, formatFileBytesMax)
  const format = decoded(sorted.format, () => decodeFormatFile(formatBytes))
  if (openable(format).state === 'refuse') throw badArchive('it needs a newer SentientOS', sorted.format.offset)
  const keys = new Map<string, Uint8Array>()
  const verifiers: VerifierKey[] = []
  for (const member of sorted.keys) {
    const bytes = bytesOf(source, member, keyBytesMax)
    const name = member.name.slice('keys/'.length)
    verifiers.push(decoded(member, () => keyOf(name, bytes, format)))
    keys.set(name, bytes)
  }
  const packs = []
  for (const member of sorted.packs) packs.push(yield* checkPack(source, member, slicer))
  return {
    ...{ format, formatBytes, keys, verifiers, packs, segments: sorted.segments },
    checkpoint: checkpointOf(source, sorted.checkpoint, verifiers),
    from: sorted.segments[0]?.first ?? 0,
  }
}

async function* checkSum(source: Source, members: readonly Member[], slicer: Slicer): Work<void> {
  const last = members.at(-1)
  if (last?.name !== checksumName || last.size !== checksumBytes)
    throw badArchive('no checksum at its end', source.size)
  const end = last.offset - blockBytes
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(1 << 20)
  for (let at = 0; at < end; ) {
    const count = readFully(source, buffer.subarray(0, Math.min(buffer.length, end - at)), at)
    if (count === 0) throw badArchive('it ends too early', at)
    hash.update(buffer.subarray(0, count))
    at += count
    if (!slicer.due()) continue
    yield { phase: 'checking', done: at, total: end, unit: 'bytes' }
    await slicer.pause()
  }
  const found = Buffer.from(bytesOf(source, last, checksumBytes)).toString('latin1')
  if (found !== `${hash.digest('hex')}\n`) throw badArchive('the checksum is another', last.offset)
}

/** In the order in which an export writes them. */
const order = [/^format$/, /^keys\/log-\d{1,6}\.vkey$/, /^checkpoint$/, /^packs\/.*$/, /^journal\/.*$/, /^sha256$/]

function sortMembers(members: readonly Member[]) {
  let step = 0
  const found: Member[][] = order.map(() => [])
  for (const member of members) {
    const place = order.findIndex(pattern => pattern.test(member.name))
    if (place < step) throw badArchive('a member that does not belong there', member.offset - blockBytes)
    step = place
    const before = found[place]!.at(-1)
    if (before !== undefined && (place === 0 || place === 2 || !isAfter(before.name, member.name)))
      throw badArchive('a member twice, or out of order', member.offset - blockBytes)
    found[place]!.push(member)
  }
  const [[format] = [], keys = [], [checkpoint] = [], packs = [], segments = []] = found
  if (format === undefined || keys.length === 0) throw badArchive('no format file, or no key', 0)
  return {
    ...{ format, keys, checkpoint },
    packs: packs.map(member => {
      const parsed = parsePackFileName(member.name.slice('packs/'.length))
      if (parsed?.extension !== 'pack' || member.size > packBytesMax || member.size < packHeaderBytes)
        throw badArchive('no pack', member.offset - blockBytes)
      return { ...member, number: parsed.packNumber }
    }),
    segments: segments.map(member => {
      const first = parseSegmentFileName(member.name.slice('journal/'.length))
      if (first === undefined || member.size > segmentBytesMax)
        throw badArchive('no segment', member.offset - blockBytes)
      return { ...member, first }
    }),
  }
}

/** Keys by their names as text, the others by their numbers, which have a fixed length. */
const isAfter = (before: string, name: string): boolean => before < name

function bytesOf(source: Source, member: Member, bytesMax: number): Uint8Array {
  if (member.size > bytesMax) throw badArchive(`${member.name} is too large`, member.offset)
  const bytes = new Uint8Array(member.size)
  if (readFully(partOf(source, member), bytes, 0) < bytes.length) throw badArchive('it ends too early', member.offset)
  return bytes
}

function decoded<T>(member: Member, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw badArchive(`${member.name}: ${error.reason}`, member.offset)
  }
}

function keyOf(name: string, bytes: Uint8Array, { logId, earlier = [] }: FormatFile): VerifierKey {
  const text = Buffer.from(bytes).toString('latin1')
  const key = parseVerifierKey(text.slice(0, -1))
  const origin = parseOrigin(key.name)
  if (!text.endsWith('\n') || name !== `log-${origin.epoch}.vkey`) throw new FormatError('a key under another name')
  const known = [logId, ...earlier].map(hexOf)
  if (!known.includes(hexOf(origin.logId))) throw new FormatError('a key of another log')
  return key
}

function checkpointOf(source: Source, member: Member | undefined, keys: readonly VerifierKey[]): Archive['checkpoint'] {
  if (member === undefined) return undefined
  const bytes = bytesOf(source, member, noteBytesMax)
  const verdict = verifyCheckpoint(bytes, keys)
  if (verdict.state === 'bad') throw badArchive(`the checkpoint: ${verdict.reason}`, member.offset)
  return { ...verdict.checkpoint, bytes }
}

/** Every entry of a pack against its CRC and its name. */
async function* checkPack<M extends Member>(
  source: Source,
  member: M,
  slicer: Slicer,
): Work<M & { readonly id: string }> {
  const part = partOf(source, member)
  const header = new Uint8Array(packHeaderBytes)
  readFully(part, header, 0)
  const id = decoded(member, () => hexOf(decodePackHeader(header)))
  for (const item of scanEntries(part, packHeaderBytes, member.size)) {
    if (item.state === 'damaged') throw badArchive(`${member.name}: ${item.reason}`, member.offset + item.offset)
    const { packing, objectBytes } = item.header
    const bytes = unpackBytes(packing, item.raw.subarray(entryHeaderBytes), objectBytes)
    if (bytes === undefined || Buffer.compare(blake3(bytes), idBytes(item.header.id)) !== 0)
      throw badArchive(`${member.name}: an object that is not what its name says`, member.offset + item.offset)
    if (!slicer.due()) continue
    yield { phase: 'checking objects', done: item.offset, total: member.size, unit: 'bytes' }
    await slicer.pause()
  }
  return { ...member, id }
}
