// What a state keeps alive: every object that can be reached from a link. It follows links as DAG-CBOR marks them and
// knows no kinds, so that `gc` keeps what a later version adds.
import { type CborValue, decode, isLink } from '../format/cbor.ts'
import type { Link } from '../format/id.ts'
import { damagedObject } from './damage.ts'
import type { ObjectReader } from './tree.ts'

export interface ReachOptions {
  /** True: leave this link, and what only it reaches, out. The caller remembers what it saw. */
  readonly seen?: (link: Link) => boolean
  /** Told of objects that can not be read instead of an exception; what lies below them is not known. */
  readonly unreadable?: (link: Link, error: unknown) => void
}

/** All objects below `root` and itself, each before those below it; one that is linked twice comes twice unless `seen` says so. */
export function* reachable(reader: ObjectReader, root: Link, options: ReachOptions = {}): Generator<Link> {
  const stack: Link[] = [root]
  for (let link = stack.pop(); link !== undefined; link = stack.pop()) {
    if (options.seen?.(link)) continue
    yield link
    if (link.codec === 'raw') continue
    try {
      const current = link
      const value = damagedObject(current, 'DAG-CBOR', () => decode(reader.get(current)))
      const first = stack.length
      pushLinks(value, stack)
      // What was pushed last comes first: turned round, links are followed in the order they are written.
      for (let low = first, high = stack.length - 1; low < high; low++, high--) {
        const swapped = stack[low]!
        stack[low] = stack[high]!
        stack[high] = swapped
      }
    } catch (error) {
      if (options.unreadable === undefined) throw error
      options.unreadable(link, error)
    }
  }
}

/** Every link of a value, in the order they are written. */
export function linksIn(value: CborValue): Link[] {
  const links: Link[] = []
  pushLinks(value, links)
  return links
}

function pushLinks(value: CborValue, into: Link[]): void {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return
  if (isLink(value)) into.push(value)
  else if (Array.isArray(value)) for (const item of value) pushLinks(item, into)
  else for (const item of Object.values(value)) pushLinks(item, into)
}
