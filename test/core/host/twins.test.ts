// The memory host is a twin of the disk: any sequence of calls returns the same, fails with the same codes and leaves
// the same tree on both.

import assert from 'node:assert/strict'
import { linkSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isHostError } from '../../../src/core/host/error.ts'
import type { ByteString, Directory, FileStat, OpenFile, OpenMode } from '../../../src/core/host/host.ts'
import { buildTree, createTestHost, describeTree, makeTemporaryFolder, onDisk, symlink } from '../../support/host.ts'

interface Twin {
  readonly root: Directory
  readonly files: OpenFile[]
  readonly directories: Directory[]
  link(name: ByteString, newName: ByteString): void
}

/** One call on one twin; returns what can be compared. */
type Step = (twin: Twin) => unknown

interface NamedStep {
  readonly what: string
  readonly step: Step
}

const names = ['a', 'b', 'c', '\xff'] as const
const name = fc.constantFrom(...names)
const path = fc.array(name, { maxLength: 2 })
// The memory host forbids nothing, so neither must these; a write by others than root takes setuid away.
const mode = fc.constantFrom(0o700, 0o755, 0o777, 0o711)
const index = fc.nat(20)
const position = fc.nat(20)

function at<T>(twin: Twin, walk: readonly ByteString[], body: (directory: Directory) => T): T | 'nowhere' {
  const below = (directory: Directory, [part, ...rest]: readonly ByteString[]): T | 'nowhere' => {
    if (part === undefined) return body(directory)
    const child = directory.child(part)
    if (child === undefined) return 'nowhere'
    try {
      return below(child, rest)
    } finally {
      child.close()
    }
  }
  return below(twin.root, walk)
}

function fileOf(twin: Twin, i: number): OpenFile | undefined {
  return twin.files[i % twin.files.length]
}

function directoryOf(twin: Twin, i: number): Directory | undefined {
  return twin.directories[i % twin.directories.length]
}

function comparable(stat: FileStat | undefined): unknown {
  if (stat === undefined) return undefined
  const { kind, mode, size, links } = stat
  // How file systems count and measure directories is their own affair.
  return kind === 'dir' ? { kind, mode } : { kind, mode, size, links }
}

const steps: fc.Arbitrary<NamedStep> = fc.oneof<fc.MaybeWeightedArbitrary<NamedStep>[]>(
  fc.tuple(path, name, mode).map(([to, n, m]) => named('makeDirectory', to, n, d => d.makeDirectory(n, m))),
  fc.tuple(path, name, name).map(([to, n, target]) => named('makeSymlink', to, n, d => d.makeSymlink(n, target))),
  fc.tuple(path, name).map(([to, n]) => named('removeFile', to, n, d => d.removeFile(n))),
  fc.tuple(path, name).map(([to, n]) => named('removeDirectory', to, n, d => d.removeDirectory(n))),
  fc.tuple(path, name).map(([to, n]) => named('stat', to, n, d => comparable(d.stat(n)))),
  fc.tuple(path, name).map(([to, n]) => named('readLink', to, n, d => d.readLink(n))),
  fc.tuple(path, name, mode).map(([to, n, m]) => named('setMode', to, n, d => d.setMode(n, m))),
  fc.tuple(path, name, path, name).map(([from, n, to, toName]) => ({
    what: `rename ${from.join('/')} ${n} ${to.join('/')} ${toName}`,
    step: twin => at(twin, from, d => at(twin, to, target => d.rename(n, target, toName))),
  })),
  fc
    .tuple(path, name, fc.constantFrom<OpenMode>('create', 'create', 'modify', 'read'), mode)
    .map(([to, n, how, m]) => named(how, to, n, (d, twin) => void twin.files.push(d.open(n, how, m)))),
  fc.tuple(name, name).map(([n, toName]) => ({ what: `link ${n} ${toName}`, step: twin => twin.link(n, toName) })),
  fc.tuple(path, name).map(([to, n]) =>
    named('keep', to, n, (d, twin) => {
      const child = d.child(n)
      if (child !== undefined) twin.directories.push(child)
      return child !== undefined
    }),
  ),
  fc.tuple(index, name).map(([i, n]) => ({
    what: `kept ${i} makeSymlink ${n}`,
    step: twin => directoryOf(twin, i)?.makeSymlink(n, 'x'),
  })),
  fc.tuple(index).map(([i]) => ({
    what: `kept ${i} list`,
    step: twin =>
      directoryOf(twin, i)
        ?.list()
        .map(listed => `${listed.name} ${listed.kind}`)
        .sort(),
  })),
  fc.tuple(index, position, position).map(([i, length, to]) => ({
    what: `write ${i} ${length} ${to}`,
    step: twin => fileOf(twin, i)?.write(new Uint8Array(length).fill(0x30 + length), to),
  })),
  fc.tuple(index, position, position).map(([i, length, from]) => ({
    what: `read ${i} ${length} ${from}`,
    step: twin => {
      const target = new Uint8Array(length)
      return [fileOf(twin, i)?.read(target, 0, length, from), Buffer.from(target).toString('latin1')]
    },
  })),
  fc.tuple(index, position).map(([i, size]) => ({
    what: `truncate ${i} ${size}`,
    step: twin => fileOf(twin, i)?.truncate(size),
  })),
  fc.tuple(index).map(([i]) => ({ what: `fstat ${i}`, step: twin => comparable(fileOf(twin, i)?.stat()) })),
  fc.tuple(index).map(([i]) => ({ what: `close ${i}`, step: twin => fileOf(twin, i)?.close() })),
)

function named(
  call: string,
  to: readonly ByteString[],
  n: ByteString,
  body: (directory: Directory, twin: Twin) => unknown,
): NamedStep {
  return { what: `${call} ${to.join('/')} ${n}`, step: twin => at(twin, to, directory => body(directory, twin)) }
}

function outcome(step: Step, twin: Twin): unknown {
  try {
    return { value: step(twin) }
  } catch (error) {
    if (isHostError(error)) return { code: error.code }
    throw error
  }
}

function withTwins(body: (disk: Twin, memory: Twin) => void): void {
  const folder = makeTemporaryFolder({}, onDisk())
  const host = createTestHost()
  const root = host.files.openDirectory('/')!
  const disk: Twin = {
    root: folder.directory,
    files: [],
    directories: [],
    link: (n, newName) =>
      linkFile(folder.directory, n, newName, () => linkSync(pathOf(folder.path, n), pathOf(folder.path, newName))),
  }
  const memory: Twin = {
    root,
    files: [],
    directories: [],
    link: (n, newName) => linkFile(root, n, newName, () => host.disk.makeHardLink(root, n, newName)),
  }
  try {
    for (const { root: top } of [disk, memory]) {
      buildTree(top, { a: { a: {}, b: 'x', c: symlink('b') }, b: { c: { a: '' } }, c: 'y', '\xff': {} })
    }
    body(disk, memory)
  } finally {
    for (const handle of [...disk.files, ...disk.directories]) handle.close()
    folder.remove()
  }
}

function pathOf(folder: string, n: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(n, 'latin1')])
}

// Only where it can work: the port has no call for it, so its errors need no comparing.
function linkFile(root: Directory, n: ByteString, newName: ByteString, make: () => void): void {
  if (root.stat(n)?.kind === 'file' && root.stat(newName) === undefined) make()
}

describe('memory and disk', () => {
  it('answer any sequence of calls alike', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 120, minLength: 40, size: 'max' }), sequence =>
        withTwins((disk, memory) => {
          for (const { what, step } of sequence) {
            assert.deepEqual(outcome(step, memory), outcome(step, disk), `memory differs from the disk in: ${what}`)
          }
          assert.deepEqual(describeTree(memory.root), describeTree(disk.root))
        }),
      ),
      { numRuns: 150 },
    )
  })
})
