// Logs for tests: root folders with a key and a journal and nothing else, which can be copied and then part ways.

import assert from 'node:assert/strict'
import { exportTlog, type TlogOptions, type TlogReport } from '../../../src/core/export/tlog.ts'
import { encodeFormatFile } from '../../../src/core/format/formatFile.ts'
import { formatVerifierKey, type VerifierKey } from '../../../src/core/format/note.ts'
import type { Directory, Host } from '../../../src/core/host/host.ts'
import type { Journal } from '../../../src/core/journal/journal.ts'
import { createLogKey, type LogKeys, openLogKeys } from '../../../src/core/keys/keys.ts'
import { writeFile } from '../../support/host.ts'
import { append, logId, openTest, recordOf } from '../journal/fixtures.ts'

export interface TestLog {
  readonly path: string
  readonly directory: Directory
  readonly journal: Journal
  readonly key: VerifierKey
  readonly keyText: string
  /** So many records more, which differ from those of another `branch`; and a checkpoint of them. */
  grow(count: number, branch?: string): Promise<void>
  /** The signed checkpoint. */
  note(): Uint8Array
  /** As `export tlog` does it. */
  publish(path: string, more?: Partial<TlogOptions>): Promise<TlogReport>
  close(): void
}

/** A new log in a new directory below another one. */
export function makeLog(host: Host, name: string, below = '/', epoch = 0): TestLog {
  const top = host.files.openDirectory(below)!
  top.makeDirectory(name, 0o755)
  const directory = top.child(name)!
  for (const own of ['.runtime', '.auth']) directory.makeDirectory(own, 0o700)
  const format = { format: 1, requires: [], options: [], logId }
  writeFile(directory.child('.runtime')!, 'format', encodeFormatFile(format), 0o600)
  const keys = createLogKey(directory.child('.auth')!, { logId, epoch, random: host.random })
  return opened(host, directory, keys)
}

/** The log with a new key, as from now on. */
export function renewKey(host: Host, log: TestLog, epoch: number): TestLog {
  createLogKey(log.directory.child('.auth')!, { logId, epoch, random: host.random })
  return openLog(host, log.path)
}

/** The log as it lies at a path, as a copy of its directory has it. */
export function openLog(host: Host, path: string): TestLog {
  const directory = host.files.openDirectory(path)!
  return opened(host, directory, openLogKeys(directory.child('.auth')!, logId))
}

function opened(host: Host, directory: Directory, keys: LogKeys): TestLog {
  const journal = openTest({ host, directory })
  const key = keys.verifier()
  let grown = 0
  return {
    path: directory.path,
    directory,
    journal,
    key,
    keyText: formatVerifierKey(key),
    async grow(count, branch = '') {
      const records = Array.from({ length: count }, () => recordOf(`${branch}${journal.head().size}-${grown++}`))
      await append(journal, records)
      await journal.writerLock.hold('sign', undefined, () => journal.signCheckpoint(keys.signer()))
    },
    note() {
      const stored = journal.checkpoint()
      assert.ok(stored !== undefined)
      return stored.bytes
    },
    async publish(path, more = {}) {
      const work = exportTlog({ journal, files: host.files, clock: host.clock, verifier: key, path, ...more })
      for (;;) {
        const step = await work.next()
        if (step.done) return step.value
      }
    },
    close: () => journal.close(),
  }
}

/** What proofs are made of. */
export const ofLog = ({ journal, key }: TestLog) => ({ journal, keys: [key] })

/** Copies a directory with everything in it but locks, as `cp -a` does. */
export function copyDirectory(from: Directory, to: Directory): void {
  for (const { name, kind } of from.list()) {
    if (kind === 'dir') {
      to.makeDirectory(name, from.stat(name)!.mode)
      const [below, target] = [from.child(name)!, to.child(name)!]
      copyDirectory(below, target)
      below.close()
      target.close()
    } else if (name !== 'lock') {
      const file = from.open(name, 'read')
      const bytes = new Uint8Array(file.stat().size)
      file.read(bytes, 0, bytes.length, 0)
      file.close()
      writeFile(to, name, bytes, from.stat(name)!.mode)
    }
  }
}

export function copyLog(host: Host, from: TestLog, name: string): TestLog {
  const top = host.files.openDirectory('/')!
  top.makeDirectory(name, 0o755)
  copyDirectory(from.directory, top.child(name)!)
  return openLog(host, `/${name}`)
}
