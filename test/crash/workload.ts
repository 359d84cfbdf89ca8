// A writer that is killed by its parent: does one random operation after the other on a root folder and says on its
// output what it is about to edit outside and which record was acknowledged.
import fs from 'node:fs'
import path from 'node:path'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { type ByteSource, openSystem, type System } from '../../src/core/system.ts'
import type { OperationResult, Work } from '../../src/core/timeline/model.ts'
import { createSeededRandomness } from '../support/host.ts'

const [, , rootPath = '', seed = '0', name = 'w'] = process.argv
const random = createSeededRandomness(Number(seed))
const below = (limit: number): number => {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return ((a << 16) | (b << 8) | c) % limit
}

const say = (line: string): void => void fs.writeSync(1, `${line}\n`)

async function end<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

function source(length: number): ByteSource {
  const bytes = Buffer.from(random.bytes(Math.min(length, 64)))
    .toString('hex')
    .repeat(Math.ceil(length / 64))
    .slice(0, length)
  const buffer = Buffer.from(bytes)
  return {
    size: buffer.length,
    read(target, offset, count, position) {
      const part = buffer.subarray(position, position + count)
      target.set(part, offset)
      return part.length
    },
  }
}

const somePath = (): string => `${name}/d${below(4)}/f${below(12)}`

function editOutside(): string {
  const edited = somePath()
  say(`edit ${edited}`)
  fs.mkdirSync(path.join(rootPath, path.dirname(edited)), { recursive: true })
  fs.writeFileSync(path.join(rootPath, edited), Buffer.from(random.bytes(200 + below(3000))))
  return edited
}

type Operation = (system: System) => Promise<OperationResult | undefined>

const operations: readonly Operation[] = [
  system => end(system.put(somePath(), source(1 + below(5_000)))),
  system => end(system.put(somePath(), source(1 + below(5_000)))),
  system => end(system.put(somePath(), source(1_200_000 + below(400_000)))),
  system => end(system.remove([somePath()], { recursive: true })),
  system => end(system.move([somePath()], `${name}/moved${below(20)}`, { force: true })),
  system => end(system.setMode([somePath()], mode => mode ^ 0o100)),
  async system => {
    const edited = editOutside()
    return end(system.absorb([edited]))
  },
  async system => {
    editOutside()
    return end(system.rollback(system.resolve(`#${Math.max(1, system.now().records - 1 - below(12))}`)))
  },
  system => end(system.undo()),
  system => end(system.snapshotCreate({})),
]

const system = await openSystem(createDiskHost({ label: `workload ${name}` }), { rootPath, access: 'write' })
say('ready')
for (;;) {
  const operation = operations[below(operations.length)] as Operation
  try {
    const done = await operation(system)
    if (done !== undefined && done.seq >= 0) say(`ack ${done.seq}`)
  } catch (error) {
    // A path that is not there, nothing to undo: the workload does not look before it asks. Damage is another matter.
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (/^(?:DAMAGED|OBJECT_MISSING|INTERNAL|IO)$/.test(code) || !/^[A-Z_]+$/.test(code)) say(`error ${code} ${error}`)
  }
}
