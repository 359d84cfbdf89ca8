// The same tree by whatever order of changes, in whatever portions, with detours: one root, which is also that of a folder
// that was there as a whole when it was adopted.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Directory } from '../../../src/core/host/host.ts'
import { initRoot, openSystem } from '../../../src/core/system.ts'
import {
  buildTree,
  createSeededRandomness,
  file,
  makeTemporaryFolder,
  nativeUnderTest,
  symlink,
  type Tree,
} from '../../support/host.ts'
import { isMine, thoroughness, tried } from '../../support/thorough.ts'
import { editOutside, finished, inMemory, makeRoot, sourceOf } from './support.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}: SENTIENT_TEST_SEED=${seed} draws the same again`)

const orders = thoroughness === 1 ? 6 : 1_000

/** More than one directory node holds, and names that lie close together. */
const paths = [
  ...Array.from({ length: 90 }, (_, i) => `many/f${i}`),
  ...Array.from({ length: 12 }, (_, i) => `d/${'e/'.repeat(i % 4)}n${i}`),
  ...['a', 'b', 'a.b', 'a-', '\xe9', 'Z'],
]
const contentOf = (path: string): string => `content of ${path}`

/** Makes them as other programs do, with the directories that they need. */
function makeOutside(directory: Directory, portion: readonly string[]): void {
  for (const path of portion) {
    if (path === 'link') editOutside(directory, { link: symlink('a') })
    else if (path === 'empty') editOutside(directory, { empty: {} })
    else {
      const parts = path.split('/')
      const name = parts.pop() as string
      const leaf: Tree = { [name]: file(contentOf(path), 0o644) }
      buildTree(
        directory,
        parts.reduceRight<Tree>((below, part) => ({ [part]: below }), leaf),
      )
    }
  }
}

/** Reaches the tree in an order and in portions that the seed chooses; some paths are made, changed and removed first. */
async function reach(number: number): Promise<string> {
  const chance = createSeededRandomness(seed + number)
  const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below
  const subject = inMemory()
  const system = await makeRoot(subject, {})
  try {
    const left = shuffled([...paths, 'link', 'empty'], random)
    const detours = Array.from({ length: random(8) }, () => paths[random(paths.length)] as string)
    for (const path of detours) await finished(system.put(path, sourceOf(`not yet ${random(3)}`), { parents: true }))
    for (const path of detours.slice(0, random(detours.length + 1))) {
      if (system.entry(path) !== undefined) await finished(system.remove([path]))
    }
    while (left.length > 0) {
      const portion = left.splice(0, 1 + random(40))
      if (random(3) === 0 && portion.length < 6) {
        for (const path of portion) {
          if (path === 'link') await finished(system.makeSymlink('link', 'a'))
          else if (path === 'empty') await finished(system.makeDirectory('empty', { mode: 0o755 }))
          else await finished(system.put(path, sourceOf(contentOf(path)), { parents: true, mode: 0o644 }))
        }
      } else {
        makeOutside(subject.directory, portion)
        await finished(system.absorb([]))
      }
    }
    return filesOf(system)
  } finally {
    await system.close()
    subject.remove()
  }
}

function shuffled<T>(items: T[], random: (below: number) => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random(i + 1)
    ;[items[i], items[j]] = [items[j] as T, items[i] as T]
  }
  return items
}

/** The state's root: the settings are the same in all of them. */
const filesOf = (system: { now(): { readonly root: string } }): string => system.now().root

it(`${orders} orders of changes come to one root`, async () => {
  const folder = makeTemporaryFolder({ native: nativeUnderTest() })
  try {
    makeOutside(folder.directory, [...paths, 'link', 'empty'])
    await finished(initRoot(folder.host, { path: folder.path, zk: true }))
    const system = await openSystem(folder.host, { rootPath: folder.path, access: 'read' })
    const expected = filesOf(system)
    await system.close()
    for (let number = 1; number <= orders; number++) {
      if (!isMine(number)) continue
      assert.equal(await reach(number), expected, `order ${number} of seed ${seed}`)
      tried('orders of changes')
    }
  } finally {
    folder.remove()
  }
})
