// Byte sequences that the encoding of a body holds when it says a certain thing, and else as good as never: to pass over
// the records of a long journal without decoding them. The encoding is canonical, so none is missed.

import type { ByteString } from '../host/host.ts'
import { written } from './cbor.ts'

/** Of a body with this value under this key, at its top or in its fields. */
export const bytesOfText = (key: string, value: string): Uint8Array =>
  written(writer => {
    writer.text(key)
    writer.text(value)
  })

/** Of a body with this key, at its top or in its fields. */
export const bytesOfKey = (key: string): Uint8Array => written(writer => writer.text(key))

/** Of a body about this kind of subject, or about this very one. */
export const bytesOfSubject = (kind: string, id?: ByteString): Uint8Array =>
  written(writer => {
    writer.text('subject')
    writer.list(2)
    writer.text(kind)
    if (id !== undefined) writer.byteString(id)
  })
