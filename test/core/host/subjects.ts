// The hosts that the suite of all hosts runs on, with what the suite needs beside the port.

import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createDiskFiles } from '../../../src/core/host/disk.ts'
import type { HostSubject } from '../../suites/hostSubject.ts'
import { createTestHost, makeTemporaryFolder, onDisk } from '../../support/host.ts'

/** The user who owns nothing, on Linux. */
const nobodyId = 65_534

export function makeMemorySubject(): HostSubject {
  const host = createTestHost()
  const root = host.files.openDirectory('/')!
  root.makeDirectory('work', 0o755)
  const directory = root.child('work')!
  return {
    host,
    directory,
    makeFifo: name => host.disk.makeFifo(directory, name),
    makeHardLink: (name, newName) => host.disk.makeHardLink(directory, name, newName),
    makeReadOnly: () => {
      host.disk.setReadOnly(true)
      return () => host.disk.setReadOnly(false)
    },
    followsMoves: true,
    remove: () => directory.close(),
  }
}

export function makeDiskSubject(byDescriptor: boolean): HostSubject {
  const { host, path, directory, remove } = makeTemporaryFolder({ files: createDiskFiles({ byDescriptor }) }, onDisk())
  chmodSync(path, 0o755)
  return {
    host,
    directory,
    makeFifo: name => execFileSync('mkfifo', [join(path, name)]),
    makeHardLink: (name, newName) => linkSync(join(path, name), join(path, newName)),
    makeReadOnly: name => makeReadOnly(join(path, name)),
    followsMoves: byDescriptor,
    remove,
  }
}

/** Makes changes in a directory, or of a file, fail; returns how to undo that. */
export function makeReadOnly(path: string, mode = 0o555): () => void {
  const { mode: before } = statSync(path)
  chmodSync(path, mode)
  const unbind = bindPermissions()
  return () => {
    unbind()
    chmodSync(path, before & 0o7777)
  }
}

// Permission bits do not bind root, so who runs as root becomes nobody for a while.
function bindPermissions(): () => void {
  if (process.geteuid?.() !== 0) return () => {}
  process.seteuid?.(nobodyId)
  return () => process.seteuid?.(0)
}
