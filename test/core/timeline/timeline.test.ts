// The timeline on every host: the real disk, memory, and memory behind a host that could fail but does not.

import { createFailingHost } from '../../../src/core/host/failing.ts'
import { runTimelineSuite } from '../../suites/timelineSuite.ts'
import { createTestClock, createTestHost, makeTemporaryFolder } from '../../support/host.ts'

runTimelineSuite('disk', () => {
  const clock = createTestClock({ startMicros: Date.now() * 1000 })
  const { host, path, directory, remove } = makeTemporaryFolder({ clock })
  return { host, path, directory, remove, advance: clock.advance }
})

const inMemory = () => {
  const host = createTestHost({ stateDirectoryPath: '/state' })
  const top = host.files.openDirectory('/')!
  top.makeDirectory('folder', 0o755)
  const directory = top.child('folder')!
  top.close()
  return { host, path: '/folder', directory, remove: () => directory.close(), advance: host.clock.advance }
}

runTimelineSuite('memory', inMemory)

runTimelineSuite('memory behind a host that can fail', () => {
  const subject = inMemory()
  return { ...subject, host: createFailingHost(subject.host) }
})
