// What the parts of the timeline share: the subsystems they stand on, who acts, and the state that is in force.
import { SentientError } from '../errors.ts'
import { FormatError } from '../format/formatError.ts'
import { cidText, dagLink, type ObjectId } from '../format/id.ts'
import type { NoteSigner, VerifierKey } from '../format/note.ts'
import type { Decision } from '../format/record.ts'
import { decodeState, type State } from '../format/state.ts'
import type { ByteString, Clock, Directory, Randomness } from '../host/host.ts'
import type { Journal } from '../journal/journal.ts'
import type { Native } from '../native/native.ts'
import type { Store } from '../store/store.ts'
import type { ObjectReader } from '../store/tree.ts'
import type { Worktree } from '../worktree/worktree.ts'
import type { Notice } from './model.ts'
import type { Settings } from './settings.ts'

/** One thing that an operation wants to do to one path; compound operations ask once a path. */
export interface DecisionRequest {
  readonly actor: string
  readonly action: 'create' | 'write' | 'delete' | 'chmod' | 'govern'
  readonly path: ByteString
  readonly size: number
}

/** Decides a whole operation; one refusal refuses all. */
export type Decide = (requests: Iterable<DecisionRequest>) => Decision

/** What decides while there are no contracts. */
export const permitAll: Decide = () => ({ effect: 'permit', bundle: null, rule: '' })

export interface Directories {
  readonly root: Directory
  readonly runtime: Directory
  readonly tree: Directory
  /** Absent when the folder is open for reading on media that can not be written. */
  readonly derived: Directory | undefined
}

export interface TimelineContext {
  readonly store: Store
  readonly journal: Journal
  readonly worktree: Worktree
  readonly directories: Directories
  readonly clock: Clock
  readonly random: Randomness
  readonly decide: Decide
  readonly actor: string
  readonly session: string | undefined
  readonly access: 'read' | 'write'
  /** Opened for writing, and only read because this device does not know the folder as its own: why. */
  readonly refusal?: SentientError | undefined
  readonly signer: () => NoteSigner
  /** Needs no private key. */
  readonly verifier: () => VerifierKey
  /** The keys of all epochs, that of today among them. */
  readonly verifiers: () => VerifierKey[]
  /** The files of public keys that are not as they were written; `mendable` where records or a private key tell them. */
  readonly damagedKeys: () => readonly { readonly name: string; readonly reason: string; readonly mendable: boolean }[]
  /** Writes those anew that can be; their names. */
  readonly mendKeys: () => readonly string[]
  /** What is wrong with `.runtime/format` where what it held is known from elsewhere. */
  readonly formatFault: () => string | undefined
  /** Writes it anew as it was. */
  readonly mendFormat: () => void
  readonly notices: Notice[]
  /** Absent where it is not built, or turned off. */
  readonly native: Native | undefined
  /** The settings in force; loaded again when a record changed them. */
  settings(): Settings
  settingsText(): string
  /** Loads the settings that a state names; called when the state in force may have changed. */
  loadSettings(): Promise<void>
}

export interface InForce {
  readonly root: ObjectId
  readonly state: State
}

/** Throws COPY or READ_ONLY where nothing may be recorded. */
export function requireWritable(context: TimelineContext): void {
  if (context.access === 'write') return
  throw context.refusal ?? new SentientError('READ_ONLY', { where: context.directories.root.path })
}

/** The state object behind a root; throws DAMAGED or OBJECT_MISSING. */
export function readState(reader: ObjectReader, root: ObjectId): State {
  const bytes = reader.get(dagLink(root))
  try {
    return decodeState(bytes)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new SentientError('DAMAGED', {
      what: 'A state object breaks the format',
      where: cidText(dagLink(root)),
      found: error.message,
    })
  }
}

/** The state after the last record. Every root folder has one: its first record adopts what was there. */
export function stateInForce(context: TimelineContext): InForce {
  const root = context.journal.head().root
  if (root === undefined) {
    throw new SentientError('DAMAGED', { what: 'The journal holds no record', where: '.runtime/journal' })
  }
  return { root, state: readState(context.store, root) }
}
