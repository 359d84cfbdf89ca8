// Adopting a folder that this device does not know as its own: moved or restored here, or a copy. Where another history
// may go on under the same key, a new epoch begins: a new key, and in a copy a new log id, so that no two logs ever have
// one name. A kill at any step leaves a folder that asks again, or one that is adopted: the binding comes last.
import { isSentientError, SentientError } from './errors.ts'
import { equalBytes } from './format/bytes.ts'
import { type Checkpoint, formatOrigin, verifyCheckpoint } from './format/checkpoint.ts'
import { formatFileBytesMax } from './format/constants.generated.ts'
import { encodeFormatFile, type FormatFile } from './format/formatFile.ts'
import type { Body } from './format/record.ts'
import type { ByteString, Directory, Host } from './host/host.ts'
import { createLogKey, nextEpoch, removePrivateKeysBefore } from './keys/keys.ts'
import { openParts, type Parts } from './parts.ts'
import { lookAtBinding, remember, signHeld, writeProjections } from './signing.ts'
import { replaceFile } from './store/layout.ts'
import type { AdoptOptions } from './systemApi.ts'
import { isRootFolder } from './timeline/init.ts'
import type { Notice, Work } from './timeline/model.ts'
import { beginUnderLock } from './timeline/recovery.ts'
import { readySnapshots } from './timeline/snapshots.ts'
import { underLock } from './timeline/transact.ts'
import { type BindingState, copyError } from './verify/bindingCheck.ts'

export interface AdoptReport {
  /** What this device knew of the folder before. */
  readonly found: BindingState['state']
  /** False: it signs for it already, and nothing was done. */
  readonly adopted: boolean
  /** Where the log was signed for last, as far as this device knows. */
  readonly from?: ByteString
  /** Of the key in force now. */
  readonly origin: string
  readonly verifierKey: string
  /** A new epoch began: the number of its first record. */
  readonly seq?: number
  /** It goes on from so many records that were signed under the key before. */
  readonly goesOnFrom?: number
  /** So many records this device had signed under the key before, and not all of them are here. */
  readonly lost?: number
  readonly notices: readonly Notice[]
}

/** See `adoptRoot` in system.ts. */
export async function* adoptFolder(host: Host, options: AdoptOptions): Work<AdoptReport> {
  const begun = yield* withParts(host, options, parts => begin(host, parts, options))
  return 'report' in begun
    ? begun.report
    : yield* withParts(host, options, parts => finish(host, parts, options, begun))
}

async function* withParts<T>(host: Host, options: AdoptOptions, work: (parts: Parts) => Work<T>): Work<T> {
  const { rootPath, signal } = options
  const root = host.files.openDirectory(rootPath)
  if (root === undefined || !isRootFolder(root)) {
    root?.close()
    throw new SentientError('ROOT_NOT_FOUND', { where: rootPath })
  }
  const parts = openParts(host, root, { rootPath, access: 'write', ...(signal === undefined ? {} : { signal }) })
  try {
    if (parts.damage !== undefined) {
      const hint = 'Run sentctl repair first.'
      throw new SentientError('DAMAGED', { what: 'The journal is damaged', where: rootPath, found: parts.damage, hint })
    }
    if (!parts.writable) throw new SentientError('READ_ONLY', { where: rootPath })
    await parts.context.loadSettings()
    return yield* work(parts)
  } finally {
    parts.release()
  }
}

interface Begun {
  readonly found: BindingState
  /** Of the new key. */
  readonly origin: string
}

/** Under the lock: looks what there is to do; makes the new key, and in a copy the new log id, where one is due. */
async function* begin(
  host: Host,
  parts: Parts,
  { as, signal }: AdoptOptions,
): Work<Begun | { readonly report: AdoptReport }> {
  const { context } = parts
  return yield* underLock(
    context,
    { label: 'adopt', ...(signal === undefined ? {} : { signal }) },
    async function* (session) {
      yield* beginUnderLock(context, session, signal)
      const found = lookAtBinding(host, parts)
      if (as === 'moved' && found.state === 'copied') throw copyError(context.directories.root.path, found)
      const usable = hasPrivateKey(parts)
      const ours = found.state === 'bound' || (as === 'moved' && ['replaced', 'forgetful'].includes(found.state))
      if (ours && usable) return { report: reportOf(parts, found, { adopted: false }) }
      if (as === 'moved' && found.state === 'moved' && usable) {
        remember(host, parts, context.journal.head().size)
        signHeld(host, parts)
        return { report: reportOf(parts, found, { adopted: true }) }
      }
      const logId = as === 'copy' ? host.random.bytes(16) : parts.format.logId
      const epoch = nextEpoch(parts.auth)
      createLogKey(parts.auth, { logId, epoch, random: host.random })
      if (as === 'copy') replaceFormat(context.directories.runtime, parts.format, logId)
      return { found, origin: formatOrigin({ logId, epoch }) }
    },
  )
}

function hasPrivateKey({ keys }: Parts): boolean {
  try {
    keys.signer()
    return true
  } catch (error) {
    if (!isSentientError(error, 'KEY')) throw error
    return false
  }
}

/** From here on the folder is another log, which no device remembers yet. */
function replaceFormat(runtime: Directory, before: FormatFile, logId: Uint8Array): void {
  const bytes = encodeFormatFile({ ...before, logId, earlier: [...(before.earlier ?? []), before.logId] })
  if (bytes.length > formatFileBytesMax) {
    throw new SentientError('LIMIT', {
      what: 'A copy of a copy can not be copied any further',
      where: '.runtime/format',
      expected: `at most ${formatFileBytesMax} bytes`,
    })
  }
  replaceFile(runtime, 'format', bytes, true)
}

/** Under the lock: the record, then the earlier private keys go, then this device remembers it, then it is signed. */
async function* finish(host: Host, parts: Parts, options: AdoptOptions, begun: Begun): Work<AdoptReport> {
  const { context, keys } = parts
  const { signal, as } = options
  const label = { label: 'adopt', ...(signal === undefined ? {} : { signal }) }
  const report = yield* underLock(context, label, async function* (session) {
    yield* beginUnderLock(context, session, signal)
    if (keys.verifier().name !== begun.origin) {
      throw new SentientError('LOCKED', {
        what: 'Another process adopts this folder too',
        where: context.directories.root.path,
        hint: 'Run it again.',
      })
    }
    yield* readySnapshots(context, signal)
    const from = newestCheckpoint(parts)
    const lost = begun.found.state === 'behind' ? begun.found.size : undefined
    const { seq } = appendEpoch(parts, { from, as, lost })
    removePrivateKeysBefore(parts.auth, Number(begun.origin.split('/').at(-1)))
    remember(host, parts, context.journal.head().size)
    signHeld(host, parts)
    return reportOf(parts, begun.found, {
      adopted: true,
      seq,
      goesOnFrom: from.size,
      ...(lost === undefined ? {} : { lost }),
    })
  })
  await writeProjections(host, parts)
  return report
}

/** What the journal goes on from: the newest checkpoint that is known, or nothing, when none can be verified. */
function newestCheckpoint({ context, keys, format }: Parts): Checkpoint {
  const { journal } = context
  try {
    const stored = journal.checkpoint()
    const verdict = stored === undefined ? undefined : verifyCheckpoint(stored.bytes, keys.all())
    if (verdict?.state === 'ok') {
      const { size, root } = verdict.checkpoint
      if (size <= journal.head().size && equalBytes(journal.rootHash(size), root)) return verdict.checkpoint
    }
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
  }
  const origin = keys.all().at(-2)?.name ?? formatOrigin({ logId: format.logId, epoch: 0 })
  return { origin, size: 0, root: journal.rootHash(0) }
}

function appendEpoch(
  { context, keys }: Parts,
  { from, as, lost }: { readonly from: Checkpoint; readonly as: AdoptOptions['as']; readonly lost: number | undefined },
) {
  const { journal, store } = context
  const { root } = journal.head()
  if (root === undefined) throw new SentientError('DAMAGED', { what: 'The journal holds no record' })
  const body: Body = {
    actor: context.actor,
    action: 'new-epoch',
    subject: { kind: 'journal', id: '' },
    decision: { effect: 'permit', bundle: null, rule: '' },
    fields: {
      key: keys.verifierText(),
      origin: from.origin,
      size: from.size,
      root: from.root,
      why: as,
      ...(lost === undefined ? {} : { lost }),
    },
  }
  const [appended] = journal.append([{ root, body }], store.sharedPack())
  journal.setApplied(journal.head().size)
  return appended!
}

function reportOf(
  { context, keys, origin }: Parts,
  found: BindingState,
  done: Pick<AdoptReport, 'adopted' | 'seq' | 'goesOnFrom' | 'lost'>,
): AdoptReport {
  return {
    found: found.state,
    ...('from' in found ? { from: found.from } : {}),
    origin,
    verifierKey: keys.verifierText(),
    notices: context.notices,
    ...done,
  }
}
