// Both verifiers on the same folders: the program's own, and the reader that was written from the text alone. What one
// calls damage the other does too, and both name the file that it is in.

import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { isSentientError } from '../../src/core/errors.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import type { Host } from '../../src/core/host/host.ts'
import { openSystem } from '../../src/core/system.ts'
import type { Finding } from '../../src/core/timeline/model.ts'

/** One bit of a file of a root folder. */
export interface Flip {
  readonly file: string
  readonly offset: number
  readonly bit: number
}

/** What a verifier says: of which kinds of truth something is damaged, or only worth a note. */
export interface Verdict {
  readonly damaged: ReadonlySet<string>
  readonly noted: ReadonlySet<string>
  readonly text: string
}

const classes: readonly (readonly [prefix: RegExp, kind: string])[] = [
  [/^\.runtime\/format/, 'format'],
  [/^\.runtime\/(?:journal|forgotten)/, 'journal'],
  [/^\.runtime\/marks/, 'marks'],
  [/^\.runtime\/checkpoint/, 'checkpoint'],
  [/^\.runtime\/tile/, 'tiles'],
  [/^\.auth/, 'keys'],
  [/^\.tree\/packs\/\d+\.idx/, 'indexes'],
  [/^\.tree\/packs/, 'packs'],
  [/^recycle\.lock/, 'recycle.lock'],
  [/^recycle\.trace/, 'recycle.trace'],
]

export function kindOfFile(where: string): string | undefined {
  return classes.find(([prefix]) => prefix.test(where))?.[1]
}

const kindsOfCodes: Readonly<Record<string, string>> = {
  'changes-untrue': 'changes',
  'body-untrue': 'journal',
  'node-not-canonical': 'objects',
  'object-missing': 'objects',
  'object-damaged': 'objects',
}

const kindOf = ({ code, where = '' }: Finding): string => kindsOfCodes[code] ?? kindOfFile(where) ?? code

/** Verification waits a moment before its second look; a test has nobody to wait for. */
function impatient(host: Host): Host {
  return { ...host, stateDirectory: host.stateDirectory, clock: { ...host.clock, sleep: () => Promise.resolve() } }
}

/** The program's own verdict. */
export async function ownVerdict(root: string, stateDirectoryPath: string): Promise<Verdict> {
  const host = impatient(createDiskHost({ label: 'agreement', stateDirectoryPath }))
  try {
    const system = await openSystem(host, { rootPath: root, access: 'read' })
    try {
      const work = system.verify({ deep: true })
      for (;;) {
        const step = await work.next()
        if (step.done !== true) continue
        const { findings } = step.value
        const of = (severity: Finding['severity']) => findings.filter(one => one.severity === severity).map(kindOf)
        return { damaged: new Set(of('damage')), noted: new Set(of('note')), text: JSON.stringify(findings) }
      }
    } finally {
      await system.close()
    }
  } catch (error) {
    if (!isSentientError(error)) throw error
    const where = error.details.where ?? ''
    const kind = kindOfFile(where.replace(root, '').replace(/^\//, '')) ?? (error.code === 'KEY' ? 'keys' : 'format')
    return { damaged: new Set([kind]), noted: new Set(), text: `${error.code} ${error.message} ${where}` }
  }
}

export interface Reader {
  /** The reader's verdict on the folder with this bit flipped, or as it is. */
  verdict(flip?: Flip): Promise<Verdict>
  close(): void
}

/** Keeps one process of the reader for many questions. */
export function openReader(root: string): Reader {
  const python = process.env.SENTIENT_TEST_PYTHON
  assert.ok(
    python,
    'SENTIENT_TEST_PYTHON is to name a python3 with the packages of tools/testSetup.ts: npm test sets it',
  )
  const child: ChildProcessWithoutNullStreams = spawn(python, [path.join(import.meta.dirname, 'corruptions.py'), root])
  child.stderr.pipe(process.stderr)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async verdict(flip) {
      child.stdin.write(`${JSON.stringify(flip ?? {})}\n`)
      const { value, done } = await lines.next()
      assert.equal(done, false, 'the reader ended')
      return readerVerdict(value as string)
    },
    close: () => child.stdin.end(),
  }
}

function readerVerdict(line: string): Verdict {
  const { damage, remarks } = JSON.parse(line) as { damage: [where: string, what: string][]; remarks: string[] }
  const kinds = damage.map(([where, what]) => {
    if (!/^(?:record|snapshot) /.test(where)) return kindOfFile(where) ?? where
    return /^it (?:does not say|says of|lists one|was denied)|ends before it is full/.test(what) ? 'changes' : 'objects'
  })
  const noted = remarks.flatMap(remark => kindOfFile(remark) ?? [])
  return { damaged: new Set(kinds), noted: new Set(noted), text: JSON.stringify(damage) }
}

/** Flips the bit for as long as the work takes. */
export async function flipped<T>(root: string, { file, offset, bit }: Flip, work: () => Promise<T>): Promise<T> {
  const name = path.join(root, file)
  const flip = (): void => {
    const handle = fs.openSync(name, 'r+')
    const byte = Buffer.alloc(1)
    fs.readSync(handle, byte, 0, 1, offset)
    fs.writeSync(handle, Buffer.from([byte.readUInt8() ^ (1 << bit)]), 0, 1, offset)
    fs.closeSync(handle)
  }
  flip()
  try {
    return await work()
  } finally {
    flip()
  }
}

/** Why two verdicts on a folder with a flipped bit are not what they should be; undefined when they are. */
export function disagreement(flip: Flip, own: Verdict, reader: Verdict): string | undefined {
  const kind = kindOfFile(flip.file) ?? flip.file
  const names = ({ damaged, noted }: Verdict): boolean => damaged.has(kind) || noted.has(kind)
  if (own.damaged.size > 0 !== reader.damaged.size > 0) return 'one calls it damage, the other does not'
  if (!names(own)) return `the program does not name ${kind}`
  if (!names(reader)) return `the reader does not name ${kind}`
  // Only what a write that was cut short leaves behind is no damage.
  if (own.damaged.size === 0 && kind !== 'marks') return 'nobody calls it damage'
  return undefined
}

const truthNames = /^(?:\.auth\/.*|\.runtime\/(?:format|marks|checkpoint|journal\/.*)|\.tree\/packs\/.*\.pack)$/

/** All files of truth of a root folder, with their sizes. */
export function truthOf(root: string): { readonly file: string; readonly bytes: number }[] {
  const names = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => truthNames.test(name))
  return names.sort().map(file => ({ file, bytes: fs.statSync(path.join(root, file)).size }))
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
