// The hosts that the suite of all hosts runs on, with what the suite needs beside the port.

import { execFileSync } from 'node:child_process'
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { createDiskFiles } from '../../../src/core/host/disk.ts'
import type { HostSubject } from '../../suites/hostSuite.ts'
import { createTestHost, makeTemporaryFolder } from '../../support/host.ts'

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
  const { host, path, directory, remove } = makeTemporaryFolder({ files: createDiskFiles({ byDescriptor }) })
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

// Permission bits do not bind root; the file system's immutable flag binds everybody.
function makeReadOnly(path: string): () => void {
  if (process.geteuid?.() !== 0) {
    execFileSync('chmod', ['0555', path])
    return () => execFileSync('chmod', ['0755', path])
  }
  execFileSync('chattr', ['+i', path])
  return () => execFileSync('chattr', ['-i', path])
}
