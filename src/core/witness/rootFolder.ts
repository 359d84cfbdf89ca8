// A root folder as a log to be witnessed: read where it is, without its lock, and with nothing written into it.

import { SentientError } from '../errors.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodeFormatFile, type FormatFile } from '../format/formatFile.ts'
import { parseVerifierKey, type VerifierKey } from '../format/note.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, Host } from '../host/host.ts'
import { type Journal, openJournal } from '../journal/journal.ts'
import type { LogPlace } from './places.ts'
import { readFile } from './readFile.ts'

const smallFileBytesMax = 65_536

/** Takes over the directory when it is a root folder; undefined when it is none. */
export function openRootFolderLog(host: Host, directory: Directory, name: string): LogPlace | undefined {
  const runtime = directory.child('.runtime')
  if (runtime?.stat('format')?.kind !== 'file') {
    runtime?.close()
    return undefined
  }
  let journal: Journal | undefined
  const opened = (): Journal => {
    journal ??= openFor(host, runtime, name)
    return journal
  }
  return {
    name,
    async checkpoint() {
      const stored = opened().checkpoint()
      if (stored !== undefined) return stored.bytes
      throw new SentientError('STATE_NOT_FOUND', { what: 'No checkpoint was signed there yet', where: name })
    },
    async proof(from, to) {
      const log = opened()
      if (log.head().size < to) log.refresh()
      if (log.head().size < to) return undefined
      return { path: log.consistency(from, to), found: log.rootHash(from) }
    },
    keys: () => keysOf(directory),
    close() {
      journal?.close()
      runtime.close()
      directory.close()
    },
  }
}

function openFor({ clock, random, processes, locks }: Host, runtime: Directory, name: string): Journal {
  const { logId, earlier = [] } = formatOf(runtime, name)
  const ports = { clock, random, processes, locks }
  return openJournal({ ...ports, directory: runtime, access: 'read', logId, earlierLogIds: earlier })
}

function formatOf(runtime: Directory, name: string): FormatFile {
  try {
    return decodeFormatFile(readFile(runtime, 'format', smallFileBytesMax))
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError('DAMAGED', { where: `${name}/.runtime/format`, found: error.reason }, error)
  }
}

/** The public keys of all epochs; what cannot be read is no key. */
function keysOf(root: Directory): VerifierKey[] {
  const home = root.child('.auth')
  try {
    const names = (home?.list() ?? []).map(({ name }) => name).filter(name => /^log-\d{1,6}\.vkey$/.test(name))
    return names.sort().flatMap(name => {
      try {
        return [
          parseVerifierKey(
            Buffer.from(readFile(home!, name, smallFileBytesMax))
              .toString('utf8')
              .trim(),
          ),
        ]
      } catch (error) {
        if (isFormatError(error) || isHostError(error)) return []
        throw error
      }
    })
  } finally {
    home?.close()
  }
}
