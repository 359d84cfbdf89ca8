// `export tlog`: the log as C2SP tlog-tiles lays one out, for programs that know nothing of ours: the signed checkpoint,
// the tiles of the Merkle tree, and bundles of the records' envelopes. Each run adds what is new; the checkpoint comes last.

import { SentientError } from '../errors.ts'
import { asBuffer, displayBytes, equalBytes, hexOf } from '../format/bytes.ts'
import { type Checkpoint, parseCheckpoint, parseOrigin, verifyCheckpoint } from '../format/checkpoint.ts'
import { noteBytesMax, tileHashes } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { compactRange, leafHash } from '../format/merkle.ts'
import { parseNote, type VerifierKey } from '../format/note.ts'
import { encodeEnvelope } from '../format/record.ts'
import { tileHeight, tilePath } from '../format/tile.ts'
import type { Clock, Directory, Files } from '../host/host.ts'
import type { Journal, JournalCheckpoint } from '../journal/journal.ts'
import { createSlicer, type Progress, type Slicer } from '../progress.ts'
import { createPublication, openOrMake, type Publication } from './place.ts'

export interface TlogOptions {
  readonly journal: Journal
  readonly files: Files
  readonly clock: Clock
  /** The key that signs the checkpoints. */
  readonly verifier: VerifierKey
  /** Absolute; made when it is missing. */
  readonly path: string
  /** Write everything again, also what an earlier run wrote. */
  readonly all?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface TlogReport {
  readonly origin: string
  /** Records that the checkpoint covers. */
  readonly size: number
  /** Records that were there before. */
  readonly before: number
  readonly files: number
  readonly bytes: number
}

const checkpointName = 'checkpoint'
/** Whoever may see the folder may read what is in it: it is made to be shown. */
const modes = { file: 0o644, directory: 0o755 }

/** Writes what is new since the last export to the same place, up to the newest signed checkpoint. */
export async function* exportTlog(options: TlogOptions): AsyncGenerator<Progress, TlogReport, void> {
  const { journal, clock, signal } = options
  const checkpoint = signedCheckpoint(options)
  const directory = openOrMake(options.files, options.path, modes.directory)
  const publication = counting(createPublication(directory, modes))
  try {
    const earlier = earlierCheckpoint(directory)
    if (earlier !== undefined) requireEarlier(journal, earlier, checkpoint, directory)
    const before = options.all === true ? 0 : (earlier?.size ?? 0)
    const slicer = createSlicer(clock, signal)
    const range = { from: before, to: checkpoint.size }
    yield* publishRecords({ journal, publication, slicer, ...range })
    yield* publishTiles({ journal, publication, slicer, ...range })
    if (earlier === undefined || before < checkpoint.size || !equalBytes(earlier.bytes, checkpoint.bytes)) {
      publication.settle()
      // Another process may have exported more meanwhile: what was shown is not taken back.
      const newer = (earlierCheckpoint(directory)?.size ?? 0) > checkpoint.size
      if (!newer) publication.replace(checkpointName, checkpoint.bytes)
      removePartialTiles(directory, before, checkpoint.size)
    }
    const { origin, size } = checkpoint
    return { origin, size, before: earlier?.size ?? 0, files: publication.files, bytes: publication.bytes }
  } finally {
    publication.close()
    directory.close()
  }
}

/** The newest checkpoint: good for the key, and over these very records. */
function signedCheckpoint({ journal, verifier }: TlogOptions): JournalCheckpoint {
  const checkpoint = journal.checkpoint()
  if (checkpoint === undefined) {
    throw new SentientError('STATE_NOT_FOUND', {
      what: 'No checkpoint was signed yet',
      hint: 'Run sentctl checkpoint sign.',
    })
  }
  if (checkpoint.origin !== verifier.name) {
    throw new SentientError('KEY', {
      what: 'The newest checkpoint is signed by an earlier key of this log',
      expected: verifier.name,
      found: checkpoint.origin,
      hint: 'Run sentctl checkpoint sign.',
    })
  }
  const verdict = verifyCheckpoint(checkpoint.bytes, [verifier])
  const damaged = (found: string): SentientError =>
    new SentientError('DAMAGED', { what: 'The checkpoint is wrong', where: '.runtime/checkpoint', found })
  if (verdict.state === 'bad') throw damaged(verdict.reason)
  // Another process may have appended and signed since the journal was opened.
  if (checkpoint.size > journal.head().size) journal.refresh()
  if (checkpoint.size > journal.head().size) throw damaged(`${checkpoint.size} records; the journal has fewer`)
  const root = journal.rootHash(checkpoint.size)
  if (!equalBytes(root, checkpoint.root)) throw damaged('another root than the journal has')
  return checkpoint
}

interface Earlier extends Checkpoint {
  readonly bytes: Uint8Array
}

/** What an earlier export said; undefined in an empty directory. A directory with anything else in it is refused. */
function earlierCheckpoint(directory: Directory): Earlier | undefined {
  const foreign = directory.list().find(({ name }) => ![checkpointName, `${checkpointName}.new`, 'tile'].includes(name))
  const refused = (found: string): SentientError =>
    new SentientError('PATH_EXISTS', {
      what: 'The directory holds something else than the export of a log',
      where: directory.path,
      found,
      hint: 'Name an empty or a new directory.',
    })
  if (foreign !== undefined) throw refused(displayBytes(foreign.name))
  const stat = directory.stat(checkpointName)
  if (stat === undefined) return undefined
  if (stat.kind !== 'file' || stat.size > noteBytesMax) throw refused('a checkpoint that is none')
  const file = directory.open(checkpointName, 'read')
  try {
    const bytes = new Uint8Array(stat.size)
    const length = file.read(bytes, 0, bytes.length, 0)
    return { ...parseCheckpoint(parseNote(bytes.subarray(0, length)).text), bytes: bytes.subarray(0, length) }
  } catch (error) {
    if (isFormatError(error)) throw refused(error.reason)
    throw error
  } finally {
    file.close()
  }
}

/** What was exported before must be the beginning of what is exported now: else it is another log, or a fork. */
function requireEarlier(journal: Journal, earlier: Earlier, now: JournalCheckpoint, directory: Directory): void {
  const where = `${directory.path}/${checkpointName}`
  // A copy that was adopted begins with the same records, and is another log all the same.
  if (!isOneLog(earlier.origin, now.origin)) {
    throw new SentientError('PATH_EXISTS', {
      what: 'The directory holds the export of another log',
      where,
      expected: now.origin,
      found: earlier.origin,
      hint: 'Name an empty or a new directory.',
    })
  }
  if (earlier.size <= now.size && equalBytes(journal.rootHash(earlier.size), earlier.root)) return
  throw new SentientError('DAMAGED', {
    what: 'This journal does not go on from what was exported before',
    where,
    expected: `a checkpoint of up to ${now.size} records of this journal`,
    found: `${earlier.size} records with root ${hexOf(earlier.root)}`,
    hint: 'One of the two is not the whole history: see sentctl verify and docs/verifying.md.',
  })
}

/** Whether two origins name one log, under whichever of its keys. */
function isOneLog(a: string, b: string): boolean {
  try {
    return equalBytes(parseOrigin(a).logId, parseOrigin(b).logId)
  } catch (error) {
    if (!isFormatError(error)) throw error
    return false
  }
}

interface Stretch {
  readonly journal: Journal
  readonly publication: Publication
  readonly slicer: Slicer
  /** Records that were published before. */
  readonly from: number
  readonly to: number
}

/** Bundles of entries and the tiles of their hashes, from the first that is not full at `from`. */
async function* publishRecords({ journal, publication, slicer, from, to }: Stretch): AsyncGenerator<Progress, void> {
  if (from === to) return
  for (let tile = Math.floor(from / tileHashes); tile * tileHashes < to; tile++) {
    const start = tile * tileHashes
    const count = Math.min(tileHashes, to - start)
    const { bundle, hashes } = bundleOf(journal, start, count)
    const name = partialName(tilePath({ tileLevel: 0, tileIndex: tile }), count)
    publication.write(`tile/${name}`, hashes)
    publication.write(`tile/entries/${name.slice('0/'.length)}`, bundle)
    if (slicer.due()) {
      yield { phase: 'export', done: start + count, total: to, unit: 'records' }
      await slicer.pause()
    }
  }
}

/** Entries as C2SP bundles them: each with its length in two bytes, the most significant first. */
function bundleOf(journal: Journal, start: number, count: number): { bundle: Uint8Array; hashes: Uint8Array } {
  const parts: Uint8Array[] = []
  const hashes = new Uint8Array(count * 32)
  const range = compactRange()
  for (const result of journal.records({ from: start, to: start + count })) {
    if (result.state !== 'intact') throw damagedRecord(result)
    const { envelope, leaf, seq } = result.record
    const entry = encodeEnvelope(envelope)
    if (!equalBytes(leafHash(entry), leaf)) throw damagedRecord({ seq, reason: 'its envelope has another hash' })
    const length = new Uint8Array(2)
    asBuffer(length).writeUInt16BE(entry.length)
    parts.push(length, entry)
    hashes.set(leaf, (seq - start) * 32)
    range.push(leaf)
  }
  // What is written must be what the signed root stands for, whatever the stored tiles of the tree say.
  const full = count === tileHashes
  if (
    range.size !== count ||
    (full && !equalBytes(range.root(), journal.subtreeHash(tileHeight, start / tileHashes)))
  ) {
    throw damagedRecord({ seq: start, reason: 'the records have other hashes than the Merkle tree' })
  }
  return { bundle: Uint8Array.from(Buffer.concat(parts)), hashes }
}

function damagedRecord(found: {
  readonly seq: number
  readonly where?: string
  readonly reason?: string
}): SentientError {
  return new SentientError('DAMAGED', {
    what: `Record #${found.seq} cannot be exported`,
    where: found.where ?? `#${found.seq}`,
    found: found.reason ?? 'nothing there',
  })
}

/** The tiles above the records' own, each level a 256th of the one below. */
async function* publishTiles({ journal, publication, slicer, from, to }: Stretch): AsyncGenerator<Progress, void> {
  for (let tileLevel = 1, width = tileHashes; width <= to; tileLevel++, width *= tileHashes) {
    const [published, hashes] = [Math.floor(from / width), Math.floor(to / width)]
    if (published === hashes) continue
    for (let tileIndex = Math.floor(published / tileHashes); tileIndex * tileHashes < hashes; tileIndex++) {
      const start = tileIndex * tileHashes
      const count = Math.min(tileHashes, hashes - start)
      const tile = new Uint8Array(count * 32)
      for (let i = 0; i < count; i++) tile.set(journal.subtreeHash(tileLevel * tileHeight, start + i), i * 32)
      publication.write(`tile/${partialName(tilePath({ tileLevel, tileIndex }), count)}`, tile)
      if (slicer.due()) {
        yield { phase: 'export', done: to, total: to, unit: 'records' }
        await slicer.pause()
      }
    }
  }
}

function partialName(path: string, count: number): string {
  return count === tileHashes ? path : `${path}.p/${count}`
}

/** The partial tiles that the earlier checkpoint needed and that are full by now. */
function removePartialTiles(directory: Directory, from: number, to: number): void {
  for (let tileLevel = 0, width = 1; width <= from; tileLevel++, width *= tileHashes) {
    const published = Math.floor(from / width)
    const tileIndex = Math.floor(published / tileHashes)
    const stillPartial = Math.floor(to / width) < (tileIndex + 1) * tileHashes
    if (published % tileHashes === 0 || stillPartial) continue
    const path = tilePath({ tileLevel, tileIndex })
    removeFolder(directory, `tile/${path}.p`)
    if (tileLevel === 0) removeFolder(directory, `tile/entries/${path.slice('0/'.length)}.p`)
  }
}

/** A directory of files alone; nothing when it is not there. */
function removeFolder(directory: Directory, path: string): void {
  const names = path.split('/')
  const last = names.pop()!
  const opened: Directory[] = []
  try {
    let at: Directory | undefined = directory
    for (const name of names) {
      at = at.child(name)
      if (at === undefined) return
      opened.push(at)
    }
    const folder = at.child(last)
    if (folder === undefined) return
    opened.push(folder)
    for (const { name } of folder.list()) folder.removeFile(name)
    at.removeDirectory(last)
  } finally {
    for (const each of opened) each.close()
  }
}

function counting(publication: Publication): Publication & { readonly files: number; readonly bytes: number } {
  const counts = { files: 0, bytes: 0 }
  const counted =
    (put: Publication['write']): Publication['write'] =>
    (path, bytes) => {
      put(path, bytes)
      counts.files++
      counts.bytes += bytes.length
    }
  return {
    ...publication,
    write: counted(publication.write),
    replace: counted(publication.replace),
    get files() {
      return counts.files
    },
    get bytes() {
      return counts.bytes
    },
  }
}
