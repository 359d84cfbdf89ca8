// What is said after an operation, and what a rollback would do before it runs.
import { displayBytes } from '../../core/format/bytes.ts'
import type { OperationResult, RecordView, RollbackPreview } from '../../core/timeline/model.ts'
import { actorText, bytesText, momentText, plural } from '../widgets/format.ts'
import { emptyLine, type Line, line } from '../widgets/line.ts'
import { safeText } from '../widgets/text.ts'
import { treeChangeSpans } from '../widgets/treeChange.ts'
import type { Panel, Toast } from './model.ts'
import { commandLine, pathsText, type TreeOperation } from './operation.ts'

/** One line: what was done, where it is recorded, what has to be known besides. */
export function resultText(operation: TreeOperation, result: OperationResult): Pick<Toast, 'text' | 'kind'> {
  const parts = [doneText(operation, result)]
  if (result.protectedAs !== undefined) parts.push(`before: ${result.protectedAs}`)
  if (result.drifted.length > 0) parts.push(`left alone, changed meanwhile: ${pathsText(result.drifted)}`)
  if (result.unapplied.length > 0) parts.push(`could not be put in place: ${pathsText(result.unapplied)}`)
  for (const { code, text } of result.notices) if (code !== 'protected' && code !== 'drift') parts.push(text)
  const bad = result.unapplied.length > 0 || result.drifted.length > 0 || result.lost !== undefined
  return { text: parts.join('; '), kind: bad ? 'bad' : 'good' }
}

function doneText(operation: TreeOperation, result: OperationResult): string {
  if (result.seq < 0 || (result.changedCount === 0 && isAboutPaths(operation))) return nothingText(operation)
  const number = `#${result.seq}`
  const count = result.changedCount > 1 ? ` (${plural(result.changedCount, 'path')})` : ''
  switch (operation.do) {
    case 'restore':
      return `brought back ${pathsText(operation.paths)}${count} ${number}, u undoes`
    case 'absorb':
      return `kept ${pathsText(operation.paths)}${count} ${number}, u undoes`
    case 'remove':
      return `deleted ${pathsText(operation.paths)}${count} ${number}, u undoes`
    case 'move':
      return `moved ${pathsText(operation.from)} ${number}, u undoes`
    case 'copy':
      return `copied ${pathsText(operation.from)}${count} ${number}, u undoes`
    case 'makeDirectory':
    case 'makeFile':
      return `made ${displayBytes(operation.path)} ${number}, u undoes`
    case 'setMode':
      return `mode ${operation.mode.toString(8)} for ${pathsText(operation.paths)} ${number}, u undoes`
    case 'rollback':
      return `all back to ${operation.to}${count} ${number}, u u undoes`
    case 'undo':
      return `undone #${operation.seq}${count} ${number}, U does it again`
    case 'redo':
      return `done again${count} ${number}, u undoes`
    case 'snapshot':
      return `snapshot ${result.snapshot ?? ''} ${number}`
    case 'label':
      return `${operation.name} is labelled "${safeText(operation.label)}"`
    case 'pin':
      return `${operation.name} is ${operation.pinned ? 'pinned' : 'no longer pinned'}`
    case 'removeSnapshot':
      return `snapshot ${operation.name} is removed`
  }
}

function nothingText(operation: TreeOperation): string {
  if (operation.do === 'absorb') return `nothing to keep: ${pathsText(operation.paths)} on disk is as recorded`
  if (operation.do === 'restore') return `nothing to bring back: ${pathsText(operation.paths)} is as it was`
  return 'nothing to do: nothing changed'
}

const isAboutPaths = (operation: TreeOperation): boolean =>
  !['snapshot', 'label', 'pin', 'removeSnapshot'].includes(operation.do)

/** `undo #4127 delete etc/fstab, you, 22:01; 2 later ops elsewhere` */
export function undoText(direction: 'undo' | 'redo', record: RecordView, lastSeq: number, now: number): string {
  const key = direction === 'undo' ? 'u' : 'U'
  const later = lastSeq - record.seq
  const laterText = later === 0 ? '' : `; ${plural(later, 'later op')} elsewhere`
  const what = `${direction} #${record.seq} ${safeText(record.summary)}`
  return `${key} again: ${what}, ${actorText(record.actor)}, ${momentText(record.time, now)}${laterText}`
}

const previewChangesMax = 2000

/** The preview of a rollback: what it touches, what it keeps first, the line that does the same, and the one key. */
export function rollbackPanel(preview: RollbackPreview, to: string): Panel {
  const { counts, bytes, changes, drift, lost, settingsChange, target } = preview
  const lines: Line[] = [
    line(`Bring all back to ${target.text}`, 'strong'),
    line(`${counts.changed} changed, ${counts.created} made, ${counts.deleted} deleted; ${bytesText(bytes)} to write`),
  ]
  if (drift.length > 0)
    lines.push(
      line(`${plural(drift.length, 'path')} changed outside would be overwritten: kept in a snapshot first`, 'changed'),
      ...drift.slice(0, 5).map(path => line(`    ${displayBytes(path)}`)),
    )
  if (lost.length > 0)
    lines.push(
      line(`${plural(lost.length, 'path')} would stay: no copy is left of what should come there`, 'bad'),
      ...lost.slice(0, 5).map(path => line(`    ${displayBytes(path)}`)),
    )
  if (settingsChange) lines.push(line('the settings change too', 'changed'))
  lines.push(line(`$ ${commandLine({ do: 'rollback', to })}`, 'dim'), emptyLine)
  if (changes.length === 0) lines.push(line('Nothing differs: it would change nothing.', 'good'))
  for (const change of changes.slice(0, previewChangesMax)) lines.push(treeChangeSpans(change))
  if (changes.length > previewChangesMax)
    lines.push(line(`and ${plural(changes.length - previewChangesMax, 'more path')}`, 'dim'))
  lines.push(emptyLine, line('It is one record: u u undoes it.', 'dim'))
  return { id: 'preview', title: 'rollback, preview', lines, scroll: 0, runs: { do: 'rollback', to } }
}
