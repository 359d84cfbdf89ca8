// The directories, files and locks of a failing host: each operation goes through the fault point, then to the inner
// handle. Closing is never counted and never fails, as a process that ends closes everything.

import type { Databases } from './database.ts'
import { isDiskDirectory } from './diskDirectory.ts'
import type { FaultPoint } from './failing.ts'
import type { ByteString, Directory, OpenFile, WriterLock } from './host.ts'
import { joinPath } from './names.ts'

export function createFailingDirectory(inner: Directory, point: FaultPoint): Directory {
  const { path } = inner
  const close = point.track(inner)
  const full = (name: ByteString): string => joinPath(path, name)
  return {
    path,
    child: name =>
      point.run('child', full(name), () => {
        const found = inner.child(name)
        return found === undefined ? undefined : point.wrap(found)
      }),
    clone: () => {
      point.requireAlive()
      return point.wrap(inner.clone())
    },
    list: () => point.run('list', path, () => inner.list()),
    *listInParts() {
      const parts = point.run('list', path, () => inner.listInParts())
      yield* parts
    },
    stat: name => point.run('stat', full(name), () => inner.stat(name)),
    selfStat: () => point.run('stat', path, () => inner.selfStat()),
    readLink: name => point.run('readLink', full(name), () => inner.readLink(name)),
    open: (name, how, mode) => {
      const call = how === 'create' ? 'create' : 'open'
      return point.run(call, full(name), () => createFailingFile(inner.open(name, how, mode), full(name), point))
    },
    makeDirectory: (name, mode) => point.run('makeDirectory', full(name), () => inner.makeDirectory(name, mode)),
    makeSymlink: (name, target) => point.run('makeSymlink', full(name), () => inner.makeSymlink(name, target)),
    rename: (name, to, toName) => point.run('rename', full(name), () => inner.rename(name, point.unwrap(to), toName)),
    removeFile: name => point.run('removeFile', full(name), () => inner.removeFile(name)),
    removeDirectory: name => point.run('removeDirectory', full(name), () => inner.removeDirectory(name)),
    setMode: (name, mode) => point.run('setMode', full(name), () => inner.setMode(name, mode)),
    setTimes: (name, mtimeNs) => point.run('setTimes', full(name), () => inner.setTimes(name, mtimeNs)),
    flush: () => point.run('flushDirectory', path, () => inner.flush()),
    flushFileSystem: () => point.run('flushFileSystem', path, () => inner.flushFileSystem()),
    freeBytes: () => point.run('freeBytes', path, () => inner.freeBytes()),
    close,
    ...placeOf(inner, point),
  }
}

function placeOf(inner: Directory, point: FaultPoint): { place?: (name?: ByteString) => unknown } {
  if (!point.showsPlaces || !isDiskDirectory(inner)) return {}
  return {
    place: name => {
      point.requireAlive()
      return inner.place(name)
    },
  }
}

function createFailingFile(inner: OpenFile, path: string, point: FaultPoint): OpenFile {
  const close = point.track(inner)
  return {
    read: (target, offset, length, position) =>
      point.run('read', path, () => inner.read(target, offset, length, position)),
    write: (bytes, position) =>
      point.run('write', path, () => inner.write(bytes, position), {
        short: count => inner.write(bytes.subarray(0, Math.min(count, bytes.length)), position),
      }),
    truncate: size => point.run('truncate', path, () => inner.truncate(size)),
    flush: () =>
      point.run('flush', path, () => inner.flush(), {
        failed: () => {
          if (losesUnflushed(inner)) inner.failFlush()
        },
      }),
    stat: () => point.run('stat', path, () => inner.stat()),
    setMode: mode => point.run('setMode', path, () => inner.setMode(mode)),
    close,
  }
}

// The memory host's files know what a failed flush does.
function losesUnflushed(file: OpenFile): file is OpenFile & { failFlush(): void } {
  return 'failFlush' in file
}

export function createFailingLock(inner: WriterLock, path: string, point: FaultPoint): WriterLock {
  return {
    tryAcquire: () => point.run('lock', path, () => inner.tryAcquire()),
    // Never fails and is not counted: the end of a process releases too.
    release: () => inner.release(),
    close: point.track(inner),
  }
}

// Derived data: a fault in it is nothing that anybody must survive, but it ends with the process.
export function createFailingDatabases(inner: Databases | undefined, point: FaultPoint): Databases | undefined {
  if (inner === undefined) return undefined
  return {
    open: (directory, name) => {
      point.requireAlive()
      const database = inner.open(point.unwrap(directory), name)
      if (database === undefined) return undefined
      const alive = <T>(body: () => T): T => {
        point.requireAlive()
        return body()
      }
      return {
        run: (sql, ...values) => alive(() => database.run(sql, ...values)),
        all: (sql, ...values) => alive(() => database.all(sql, ...values)),
        close: point.track(database),
      }
    },
  }
}
