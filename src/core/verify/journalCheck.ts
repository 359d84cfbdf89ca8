// The journal's part of a verification: frames, chain, bodies, tiles, marks, the Merkle root and the signatures over it.
import { isSentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { type CborValue, decode, isList } from '../format/cbor.ts'
import { parseOrigin, verifyCheckpoint } from '../format/checkpoint.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodeFormatFile } from '../format/formatFile.ts'
import { verifyNote } from '../format/note.ts'
import { parseSnapshotList, parseSnapshotNote } from '../format/recycleLock.ts'
import type {
  JournalCheckpoint,
  JournalFinding,
  JournalFindingCode,
  JournalRecord,
  JournalVerification,
} from '../journal/model.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { Finding, SnapshotView, Work } from '../timeline/model.ts'
import { keyNamedBy } from '../timeline/records.ts'
import { replay } from '../timeline/snapshots.ts'
import { faultOfFields } from './fieldsCheck.ts'
import { inChild, readFile, readMarks, type SmallFile } from './files.ts'
import { createLosses, type Losses } from './losses.ts'
import { findingsMax, many, type Report } from './report.ts'

export interface JournalOutcome {
  /** What gc has left whole: the states from the one before this record on. As far as the records that were read say. */
  readonly horizon: number
  readonly losses: Losses | undefined
  /** A tile is missing or wrong. */
  readonly tiles: boolean
  /** The stored checkpoint is nothing that our key signed. */
  readonly checkpoint: boolean
  /** recycle.lock is missing, not signed by our key, or says something else than the records. */
  readonly snapshots: boolean
  readonly unreadableRecords: boolean
}

const codes: Readonly<Record<JournalFindingCode, readonly [check: string, code: string]>> = {
  segment: ['segments', 'segment-damaged'],
  frame: ['records', 'record-damaged'],
  sequence: ['records', 'record-missing'],
  time: ['records', 'time-disordered'],
  chain: ['chain', 'chain-broken'],
  body: ['bodies', 'body-damaged'],
  forgotten: ['bodies', 'body-missing'],
  tile: ['tiles', 'tile-damaged'],
  marks: ['marks', 'marks-damaged'],
  checkpoint: ['checkpoint', 'checkpoint-mismatch'],
}

const secondLookMs = 50
const recycleLockBytesMax = 16 << 20

export async function* checkJournal(
  context: TimelineContext,
  report: Report,
  options: { readonly since: number; readonly signal: AbortSignal | undefined },
): Work<JournalOutcome> {
  const gathered = gatherer(context, options.since)
  const verification = yield* lookTwice(context, gathered, options)
  const torn = tornMarksSlot(context)
  for (const finding of verification.findings) {
    const [check, code] = codes[finding.code]
    const known = finding.code === 'frame' && finding.seq !== undefined && gathered.losses.hasRecord(finding.seq)
    const note = known || finding.where === torn
    report.found(check, {
      code,
      severity: note ? 'note' : 'damage',
      ...placed(finding),
      found: `${finding.reason}${finding.found === undefined ? '' : `, ${finding.found}`}${known ? ' (known to be lost)' : ''}`,
    })
  }
  for (const { seq, fault } of gathered.faults)
    report.found('bodies', { code: 'body-untrue', severity: 'damage', where: `record #${seq}`, seq, found: fault })
  foundAtOpening(context, report, verification)
  describe(report, verification)
  const checkpoint = checkCheckpoint(context, report, { verification, epochs: gathered.epochs })
  const snapshots = checkSnapshotList(context, report, gathered, verification)
  checkKeys(context, report)
  checkFormat(context, report)
  checkUnapplied(context, report)
  const has = (code: JournalFindingCode) => verification.findings.some(finding => finding.code === code)
  return {
    horizon: gathered.horizon,
    losses: options.since === 0 ? gathered.losses : undefined,
    tiles: has('tile'),
    checkpoint,
    snapshots,
    unreadableRecords: has('frame') || has('segment') || has('body'),
  }
}

const placed = ({ where, seq, expected }: Pick<JournalFinding, 'where' | 'seq' | 'expected'>) => ({
  where: `.runtime/${where}`,
  seq,
  expected,
})

interface Epoch {
  readonly seq: number
  /** Of the key, and of what it signs. */
  readonly origin: string
}

interface Gathered {
  losses: Losses
  horizon: number
  /** Which key signs from which record on; undefined while not all records are read. */
  epochs: Epoch[] | undefined
  /** Records whose fields are not what their action needs. */
  readonly faults: { readonly seq: number; readonly fault: string }[]
  /** The snapshots as of the record up to which recycle.lock stands; undefined while not all records are read. */
  list: SnapshotView[] | undefined
  readonly stored: SmallFile
  readonly listedSize: number
  reset(): void
  each(record: JournalRecord): void
}

function gatherer(context: TimelineContext, since: number): Gathered {
  const stored = readRecycleLock(context)
  const listedSize = listedSizeOf(stored)
  const gathered: Gathered = {
    losses: createLosses(),
    horizon: 0,
    epochs: [],
    faults: [],
    list: [],
    stored,
    listedSize,
    reset() {
      gathered.losses = createLosses()
      gathered.horizon = 0
      gathered.faults.length = 0
      gathered.epochs = since === 0 ? [] : undefined
      gathered.list = since === 0 ? [] : undefined
    },
    each(record) {
      gathered.losses.add(record)
      gathered.horizon = Math.max(gathered.horizon, horizonOf(record))
      const origin = keyNamedBy(record)?.name
      if (origin !== undefined) gathered.epochs?.push({ seq: record.seq, origin })
      const fault = record.body === undefined ? undefined : faultOfFields(record.body, record.seq)
      if (fault !== undefined && gathered.faults.length < findingsMax) gathered.faults.push({ seq: record.seq, fault })
      if (record.seq < listedSize && gathered.list !== undefined) replay(gathered.list, record)
    },
  }
  return gathered
}

/** The horizon that a record names, when it is that of a gc; else 0. */
export function horizonOf({ seq, body }: JournalRecord): number {
  const horizon = body?.action === 'gc' ? body.fields?.horizon : undefined
  return typeof horizon === 'number' && horizon >= 0 && horizon <= seq ? horizon : 0
}

/** A finding counts when it is still there on a second look: another process may have been in the middle of writing. */
async function* lookTwice(
  context: TimelineContext,
  gathered: Gathered,
  { since, signal }: { readonly since: number; readonly signal: AbortSignal | undefined },
): Work<JournalVerification> {
  const keyOf = ({ code, where, seq, reason }: JournalFinding): string => JSON.stringify([code, where, seq, reason])
  gathered.reset()
  const first = yield* context.journal.verify({ since, signal, each: gathered.each })
  if (first.findings.length === 0) return first
  await context.clock.sleep(secondLookMs, signal)
  context.journal.refresh()
  gathered.reset()
  const second = yield* context.journal.verify({ since, signal, each: gathered.each })
  const seen = new Set(first.findings.map(keyOf))
  return { ...second, findings: second.findings.filter(finding => seen.has(keyOf(finding))) }
}

/** One bad slot of the marks is what a write cut short leaves; the other one is there for that, the next write mends it. */
function tornMarksSlot(context: TimelineContext): string | undefined {
  const marks = readMarks(context.directories.runtime)
  const bad = marks?.slots.flatMap((slot, index) => (slot.state === 'ok' ? [] : [index])) ?? []
  return marks?.newest !== undefined && bad.length === 1 ? `marks slot ${bad[0]}` : undefined
}

/** What opening found and reading all records did not. */
function foundAtOpening(context: TimelineContext, report: Report, verification: JournalVerification): void {
  const damage = context.journal.damage()
  const isTold = ({ where, seq }: JournalFinding): boolean =>
    where === damage?.where || (seq !== undefined && seq === damage?.seq)
  if (damage === undefined || verification.findings.some(isTold)) return
  const { where, seq, reason } = damage
  report.found('records', { code: 'journal-damaged', severity: 'damage', ...placed({ where, seq }), found: reason })
}

function describe(report: Report, verification: JournalVerification): void {
  const { records, segments, bytes, tiles, forgotten, doubtful, from } = verification
  const since = from > 0 ? ` from #${from} on` : ''
  report.line('segments', segments, `${many(segments, 'segment')} of the journal, ${many(bytes, 'byte')}`)
  report.line('records', records, `${many(records, 'record')}${since}: frames, CRC, order, times`)
  report.line('chain', records, `${many(records, 'link')} of the chain`)
  const removed = forgotten > 0 ? `, ${forgotten} removed by a record that says so` : ''
  const doubts = doubtful > 0 ? `, ${many(doubtful, 'doubtful time')}` : ''
  report.line('bodies', records - forgotten, `${many(records - forgotten, 'body', 'bodies')}${removed}${doubts}`)
  report.line('tiles', tiles, `${many(tiles, 'hash tile')}`)
  report.line('marks', 2, '2 marks of what is flushed')
}

/** True when the stored checkpoint is not ours. */
export function checkCheckpoint(
  context: TimelineContext,
  report: Report,
  options: {
    readonly verification?: Pick<JournalVerification, 'root' | 'to'>
    readonly epochs?: readonly Epoch[] | undefined
  } = {},
): boolean {
  const { verification, epochs } = options
  const where = '.runtime/checkpoint'
  const bad = (found: string, expected?: string): true => {
    report.found('checkpoint', { code: 'checkpoint-signature', severity: 'damage', where, expected, found })
    return true
  }
  let wrong = false
  let size: number | undefined
  let proven: boolean | undefined
  try {
    const stored = context.journal.checkpoint()
    if (stored !== undefined) {
      size = stored.size
      proven = isRootOf(context, stored, verification)
      if (proven === false)
        report.found('checkpoint', {
          code: 'checkpoint-mismatch',
          severity: 'damage',
          where,
          found: `the first ${size} records have another root`,
        })
      // What an earlier epoch signed stands until the next one signs.
      const verdict = verifyCheckpoint(stored.bytes, [context.verifier(), ...context.verifiers()])
      const origin = epochs?.findLast(({ seq }) => seq < stored.size)?.origin
      if (verdict.state === 'bad') wrong = bad(verdict.reason, `a signature of ${origin ?? context.verifier().name}`)
      else if (origin !== undefined && stored.origin !== origin) wrong = bad(stored.origin, origin)
    }
  } catch (error) {
    if (!isSentientError(error) && !isFormatError(error)) throw error
    wrong = bad(error.message)
  }
  const root = proven === undefined ? 'signature' : 'Merkle root and signature'
  const text = size === undefined ? 'no checkpoint stored' : `the checkpoint over ${many(size, 'record')}: ${root}`
  report.line('checkpoint', size === undefined ? 0 : 1, text)
  return wrong
}

/** Undefined when it can not be told; a mismatch that the journal's own verification has reported is not told again. */
function isRootOf(
  context: TimelineContext,
  stored: JournalCheckpoint,
  verification: Pick<JournalVerification, 'root' | 'to'> | undefined,
): boolean | undefined {
  if (verification === undefined) return undefined
  if (verification.root !== undefined) return true
  try {
    // Some record is lost: its leaf hash is in the tiles, or in the record behind it.
    return stored.size <= verification.to && equalBytes(context.journal.rootHash(stored.size), stored.root)
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
    return undefined
  }
}

export const readRecycleLock = (context: TimelineContext): SmallFile =>
  readFile(context.directories.root, 'recycle.lock', recycleLockBytesMax)

/** How many records the list stands for; 0 when it can not be read. */
function listedSizeOf(file: SmallFile): number {
  if (file.state !== 'read') return 0
  try {
    return parseSnapshotList(parseSnapshotNote(file.bytes).text).journalSize
  } catch (error) {
    if (!isFormatError(error)) throw error
    return 0
  }
}

function checkSnapshotList(
  context: TimelineContext,
  report: Report,
  gathered: Gathered,
  verification: JournalVerification,
): boolean {
  const { from, to, records } = verification
  const whole = from === 0 && records === to && to >= gathered.listedSize
  return checkRecycleLock(context, report, { file: gathered.stored, replayed: whole ? gathered.list : undefined })
}

/** Signature and form of recycle.lock and, where the replayed records are given, that it says the same. */
export function checkRecycleLock(
  context: TimelineContext,
  report: Report,
  { file, replayed }: { readonly file: SmallFile; readonly replayed?: readonly SnapshotView[] | undefined },
): boolean {
  const where = 'recycle.lock'
  if (file.state === 'missing') {
    report.line(where, 0, 'no recycle.lock; the snapshots are read from their records')
    return true
  }
  let wrong: string | undefined = file.state === 'unreadable' ? file.reason : undefined
  let count = 0
  if (file.state === 'read') {
    try {
      const note = parseSnapshotNote(file.bytes)
      const verdict = verifyNote(note, [context.verifier(), ...context.verifiers()])
      const list = parseSnapshotList(note.text)
      count = list.snapshots.length
      if (verdict.state === 'bad') wrong = verdict.reason
      else if (list.journalSize > context.journal.head().size)
        wrong = `it stands for ${list.journalSize} records, the journal has fewer`
      else if (replayed !== undefined && !sameSnapshots(list.snapshots, replayed))
        wrong = 'it lists other snapshots than the records'
    } catch (error) {
      if (!isSentientError(error) && !isFormatError(error)) throw error
      wrong = error.message
    }
  }
  if (wrong !== undefined)
    report.found(where, { code: 'snapshot-list-damaged', severity: 'damage', where, found: wrong })
  report.line(where, count, `recycle.lock: ${many(count, 'snapshot')}, signature`)
  return wrong !== undefined
}

function sameSnapshots(a: readonly SnapshotView[], b: readonly SnapshotView[]): boolean {
  const plain = (list: readonly SnapshotView[]) =>
    JSON.stringify(list.map(one => [one.name, one.seq, one.root, one.time, one.kind, one.pinned, one.label]))
  return plain(a) === plain(b)
}

const keyBytesMax = 4_096

/** The public key as it was written, and a private key that belongs to it. */
export function checkKeys(context: TimelineContext, report: Report): void {
  const found = (severity: Finding['severity'], code: string, text: string, where = '.auth') =>
    report.found('keys', { code, severity, where, found: text })
  for (const { name, reason } of context.damagedKeys()) found('damage', 'key-damaged', reason, `.auth/${name}`)
  try {
    const { name } = context.verifier()
    context.signer()
    if (!isSpelledOut(context)) found('damage', 'key-damaged', 'a key file is not spelled as it was written')
    report.line('keys', 1, `the key of ${name}`)
  } catch (error) {
    if (!isSentientError(error, 'KEY')) throw error
    const absent = error.details.found === 'NOT_FOUND' || error.details.found === 'DENIED'
    // Whoever only reads needs no private key, and may not be allowed to have it.
    found(absent ? 'note' : 'damage', absent ? 'key-missing' : 'key-damaged', error.message)
    report.line('keys', 1, 'the key that signs')
  }
}

const formatBytesMax = 65_536

/** The folder's log id is the one that its key signs for; else every segment would seem to be of another log. */
function checkFormat({ directories, verifier, formatFault }: TimelineContext, report: Report): void {
  const where = '.runtime/format'
  const file = readFile(directories.runtime, 'format', formatBytesMax)
  let found = file.state === 'unreadable' ? file.reason : file.state === 'missing' ? 'it is not there' : undefined
  let expected: string | undefined
  try {
    const { logId } = parseOrigin(verifier().name)
    const read = file.state === 'read' ? decodeFormatFile(file.bytes) : { logId }
    // Another process may have made it a log of its own since this one has opened it.
    const isEarlier = 'earlier' in read && read.earlier?.some(id => equalBytes(id, logId)) === true
    if (!equalBytes(read.logId, logId) && !isEarlier) {
      expected = `the log id of the key, ${hexOf(logId)}`
      found = hexOf(read.logId)
    }
  } catch (error) {
    // What is wrong with the key has been said.
    if (isFormatError(error)) found = error.reason
    else if (!isSentientError(error, 'KEY')) throw error
  }
  found ??= formatFault()
  if (found !== undefined)
    report.found('format', { code: 'format-damaged', severity: 'damage', where, expected, found })
  report.line('format', 1, 'the format file: version, log id')
}

const unappliedBytesMax = 64 << 20

/** The list of committed paths that the disk could not take, where there is one. */
function checkUnapplied({ directories }: TimelineContext, report: Report): void {
  const file = readFile(directories.runtime, 'unapplied', unappliedBytesMax)
  if (file.state === 'missing') return
  let found = file.state === 'unreadable' ? file.reason : undefined
  try {
    const paths = file.state === 'read' ? decode(file.bytes) : []
    const isPath = (item: CborValue, at: number, all: readonly CborValue[]): boolean =>
      item instanceof Uint8Array && (at === 0 || Buffer.compare(all[at - 1] as Uint8Array, item) < 0)
    if (!isList(paths) || !paths.every(isPath)) found = 'it is no sorted list of paths'
  } catch (error) {
    if (!isFormatError(error)) throw error
    found = error.reason
  }
  const where = '.runtime/unapplied'
  if (found !== undefined) report.found('unapplied', { code: 'unapplied-damaged', severity: 'damage', where, found })
  report.line('unapplied', 1, 'the list of paths that could not be applied')
}

/** What stands before the 32 bytes of the key is always the same; who reads it forgives other versions. */
const privateKeySpelling =
  /^-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI[A-P][A-Za-z0-9+/]{42}\n-----END PRIVATE KEY-----\n$/

/** Nothing was changed in the file of a private key that reading it forgives. */
function isSpelledOut(context: TimelineContext): boolean {
  const spelled = inChild(context.directories.root, '.auth', auth =>
    auth.list().every(({ name }) => {
      const file = name.endsWith('.pem') ? readFile(auth, name, keyBytesMax) : undefined
      return file?.state !== 'read' || privateKeySpelling.test(Buffer.from(file.bytes).toString('latin1'))
    }),
  )
  return spelled ?? false
}
