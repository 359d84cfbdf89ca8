// The user's editor on the real terminal, and whether it changed the file.

import { isUtf8 } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { SentientError } from '../../core/errors.ts'
import type { GovernedPath } from '../../core/timeline/model.ts'

type Environment = Readonly<Record<string, string | undefined>>

const fallbackEditors = ['micro', 'nano', 'vi'] as const

/** A shell command; undefined when there is no editor at all. */
function findEditor(environment: Environment): string | undefined {
  const wanted = environment.VISUAL || environment.EDITOR
  if (wanted) return wanted
  const folders = (environment.PATH ?? '').split(path.delimiter).filter(Boolean)
  return fallbackEditors.find(name => folders.some(folder => isExecutable(path.join(folder, name))))
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs the editor to its end; true when the file is another one afterwards. Throws NOT_WRITABLE, USAGE. */
export function editFile(rootPath: string, governed: GovernedPath, environment: Environment): boolean {
  const editor = findEditor(environment)
  if (editor === undefined)
    throw new SentientError('USAGE', { what: 'No editor found', hint: 'Set VISUAL or EDITOR to one.' })
  const bytes = Buffer.from(governed, 'latin1')
  if (!isUtf8(bytes))
    throw new SentientError('USAGE', { what: 'The name is not UTF-8', hint: 'Rename it first (r), then edit it.' })
  const file = path.join(rootPath, bytes.toString('utf8'))
  const before = stampOf(file)
  const { error, status } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  if (error !== undefined || status === 127)
    throw new SentientError('USAGE', { what: `The editor did not start`, found: editor, hint: 'Set VISUAL or EDITOR.' })
  return stampOf(file) !== before
}

function stampOf(file: string): string {
  const stat = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.mode}`
}
