// The journal's suite on the real disk, in memory, and through a host that could fail but does not.

import { createFailingHost } from '../../../src/core/host/failing.ts'
import { type JournalSubject, runJournalSuite } from '../../suites/journalSuite.ts'
import { createTestHost, makeTemporaryFolder } from '../../support/host.ts'

runJournalSuite('disk', makeTemporaryFolder)

runJournalSuite('memory', (): JournalSubject => {
  const host = createTestHost()
  return { host, directory: host.files.openDirectory('/')!, remove: () => host.exit() }
})

runJournalSuite('failing host', (): JournalSubject => {
  const inner = createTestHost()
  const host = createFailingHost(inner)
  return { host, directory: host.files.openDirectory('/')!, remove: () => inner.exit() }
})
