// What a file system can do, found out by trying it in `.runtime` with files that are gone again afterwards.
import { hexOf } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, Host } from '../host/host.ts'
import { ignoringHostErrors } from '../store/layout.ts'

export interface FileSystemTraits {
  /** A file keeps the mode it was given. */
  readonly modes: boolean
  /** `a` and `A` are one name. */
  readonly foldsCase: boolean
  /** A name comes back otherwise than it was given. */
  readonly normalises: boolean
  /** Whether a lock that one handle holds is refused to another; undefined where none can be had. */
  readonly locks: boolean | undefined
}

/** Undefined where nothing can be written. */
export function probeFileSystem(host: Host, directory: Directory): FileSystemTraits | undefined {
  const stem = `probe-${hexOf(host.random.bytes(6))}`
  const composed: ByteString = `${stem}-e\xcc\x81`
  const made: ByteString[] = []
  const make = (name: ByteString): void => {
    directory.open(name, 'create', 0o600).close()
    made.push(name)
  }
  try {
    make(`${stem}-a`)
    make(composed)
    directory.setMode(`${stem}-a`, 0o640)
    const modes = directory.stat(composed)?.mode === 0o600 && directory.stat(`${stem}-a`)?.mode === 0o640
    const foldsCase = directory.stat(`${stem}-A`) !== undefined
    const normalises = !directory.list().some(({ name }) => name === composed)
    return { modes, foldsCase, normalises, locks: probeLock(host, directory, `${stem}-lock`) }
  } catch (error) {
    if (!isHostError(error)) throw error
    return undefined
  } finally {
    for (const name of made) ignoringHostErrors(() => directory.removeFile(name))
  }
}

function probeLock(host: Host, directory: Directory, name: ByteString): boolean | undefined {
  try {
    const first = host.locks.open(directory, name)
    const second = host.locks.open(directory, name)
    try {
      return first.tryAcquire() && !second.tryAcquire()
    } finally {
      second.close()
      first.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
    return undefined
  } finally {
    ignoringHostErrors(() => directory.removeFile(name))
  }
}
