// Ids in little memory: a million of them with their places in a pack take about 60 MB, where a Map of strings would
// take five times that. Entries lie densely in the order they came; a table of slots finds them by their first bytes,
// which are as good as a hash because an id is one.

/** Where an entry lies and what its header says, in the numbers of the format. */
export interface Place {
  /** Of the entry's header. */
  readonly offset: number
  readonly storedBytes: number
  readonly objectBytes: number
  /** As in format/pack.ts: codec, kind and packing as numbers. */
  readonly codec: number
  readonly kind: number
  readonly packing: number
}

/** Ordinals count from 0 in the order of first insertion. */
export interface IdTable {
  readonly size: number
  /** The ordinal of an id, -1 when it is not here. */
  find(id: Uint8Array): number
  /** The ordinal of an id, which is added when it is not here. */
  add(id: Uint8Array): number
  /** A view; valid until the table is cleared. */
  idAt(ordinal: number): Uint8Array
  /** Forgets the entries from this ordinal on. */
  truncate(size: number): void
  /** All ordinals in the order of their ids. */
  sorted(): Uint32Array
  clear(): void
}

export interface PlaceTable extends IdTable {
  /** Adds the id or replaces its place. `part` is 0 to 65535, for callers with several packs. */
  put(id: Uint8Array, place: Place, part?: number): void
  placeAt(ordinal: number): Place
  partAt(ordinal: number): number
}

const blockBits = 12
const blockEntries = 1 << blockBits
const blockMask = blockEntries - 1
const idWords = 8
const placeWords = 4
const firstCapacity = 64

export function createIdTable(): IdTable {
  return createTable(0)
}

export function createPlaceTable(): PlaceTable {
  const placeBlocks: Uint32Array[] = []
  const table = createTable(placeWords, placeBlocks)
  const wordsAt = (ordinal: number): Uint32Array => placeBlocks[ordinal >>> blockBits]!
  const flags = (ordinal: number): number => wordsAt(ordinal)[(ordinal & blockMask) * placeWords + 3]!
  return Object.assign(table, {
    put(id: Uint8Array, place: Place, part = 0) {
      const ordinal = table.add(id)
      const words = wordsAt(ordinal)
      const at = (ordinal & blockMask) * placeWords
      words[at] = place.offset
      words[at + 1] = place.storedBytes
      words[at + 2] = place.objectBytes
      words[at + 3] = place.codec | (place.kind << 8) | (place.packing << 12) | (part << 16)
    },
    placeAt(ordinal: number): Place {
      const words = wordsAt(ordinal)
      const at = (ordinal & blockMask) * placeWords
      const flags = words[at + 3]!
      return {
        offset: words[at]!,
        storedBytes: words[at + 1]!,
        objectBytes: words[at + 2]!,
        codec: flags & 0xff,
        kind: (flags >>> 8) & 0xf,
        packing: (flags >>> 12) & 0xf,
      }
    },
    partAt: (ordinal: number) => flags(ordinal) >>> 16,
  })
}

function createTable(valueWords: number, valueBlocks: Uint32Array[] = []): IdTable {
  let slots = new Uint32Array(firstCapacity)
  let size = 0
  const blocks: Uint32Array[] = []
  const key = new Uint32Array(idWords)
  const keyBytes = new Uint8Array(key.buffer)

  const matches = (ordinal: number): boolean => {
    const block = blocks[ordinal >>> blockBits]!
    const at = (ordinal & blockMask) * idWords
    for (let word = 0; word < idWords; word++) if (block[at + word] !== key[word]) return false
    return true
  }

  /** The slot of the key, or the free one where it belongs. */
  const slotOf = (): number => {
    const mask = slots.length - 1
    for (let slot = key[0]! & mask; ; slot = (slot + 1) & mask) {
      const held = slots[slot]!
      if (held === 0 || matches(held - 1)) return slot
    }
  }

  const grow = (): void => {
    const next = new Uint32Array(slots.length * 2)
    const mask = next.length - 1
    for (let ordinal = 0; ordinal < size; ordinal++) {
      let slot = blocks[ordinal >>> blockBits]![(ordinal & blockMask) * idWords]! & mask
      while (next[slot] !== 0) slot = (slot + 1) & mask
      next[slot] = ordinal + 1
    }
    slots = next
  }

  /** Frees an entry's slot and moves up those behind it that would no longer be found. */
  const removeSlot = (ordinal: number): void => {
    const mask = slots.length - 1
    const homeOf = (held: number): number =>
      blocks[(held - 1) >>> blockBits]![((held - 1) & blockMask) * idWords]! & mask
    let free = homeOf(ordinal + 1)
    while (slots[free] !== ordinal + 1) free = (free + 1) & mask
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = homeOf(slots[slot]!)
      if (((slot - home) & mask) < ((slot - free) & mask)) continue
      slots[free] = slots[slot]!
      free = slot
    }
    slots[free] = 0
  }

  const idAt = (ordinal: number): Uint8Array => {
    const block = blocks[ordinal >>> blockBits]!
    return new Uint8Array(block.buffer, (ordinal & blockMask) * 32, 32)
  }

  return {
    get size() {
      return size
    },
    find(id) {
      keyBytes.set(id)
      return slots[slotOf()]! - 1
    },
    add(id) {
      keyBytes.set(id)
      let slot = slotOf()
      if (slots[slot] !== 0) return slots[slot]! - 1
      if (size * 4 >= slots.length * 3) {
        grow()
        slot = slotOf()
      }
      if ((size & blockMask) === 0) {
        blocks.push(new Uint32Array(blockEntries * idWords))
        if (valueWords > 0) valueBlocks.push(new Uint32Array(blockEntries * valueWords))
      }
      blocks[size >>> blockBits]!.set(key, (size & blockMask) * idWords)
      slots[slot] = size + 1
      return size++
    },
    idAt,
    truncate(next) {
      for (let ordinal = size - 1; ordinal >= next; ordinal--) removeSlot(ordinal)
      size = Math.min(size, next)
      const blocksLeft = (size + blockMask) >>> blockBits
      if (blocks.length > blocksLeft) blocks.length = blocksLeft
      if (valueBlocks.length > blocksLeft) valueBlocks.length = blocksLeft
    },
    sorted: () => sortedOrdinals(size, idAt),
    clear() {
      slots = new Uint32Array(firstCapacity)
      blocks.length = 0
      valueBlocks.length = 0
      size = 0
    },
  }
}

/** That many bits a number holds exactly: the first of an id, and behind them an ordinal. */
const exactBits = 53
const idBitsMax = 32

/** By numbers that the engine sorts at once: ids are evenly spread, so hardly two of them begin alike. */
function sortedOrdinals(size: number, idAt: (ordinal: number) => Uint8Array): Uint32Array {
  const compare = (a: number, b: number): number => Buffer.compare(idAt(a), idAt(b))
  const ordinalBits = Math.ceil(Math.log2(size + 1))
  const ordinals = 2 ** ordinalBits
  const dropped = 2 ** Math.max(0, idBitsMax + ordinalBits - exactBits)
  const keys = new Float64Array(size)
  for (let ordinal = 0; ordinal < size; ordinal++) {
    const id = idAt(ordinal)
    const first = id[0]! * 0x100_0000 + ((id[1]! << 16) | (id[2]! << 8) | id[3]!)
    keys[ordinal] = Math.floor(first / dropped) * ordinals + ordinal
  }
  keys.sort()
  const result = new Uint32Array(size)
  let alike = 0
  for (let at = 0; at < size; at++) {
    const bits = Math.floor(keys[at]! / ordinals)
    result[at] = keys[at]! - bits * ordinals
    if (at + 1 < size && Math.floor(keys[at + 1]! / ordinals) === bits) continue
    if (alike < at) result.subarray(alike, at + 1).sort(compare)
    alike = at + 1
  }
  return result
}
