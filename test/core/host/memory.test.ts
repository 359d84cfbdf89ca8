// The memory host against the suite of all hosts.

import { runHostSuite } from '../../suites/hostSuite.ts'
import { createTestHost } from '../../support/host.ts'

runHostSuite('memory', () => {
  const host = createTestHost()
  const root = host.files.openDirectory('/')!
  root.makeDirectory('work', 0o755)
  const directory = root.child('work')!
  return {
    host,
    directory,
    makeFifo: name => host.disk.makeFifo(directory, name),
    makeHardLink: (name, newName) => host.disk.makeHardLink(directory, name, newName),
    makeReadOnly: () => {
      host.disk.setReadOnly(true)
      return () => host.disk.setReadOnly(false)
    },
    followsMoves: true,
    remove: () => directory.close(),
  }
})
