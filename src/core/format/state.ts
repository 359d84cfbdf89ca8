// The state object: what a state root names. One link for each domain of the state, and which metadata is hashed.

import { type CborValue, decode, encode, isLink, isList, isMap } from './cbor.ts'
import { formatVersion } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import type { Link } from './id.ts'

export interface State {
  /** Sorted names of the metadata that entries carry beyond the mode; empty for none. */
  readonly metadataSet: readonly string[]
  /** The node of the governed tree's root directory. */
  readonly files: Link
  readonly contracts?: Link
  readonly boxes?: Link
  readonly services?: Link
  /** The raw object that holds the exact bytes of the settings in force. */
  readonly settings?: Link
}

/** What `metadataSet` may name. */
export const metadataNames: readonly string[] = ['owner', 'xattrs']

const domains = ['contracts', 'boxes', 'services', 'settings'] as const

/** Throws FormatError for a state that breaks a rule. */
export function encodeState(state: State): Uint8Array {
  checkState(state)
  const value: Record<string, CborValue> = { v: formatVersion, files: state.files }
  if (state.metadataSet.length > 0) value.meta = state.metadataSet
  for (const domain of domains) {
    const link = state[domain]
    if (link !== undefined) value[domain] = link
  }
  return encode(value)
}

export function decodeState(bytes: Uint8Array): State {
  const value = decode(bytes)
  if (!isMap(value)) throw new FormatError('a state is a map')
  const { v, meta, files, ...rest } = value
  if (v !== formatVersion) throw new FormatError('a state of an unknown version')
  if (!isLink(files)) throw new FormatError('a state without files')
  const state: { -readonly [key in keyof State]: State[key] } = { metadataSet: [], files }
  if (meta !== undefined) {
    if (!isList(meta) || meta.length === 0) throw new FormatError('meta is a list of names or left out')
    state.metadataSet = meta as readonly string[]
  }
  for (const [key, link] of Object.entries(rest)) {
    const domain = domains.find(name => name === key)
    if (domain === undefined || !isLink(link)) throw new FormatError(`a state with an unknown part`)
    state[domain] = link
  }
  checkState(state)
  return state
}

function checkState(state: State): void {
  let last = ''
  for (const name of state.metadataSet) {
    if (!metadataNames.includes(name)) throw new FormatError('metadata of an unknown name')
    if (name <= last) throw new FormatError('metadata names are not unique and sorted')
    last = name
  }
  if (state.files.codec !== 'dag-cbor') throw new FormatError('files is a link to a directory node')
  for (const domain of domains) {
    const codec = domain === 'settings' ? 'raw' : 'dag-cbor'
    if (state[domain] !== undefined && state[domain].codec !== codec) {
      throw new FormatError(`${domain} is a link of the wrong codec`)
    }
  }
}
