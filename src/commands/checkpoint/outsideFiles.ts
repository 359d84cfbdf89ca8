// What the verbs that check things for others read: small files that the user names, or standard input, and keys.

import { SentientError } from '../../core/errors.ts'
import { isFormatError } from '../../core/format/formatError.ts'
import { parseVerifierKey, type VerifierKey } from '../../core/format/note.ts'
import type { CommandContext, CommandSpec } from '../spec.ts'

type Lent = Pick<CommandContext<CommandSpec>, 'caller' | 'signal'>

/** The bytes of a file, `-` for standard input; one byte more than `bytesMax` at most, by which it is seen to be too long. */
export async function smallFile({ caller, signal }: Lent, file: string, bytesMax: number): Promise<Uint8Array> {
  const source = file === '-' ? await caller.standardInput(signal) : await caller.openFile(file)
  try {
    const bytes = new Uint8Array(Math.min(source.size, bytesMax + 1))
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = source.read(bytes, length, bytes.length - length, length)
    }
    return bytes.subarray(0, length)
  } finally {
    source.close()
  }
}

/** A verifier key from the command line; USAGE for anything else. */
export function parsedKey(text: string): VerifierKey {
  try {
    return parseVerifierKey(text.trim())
  } catch (error) {
    if (!isFormatError(error)) throw error
    const found = error.reason
    throw new SentientError(
      'USAGE',
      { what: '--key is wrong', expected: 'what "sentctl checkpoint key" printed', found },
      error,
    )
  }
}
