// The timeline on every host: the real disk, memory, and memory behind a host that could fail but does not.

import { createFailingHost } from '../../../src/core/host/failing.ts'
import { runTimelineSuite } from '../../suites/timelineSuite.ts'
import { inMemory, onDisk } from './support.ts'

runTimelineSuite('disk', onDisk)

runTimelineSuite('memory', inMemory)

runTimelineSuite('memory behind a host that can fail', () => {
  const subject = inMemory()
  return { ...subject, host: createFailingHost(subject.host) }
})
