// A few random histories against the model; test/crash/ runs hundreds.

import { it } from 'node:test'
import fc from 'fast-check'
import { createTestHost } from '../../support/host.ts'
import { anyStep, runHistory } from './randomHistory.ts'
import type { TimelineSubject } from './support.ts'

export function inMemory(): TimelineSubject {
  const host = createTestHost({ stateDirectoryPath: '/state' })
  const top = host.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  top.close()
  return { host, path: '/folder', directory, remove: () => directory.close(), advance: host.clock.advance }
}

it('random histories come to what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 40 }), history => runHistory(inMemory, history)),
    { numRuns: Number(process.env.RUNS ?? 20) },
  )
})
