// The store on every host: the real disk, memory, and memory behind a host that could fail but does not.

import { createFailingHost } from '../../../src/core/host/failing.ts'
import { runStoreSuite } from '../../suites/storeSuite.ts'
import { createTestClock, createTestHost, makeTemporaryFolder } from '../../support/host.ts'

runStoreSuite('disk', () => {
  // Ages are told by the times of real files.
  const clock = createTestClock({ startMicros: Date.now() * 1000 })
  const { host, directory, remove } = makeTemporaryFolder({ clock })
  return { host, directory, remove, advance: clock.advance }
})

runStoreSuite('memory', () => {
  const host = createTestHost()
  const directory = host.files.openDirectory('/')!
  return { host, directory, remove: () => directory.close(), advance: host.clock.advance }
})

runStoreSuite('memory behind a host that can fail', () => {
  const inner = createTestHost()
  const host = createFailingHost(inner)
  const directory = host.files.openDirectory('/')!
  return { host, directory, remove: () => directory.close(), advance: inner.clock.advance }
})
