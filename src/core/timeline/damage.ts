// Which paths of the state in force are known to be damaged in the store: what the last verification found, kept with
// the derived data so that every look at the tree can show it.
import { byteStringOf, bytesOf } from '../format/bytes.ts'
import { decode, encode, isList } from '../format/cbor.ts'
import { FormatError } from '../format/formatError.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString } from '../host/host.ts'
import type { TimelineContext } from './context.ts'

const damagedName = 'damaged'
const damagedPathsMax = 10_000

export function readDamagedPaths(context: Pick<TimelineContext, 'directories'>): ByteString[] {
  const { derived } = context.directories
  if (derived === undefined) return []
  try {
    const file = derived.open(damagedName, 'read')
    try {
      const bytes = new Uint8Array(file.stat().size)
      file.read(bytes, 0, bytes.length, 0)
      const value = decode(bytes)
      return isList(value) ? value.map(item => byteStringOf(item as Uint8Array)) : []
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error) || error instanceof FormatError) return []
    throw error
  }
}

export function writeDamagedPaths(context: Pick<TimelineContext, 'directories'>, paths: Iterable<ByteString>): void {
  const { derived } = context.directories
  if (derived === undefined) return
  try {
    if (derived.stat(damagedName) !== undefined) derived.removeFile(damagedName)
    const list = [...new Set(paths)].sort().slice(0, damagedPathsMax)
    if (list.length === 0) return
    const file = derived.open(damagedName, 'create', 0o600)
    try {
      file.write(encode(list.map(path => bytesOf(path))), 0)
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}
