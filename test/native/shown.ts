// What the codecs of TypeScript read in an input, in the form in which `sentient-store probe` shows it too
// (native-core/crates/store/src/probe): lists and ASCII only, so that the texts of both twins can be compared.

import { createPrivateKey } from 'node:crypto'
import { decodeBinding, encodeBinding } from '../../src/core/format/binding.ts'
import { bytesOf, hexOf, parseDisplayed } from '../../src/core/format/bytes.ts'
import { type CborValue, decode, encode, isLink, isList } from '../../src/core/format/cbor.ts'
import { type Change, decodeChanges, encodeChanges } from '../../src/core/format/changes.ts'
import { formatCheckpoint, formatOrigin, parseCheckpoint, parseOrigin } from '../../src/core/format/checkpoint.ts'
import { decodeList, encodeList } from '../../src/core/format/content.ts'
import { FormatError, isFormatError } from '../../src/core/format/formatError.ts'
import { decodeFormatFile, encodeFormatFile } from '../../src/core/format/formatFile.ts'
import {
  decodeFrameAt,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  findNextValidFrame,
  frameSeed,
  segmentHeaderBytes,
} from '../../src/core/format/frame.ts'
import { blake3 } from '../../src/core/format/hash.ts'
import { cidText, codecNumbers, type Link, parseCid } from '../../src/core/format/id.ts'
import { encodeInclusion, parseInclusion } from '../../src/core/format/inclusion.ts'
import { decodeMarks, decodeMarksFile, encodeMarks, type Marks } from '../../src/core/format/marks.ts'
import { decodeNode, type Entry, encodeNode } from '../../src/core/format/node.ts'
import {
  ed25519Signer,
  formatVerifierKey,
  parseNote,
  parseVerifierKey,
  signatureLine,
} from '../../src/core/format/note.ts'
import {
  decodeEntryHeader,
  decodePackHeader,
  type EntryHeader,
  encodePackHeader,
  kindNumber,
  packHeaderBytes,
  packingNumber,
} from '../../src/core/format/pack.ts'
import { checkIndex, encodeIndex, indexEntries } from '../../src/core/format/packIndex.ts'
import { decodeBody, decodeEnvelope, encodeBody, encodeEnvelope } from '../../src/core/format/record.ts'
import { formatSnapshotList, parseSnapshotList } from '../../src/core/format/recycleLock.ts'
import {
  decodeTraceHeader,
  decodeTraceItemAt,
  encodeTraceHeader,
  encodeTraceItem,
} from '../../src/core/format/recycleTrace.ts'
import { decodeState, encodeState } from '../../src/core/format/state.ts'
import { unpackBytes } from '../../src/core/store/packing.ts'
import { scanEntries } from '../../src/core/store/packScan.ts'

type Json = null | boolean | number | string | readonly Json[]
type Show = (bytes: Buffer) => Json

const logIdBytes = 16

/** A text that a codec read; ASCII, whatever it holds. */
const hexText = (text: string): string => Buffer.from(text).toString('hex')
const hexBytes = (byteString: string): string => hexOf(bytesOf(byteString))
const orNull = <T>(value: T | null | undefined, show: (value: T) => Json): Json =>
  value === null || value === undefined ? null : show(value)

/** For codecs of one form: what was read is written again as it was. */
function again<T>(bytes: Buffer, value: T, write: (value: T) => Uint8Array | string): T {
  const written = Buffer.from(write(value) as string)
  if (!written.equals(bytes)) throw new Error(`accepted, and written otherwise: ${written.toString('hex')}`)
  return value
}

/** Texts come from files that were checked to be UTF-8. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (!Buffer.from(text).equals(bytes)) throw new FormatError('not UTF-8')
  return text
}

function cborOf(value: CborValue): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'string') return `t${hexText(value)}`
  if (value instanceof Uint8Array) return `h${hexOf(value)}`
  if (isLink(value)) return cidText(value)
  if (isList(value)) return ['list', value.map(cborOf)]
  const pairs = Object.entries(value).map(([key, item]) => ({ key: Buffer.from(key), item }))
  pairs.sort((a, b) => a.key.length - b.key.length || Buffer.compare(a.key, b.key))
  return ['map', pairs.map(({ key, item }) => [key.toString('hex'), cborOf(item as CborValue)])]
}

function entryOf({ name, kind, mode, size, content, meta }: Entry): Json {
  const owner = meta?.uid === undefined || meta.gid === undefined ? null : [meta.uid, meta.gid]
  const xattrs = (meta?.xattrs ?? []).map(one => [hexBytes(one.name), hexBytes(one.value)])
  const number = ['file', 'dir', 'symlink'].indexOf(kind)
  return [hexBytes(name), number, mode, size, cidText(content), meta === undefined ? null : [owner, xattrs]]
}

const changeOf = ({ path, before, after }: Change): Json => [
  hexBytes(path),
  orNull(before, entryOf),
  orNull(after, entryOf),
]

function linksIn(value: CborValue): string[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return []
  if (isLink(value)) return [cidText(value)]
  return (isList(value) ? value : Object.values(value)).flatMap(item => linksIn(item as CborValue))
}

function bodyOf(bytes: Buffer): Json {
  const body = again(bytes, decodeBody(bytes), encodeBody)
  const { actor, action, subject, decision, before, after, changes, cause, doubtful, fields } = body
  return [
    [hexText(actor), hexText(action), hexText(subject.kind), hexBytes(subject.id)],
    [decision.effect === 'permit', orNull(decision.bundle, hexOf), hexText(decision.rule)],
    before === undefined ? null : [orNull(before, entryOf), orNull(after, entryOf)],
    orNull(changes, cidText),
    cause ?? null,
    doubtful ?? false,
    orNull(fields, cborOf),
    linksIn(decode(bytes)).sort(),
  ]
}

function frameOf(bytes: Buffer): Json {
  if (bytes.length < logIdBytes) throw new FormatError('no log id')
  const seed = frameSeed(bytes.subarray(0, logIdBytes))
  const frame = decodeFrameAt(bytes.subarray(logIdBytes), 0, seed)
  if (frame.state !== 'ok') throw new FormatError(frame.reason)
  const { envelopeBytes, salt, bodyBytes, base, nextOffset } = frame
  const body = salt === null || bodyBytes === null ? null : { salt, bodyBytes }
  again(bytes.subarray(logIdBytes, logIdBytes + nextOffset), { envelopeBytes, body, base }, parts =>
    encodeFrame(parts, seed),
  )
  return [hexOf(envelopeBytes), body === null ? null : [hexOf(body.salt), hexOf(body.bodyBytes)], base, nextOffset]
}

function segmentOf(bytes: Buffer): Json {
  const { firstSeq, logId } = decodeSegmentHeader(bytes)
  const seed = frameSeed(logId)
  const frames: Json[] = []
  for (let at = findNextValidFrame(bytes, segmentHeaderBytes, seed); at >= 0; ) {
    const frame = decodeFrameAt(bytes, at, seed)
    if (frame.state !== 'ok') throw new Error('a frame was found that is none')
    const seq = orRefused(() => decodeEnvelope(frame.envelopeBytes).seq)
    const { bodyBytes } = frame
    const body = bodyBytes === null ? null : orRefused(() => decodeBody(bodyBytes)) !== null
    frames.push([at, seq, body])
    at = findNextValidFrame(bytes, frame.nextOffset, seed)
  }
  return [firstSeq, frames]
}

function orRefused<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (!isFormatError(error)) throw error
    return null
  }
}

const marksOf = (marks: Marks): Json => [
  marks.generation,
  marks.segmentFirstSeq,
  marks.segmentFlushedBytes,
  marks.nextSeq,
  hexOf(marks.lastLeaf),
  marks.applied,
  marks.packNumber,
  marks.packFlushedBytes,
  orNull(marks.packId, hexOf),
  marks.clean,
]

function slotOf(bytes: Buffer): Json {
  const slot = decodeMarks(bytes)
  if (slot.state !== 'ok') throw new FormatError('no marks')
  return marksOf(again(bytes, slot.marks, encodeMarks))
}

function marksFileOf(bytes: Buffer): Json {
  const { newest, slots, restIsZero } = decodeMarksFile(bytes)
  return [
    orNull(newest, marksOf),
    slots.map(slot => (slot.state === 'ok' ? marksOf(slot.marks) : slot.state)),
    restIsZero,
  ]
}

function noteOf(bytes: Buffer): Json {
  const { text, signatures } = again(
    bytes,
    parseNote(bytes),
    note => `${note.text}\n${note.signatures.map(signatureLine).join('')}`,
  )
  return [hexText(text), signatures.map(({ name, keyId, signature }) => [hexText(name), keyId, hexOf(signature)])]
}

/** What `verify` lets pass, and the key in it as the program reads it. */
function privateKeyOf(bytes: Buffer): Json {
  const spelling =
    /^-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI[A-P][A-Za-z0-9+/]{42}\n-----END PRIVATE KEY-----\n$/
  const text = textOf(bytes)
  if (!spelling.test(text)) throw new FormatError('no private key')
  return hexOf(ed25519Signer('name', createPrivateKey(text)).publicKey)
}

function bindingOf(bytes: Buffer): Json {
  const binding = decodeBinding(bytes)
  const { logId, epoch, path, inode, size, root } = binding
  const other = decodeBinding(encodeBinding(binding))
  if (other.path !== path || other.inode !== inode) throw new Error('a binding that reads otherwise when it is written')
  return [[hexOf(logId), String(epoch), hexBytes(path), String(inode)], size, hexOf(root)]
}

const fieldsOf = ({ id, codec, kind, packing, storedBytes, objectBytes }: EntryHeader): Json => [
  id,
  codecNumbers[codec],
  kindNumber(kind),
  packingNumber(packing),
  storedBytes,
  objectBytes,
]

/** A file in memory. */
const fileOf = (bytes: Buffer) => ({
  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const part = bytes.subarray(position, position + length)
    target.set(part, offset)
    return part.length
  },
})

function packOf(bytes: Buffer): Json {
  const id = decodePackHeader(bytes)
  const entries: Json[] = []
  let end = packHeaderBytes
  for (const item of scanEntries(fileOf(bytes), packHeaderBytes, bytes.length)) {
    if (item.state === 'damaged') break
    const { header } = item
    const payload = item.raw.subarray(item.raw.length - header.storedBytes)
    const object = unpackBytes(header.packing, payload, header.objectBytes)
    entries.push([item.offset, fieldsOf(header), orNull(object, one => hexOf(blake3(one)))])
    end = item.offset + item.bytes
  }
  return [hexOf(id), end, entries]
}

function indexOf(bytes: Buffer): Json {
  const { packId, coveredBytes } = checkIndex(bytes)
  const entries = again(bytes, [...indexEntries(bytes)], all => encodeIndex(packId, coveredBytes, all))
  return [hexOf(packId), coveredBytes, entries.map(entry => [entry.offset, fieldsOf(entry)])]
}

function snapshotListOf(bytes: Buffer): Json {
  const { origin, journalSize, snapshots } = again(bytes, parseSnapshotList(textOf(bytes)), formatSnapshotList)
  const lines = snapshots.map(({ name, seq, root, time, kind, pinned, label }) => [
    [hexText(name), seq, root, time, hexText(kind)],
    pinned,
    hexText(label),
  ])
  return [hexText(origin), journalSize, lines]
}

function traceOf(bytes: Buffer): Json {
  const header = decodeTraceHeader(bytes)
  if (header.state !== 'ok') throw new FormatError(header.reason)
  again(bytes.subarray(0, header.nextOffset), header.value, encodeTraceHeader)
  const items: Json[] = []
  for (let offset = header.nextOffset; offset < bytes.length; ) {
    const item = decodeTraceItemAt(bytes, offset)
    if (item.state !== 'ok') throw new FormatError(item.reason)
    again(bytes.subarray(offset, item.nextOffset), item.value, encodeTraceItem)
    const { seq, root, more, changes } = item.value
    items.push([seq, root, more, changes.map(changeOf)])
    offset = item.nextOffset
  }
  const { baseSeq, baseRoot, origin } = header.value
  return [baseSeq, baseRoot, hexText(origin), items]
}

function zstdOf(bytes: Buffer): Json {
  if (bytes.length < 4 || bytes.readUInt32LE(0) > 16 << 20) throw new FormatError('no length')
  const object = unpackBytes('zstd', bytes.subarray(4), bytes.readUInt32LE(0))
  if (object === undefined) throw new FormatError('no such object')
  return [object.length, hexOf(blake3(object))]
}

function nodeOf(bytes: Buffer): Json {
  const node = again(bytes, decodeNode(bytes), encodeNode)
  if (node.kind === 'leaf') return ['leaf', node.entries.map(entryOf)]
  return ['branch', node.depth, node.slots.map(slot => orNull(slot, ({ link, count }) => [cidText(link), count]))]
}

function changesOf(bytes: Buffer): Json {
  const node = again(bytes, decodeChanges(bytes), encodeChanges)
  if (node.kind === 'changes') return ['changes', node.changes.map(changeOf)]
  const parts = node.parts.map(({ firstPath, link, count }) => [hexBytes(firstPath), cidText(link), count])
  return ['changes-tree', node.count, parts]
}

function stateOf(bytes: Buffer): Json {
  const state = again(bytes, decodeState(bytes), encodeState)
  const { metadataSet, files, contracts, boxes, services, settings } = state
  const parts = [contracts, boxes, services, settings].map((part: Link | undefined) => orNull(part, cidText))
  return [metadataSet.includes('owner'), metadataSet.includes('xattrs'), cidText(files), parts]
}

export const shows: Readonly<Record<string, Show>> = {
  cbor: bytes => cborOf(again(bytes, decode(bytes), encode)),
  node: nodeOf,
  list: bytes => {
    const list = again(bytes, decodeList(bytes), encodeList)
    return [list.depth, list.bytes, list.entries.map(entry => [cidText(entry.link), entry.bytes])]
  },
  state: stateOf,
  changes: changesOf,
  envelope: bytes => {
    const { seq, time, root, prev, bodyHash } = again(bytes, decodeEnvelope(bytes), encodeEnvelope)
    return [seq, time, root, hexOf(prev), hexOf(bodyHash)]
  },
  body: bodyOf,
  frame: frameOf,
  'segment-header': bytes => {
    const { firstSeq, logId } = again(
      bytes.subarray(0, segmentHeaderBytes),
      decodeSegmentHeader(bytes),
      encodeSegmentHeader,
    )
    return [firstSeq, hexOf(logId)]
  },
  segment: segmentOf,
  'marks-slot': slotOf,
  'marks-file': marksFileOf,
  note: noteOf,
  checkpoint: bytes => {
    const { origin, size, root } = again(bytes, parseCheckpoint(textOf(bytes)), formatCheckpoint)
    return [hexText(origin), size, hexOf(root)]
  },
  origin: bytes => {
    const { logId, epoch } = again(bytes, parseOrigin(textOf(bytes)), formatOrigin)
    return [hexOf(logId), epoch]
  },
  'verifier-key': bytes => {
    const { name, keyId, publicKey } = again(bytes, parseVerifierKey(textOf(bytes)), key => formatVerifierKey(key))
    return [hexText(name), keyId, hexOf(publicKey)]
  },
  'private-key': privateKeyOf,
  inclusion: bytes => {
    const { index, envelopeBytes, path, checkpointNote } = again(bytes, parseInclusion(bytes), encodeInclusion)
    return [index, hexOf(envelopeBytes), path.map(hexOf), hexOf(checkpointNote)]
  },
  binding: bindingOf,
  format: bytes => {
    const { format, requires, options, logId, earlier = [] } = again(bytes, decodeFormatFile(bytes), encodeFormatFile)
    return [format, requires, options, hexOf(logId), earlier.map(hexOf)]
  },
  'pack-header': bytes =>
    hexOf(
      again(bytes.subarray(0, packHeaderBytes), decodePackHeader(bytes), id => encodePackHeader(id.slice(0, 4))) &&
        decodePackHeader(bytes),
    ),
  'pack-entry': bytes => fieldsOf(decodeEntryHeader(bytes, 0)),
  pack: packOf,
  'pack-index': indexOf,
  'recycle-lock': snapshotListOf,
  'recycle-trace': traceOf,
  cid: bytes => {
    const { codec, id } = again(bytes, parseCid(textOf(bytes)), cidText)
    return [codecNumbers[codec], id]
  },
  displayed: bytes => hexBytes(parseDisplayed(textOf(bytes))),
  zstd: zstdOf,
}

/** What the input says; undefined when it is refused. Throws when a codec throws anything but FormatError. */
export function shown(kind: string, bytes: Buffer): string | undefined {
  const show = shows[kind]
  if (show === undefined) throw new Error(`there is no kind ${kind}`)
  try {
    return JSON.stringify(show(bytes))
  } catch (error) {
    if (!isFormatError(error)) throw error
    return undefined
  }
}
