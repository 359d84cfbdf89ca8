// What other programs do to the folder: edits that the disk has for certain the moment they are made, removals, and the
// loss of everything that can be rebuilt.

import { isHostError } from '../../src/core/host/error.ts'
import type { Directory } from '../../src/core/host/host.ts'
import { writeFile } from '../support/host.ts'
import type { Promises } from './checkRound.ts'
import type { World } from './world.ts'

/** Writes a file as an editor that flushes does; where a directory or a missing parent is in the way, nothing. */
export function editForCertain(world: World, path: string, text: string, promises: Promises): void {
  inParent(world, path, (parent, name) => {
    const stands = parent.stat(name)?.kind
    if (stands === 'dir') return
    // What stood there and was kept nowhere is overwritten by the one who wrote this: no promise covers it.
    forget(promises, path)
    if (stands === 'symlink') parent.removeFile(name)
    writeFile(parent, name, text)
    const file = parent.open(name, 'modify')
    file.flush()
    file.close()
    parent.flush()
    promises.written.set(text, { path })
  })
}

export function removeForCertain(world: World, path: string, promises: Promises): void {
  inParent(world, path, (parent, name) => {
    const stands = parent.stat(name)?.kind
    if (stands === undefined || stands === 'dir') return
    forget(promises, path)
    parent.removeFile(name)
    parent.flush()
  })
}

function forget(promises: Promises, path: string): void {
  for (const [text, written] of promises.written) if (written.path === path) promises.written.delete(text)
}

function inParent(world: World, path: string, body: (parent: Directory, name: string) => void): void {
  const parts = path.split('/')
  const name = parts.pop() as string
  let parent = world.folder()
  try {
    for (const part of parts) {
      const next = parent.stat(part)?.kind === 'dir' ? parent.child(part) : undefined
      if (next === undefined) return
      parent.close()
      parent = next
    }
    body(parent, name)
  } finally {
    parent.close()
  }
}

/** Removes all that is derived. */
export function loseDerived(world: World): void {
  const root = world.folder()
  const tree = root.child('.tree')
  const packs = tree?.child('packs')
  const runtime = root.child('.runtime')
  quietly(() => root.removeFile('recycle.lock'))
  quietly(() => root.removeFile('recycle.trace'))
  for (const directory of [root.child('.db')]) {
    for (const { name, kind } of directory?.list() ?? []) if (kind === 'file') directory?.removeFile(name)
    directory?.close()
  }
  for (const { name } of packs?.list() ?? []) if (name.endsWith('.idx')) packs?.removeFile(name)
  quietly(() => tree?.removeFile('shared'))
  root.flushFileSystem()
  for (const directory of [packs, tree, runtime, root]) directory?.close()
}

function quietly(body: () => void): void {
  try {
    body()
  } catch (error) {
    if (!isHostError(error, 'NOT_FOUND')) throw error
  }
}
