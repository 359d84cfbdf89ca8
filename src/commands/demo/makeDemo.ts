// Makes the demo root folder: real files, adopted, then a month of real operations with the clock set to when they are
// said to have happened, then changes made outside and one damaged object, so that every state can be seen.

import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import { isHostError } from '../../core/host/error.ts'
import type { ByteString, Clock, Directory, Host } from '../../core/host/host.ts'
import type { Progress } from '../../core/progress.ts'
import { type ByteSource, findRoot, initRoot, openSystem, type System } from '../../core/system.ts'
import { type DemoItem, demoItems, dnsmasq, fstab, nftables } from './content.ts'

const hour = 3_600_000_000
const day = 24 * hour

/** Makes the demo in a directory that exists and is empty; throws PATH_EXISTS or ROOT_EXISTS otherwise. */
export async function* makeDemo(
  host: Host,
  path: string,
): AsyncGenerator<Progress, { readonly path: string; readonly records: number }, void> {
  const root = host.files.openDirectory(path)
  if (root === undefined) throw new SentientError('PATH_NOT_FOUND', { where: path })
  try {
    const above = findRoot(host, path)
    if (above !== undefined) throw new SentientError('ROOT_EXISTS', { where: above })
    if (root.list().length > 0) {
      throw new SentientError('PATH_EXISTS', { what: 'The directory for the demo is not empty', where: path })
    }
    const now = host.clock.nowMicros()
    const clock = settableClock(host.clock)
    const pretending: Host = { ...host, clock, builtMicros: undefined, stateDirectory: host.stateDirectory }
    clock.set(now - 30 * day)
    yield* writeItems(root, demoItems(), BigInt(now - 31 * day) * 1000n)
    yield* initRoot(pretending, { path, zk: true })
    const system = await openSystem(pretending, { rootPath: path, access: 'write' })
    try {
      yield* liveThroughAMonth({ system, root, clock, now })
    } finally {
      await system.close()
    }
    clock.set(undefined)
    return yield* leaveTraces(host, root, path)
  } finally {
    root.close()
  }
}

interface SettableClock extends Clock {
  set(micros: number | undefined): void
}

/** Stands still at a time that is set, a millisecond later at each look; undefined lets the real time through. */
function settableClock(real: Clock): SettableClock {
  let at: number | undefined
  return {
    ...real,
    nowMicros() {
      if (at === undefined) return real.nowMicros()
      at += 1_000
      return at
    },
    set(micros) {
      at = micros
    },
  }
}

function* writeItems(root: Directory, items: readonly DemoItem[], mtimeNs: bigint): Generator<Progress> {
  for (const [i, item] of items.entries()) {
    const parts = item.path.split('/')
    const name = parts.pop() as string
    const parent = openOrMake(root, parts)
    try {
      writeItem(parent, name, item)
      if (item.kind === 'file') parent.setTimes(name, mtimeNs)
    } finally {
      parent.close()
    }
    if (i % 200 === 0) yield { phase: 'writing files', done: i, total: items.length, unit: 'files' }
  }
}

function openOrMake(root: Directory, parts: readonly ByteString[]): Directory {
  let directory = root.clone()
  for (const part of parts) {
    if (directory.stat(part) === undefined) directory.makeDirectory(part, 0o755)
    const next = directory.child(part) as Directory
    directory.close()
    directory = next
  }
  return directory
}

function writeItem(parent: Directory, name: ByteString, item: DemoItem): void {
  if (item.kind === 'symlink') parent.makeSymlink(name, item.target)
  else if (item.kind === 'dir') {
    if (parent.stat(name) === undefined) parent.makeDirectory(name, item.mode ?? 0o755)
  } else writeFile(parent, name, item.bytes, item.mode)
}

function writeFile(parent: Directory, name: ByteString, bytes: Uint8Array, mode = 0o644): void {
  if (parent.stat(name) !== undefined) parent.removeFile(name)
  const file = parent.open(name, 'create', mode)
  try {
    file.write(bytes, 0)
  } finally {
    file.close()
  }
}

interface Life {
  readonly system: System
  readonly root: Directory
  readonly clock: SettableClock
  readonly now: number
}

const source = (content: string | Uint8Array): ByteSource => {
  const bytes = Buffer.from(content)
  return {
    size: bytes.length,
    read(target, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
  }
}

/** An edit by some other program. */
function edit(root: Directory, path: ByteString, content: string | Uint8Array | undefined, mode?: number): void {
  const parts = path.split('/')
  const name = parts.pop() as string
  const parent = openOrMake(root, parts)
  try {
    if (content === undefined) parent.removeFile(name)
    else writeFile(parent, name, Buffer.from(content), mode)
  } finally {
    parent.close()
  }
}

/** About sixty records, six snapshots of the owner's, days apart. */
async function* liveThroughAMonth({ system, root, clock, now }: Life): AsyncGenerator<Progress, void, void> {
  const at = (daysAgo: number, hours = 0) => clock.set(now - daysAgo * day + hours * hour)
  at(28)
  yield* system.snapshotCreate({ label: 'fresh from the shop', name: 'factory' })
  yield* system.snapshotPin('factory', true)
  at(27)
  yield* system.put(
    'etc/config/wireless.json',
    source('{\n  "radio": 0,\n  "channel": 44,\n  "width": 80,\n  "ssid": "attic"\n}\n'),
  )
  yield* system.put('etc/config/guests.json', source('{ "ssid": "guests", "isolate": true }\n'))
  at(26)
  yield* system.setMode(['etc/config/wireless.json'], () => 0o600)
  yield* system.makeDirectory('home/owner/projects/weather', { parents: true })
  yield* system.put('home/owner/projects/weather/plan.md', source('# Weather\n\n- buy a sensor\n- find a pole\n'))
  yield* system.put('home/owner/projects/weather/parts.txt', source('sensor\npole\ncable\n'))
  at(24)
  yield* system.put('etc/dnsmasq.conf', source(dnsmasq.replace('cache-size=1000', 'cache-size=2000')))
  yield* system.snapshotCreate({ label: 'weather station planned' })
  for (let i = 1; i <= 6; i++) {
    at(23 - 2 * i, 2)
    yield* system.put(
      'home/owner/projects/weather/log.csv',
      source(Array.from({ length: i * 4 }, (_, row) => `${row},${(row * 37) % 50}\n`).join('')),
    )
  }
  at(11, 4)
  edit(root, 'etc/hosts', '127.0.0.1 localhost\n192.0.2.1 gateway gateway.lan\n192.0.2.20 printer\n192.0.2.21 camera\n')
  edit(
    root,
    'app/gateway/settings.json',
    '{\n  "port": 8080,\n  "workers": 4,\n  "log": "info",\n  "features": { "meter": true, "camera": true }\n}\n',
  )
  yield* system.absorb([])
  yield* system.move(['home/owner/projects/weather/parts.txt'], 'home/owner/projects/weather/bought.txt')
  yield* system.copy(['etc/nftables.conf'], 'etc/nftables.conf.old')
  at(10)
  yield* system.put('etc/nftables.conf', source(nftables.replace('{ 22, 53, 80 }', '{ 22, 53, 80, 8080 }')), {
    mode: 0o755,
  })
  yield* system.snapshotCreate({ label: 'camera works' })
  at(9)
  yield* system.remove(['usr/share/doc'], { recursive: true })
  yield* system.undo()
  yield* system.remove(['app/dashboard/locale/zh.json'])
  at(8)
  for (const name of ['monday', 'friday', 'winter', 'summer']) {
    yield* system.put(
      `home/owner/letters/${name}.md`,
      source(`# ${name}\n\nDear neighbour, the ${name} party is on.\n`),
    )
  }
  yield* system.move(['home/owner/letters/monday.md', 'home/owner/letters/friday.md'], 'home/owner/inbox')
  at(7)
  yield* system.snapshotCreate({ label: 'before the update' })
  yield* brokenUpdate(system, root)
  at(6)
  yield* system.rollback(system.resolve('before the update'))
  at(5)
  yield* system.makeSymlink('usr/bin/wake', '../../app/gateway/wake.sh')
  yield* system.put(
    'etc/crontabs/root',
    source('*/5 * * * * /usr/bin/probe-uplink\n10 3 * * * /usr/bin/rotate-logs\n0 4 * * 0 /usr/bin/report\n'),
  )
  yield* system.put('usr/bin/report', source('#!/bin/sh\nuptime | mail owner\n'), { mode: 0o755 })
  yield* logsKept(system, root, at)
  at(2)
  yield* system.restore(['etc/dnsmasq.conf'], system.resolve('factory'))
  yield* system.put('etc/fstab', source(fstab.replace('size=64M', 'size=128M')))
  yield* system.snapshotCreate({ label: 'a quiet Friday' })
  at(1, 10)
  yield* system.put(
    'etc/sysctl.conf',
    source('net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nkernel.panic = 5\nvm.swappiness = 10\n'),
  )
  yield* system.remove(['etc/nftables.conf.old'])
  yield* system.snapshotCreate({ label: 'last known good' })
}

/** An update that was no good. */
async function* brokenUpdate(system: System, root: Directory): AsyncGenerator<Progress, void, void> {
  for (const name of ['S10gateway', 'S15uplink', 'S20lease', 'S25router']) {
    edit(root, `etc/init.d/${name}`, `#!/bin/sh\n# version 2\nexec /usr/sbin/${name.slice(3)}d2\n`, 0o755)
  }
  edit(root, 'etc/hostname', 'OpenGate\n')
  yield* system.absorb([])
  yield* system.put('app/gateway/rules.js', source('export const rules = []\n'))
}

/** What the watcher kept over some days. */
async function* logsKept(
  system: System,
  root: Directory,
  at: (daysAgo: number, hours?: number) => void,
): AsyncGenerator<Progress, void, void> {
  for (let i = 0; i < 8; i++) {
    at(4, i / 12)
    edit(root, 'app/meter/state.json', `{ "last": ${i * 300}, "errors": ${i % 3} }\n`)
    yield* system.absorb(['app/meter/state.json'])
  }
}

/** Changes made outside, and a bit that fell over: what the first look at the demo shows. */
async function* leaveTraces(
  host: Host,
  root: Directory,
  path: string,
): AsyncGenerator<Progress, { readonly path: string; readonly records: number }, void> {
  const shadow = readFile(root, 'etc/shadow')
  edit(root, 'etc/dnsmasq.conf', dnsmasq.replace('server=9.9.9.9', 'server=185.43.4.1'))
  edit(root, 'etc/dropbear.key', undefined)
  edit(root, 'etc/resolv.new', 'nameserver 185.43.4.1\n')
  edit(root, 'etc/crontabs/root', '*/5 * * * * /usr/bin/probe-uplink\n* * * * * /tmp/.x\n', 0o600)
  flipStoredByte(root, shadow)
  const system = await openSystem(host, { rootPath: path, access: 'write' })
  try {
    yield* system.verify({ deep: true })
    return { path, records: system.now().records }
  } finally {
    await system.close()
  }
}

function readFile(root: Directory, path: ByteString): Uint8Array {
  const parts = path.split('/')
  const name = parts.pop() as string
  const parent = openOrMake(root, parts)
  const file = parent.open(name, 'read')
  try {
    const bytes = new Uint8Array(file.stat().size)
    file.read(bytes, 0, bytes.length, 0)
    return bytes
  } finally {
    file.close()
    parent.close()
  }
}

/** Finds content that was stored as it is (it does not compress) in a pack, and changes one bit of it. */
function flipStoredByte(root: Directory, content: Uint8Array): void {
  const packs = openOrMake(root, ['.tree', 'packs'])
  try {
    for (const { name } of packs.list()) {
      if (!name.endsWith('.pack')) continue
      const file = packs.open(name, 'modify')
      try {
        const bytes = Buffer.alloc(file.stat().size)
        file.read(bytes, 0, bytes.length, 0)
        const at = bytes.indexOf(content)
        if (at < 0) continue
        file.write(Uint8Array.of(bytes[at + 100] ^ 1), at + 100)
        return
      } finally {
        file.close()
      }
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  } finally {
    packs.close()
  }
  throw new SentientError('INTERNAL', { what: 'The object to damage was not found', where: displayBytes('etc/shadow') })
}
