// How the history of a root folder is, as far as a look at its ends shows: journal, store, keys, settings.
import { displayBytes } from '../format/bytes.ts'
import { readDamagedPaths } from '../timeline/damage.ts'
import { settingsCandidate } from '../timeline/governing.ts'
import { readUnapplied } from '../timeline/recovery.ts'
import { indexName } from '../timeline/versions.ts'
import { type BindingState, bindingState } from './bindingCheck.ts'
import { bad, type DoctorCheck, megabytes, ok, type Patient, sizeOfAll, warn } from './doctorCheck.ts'
import { inChild, readFile, readMarks } from './files.ts'
import { many } from './report.ts'

export function examineJournal({ context }: Patient): DoctorCheck {
  const { journal, directories } = context
  const damage = journal.damage()
  const { size } = journal.head()
  if (damage !== undefined) {
    const text = `${many(size, 'record')}; damaged at ${damage.where}: ${damage.reason}`
    return bad('journal', text, 'Run sentctl verify, then sentctl repair.')
  }
  const bytes = inChild(directories.runtime, 'journal', sizeOfAll) ?? 0
  return ok('journal', `${many(size, 'record')}, ${megabytes(bytes)}`)
}

export function examineApplied({ context }: Patient): DoctorCheck {
  const { applied, size } = context.journal.head()
  const unapplied = readUnapplied(context)
  if (applied < size) {
    const text = `${many(size - applied, 'record')} committed and not yet visible`
    return warn('applied', text, 'Any verb that writes finishes it.')
  }
  if (unapplied.size === 0) return ok('applied', 'all that is recorded is visible')
  const [first = ''] = unapplied
  const text = `${many(unapplied.size, 'path')} that the disk refused, first ${displayBytes(first)}`
  return warn('applied', text, 'See sentctl status.')
}

export function examineCheckpoint({ context }: Patient): DoctorCheck {
  const { journal, directories, clock } = context
  const stored = journal.checkpoint()
  if (stored === undefined)
    return warn('checkpoint', 'none yet', 'It is signed when a verb that writes ends, or by sentctl checkpoint sign.')
  const { size } = journal.head()
  const mtimeNs = directories.runtime.stat('checkpoint')?.mtimeNs
  const seconds = mtimeNs === undefined ? 0 : Math.max(0, clock.nowMicros() / 1e6 - Number(mtimeNs / 1_000_000_000n))
  const text = `over ${many(stored.size, 'record')}, signed ${ago(seconds)}`
  if (stored.size >= size) return ok('checkpoint', text)
  const hint = 'The next verb that writes signs a new one.'
  return warn('checkpoint', `${text}; ${many(size - stored.size, 'record')} since`, hint)
}

function ago(seconds: number): string {
  if (seconds < 120) return 'just now'
  if (seconds < 7200) return `${Math.floor(seconds / 60)} minutes ago`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} hours ago`
  return `${Math.floor(seconds / 86_400)} days ago`
}

const holderBytesMax = 4_096

export function examineLock({ host, context }: Patient): DoctorCheck {
  const { runtime } = context.directories
  const note = readFile(runtime, 'holder', holderBytesMax)
  const text = note.state === 'read' ? Buffer.from(note.bytes).toString('latin1') : ''
  const match = /^(\d{1,15}) \d+ (.*?)\s*$/.exec(text)
  const marks = readMarks(runtime)?.newest
  const isHeld = marks?.clean === false
  if (match === null) return isHeld ? warn('lock', 'not released cleanly') : ok('lock', 'free')
  const holder = `process ${match[1]} (${match[2]})`
  if (!isHeld) return ok('lock', `free, last held by ${holder}`)
  if (host.processes.isAlive(Number(match[1]))) return ok('lock', `held by ${holder}`)
  return warn('lock', `${holder} ended without letting it go`, 'The next verb that writes looks after what it left.')
}

export function examineStore({ context }: Patient): DoctorCheck {
  const packs = context.store.packs()
  const bytes = packs.reduce((sum, pack) => sum + pack.bytes, 0)
  const text = `${many(packs.length, 'pack')}, ${megabytes(bytes)}`
  const damaged = readDamagedPaths(context)
  if (damaged.length > 0) {
    const first = displayBytes(damaged[0] ?? '')
    const found = `${text}; ${many(damaged.length, 'damaged path')}, first ${first || 'the top'}`
    return bad('store', found, 'Run sentctl repair.')
  }
  return ok('store', text)
}

export function examineKeys({ context, keys }: Patient): DoctorCheck {
  const [damaged] = keys.damaged()
  if (damaged !== undefined) return bad('keys', `.auth/${damaged.name}: ${damaged.reason}`, 'Run sentctl repair.')
  const { name } = keys.verifier()
  const open = inChild(context.directories.root, '.auth', auth =>
    auth
      .list()
      .filter(file => file.name.endsWith('.pem') && auth.stat(file.name)?.mode !== 0o600)
      .map(file => displayBytes(file.name)),
  )
  if (open !== undefined && open.length > 0)
    return bad('keys', `${open.join(', ')}: others may read it`, 'chmod 600 .auth/*.pem')
  keys.signer()
  return ok('keys', `the private key fits ${name}`)
}

const bindingTexts: Readonly<Record<BindingState['state'], DoctorCheck['state']>> = {
  bound: 'ok',
  absent: 'warn',
  moved: 'warn',
  copied: 'bad',
  replaced: 'warn',
  foreign: 'warn',
  behind: 'bad',
  forgetful: 'warn',
}

export function examineBinding({ host, context }: Patient): DoctorCheck {
  const name = 'binding'
  if (host.stateDirectory === undefined) {
    const hint = 'Set XDG_STATE_HOME to a writable directory; else a copy can not be told from a moved folder.'
    return warn(name, 'this device remembers no root folders', hint)
  }
  const found = bindingState(host, host.stateDirectory, context)
  const { text, hint } = describeBinding(found)
  const state = bindingTexts[found.state]
  return state === 'ok' ? ok(name, text) : state === 'warn' ? warn(name, text, hint) : bad(name, text, hint)
}

const tellHint = 'Say what it is: sentctl adopt --moved, or sentctl adopt --copy while the other one goes on.'

function describeBinding(found: BindingState): { text: string; hint?: string } {
  switch (found.state) {
    case 'bound':
      return { text: `this device signed for ${many(found.size, 'record')} of it` }
    case 'absent':
      return { text: 'this device has signed nothing here yet', hint: tellHint }
    case 'moved':
      return {
        text: `it was at ${displayBytes(found.from)} before`,
        hint: found.renamed ? 'The next verb that writes remembers the new place.' : tellHint,
      }
    case 'copied':
      return {
        text: `it is a copy of ${displayBytes(found.from)}, which is still there`,
        hint: 'Go on there, or give this one a history of its own: sentctl adopt --copy.',
      }
    case 'replaced':
      return {
        text: 'another directory stands at its path, with all that was signed: it goes on',
        hint: 'If the other one still exists, give one of the two a history of its own: sentctl adopt --copy.',
      }
    case 'foreign':
      return { text: 'this device has signed nothing here; another root folder was at this path', hint: tellHint }
    case 'behind':
      return {
        text: `this device signed for ${many(found.size, 'record')}; ${found.reason}`,
        hint: `An older state was put in its place, or records are lost. ${tellHint}`,
      }
    case 'forgetful':
      return { text: 'this device can remember nothing of it', hint: 'A copy could not be told from it.' }
  }
}

export async function examineSettings({ context }: Patient): Promise<DoctorCheck> {
  const inForce = context.notices.find(notice => notice.code === 'settings')
  if (inForce !== undefined) return bad('settings', inForce.text, 'Correct sentient.yaml, then sentctl config apply.')
  const candidate = await settingsCandidate(context)
  switch (candidate.state) {
    case 'none':
      return ok('settings', 'sentient.yaml is in force')
    case 'missing':
      return warn('settings', 'sentient.yaml is missing', 'sentctl config apply writes it again.')
    case 'changed': {
      const keys = candidate.differences.map(({ key }) => key).join(', ')
      return warn('settings', `sentient.yaml differs from what is in force: ${keys}`, 'sentctl config apply')
    }
    case 'invalid': {
      const { line = 1, column = 1, message = '' } = candidate.problem ?? {}
      const text = `sentient.yaml can not be read, line ${line}, column ${column}: ${message}`
      return bad('settings', text, 'The settings in force stay. Correct it, then sentctl config apply.')
    }
  }
}

export function examineDriftRules({ context }: Patient): DoctorCheck {
  const { drift, watch } = context.settings()
  const rules = drift.map(rule => `${rule.paths.join(' ')}: ${rule.do}`).join('; ')
  const watching = watch.absorb ? ', a watcher keeps what changes' : ''
  return ok('drift rules', `${rules === '' ? 'none, changes outside are shown' : rules}${watching}`)
}

export function examineDerived({ context }: Patient): DoctorCheck {
  const { root, derived, tree } = context.directories
  if (derived === undefined) return warn('derived data', 'none can be written', 'Questions about the past take longer.')
  const packs = inChild(tree, 'packs', folder => folder.list().map(({ name }) => name)) ?? []
  const unindexed = packs.filter(name => name.endsWith('.pack') && !packs.includes(name.replace(/\.pack$/, '.idx')))
  const missing = [
    ...(derived.stat('stat') === undefined ? ['what the tree looked like'] : []),
    ...(derived.stat(indexName) === undefined ? ['the index of paths'] : []),
    ...(root.stat('recycle.lock') === undefined ? ['recycle.lock'] : []),
    ...(root.stat('recycle.trace') === undefined ? ['recycle.trace'] : []),
    ...(unindexed.length > 0 ? [many(unindexed.length, 'index of a pack', 'indexes of packs')] : []),
  ]
  if (missing.length === 0) return ok('derived data', 'all there')
  return ok('derived data', `to be made anew when it is needed: ${missing.join(', ')}`)
}
