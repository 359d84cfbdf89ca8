// cat: the bytes of files, on disk or of a past state. They are read in pieces, whatever their size.

import { isUtf8 } from 'node:buffer'
import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import type { OpenedFile } from '../../core/system.ts'
import type { GovernedPath, StatePoint } from '../../core/timeline/model.ts'
import { pathData } from '../data.ts'
import type { CommandContext, Handler, OutputOf } from '../spec.ts'
import type { catSpec } from './spec.ts'

const pieceBytes = 256 * 1024
const dataBytesMax = 16 * 1024 * 1024

type FileData = OutputOf<typeof catSpec>['files'][number]

export const run: Handler<typeof catSpec> = async function* (context) {
  const { system, args, signal, cwd, format } = context
  const at = args.at === undefined ? 'disk' : system.resolve(args.at)
  const files: FileData[] = []
  for (const text of args.path) {
    const path = system.governedPath(text, cwd)
    const file = opened(context, path, at)
    try {
      if (format === 'data') {
        files.push({ ...pathData(path), size: file.size, ...contentData(file, path) })
        continue
      }
      for (let position = 0; ; ) {
        if (signal.aborted) throw new SentientError('CANCELLED')
        // A piece of its own each time: the one before may still be on its way out.
        const piece = new Uint8Array(pieceBytes)
        const length = file.read(piece, 0, pieceBytes, position)
        if (length === 0) break
        position += length
        yield { bytes: piece.subarray(0, length) }
      }
    } finally {
      file.close()
    }
  }
  return { result: { files } }
}

function opened({ system }: CommandContext<typeof catSpec>, path: GovernedPath, at: StatePoint | 'disk'): OpenedFile {
  const entry = path === '' ? undefined : system.entry(path, at === 'disk' ? {} : { at })
  const file = entry?.kind === 'file' ? system.openFile(path, at) : undefined
  if (file !== undefined) return file
  const where = path === '' ? '.' : displayBytes(path)
  if (path === '' || entry?.kind === 'dir') {
    throw new SentientError('IS_A_DIRECTORY', { where, hint: 'See sentctl ls for what is in it.' })
  }
  if (entry?.kind === 'symlink') {
    const target = displayBytes(entry.target ?? '')
    throw new SentientError('SYMLINK_IN_PATH', {
      what: 'It is a symlink',
      where,
      found: `a symlink to ${target}`,
      hint: 'Name what it points to.',
    })
  }
  const gone = entry !== undefined && entry.mark === '-'
  throw new SentientError('PATH_NOT_FOUND', {
    where,
    ...(at === 'disk' ? {} : { found: `nothing there at ${at.text}` }),
    ...(gone
      ? {
          hint: 'It was recorded and is gone: sentctl cat PATH --at now prints it, sentctl restore PATH brings it back.',
        }
      : {}),
  })
}

function contentData(file: OpenedFile, path: GovernedPath): Pick<FileData, 'content' | 'contentBytes'> {
  if (file.size > dataBytesMax) {
    throw new SentientError('LIMIT', {
      where: displayBytes(path),
      expected: `at most ${dataBytesMax} bytes with --json`,
      found: `${file.size} bytes`,
      hint: 'Leave --json out.',
    })
  }
  const bytes = new Uint8Array(file.size)
  let length = 0
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = file.read(bytes, length, bytes.length - length, length)
  }
  const content = Buffer.from(bytes.buffer, 0, length)
  return isUtf8(content) ? { content: content.toString('utf8') } : { contentBytes: content.toString('base64') }
}
