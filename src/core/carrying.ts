// The history carried to other places and back: backups, archives, what another copy of the folder can mend. Part of
// `system.ts`: it joins the subsystems that do it with the places that the user names.
import { type BackupReport, backup } from './backup/backup.ts'
import { SentientError } from './errors.ts'
import { openOrMake, openParent } from './export/place.ts'
import type { Directory, Host } from './host/host.ts'
import type { Cancellable } from './systemApi.ts'
import type { TimelineContext } from './timeline/context.ts'
import { isRootFolder } from './timeline/init.ts'
import type { Work } from './timeline/model.ts'
import { writeProblem } from './worktree/apply.ts'

export interface BackupChoices extends Cancellable {
  /** Also reads everything that the backup has already, and replaces what is not as it should be. */
  readonly deep?: boolean
}

/** Brings the backup in a directory (an absolute path, made when missing) up to date. */
export async function* backupTo(
  host: Host,
  context: TimelineContext,
  path: string,
  { deep, signal }: BackupChoices = {},
): Work<BackupReport> {
  const to = openReceiving(host, path, context.directories.root)
  try {
    return yield* backup({ context, host, to, deep, signal })
  } catch (error) {
    throw writeProblem(error, path)
  } finally {
    to.close()
  }
}

/** Root folders are never nested, neither this one in that nor that one in any. */
export function openReceiving(host: Host, path: string, source: Directory | undefined): Directory {
  const { parent } = openParent(host.files, path)
  try {
    const place = `${parent.path === '/' ? '' : parent.path}${path.slice(path.lastIndexOf('/'))}`
    const above = rootAbove(host, parent.path)
    if (above !== undefined || source?.path.startsWith(`${place}/`) === true) {
      throw new SentientError('ROOT_EXISTS', {
        what: 'Root folders are never nested',
        where: path,
        found: `the root folder ${above ?? source?.path}`,
        hint: 'Name a directory outside of it.',
      })
    }
  } finally {
    parent.close()
  }
  return openOrMake(host.files, path, 0o700)
}

function rootAbove(host: Host, start: string): string | undefined {
  for (let path = start; ; path = path.slice(0, Math.max(1, path.lastIndexOf('/')))) {
    const directory = host.files.openDirectory(path)
    const found = directory !== undefined && isRootFolder(directory)
    directory?.close()
    if (found) return path
    if (path === '/' || !path.includes('/')) return undefined
  }
}
