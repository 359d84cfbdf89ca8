// Records: the envelope that the Merkle tree commits to and that a witness may see, and the body behind a salted hash
// that holds who did what to which path, and that can be forgotten without breaking any proof.

import type { ByteString } from '../host/host.ts'
import { byteStringOf, bytesOf, concatBytes, isByteString } from './bytes.ts'
import { CborReader, type CborValue, decode, encode, isLink, isList, isMap, written } from './cbor.ts'
import {
  actionBytesMax,
  actorBytesMax,
  bodyBytesMax,
  envelopeBytesMax,
  formatVersion,
  ruleBytesMax,
  saltBytes,
  subjectBytesMax,
} from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { blake3 } from './hash.ts'
import type { Link, ObjectId } from './id.ts'
import { decodeEntry, type Entry, encodeEntry } from './node.ts'

export interface Envelope {
  /** From 0 on, without gaps. */
  readonly seq: number
  /** Microseconds since 1970; order is `seq`, never time. */
  readonly time: number
  /** The state after the record. */
  readonly root: ObjectId
  /** The leaf hash of the record before; 32 zero bytes for seq 0. */
  readonly prev: Uint8Array
  readonly bodyHash: Uint8Array
}

export type SubjectKind = 'file' | 'contract' | 'box' | 'service' | 'setting' | 'snapshot' | 'journal'
export type Effect = 'permit' | 'deny'

export interface Subject {
  /** One of `SubjectKind`, or one that a later version added. */
  readonly kind: SubjectKind | (string & {})
  /** Of a file its path; of others their name. */
  readonly id: ByteString
}

export interface Decision {
  readonly effect: Effect
  /** The hash of the contracts that decided; null while there are none. */
  readonly bundle: Uint8Array | null
  readonly rule: string
}

export interface Body {
  readonly actor: string
  readonly action: string
  readonly subject: Subject
  readonly decision: Decision
  /** Of an operation on one path: its entry before and after, null for absent; both or neither, never with `changes`. */
  readonly before?: Entry | null
  readonly after?: Entry | null
  /** Of an operation on more than one path: the list of changes. */
  readonly changes?: Link
  /** The record that led to this one. */
  readonly cause?: number
  /** The clock was earlier than the last record's or the build's. */
  readonly doubtful?: boolean
  /** What an action keeps beside the above. */
  readonly fields?: { readonly [key: string]: CborValue }
  /** Keys that this version does not know; kept as they are. */
  readonly unknown?: { readonly [key: string]: CborValue }
}

export const zeroHash: Uint8Array = new Uint8Array(32)

/** Throws FormatError when the envelope breaks a rule. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  checkEnvelope(envelope)
  return written(writer => {
    writer.map(6)
    writer.text('v')
    writer.integer(formatVersion)
    writer.text('seq')
    writer.integer(envelope.seq)
    writer.text('body')
    writer.bytes(envelope.bodyHash)
    writer.text('prev')
    writer.bytes(envelope.prev)
    writer.text('root')
    writer.link({ codec: 'dag-cbor', id: envelope.root })
    writer.text('time')
    writer.integer(envelope.time)
  })
}

/** The hashes in the result are views of `bytes`. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > envelopeBytesMax) throw new FormatError('an envelope over its limit')
  const reader: CborReader = new CborReader(bytes)
  if (reader.map() !== 6) reader.fail('an envelope has six keys')
  reader.key('v')
  if (reader.unsigned() !== formatVersion) reader.fail('an envelope of an unknown version')
  reader.key('seq')
  const seq = reader.unsigned()
  reader.key('body')
  const bodyHash = reader.bytesOf(32)
  reader.key('prev')
  const prev = reader.bytesOf(32)
  reader.key('root')
  const root = reader.link()
  if (root.codec !== 'dag-cbor') reader.fail('a state root is a dag-cbor link')
  reader.key('time')
  const time = reader.unsigned()
  reader.end()
  const envelope: Envelope = { seq, time, root: root.id, prev, bodyHash }
  checkEnvelope(envelope)
  return envelope
}

function checkEnvelope({ seq, time, prev, bodyHash }: Envelope): void {
  if (!isCount(seq) || !isCount(time)) throw new FormatError('seq and time are integers from 0 on')
  if (prev.length !== 32 || bodyHash.length !== 32) throw new FormatError('a hash has 32 bytes')
  if (seq === 0 && prev.some(byte => byte !== 0)) throw new FormatError('the first record has no record before it')
}

/** What the envelope holds of the body: BLAKE3 of the salt and the body's bytes. */
export function bodyHash(salt: Uint8Array, bodyBytes: Uint8Array): Uint8Array {
  if (salt.length !== saltBytes) throw new FormatError('a salt has 16 bytes')
  // In a frame the body stands right behind its salt.
  const adjacent = salt.buffer === bodyBytes.buffer && salt.byteOffset + saltBytes === bodyBytes.byteOffset
  if (!adjacent) return blake3(concatBytes(salt, bodyBytes))
  return blake3(new Uint8Array(salt.buffer, salt.byteOffset, saltBytes + bodyBytes.length))
}

/** Throws FormatError when the body breaks a rule or is over 1 MiB. */
export function encodeBody(body: Body): Uint8Array {
  checkBody(body)
  const { subject, decision } = body
  const value: Record<string, CborValue> = {
    ...body.unknown,
    actor: body.actor,
    action: body.action,
    subject: [subject.kind, bytesOf(subject.id)],
    decision: [decision.effect, decision.bundle, decision.rule],
  }
  if (body.before !== undefined) value.before = body.before === null ? null : encodeEntry(body.before)
  if (body.after !== undefined) value.after = body.after === null ? null : encodeEntry(body.after)
  if (body.changes !== undefined) value.changes = body.changes
  if (body.cause !== undefined) value.cause = body.cause
  if (body.doubtful === true) value.doubtful = true
  if (body.fields !== undefined) value.fields = body.fields
  const bytes = encode(value)
  if (bytes.length > bodyBytesMax) throw new FormatError('a body over its limit')
  return bytes
}

/** Byte strings in `fields`, in `unknown` and the bundle are views of `bytes`. */
export function decodeBody(bytes: Uint8Array): Body {
  if (bytes.length > bodyBytesMax) throw new FormatError('a body over its limit')
  const value = decode(bytes)
  if (!isMap(value)) throw new FormatError('a body is a map')
  const { actor, action, subject, decision, before, after, changes, cause, doubtful, fields, ...unknown } = value
  if (typeof actor !== 'string' || typeof action !== 'string') throw new FormatError('a body without actor or action')
  const body: { -readonly [key in keyof Body]: Body[key] } = {
    actor,
    action,
    subject: decodeSubject(subject),
    decision: decodeDecision(decision),
  }
  if (before !== undefined) body.before = before === null ? null : decodeEntry(before)
  if (after !== undefined) body.after = after === null ? null : decodeEntry(after)
  if (changes !== undefined) {
    if (!isLink(changes)) throw new FormatError('changes is a link')
    body.changes = changes
  }
  if (cause !== undefined) {
    if (typeof cause !== 'number') throw new FormatError('a cause is a seq')
    body.cause = cause
  }
  if (doubtful !== undefined) {
    if (doubtful !== true) throw new FormatError('doubtful is true or left out')
    body.doubtful = true
  }
  if (fields !== undefined) {
    if (!isMap(fields)) throw new FormatError('fields is a map')
    body.fields = fields
  }
  if (Object.keys(unknown).length > 0) body.unknown = unknown
  checkBody(body)
  return body
}

function decodeSubject(value: CborValue | undefined): Subject {
  if (!isList(value) || value.length !== 2) throw new FormatError('a subject is a kind and an id')
  const [kind, id] = value
  if (typeof kind !== 'string' || !(id instanceof Uint8Array)) throw new FormatError('a subject is a kind and an id')
  return { kind, id: byteStringOf(id) }
}

function decodeDecision(value: CborValue | undefined): Decision {
  if (!isList(value) || value.length !== 3) throw new FormatError('a decision is effect, bundle and rule')
  const [effect, bundle, rule] = value
  if (effect !== 'permit' && effect !== 'deny') throw new FormatError('an effect is permit or deny')
  if (bundle !== null && !(bundle instanceof Uint8Array)) throw new FormatError('a bundle is a hash or null')
  if (typeof rule !== 'string') throw new FormatError('a rule is text')
  return { effect, bundle, rule }
}

const bodyKeys = [
  ...['actor', 'action', 'subject', 'decision', 'before', 'after'],
  ...['changes', 'cause', 'doubtful', 'fields'],
]

function checkBody(body: Body): void {
  const { subject, decision, before, after, changes, cause } = body
  checkText('actor', body.actor, actorBytesMax)
  checkText('action', body.action, actionBytesMax)
  checkText('subject kind', subject.kind, actionBytesMax)
  if (Buffer.byteLength(decision.rule) > ruleBytesMax) throw new FormatError('a rule over its limit')
  if (subject.id.length > subjectBytesMax || !isByteString(subject.id))
    throw new FormatError('a subject over its limit')
  if (decision.effect !== 'permit' && decision.effect !== 'deny') throw new FormatError('an effect is permit or deny')
  if (decision.bundle !== null && decision.bundle.length !== 32) throw new FormatError('a bundle hash has 32 bytes')
  if ((before === undefined) !== (after === undefined)) throw new FormatError('before and after come together')
  if (changes !== undefined && before !== undefined) throw new FormatError('changes and before exclude each other')
  if (changes !== undefined && changes.codec !== 'dag-cbor') throw new FormatError('changes is a dag-cbor link')
  if (before !== undefined && after !== undefined) checkOnePath(subject, before, after)
  if (cause !== undefined && !isCount(cause)) throw new FormatError('a cause is a seq')
  if (body.unknown !== undefined && bodyKeys.some(key => Object.hasOwn(body.unknown!, key))) {
    throw new FormatError('a known key among the unknown ones')
  }
}

function checkOnePath(subject: Subject, before: Entry | null, after: Entry | null): void {
  const name = subject.id.slice(subject.id.lastIndexOf('/') + 1)
  for (const entry of [before, after]) {
    if (entry !== null && entry.name !== name) throw new FormatError('an entry of another name than its subject')
  }
}

function checkText(what: string, text: string, limit: number): void {
  const length = Buffer.byteLength(text)
  if (length === 0 || length > limit) throw new FormatError(`${what} has 1 to ${limit} bytes`)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
