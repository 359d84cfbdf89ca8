// Random histories: operations, changes outside, going back, undo and new processes, in any order, on the real thing and
// on the model; after every step disk, record and status must be what the model says.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSentientError } from '../../../src/core/errors.ts'
import type { System } from '../../../src/core/system.ts'
import type { OperationResult, Work } from '../../../src/core/timeline/model.ts'
import { symlink } from '../../support/host.ts'
import {
  createModel,
  dirOf,
  fileOf,
  linkOf,
  type Model,
  type ModelEntry,
  type ModelTree,
  type Outcome,
} from './model.ts'
import {
  changesOutside,
  diskOf,
  editOutside,
  finished,
  makeRoot,
  openRoot,
  recordedOf,
  sourceOf,
  type TimelineSubject,
} from './support.ts'

/** What happens in one step; the numbers choose paths, contents and states from what there is then. */
export interface Step {
  readonly what: (typeof steps)[number]
  readonly path: number
  readonly other: number
  readonly choice: number
}

const steps = [
  'edit file',
  'edit file',
  'edit other',
  'remove outside',
  'put',
  'put',
  'mkdir',
  'link',
  'chmod',
  'remove',
  'move',
  'copy',
  'absorb',
  'absorb all',
  'absorb all',
  'snapshot',
  'restore',
  'rollback',
  'rollback',
  'undo',
  'undo',
  'redo',
  'reopen',
] as const

const number = fc.nat({ max: 10_000 })

export const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...steps),
  path: number,
  other: number,
  choice: number,
})

export const anyHistory = fc.array(anyStep, { minLength: 10, maxLength: 40 })

const names = ['a', 'b', 'c', 'a.b']
const contents = ['', 'one', 'two', 'same size 1', 'same size 2', 'x'.repeat(5_000)]
const modes = [0o644, 0o600, 0o755, 0o700]
const directoryModes = [0o755, 0o700, 0o555]
const depthMax = 3

const start: ModelTree = new Map([
  ['a', dirOf()],
  ['a/a', fileOf('one')],
  ['a/b', dirOf()],
  ['a/b/c', linkOf('a')],
  ['b', fileOf('two')],
])

/** A tree of the model in the words of `diskOf`. */
export function described(tree: ModelTree): Record<string, string> {
  const lines = [...tree].map(([path, { kind, mode, content }]): [string, string] => {
    if (kind === 'dir') return [`${path}/`, `dir ${mode.toString(8)}`]
    return [path, kind === 'symlink' ? `symlink ${content}` : `file ${mode.toString(8)} ${content}`]
  })
  return Object.fromEntries(lines.sort(([a], [b]) => (a < b ? -1 : 1)))
}

interface History {
  readonly subject: TimelineSubject
  readonly model: Model
  system: System
  /** States to go back to, by what `resolve` takes. */
  readonly states: { readonly name: string; readonly tree: ModelTree }[]
}

/** Runs one history from an empty folder on; at the end goes back to every snapshot and forward again. */
export async function runHistory(makeSubject: () => TimelineSubject, history: readonly Step[]): Promise<void> {
  const subject = makeSubject()
  const model = createModel(start)
  const tree = { a: { a: 'one', b: { c: symlink('a') } }, b: 'two' }
  const run: History = { subject, model, system: await makeRoot(subject, tree), states: [] }
  try {
    await keepState(run)
    for (const [i, step] of history.entries()) {
      await take(run, step)
      await compare(run, `step ${i}, ${JSON.stringify(step)}`)
    }
    await backAndForth(run)
    await assertSameRootAnew(run, makeSubject)
  } finally {
    await run.system.close()
    subject.remove()
  }
}

async function compare({ system, model, subject }: History, label: string): Promise<void> {
  assert.deepEqual(recordedOf(system), described(model.recorded), `recorded after ${label}`)
  assert.deepEqual(diskOf(subject.directory), described(model.disk), `disk after ${label}`)
  assert.deepEqual(await changesOutside(system), model.status(), `status after ${label}`)
}

async function take(run: History, step: Step): Promise<void> {
  const { model } = run
  const path = pickPath(model, step.path)
  const other = pickPath(model, step.other)
  const content = pick(contents, step.choice)
  switch (step.what) {
    case 'edit file':
      return edit(run, path, fileOf(content, pick(modes, step.other)))
    case 'edit other':
      return edit(run, path, step.choice % 2 === 0 ? dirOf(pick(directoryModes, step.other)) : linkOf('a'))
    case 'remove outside':
      return edit(run, path, null)
    case 'put':
      return expect(run, system => system.put(path, sourceOf(content)), model.put(path, content))
    case 'mkdir':
      return expect(run, system => system.makeDirectory(path, { parents: true }), model.mkdir(path))
    case 'link':
      return expect(run, system => system.makeSymlink(path, 'b'), model.link(path, 'b'))
    case 'chmod': {
      const isDirectory = model.recorded.get(path)?.kind === 'dir'
      const mode = pick(isDirectory ? directoryModes : modes, step.choice)
      return expect(run, system => system.setMode([path], () => mode), model.chmod(path, mode))
    }
    case 'remove':
      return expect(run, system => system.remove([path], { recursive: true }), model.remove(path))
    case 'move':
    case 'copy': {
      const to = step.choice % 5 === 0 ? '' : other
      const options = { recursive: true }
      const work = (system: System) =>
        step.what === 'move' ? system.move([path], to) : system.copy([path], to, options)
      return expect(run, work, model.transfer(path, to, step.what === 'move'))
    }
    case 'absorb':
      return expect(run, system => system.absorb([path]), model.absorb(path))
    case 'absorb all':
      return expect(run, system => system.absorb([]), model.absorb(''))
    case 'snapshot':
      return keepState(run)
    case 'restore': {
      const { name, tree } = pick(run.states, step.choice)
      return expect(run, system => system.restore([path], system.resolve(name)), model.restore(path, tree))
    }
    case 'rollback': {
      const { name, tree } = pick(run.states, step.choice)
      return expect(run, system => system.rollback(system.resolve(name)), model.rollback(tree))
    }
    case 'undo':
      return expect(run, system => system.undo(), model.undo())
    case 'redo':
      return expect(run, system => system.redo(), model.redo())
    case 'reopen':
      await run.system.close()
      run.system = await openRoot(run.subject)
  }
}

const pick = <T>(from: readonly T[], choice: number): T => from[choice % from.length] as T

/** Every second time a path that exists in some way, else one that may be new in a directory that exists. */
function pickPath(model: Model, choice: number): string {
  const known = [...new Set([...model.recorded.keys(), ...model.disk.keys()])].sort()
  const half = Math.floor(choice / 2)
  if (choice % 2 === 0 && known.length > 0) return pick(known, half)
  const parents = ['', ...known].filter(path => path.split('/').length < depthMax)
  const parent = pick(parents, half)
  const name = pick(names, Math.floor(half / parents.length))
  return parent === '' ? name : `${parent}/${name}`
}

function edit({ model, subject }: History, path: string, entry: ModelEntry | null): void {
  const isOpen = path
    .split('/')
    .slice(0, -1)
    .every((_, i, parts) => model.disk.get(parts.slice(0, i + 1).join('/'))?.kind === 'dir')
  const isThere = model.disk.get(path)
  if (!isOpen || (entry === null && isThere === undefined)) return
  model.edit(path, entry)
  if (entry === null) editOutside(subject.directory, { [path]: null })
  else if (entry.kind === 'symlink') editOutside(subject.directory, { [path]: symlink(entry.content) })
  else if (entry.kind === 'dir') {
    if (isThere?.kind !== 'dir') editOutside(subject.directory, { [path]: {} })
    setModeOutside(subject, path, entry.mode)
  } else {
    editOutside(subject.directory, { [path]: entry.content })
    setModeOutside(subject, path, entry.mode)
  }
}

function setModeOutside(subject: TimelineSubject, path: string, mode: number): void {
  const parts = path.split('/')
  const name = parts.pop() as string
  let parent = subject.directory.clone()
  for (const part of parts) {
    const next = parent.child(part)
    parent.close()
    assert.ok(next !== undefined)
    parent = next
  }
  parent.setMode(name, mode)
  parent.close()
}

/** The operation does what the model says, or is refused with one of its codes and changes nothing. */
async function expect(run: History, work: (system: System) => Work<OperationResult>, outcome: Outcome): Promise<void> {
  try {
    const result = await finished(work(run.system))
    assert.ok(!('refused' in outcome), `it should be refused with ${JSON.stringify(outcome)}`)
    assert.equal(result.seq >= 0 ? 1 : 0, outcome.records, 'a record is made')
    assert.deepEqual(result.unapplied, [])
  } catch (error) {
    if (!isSentientError(error)) throw error
    assert.ok(
      'refused' in outcome && outcome.refused.includes(error.code),
      `${error.stack}; ${JSON.stringify(outcome)}`,
    )
  }
}

async function keepState(run: History): Promise<void> {
  const name = `s${run.states.length}`
  if (run.states.length >= 64) return
  await finished(run.system.snapshotCreate({ name }))
  run.states.push({ name, tree: new Map(run.model.recorded) })
}

/** The same tree, adopted in one go into a folder that knows nothing of how it came about, has the same state root. */
async function assertSameRootAnew(run: History, makeSubject: () => TimelineSubject): Promise<void> {
  const subject = makeSubject()
  const tree = [...run.model.disk].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [path, { kind, content }] of tree) {
    editOutside(subject.directory, { [path]: kind === 'dir' ? {} : kind === 'file' ? content : symlink(content) })
  }
  for (const [path, { kind, mode }] of tree.reverse()) if (kind !== 'symlink') setModeOutside(subject, path, mode)
  const system = await makeRoot(subject)
  try {
    assert.equal(system.now().root, run.system.now().root)
  } finally {
    await system.close()
    subject.remove()
  }
}

async function backAndForth(run: History): Promise<void> {
  const { model, states } = run
  await expect(run, system => system.absorb([]), model.absorb(''))
  await keepState(run)
  for (const { name, tree } of [...states.toReversed(), ...states]) {
    const outcome = model.rollback(tree)
    await expect(run, system => system.rollback(system.resolve(name)), outcome)
    assert.deepEqual(diskOf(run.subject.directory), described(tree), `the disk is as ${name} had it`)
    assert.deepEqual(recordedOf(run.system), described(tree))
  }
}
