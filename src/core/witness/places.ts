// Where a witness finds logs: a root folder, a directory or an address with the layout of C2SP tlog-tiles, or a file
// with a signed checkpoint. Each gives its newest checkpoint, and proofs as far as it has the tree.

import { SentientError } from '../errors.ts'
import { asBuffer, byteStringOfText } from '../format/bytes.ts'
import { consistencyBytesMax, parseConsistency } from '../format/consistency.ts'
import { inclusionBytesMax, noteBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { parseInclusion } from '../format/inclusion.ts'
import { parseNote, type VerifierKey } from '../format/note.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, Host } from '../host/host.ts'
import { readFile } from './readFile.ts'
import { openRootFolderLog } from './rootFolder.ts'
import { createTiledLog, type ReadPath } from './tiledLog.ts'

export interface Proof {
  readonly path: readonly Uint8Array[]
  /** The root that the first records of the newer tree have. */
  readonly found: Uint8Array
}

export interface LogPlace {
  /** An absolute path or an address. */
  readonly name: string
  /** The signed checkpoint as it is there, unchecked. Throws PATH_NOT_FOUND, NETWORK, DAMAGED. */
  checkpoint(): Promise<Uint8Array>
  /** From the first `from` records to `to`, unchecked; undefined when the place does not have that tree. */
  proof(from: number, to: number): Promise<Proof | undefined>
  /** Keys that the place itself vouches for: only a root folder does. */
  keys(): readonly VerifierKey[]
  close(): void
}

export const isAddress = (name: string): boolean => /^https?:\/\//i.test(name)

/** Opens a place by its absolute path or address. */
export function openPlace(host: Host, name: string, signal: AbortSignal | undefined): LogPlace {
  if (isAddress(name)) return addressPlace(host, name, signal)
  const directory = openDirectory(host, name)
  if (directory === undefined) return filePlace(host, name)
  try {
    return openRootFolderLog(host, directory, name) ?? directoryPlace(directory, name)
  } catch (error) {
    directory.close()
    throw error
  }
}

function openDirectory(host: Host, name: string): Directory | undefined {
  try {
    return host.files.openDirectory(name)
  } catch (error) {
    if (isHostError(error, 'NOT_A_DIRECTORY')) return undefined
    throw error
  }
}

const answerMs = 30_000

function addressPlace({ network }: Host, name: string, signal: AbortSignal | undefined): LogPlace {
  if (network === undefined) throw new SentientError('NETWORK', { what: 'There is no network here', where: name })
  const prefix = name.replace(/\/+$/, '')
  const read: ReadPath = async (path, bytesMax) => {
    const url = `${prefix}/${path}`
    const answer = await network.get(url, { bytesMax, timeoutMs: answerMs, signal })
    if (signal?.aborted === true) throw new SentientError('CANCELLED')
    if (answer.state === 'failed') throw new SentientError('NETWORK', { where: url, found: answer.reason })
    if (answer.status === 404 || answer.status === 410) return undefined
    if (answer.status !== 200) throw new SentientError('NETWORK', { where: url, found: `status ${answer.status}` })
    return answer.bytes
  }
  return { ...createTiledLog(prefix, read), name: prefix, keys: () => [], close: () => undefined }
}

function directoryPlace(directory: Directory, name: string): LogPlace {
  const read: ReadPath = async (path, bytesMax) => readBelow(directory, path.split('/'), bytesMax)
  return { ...createTiledLog(name, read), name, keys: () => [], close: () => directory.close() }
}

/** A file at some names below; undefined when it is missing. */
function readBelow(directory: Directory, names: readonly ByteString[], bytesMax: number): Uint8Array | undefined {
  const [first = '', ...rest] = names
  try {
    if (rest.length === 0) return readFile(directory, first, bytesMax)
    const below = directory.child(first)
    try {
      return below === undefined ? undefined : readBelow(below, rest, bytesMax)
    } finally {
      below?.close()
    }
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND', 'NOT_A_DIRECTORY')) return undefined
    throw error
  }
}

interface FileContent {
  readonly note: Uint8Array
  /** What a consistency file proves, and between which sizes. */
  readonly proven?: Proof & { readonly from: number }
}

/** A file with a signed checkpoint: alone, in a consistency file, or in an inclusion file. */
function filePlace(host: Host, name: string): LogPlace {
  const split = name.lastIndexOf('/')
  const content = (): FileContent => {
    const parent = host.files.openDirectory(split <= 0 ? '/' : name.slice(0, split))
    if (parent === undefined) throw new SentientError('PATH_NOT_FOUND', { where: name })
    try {
      return contentOf(readFile(parent, byteStringOfText(name.slice(split + 1)), consistencyBytesMax), name)
    } catch (error) {
      if (isHostError(error, 'NOT_FOUND')) throw new SentientError('PATH_NOT_FOUND', { where: name }, error)
      throw error
    } finally {
      parent.close()
    }
  }
  return {
    name,
    checkpoint: async () => content().note,
    async proof(from, to) {
      const { note, proven } = content()
      const isAbout = proven?.from === from && sizeIn(note) === to
      return isAbout ? proven : undefined
    },
    keys: () => [],
    close: () => undefined,
  }
}

function sizeIn(note: Uint8Array): number {
  return Number(parseNote(note).text.split('\n')[1])
}

function contentOf(bytes: Uint8Array, where: string): FileContent {
  const text = asBuffer(bytes).toString('utf8', 0, 64)
  try {
    if (text.startsWith('sentientos.invalid/tlog-consistency@')) {
      const { oldSize, oldRoot, found, path, newNote } = parseConsistency(bytes)
      return { note: newNote, proven: { from: oldSize, path, found: found ?? oldRoot } }
    }
    if (text.startsWith('c2sp.org/tlog-proof@') && bytes.length <= inclusionBytesMax) {
      return { note: parseInclusion(bytes).checkpointNote }
    }
    parseNote(bytes, noteBytesMax)
    return { note: bytes }
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError('DAMAGED', { what: 'Not a signed checkpoint', where, found: error.reason }, error)
  }
}
