// Rolls a root folder back to its first snapshot and dies in the middle of putting it in place.
import { createDiskHost } from '../../src/core/host/disk.ts'
import { openSystem } from '../../src/core/system.ts'

const [, , rootPath = '', at = '1'] = process.argv
const system = await openSystem(createDiskHost({ label: 'rollback' }), { rootPath, access: 'write' })
const work = system.rollback(system.resolve('before'))
let applying = 0
for (;;) {
  const step = await work.next()
  if (step.done) break
  if (step.value.phase === 'applying' && ++applying >= Number(at)) process.kill(process.pid, 'SIGKILL')
}
await system.close()
