// What the Trace's filter row means: `actor:owner action:absorb etc/` - words after the two names, the rest anywhere in
// the path or the summary. Nothing tells upper from lower case.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { RecordView } from '../../../core/timeline/model.ts'
import type { TraceFilter } from '../../state/query.ts'

export const noFilter: TraceFilter = { actor: '', action: '', text: '' }

export function parseTraceFilter(text: string): TraceFilter {
  const rest: string[] = []
  let [actor, action] = ['', '']
  for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    if (word.startsWith('actor:')) actor = word.slice('actor:'.length)
    else if (word.startsWith('action:')) action = word.slice('action:'.length)
    else rest.push(word)
  }
  if (actor === '' && action === '' && rest.length === 0) return noFilter
  return { actor: actor === 'you' ? 'owner' : actor, action, text: rest.join(' ') }
}

export function matches(record: RecordView, { actor, action, text }: TraceFilter): boolean {
  if (actor !== '' && !record.actor.toLowerCase().includes(actor)) return false
  if (action !== '' && !record.action.toLowerCase().includes(action)) return false
  if (text === '') return true
  return record.summary.toLowerCase().includes(text) || displayBytes(record.subject.id).toLowerCase().includes(text)
}
