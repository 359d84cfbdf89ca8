// What shall become of paths on disk, one by one: made by a plan before the commit, carried out after it.
import type { Link } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { ByteString, FileStat } from '../host/host.ts'
import { createPackedList, type PackedCodec, type PackedList } from '../store/packedList.ts'

/** One path and what it shall become; `seen` is what the disk held when that was decided (undefined: nothing). */
export interface Target {
  readonly path: ByteString
  readonly after: Entry | null
  readonly seen: FileStat | undefined
  /** A directory that comes with everything below it, where nothing is. */
  readonly whole?: boolean
  /** The disk holds the content already: only the mode has to be set. */
  readonly modeOnly?: boolean
  /** The content seen, when its times are too young to tell a change in the same tick: it is read again at the last moment. */
  readonly recheck?: Link
}

const targetCodec: PackedCodec<Target> = {
  write(writer, { after, seen, modeOnly, recheck, whole }) {
    writer.entry(after)
    writer.stat(seen)
    writer.flag(modeOnly)
    writer.link(recheck)
    writer.flag(whole)
  },
  read: (reader, path) => ({
    path,
    after: reader.entry() ?? null,
    seen: reader.stat(),
    modeOnly: reader.flag(),
    recheck: reader.link(),
    whole: reader.flag(),
  }),
}

export const createTargetList = (): PackedList<Target> => createPackedList(targetCodec)

/** Something has to go: the path shall not be, or shall be of another kind. */
export function isRemoval({ after, seen }: Target): boolean {
  if (seen === undefined) return false
  return after === null || (after.kind === 'dir') !== (seen.kind === 'dir')
}

/** Its content has to be written. */
export function needsStaging({ after, modeOnly }: Target): boolean {
  return after !== null && after.kind !== 'dir' && modeOnly !== true
}
