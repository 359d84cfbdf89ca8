// Names on a file system that takes several for one: upper and lower case, composed and decomposed letters. A name is
// found there under names that nobody gave it, so what a path leads to counts only when the directory lists just that
// name; and two names that are one there can not both be put in place.

import { byteStringOfText } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'

const textOf = (name: ByteString): string | undefined => {
  const text = Buffer.from(name, 'latin1').toString('utf8')
  return byteStringOfText(text) === name ? text : undefined
}

/** What names that may be one somewhere have in common; wider than any one file system's rule. */
export function foldedName(name: ByteString): string {
  const text = textOf(name) ?? name
  return text
    .normalize('NFKD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[. ]+$/, '')
}

/** The same name in other letters, under which a file system that folds would find it too. */
function variantsOf(name: ByteString): ByteString[] {
  const text = textOf(name)
  const swapped = name.replace(/[a-zA-Z]/g, letter => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
  if (text === undefined || text === name) return swapped === name ? [] : [swapped]
  const others = [text.normalize('NFC'), text.normalize('NFD'), text.toLowerCase(), text.toUpperCase()]
  return [...new Set([swapped, ...others.map(byteStringOfText)])].filter(other => other !== name)
}

/**
 * Whether the directory has what `name` led to under just this name. One or a few looks where names are kept apart;
 * a list of the directory where they are not.
 */
export function isListedAs(parent: Directory, name: ByteString, found: FileStat): boolean {
  const isSame = (other: ByteString): boolean => {
    const stat = statOrNothing(parent, other)
    return stat !== undefined && stat.inode === found.inode && stat.dev === found.dev
  }
  if (!variantsOf(name).some(isSame)) return true
  return parent.list().some(item => item.name === name)
}

/** A variant may be no name at all for a strict file system, or too long. */
function statOrNothing(parent: Directory, name: ByteString): FileStat | undefined {
  try {
    return parent.stat(name)
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

/** The name under which a directory lists what `name` leads to; undefined when that leads nowhere. */
export function listedName(parent: Directory, name: ByteString): ByteString | undefined {
  const found = statOrNothing(parent, name)
  if (found === undefined) return undefined
  const names = parent.list().map(item => item.name)
  if (names.includes(name)) return name
  return names.find(other => statOrNothing(parent, other)?.inode === found.inode)
}

const foldingRoots = new WeakMap<Directory, boolean>()

/** Whether the root folder, and so what was made below it, takes upper and lower case as one; asked once. */
export function rootFolds(root: Directory): boolean {
  let folds = foldingRoots.get(root)
  if (folds === undefined) {
    folds = findsInOtherCase(root, '.runtime')
    foldingRoots.set(root, folds)
  }
  return folds
}

/** Whether a name that exists, of ASCII letters of one case, is found in the other case too. */
export function findsInOtherCase(directory: Directory, name: ByteString): boolean {
  const found = statOrNothing(directory, name)
  const other = statOrNothing(directory, name.toUpperCase())
  return found !== undefined && other?.inode === found.inode && other.dev === found.dev
}

export interface NameTraits {
  /** Upper and lower case are one name. */
  readonly foldsCase: boolean
  /** Composed and decomposed letters are one name, or a name comes back otherwise than it was given. */
  readonly normalises: boolean
  /** What becomes of a name there, as far as a probe shows it. */
  readonly stored: (name: ByteString) => ByteString
}

/** A letter that has a case, and one that is composed (U+00E9), then decomposed, in UTF-8. */
const probeSuffix: ByteString = '-Q\xc3\xa9'
const smallSuffix: ByteString = '-q\xc3\xa9'
const decomposedSuffix: ByteString = '-Qe\xcc\x81'

/** What a directory does with names, found out with a file that is gone again; undefined where none can be made. */
export function nameTraits(directory: Directory, stem: ByteString): NameTraits | undefined {
  const probe = `${stem}${probeSuffix}`
  try {
    directory.open(probe, 'create', 0o600).close()
    try {
      const foldsCase = statOrNothing(directory, `${stem}${smallSuffix}`) !== undefined
      const listed = listedName(directory, probe)
      const normalises = listed !== probe || statOrNothing(directory, `${stem}${decomposedSuffix}`) !== undefined
      return { foldsCase, normalises, stored: formThatMakes(probe, listed) }
    } finally {
      directory.removeFile(probe)
    }
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

const forms: readonly ((text: string) => string)[] = [
  text => text,
  text => text.toLowerCase(),
  text => text.normalize('NFD'),
  text => text.normalize('NFD').toLowerCase(),
  text => text.toUpperCase(),
]

function formThatMakes(given: ByteString, listed: ByteString | undefined): (name: ByteString) => ByteString {
  const onNames = forms.map(form => (name: ByteString) => {
    const text = textOf(name)
    return text === undefined ? name : byteStringOfText(form(text))
  })
  return onNames.find(form => form(given) === listed) ?? (name => name)
}
