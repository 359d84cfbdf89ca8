// The beginning of a file as rows: text made safe, or the bytes of what is no text. Reads at most a fixed amount.
import { isUtf8 } from 'node:buffer'
import { displayBytes } from '../../core/format/bytes.ts'
import type { System } from '../../core/system.ts'
import type { GovernedPath, StatePoint } from '../../core/timeline/model.ts'
import type { Preview } from '../state/query.ts'
import { safeText } from '../widgets/text.ts'

const previewBytesMax = 128 * 1024
const hexBytesMax = 4096
const lineCharactersMax = 2000
const previewEntriesMax = 1000
const noBytes = new Uint8Array()

/** What a path holds at a point, or on disk; undefined when it is not there. */
export function readPreview(system: System, path: GovernedPath, at: StatePoint | 'disk'): Preview | undefined {
  const entry = system.entry(path, at === 'disk' ? {} : { at })
  if (entry?.kind === 'symlink')
    return {
      kind: 'symlink',
      lines: [`-> ${displayBytes(entry.target ?? '')}`],
      bytes: noBytes,
      size: entry.size,
      partial: false,
    }
  if (entry?.kind === 'dir') return directoryPreview(system, path, at, entry.size)
  const file = system.openFile(path, at)
  if (file === undefined) return undefined
  try {
    const bytes = new Uint8Array(Math.min(file.size, previewBytesMax))
    let length = 0
    while (length < bytes.length) {
      const read = file.read(bytes, length, bytes.length - length, length)
      if (read === 0) break
      length += read
    }
    return previewOf(bytes.subarray(0, length), file.size)
  } finally {
    file.close()
  }
}

/** The first names of a directory with their signs; a big one is not listed only to be passed by. */
function directoryPreview(
  system: System,
  path: GovernedPath,
  at: StatePoint | 'disk',
  size: number,
): Preview | undefined {
  if (size > previewEntriesMax) return undefined
  const entries = system.directory(path, at === 'disk' ? {} : { at })
  const lines = entries.map(({ mark, name, kind }) => `${mark} ${displayBytes(name)}${kind === 'dir' ? '/' : ''}`)
  return { kind: 'text', lines, bytes: noBytes, size: lines.length, partial: false }
}

/** Text where it is UTF-8 without zero bytes, else binary. The last line of a part may be cut in a character. */
export function previewOf(bytes: Uint8Array, size: number): Preview {
  const partial = bytes.length < size
  const whole = partial ? bytes.subarray(0, lastLineEnd(bytes)) : bytes
  if (whole.includes(0) || !isUtf8(whole))
    return { kind: 'binary', lines: [], bytes: bytes.slice(0, hexBytesMax), size, partial: size > hexBytesMax }
  const text = Buffer.from(whole).toString('utf8')
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return { kind: 'text', lines: lines.map(shownLine), bytes: noBytes, size, partial }
}

const lastLineEnd = (bytes: Uint8Array): number => {
  const end = bytes.lastIndexOf(0x0a)
  return end < 0 ? bytes.length - (bytes.length % 4) : end + 1
}

const shownLine = (line: string): string =>
  safeText((line.length > lineCharactersMax ? line.slice(0, lineCharactersMax) : line).replace(/\r$/, ''))
