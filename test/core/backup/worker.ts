// A process of its own: one that works on a root folder and collects, or one that backs it up. Killed by the test.

import fs from 'node:fs'
import { isSentientError } from '../../../src/core/errors.ts'
import { createDiskHost } from '../../../src/core/host/disk.ts'
import { openSystem } from '../../../src/core/system.ts'
import { createSeededRandomness } from '../../support/host.ts'
import { noise, run, source } from '../verify/fixtures.ts'

const [, , what = '', rootPath = '', stateDirectoryPath = '', seed = '0', to = ''] = process.argv
const host = createDiskHost({ label: what, stateDirectoryPath })
const chance = createSeededRandomness(Number(seed))
const random = (below: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % below

async function work(): Promise<void> {
  const system = await openSystem(host, { rootPath, access: 'write' })
  fs.writeSync(1, 'ready\n')
  for (let turn = 0; ; turn++) {
    const name = `d${random(20)}/w${random(40)}`
    const size = random(20) === 0 ? 1_300_000 : random(20_000)
    await run(system.put(name, source(noise(size, turn + random(1000))), { parents: true }))
    if (turn % 15 === 14) {
      await run(system.snapshotCreate({ name: `s${turn}` }))
      const [oldest, next] = system.snapshots()
      if (next !== undefined && system.snapshots().length > 4) await run(system.snapshotRemove(oldest!.name))
    }
    if (turn % 40 === 39) {
      await run(system.gc())
      fs.writeSync(1, 'gc\n')
    }
  }
}

async function backUp(): Promise<void> {
  const system = await openSystem(host, { rootPath, access: 'read' })
  fs.writeSync(1, 'ready\n')
  const { records, bytes } = await run(system.backup(to))
  fs.writeSync(1, `done ${records} ${bytes}\n`)
  await system.close()
}

try {
  await (what === 'backup' ? backUp() : work())
} catch (error) {
  fs.writeSync(
    2,
    `${what}: ${isSentientError(error) ? `${error.code} ${error.message}` : String((error as Error).stack)}\n`,
  )
  process.exitCode = 1
}
