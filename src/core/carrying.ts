// The history carried to other places and back: backups, archives, what another copy of the folder can mend. Part of
// `system.ts`: it joins the subsystems that do it with the places that the user names.
import { type ArchiveOptions, type ArchiveReport, exportArchive } from './backup/archive.ts'
import { type BackupReport, backup } from './backup/backup.ts'
import { readWhole } from './backup/files.ts'
import { type ImportReport, importArchive } from './backup/import.ts'
import type { Need } from './backup/reachable.ts'
import { type EjectSurvey, eject, surveyEject } from './eject/eject.ts'
import { SentientError } from './errors.ts'
import { beginNew, openOrMake, openParent } from './export/place.ts'
import { bindingFileName } from './format/binding.ts'
import { byteStringOfText, equalBytes, hexOf } from './format/bytes.ts'
import { verifyCheckpoint } from './format/checkpoint.ts'
import { noteBytesMax } from './format/constants.generated.ts'
import { isHostError } from './host/error.ts'
import type { Directory, Host } from './host/host.ts'
import { openJournal } from './journal/journal.ts'
import type { OtherCopy } from './journal/takeFrom.ts'
import { forgetBinding } from './keys/binding.ts'
import { readFormat } from './parts.ts'
import { openStore } from './store/store.ts'
import type { ByteSource, Cancellable } from './systemApi.ts'
import type { TimelineContext } from './timeline/context.ts'
import { isForgotten } from './timeline/forgotten.ts'
import { isRootFolder } from './timeline/init.ts'
import type { RepairReport, Work } from './timeline/model.ts'
import { gcHorizon } from './timeline/pruned.ts'
import { type OtherFolder, repair } from './verify/repair.ts'
import { writeProblem } from './worktree/apply.ts'
import { reservedTopNames, settingsName } from './worktree/reserved.ts'

export interface BackupChoices extends Cancellable {
  /** Also reads everything that the backup has already, and replaces what is not as it should be. */
  readonly deep?: boolean
}

/** Brings the backup in a directory (an absolute path, made when missing) up to date. */
export async function* backupTo(
  host: Host,
  context: TimelineContext,
  path: string,
  { deep, signal }: BackupChoices = {},
): Work<BackupReport> {
  const to = openReceiving(host, path, context.directories.root)
  try {
    return yield* backup({ context, host, to, deep, signal })
  } catch (error) {
    throw writeProblem(error, path)
  } finally {
    to.close()
  }
}

/** From where on an archive holds records: a record that the other side has, or a checkpoint of what it has. */
export type Since = { readonly seq: number } | { readonly note: Uint8Array } | undefined

/** Writes the history, or what is new since something, as one stream of bytes. */
export async function* exportArchiveOf(
  host: Host,
  context: TimelineContext,
  options: Cancellable & { readonly since?: Since; readonly write: ArchiveOptions['write'] },
): Work<ArchiveReport> {
  const { since, write, signal } = options
  const from = firstRecordSince(context, since)
  const isGone = ({ link, horizonMax }: Need): boolean =>
    horizonMax < gcHorizon(context) || isForgotten(context, link.id)
  return yield* exportArchive({ context, random: host.random, from, isGone, write, signal })
}

/** The same into a file (an absolute path), which is there when it is whole. */
export async function* exportArchiveFile(
  host: Host,
  context: TimelineContext,
  { path, ...options }: Cancellable & { readonly path: string; readonly since?: Since },
): Work<ArchiveReport> {
  const { parent, name } = openParent(host.files, path)
  let whole = false
  try {
    const begun = beginNew(parent, name, 0o600)
    const { file } = begun
    try {
      let at = 0
      const write = (bytes: Uint8Array): void => {
        file.write(bytes, at)
        at += bytes.length
      }
      const report = yield* exportArchiveOf(host, context, { ...options, write })
      file.flush()
      begun.rename()
      parent.flush()
      whole = true
      return report
    } finally {
      if (!whole) begun.abandon()
      file.close()
    }
  } catch (error) {
    throw writeProblem(error, path)
  } finally {
    parent.close()
  }
}

function firstRecordSince(context: TimelineContext, since: Since): number {
  if (since === undefined) return 0
  const { size } = context.journal.head()
  if ('seq' in since) {
    if (since.seq >= 0 && since.seq < size) return since.seq + 1
    throw new SentientError('STATE_NOT_FOUND', { expected: `a record up to #${size - 1}`, found: `#${since.seq}` })
  }
  const verdict = verifyCheckpoint(since.note, [...context.verifiers()])
  if (verdict.state === 'bad')
    throw new SentientError('DAMAGED', { what: 'That is no checkpoint of this log', found: verdict.reason })
  const { size: theirs, root } = verdict.checkpoint
  if (theirs <= size && equalBytes(context.journal.rootHash(theirs), root)) return theirs
  throw new SentientError('DIVERGED', {
    what: 'The checkpoint is signed, and the history here is not the one that it was signed for',
    expected: `${theirs} records with the Merkle root ${hexOf(root)}`,
    found: theirs > size ? `${size} records` : hexOf(context.journal.rootHash(theirs)),
    hint: 'Keep the checkpoint: with sentctl consistency it proves the fork.',
  })
}

/** Takes an archive into a directory (an absolute path), which is made when it is missing, or extended. */
export async function* importInto(
  host: Host,
  source: ByteSource,
  { path, signal }: Cancellable & { readonly path: string },
): Work<ImportReport> {
  const to = host.files.openDirectory(path)
  let done = false
  try {
    refuseNested(host, path, undefined)
    const make = (): Directory => openReceiving(host, path, undefined)
    const report = yield* importArchive({ host, source, to, make, signal })
    done = true
    return report
  } catch (error) {
    throw writeProblem(error, path)
  } finally {
    to?.close()
    if (to === undefined && !done) removeIfEmpty(host, path)
  }
}

function removeIfEmpty(host: Host, path: string): void {
  const { parent, name } = openParent(host.files, path)
  try {
    if (parent.stat(name) !== undefined) parent.removeDirectory(name)
  } catch (error) {
    // What failed before is what counts.
    if (!isHostError(error)) throw error
  } finally {
    parent.close()
  }
}

/** Mends what is damaged, and takes what is lost from another copy of the folder, where one is named. */
export async function* repairFrom(
  host: Host,
  context: TimelineContext,
  { from, mended, signal }: Cancellable & { readonly from?: string | undefined; readonly mended: () => void },
): Work<RepairReport> {
  if (from === undefined) return yield* repair(context, { signal, mended })
  const other = openOther(host, context, from)
  try {
    return yield* repair(context, { signal, mended, other: other.folder })
  } finally {
    other.close()
  }
}

/** A backup, an import, or any copy of the folder; read only, and trusted in nothing. */
function openOther(host: Host, context: TimelineContext, path: string): { folder: OtherFolder; close(): void } {
  const root = host.files.openDirectory(path)
  if (root === undefined || !isRootFolder(root)) {
    root?.close()
    throw new SentientError('ROOT_NOT_FOUND', {
      what: 'No backup and no copy of a root folder',
      where: path,
      hint: 'Name the directory that sentctl backup was given.',
    })
  }
  const opened = [root]
  const child = (name: string): Directory => {
    const directory = root.child(name)
    if (directory === undefined)
      throw new SentientError('DAMAGED', { where: `${path}/${name}`, found: 'it is missing' })
    opened.push(directory)
    return directory
  }
  try {
    const { clock, random, processes, locks } = host
    const ports = { clock, random, processes, locks, access: 'read' } as const
    const runtime = child('.runtime')
    const { logId, earlier = [] } = readFormat(runtime)
    const journal = openJournal({ ...ports, directory: runtime, logId, earlierLogIds: earlier })
    const store = openStore({ ...ports, directory: child('.tree') })
    const records = {
      size: journal.head().size,
      rawRecords: journal.rawRecords,
      signed: signedBy(runtime, context),
    }
    return {
      folder: { records, objects: store },
      close() {
        journal.close()
        store.close()
        for (const directory of opened.reverse()) directory.close()
      },
    }
  } catch (error) {
    for (const directory of opened.reverse()) directory.close()
    throw error
  }
}

/** Its checkpoint, when this log's own key has signed it. */
function signedBy(runtime: Directory, context: TimelineContext): OtherCopy['signed'] {
  const bytes = readWhole(runtime, 'checkpoint', noteBytesMax)
  const verdict = bytes && verifyCheckpoint(bytes, [...context.verifiers()])
  return verdict?.state === 'ok' ? verdict.checkpoint : undefined
}

/** Root folders are never nested, neither this one in that nor that one in any. */
export function openReceiving(host: Host, path: string, source: Directory | undefined): Directory {
  refuseNested(host, path, source)
  return openOrMake(host.files, path, 0o700)
}

function refuseNested(host: Host, path: string, source: Directory | undefined): void {
  const { parent } = openParent(host.files, path)
  try {
    const place = `${parent.path === '/' ? '' : parent.path}${path.slice(path.lastIndexOf('/'))}`
    const above = rootAbove(host, parent.path)
    if (above !== undefined || source?.path.startsWith(`${place}/`) === true) {
      throw new SentientError('ROOT_EXISTS', {
        what: 'Root folders are never nested',
        where: path,
        found: `the root folder ${above ?? source?.path}`,
        hint: 'Name a directory outside of it.',
      })
    }
  } finally {
    parent.close()
  }
}

function rootAbove(host: Host, start: string): string | undefined {
  for (let path = start; ; path = path.slice(0, Math.max(1, path.lastIndexOf('/')))) {
    const directory = host.files.openDirectory(path)
    const found = directory !== undefined && isRootFolder(directory)
    directory?.close()
    if (found) return path
    if (path === '/' || !path.includes('/')) return undefined
  }
}

export interface Ejection extends EjectSurvey {
  /** Names at the top that look like ours and are not removed, with the settings. */
  readonly left: readonly string[]
}

/** What `ejectRoot` would remove. The folder need not be sound: leaving is always possible. */
export function ejectionOf(host: Host, path: string): Ejection {
  const root = rootAt(host, path)
  try {
    const survey = surveyEject(root)
    const left = [settingsName, ...reservedTopNames].filter(
      name => root.stat(name) !== undefined && !survey.names.includes(name),
    )
    return { ...survey, left }
  } finally {
    root.close()
  }
}

/** Removes the history of a root folder and what this device remembers of it; the files stay. */
export function ejectRoot(host: Host, path: string): void {
  const root = rootAt(host, path)
  try {
    eject(root, host.locks)
    if (host.stateDirectory !== undefined)
      forgetBinding(host.stateDirectory, bindingFileName(byteStringOfText(root.path)))
  } catch (error) {
    throw writeProblem(error, path)
  } finally {
    root.close()
  }
}

function rootAt(host: Host, path: string): Directory {
  const root = host.files.openDirectory(path)
  if (root !== undefined && isRootFolder(root)) return root
  root?.close()
  throw new SentientError('ROOT_NOT_FOUND', { where: path })
}
