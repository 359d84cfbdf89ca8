// A witness: it remembers of each log the largest tree that it has seen, cosigns what goes on from that, and refuses what
// does not. When one key has signed two histories, it keeps the evidence, by which anybody can be shown that.

import { isSentientError, SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { type Checkpoint, formatOrigin, parseCheckpoint, parseOrigin, verifyCheckpoint } from '../format/checkpoint.ts'
import { consistencyFileOf, verifyConsistencyFile } from '../format/consistency.ts'
import { cosign, cosignedAt, formatCosignerKey, withSignatureOf } from '../format/cosignature.ts'
import { isFormatError } from '../format/formatError.ts'
import { sha256 } from '../format/hash.ts'
import { verifyConsistency } from '../format/merkle.ts'
import { parseNote, sameVerifierKey, type VerifierKey } from '../format/note.ts'
import { HostError } from '../host/error.ts'
import type { Directory, Host } from '../host/host.ts'
import { throwIfCancelled } from '../progress.ts'
import { openMemory, type Seen, type WitnessMemory } from './memory.ts'
import { type LogPlace, openPlace } from './places.ts'

export interface Look {
  readonly place: string
  readonly state:
    | 'first' // cosigned: the log was not known before
    | 'grown' // cosigned: it goes on from what was seen
    | 'same' // what was seen before
    | 'older' // a beginning of what was seen before
    | 'fork' // signed, and contradicts what was seen before
    | 'unproven' // nobody could show that it goes on from what was seen
    | 'refused' // not signed by the log's key
    | 'unknown' // no key of that log is known
    | 'unreachable' // nothing could be read there
  readonly origin?: string
  /** Records of the checkpoint that is there. */
  readonly size?: number
  /** Records of the largest that was seen before. */
  readonly before?: number
  /** One line for people. */
  readonly text: string
  /** The cosigned checkpoint that stands for the log now. */
  readonly cosigned?: { readonly file: string; readonly note: string }
  /** The file with the evidence of a fork. */
  readonly evidence?: string
}

export interface WitnessOptions {
  /** Its directory, which it closes. */
  readonly directory: Directory
  /** Of its key, when that is made; must be the same ever after. */
  readonly name?: string | undefined
  /** Keys of logs, by which they are known from elsewhere. */
  readonly keys: readonly VerifierKey[]
  readonly signal?: AbortSignal | undefined
}

export interface Witness {
  /** By which others check its cosignatures. */
  readonly verifierKey: string
  /** One look at each of these places, in this order; each may help to judge the others. */
  look(places: readonly string[]): AsyncGenerator<Look, void>
  /** Looks again and again until the signal aborts; gives what differs from the look before. */
  follow(places: readonly string[], intervalMs: number): AsyncGenerator<Look, void>
  close(): void
}

/** How old a cosignature of an unchanged log may be: it says "the largest that I have seen by now". */
const freshSeconds = 3600

export function openWitness(host: Host, options: WitnessOptions): Witness {
  const memory = openMemory(host, options.directory, options.name)
  const witness: Witness = {
    verifierKey: formatCosignerKey(memory.cosigner),
    async *follow(names, intervalMs) {
      const last = new Map<string, string>()
      while (options.signal?.aborted !== true) {
        for await (const look of witness.look(names)) {
          const says = [look.state, look.size, look.text].join(' ')
          if (last.get(look.place) !== says) yield look
          last.set(look.place, says)
        }
        await host.clock.sleep(intervalMs, options.signal)
      }
    },
    async *look(names) {
      const opened: Opened[] = []
      try {
        for (const name of names) opened.push(await openAndRead(host, name, options.signal))
        for (const place of opened) {
          throwIfCancelled(options.signal)
          yield isRead(place) ? await judge({ host, memory, options, opened, place }) : place
        }
      } finally {
        for (const one of opened.filter(isRead)) one.place.close()
      }
    },
    close: () => memory.close(),
  }
  return witness
}

/** What is there: a place with its checkpoint, or why there is none. */
type Opened = Read | Look

interface Read {
  readonly place: LogPlace
  readonly note: Uint8Array
  readonly checkpoint: Checkpoint
}

const isRead = (opened: Opened): opened is Read => 'checkpoint' in opened

async function openAndRead(host: Host, name: string, signal: AbortSignal | undefined): Promise<Opened> {
  let place: LogPlace | undefined
  try {
    place = openPlace(host, name, signal)
    const note = await place.checkpoint()
    return { place, note, checkpoint: parseCheckpoint(parseNote(note).text) }
  } catch (error) {
    place?.close()
    if (isFormatError(error)) return { place: name, state: 'refused', text: `no signed checkpoint: ${error.reason}` }
    return { place: name, state: 'unreachable', text: troubleOf(error) }
  }
}

/** What went wrong at a place, which is no reason to stop; throws everything else, and what the user wanted stopped. */
function troubleOf(error: unknown): string {
  if (isSentientError(error) && error.code !== 'CANCELLED' && error.code !== 'INTERNAL') return error.message
  if (error instanceof HostError) return error.message
  throw error
}

interface Case {
  readonly host: Host
  readonly memory: WitnessMemory
  readonly options: WitnessOptions
  readonly opened: readonly Opened[]
  readonly place: Read
}

const attemptsMax = 5

/** Judges against what is remembered; anew, when another process has seen more of the log meanwhile. */
async function judge(one: Case): Promise<Look> {
  const { memory, place } = one
  const { origin, size } = place.checkpoint
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const seen = memory.seen(origin)
    const key = keyFor(one, seen)
    const base = {
      place: place.place.name,
      origin,
      size,
      ...(seen === undefined ? {} : { before: seen.checkpoint.size }),
    }
    if (typeof key === 'string') return { ...base, state: seen === undefined ? 'unknown' : 'refused', text: key }
    const verdict = verifyCheckpoint(place.note, [key])
    if (verdict.state === 'bad') return { ...base, state: 'refused', text: verdict.reason }
    const found = seen === undefined ? await firstSight(one) : await compare(one, seen)
    const look = { ...base, state: found.state, text: found.text }
    if (found.state === 'fork') return { ...look, evidence: found.keep() }
    if (found.state === 'unproven' || found.state === 'older') return look
    const cosigned = await memory.alone(() => cosignUnlessMoved(one, seen, key))
    if (cosigned !== undefined) return { ...look, cosigned }
  }
  throw new SentientError('LOCKED', { what: 'Other witnesses keep seeing more', where: memory.path })
}

/** The key of the log: the one that was trusted before, one that the user gave, one of the root folder itself. */
function keyFor({ options, place }: Case, seen: Seen | undefined): VerifierKey | string {
  const { origin } = place.checkpoint
  const given = options.keys.filter(({ name }) => name === origin)
  if (seen !== undefined) {
    const other = given.find(key => !sameVerifierKey(key, seen.key))
    return other === undefined ? seen.key : 'the key that was given is not the one by which the log is known here'
  }
  const known = given[0] ?? place.place.keys().find(({ name }) => name === origin)
  return known ?? `no key of ${origin} is known here: give the one that its owner gave you, with --key`
}

type Finding =
  | { readonly state: 'first' | 'grown' | 'same' | 'older' | 'unproven'; readonly text: string }
  | { readonly state: 'fork'; readonly text: string; readonly keep: () => string }

/** Taken as it is; of a new key for a log that is known, it is said whether its records go on too. */
async function firstSight({ memory, place }: Case): Promise<Finding> {
  const first = { state: 'first', text: 'seen for the first time, and cosigned' } as const
  const earlier = earlierEpoch(memory, place.checkpoint.origin)
  if (earlier === undefined) return first
  const { size, root } = earlier.checkpoint
  const under = `a new key, cosigned; of the ${size} records seen under the key before it`
  if (size > place.checkpoint.size) return { ...first, text: `${under} only ${place.checkpoint.size} are there` }
  const proof = await proofOf(place.place, size, place.checkpoint.size)
  const leads = (from: Uint8Array): boolean =>
    proof !== undefined && verifyConsistency(size, place.checkpoint.size, from, place.checkpoint.root, proof.path)
  if (leads(root)) return { ...first, text: `${under} all are there` }
  const differs = proof !== undefined && leads(proof.found)
  return { ...first, text: `${under} ${differs ? 'some are NOT there' : 'nobody could show whether they are there'}` }
}

/** What was seen of the log under the last key before this one. */
function earlierEpoch(memory: WitnessMemory, origin: string): Seen | undefined {
  try {
    const { logId, epoch } = parseOrigin(origin)
    for (let before = epoch - 1; before >= 0 && before >= epoch - epochsBackMax; before--) {
      const seen = memory.seen(formatOrigin({ logId, epoch: before }))
      if (seen !== undefined) return seen
    }
  } catch (error) {
    // The log of somebody else has another kind of name.
    if (!isFormatError(error)) throw error
  }
  return undefined
}

const epochsBackMax = 100

async function compare(one: Case, seen: Seen): Promise<Finding> {
  const { checkpoint, note } = one.place
  const before = seen.checkpoint
  const grown = checkpoint.size >= before.size
  const [older, newer] = grown ? [seen, { checkpoint, note }] : [{ checkpoint, note }, seen]
  if (checkpoint.size === before.size) {
    if (equalBytes(checkpoint.root, before.root)) return { state: 'same', text: 'nothing new' }
    return forkOf(one, { older, newer, path: [], found: before.root })
  }
  for await (const helper of helpers(one, seen)) {
    const proof = await proofOf(helper, older.checkpoint.size, newer.checkpoint.size)
    if (proof === undefined) continue
    const file = evidenceOf(seen.key, { older, newer, ...proof })
    if (file.verdict === 'consistent' && grown) {
      return { state: 'grown', text: `${checkpoint.size - before.size} more records, and cosigned` }
    }
    if (file.verdict === 'consistent') return { state: 'older', text: 'a beginning of what was seen before' }
    if (file.verdict === 'fork') return forkOf(one, { older, newer, ...proof })
  }
  return {
    state: 'unproven',
    text: grown
      ? `nobody could show that it goes on from the ${before.size} records seen before: not cosigned`
      : `fewer records than the ${before.size} seen before, and nobody could show that it is a beginning of them`,
  }
}

/** Who may have the tree: the place itself, the others of this round, and where the log was seen last. */
async function* helpers({ host, options, opened, place }: Case, seen: Seen): AsyncGenerator<LogPlace, void> {
  yield place.place
  const others = opened.filter(isRead).filter(one => one.checkpoint.origin === seen.checkpoint.origin)
  for (const other of others) if (other !== place) yield other.place
  if ([place, ...others].some(one => one.place.name === seen.place)) return
  const last = await openAndRead(host, seen.place, options.signal)
  if (!isRead(last)) return
  try {
    yield last.place
  } finally {
    last.place.close()
  }
}

async function proofOf(helper: LogPlace, from: number, to: number) {
  try {
    return await helper.proof(from, to)
  } catch (error) {
    troubleOf(error)
    return undefined
  }
}

interface Pair {
  readonly older: Pick<Seen, 'checkpoint' | 'note'>
  readonly newer: Pick<Seen, 'checkpoint' | 'note'>
  readonly path: readonly Uint8Array[]
  readonly found: Uint8Array
}

/** The pair as a file that speaks for itself, and what it says. */
function evidenceOf(key: VerifierKey, { older, newer, path, found }: Pair) {
  const bytes = consistencyFileOf({
    old: older.checkpoint,
    oldNote: withSignatureOf(older.note, key),
    newNote: withSignatureOf(newer.note, key),
    path,
    found,
  })
  return { bytes, verdict: verifyConsistencyFile(bytes, [key]).state }
}

function forkOf({ memory }: Case, pair: Pair): Finding {
  const { older, newer } = pair
  const { origin } = older.checkpoint
  const sizes =
    older.checkpoint.size === newer.checkpoint.size
      ? `${older.checkpoint.size} records with two roots`
      : `the ${newer.checkpoint.size} records do not begin with the ${older.checkpoint.size}`
  const roots = hexOf(sha256(older.checkpoint.root, newer.checkpoint.root)).slice(0, 12)
  const log = hexOf(sha256(Buffer.from(origin))).slice(0, 12)
  const name = `${log}-${older.checkpoint.size}-${newer.checkpoint.size}-${roots}.fork`
  return {
    state: 'fork',
    text: `its key signed two histories: ${sizes}`,
    keep: () => memory.keepEvidence(name, evidenceOf(memory.seen(origin)!.key, pair).bytes),
  }
}

/** Cosigns and remembers, if what is remembered is still what was compared with; undefined when it is not. */
function cosignUnlessMoved(
  { host, memory, place }: Case,
  seen: Seen | undefined,
  key: VerifierKey,
): Look['cosigned'] | undefined {
  const { checkpoint } = place
  const now = memory.seen(checkpoint.origin)
  const same = now === undefined ? seen === undefined : seen !== undefined && equalBytes(now.note, seen.note)
  if (!same) return undefined
  const seconds = Math.floor(host.clock.nowMicros() / 1_000_000)
  const unchanged = now !== undefined && equalBytes(now.checkpoint.root, checkpoint.root)
  const at = unchanged && now.checkpoint.size === checkpoint.size ? cosignedAt(now.note, memory.cosigner) : undefined
  const fresh = at !== undefined && at <= seconds && seconds - at < freshSeconds
  const note = fresh ? now!.note : cosign(withSignatureOf(place.note, key), memory.cosigner, seconds)
  if (!fresh) memory.keep({ note, checkpoint, key, place: place.place.name })
  return { file: memory.fileOf(checkpoint.origin), note: Buffer.from(note).toString('utf8') }
}
