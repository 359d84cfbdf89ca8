// What there is to carry of a root folder at one moment, while others write and gc swaps packs: a number of records that
// are on disk, and the packs that were there while exactly these were.
import { SentientError } from '../errors.ts'
import { hexOf } from '../format/bytes.ts'
import { verifyCheckpoint } from '../format/checkpoint.ts'
import { formatFileBytesMax, marksFileBytes, noteBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodeMarksFile, type Marks } from '../format/marks.ts'
import { compactRangeNodes } from '../format/merkle.ts'
import { parseVerifierKey, type VerifierKey } from '../format/note.ts'
import { packHeaderBytes } from '../format/pack.ts'
import { zeroHash } from '../format/record.ts'
import type { Directory } from '../host/host.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { ChainStart } from './chain.ts'
import { readWhole } from './files.ts'
import { listPacks, type SourcePack } from './packs.ts'

export type SourceContext = Pick<
  TimelineContext,
  'journal' | 'directories' | 'clock' | 'verifier' | 'formatFault' | 'damagedKeys'
>

export interface Look {
  /** Records. */
  readonly size: number
  readonly packs: readonly SourcePack[]
  readonly checkpoint: { readonly bytes: Uint8Array; readonly size: number; readonly root: Uint8Array } | undefined
  readonly format: Uint8Array
  readonly keys: ReadonlyMap<string, Uint8Array>
}

const attemptsMax = 100
const keyBytesMax = 4_096
const smallBytesMax = 65_536

/** Throws DAMAGED when the root folder is too damaged to say what it holds. */
export function lookAt(context: SourceContext): Look {
  const { root, runtime, tree } = context.directories
  const { journal } = context
  requireSoundNames(context)
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const before = textOf(tree, 'generation')
    const keys = keysIn(root)
    const format = readWhole(runtime, 'format', formatFileBytesMax)
    const checkpoint = checkpointIn(runtime, context, keys)
    journal.refresh()
    const damage = journal.damage()
    if (damage !== undefined) throw new SentientError('DAMAGED', { where: damage.where, found: damage.reason })
    const size = journal.flushedSize()
    const marks = marksIn(runtime)
    if (marks === undefined || size === 0 || format === undefined)
      throw new SentientError('DAMAGED', {
        what: 'No mark says what of the journal is on disk',
        where: '.runtime/marks',
      })
    const packs = sourcePacks(tree, marks)
    // Where gc swapped packs meanwhile, the list may miss what these records need.
    if (textOf(tree, 'generation') === before) return { size, packs, checkpoint, format, keys }
  }
  throw new SentientError('LOCKED', { what: 'Packs are being swapped all the time', where: tree.path })
}

/** What says whose history it is goes into the copy as it is, and nothing of it may be wrong there. */
function requireSoundNames(context: SourceContext): void {
  const [key] = context.damagedKeys()
  const format = context.formatFault()
  if (key === undefined && format === undefined) return
  throw new SentientError('DAMAGED', {
    where: format === undefined ? `.auth/${key?.name}` : '.runtime/format',
    found: format ?? key?.reason,
    hint: 'Run sentctl repair, then again.',
  })
}

function textOf(directory: Directory, name: string): string | undefined {
  const bytes = readWhole(directory, name, smallBytesMax)
  return bytes && Buffer.from(bytes).toString('latin1')
}

function marksIn(runtime: Directory): Marks | undefined {
  const bytes = readWhole(runtime, 'marks', 2 * marksFileBytes)
  return bytes && decodeMarksFile(bytes).newest
}

export function keysIn(root: Directory): Map<string, Uint8Array> {
  const auth = root.child('.auth')
  const keys = new Map<string, Uint8Array>()
  for (const { name } of auth?.list() ?? []) {
    const bytes = name.endsWith('.vkey') ? readWhole(auth!, name, keyBytesMax) : undefined
    if (bytes !== undefined) keys.set(name, bytes)
  }
  auth?.close()
  return keys
}

export function verifiersOf(keys: ReadonlyMap<string, Uint8Array>): VerifierKey[] {
  return [...keys.values()].flatMap(bytes => {
    try {
      return [parseVerifierKey(Buffer.from(bytes).toString('utf8').trim())]
    } catch (error) {
      if (!isFormatError(error)) throw error
      return []
    }
  })
}

function checkpointIn(
  runtime: Directory,
  context: SourceContext,
  keys: ReadonlyMap<string, Uint8Array>,
): Look['checkpoint'] {
  const bytes = readWhole(runtime, 'checkpoint', noteBytesMax)
  if (bytes === undefined) return undefined
  const verdict = verifyCheckpoint(bytes, [context.verifier(), ...verifiersOf(keys)])
  if (verdict.state === 'ok') return { bytes, size: verdict.checkpoint.size, root: verdict.checkpoint.root }
  throw new SentientError('DAMAGED', {
    what: 'The checkpoint is not good',
    where: '.runtime/checkpoint',
    found: verdict.reason,
  })
}

function sourcePacks(tree: Directory, marks: Marks): SourcePack[] {
  const packs = tree.child('packs')
  try {
    const shared = Number(textOf(tree, 'shared')?.trim() ?? 0)
    const poisoned = poisonedPacks(textOf(tree, 'poisoned') ?? '')
    return listPacks(packs).map(pack => {
      const limit = poisoned.get(pack.number)
      if (limit !== undefined) return { ...pack, bytes: Math.min(pack.bytes, limit), soundBytes: limit, grows: false }
      const isMarked =
        pack.number === marks.packNumber && (marks.packId === undefined || hexOf(marks.packId) === pack.id)
      if (isMarked) return { ...pack, soundBytes: marks.packFlushedBytes, grows: true }
      const isShared = pack.number === shared
      return { ...pack, soundBytes: isShared ? packHeaderBytes : pack.bytes, grows: isShared }
    })
  } finally {
    packs?.close()
  }
}

/** Lines of a number and how many bytes of that pack are good. */
function poisonedPacks(text: string): ReadonlyMap<number, number> {
  return new Map([...text.matchAll(/^(\d+) (\d+)$/gm)].map(([, number, bytes]) => [Number(number), Number(bytes)]))
}

/** Where a chain goes on behind the first `size` records of a journal. */
export function chainStart(journal: TimelineContext['journal'], size: number): ChainStart {
  return {
    size,
    leaf: size === 0 ? zeroHash : journal.leafHashes(size - 1, size)[0]!,
    hashes: compactRangeNodes(size).map(({ level, index }) => journal.subtreeHash(level, index)),
  }
}
