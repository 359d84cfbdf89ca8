// Damage to a root folder: one of its files changed, cut, removed, or put in the place of another.

import fs from 'node:fs'
import path from 'node:path'
import { type Folder, filesBelow, noise } from '../core/verify/fixtures.ts'
import type { Roll } from './mutations.ts'

const shared = ['.auth', '.runtime/journal', '.runtime/tile', '.tree/packs']
const single = ['.runtime/checkpoint', '.runtime/format', '.runtime/marks', 'recycle.lock', 'recycle.trace']

export function files(folder: Folder): string[] {
  const below = shared.flatMap(name =>
    fs.existsSync(folder.at(name)) ? filesBelow(folder.at(name)).map(file => path.join(name, file)) : [],
  )
  return [...below, ...single].filter(name => fs.existsSync(folder.at(name)))
}

const spoil: Readonly<Record<string, (bytes: Buffer, roll: Roll) => Buffer | undefined>> = {
  'one bit': (bytes, roll) => {
    const at = roll(bytes.length)
    bytes[at] = bytes[at]! ^ (1 << roll(8))
    return bytes
  },
  'a few bytes': (bytes, roll) => {
    const at = roll(bytes.length)
    for (let i = at; i < Math.min(bytes.length, at + 1 + roll(40)); i++) bytes[i] = roll(256)
    return bytes
  },
  'a page of zeros': (bytes, roll) => bytes.fill(0, roll(bytes.length), roll(bytes.length)),
  'cut short': (bytes, roll) => bytes.subarray(0, roll(bytes.length)),
  longer: (bytes, roll) => Buffer.concat([bytes, noise(1 + roll(300), roll(1000))]),
  'a piece gone': (bytes, roll) => {
    const at = roll(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + roll(100))])
  },
  'a piece twice': (bytes, roll) => {
    const at = roll(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - roll(500)))])
  },
  gone: () => undefined,
}

export interface Done {
  readonly what: string
  readonly undo: () => void
}

/** Does something to one file; gives back what it was and how to undo it. */
export function damage(folder: Folder, roll: Roll, among: readonly string[] = files(folder)): Done {
  const name = among[roll(among.length)]!
  const kinds = Object.keys(spoil)
  const kind = kinds[roll(kinds.length)]!
  const good = folder.read(name)
  const bad = spoil[kind]!(Buffer.from(good), roll)
  if (bad === undefined) fs.rmSync(folder.at(name))
  else fs.writeFileSync(folder.at(name), bad)
  const mode = fs.statSync(folder.at('.runtime/format'), { throwIfNoEntry: false })?.mode ?? 0o600
  return {
    what: `${kind} in ${name}`,
    undo: () => fs.writeFileSync(folder.at(name), good, { mode }),
  }
}
