// Small files of the dotfolders as verification reads them: whole, bounded, and damage is an answer, not an exception.
import { marksFileBytes } from '../format/constants.generated.ts'
import { decodeMarksFile, type MarksFile } from '../format/marks.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory } from '../host/host.ts'
import { readFully } from '../store/layout.ts'

export type SmallFile =
  | { readonly state: 'read'; readonly bytes: Uint8Array }
  | { readonly state: 'missing' }
  | { readonly state: 'unreadable'; readonly reason: string }

export function readFile(directory: Directory, name: ByteString, bytesMax: number): SmallFile {
  try {
    const stat = directory.stat(name)
    if (stat === undefined) return { state: 'missing' }
    if (stat.kind !== 'file') return { state: 'unreadable', reason: `a ${stat.kind} stands there` }
    if (stat.size > bytesMax) return { state: 'unreadable', reason: `${stat.size} bytes are too many` }
    const file = directory.open(name, 'read')
    try {
      return { state: 'read', bytes: readFully(file, 0, stat.size) }
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return { state: 'missing' }
    if (!isHostError(error)) throw error
    return { state: 'unreadable', reason: `the disk reports ${error.code}` }
  }
}

export function readMarks(runtime: Directory): MarksFile | undefined {
  const file = readFile(runtime, 'marks', 2 * marksFileBytes)
  return file.state === 'read' ? decodeMarksFile(file.bytes) : undefined
}

/** Runs on a directory below; undefined when it is not there. */
export function inChild<T>(directory: Directory, name: ByteString, work: (child: Directory) => T): T | undefined {
  const child = directory.child(name)
  if (child === undefined) return undefined
  try {
    return work(child)
  } finally {
    child.close()
  }
}
