// Making a root folder: the skeleton, the key, the settings and the first record, then the content as the first
// operation. The folder is one as soon as the first record is there, so that a killed `init` loses nothing.
import { SentientError } from './errors.ts'
import { displayBytes, hexOf } from './format/bytes.ts'
import { parseOrigin } from './format/checkpoint.ts'
import { rootAt } from './format/merkle.ts'
import { parseVerifierKey } from './format/note.ts'
import type { Body } from './format/record.ts'
import { encodeState } from './format/state.ts'
import type { Directory, Host } from './host/host.ts'
import { openJournal } from './journal/journal.ts'
import { writeBinding } from './keys/binding.ts'
import { createLogKey } from './keys/keys.ts'
import { openStore } from './store/store.ts'
import { emptyDirectory } from './store/tree.ts'
import type { InitOptions, InitResult, OpenOptions, System } from './systemApi.ts'
import { createSkeleton, removeUnfinished, survey } from './timeline/init.ts'
import type { Notice, OperationResult, Work } from './timeline/model.ts'
import { defaultSettings, parseSettings, type Settings, settingsError, settingsText } from './timeline/settings.ts'
import { readSettingsFile, writeSettingsFile } from './timeline/settingsFile.ts'
import { nameTraits } from './worktree/foldedNames.ts'

interface Opening {
  readonly findRoot: (host: Host, startPath: string) => string | undefined
  readonly openSystem: (host: Host, options: OpenOptions) => Promise<System>
}

/** See `initRoot` in system.ts. */
export async function* makeRoot(host: Host, options: InitOptions, opening: Opening): Work<InitResult> {
  const above = opening.findRoot(host, options.path)
  const unfinished = above === options.path && (await hasFirstRecordAlone(host, options.path, opening.openSystem))
  if (above !== undefined && !unfinished) throw new SentientError('ROOT_EXISTS', { where: above })
  const found = yield* survey(host, { path: options.path, ignore: options.ignore, signal: options.signal })
  if (found.nestedRoots.length > 0) {
    throw new SentientError('ROOT_EXISTS', {
      what: 'There is a root folder below',
      where: `${options.path}/${displayBytes(found.nestedRoots[0])}`,
    })
  }
  if (!unfinished) await makeRootFolder(host, options)
  const system = await opening.openSystem(host, { rootPath: options.path, access: 'write', signal: options.signal })
  try {
    const adopted = yield* ofAll(adoptContent(system, options), found.files)
    const { files, bytes } = found
    const { name: origin } = parseVerifierKey(system.verifierKey())
    return {
      ...adopted,
      files,
      bytes,
      logId: hexOf(parseOrigin(origin).logId),
      origin,
      verifierKey: system.verifierKey(),
      notices: [...adopted.notices, ...nameNotices(host, options.path), ...bindingNotices(host, system)],
    }
  } finally {
    await system.close()
  }
}

/** Storing the files with how many there are: then it can be said how long it still takes. */
async function* ofAll<T>(work: Work<T>, files: number): Work<T> {
  for (;;) {
    const step = await work.next()
    if (step.done === true) return step.value
    const { phase, done, unit, total } = step.value
    yield phase === 'storing' && unit === 'files' && total === undefined && done <= files
      ? { ...step.value, total: files }
      : step.value
  }
}

function bindingNotices({ stateDirectory }: Host, { binding }: System): Notice[] {
  if (stateDirectory !== undefined && binding.state !== 'forgetful') return []
  const text = 'this device can remember nothing of this folder: a copy of it could not be told from it'
  return [{ code: 'binding', text }]
}

/** What the file system does with names is its own matter and not the history's: said here, and asked at each change. */
function nameNotices(host: Host, path: string): Notice[] {
  const stage = host.files.openDirectory(`${path}/.runtime/stage`)
  if (stage === undefined) return []
  try {
    const traits = nameTraits(stage, `probe-${hexOf(host.random.bytes(6))}`)
    const found = [
      ...(traits?.foldsCase === true ? ['upper and lower case are one name on this file system'] : []),
      ...(traits?.normalises === true ? ['this file system changes how letters in names are composed or written'] : []),
    ]
    if (found.length === 0) return []
    const text = `${found.join('; ')}: what would put two names in the place of one is refused here`
    return [{ code: 'names', text }]
  } finally {
    stage.close()
  }
}

/** True for a root folder with its first record alone: `init` was ended before the content was recorded. */
export async function hasFirstRecordAlone(
  host: Host,
  path: string,
  openSystem: Opening['openSystem'],
): Promise<boolean> {
  const system = await openSystem(host, { rootPath: path, access: 'read' })
  try {
    return system.now().records === 1
  } finally {
    await system.close()
  }
}

/** The skeleton, the key, the settings and the first record. */
async function makeRootFolder(host: Host, options: InitOptions): Promise<void> {
  const root = host.files.openDirectory(options.path) as Directory
  const wanted: Settings = { ...defaultSettings, zk: options.zk, ignore: options.ignore ?? defaultSettings.ignore }
  const existing = readSettingsFile(root)
  const text = existing ?? settingsText(wanted)
  const parsed = await parseSettings(text)
  if (parsed.state === 'invalid') throw settingsError(parsed.problem)
  try {
    await fillRootFolder(host, root, { existing, text, zk: parsed.settings.zk })
  } catch (error) {
    removeUnfinished(root)
    throw error
  } finally {
    root.close()
  }
}

async function fillRootFolder(
  host: Host,
  root: Directory,
  settings: { readonly existing: string | undefined; readonly text: string; readonly zk: boolean },
): Promise<void> {
  const { existing, text, zk } = settings
  const skeleton = createSkeleton(root, host.random)
  const auth = root.child('.auth') as Directory
  const runtime = root.child('.runtime') as Directory
  const tree = root.child('.tree') as Directory
  try {
    const keys = createLogKey(auth, { logId: skeleton.logId, epoch: 0, random: host.random })
    if (existing === undefined)
      writeSettingsFile({ directories: { root, runtime, tree, derived: undefined }, random: host.random }, text)
    await firstRecord(host, {
      runtime,
      tree,
      text,
      logId: skeleton.logId,
      verifierKey: keys.verifierText(),
      zk,
    })
    // Before it is a root folder: one that this device did not remember would be asked about.
    bind(host, root, skeleton.logId)
    skeleton.finish()
  } finally {
    for (const directory of [auth, runtime, tree]) directory.close()
  }
}

function bind({ stateDirectory, random }: Host, directory: Directory, logId: Uint8Array): void {
  if (stateDirectory === undefined) return
  const root = rootAt(0, () => new Uint8Array())
  writeBinding(stateDirectory, { directory, logId, epoch: 0, size: 0, root, random })
}

async function firstRecord(
  host: Host,
  made: { runtime: Directory; tree: Directory; text: string; logId: Uint8Array; verifierKey: string; zk: boolean },
): Promise<void> {
  const { clock, random, processes, locks } = host
  const journal = openJournal({
    limits: { earliestMicros: host.builtMicros ?? 0 },
    directory: made.runtime,
    clock,
    random,
    processes,
    locks,
    access: 'write',
    logId: made.logId,
  })
  const store = openStore({ directory: made.tree, clock, random, processes, access: 'write' })
  try {
    await journal.writerLock.hold('init', undefined, () => {
      const ingest = store.beginIngest({ shared: true })
      const settings = ingest.put('raw', 'other', Buffer.from(made.text))
      const files = emptyDirectory(ingest)
      const root = ingest.put('dag-cbor', 'state', encodeState({ metadataSet: [], files, settings })).id
      ingest.flush()
      const body: Body = {
        actor: 'owner',
        action: 'init',
        subject: { kind: 'journal', id: '' },
        decision: { effect: 'permit', bundle: null, rule: '' },
        fields: { key: made.verifierKey, zk: made.zk },
      }
      journal.append([{ root, body }], store.sharedPack())
      journal.setApplied(1)
    })
  } finally {
    journal.close()
    store.close()
  }
}

async function* adoptContent(system: System, options: InitOptions): Work<OperationResult> {
  const adopted = yield* system.adopt({ signal: options.signal })
  yield* system.snapshotCreate({ label: 'as it was adopted', automatic: true, signal: options.signal })
  return adopted
}
