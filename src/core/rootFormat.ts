// `.runtime/format` as it is opened: where its log ids are not those of the keys, or it can not be read at all, what it
// held is known all the same as long as the keys, the journal and what this device remembers agree on it.
import { readWhole } from './backup/files.ts'
import { SentientError } from './errors.ts'
import { bindingFileName, decodeBinding } from './format/binding.ts'
import { byteStringOfText, equalBytes } from './format/bytes.ts'
import { parseOrigin } from './format/checkpoint.ts'
import { bindingBytesMax, formatVersion } from './format/constants.generated.ts'
import { FormatError, isFormatError } from './format/formatError.ts'
import { decodeFormatFile, encodeFormatFile, type FormatFile } from './format/formatFile.ts'
import { decodeSegmentHeader, parseSegmentFileName, segmentFileName, segmentHeaderBytes } from './format/frame.ts'
import type { Directory } from './host/host.ts'
import { readCheckpointFile } from './journal/checkpointFile.ts'
import { readableKeys } from './keys/keys.ts'

export interface RootFormat {
  readonly file: FormatFile
  /** What is wrong with the file on disk, where what it held is only known from elsewhere. */
  readonly fault: string | undefined
}

export interface FormatPlaces {
  readonly root: Directory
  readonly runtime: Directory
  readonly auth: Directory
  readonly stateDirectory: Directory | undefined
}

const formatBytesMax = 65_536
/** Of a file that can not be read at most so many bytes are wrong: another version may spell it otherwise. */
const wrongBytesMax = 4

/** Throws DAMAGED. */
export function rootFormat(places: FormatPlaces): RootFormat {
  const bytes = readFormat(places.runtime)
  const ids = logIdsOf(places.auth)
  let file: FormatFile | undefined
  let reason = 'its log ids are not those of the keys'
  try {
    file = decodeFormatFile(bytes)
    if (ids.length === 0 || [file.logId, ...(file.earlier ?? [])].every(id => isAmong(ids, id)))
      return { file, fault: undefined }
  } catch (error) {
    if (!isFormatError(error)) throw error
    reason = error.reason
  }
  const told = toldFormat(places, ids, file)
  if (told !== undefined && isLike(encodeFormatFile(told), bytes, file === undefined))
    return { file: told, fault: reason }
  // Keys alone may be what is wrong.
  if (file !== undefined) return { file, fault: undefined }
  throw new SentientError('DAMAGED', { what: 'The format file is damaged', where: '.runtime/format', found: reason })
}

function readFormat(runtime: Directory): Uint8Array {
  const file = runtime.open('format', 'read')
  try {
    const bytes = new Uint8Array(formatBytesMax)
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
  } finally {
    file.close()
  }
}

const isAmong = (ids: readonly Uint8Array[], id: Uint8Array): boolean => ids.some(one => equalBytes(one, id))

/** The log ids in the names of the public keys, each once, oldest first. */
function logIdsOf(auth: Directory): Uint8Array[] {
  const ids: Uint8Array[] = []
  for (const { name } of readableKeys(auth)) {
    try {
      const { logId } = parseOrigin(name)
      if (!isAmong(ids, logId)) ids.push(logId)
    } catch (error) {
      if (!isFormatError(error)) throw error
    }
  }
  return ids
}

/** The file that goes with the keys; undefined unless somebody else says the same, and nobody anything else. */
function toldFormat(
  places: FormatPlaces,
  ids: readonly Uint8Array[],
  file: FormatFile | undefined,
): FormatFile | undefined {
  const logId = ids.at(-1)
  if (logId === undefined) return undefined
  const witnesses = [idOfLastSegment(places.runtime), idOfCheckpoint(places.runtime), idOfBinding(places)].filter(
    id => id !== undefined,
  )
  if (!isAmong(witnesses, logId) || !witnesses.every(id => isAmong(ids, id))) return undefined
  const { format = formatVersion, requires = [], options = [] } = file ?? {}
  const earlier = ids.slice(0, -1)
  return { format, requires, options, logId, ...(earlier.length === 0 ? {} : { earlier }) }
}

function isLike(told: Uint8Array, found: Uint8Array, unreadable: boolean): boolean {
  if (told.length !== found.length) return false
  const wrong = told.reduce((count, byte, at) => (byte === found[at] ? count : count + 1), 0)
  return !unreadable || wrong <= wrongBytesMax
}

function idOfLastSegment(runtime: Directory): Uint8Array | undefined {
  const journal = runtime.child('journal')
  try {
    const firsts = journal?.list().flatMap(({ name }) => parseSegmentFileName(name) ?? []) ?? []
    if (firsts.length === 0) return undefined
    const file = journal?.open(segmentFileName(Math.max(...firsts)), 'read')
    try {
      const header = new Uint8Array(segmentHeaderBytes)
      return ignoringFormat(
        () => decodeSegmentHeader(header.subarray(0, file?.read(header, 0, header.length, 0))).logId,
      )
    } finally {
      file?.close()
    }
  } finally {
    journal?.close()
  }
}

function idOfCheckpoint(runtime: Directory): Uint8Array | undefined {
  const stored = readCheckpointFile(runtime)
  return typeof stored === 'object' ? ignoringFormat(() => parseOrigin(stored.origin).logId) : undefined
}

function idOfBinding({ root, stateDirectory }: FormatPlaces): Uint8Array | undefined {
  const name = bindingFileName(byteStringOfText(root.path))
  const bytes = stateDirectory && readWhole(stateDirectory, name, bindingBytesMax)
  return bytes && ignoringFormat(() => decodeBinding(bytes).logId)
}

function ignoringFormat<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}
