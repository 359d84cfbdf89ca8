// The real disk against the suite of all hosts, with and without /proc.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { createDiskFiles } from '../../../src/core/host/disk.ts'
import { type HostSubject, runHostSuite } from '../../suites/hostSuite.ts'
import { makeTemporaryFolder } from '../../support/host.ts'

function makeDiskSubject(byDescriptor: boolean): HostSubject {
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

assert.equal(process.platform === 'win32', false)
runHostSuite('disk', () => makeDiskSubject(true))
runHostSuite('disk by path', () => makeDiskSubject(false))
