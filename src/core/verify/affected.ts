// Which paths of a state need an object: the answer to "what is damaged, then?".
import { decodeList } from '../format/content.ts'
import { isFormatError } from '../format/formatError.ts'
import type { Link, ObjectId } from '../format/id.ts'
import { decodeNode } from '../format/node.ts'
import type { ByteString } from '../host/host.ts'
import type { Store } from '../store/store.ts'
import { joinPath } from '../worktree/paths.ts'

export interface Affected {
  readonly path: ByteString
  readonly id: ObjectId
  /** The object is the directory itself, or a part of it: what lies below is not known. */
  readonly directory: boolean
}

interface Place {
  readonly link: Link
  readonly path: ByteString
  readonly directory: boolean
}

/** Every path and wanted object that it needs; undefined now and then, for callers who give way. */
export function* affectedPaths(
  store: Store,
  files: Link,
  isWanted: (id: ObjectId) => boolean,
): Generator<Affected | undefined> {
  const stack: Place[] = [{ link: files, path: '', directory: true }]
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { link, path, directory } = place
    if (isWanted(link.id)) yield { path, id: link.id, directory }
    if (link.codec === 'raw') continue
    const result = store.read(link.id)
    if (result.state !== 'intact') continue
    try {
      if (directory) pushDirectory(result.bytes, path, stack)
      else for (const entry of decodeList(result.bytes).entries) stack.push({ link: entry.link, path, directory })
    } catch (error) {
      if (!isFormatError(error)) throw error
    }
    yield undefined
  }
}

function pushDirectory(bytes: Uint8Array, path: ByteString, stack: Place[]): void {
  const node = decodeNode(bytes)
  if (node.kind === 'branch') {
    for (const slot of node.slots) if (slot !== null) stack.push({ link: slot.link, path, directory: true })
    return
  }
  for (const entry of node.entries) {
    stack.push({ link: entry.content, path: joinPath(path, entry.name), directory: entry.kind === 'dir' })
  }
}
