// A process of its own for the lock tests: `try` takes the lock once and says whether it got it; `hold` takes it and
// keeps it until it is killed or its input ends; `count` adds to a number in a file under the lock, again and again.

import { createDiskHost } from '../../../src/core/host/disk.ts'
import { readText, writeFile } from '../../support/host.ts'

const [, , how, path = '', times = '0'] = process.argv
const host = createDiskHost({ label: 'lock test' })
const directory = host.files.openDirectory(path)
if (directory === undefined) throw new Error(`${path} is missing`)
const lock = host.locks.open(directory, 'lock')

if (how === 'count') {
  for (let done = 0; done < Number(times); ) {
    if (!lock.tryAcquire()) {
      await host.clock.sleep(1)
      continue
    }
    // Read, look away, write: two at once would lose a step.
    const before = Number(readText(directory, 'counter'))
    await host.clock.sleep(0)
    writeFile(directory, 'counter', String(before + 1))
    lock.release()
    done += 1
  }
} else {
  process.stdout.write(lock.tryAcquire() ? 'locked\n' : 'busy\n')
  if (how === 'hold') {
    process.stdin.resume()
    await new Promise(resolve => process.stdin.on('end', resolve))
  }
}
lock.close()
