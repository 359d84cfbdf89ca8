// What the screen can do to the root folder, as data: for the effects that run it, for the row that says what is
// running, and for the line of sentctl that does the same.
import { displayBytes } from '../../core/format/bytes.ts'
import type { GovernedPath } from '../../core/timeline/model.ts'
import { plural } from '../widgets/format.ts'

/** A state as people write it: `now`, `#4127`, a snapshot's name. */
export type StateText = string

export type Operation =
  | {
      readonly do: 'restore'
      readonly paths: readonly GovernedPath[]
      readonly to: StateText
      readonly hunks?: readonly number[]
      readonly as?: GovernedPath
    }
  | { readonly do: 'absorb'; readonly paths: readonly GovernedPath[] }
  | { readonly do: 'remove'; readonly paths: readonly GovernedPath[] }
  | { readonly do: 'move'; readonly from: readonly GovernedPath[]; readonly to: GovernedPath }
  | { readonly do: 'copy'; readonly from: readonly GovernedPath[]; readonly to: GovernedPath }
  | { readonly do: 'makeDirectory'; readonly path: GovernedPath }
  | { readonly do: 'makeFile'; readonly path: GovernedPath }
  | { readonly do: 'setMode'; readonly paths: readonly GovernedPath[]; readonly mode: number }
  | { readonly do: 'rollback'; readonly to: StateText }
  | { readonly do: 'undo'; readonly seq: number }
  | { readonly do: 'redo' }
  | { readonly do: 'snapshot'; readonly label: string }
  | { readonly do: 'label'; readonly name: string; readonly label: string }
  | { readonly do: 'pin'; readonly name: string; readonly pinned: boolean }
  | { readonly do: 'removeSnapshot'; readonly name: string }
  /** Mends all of the history; `paths` are what it was asked for. */
  | { readonly do: 'repair'; readonly paths: readonly GovernedPath[] }

export type Repair = Extract<Operation, { readonly do: 'repair' }>
/** What ends with a result of its own kind, and what changes the tree or the list of snapshots. */
export type TreeOperation = Exclude<Operation, Repair>

/** A path or several in few words. */
export function pathsText(paths: readonly GovernedPath[]): string {
  if (paths.length === 0) return 'everything'
  if (paths.length === 1) return paths[0] === '' ? 'everything' : displayBytes(paths[0]!)
  return plural(paths.length, 'path')
}

/** What is being done, for the progress row: `bring back etc/fstab`. */
export function operationText(operation: Operation): string {
  switch (operation.do) {
    case 'restore':
      return operation.hunks === undefined
        ? `bring back ${pathsText(operation.paths)}`
        : `bring back ${plural(operation.hunks.length, 'hunk')} of ${pathsText(operation.paths)}`
    case 'absorb':
      return `keep ${pathsText(operation.paths)}`
    case 'remove':
      return `delete ${pathsText(operation.paths)}`
    case 'move':
      return `move ${pathsText(operation.from)} to ${displayBytes(operation.to) || '/'}`
    case 'copy':
      return `copy ${pathsText(operation.from)} to ${displayBytes(operation.to) || '/'}`
    case 'makeDirectory':
      return `new directory ${displayBytes(operation.path)}`
    case 'makeFile':
      return `new file ${displayBytes(operation.path)}`
    case 'setMode':
      return `mode of ${pathsText(operation.paths)}`
    case 'rollback':
      return `rollback to ${operation.to}`
    case 'undo':
      return `undo #${operation.seq}`
    case 'redo':
      return 'redo'
    case 'snapshot':
      return 'snapshot'
    case 'label':
      return `label ${operation.name}`
    case 'pin':
      return `${operation.pinned ? 'pin' : 'unpin'} ${operation.name}`
    case 'removeSnapshot':
      return `remove snapshot ${operation.name}`
    case 'repair':
      return 'repair'
  }
}

/** The same as a command line. */
export function commandLine(operation: Operation): string {
  const line = (...words: readonly string[]): string => ['sentctl', ...words].join(' ')
  switch (operation.do) {
    case 'restore':
      return line(
        'restore',
        ...operation.paths.map(quotedPath),
        ...(operation.to === 'now' ? [] : ['--to', quoted(operation.to)]),
        ...(operation.hunks ?? []).flatMap(hunk => ['--hunk', String(hunk)]),
        ...(operation.as === undefined ? [] : ['--as', quotedPath(operation.as)]),
      )
    case 'absorb':
      return line('absorb', ...operation.paths.map(quotedPath))
    case 'remove':
      return line('rm', '-r', ...operation.paths.map(quotedPath))
    case 'move':
      return line('mv', ...operation.from.map(quotedPath), quotedPath(operation.to))
    case 'copy':
      return line('cp', '-r', ...operation.from.map(quotedPath), quotedPath(operation.to))
    case 'makeDirectory':
      return line('mkdir', '-p', quotedPath(operation.path))
    case 'makeFile':
      return line('put', quotedPath(operation.path), '</dev/null')
    case 'setMode':
      return line('chmod', operation.mode.toString(8), ...operation.paths.map(quotedPath))
    case 'rollback':
      return line('rollback', '--to', quoted(operation.to))
    case 'undo':
      return line('undo')
    case 'redo':
      return line('redo')
    case 'snapshot':
      return line('snapshot', 'create', ...(operation.label === '' ? [] : [quoted(operation.label)]))
    case 'label':
      return line('snapshot', 'label', operation.name, quoted(operation.label))
    case 'pin':
      return line('snapshot', operation.pinned ? 'pin' : 'unpin', operation.name)
    case 'removeSnapshot':
      return line('snapshot', 'rm', operation.name)
    case 'repair':
      return line('repair')
  }
}

const quotedPath = (path: GovernedPath): string => quoted(displayBytes(path) || '.')

/** A word for a shell, in quotes where it needs them. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#') ? word : `'${word.replaceAll("'", "'\\''")}'`
}
