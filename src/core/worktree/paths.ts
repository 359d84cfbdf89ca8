// Governed paths: parts joined by "/", relative to the root folder, as bytes. The empty path is the root itself.

import { SentientError } from '../errors.ts'
import { byteStringOfText, displayBytes, parseDisplayed } from '../format/bytes.ts'
import type { ByteString } from '../host/host.ts'
import { isOutsideFiles } from './reserved.ts'

export const pathBytesMax = 65_535
export const nameBytesMax = 255

export function joinPath(parent: ByteString, name: ByteString): ByteString {
  return parent === '' ? name : `${parent}/${name}`
}

export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

export function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function partsOf(path: ByteString): ByteString[] {
  return path === '' ? [] : path.split('/')
}

/** True when `path` is `ancestor` or lies below it. */
export function isWithin(path: ByteString, ancestor: ByteString): boolean {
  return ancestor === '' || path === ancestor || (path.startsWith(ancestor) && path[ancestor.length] === '/')
}

/** All proper ancestors of a path but the root, top first. */
export function ancestorsOf(path: ByteString): ByteString[] {
  const ancestors: ByteString[] = []
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    ancestors.push(path.slice(0, slash))
  }
  return ancestors
}

/** The paths that lie below none of the others, each once, depth first. */
export function topmost(paths: readonly ByteString[]): ByteString[] {
  const tops: ByteString[] = []
  for (const path of [...paths].sort(compareDepthFirst)) {
    const last = tops.at(-1)
    if (last === undefined || !isWithin(path, last)) tops.push(path)
  }
  return tops
}

/** Depth-first order: parents before children, and a directory's whole subtree before its next sibling. */
export function compareDepthFirst(a: ByteString, b: ByteString): number {
  const left = a.replaceAll('/', '\0')
  const right = b.replaceAll('/', '\0')
  return left < right ? -1 : left > right ? 1 : 0
}

/** Throws PATH_INVALID unless the path may be governed; the empty path is refused. */
export function checkGovernedPath(path: ByteString): void {
  const refuse = (found: string): never => {
    throw new SentientError('PATH_INVALID', { where: displayBytes(path), found })
  }
  if (path === '') refuse('the root folder itself')
  if (path.length > pathBytesMax) refuse(`${path.length} bytes, at most ${pathBytesMax} are allowed`)
  const parts = path.split('/')
  for (const part of parts) {
    if (part === '') refuse('an empty part')
    if (part === '.' || part === '..') refuse(`a part "${part}"`)
    if (part.length > nameBytesMax) refuse(`a name of ${part.length} bytes, at most ${nameBytesMax} are allowed`)
    if (part.includes('\0')) refuse('a NUL byte')
  }
  if (isOutsideFiles(parts[0])) refuse(`"${displayBytes(parts[0])}", which SentientOS keeps for itself`)
}

/**
 * A user's text, escapes as displayed, relative to `cwd`, as a path below the root folder; both are absolute paths.
 * Throws PATH_INVALID outside of it.
 */
export function governedPathOf(rootPath: string, text: string, cwd: string): ByteString {
  const invalid = (found: string, cause?: unknown) => new SentientError('PATH_INVALID', { where: text, found }, cause)
  let bytes: ByteString
  try {
    bytes = parseDisplayed(text)
  } catch (error) {
    throw invalid('an unknown escape', error)
  }
  const root = byteStringOfText(rootPath)
  const start = bytes.startsWith('/') ? '' : byteStringOfText(cwd)
  const parts: ByteString[] = []
  for (const part of `${start}/${bytes}`.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  const absolute = `/${parts.join('/')}`
  if (absolute === root || root === '/') return absolute === root ? '' : absolute.slice(1)
  if (!absolute.startsWith(`${root}/`)) throw invalid('a path outside the root folder')
  const path = absolute.slice(root.length + 1)
  checkGovernedPath(path)
  return path
}
