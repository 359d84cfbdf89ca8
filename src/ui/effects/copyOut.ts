// Writes a file of any state outside the root folder's history: for who wants only that file.
import fs from 'node:fs'
import path from 'node:path'
import { SentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'
import type { GovernedPath } from '../../core/timeline/model.ts'

const chunkBytes = 256 * 1024

/** Copies to `name`, relative to `cwd`, `~/` is the home; never replaces anything. Returns where it went. */
export function copyOut(
  system: System,
  source: { readonly path: GovernedPath; readonly at: string },
  target: { readonly cwd: string; readonly home: string | undefined; readonly name: string },
): string {
  const to = path.resolve(
    target.cwd,
    target.home === undefined ? target.name : target.name.replace(/^~(?=\/)/, target.home),
  )
  if (to.startsWith(`${system.rootPath}/`))
    throw new SentientError('USAGE', { what: 'That lies in the root folder', where: to, hint: 'y and p put it there.' })
  const file = system.openFile(source.path, source.at === 'disk' ? 'disk' : system.resolve(source.at))
  if (file === undefined) throw new SentientError('PATH_NOT_FOUND', { where: source.path })
  try {
    const out = fs.openSync(to, 'wx')
    try {
      const buffer = new Uint8Array(chunkBytes)
      for (let position = 0; ; ) {
        const read = file.read(buffer, 0, buffer.length, position)
        if (read === 0) break
        fs.writeSync(out, buffer, 0, read, position)
        position += read
      }
    } finally {
      fs.closeSync(out)
    }
    return to
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new SentientError('PATH_EXISTS', { where: to }, error)
    if (error instanceof SentientError) throw error
    throw new SentientError('NOT_WRITABLE', { where: to }, error)
  } finally {
    file.close()
  }
}
