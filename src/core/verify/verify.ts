// `sentctl verify`: what was checked, in one line each, and what was found. Nothing is repaired, and no finding is an
// exception.
import { isSentientError } from '../errors.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { readDamagedPaths, writeDamagedPaths } from '../timeline/damage.ts'
import type { Change, VerifyReport, Work } from '../timeline/model.ts'
import { status } from '../timeline/status.ts'
import { isOutsideFiles } from '../worktree/reserved.ts'
import { inChild, readMarks } from './files.ts'
import { inspect } from './inspect.ts'
import { checkCheckpoint, checkRecycleLock, readRecycleLock } from './journalCheck.ts'
import { checkPacks } from './packsCheck.ts'
import { createReport, many, type Report } from './report.ts'

export interface VerifyOptions {
  /** Only what a look at sizes and ends shows. */
  readonly quick?: boolean
  /** Also reads every object of every pack. */
  readonly deep?: boolean
  /** Only records from this one on, and what they need. */
  readonly since?: number
  readonly signal?: AbortSignal
}

export async function* verify(context: TimelineContext, options: VerifyOptions = {}): Work<VerifyReport> {
  const { quick = false, deep = false, since = 0, signal } = options
  if (quick) return yield* verifyQuickly(context, signal)
  const sound = since === 0 ? yield* verifyNatively(context, deep, signal) : undefined
  const report = sound ?? (yield* inspect(context, { depth: deep ? 'deep' : 'default', since, signal })).report
  yield* checkTree(context, report, signal)
  return reportOf(report)
}

/** These come last, in this order. */
const lastLines = ['states', 'objects', 'directory nodes', 'changes', 'recycle.trace']

/**
 * The report of the native core when it finds nothing at all, which is what is to be expected; undefined when there is
 * anything to be told, or no such core: then `inspect` looks.
 */
async function* verifyNatively(
  context: TimelineContext,
  deep: boolean,
  signal: AbortSignal | undefined,
): Work<Report | undefined> {
  // Damage that only a deep look finds stays known until the next one.
  if (context.native === undefined || (!deep && readDamagedPaths(context).length > 0)) return undefined
  const lines = yield* context.native.verify({ root: context.directories.root, deep, signal })
  if (lines === undefined || lines === null) return undefined
  context.journal.refresh()
  context.store.refresh()
  const report = createReport()
  const order = ({ name }: { readonly name: string }) => lastLines.indexOf(name)
  for (const { name, checked, text } of [...lines].sort((a, b) => order(a) - order(b))) report.line(name, checked, text)
  writeDamagedPaths(context, new Set())
  return report
}

function reportOf(report: Report): VerifyReport {
  const { checks, findings } = report
  return {
    checks,
    findings,
    damaged: findings.some(finding => finding.severity === 'damage'),
    drifted: findings.some(finding => finding.severity === 'drift'),
  }
}

async function* verifyQuickly(context: TimelineContext, signal: AbortSignal | undefined): Work<VerifyReport> {
  const report = createReport()
  context.journal.refresh()
  context.store.refresh()
  checkEnd(context, report)
  checkCheckpoint(context, report)
  checkRecycleLock(context, report, { file: readRecycleLock(context) })
  yield* checkPacks(context, report, { depth: 'quick', signal })
  return reportOf(report)
}

/** The journal's last record, its marks, and that what was flushed is there. */
function checkEnd(context: TimelineContext, report: Report): void {
  const { journal, directories } = context
  const { size } = journal.head()
  const damage = journal.damage()
  const last = size === 0 ? undefined : journal.read(size - 1)
  if (damage !== undefined) {
    const { where, seq, reason } = damage
    report.found('records', {
      code: 'journal-damaged',
      severity: 'damage',
      where: `.runtime/${where}`,
      seq,
      found: reason,
    })
  } else if (last?.state === 'damaged') {
    const { where, seq, reason } = last
    report.found('records', {
      code: 'record-damaged',
      severity: 'damage',
      where: `.runtime/${where}`,
      seq,
      found: reason,
    })
  }
  const marks = readMarks(directories.runtime)
  const slots = marks?.slots.filter(slot => slot.state === 'ok').length ?? 0
  if (slots < 2) {
    const severity = slots === 0 ? 'damage' : 'note'
    report.found('marks', {
      code: 'marks-damaged',
      severity,
      where: '.runtime/marks',
      found: `${slots} of 2 are valid`,
    })
  }
  const segments = inChild(directories.runtime, 'journal', journalFolder =>
    journalFolder.list().filter(({ name }) => name.endsWith('.seg')),
  )
  report.line('segments', segments?.length ?? 0, `${many(segments?.length ?? 0, 'segment')} of the journal`)
  report.line('records', size, `${many(size, 'record')} counted, the last one read`)
  report.line('marks', slots, `${many(slots, 'mark')} of what is flushed`)
}

const driftCodes: Readonly<Partial<Record<Change['state'], string>>> = {
  changed: 'path-changed',
  new: 'path-new',
  gone: 'path-gone',
  unreadable: 'path-unreadable',
  applying: 'path-applying',
  unapplied: 'path-unapplied',
}

/** A backup or an import: nothing but the history, and no key to go on with. */
function hasNoTree({ directories: { root } }: TimelineContext): boolean {
  if (root.list().some(({ name }) => !isOutsideFiles(name))) return false
  const keys = inChild(root, '.auth', auth => auth.list().filter(({ name }) => name.endsWith('.pem')))
  return keys?.length === 0
}

/** The tree on disk against the state in force. What differs is no damage. */
async function* checkTree(context: TimelineContext, report: Report, signal: AbortSignal | undefined): Work<void> {
  if (hasNoTree(context)) {
    report.line('tree', 0, 'the tree on disk: there is none, as in a backup')
    return
  }
  try {
    const look = yield* status(context, { signal })
    for (const { path, state, reason } of look.changes) {
      const code = driftCodes[state]
      if (code === undefined) continue
      const ours = state === 'applying' || state === 'unapplied'
      report.found('tree', { code, severity: ours ? 'note' : 'drift', path, found: reason })
    }
    const hashed = look.filesHashed > 0 ? `, ${look.filesHashed} read` : ''
    report.line('tree', look.filesChecked, `${many(look.filesChecked, 'file')} on disk against the last state${hashed}`)
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    report.line('tree', 0, `the tree on disk: not compared, ${error.message}`)
  }
}
