// Settings as they are governed: sentient.yaml is a candidate while it differs from what is in force, and comes into
// force by a record only. A rollback that brings old settings back lets the file follow, unless somebody edited it.
import { isSentientError, SentientError } from '../errors.ts'
import { cidText, type Link } from '../format/id.ts'
import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import type { ObjectReader } from '../store/tree.ts'
import { settingsName } from '../worktree/reserved.ts'
import { requireWritable, stateInForce, type TimelineContext } from './context.ts'
import type { OperationResult, Work } from './model.ts'
import { nothingDone } from './operations.ts'
import {
  defaultSettings,
  editSettingsText,
  parseSettings,
  type Settings,
  type SettingsProblem,
  settingsBytesMax,
  settingsDifferences,
  settingsError,
  settingsText,
} from './settings.ts'
import { readSettingsFile, writeSettingsFile } from './settingsFile.ts'
import { transact } from './transact.ts'

export interface SettingsCandidate {
  readonly state: 'none' | 'changed' | 'missing' | 'invalid'
  readonly problem?: SettingsProblem
  readonly differences: readonly { readonly key: string; readonly inForce: string; readonly candidate: string }[]
}

/** How sentient.yaml stands against what is in force. */
export async function settingsCandidate(context: TimelineContext): Promise<SettingsCandidate> {
  let text: string | undefined
  try {
    text = readSettingsFile(context.directories.root)
  } catch (error) {
    if (!(error instanceof SentientError)) throw error
    return { state: 'invalid', problem: { line: 1, column: 1, message: error.message }, differences: [] }
  }
  if (text === undefined) return { state: 'missing', differences: [] }
  if (text === context.settingsText()) return { state: 'none', differences: [] }
  const parsed = await parseSettings(text)
  if (parsed.state === 'invalid') return { state: 'invalid', problem: parsed.problem, differences: [] }
  return { state: 'changed', differences: settingsDifferences(context.settings(), parsed.settings) }
}

/** Puts sentient.yaml in force; a missing file is written from what is in force. */
export async function* applySettings(
  context: TimelineContext,
  options: { readonly signal?: AbortSignal } = {},
): Work<OperationResult> {
  requireWritable(context)
  const text = readSettingsFile(context.directories.root)
  if (text === undefined) {
    writeSettingsFile(context, context.settingsText())
    return nothingDone('govern')
  }
  return yield* govern(context, async () => ({ text }), options)
}

/** Sets one key in the file and puts it in force. Refused while the file holds other edits that are not in force. */
export async function* setSetting(
  context: TimelineContext,
  key: string,
  value: string,
  options: { readonly signal?: AbortSignal } = {},
): Work<OperationResult> {
  const edited = async () => {
    const candidate = await settingsCandidate(context)
    if (candidate.state === 'changed' || candidate.state === 'invalid') {
      const keys = candidate.differences.map(difference => difference.key).join(', ')
      throw new SentientError('SETTINGS_INVALID', {
        what: 'sentient.yaml holds edits that are not in force',
        where: keys === '' ? settingsName : `${settingsName}: ${keys}`,
        hint: 'Put them in force with sentctl config apply, or take them back, then set the key.',
      })
    }
    const text = await editSettingsText(context.settingsText(), key, value)
    return { text, afterwards: () => writeSettingsFile(context, text) }
  }
  return yield* govern(context, edited, options)
}

interface Governed {
  readonly text: string
  readonly afterwards?: () => void
}

/** `make` is asked under the lock: what is in force then may be what another process put in force a moment ago. */
async function* govern(
  context: TimelineContext,
  make: () => Promise<Governed>,
  options: { readonly signal?: AbortSignal },
): Work<OperationResult> {
  const transaction = { label: 'config apply', signal: options.signal }
  const result = yield* transact(context, transaction, async function* (tx) {
    const { text, afterwards } = await make()
    const parsed = await parseSettings(text)
    if (parsed.state === 'invalid') throw settingsError(parsed.problem)
    const differences = settingsDifferences(context.settings(), parsed.settings)
    // A key that has its value already; comments in a file that somebody edited are another matter.
    if (afterwards !== undefined && differences.length === 0) return undefined
    const settings = tx.ingest.put('raw', 'other', Buffer.from(text))
    return {
      action: 'govern',
      subject: { kind: 'setting', id: settingsName },
      changes: [],
      domains: { settings },
      fields: { keys: differences.map(difference => difference.key) },
      afterwards,
    }
  })
  await context.loadSettings()
  return result ?? nothingDone('govern')
}

/** After other settings came into force: the file follows if it still showed the ones before. */
export function settingsFollow(
  context: TimelineContext,
  reader: ObjectReader,
  link: Link | undefined,
): (() => void) | undefined {
  const before = context.settingsText()
  const showsBefore = () => {
    try {
      return readSettingsFile(context.directories.root) === before
    } catch (error) {
      if (isSentientError(error, 'SETTINGS_INVALID')) return false
      throw error
    }
  }
  if (!showsBefore()) return undefined
  const text = link === undefined ? settingsText(defaultSettings) : Buffer.from(reader.get(link)).toString('utf8')
  return () => {
    if (showsBefore()) writeSettingsFile(context, text)
  }
}

export interface LoadedSettings {
  readonly id: string
  readonly values: Settings
  readonly text: string
  /** Why the text in force could not be used: the defaults stand in, and nothing is kept or healed by itself. */
  readonly problem?: string
}

/** The settings in force. What can not be read, text or object, falls back to the defaults: it never locks anybody out. */
export async function loadSettingsInForce(
  context: Pick<TimelineContext, 'store' | 'journal' | 'directories'>,
  known: LoadedSettings | undefined,
): Promise<LoadedSettings> {
  let id: string
  let text: string
  try {
    const { settings } = stateInForce(context as TimelineContext).state
    id = settings === undefined ? '' : cidText(settings)
    if (known?.id === id) return known
    text = settings === undefined ? settingsText(defaultSettings) : Buffer.from(context.store.get(settings)).toString()
  } catch (error) {
    // Damage is for verify to report and for repair to mend, both of which need the folder open.
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    const { values, text } = known ?? { values: defaultSettings, text: settingsText(defaultSettings) }
    return { id: 'unreadable', values, text, problem: error.message }
  }
  const cached = readCached(context.directories.derived, id)
  if (cached !== undefined) return { id, values: cached, text }
  const parsed = await parseSettings(text)
  if (parsed.state === 'invalid')
    return { id, values: defaultSettings, text, problem: settingsError(parsed.problem).message }
  writeCached(context.directories.derived, id, parsed.settings)
  return { id, values: parsed.settings, text }
}

// Parsing costs a tenth of a short verb's time, so the result is kept beside the other derived data.
const cacheName = 'settings.json'
/** Of the settings' shape: what an earlier program kept is parsed anew. */
const cacheVersion = 2

function readCached(derived: Directory | undefined, id: string): Settings | undefined {
  if (derived === undefined) return undefined
  try {
    const file = derived.open(cacheName, 'read')
    try {
      const bytes = Buffer.alloc(Math.min(file.stat().size, settingsBytesMax))
      const value = JSON.parse(bytes.toString('utf8', 0, file.read(bytes, 0, bytes.length, 0)))
      return value.version === cacheVersion && value.id === id ? (value.settings as Settings) : undefined
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}

function writeCached(derived: Directory | undefined, id: string, settings: Settings): void {
  if (derived === undefined) return
  try {
    if (derived.stat(cacheName) !== undefined) derived.removeFile(cacheName)
    const file = derived.open(cacheName, 'create', 0o600)
    try {
      file.write(Buffer.from(JSON.stringify({ version: cacheVersion, id, settings })), 0)
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}
