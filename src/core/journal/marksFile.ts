// `.runtime/marks` as the journal uses it: read both slots at once, write the one that is not the newest. Writes are
// not flushed here; a mark that a power cut loses only means that the next writer looks at more of the tail.

import { marksFileBytes } from '../format/constants.generated.ts'
import { decodeMarksFile, encodeMarks, type Marks, type MarksFile, marksOffset } from '../format/marks.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import { readFully } from './segments.ts'

export interface MarksStore {
  /** What the file says now; undefined when there is none. */
  read(): MarksFile | undefined
  /** Writes the slot of the marks' generation. */
  write(marks: Marks): void
  /** Makes the file with both slots valid, durably. */
  create(marks: Marks): void
  flush(): void
  close(): void
}

const fileName = 'marks'
const newName = 'marks.new'

export function createMarksStore(runtime: Directory, writable: boolean): MarksStore {
  let file: OpenFile | undefined
  const open = (): OpenFile | undefined => {
    if (file !== undefined) return file
    try {
      return (file = runtime.open(fileName, writable ? 'modify' : 'read'))
    } catch (error) {
      if (isHostError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }
  const close = (): void => {
    const closing = file
    file = undefined
    closing?.close()
  }
  return {
    read() {
      let opened = open()
      if (opened === undefined) return undefined
      // One byte more than there should be: a longer file is not as it was written.
      const bytes = Buffer.alloc(marksFileBytes + 1)
      const first = decodeMarksFile(bytes.subarray(0, readFully(opened, bytes, 0)))
      if (first.newest !== undefined) return first
      // Perhaps it was made anew since it was opened.
      close()
      opened = open()
      return opened && decodeMarksFile(bytes.subarray(0, readFully(opened, bytes, 0)))
    },
    write(marks) {
      const opened = open()
      opened?.write(encodeMarks(marks), marksOffset(marks.generation))
    },
    create(marks) {
      const bytes = new Uint8Array(marksFileBytes)
      for (const generation of [marks.generation, marks.generation + 1]) {
        bytes.set(encodeMarks({ ...marks, generation }), marksOffset(generation))
      }
      const existing = open()
      if (existing !== undefined) {
        // In place, as other processes hold it open.
        existing.write(bytes, 0)
        existing.truncate(marksFileBytes)
        existing.flush()
        return
      }
      if (runtime.stat(newName) !== undefined) runtime.removeFile(newName)
      const created = runtime.open(newName, 'create', 0o600)
      try {
        created.write(bytes, 0)
        created.flush()
      } finally {
        created.close()
      }
      runtime.rename(newName, runtime, fileName)
      runtime.flush()
    },
    flush: () => open()?.flush(),
    close,
  }
}
