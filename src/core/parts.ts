// Opening the parts of a root folder and joining them in one context. `system.ts` and `adoptRoot.ts` work with them.
import { isSentientError, SentientError } from './errors.ts'
import { hexOf } from './format/bytes.ts'
import { formatOrigin } from './format/checkpoint.ts'
import { FormatError } from './format/formatError.ts'
import { decodeFormatFile, encodeFormatFile, type FormatFile, type Openable, openable } from './format/formatFile.ts'
import { isHostError } from './host/error.ts'
import type { Directory, Host, Randomness } from './host/host.ts'
import { type Journal, openJournal } from './journal/journal.ts'
import { type LogKeys, openLogKeys } from './keys/keys.ts'
import { rootFormat } from './rootFormat.ts'
import { replaceFile } from './store/layout.ts'
import { openStore } from './store/store.ts'
import type { OpenOptions } from './systemApi.ts'
import { permitAll, type TimelineContext } from './timeline/context.ts'
import { type LoadedSettings, loadSettingsInForce } from './timeline/governing.ts'
import type { Notice } from './timeline/model.ts'
import { keysNamed } from './timeline/records.ts'
import { defaultSettings, settingsText } from './timeline/settings.ts'
import { openWorktree } from './worktree/worktree.ts'

/** What an open root folder is made of. */
export interface Parts {
  readonly context: TimelineContext
  readonly keys: LogKeys
  readonly origin: string
  readonly format: FormatFile
  /** `.auth` */
  readonly auth: Directory
  /** Whether this process may write into the dotfolders at all. */
  readonly writable: boolean
  readonly damage: string | undefined
  /** From now on nothing is recorded or signed here, and this is why; undefined: it may be again. */
  refuse(why: SentientError | undefined): void
  release(): void
}

export function openParts(host: Host, root: Directory, options: OpenOptions): Parts {
  const opened: Directory[] = [root]
  const child = (parent: Directory, name: string): Directory => {
    const directory = parent.child(name)
    if (directory === undefined)
      throw new SentientError('DAMAGED', {
        what: 'A part of the root folder is missing',
        where: `${parent.path}/${name}`,
      })
    opened.push(directory)
    return directory
  }
  const derivedChild = (parent: Directory, name: string): Directory | undefined => {
    try {
      if (parent.stat(name) === undefined) parent.makeDirectory(name, 0o700)
      return child(parent, name)
    } catch (error) {
      if (isHostError(error, 'READ_ONLY', 'DENIED', 'NO_SPACE')) return undefined
      throw error
    }
  }
  const runtime = child(root, '.runtime')
  const auth = child(root, '.auth')
  const places = { root, runtime, auth, stateDirectory: host.stateDirectory }
  const { file: formatFile, fault } = rootFormat(places)
  let formatFault = fault
  const permission = permissionOf(formatFile)
  const tree = child(root, '.tree')
  const derived = derivedChild(root, '.db')
  const staging = derived === undefined ? undefined : derivedChild(runtime, 'stage')
  const stage = staging !== undefined && canWrite(staging, host.random) ? staging : undefined
  const writable = permission.state === 'write' && stage !== undefined
  const access = options.access === 'write' && writable ? 'write' : 'read'
  const { clock, random, processes, locks } = host
  const journal = openJournal({
    directory: runtime,
    derived,
    clock,
    random,
    processes,
    locks,
    // Finishing a committed change is part of opening, also for a reader, wherever the folder can be written.
    access: writable ? 'write' : 'read',
    logId: formatFile.logId,
    earlierLogIds: formatFile.earlier ?? [],
    logIdsNow() {
      const { logId, earlier = [] } = rootFormat(places).file
      return [logId, ...earlier]
    },
    limits: { earliestMicros: host.builtMicros ?? 0 },
  })
  const store = openStore({ directory: tree, clock, random, processes, access: writable ? 'write' : 'read' })
  const worktree = openWorktree({ root, stage, derived, clock, random, native: host.native })
  const keys = openKeys(auth, formatFile, journal)
  let loaded: LoadedSettings | undefined
  const notices: Notice[] = []
  let refusal = faultOfKeys(keys, notices)
  const granted = journal.damage() === undefined ? access : 'read'
  const context: TimelineContext = {
    store,
    journal,
    worktree,
    directories: { root, runtime, tree, derived },
    clock,
    random,
    decide: options.decide ?? permitAll,
    actor: options.actor ?? 'owner',
    session: options.session,
    get access() {
      return refusal === undefined ? granted : 'read'
    },
    get refusal() {
      return refusal
    },
    signer: () => keys.signer(),
    verifier: () => keys.verifier(),
    verifiers: () => keys.all(),
    damagedKeys: () => keys.damaged(),
    mendKeys: () => keys.mend(),
    formatFault: () => formatFault,
    mendFormat() {
      replaceFile(runtime, 'format', encodeFormatFile(formatFile), true)
      formatFault = undefined
    },
    notices,
    native: host.native,
    settings: () => loaded?.values ?? defaultSettings,
    settingsText: () => loaded?.text ?? settingsText(defaultSettings),
    async loadSettings() {
      loaded = await loadSettingsInForce({ store, journal, directories: context.directories }, loaded)
      if (loaded.problem !== undefined && !notices.some(notice => notice.code === 'settings')) {
        notices.push({
          code: 'settings',
          text: `the settings in force can not be read, the defaults stand in: ${loaded.problem}`,
        })
      }
    },
  }
  if (fault !== undefined) notices.push(formatNotice(fault))
  const damage = journal.damage()
  if (damage !== undefined)
    notices.push({ code: 'damaged', text: `the journal is damaged at ${damage.where}: ${damage.reason}` })
  else if (options.access === 'write' && access === 'read') notices.push(readOnlyNotice(permission))
  return {
    context,
    keys,
    origin: refusal === undefined ? keys.verifier().name : formatOrigin({ logId: formatFile.logId, epoch: 0 }),
    format: formatFile,
    auth,
    writable,
    damage: damage?.reason,
    refuse(why) {
      refusal = why
    },
    release() {
      journal.close()
      store.close()
      for (const directory of opened.reverse()) directory.close()
    },
  }
}

/** The keys of a folder; what a damaged file does not tell of them the records do. */
export const openKeys = (auth: Directory, { logId }: FormatFile, journal: Journal): LogKeys =>
  openLogKeys(auth, logId, () => [...keysNamed(journal)])

/** Why nothing can be signed, nor any signature of this log be checked. A key that is known all the same is a notice. */
function faultOfKeys(keys: LogKeys, notices: Notice[]): SentientError | undefined {
  try {
    const fault = keys.fault()
    if (fault !== undefined)
      notices.push({ code: 'damaged', text: `${fault}; the key is known all the same: sentctl repair writes it anew` })
    return undefined
  } catch (error) {
    if (!isSentientError(error, 'KEY')) throw error
    notices.push({ code: 'damaged', text: error.message })
    return error
  }
}

/** Throws FORMAT_UNKNOWN. */
function permissionOf(format: FormatFile): Openable {
  const permission = openable(format)
  if (permission.state !== 'refuse') return permission
  throw new SentientError('FORMAT_UNKNOWN', { where: '.runtime/format', found: permission.unknown.join(', ') })
}

const formatNotice = (fault: string): Notice => ({
  code: 'damaged',
  text: `.runtime/format is damaged, ${fault}; what it held is known all the same: sentctl repair writes it anew`,
})

function readOnlyNotice(permission: Openable): Notice {
  const why =
    permission.state === 'read'
      ? `unknown options ${permission.unknown.join(', ')}`
      : 'the file system can not be written'
  return { code: 'read-only', text: `opened for reading: ${why}` }
}

/** Whether files can be made there: media that became read-only still show every directory. */
function canWrite(directory: Directory, random: Randomness): boolean {
  const name = `probe-${hexOf(random.bytes(6))}`
  try {
    directory.open(name, 'create', 0o600).close()
    directory.removeFile(name)
    return true
  } catch (error) {
    // A full disk is no reason to open for reading only: removing things must stay possible.
    if (isHostError(error)) return error.code === 'NO_SPACE'
    throw error
  }
}

const formatFileBytesMax = 65_536

/** Throws DAMAGED. */
export function readFormat(runtime: Directory): FormatFile {
  const file = runtime.open('format', 'read')
  try {
    const bytes = new Uint8Array(Math.min(file.stat().size, formatFileBytesMax))
    file.read(bytes, 0, bytes.length, 0)
    return decodeFormatFile(bytes)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new SentientError(
      'DAMAGED',
      { what: 'The format file is damaged', where: '.runtime/format', found: error.message },
      error,
    )
  } finally {
    file.close()
  }
}
