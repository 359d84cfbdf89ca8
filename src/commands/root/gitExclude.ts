// In a git work tree the names that a root folder keeps for itself go to .git/info/exclude: git then neither shows nor
// adds them, and no file of the user changes.

import { isHostError } from '../../core/host/error.ts'
import type { Directory, Files } from '../../core/host/host.ts'
import { reservedNames } from '../../core/system.ts'

const firstLine = '# SentientOS keeps these for itself:'

/** True when the names stand there now; false where no work tree is, or git's files cannot be changed. */
export function excludeFromGit(files: Files, rootPath: string): boolean {
  try {
    const found = findGitDirectory(files, rootPath)
    if (found === undefined) return false
    const { gitPath, prefix } = found
    return appendNames(
      files,
      gitPath,
      reservedNames.map(name => `/${prefix}${name}`),
    )
  } catch (error) {
    // The history works without it: a git that is laid out in another way is no reason to fail.
    if (isHostError(error)) return false
    throw error
  }
}

/** The git directory of the work tree that holds the path, and the path's place below the top of that work tree. */
function findGitDirectory(files: Files, rootPath: string): { gitPath: string; prefix: string } | undefined {
  let prefix = ''
  for (let path = rootPath; ; ) {
    const gitPath = gitDirectoryIn(files, path)
    if (gitPath !== undefined) return { gitPath, prefix }
    const slash = path.lastIndexOf('/')
    if (slash < 0 || path === '/') return undefined
    prefix = `${path.slice(slash + 1)}/${prefix}`
    path = slash === 0 ? '/' : path.slice(0, slash)
  }
}

function gitDirectoryIn(files: Files, path: string): string | undefined {
  const directory = files.openDirectory(path)
  if (directory === undefined) return undefined
  try {
    const kind = directory.stat('.git')?.kind
    if (kind === 'dir') return `${path}/.git`
    if (kind !== 'file') return undefined
    // Linked work trees and submodules: a file that names the directory.
    const named = /^gitdir: (.+)$/m.exec(readText(directory, '.git'))?.[1]
    if (named === undefined) return undefined
    return commonDirectory(files, named.startsWith('/') ? named : `${path}/${named}`)
  } finally {
    directory.close()
  }
}

/** Linked work trees share info/exclude with the repository that they belong to. */
function commonDirectory(files: Files, gitPath: string): string {
  const directory = files.openDirectory(gitPath)
  if (directory === undefined) return gitPath
  try {
    if (directory.stat('commondir') === undefined) return gitPath
    const common = readText(directory, 'commondir').trim()
    return common.startsWith('/') ? common : `${gitPath}/${common}`
  } finally {
    directory.close()
  }
}

function appendNames(files: Files, gitPath: string, patterns: readonly string[]): boolean {
  const git = files.openDirectory(gitPath)
  if (git === undefined || git.stat('HEAD') === undefined) return false
  if (git.stat('info') === undefined) git.makeDirectory('info', 0o777)
  const info = git.child('info')!
  try {
    const before = info.stat('exclude') === undefined ? '' : readText(info, 'exclude')
    const known = new Set(before.split('\n'))
    const missing = patterns.filter(pattern => !known.has(pattern))
    if (missing.length === 0) return true
    const gap = before === '' || before.endsWith('\n') ? '' : '\n'
    writeText(info, 'exclude', `${before}${gap}${firstLine}\n${missing.join('\n')}\n`)
    return true
  } finally {
    info.close()
    git.close()
  }
}

/** Takes the names out again; false where they did not stand. */
export function includeInGit(files: Files, rootPath: string): boolean {
  try {
    const found = findGitDirectory(files, rootPath)
    const git = found === undefined ? undefined : files.openDirectory(found.gitPath)
    const info = git?.child('info')
    try {
      if (found === undefined || info?.stat('exclude') === undefined) return false
      const ours = new Set(reservedNames.map(name => `/${found.prefix}${name}`))
      const before = readText(info, 'exclude').split('\n')
      const rest = before.filter(line => !ours.has(line))
      if (rest.length === before.length) return false
      // Another root folder in this work tree may have its names below the same line.
      const kept = rest.filter((line, index) => line !== firstLine || rest[index + 1]?.startsWith('/') === true)
      writeText(info, 'exclude', kept.join('\n'))
      return true
    } finally {
      info?.close()
      git?.close()
    }
  } catch (error) {
    if (isHostError(error)) return false
    throw error
  }
}

function readText(directory: Directory, name: string): string {
  const file = directory.open(name, 'read')
  try {
    const bytes = new Uint8Array(file.stat().size)
    const length = file.read(bytes, 0, bytes.length, 0)
    return Buffer.from(bytes.buffer, 0, length).toString('latin1')
  } finally {
    file.close()
  }
}

function writeText(directory: Directory, name: string, text: string): void {
  const temporary = `${name}.sentctl`
  if (directory.stat(temporary) !== undefined) directory.removeFile(temporary)
  const file = directory.open(temporary, 'create', 0o644)
  try {
    file.write(Buffer.from(text, 'latin1'), 0)
  } finally {
    file.close()
  }
  directory.rename(temporary, directory, name)
}
