// `export car`: a state, or what is below a path of it, as a CARv1 file: every block once, each before those below it.
// It is written as it is read: memory holds the ids that were met, some forty bytes each, and nothing else.

import { SentientError } from '../errors.ts'
import { decode, encode } from '../format/cbor.ts'
import { isFormatError } from '../format/formatError.ts'
import { cidBytes, cidText, type Link } from '../format/id.ts'
import type { Clock, Files, OpenFile } from '../host/host.ts'
import { createSlicer, type Progress } from '../progress.ts'
import { createIdTable } from '../store/idTable.ts'
import { linksIn } from '../store/reach.ts'
import type { Store } from '../store/store.ts'
import { beginNew, openParent } from './place.ts'

export interface CarOptions {
  readonly store: Store
  readonly files: Files
  readonly clock: Clock
  readonly root: Link
  /** Absolute; a file that is there is replaced when the new one is whole. */
  readonly path: string
  readonly signal?: AbortSignal | undefined
}

export interface CarReport {
  readonly root: Link
  readonly blocks: number
  readonly bytes: number
}

/** It holds what the tree holds: for the owner's eyes until the owner says otherwise. */
const fileMode = 0o600
const bufferBytes = 1024 * 1024

/** Throws OBJECT_MISSING or DAMAGED for a block that cannot be had; nothing is left behind then. */
export async function* exportCar(options: CarOptions): AsyncGenerator<Progress, CarReport, void> {
  const { parent, name } = openParent(options.files, options.path)
  let whole = false
  try {
    const begun = beginNew(parent, name, fileMode)
    try {
      const report = yield* writeBlocks(begun.file, options)
      begun.file.flush()
      begun.rename()
      parent.flush()
      whole = true
      return report
    } finally {
      if (!whole) begun.abandon()
      begun.file.close()
    }
  } finally {
    parent.close()
  }
}

async function* writeBlocks(
  file: OpenFile,
  { store, clock, root, signal }: CarOptions,
): AsyncGenerator<Progress, CarReport, void> {
  const slicer = createSlicer(clock, signal)
  const writer = bufferedWriter(file)
  const header = encode({ roots: [{ ...root }], version: 1 })
  writer.write(unsignedVarint(header.length), header)
  // A block is met under one codec only, or under both: its place in the file is by its whole name.
  const met = { raw: createIdTable(), 'dag-cbor': createIdTable() }
  const stack: Link[] = [root]
  let blocks = 0
  for (let link = stack.pop(); link !== undefined; link = stack.pop()) {
    const table = met[link.codec]
    const before = table.size
    table.add(Buffer.from(link.id, 'hex'))
    if (table.size === before) continue
    const bytes = store.get(link)
    const cid = cidBytes(link)
    writer.write(unsignedVarint(cid.length + bytes.length), cid, bytes)
    blocks++
    // What is pushed last is written first: turned round, links come in the order in which the block has them.
    if (link.codec === 'dag-cbor') stack.push(...linksOf(link, bytes).reverse())
    if (slicer.due()) {
      yield { phase: 'export', done: blocks, unit: 'objects' }
      await slicer.pause()
    }
  }
  writer.end()
  return { root, blocks, bytes: writer.bytes() }
}

function linksOf(link: Link, bytes: Uint8Array): Link[] {
  try {
    return linksIn(decode(bytes))
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError(
      'DAMAGED',
      { what: 'An object is damaged', where: cidText(link), found: error.reason },
      error,
    )
  }
}

function bufferedWriter(file: OpenFile) {
  const buffer = new Uint8Array(bufferBytes)
  let held = 0
  let position = 0
  const flush = (): void => {
    file.write(buffer.subarray(0, held), position)
    position += held
    held = 0
  }
  return {
    bytes: () => position,
    end: flush,
    write(...parts: readonly Uint8Array[]) {
      for (const part of parts) {
        if (part.length > bufferBytes - held) flush()
        if (part.length > bufferBytes) {
          file.write(part, position)
          position += part.length
        } else {
          buffer.set(part, held)
          held += part.length
        }
      }
    },
  }
}

/** Seven bits a byte, the least significant first, the high bit on all but the last. */
function unsignedVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
