// Full disks, disks that can only be read, a disk in the middle of the tree: real ones, small, in memory, each mounted
// in a namespace of its own that goes with the process. Where nothing can be mounted these tests fail and say so.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeTemporaryFolder, type TemporaryFolder } from '../support/host.ts'

const scenesFile = path.join(import.meta.dirname, 'mounted.ts')
/** Root needs no user namespace; somebody else becomes root in one of his own. */
const namespaces = process.geteuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']

let folder: TemporaryFolder
before(() => {
  folder = makeTemporaryFolder()
})
after(() => folder.remove())

function run(scene: string): void {
  const script = 'mount -t tmpfs -o size=16m none "$1" || exit 99; exec "$2" "$3" "$4" "$1"'
  const parameters = ['sh', '-c', script, 'sh', folder.path, process.execPath, scenesFile, scene]
  const { status, stdout, stderr, error } = spawnSync('unshare', [...namespaces, ...parameters], { encoding: 'utf8' })
  assert.equal(error, undefined, `unshare of util-linux is needed: ${error?.message}`)
  assert.notEqual(status, 99, `this machine can not mount a small file system: ${stderr}`)
  assert.equal(status, 0, stderr)
  assert.match(stdout, /done/)
}

describe('on a small disk of its own', () => {
  it('a full disk refuses by name, loses nothing, and lets those go on who make room', () => run('full'))
  it('a disk that can only be read is read', () => run('readOnly'))
  it('a disk in the middle of the tree is written like the rest', () => run('within'))
})
