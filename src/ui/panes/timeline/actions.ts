// What the keys of the Timeline do.
import type { Context, Step } from '../../state/model.ts'
import type { Operation } from '../../state/operation.ts'
import { safeText } from '../../widgets/text.ts'
import { announce, askText, operate, refusal, send, toast } from '../pane.ts'
import { rowState } from './rows.ts'
import { currentRow, rebuilt, type TimelineState } from './state.ts'

type Timeline = Step<TimelineState>

const chooseSnapshot = (state: TimelineState): Timeline => [state, [toast('Choose a snapshot (o) first.')]]

export const timelineActions = {
  bringAllBack(state: TimelineState): Timeline {
    const to = rowState(currentRow(state))
    if (to === undefined) return [state, [toast('Choose the snapshot or record to go back to.')]]
    return [state, [{ type: 'ask', channel: 'global.rollback', query: { ask: 'rollbackPreview', to } }]]
  },
  open(state: TimelineState, context: Context): Timeline {
    const row = currentRow(state)
    if (row?.kind === 'now') return [state, [send({ type: 'show', pane: 'changes' })]]
    if (row?.kind === 'fold' || (row?.kind === 'record' && row.folded)) return toggleFold(state, context)
    const from = rowState(row)
    if (from === undefined) return [state, []]
    return [state, [send({ type: 'show', pane: 'difference', target: { from, to: 'disk' } })]]
  },
  fold: (state: TimelineState, context: Context): Timeline => toggleFold(state, context),
  go(state: TimelineState): Timeline {
    const text = rowState(currentRow(state))
    if (text === undefined) return [state, [send({ type: 'prompted', id: 'global.time', text: 'now', data: '' })]]
    return [state, [send({ type: 'prompted', id: 'global.time', text, data: '' })]]
  },
  snapshot(state: TimelineState, context: Context): Timeline {
    const ask = askText('timeline.snapshot', 'new snapshot, label')
    return [state, [refusal({ do: 'snapshot' }, context) ?? ask]]
  },
  label(state: TimelineState, context: Context): Timeline {
    const row = currentRow(state)
    if (row?.kind !== 'snapshot') return chooseSnapshot(state)
    const { name, label } = row.snapshot
    const ask = askText('timeline.label', `label of ${name}`, { text: label, data: name })
    return [state, [refusal({ do: 'label' }, context) ?? ask]]
  },
  pin(state: TimelineState, context: Context): Timeline {
    const row = currentRow(state)
    if (row?.kind !== 'snapshot') return chooseSnapshot(state)
    const { name, pinned } = row.snapshot
    return [state, [operate({ do: 'pin', name, pinned: !pinned }, context)]]
  },
  remove(state: TimelineState, context: Context): Timeline {
    const row = currentRow(state)
    if (row?.kind !== 'snapshot') return chooseSnapshot(state)
    const { name, label } = row.snapshot
    const text = `remove snapshot ${name}${label === '' ? '' : ` "${safeText(label)}"`}: d again removes it, the record of it stays`
    return [state, [announce({ do: 'removeSnapshot', name }, context, { scope: 'timeline', action: 'remove', text })]]
  },
  undoThis(state: TimelineState, context: Context): Timeline {
    const row = currentRow(state)
    if (row?.kind !== 'record') return [state, [toast('Choose a record first.')]]
    const operation: Operation = { do: 'undo', seq: row.record.seq }
    const text = `undo #${row.record.seq} ${safeText(row.record.summary)}: again runs it`
    return [state, [announce(operation, context, { scope: 'timeline', action: 'undoThis', text })]]
  },
  record(state: TimelineState): Timeline {
    const row = currentRow(state)
    const seq = row?.kind === 'record' ? row.record.seq : row?.kind === 'snapshot' ? row.snapshot.seq : undefined
    return seq === undefined ? [state, []] : [state, [send({ type: 'show', pane: 'trace', target: { seq } })]]
  },
  focusList: (state: TimelineState): Timeline => [state, [send({ type: 'focus', area: 'list' })]],
}

function toggleFold(state: TimelineState, context: Context): Timeline {
  const row = currentRow(state)
  const seq = row?.kind === 'fold' ? row.records[0]?.seq : row?.kind === 'record' ? openFoldOf(state) : undefined
  if (seq === undefined) return [state, []]
  const expanded = new Set(state.expanded)
  if (!expanded.delete(seq)) expanded.add(seq)
  return rebuilt({ ...state, expanded }, context)
}

/** The open fold that the cursor stands in, by the number of its newest record. */
function openFoldOf(state: TimelineState): number | undefined {
  for (let at = state.list.cursor; at >= 0; at--) {
    const row = state.rows[at]
    if (row?.kind !== 'record' || !row.folded) return undefined
    if (state.expanded.has(row.record.seq)) return row.record.seq
  }
  return undefined
}
