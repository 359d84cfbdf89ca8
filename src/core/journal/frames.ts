// From a frame to a record and back: decoding with every local check, encoding of a batch.

import { asBuffer, equalBytes } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import { frameBytes, type GoodFrame } from '../format/frame.ts'
import { leafHash } from '../format/merkle.ts'
import { type Body, bodyHash, decodeBody, decodeEnvelope, type Envelope } from '../format/record.ts'
import type { JournalRecord } from './model.ts'

export type DecodedRecord =
  | { readonly state: 'ok'; readonly record: JournalRecord }
  | { readonly state: 'bad'; readonly reason: string }

/** The envelope of a frame, or what is wrong with it. Its hashes are views of the frame. */
export function envelopeOf(frame: GoodFrame): Envelope | string {
  try {
    return decodeEnvelope(frame.envelopeBytes)
  } catch (error) {
    if (isFormatError(error)) return `the envelope is ${error.reason}`
    throw error
  }
}

/** The body of a frame when it has the hash that the envelope names; a text says what is wrong. */
export function bodyOf(frame: GoodFrame, envelope: Envelope): Body | undefined | string {
  if (frame.salt === null || frame.bodyBytes === null) return undefined
  if (!equalBytes(bodyHash(frame.salt, frame.bodyBytes), envelope.bodyHash)) return 'the body does not have its hash'
  try {
    return decodeBody(frame.bodyBytes)
  } catch (error) {
    if (isFormatError(error)) return `the body is wrong: ${error.reason}`
    throw error
  }
}

/** The record of a frame that the caller may keep as long as it keeps the frame's bytes. */
export function recordOf(frame: GoodFrame): DecodedRecord {
  const envelope = envelopeOf(frame)
  if (typeof envelope === 'string') return { state: 'bad', reason: envelope }
  const body = bodyOf(frame, envelope)
  if (typeof body === 'string') return { state: 'bad', reason: body }
  const bytes = frameBytes(frame.envelopeBytes.length, frame.bodyBytes?.length ?? null)
  return { state: 'ok', record: { seq: envelope.seq, envelope, body, bytes, leaf: leafHash(frame.envelopeBytes) } }
}

/** A copy of a frame that outlives the window. */
export function keepFrame(frame: GoodFrame): GoodFrame {
  const { envelopeBytes, salt, bodyBytes } = frame
  const envelopeEnd = envelopeBytes.length
  const saltEnd = envelopeEnd + (salt?.length ?? 0)
  const bytes = new Uint8Array(saltEnd + (bodyBytes?.length ?? 0))
  bytes.set(envelopeBytes)
  if (salt !== null) bytes.set(salt, envelopeEnd)
  if (bodyBytes !== null) bytes.set(bodyBytes, saltEnd)
  return {
    ...frame,
    envelopeBytes: asBuffer(bytes.subarray(0, envelopeEnd)),
    salt: salt === null ? null : bytes.subarray(envelopeEnd, saltEnd),
    bodyBytes: bodyBytes === null ? null : bytes.subarray(saltEnd),
  }
}
