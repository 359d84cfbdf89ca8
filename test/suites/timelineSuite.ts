// The contract of the timeline, run on every host: disk, memory, and memory behind a host that can fail. What each part
// of `System` promises about operations, going back, snapshots and looking stands in the files beside this one.

import { afterEach, beforeEach, describe } from 'node:test'
import type { System } from '../../src/core/system.ts'
import { makeRoot, openRoot, type TimelineSubject } from '../core/timeline/support.ts'
import type { Tree } from '../support/host.ts'
import { lookTests } from './timelineLookTests.ts'
import { operationTests } from './timelineOperationTests.ts'
import { restoreTests } from './timelineRestoreTests.ts'
import { snapshotTests } from './timelineSnapshotTests.ts'

/** What a test works with: a subject of its own, and the systems it opened, closed behind it. */
export interface TimelineBench {
  readonly subject: TimelineSubject
  make(tree?: Tree, options?: Parameters<typeof openRoot>[1]): Promise<System>
  /** Another process, as far as the folder can tell. */
  open(options?: Parameters<typeof openRoot>[1]): Promise<System>
}

export function runTimelineSuite(name: string, makeSubject: () => TimelineSubject): void {
  describe(`timeline on ${name}`, () => {
    let subject: TimelineSubject
    const opened: System[] = []
    const bench: TimelineBench = {
      get subject() {
        return subject
      },
      async make(tree, options) {
        const system = await makeRoot(subject, tree, options)
        opened.push(system)
        return system
      },
      async open(options) {
        const system = await openRoot(subject, options)
        opened.push(system)
        return system
      },
    }
    beforeEach(() => {
      subject = makeSubject()
    })
    afterEach(async () => {
      for (const system of opened.splice(0)) await system.close()
      subject.remove()
    })
    operationTests(bench)
    restoreTests(bench)
    snapshotTests(bench)
    lookTests(bench)
  })
}
