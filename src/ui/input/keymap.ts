// Keys to actions. A scope is a list of bindings (data); the scopes that are live form a chain, the innermost first.
// Clashes are errors when a chain is built, not surprises when a key is pressed.
import { SentientError } from '../../core/errors.ts'
import type { KeyName } from './tokens.ts'

export interface Binding<Action extends string = string> {
  /** Key names; a sequence is written with blanks between: `g g`. */
  readonly keys: readonly string[]
  readonly action: Action
  /** What the hint row says, if it has room; bindings without one are found in the help. */
  readonly hint?: string
  /** What the help and the palette say, a phrase without a full stop. */
  readonly help: string
  /** The scope means to replace a key of an outer scope. */
  readonly replaces?: boolean
}

export interface Scope {
  readonly name: string
  readonly title: string
  readonly bindings: readonly Binding[]
  /** Keys of outer scopes that do nothing here. */
  readonly unbound?: readonly string[]
}

export interface LiveBinding extends Binding {
  readonly scope: string
}

export interface KeyMap {
  readonly scopes: readonly Scope[]
  /** All that can be pressed now: outer bindings that an inner scope replaces are left out. */
  readonly live: readonly LiveBinding[]
  readonly byKeys: ReadonlyMap<string, LiveBinding>
  readonly prefixes: ReadonlySet<string>
}

/** XON and XOFF stop serial lines; brackets and O begin sequences that a slow line may tear. */
const forbiddenKeys = new Set(['ctrl-s', 'ctrl-q', '[', ']', 'O'])

/** The map of a chain, innermost scope first; throws USAGE and names the keys that clash. */
export function createKeyMap(scopes: readonly Scope[]): KeyMap {
  const byKeys = new Map<string, LiveBinding>()
  const unbound = new Set<string>()
  for (const scope of scopes) {
    const own = new Set<string>()
    for (const binding of scope.bindings) {
      for (const keys of binding.keys) {
        checkKeys(keys, scope, binding)
        if (own.has(keys)) throw clash(keys, scope.title, scope.title)
        own.add(keys)
        if (unbound.has(keys) || byKeys.has(keys)) continue
        const replaced = outerOwner(scopes, scope, keys)
        if (replaced !== undefined && binding.replaces !== true) throw clash(keys, scope.title, replaced)
        byKeys.set(keys, { ...binding, scope: scope.name })
      }
    }
    for (const keys of scope.unbound ?? []) unbound.add(keys)
  }
  const prefixes = prefixesOf(byKeys)
  const shown = new Set<LiveBinding>()
  for (const binding of byKeys.values())
    if (![...shown].some(({ action, scope }) => action === binding.action && scope === binding.scope))
      shown.add(binding)
  const live = [...shown].map(binding => withLiveKeys(binding, byKeys))
  return { scopes, live, byKeys, prefixes }
}

/** Without the keys that an inner scope took; who lost the first of them is no longer hinted at. */
function withLiveKeys(binding: LiveBinding, byKeys: ReadonlyMap<string, LiveBinding>): LiveBinding {
  const keys = binding.keys.filter(own => byKeys.get(own)?.action === binding.action)
  const { hint, ...rest } = binding
  return hint === undefined || keys[0] !== binding.keys[0] ? { ...rest, keys } : { ...rest, keys, hint }
}

function checkKeys(keys: string, scope: Scope, binding: Binding): void {
  for (const key of keys.split(' ')) {
    if (!forbiddenKeys.has(key)) continue
    throw new SentientError('USAGE', {
      what: `The key ${key} can not be bound`,
      where: `${scope.title}: ${binding.help}`,
      hint: 'Choose another key.',
    })
  }
}

function outerOwner(scopes: readonly Scope[], inner: Scope, keys: string): string | undefined {
  const outer = scopes.slice(scopes.indexOf(inner) + 1)
  return outer.find(({ bindings }) => bindings.some(binding => binding.keys.includes(keys)))?.title
}

function prefixesOf(byKeys: ReadonlyMap<string, LiveBinding>): Set<string> {
  const prefixes = new Set<string>()
  for (const keys of byKeys.keys()) {
    const parts = keys.split(' ')
    for (let length = 1; length < parts.length; length++) prefixes.add(parts.slice(0, length).join(' '))
  }
  for (const prefix of prefixes) {
    const owner = byKeys.get(prefix)
    if (owner !== undefined) throw clash(prefix, owner.help, `longer sequences that begin with ${prefix}`)
  }
  return prefixes
}

function clash(keys: string, first: string, second: string): SentientError {
  return new SentientError('USAGE', {
    what: `Two bindings for the key ${keys}`,
    where: `${first} and ${second}`,
    hint: 'Give one of them another key.',
  })
}

export type Pressed =
  | { readonly type: 'action'; readonly scope: string; readonly action: string }
  | { readonly type: 'pending'; readonly keys: string }
  | { readonly type: 'unknown' }

/** What a key does after the keys that were already pressed of a sequence (`''`: none). */
export function press(map: KeyMap, pending: string, key: KeyName): Pressed {
  const keys = pending === '' ? key : `${pending} ${key}`
  const binding = map.byKeys.get(keys)
  if (binding !== undefined) return { type: 'action', scope: binding.scope, action: binding.action }
  if (map.prefixes.has(keys)) return { type: 'pending', keys }
  // A broken sequence: the key counts for itself.
  return pending === '' ? { type: 'unknown' } : press(map, '', key)
}

const keySigns: Readonly<Record<string, string>> = {
  space: 'Space',
  enter: 'Enter',
  escape: 'Esc',
  tab: 'Tab',
  'shift-tab': 'Shift-Tab',
  backspace: 'Backspace',
  delete: 'Del',
  up: 'Up',
  down: 'Down',
  left: 'Left',
  right: 'Right',
  home: 'Home',
  end: 'End',
  pageup: 'PgUp',
  pagedown: 'PgDn',
}

/** Keys as people read them: `g g`, `Ctrl-d`, `Space`. */
export function keysText(keys: string): string {
  return keys
    .split(' ')
    .map(key => keySigns[key] ?? (key.startsWith('ctrl-') ? `Ctrl-${key.slice(5)}` : key))
    .join(' ')
}
