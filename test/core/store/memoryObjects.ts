// Objects in a map, for tests of trees and contents that need no packs; and entries to put into them, in any order.

import { SentientError } from '../../../src/core/errors.ts'
import { cidText, type Link, type ObjectId, objectId, rawLink } from '../../../src/core/format/id.ts'
import type { Entry } from '../../../src/core/format/node.ts'
import type { ObjectWriter } from '../../../src/core/store/tree.ts'

export interface MemoryObjects extends ObjectWriter {
  readonly objects: Map<ObjectId, Uint8Array>
  /** The links that were read, in order. */
  readonly reads: Link[]
}

export function memoryObjects(): MemoryObjects {
  const objects = new Map<ObjectId, Uint8Array>()
  const reads: Link[] = []
  return {
    objects,
    reads,
    get(link) {
      reads.push(link)
      const bytes = objects.get(link.id)
      if (bytes === undefined) throw new SentientError('OBJECT_MISSING', { where: cidText(link) })
      return bytes
    },
    put(codec, _kind, bytes) {
      const id = objectId(bytes)
      objects.set(id, Uint8Array.from(bytes))
      return { codec, id }
    },
  }
}

export const lastName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

export function fileEntry(path: string, version = 0): Entry {
  const content = rawLink(objectId(Buffer.from(`content ${version}`)))
  return { name: lastName(path), kind: 'file', mode: 0o644, size: 9, content }
}

export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items]
  let state = (seed * 2_654_435_761) >>> 0
  for (let i = result.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const j = Math.floor((state / 2 ** 32) * (i + 1))
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}
