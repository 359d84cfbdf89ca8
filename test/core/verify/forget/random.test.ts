// Any history, any path that is gone: what only it had can not be read in any state, what others have too still can, and
// everything else is as it was.

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { System } from '../../../../src/core/system.ts'
import type { StatePoint } from '../../../../src/core/timeline/model.ts'
import { assertClean, type Folder, makeFolder, put, run, verifyDeep } from '../fixtures.ts'

const folders = ['a', 'b', 'b/c']
const names = ['x', 'y', 'b']
const paths = folders.flatMap(folder => names.map(name => `${folder}/${name}`))
const contents = Array.from({ length: 6 }, (_, i) => `content number ${i} `.repeat(i === 5 ? 20_000 : 3))

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('put'), fc.constantFrom(...paths), fc.constantFrom(...contents)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('rm'), fc.constantFrom(...paths, ...folders), fc.constant('')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('cp'), fc.constantFrom(...paths), fc.constantFrom(...paths)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('drift'), fc.constantFrom(...paths), fc.constantFrom(...contents)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('back'), fc.constant(''), fc.constant('')) },
)

/** Does it, or not where it can not be done. */
async function tryTo(folder: Folder, system: System, [what, path, other]: readonly string[]): Promise<void> {
  try {
    if (what === 'put') await put(system, path ?? '', other ?? '')
    if (what === 'rm') await run(system.remove([path ?? ''], { recursive: true }))
    if (what === 'cp') await run(system.copy([path ?? ''], other ?? ''))
    if (what === 'drift') folder.write(path ?? '', other ?? '')
    if (what === 'back') await run(system.rollback(system.resolve(`#${Math.max(1, system.now().records - 4)}`)))
  } catch (error) {
    if (!(error instanceof Error && ['SentientError', 'Error'].includes(error.name))) throw error
  }
}

/** What a state has at a path: the content, or the code of the error. */
function contentIn(system: System, path: string, point: StatePoint): string | undefined {
  try {
    const file = system.openFile(path, point)
    if (file === undefined) return undefined
    const bytes = Buffer.alloc(file.size)
    for (let got = 0; got < bytes.length; ) got += file.read(bytes, got, bytes.length - got, got) || bytes.length
    return bytes.toString()
  } catch (error) {
    return (error as { code: string }).code
  }
}

function everything(system: System): Map<string, string> {
  const all = new Map<string, string>()
  for (let seq = 1; seq < system.now().records; seq++) {
    for (const path of paths) {
      const text = contentIn(system, path, system.resolve(`#${seq}`))
      if (text !== undefined) all.set(`${seq} ${path}`, text)
    }
  }
  return all
}

/** What other paths had that somebody wrote outside and an operation kept before it took its place. */
function keptElsewhere(system: System, target: string): string[] {
  const roots = [...system.records()].flatMap(({ fields }) => {
    const id = (fields.kept as { id?: StatePoint['root'] } | undefined)?.id
    return id === undefined ? [] : [id]
  })
  return roots.flatMap(root =>
    paths.flatMap(path => {
      const point = { root, seq: 0, time: 0, text: 'kept' }
      return isBelow(path, target) ? [] : (contentIn(system, path, point) ?? [])
    }),
  )
}

const isBelow = (path: string, target: string): boolean => path === target || path.startsWith(`${target}/`)

test('what only the path had is gone from all states, all else is as it was', { timeout: 300_000 }, async context => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 6, maxLength: 18 }),
      fc.constantFrom(...paths, ...folders),
      async (operations, target) => {
        const folder = await makeFolder(context, { 'a/x': contents[0] ?? '', kept: 'kept' })
        await folder.with(async system => {
          for (const one of operations) await tryTo(folder, system, one)
          await run(system.absorb([]))
          if (system.entry(target) !== undefined) await run(system.remove([target], { recursive: true }))
          const before = everything(system)
          const elsewhere = new Set([
            ...keptElsewhere(system, target),
            ...[...before].flatMap(([key, text]) => (isBelow(key.split(' ')[1] ?? '', target) ? [] : [text])),
          ])
          try {
            await run(system.forget([target]))
          } catch (error) {
            // It never was.
            assert.equal((error as { code?: string }).code, 'PATH_NOT_FOUND', String(error))
          }
          const after = everything(system)
          for (const [key, text] of before) {
            const isGone = isBelow(key.split(' ')[1] ?? '', target) && !elsewhere.has(text) && text !== 'IS_A_DIRECTORY'
            assert.equal(
              after.get(key)?.slice(0, 40),
              isGone ? 'FORGOTTEN' : text.slice(0, 40),
              `${key}, forgot ${target}`,
            )
          }
        })
        assertClean(await verifyDeep(folder))
      },
    ),
    { numRuns: 12 },
  )
})
