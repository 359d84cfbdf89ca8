// The history as a page of code: what is recorded and what is on disk are two maps from paths to entries, and every
// operation says what becomes of both. Random histories are run against this and against the real thing.

/** A file, symlink or directory, with its mode. */
export interface ModelEntry {
  readonly kind: 'file' | 'dir' | 'symlink'
  readonly mode: number
  readonly content: string
}

export type ModelTree = ReadonlyMap<string, ModelEntry>
type Tree = Map<string, ModelEntry>

export const fileOf = (content: string, mode = 0o644): ModelEntry => ({ kind: 'file', mode, content })
export const dirOf = (mode = 0o755): ModelEntry => ({ kind: 'dir', mode, content: '' })
export const linkOf = (content: string): ModelEntry => ({ kind: 'symlink', mode: 0o777, content })

/** One record as undo needs it: what it changed, and what it overwrote on disk. */
interface ModelRecord {
  readonly changes: ReadonlyMap<string, { readonly before: ModelEntry | null; readonly after: ModelEntry | null }>
  readonly overwrote: ReadonlyMap<string, ModelEntry | null>
  /** Of an undo: the record that it undid. */
  readonly original?: ModelRecord
}

/** What an operation comes to: a refusal with one of these codes, or done. */
export type Outcome = { readonly refused: readonly string[] } | { readonly records: number }

const same = (a: ModelEntry | null | undefined, b: ModelEntry | null | undefined): boolean =>
  a == null || b == null
    ? (a ?? null) === (b ?? null)
    : a.kind === b.kind && a.mode === b.mode && (a.kind === 'dir' || a.content === b.content)

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
const within = (path: string, top: string): boolean => top === '' || path === top || path.startsWith(`${top}/`)
const sorted = (paths: Iterable<string>): string[] => [...paths].sort()

function ancestorsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}

export interface Model {
  readonly recorded: ModelTree
  readonly disk: ModelTree
  /** State of every path that status must show. */
  status(): Record<string, string>
  edit(path: string, entry: ModelEntry | null): boolean
  put(path: string, content: string): Outcome
  mkdir(path: string): Outcome
  link(path: string, target: string): Outcome
  chmod(path: string, mode: number): Outcome
  remove(path: string): Outcome
  transfer(from: string, to: string, removing: boolean): Outcome
  absorb(path: string): Outcome
  restore(path: string, target: ModelTree): Outcome
  rollback(target: ModelTree): Outcome
  undo(): Outcome
  redo(): Outcome
}

export function createModel(start: ModelTree): Model {
  let recorded: Tree = new Map(start)
  const disk: Tree = new Map(start)
  const undoable: ModelRecord[] = []
  let redoable: ModelRecord[] = []

  const below = (tree: ModelTree, top: string): string[] => [...tree.keys()].filter(path => within(path, top))

  /** What stands where a directory is needed on the way to a path. */
  const blockedParent = (path: string): string[] | undefined => {
    for (const ancestor of ancestorsOf(path)) {
      const kind = disk.get(ancestor)?.kind
      if (kind === 'symlink') return ['SYMLINK_IN_PATH']
      if (kind === 'file') return ['NOT_A_DIRECTORY']
      if (kind === undefined) break
    }
    const isBlocked = ancestorsOf(path).some(ancestor => (recorded.get(ancestor)?.kind ?? 'dir') !== 'dir')
    return isBlocked ? ['NOT_A_DIRECTORY'] : undefined
  }

  /** Whether nothing at or below a path was changed outside. */
  const isInStep = (top: string): boolean =>
    [...below(recorded, top), ...below(disk, top)].every(path => same(recorded.get(path), disk.get(path)))

  /** Changes the record, lets the disk follow, remembers what was overwritten. Equal before and after: disk only. */
  const commit = (
    next: ModelTree,
    options: {
      diskOnly?: Iterable<string>
      shown?: ReadonlyMap<string, ModelEntry | null>
      original?: ModelRecord
    } = {},
  ): ModelRecord | undefined => {
    const changes = new Map<string, { before: ModelEntry | null; after: ModelEntry | null }>()
    for (const path of new Set([...recorded.keys(), ...next.keys()])) {
      const before = recorded.get(path) ?? null
      const after = next.get(path) ?? null
      if (!same(before, after)) changes.set(path, { before, after })
    }
    const wanted = new Map<string, ModelEntry | null>()
    for (const path of options.diskOnly ?? []) wanted.set(path, next.get(path) ?? null)
    for (const [path, { after }] of changes) wanted.set(path, after)
    for (const [path, entry] of options.shown ?? []) wanted.set(path, entry)
    for (const [path, entry] of [...wanted]) {
      if (entry === null) continue
      for (const ancestor of ancestorsOf(path)) {
        const known = recorded.get(ancestor)
        if (!wanted.has(ancestor) && disk.get(ancestor)?.kind !== 'dir' && known?.kind === 'dir') {
          wanted.set(ancestor, known)
        }
      }
    }
    const moves = [...wanted].filter(([path, entry]) => !same(entry, disk.get(path)))
    const overwrote = overwritten(moves)
    if (changes.size === 0 && moves.length === 0 && options.original === undefined) return undefined
    recorded = new Map(next)
    follow(wanted)
    return { changes, overwrote, original: options.original }
  }

  const overwritten = (moves: readonly [string, ModelEntry | null][]): Map<string, ModelEntry | null> => {
    const lost = new Map<string, ModelEntry | null>()
    for (const [path, entry] of moves) {
      if (!same(disk.get(path), recorded.get(path))) lost.set(path, disk.get(path) ?? null)
      if (entry === null || entry.kind === 'dir' || disk.get(path)?.kind !== 'dir') continue
      for (const inner of below(disk, path)) {
        if (!same(disk.get(inner), recorded.get(inner))) lost.set(inner, disk.get(inner) as ModelEntry)
      }
    }
    for (const [path, entry] of [...lost]) {
      if (entry === null) continue
      for (const ancestor of ancestorsOf(path)) {
        const found = disk.get(ancestor)
        if (recorded.get(ancestor)?.kind !== 'dir' && found !== undefined) lost.set(ancestor, found)
      }
    }
    return lost
  }

  /** The disk gets what is wanted; a directory that should go stays while something is in it. */
  const follow = (wanted: ReadonlyMap<string, ModelEntry | null>): void => {
    for (const [path, entry] of wanted) {
      if (entry === null || entry.kind === 'dir' || disk.get(path)?.kind !== 'dir') continue
      for (const inner of below(disk, path)) disk.delete(inner)
    }
    for (const path of sorted(wanted.keys()).reverse()) {
      const entry = wanted.get(path) ?? null
      const found = disk.get(path)
      if (found === undefined || (entry !== null && (entry.kind === 'dir') === (found.kind === 'dir'))) continue
      if (found.kind !== 'dir' || below(disk, path).length === 1) disk.delete(path)
    }
    for (const path of sorted(wanted.keys())) {
      const entry = wanted.get(path) ?? null
      if (entry !== null && ancestorsOf(path).every(ancestor => disk.get(ancestor)?.kind === 'dir'))
        disk.set(path, entry)
    }
  }

  const done = (record: ModelRecord | undefined): Outcome => {
    if (record === undefined) return { records: 0 }
    undoable.push(record)
    redoable = []
    return { records: 1 }
  }

  const withParents = (next: Tree, path: string): void => {
    for (const ancestor of ancestorsOf(path)) {
      if (next.has(ancestor)) continue
      const found = disk.get(ancestor)
      next.set(ancestor, found?.kind === 'dir' ? found : dirOf())
    }
  }

  /** Takes back one record; `shown` is what the disk shall show in place of the record's state. */
  const reverse = (record: ModelRecord, overwriteAgain: Iterable<string>): ModelRecord | undefined => {
    const next = new Map(recorded)
    for (const [path, { before, after }] of record.changes) {
      if (!same(recorded.get(path), after)) return undefined
      if (before === null) next.delete(path)
      else next.set(path, before)
    }
    for (const path of record.changes.keys()) {
      const parent = parentOf(path)
      if (next.has(path) && parent !== '' && next.get(parent)?.kind !== 'dir') return undefined
      if (next.get(path)?.kind !== 'dir' && below(next, path).some(inner => inner !== path)) return undefined
    }
    return commit(next, { diskOnly: overwriteAgain, shown: record.overwrote, original: record })
  }

  return {
    get recorded() {
      return recorded
    },
    get disk() {
      return disk
    },
    status() {
      const lines: Record<string, string> = {}
      for (const path of sorted(new Set([...recorded.keys(), ...disk.keys()]))) {
        if (same(recorded.get(path), disk.get(path))) continue
        lines[path] = !disk.has(path) ? 'gone' : recorded.has(path) ? 'changed' : 'new'
      }
      return lines
    },
    edit(path, entry) {
      const found = disk.get(path)
      if (ancestorsOf(path).some(ancestor => disk.get(ancestor)?.kind !== 'dir')) return false
      if (entry === null && found === undefined) return false
      const keepsInside = entry?.kind === 'dir' && found?.kind === 'dir'
      if (!keepsInside) for (const inner of below(disk, path)) disk.delete(inner)
      if (entry !== null) disk.set(path, entry)
      return true
    },
    put(path, content) {
      const before = recorded.get(path)
      if (before?.kind === 'dir' || disk.get(path)?.kind === 'dir') return { refused: ['IS_A_DIRECTORY'] }
      const blocked = blockedParent(path)
      if (blocked !== undefined) return { refused: blocked }
      const next = new Map(recorded)
      withParents(next, path)
      next.set(path, fileOf(content, before?.kind === 'file' ? before.mode : 0o644))
      return done(commit(next, { diskOnly: [path] }))
    },
    mkdir(path) {
      const before = recorded.get(path)
      if (before !== undefined) return before.kind === 'dir' ? { records: 0 } : { refused: ['PATH_EXISTS'] }
      const blocked = blockedParent(path)
      if (blocked !== undefined) return { refused: blocked }
      const found = disk.get(path)
      if (found !== undefined && found.kind !== 'dir') return { refused: ['PATH_EXISTS'] }
      const next = new Map(recorded)
      withParents(next, path)
      next.set(path, dirOf(found?.mode))
      return done(commit(next))
    },
    link(path, target) {
      if (recorded.has(path)) return { refused: ['PATH_EXISTS'] }
      const blocked = blockedParent(path)
      if (disk.has(path)) return { refused: ['PATH_EXISTS', ...(blocked ?? [])] }
      if (blocked !== undefined) return { refused: blocked }
      const next = new Map(recorded)
      withParents(next, path)
      next.set(path, linkOf(target))
      return done(commit(next))
    },
    chmod(path, mode) {
      const before = recorded.get(path)
      const found = disk.get(path)
      if (before === undefined) return { refused: found === undefined ? ['PATH_NOT_FOUND'] : ['DRIFT'] }
      if (before.kind === 'symlink' || before.mode === mode) return { records: 0 }
      if (found === undefined || !same({ ...found, mode: before.mode }, before)) return { refused: ['DRIFT'] }
      return done(commit(new Map(recorded).set(path, { ...before, mode })))
    },
    remove(path) {
      if (!recorded.has(path) && !disk.has(path)) return { refused: ['PATH_NOT_FOUND'] }
      const next = new Map(recorded)
      const gone = new Set([...below(recorded, path), ...below(disk, path)])
      for (const inner of gone) next.delete(inner)
      return done(commit(next, { diskOnly: gone }))
    },
    transfer(from, to, removing) {
      if (!isInStep(from)) return { refused: ['DRIFT'] }
      if (!recorded.has(from)) return { refused: ['PATH_NOT_FOUND'] }
      const into = to === '' || (recorded.get(to) ?? disk.get(to))?.kind === 'dir'
      const name = from.slice(from.lastIndexOf('/') + 1)
      const target = into ? (to === '' ? name : `${to}/${name}`) : to
      if (within(target, from)) return { refused: ['PATH_INVALID'] }
      const blocked = blockedParent(target)
      if (blocked !== undefined) return { refused: blocked }
      if (recorded.has(target) || disk.has(target)) return { refused: ['PATH_EXISTS'] }
      const next = new Map(recorded)
      withParents(next, target)
      for (const path of below(recorded, from)) {
        next.set(target + path.slice(from.length), recorded.get(path) as ModelEntry)
        if (removing) next.delete(path)
      }
      return done(commit(next))
    },
    absorb(path) {
      const next = new Map(recorded)
      for (const inner of below(recorded, path)) next.delete(inner)
      const isReachable = ancestorsOf(path).every(ancestor => disk.get(ancestor)?.kind === 'dir')
      const inside = isReachable ? below(disk, path) : []
      for (const inner of inside) next.set(inner, disk.get(inner) as ModelEntry)
      if (inside.some(inner => !same(disk.get(inner), recorded.get(inner)))) {
        for (const ancestor of ancestorsOf(path)) {
          const found = disk.get(ancestor) as ModelEntry
          if (next.get(ancestor)?.kind !== 'dir') next.set(ancestor, found)
        }
      }
      return done(commit(next))
    },
    restore(path, target) {
      if (!target.has(path) && !recorded.has(path)) return { refused: ['PATH_NOT_FOUND'] }
      const next = new Map(recorded)
      for (const inner of below(recorded, path)) next.delete(inner)
      for (const inner of below(target, path)) next.set(inner, target.get(inner) as ModelEntry)
      if (target.has(path)) {
        for (const ancestor of ancestorsOf(path)) {
          if (next.get(ancestor)?.kind !== 'dir') next.set(ancestor, target.get(ancestor) as ModelEntry)
        }
      }
      const isReachable = ancestorsOf(path).every(ancestor => disk.get(ancestor)?.kind === 'dir')
      return done(commit(next, { diskOnly: [...below(target, path), ...(isReachable ? below(disk, path) : [])] }))
    },
    rollback(target) {
      const gone = [...disk.keys()].filter(path => recorded.has(path) || target.has(path))
      const missing = [...recorded.keys()].filter(path => !disk.has(path))
      return done(commit(target, { diskOnly: [...gone, ...missing, ...target.keys()] }))
    },
    undo() {
      const record = undoable.at(-1)
      if (record === undefined) return { refused: ['NOT_UNDOABLE'] }
      const undone = reverse(record, [])
      if (undone === undefined) return { refused: ['NOT_UNDOABLE'] }
      undoable.pop()
      redoable.push(undone)
      return { records: 1 }
    },
    redo() {
      const record = redoable.at(-1)
      if (record === undefined) return { refused: ['NOT_UNDOABLE'] }
      const original = record.original as ModelRecord
      const redone = reverse(record, original.overwrote.keys())
      if (redone === undefined) return { refused: ['NOT_UNDOABLE'] }
      redoable.pop()
      undoable.push(original)
      return { records: 1 }
    },
  }
}
