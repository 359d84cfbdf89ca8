// The command palette: everything that has a key here, and every verb of the command table, filtered by what is typed.
import { keysText } from '../input/keymap.ts'
import { paneMap } from '../input/scopes.ts'
import type { Model, VerbEntry } from './model.ts'

export type PaletteItem =
  | {
      readonly kind: 'action'
      readonly scope: string
      readonly action: string
      readonly title: string
      readonly keys: string
    }
  | { readonly kind: 'verb'; readonly verb: VerbEntry }
  /** A verb with the words that were typed after it. */
  | { readonly kind: 'line'; readonly words: string; readonly verb: VerbEntry }

/** What the palette offers for its text, best first. */
export function paletteItems(model: Model, text: string): readonly PaletteItem[] {
  const typed = typedLine(model.verbs, text)
  const wanted = text.trim().toLowerCase()
  const verbs = model.verbs.map(verb => ({ kind: 'verb' as const, verb }))
  const scored = [...actionItems(model), ...verbs]
    .map(item => ({ item, score: itemScore(item, wanted) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item)
    .filter(item => !isSameVerb(item, typed))
  return typed === undefined ? scored : [typed, ...scored]
}

function actionItems(model: Model): PaletteItem[] {
  const map = paneMap(model.pane, model.focus)
  return map.live
    .filter(({ scope, action }) => scope !== 'move' && action !== 'palette')
    .map(({ scope, action, help, keys }) => ({
      kind: 'action',
      scope,
      action,
      title: help,
      keys: keys.slice(0, 1).map(keysText).join(''),
    }))
}

const isSameVerb = (item: PaletteItem, typed: PaletteItem | undefined): boolean =>
  item.kind === 'verb' && typed?.kind === 'verb' && typed.verb.name === item.verb.name

/** Who types the beginning of a verb means that verb; those that are not listed are found by their name alone. */
function itemScore(item: PaletteItem, wanted: string): number {
  if (item.kind === 'line') return 0
  if (item.kind === 'action') return scoreOf(item.title.toLowerCase(), wanted)
  const { name, summary, listed } = item.verb
  if (wanted !== '' && name.startsWith(wanted)) return name === wanted ? 7 : 6
  if (wanted !== '' && name.includes(` ${wanted}`)) return 5
  return listed ? Math.min(3, scoreOf(`${name} ${summary}`.toLowerCase(), wanted)) : 0
}

/** The text as a command line, when it is a verb, and what goes on after it. */
function typedLine(verbs: readonly VerbEntry[], text: string): PaletteItem | undefined {
  const words = text.trim().replace(/^sentctl\s+/, '')
  const verb = verbs
    .filter(({ name }) => words === name || words.startsWith(`${name} `))
    .sort((a, b) => b.name.length - a.name.length)[0]
  if (verb === undefined) return undefined
  if (words !== verb.name) return { kind: 'line', words, verb }
  return verb.listed ? undefined : { kind: 'verb', verb }
}

/** A beginning counts most, then the beginning of a word, then any part, then the letters in order. */
function scoreOf(text: string, wanted: string): number {
  if (wanted === '') return 1
  const at = text.indexOf(wanted)
  if (at === 0) return 4
  if (at > 0) return text[at - 1] === ' ' ? 3 : 2
  let from = 0
  for (const letter of wanted) {
    const next = text.indexOf(letter, from)
    if (next < 0) return 0
    from = next + 1
  }
  return wanted.length > 2 ? 0.5 : 0
}
