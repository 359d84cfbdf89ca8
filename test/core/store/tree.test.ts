// Trees of directories against the simplest model: a map from paths to entries. Whatever the order of edits, one set of
// entries has one root.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSentientError } from '../../../src/core/errors.ts'
import { type Link, sameLink } from '../../../src/core/format/id.ts'
import { decodeNode, type Entry, sameEntry } from '../../../src/core/format/node.ts'
import { checkCanonical } from '../../../src/core/store/canonical.ts'
import { reachable } from '../../../src/core/store/reach.ts'
import {
  buildDirectory,
  countEntries,
  diffTrees,
  type Edit,
  editTree,
  emptyDirectory,
  findEntry,
  findPath,
  listEntries,
  type ObjectWriter,
  sameApartFromChildren,
  type TreeChange,
  walkTree,
} from '../../../src/core/store/tree.ts'
import { fileEntry, lastName, memoryObjects, shuffled } from './memoryObjects.ts'

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

function directoryEntry(path: string, writer: ObjectWriter, mode = 0o755): Entry {
  return { name: lastName(path), kind: 'dir', mode, size: 0, content: emptyDirectory(writer) }
}

/** The model: every path with its entry; a directory's size and content are left aside. */
type Model = Map<string, Entry>

/** Builds the tree of a model bottom up, by `buildDirectory` alone. */
function buildModel(writer: ObjectWriter, model: Model): Link {
  const build = (directory: string): { link: Link; count: number } => {
    const entries = [...model]
      .filter(([path]) => path !== '' && parentOf(path) === directory)
      .map(([path, entry]): Entry => {
        if (entry.kind !== 'dir') return { ...entry, name: lastName(path) }
        const { link, count } = build(path)
        return { ...entry, name: lastName(path), size: count, content: link }
      })
    return buildDirectory(writer, entries)
  }
  return build('').link
}

// Few names, so that paths meet; enough of them below `wide` to make and unmake branches.
const pathArbitrary = fc.oneof(
  fc.constantFrom('a', 'b', 'a/x', 'a/y', 'a/x/1', 'a/x/2', 'b/x', 'a.b', 'a/x/1/deep', '\xff\xfe'),
  fc.integer({ min: 0, max: 150 }).map(i => `wide/n${i}`),
)
/** A directory that is about to become, or to stop being, more than one leaf. */
function startModel(writer: ObjectWriter): Model {
  const model: Model = new Map([['wide', directoryEntry('wide', writer)]])
  for (let i = 0; i < 62; i++) model.set(`wide/n${i}`, fileEntry(`n${i}`))
  return model
}

const stepArbitrary = fc.record({
  path: pathArbitrary,
  action: fc.constantFrom('file', 'file', 'file', 'dir', 'delete', 'mode'),
  version: fc.integer({ min: 0, max: 3 }),
})

/** What the step means for the model; undefined when it would be refused. */
function editOf(
  model: Model,
  step: { path: string; action: string; version: number },
  writer: ObjectWriter,
): Edit | undefined {
  const { path, action, version } = step
  const parent = parentOf(path)
  if (parent !== '' && model.get(parent)?.kind !== 'dir') return undefined
  if (action === 'delete') return { path, after: null }
  if (action === 'file') return { path, after: fileEntry(path, version) }
  if (action === 'dir') return { path, after: directoryEntry(path, writer, 0o700 + version) }
  if (model.get(path)?.kind !== 'dir') return undefined
  return { path, after: directoryEntry(path, writer, 0o700 + version), keepChildren: true }
}

function applyToModel(model: Model, { path, after, keepChildren }: Edit): void {
  if (keepChildren !== true) {
    for (const other of [...model.keys()]) if (other === path || other.startsWith(`${path}/`)) model.delete(other)
  }
  if (after !== null) model.set(path, after)
}

function assertSame(writer: ObjectWriter, root: Link, model: Model): void {
  const walked = [...walkTree(writer, root)]
  assert.deepEqual(walked.map(({ path }) => path).sort(), [...model.keys()].sort())
  for (const { path, entry } of walked) {
    const expected = model.get(path)!
    assert.ok(sameApartFromChildren({ ...expected, name: entry.name }, entry), path)
    assert.ok(sameEntry(findPath(writer, root, path) ?? null, entry))
    if (entry.kind === 'dir') assert.equal(countEntries(writer, entry.content), entry.size)
  }
}

describe('editTree', () => {
  it('gives the tree that building from nothing gives, after any steps', () => {
    const property = fc.property(
      fc.array(stepArbitrary, { maxLength: 300, size: 'max' }),
      fc.integer(),
      (steps, chunk) => {
        const writer = memoryObjects()
        const model: Model = new Map([['wide', directoryEntry('wide', writer)]])
        let root = editTree(writer, emptyDirectory(writer), [{ path: 'wide', after: directoryEntry('wide', writer) }])
        const perEdit = 1 + (Math.abs(chunk) % 20)
        let edits: Edit[] = []
        for (const [i, step] of steps.entries()) {
          const edit = editOf(model, step, writer)
          // In one call a later edit of a path above or below would change what an earlier one means.
          const meets = (other: Edit): boolean =>
            edit !== undefined &&
            (`${other.path}/`.startsWith(`${edit.path}/`) || `${edit.path}/`.startsWith(`${other.path}/`))
          if (edits.length >= perEdit || edits.some(meets)) {
            root = editTree(writer, root, edits)
            edits = []
          }
          if (edit !== undefined) {
            edits.push(edit)
            applyToModel(model, edit)
          }
          if (i === steps.length - 1) root = editTree(writer, root, edits)
        }
        assertSame(writer, root, model)
        assert.ok(sameLink(root, buildModel(writer, model)), 'one set of entries, one root')
        assert.deepEqual([...checkCanonical(writer, root)], [])
      },
    )
    fc.assert(property, { numRuns: 60 })
  })

  it('makes directories and what is in them in one call, in any order', () => {
    const writer = memoryObjects()
    const edits: Edit[] = [
      { path: 'a/b/c', after: fileEntry('c') },
      { path: 'a/b', after: directoryEntry('b', writer) },
      { path: 'a', after: directoryEntry('a', writer, 0o711) },
    ]
    const root = editTree(writer, emptyDirectory(writer), edits)
    assert.equal(editTree(writer, emptyDirectory(writer), edits.toReversed()).id, root.id)
    assert.equal(findPath(writer, root, 'a')?.mode, 0o711)
    assert.equal(findPath(writer, root, 'a')?.size, 1)
    assert.equal(findPath(writer, root, 'a/b/c')?.kind, 'file')
    assert.equal(findPath(writer, root, 'a/b/c/d'), undefined)
    assert.equal(findPath(writer, root, 'a/q'), undefined)
    const top = findPath(writer, root, '')
    assert.deepEqual([top?.kind, top?.size, top?.name], ['dir', 1, ''])
  })

  it('grafts a directory, keeps its children, or edits below it, as the edit says', () => {
    const writer = memoryObjects()
    const root = editTree(writer, emptyDirectory(writer), [
      { path: 'a', after: directoryEntry('a', writer) },
      { path: 'a/1', after: fileEntry('1') },
    ])
    const other = buildDirectory(writer, [fileEntry('p'), fileEntry('q')])
    const after: Entry = { ...directoryEntry('a', writer, 0o700), size: other.count, content: other.link }
    const names = (from: Link): string[] => [...walkTree(writer, from)].map(({ path }) => path)
    const graft = editTree(writer, root, [{ path: 'a', after }])
    assert.deepEqual(names(graft), ['a', 'a/p', 'a/q'])
    const kept = editTree(writer, root, [{ path: 'a', after, keepChildren: true }])
    assert.deepEqual(names(kept), ['a', 'a/1'])
    const below = editTree(writer, root, [
      { path: 'a', after },
      { path: 'a/2', after: fileEntry('2') },
    ])
    assert.deepEqual(names(below), ['a', 'a/1', 'a/2'])
    for (const changed of [graft, kept, below]) assert.equal(findPath(writer, changed, 'a')?.mode, 0o700)
  })

  it('replaces files by directories and back, together with what is below', () => {
    const writer = memoryObjects()
    const root = editTree(writer, emptyDirectory(writer), [
      { path: 'a', after: directoryEntry('a', writer) },
      { path: 'a/1', after: fileEntry('1') },
    ])
    const asFile = editTree(writer, root, [
      { path: 'a', after: fileEntry('a') },
      { path: 'a/1', after: null },
    ])
    assert.equal(findPath(writer, asFile, 'a')?.kind, 'file')
    const back = editTree(writer, asFile, [
      { path: 'a/1', after: fileEntry('1') },
      { path: 'a', after: directoryEntry('a', writer) },
    ])
    assert.equal(back.id, root.id)
    assert.equal(editTree(writer, root, []).id, root.id)
    assert.equal(editTree(writer, root, [{ path: 'nowhere/at/all', after: null }]).id, root.id)
    assert.equal(
      editTree(writer, root, [
        { path: 'a', after: null },
        { path: 'a/1', after: null },
      ]).id,
      emptyDirectory(writer).id,
    )
    const twice = editTree(writer, root, [
      { path: 'b', after: fileEntry('b', 1) },
      { path: 'b', after: null },
    ])
    assert.equal(twice.id, root.id, 'the later edit of a path counts')
  })

  it('refuses paths without a parent directory, and what is no path', () => {
    const writer = memoryObjects()
    const root = editTree(writer, emptyDirectory(writer), [{ path: 'f', after: fileEntry('f') }])
    const refuses = (code: 'PATH_NOT_FOUND' | 'NOT_A_DIRECTORY' | 'PATH_INVALID', ...edits: Edit[]): void => {
      assert.throws(
        () => editTree(writer, root, edits),
        error => isSentientError(error, code),
      )
    }
    refuses('PATH_NOT_FOUND', { path: 'x/y', after: fileEntry('y') })
    refuses(
      'PATH_NOT_FOUND',
      { path: 'x/y/z', after: fileEntry('z') },
      { path: 'x', after: directoryEntry('x', writer) },
    )
    refuses('PATH_NOT_FOUND', { path: 'f', after: null }, { path: 'f/y', after: fileEntry('y') })
    refuses('NOT_A_DIRECTORY', { path: 'f/y', after: fileEntry('y') })
    refuses('NOT_A_DIRECTORY', { path: 'g', after: fileEntry('g') }, { path: 'g/y', after: fileEntry('y') })
    for (const path of ['', '/', '/a', 'a/', 'a//b', '.', 'a/..', 'a\0', 'x'.repeat(256)]) {
      refuses('PATH_INVALID', { path, after: null })
    }
  })
})

describe('a directory of 5,000 entries', () => {
  const writer = memoryObjects()
  const entries = Array.from({ length: 5000 }, (_, i) => fileEntry(`file ${i}`, i % 7))
  const { link, count } = buildDirectory(writer, shuffled(entries, 1))

  it('is a tree of small nodes, and finds, lists and counts', () => {
    assert.equal(count, 5000)
    assert.equal(countEntries(writer, link), 5000)
    assert.equal(buildDirectory(writer, shuffled(entries, 2)).link.id, link.id)
    for (const bytes of writer.objects.values()) assert.ok(bytes.length < 10_000)
    const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepEqual([...listEntries(writer, link)], sorted)
    assert.deepEqual(
      [...listEntries(writer, link, 'file 99')].map(({ name }) => name),
      sorted.map(({ name }) => name).filter(name => name >= 'file 99'),
    )
    for (const entry of entries) assert.deepEqual(findEntry(writer, link, entry.name), entry)
    assert.equal(findEntry(writer, link, 'file 5000'), undefined)
  })

  it('a change of one entry writes three nodes', () => {
    const before = writer.objects.size
    const root = editTree(writer, link, [{ path: 'file 77', after: fileEntry('file 77', 99) }])
    assert.equal(writer.objects.size - before, 3)
    assert.deepEqual(
      [...diffTrees(writer, link, root)].map(({ path }) => path),
      ['file 77'],
    )
  })

  it('folds when it shrinks, down to one leaf', () => {
    let root = link
    for (let left = 5000; left > 0; left -= 50) {
      root = editTree(
        writer,
        root,
        entries.slice(left - 50, left).map(({ name }) => ({ path: name, after: null })),
      )
      if (left % 500 === 0 || left <= 200) {
        assert.equal(root.id, buildDirectory(writer, entries.slice(0, left - 50)).link.id, `${left - 50} left`)
      }
    }
    assert.equal(root.id, emptyDirectory(writer).id)
  })
})

/** What a comparison of two maps says. */
function mapDiff(before: Model, after: Model): Map<string, { before: Entry | null; after: Entry | null }> {
  const result = new Map<string, { before: Entry | null; after: Entry | null }>()
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const pair = { before: before.get(path) ?? null, after: after.get(path) ?? null }
    if (!sameApartFromChildren(pair.before, pair.after)) result.set(path, pair)
  }
  return result
}

const modelArbitrary = fc.array(stepArbitrary, { maxLength: 250, size: 'max' }).map(steps => {
  const writer = memoryObjects()
  const model = startModel(writer)
  for (const step of steps) {
    const edit = editOf(model, step, writer)
    if (edit !== undefined) applyToModel(model, edit)
  }
  return model
})

describe('diffTrees', () => {
  it('says what a comparison of two maps says, in the order of a walk', () => {
    fc.assert(
      fc.property(modelArbitrary, modelArbitrary, pathArbitrary, (before, after, under) => {
        const writer = memoryObjects()
        const [old, now] = [buildModel(writer, before), buildModel(writer, after)]
        const expected = mapDiff(before, after)
        const changes = [...diffTrees(writer, old, now)]
        assertChanges(changes, expected)
        assert.deepEqual(
          changes.map(({ path }) => path),
          changes.map(({ path }) => path).toSorted(walkOrder),
        )
        const below = new Map([...expected].filter(([path]) => path === under || path.startsWith(`${under}/`)))
        assertChanges([...diffTrees(writer, old, now, { under })], below)
        const top = new Map([...expected].filter(([path]) => !path.includes('/')))
        assertChanges([...diffTrees(writer, old, now, { into: () => false })], top)
        assertChanges([...diffTrees(writer, undefined, now)], mapDiff(new Map(), after))
        assertChanges([...diffTrees(writer, old, undefined)], mapDiff(before, new Map()))
        assert.deepEqual([...diffTrees(writer, now, now)], [])
      }),
      { numRuns: 60 },
    )
  })

  it('reads only what differs', () => {
    const writer = memoryObjects()
    const directories = Array.from({ length: 50 }, (_, d) => {
      const { link, count } = buildDirectory(
        writer,
        Array.from({ length: 40 }, (_, i) => fileEntry(`f${i}`, d)),
      )
      return { ...directoryEntry(`d${d}`, writer), size: count, content: link }
    })
    const old = buildDirectory(writer, directories).link
    const now = editTree(writer, old, [{ path: 'd7/f3', after: fileEntry('f3', 99) }])
    // A reader of its own, because nodes that were read before come from memory.
    const fresh = { ...memoryObjects(), objects: writer.objects, reads: [] as Link[] }
    fresh.get = link => {
      fresh.reads.push(link)
      return writer.objects.get(link.id)!
    }
    assert.deepEqual(
      [...diffTrees(fresh, old, now)].map(({ path }) => path),
      ['d7/f3'],
    )
    assert.equal(fresh.reads.length, 4)
  })
})

function assertChanges(
  changes: readonly TreeChange[],
  expected: ReadonlyMap<string, { before: Entry | null; after: Entry | null }>,
): void {
  assert.deepEqual(changes.map(({ path }) => path).sort(), [...expected.keys()].sort())
  for (const { path, before, after } of changes) {
    const pair = expected.get(path)!
    assert.ok(sameApartFromChildren(before, pair.before && { ...pair.before, name: lastName(path) }), `${path} before`)
    assert.ok(sameApartFromChildren(after, pair.after && { ...pair.after, name: lastName(path) }), `${path} after`)
  }
}

/** Names compared part by part; a directory comes before what it holds. */
function walkOrder(a: string, b: string): number {
  const left = a.split('/')
  const right = b.split('/')
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1
  }
  return left.length - right.length
}

describe('walkTree', () => {
  it('starts where it is told and enters what it may', () => {
    const writer = memoryObjects()
    const model: Model = new Map([
      ['a', directoryEntry('a', writer)],
      ['a/x', directoryEntry('x', writer)],
      ['a/x/1', fileEntry('1')],
      ['a.b', fileEntry('a.b')],
      ['b', fileEntry('b')],
    ])
    const root = buildModel(writer, model)
    const walk = (options?: Parameters<typeof walkTree>[2]): string[] =>
      [...walkTree(writer, root, options)].map(({ path }) => path)
    assert.deepEqual(walk(), ['a', 'a/x', 'a/x/1', 'a.b', 'b'])
    assert.deepEqual(walk({ under: 'a/x' }), ['a/x', 'a/x/1'])
    assert.deepEqual(walk({ under: 'a/x/1' }), ['a/x/1'])
    assert.deepEqual(walk({ under: 'nowhere' }), [])
    assert.deepEqual(walk({ into: path => path !== 'a/x' }), ['a', 'a/x', 'a.b', 'b'])
  })
})

describe('reachable', () => {
  it('names every object of a state once, if told to remember', () => {
    const writer = memoryObjects()
    const big = buildDirectory(
      writer,
      Array.from({ length: 200 }, (_, i) => fileEntry(`n${i}`, i)),
    )
    const content = writer.put('raw', 'chunk', Buffer.from('content 0'))
    const files = buildDirectory(writer, [
      { ...directoryEntry('big', writer), size: big.count, content: big.link },
      { ...fileEntry('f'), content },
    ]).link
    const seen = new Set<string>()
    const links = [...reachable(writer, files, { seen: link => isSeen(seen, link) })]
    assert.equal(links.length, new Set(links.map(link => link.id)).size)
    // The empty directory was only a stand-in while the entries were made.
    const empty = emptyDirectory(writer)
    const nodes = [...writer.objects.keys()].filter(id => id !== empty.id && id !== content.id)
    assert.deepEqual(
      links
        .filter(link => link.codec === 'dag-cbor')
        .map(link => link.id)
        .toSorted(),
      nodes.toSorted(),
    )
    assert.equal(links.filter(link => link.codec === 'raw').length, 200)
  })

  it('throws for what it can not read, or tells and goes on', () => {
    const writer = memoryObjects()
    const lost = buildDirectory(writer, [fileEntry('x', 5)]).link
    const root = buildDirectory(writer, [
      { ...directoryEntry('a', writer), size: 1, content: lost },
      fileEntry('z', 6),
    ]).link
    writer.objects.delete(lost.id)
    assert.throws(
      () => [...reachable(writer, root)],
      error => isSentientError(error, 'OBJECT_MISSING'),
    )
    const missing: Link[] = []
    const links = [...reachable(writer, root, { unreadable: link => missing.push(link) })]
    assert.deepEqual(missing, [lost])
    assert.ok(links.some(link => link.id === fileEntry('z', 6).content.id))
  })
})

describe('nodes that are not what they should be', () => {
  it('are an error that names them', () => {
    const writer = memoryObjects()
    const bad = writer.put('dag-cbor', 'node', Buffer.from('not a node'))
    assert.throws(
      () => findPath(writer, bad, 'a'),
      error => isSentientError(error, 'DAMAGED'),
    )
    const entry = { ...directoryEntry('a', writer), content: bad }
    const root = buildDirectory(writer, [entry]).link
    assert.throws(
      () => findPath(writer, root, 'a/b'),
      error => isSentientError(error, 'DAMAGED'),
    )
    assert.throws(
      () => buildDirectory(writer, [fileEntry('a'), fileEntry('a', 1)]),
      error => isSentientError(error, 'INTERNAL'),
      'a name twice',
    )
    assert.equal(decodeNode(writer.get(root)).kind, 'leaf')
  })
})

function isSeen(seen: Set<string>, { id }: Link): boolean {
  const before = seen.size
  return seen.add(id).size === before
}
