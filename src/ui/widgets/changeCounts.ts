// How many paths differ from the record, what was changed apart from what is damaged: for titles and the Timeline.
import type { StatusReport } from '../../core/timeline/model.ts'
import { countText } from './format.ts'
import { type Line, type Span, span } from './line.ts'

/** `4 changed, 1 damaged`; empty where nothing differs. `changed` is the word for what is neither damaged nor waiting. */
export function changeCountSpans(
  { changes, counts }: Pick<StatusReport, 'changes' | 'counts'>,
  options: { readonly changed: string; readonly separator: string },
): Line {
  const { damaged, unreadable, applying } = counts
  const others = changes.length - damaged - unreadable - applying
  const parts: Span[] = []
  if (others > 0) parts.push(span(`${countText(others)} ${options.changed}`, 'changed'))
  if (damaged > 0) parts.push(span(`${countText(damaged)} damaged`, 'damaged'))
  if (unreadable > 0) parts.push(span(`${countText(unreadable)} unreadable`, 'damaged'))
  if (applying > 0) parts.push(span(`${countText(applying)} being applied`, 'dim'))
  return parts.flatMap((part, index) => (index === 0 ? [part] : [span(options.separator), part]))
}
