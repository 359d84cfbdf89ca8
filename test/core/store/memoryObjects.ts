// Objects in a map, for tests of trees and contents that need no packs.

import { SentientError } from '../../../src/core/errors.ts'
import { cidText, type Link, type ObjectId, objectId } from '../../../src/core/format/id.ts'
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
