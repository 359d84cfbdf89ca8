// A witness and a forked copy: a root folder is copied, both go on and are signed by the one key that both have. The
// witness cosigns one and refuses the other, and what it keeps of that convinces a program that knows nothing of ours.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodeFormatFile } from '../../src/core/format/formatFile.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { openJournal } from '../../src/core/journal/journal.ts'
import { openLogKeys } from '../../src/core/keys/keys.ts'
import { run as runInProcess } from '../cli/runner.ts'
import { noPack, recordOf } from '../core/journal/fixtures.ts'
import { assertAccepts, assertRefuses, openWorkshop, type Ran, withEachFlip } from './workshop.ts'

interface Look {
  readonly state: string
  readonly size: number
  readonly file?: string
  readonly evidence?: string
}

const workshop = openWorkshop()
const { at, run, sentctl } = workshop
after(() => workshop.remove())

const looksIn = ({ stdout }: Pick<Ran, 'stdout'>): Look[] =>
  stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Look)

/** One run of the witness in a folder of its own: what it saw, and its exit code. */
function witness(places: readonly string[], more: readonly string[] = []): { looks: Look[]; exitCode: number | null } {
  const ran = run('.', ['witness', ...places, '--state', 'witness', '--json', ...more])
  return { looks: looksIn(ran), exitCode: ran.exitCode }
}

/**
 * Appends records to a root folder and signs them, as whoever has the key and a program of his own can: sentctl itself
 * signs for no copy that it knows to be one.
 */
async function forge(name: string, count: number): Promise<void> {
  const host = createDiskHost({ label: 'forger' })
  const root = host.files.openDirectory(at(name))!
  const runtime = root.child('.runtime')!
  const { logId } = decodeFormatFile(fs.readFileSync(at(name, '.runtime/format')))
  const { clock, random, processes, locks } = host
  const journal = openJournal({ directory: runtime, clock, random, processes, locks, access: 'write', logId })
  const { root: state } = journal.head()
  const records = Array.from({ length: count }, (_, i) => ({ ...recordOf(`forged ${i}`), root: state! }))
  await journal.writerLock.hold('forge', undefined, () => {
    journal.append(records, noPack)
    journal.signCheckpoint(openLogKeys(root.child('.auth')!, logId).signer())
  })
  journal.close()
}

function grow(name: string, count: number): void {
  sentctl(name, ['mkdir', ...Array.from({ length: count }, (_, i) => `d${Date.now()}-${i}`)])
}

function size(name: string): number {
  return Number(fs.readFileSync(at(name, '.runtime/checkpoint'), 'utf8').split('\n')[1])
}

/** The evidence convinces Go, and our own verb; with any byte changed it convinces nobody. */
function assertEvidence(file: string, key: string): void {
  assertAccepts(/^fork: .* both signed by sentientos\.invalid\//, 'fork', file, key)
  assertRefuses('consistency', file, key)
  const shown = run('.', ['verify-consistency', file, '--key', key, '--json'])
  assert.equal(shown.exitCode, 3)
  assert.equal((JSON.parse(shown.stdout) as { fork: boolean }).fork, true)
  const flips = withEachFlip(file, 80, () => assertRefuses('fork', file, key))
  assert.ok(flips > 60)
}

describe('a copy that goes on beside its original', () => {
  let key: string
  let witnessKey: string

  before(() => {
    fs.mkdirSync(at('original'))
    fs.writeFileSync(at('original/file'), 'content\n')
    sentctl('original', ['init'])
    grow('original', 10)
    key = workshop.key('original')
    witnessKey = sentctl('.', ['witness-key', '--state', 'witness', '--name', 'witness.example/w1']).trim()
  })

  test('what the witness cosigns is good for Go, by both keys and with a time', () => {
    const first = witness(['original'])
    assert.deepEqual([first.exitCode, first.looks[0]?.state], [0, 'first'])
    const file = first.looks[0]!.file!
    assertAccepts(/cosigned at \d{10} by witness\.example\/w1\n$/, 'cosignature', file, key, witnessKey)
    assertAccepts(/ records of /, 'checkpoint', file, key)
    withEachFlip(file, 150, () => assertRefuses('cosignature', file, key, witnessKey))
    grow('original', 5)
    const grown = witness(['original'])
    assert.deepEqual([grown.exitCode, grown.looks[0]?.state, grown.looks[0]?.size], [0, 'grown', size('original')])
    assertAccepts(new RegExp(`^${size('original')} records, cosigned`), 'cosignature', file, key, witnessKey)
  })

  test('a longer fork is refused, with evidence', async () => {
    workshop.copy('original', 'longer')
    grow('original', 2)
    await forge('longer', 5)
    assert.equal(witness(['original']).exitCode, 0)
    const { looks, exitCode } = witness(['longer'])
    assert.deepEqual([exitCode, looks[0]?.state], [3, 'fork'])
    assertEvidence(looks[0]!.evidence!, key)
    assert.ok(size('longer') > size('original'))
  })

  test('one of the same size, and a shorter one, in the same round as the original', async () => {
    workshop.copy('original', 'same')
    workshop.copy('original', 'shorter')
    grow('original', 3)
    await forge('same', 3)
    await forge('shorter', 1)
    assert.equal(size('same'), size('original'))
    const { looks, exitCode } = witness(['original', 'same', 'shorter'])
    assert.equal(exitCode, 3)
    assert.deepEqual(
      looks.map(({ state }) => state),
      ['grown', 'fork', 'fork'],
    )
    for (const { evidence } of looks.slice(1)) assertEvidence(evidence!, key)
  })

  test('the original goes on, and is cosigned as before', () => {
    grow('original', 1)
    const { looks, exitCode } = witness(['original'])
    assert.deepEqual([exitCode, looks[0]?.state], [0, 'grown'])
    assertAccepts(/cosigned at/, 'cosignature', looks[0]!.file!, key, witnessKey)
  })
})

describe('a log on a web server', () => {
  let server: Server
  let url: string
  let key: string

  before(async () => {
    fs.mkdirSync(at('served'))
    sentctl('served', ['init'])
    key = workshop.key('served')
    grow('served', 4)
    sentctl('served', ['export', 'tlog', '../published'])
    server = createServer((request, response) => {
      const file = path.join(at('published'), path.normalize(request.url ?? '/'))
      if (fs.existsSync(file) && fs.statSync(file).isFile()) response.end(fs.readFileSync(file))
      else response.writeHead(404).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => server.close())

  const fetched = async (signal?: AbortSignal, onOutput?: (text: string) => void) => {
    const follow = signal === undefined ? [] : ['--follow', '--interval', '1']
    const argv = ['witness', url, '--key', key, '--state', 'far', '--json', ...follow]
    const ran = await runInProcess(argv, {
      cwd: workshop.base,
      ...(signal === undefined ? {} : { signal }),
      ...(onOutput === undefined ? {} : { onOutput }),
    })
    return { looks: looksIn(ran), exitCode: ran.exitCode }
  }

  test('is followed by its address, and the fork of it is caught there', { timeout: 60_000 }, async () => {
    assert.deepEqual(
      (await fetched()).looks.map(look => look.state),
      ['first'],
    )
    workshop.copy('served', 'forged')
    workshop.copy('published', 'published-forged')
    grow('served', 30)
    sentctl('served', ['export', 'tlog', '../published'])
    const stop = new AbortController()
    let lines = 0
    const { looks, exitCode } = await fetched(stop.signal, () => {
      lines++
      if (lines === 1) {
        grow('served', 2)
        sentctl('served', ['export', 'tlog', '../published'])
      } else stop.abort()
    })
    assert.deepEqual([exitCode, looks.map(look => look.state)], [0, ['grown', 'grown']])
    // From now on the server shows the forged history.
    await forge('forged', 40)
    fs.renameSync(at('published'), at('published-honest'))
    fs.renameSync(at('published-forged'), at('published'))
    sentctl('forged', ['export', 'tlog', '../published'])
    const forked = await fetched()
    assert.deepEqual([forked.exitCode, forked.looks.map(look => look.state)], [3, ['fork']])
    assertEvidence(forked.looks[0]!.evidence!, key)
    fs.renameSync(at('published'), at('published-forged'))
    fs.renameSync(at('published-honest'), at('published'))
    assert.deepEqual(
      (await fetched()).looks.map(look => look.state),
      ['same'],
    )
  })

  test('an address that nobody answers is exit code 1', async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    const { looks, exitCode } = await fetched()
    assert.deepEqual([exitCode, looks.map(look => look.state)], [1, ['unreachable']])
  })
})
