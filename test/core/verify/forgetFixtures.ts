// For the tests of forgetting: what a stranger checks, and a body taken out that no record lists.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { asBuffer } from '../../../src/core/format/bytes.ts'
import { decodeFrameAt, encodeFrame, frameSeed, segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import { verifyInclusionFile } from '../../../src/core/format/inclusion.ts'
import { parseVerifierKey } from '../../../src/core/format/note.ts'

/** The file proves the record under the key. */
export function checkInclusion(proof: string, verifierKey: string, seq: number): void {
  const verdict = verifyInclusionFile(Buffer.from(proof), [parseVerifierKey(verifierKey)])
  assert.equal(verdict.state, 'ok', JSON.stringify(verdict))
  assert.ok(proof.includes(`\nindex ${seq}\n`))
}

/** Writes a segment anew without the body of its n-th record. */
export function dropBody(segmentPath: string, index: number): void {
  const bytes = readFileSync(segmentPath)
  const seed = frameSeed(bytes.subarray(16, 32))
  const parts: Uint8Array[] = [bytes.subarray(0, segmentHeaderBytes)]
  for (let offset = segmentHeaderBytes, at = 0; offset < bytes.length; at++) {
    const frame = decodeFrameAt(asBuffer(bytes), offset, seed)
    assert.ok(frame.state === 'ok')
    const { envelopeBytes, salt, bodyBytes } = frame
    const body = at === index || salt === null || bodyBytes === null ? null : { salt, bodyBytes }
    parts.push(encodeFrame({ envelopeBytes, body, base: segmentHeaderBytes }, seed))
    offset = frame.nextOffset
  }
  writeFileSync(segmentPath, Buffer.concat(parts))
}
