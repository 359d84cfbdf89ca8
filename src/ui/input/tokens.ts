// Bytes from the terminal to keys. A sequence may arrive in pieces on a slow line: after ESC [ or ESC O the final byte
// is waited for, whatever it takes; an ESC alone counts as the key only after a pause. Ink's own input is not used.

/** A key's name: a character as it is, or a word (`enter`, `up`, `ctrl-d`, `space`). */
export type KeyName = string

export type Token =
  | { readonly type: 'key'; readonly key: KeyName }
  | { readonly type: 'paste'; readonly text: string }
  /** The terminal's answer to a question of ours, for the size probe. */
  | { readonly type: 'position'; readonly row: number; readonly column: number }

export interface Tokenizer {
  /** Takes what arrived, returns the keys that are complete. */
  push(chunk: string): Token[]
  /** True while an ESC waits for what may follow it. */
  readonly waiting: boolean
  /** The pause is over: a lone ESC was the key. */
  flush(): Token[]
}

const controlKeys: Readonly<Record<string, KeyName>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  ' ': 'space',
  '\0': 'ctrl-space',
}

const finalKeys: Readonly<Record<string, KeyName>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'shift-tab',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
}

const numberedKeys: Readonly<Record<string, KeyName>> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
}

const pasteStart = '\x1b[200~'
const pasteEnd = '\x1b[201~'
/** A sequence or paste that never ends is thrown away beyond this. */
const pendingCharactersMax = 1_000_000

export function createTokenizer(): Tokenizer {
  let pending = ''
  let escaped = false
  const take = (): Token[] => {
    const tokens: Token[] = []
    while (pending !== '') {
      const step = next(pending)
      if (step === undefined) break
      pending = pending.slice(step.length)
      if (step.token !== undefined) tokens.push(step.token)
    }
    if (pending.length > pendingCharactersMax) pending = ''
    return tokens
  }
  return {
    push(chunk) {
      // The rest of a sequence whose Esc was taken for the key: what it holds must not count as letters.
      if (escaped && /^[[O]/.test(chunk)) pending = '\x1b'
      escaped = false
      pending += chunk
      return take()
    },
    get waiting() {
      return pending === '\x1b'
    },
    flush() {
      if (pending !== '\x1b') return []
      pending = ''
      escaped = true
      return [{ type: 'key', key: 'escape' }]
    },
  }
}

interface Step {
  readonly length: number
  readonly token?: Token
}

/** The first token of the text; undefined when more must come. */
function next(text: string): Step | undefined {
  if (text[0] !== '\x1b') return plainKey(text)
  if (text.length === 1) return undefined
  if (text[1] === '[') return controlSequence(text)
  if (text[1] === 'O') {
    if (text.length < 3) return undefined
    const key = finalKeys[text[2]!]
    return key === undefined ? { length: 3 } : { length: 3, token: { type: 'key', key } }
  }
  // Esc and then another key, or Alt with it: terminals send the same. Nothing is bound to Alt, so it is two keys.
  return { length: 1, token: { type: 'key', key: 'escape' } }
}

function plainKey(text: string): Step | undefined {
  const code = text.codePointAt(0) ?? 0
  // Half of a character beyond the basic plane: its second half is on the way.
  if (code >= 0xd800 && code <= 0xdbff) return text.length === 1 ? undefined : { length: 1 }
  const character = String.fromCodePoint(code)
  const named = controlKeys[character]
  if (named !== undefined) return { length: character.length, token: { type: 'key', key: named } }
  if (code < 0x20) return { length: 1, token: { type: 'key', key: `ctrl-${String.fromCharCode(code + 0x60)}` } }
  return { length: character.length, token: { type: 'key', key: character } }
}

function controlSequence(text: string): Step | undefined {
  if (text.startsWith(pasteStart)) {
    const end = text.indexOf(pasteEnd, pasteStart.length)
    if (end < 0) return undefined
    return {
      length: end + pasteEnd.length,
      token: { type: 'paste', text: text.slice(pasteStart.length, end) },
    }
  }
  // Linux's console sends ESC [ [ A for F1: one letter follows a second bracket.
  if (text[2] === '[') return text.length < 4 ? undefined : { length: 4 }
  const match = /^\x1b\[([\x30-\x3f]*)[\x20-\x2f]*([\x40-\x7e])/.exec(text)
  if (match === null) {
    const broken = /^\x1b\[[\x20-\x3f]*([^\x20-\x7e])/.exec(text)
    // A character that no sequence can hold: what came before it was noise.
    return broken === null ? undefined : { length: broken[0].length - 1 }
  }
  const [whole, parameters = '', final = ''] = match
  const token = sequenceToken(parameters, final)
  return token === undefined ? { length: whole.length } : { length: whole.length, token }
}

function sequenceToken(parameters: string, final: string): Token | undefined {
  const [first = '', second] = parameters.split(';')
  if (final === 'R' && second !== undefined && first !== '1')
    return { type: 'position', row: Number(first), column: Number(second) }
  const key = final === '~' ? numberedKeys[first] : finalKeys[final]
  if (key === undefined) return undefined
  const modifier = Number(second ?? '1')
  if (modifier === 2 && final !== '~') return { type: 'key', key: `shift-${key}` }
  if (modifier === 5) return { type: 'key', key: `ctrl-${key}` }
  return { type: 'key', key }
}
