// The help: made from the key map that is live where it was opened, so it can not say anything else than what works.
import { type Binding, keysText } from '../input/keymap.ts'
import { paneMap } from '../input/scopes.ts'
import { paneFacts } from '../panes/registry.ts'
import { emptyLine, type Line, line, span } from '../widgets/line.ts'
import { fit } from '../widgets/text.ts'
import type { Model, Panel } from './model.ts'

const keyCells = 16

const bindingLine = ({ keys, help }: Binding): Line => [
  span(`  ${fit(keys.map(keysText).join(', ') || 'in : only', keyCells)}`, 'key'),
  span(help),
]

/** All keys of the pane, grouped by where they count, and the signs of the integrity column. */
export function helpPanel(model: Model): Panel {
  const map = paneMap(model.pane, model.focus)
  const lines: Line[] = []
  for (const { name, title } of map.scopes) {
    const own = map.live.filter(({ scope }) => scope === name)
    if (own.length === 0 || lines.some(spans => spans[0]?.text === sectionTitle(name, title))) continue
    lines.push(line(sectionTitle(name, title), 'strong'), ...own.map(bindingLine), emptyLine)
  }
  lines.push(line('Signs', 'strong'))
  for (const [sign, text] of signs) lines.push([span(`  ${fit(sign, keyCells)}`, 'key'), span(text)])
  lines.push(emptyLine, line('Words', 'strong'))
  for (const [word, text] of words) lines.push([span(`  ${fit(word, keyCells)}`, 'key'), span(text)])
  return { id: 'help', title: 'all keys', lines, scroll: 0 }
}

const sectionTitle = (name: string, title: string): string =>
  name === 'move' || name === 'global' ? title : title.split(',')[0]!

const signs = [
  ['=', 'as recorded'],
  ['~', 'changed outside sentctl'],
  ['+', 'new: on disk, not recorded'],
  ['-', 'gone: recorded, not on disk'],
  ['!', 'damaged: the recorded content can not be read'],
  ['s', 'skipped: socket, pipe or device'],
  ['?', 'not checked yet'],
  ['blank', 'ignored by the settings'],
] as const

const words = [
  ['changed outside', 'drift: something other than an operation changed it'],
  ['keep', 'absorb: record what is there'],
  ['bring back', 'restore: put a recorded state of a path or hunk back'],
  ['bring all back', 'rollback: put a whole earlier state back; it can be undone'],
  ['PAST', 'an earlier state, read-only; Esc returns to now'],
] as const

/** What the hint row offers, in order: the innermost scope first. */
export function hintsOf(model: Model): readonly { readonly keys: string; readonly text: string }[] {
  const map = paneMap(model.pane, model.focus)
  const { keys } = paneFacts(model.pane)
  return map.live
    .filter(binding => binding.hint !== undefined && binding.keys.length > 0)
    .sort((a, b) => rank(a, keys) - rank(b, keys))
    .map(({ keys: [first = ''], hint = '' }) => ({ keys: keysText(first), text: hint }))
}

const rank = (binding: Binding, paneKeys: readonly Binding[]): number =>
  paneKeys.some(({ action }) => action === binding.action) ? 0 : 1
