// recycle.redis in a real redis-server: loaded as its append-only file, and told over the network, with a password and
// without a server.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { cidText, dagLink, type ObjectId } from '../../src/core/format/id.ts'
import type { ScreenMemory } from '../../src/core/format/session.ts'
import { createNetwork } from '../../src/core/host/network.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import type { Work } from '../../src/core/timeline/model.ts'
import { makeTemporaryFolder, type TemporaryFolder } from '../support/host.ts'
import { freePort, hashOf, type Redis, startRedis } from './server.ts'

const session = '0123456789abcdef'
const screen: ScreenMemory = {
  pane: 'files',
  focus: 'list',
  path: 'etc/na\xc3\xafve\n',
  past: '',
  searched: 'wort',
  panes: { files: { directory: 'etc', filter: '!a', hidden: true } },
  prompt: null,
}

let folder: TemporaryFolder
const servers: Redis[] = []
beforeEach(() => {
  folder = makeTemporaryFolder({ network: createNetwork(fetch) })
  fs.writeFileSync(path.join(folder.path, 'one'), 'first\n')
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  folder.remove()
})

async function ended<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done === true) return step.value
  }
}

const started = async (options: Parameters<typeof startRedis>[0] = {}): Promise<Redis> => {
  const server = await startRedis(options)
  servers.push(server)
  return server
}

const opened = (id?: string): Promise<System> =>
  openSystem(folder.host, { rootPath: folder.path, access: 'write', ...(id === undefined ? {} : { session: id }) })

async function withSystem<T>(work: (system: System) => Promise<T>, id?: string): Promise<T> {
  const system = await opened(id)
  try {
    return await work(system)
  } finally {
    await system.close()
  }
}

const redisFile = (): string => path.join(folder.path, 'recycle.redis')

test('a server loads the file as its append-only file and answers with the last state', async () => {
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  fs.writeFileSync(path.join(folder.path, 'two'), 'second\n')
  const system = await opened(session)
  await ended(system.snapshotCreate({ name: 'kept', label: 'both "of" them\r\n*1', absorb: true }))
  assert.ok(system.saveSession({ ended: true, lastSeq: 3, operation: '', again: '', screen }))
  await system.close()
  const after = await withSystem(async again => ({
    now: again.now(),
    checkpoint: again.checkpoint()!,
    snapshot: again.snapshots().at(-1)!,
  }))
  const redis = await started({ appendOnlyFile: redisFile() })
  assert.match(redis.log(), /DB loaded from/)
  assert.equal(await redis.ask('GET', 'sentient:format'), '1')
  assert.deepEqual(await hashOf(redis, 'sentient:state'), {
    origin: after.checkpoint.origin,
    records: `${after.now.records}`,
    root: cidText(dagLink(after.now.root as ObjectId)),
    time: `${after.now.time}`,
    checkpointSize: `${after.checkpoint.size}`,
    checkpointRoot: after.checkpoint.root,
  })
  assert.equal(after.checkpoint.size, after.now.records)
  assert.deepEqual(await hashOf(redis, 'sentient:snapshot:latest'), {
    name: 'kept',
    label: 'both "of" them\r\n*1',
    seq: `${after.snapshot.seq}`,
    root: cidText(dagLink(after.snapshot.root)),
    time: `${after.snapshot.time}`,
    kind: 'manual',
    pinned: '0',
    files: '2',
    bytes: '13',
  })
  assert.deepEqual(await redis.ask('SMEMBERS', 'sentient:sessions'), [session])
  const kept = await hashOf(redis, `sentient:session:${session}`)
  assert.deepEqual([kept.pane, kept.path, kept.ended], ['files', 'etc/naïve\\n', '1'])
  assert.deepEqual(JSON.parse(kept.json!).screen, screen)
  assert.equal(await redis.ask('DBSIZE'), 5)
  assert.equal(await redis.ask('SET', 'mine', 'goes on'), 'OK')
})

test('without the file nothing is lost; repair writes it again, a changed one is noted', async () => {
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  const findings = () =>
    withSystem(async system =>
      (await ended(system.verify({ deep: true }))).findings.map(({ code, severity }) => `${severity} ${code}`),
    )
  assert.deepEqual(await findings(), [])
  const bytes = fs.readFileSync(redisFile())
  assert.equal(fs.statSync(redisFile()).mode & 0o777, 0o600)
  fs.rmSync(redisFile())
  assert.deepEqual(await findings(), [])
  await withSystem(async system => {
    assert.ok((await ended(system.repair())).rebuilt.includes('recycle.redis'))
  })
  assert.deepEqual(fs.readFileSync(redisFile()), bytes)
  const changes: readonly [string, (text: string) => string][] = [
    ['note redis-damaged', text => text.slice(0, -3)],
    ['note redis-damaged', text => text.replace('SELECT', 'DELETE')],
    ['note redis-wrong', text => text.replace('files\r\n$1\r\n1', 'files\r\n$1\r\n2')],
    ['note redis-wrong', text => text.replace(/checkpointRoot\r\n\$64\r\n./, found => `${found.slice(0, -1)}x`)],
    ['note redis-wrong', text => text.replace(/records\r\n\$1\r\n./, found => `${found.slice(0, -1)}9`)],
    ['note redis-stale', text => text.replace(/records\r\n\$1\r\n./, found => `${found.slice(0, -1)}1`)],
  ]
  for (const [expected, change] of changes) {
    const changed = change(bytes.toString('latin1'))
    assert.notEqual(changed, bytes.toString('latin1'))
    fs.writeFileSync(redisFile(), changed, 'latin1')
    const found = await findings()
    assert.ok(found.length === 1 && (found[0] === expected || expected === 'note redis-stale'), `${expected}: ${found}`)
  }
  await withSystem(system => ended(system.repair()))
  assert.deepEqual(fs.readFileSync(redisFile()), bytes)
})

test('a server of the settings is told, with a password, on the occasions of the file', async () => {
  const password = 'gehe im "Wald"'
  const redis = await started({ password })
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  const told = (): Promise<Record<string, string>> => hashOf(redis, 'sentient:state')
  const url = `redis://127.0.0.1:${redis.port}/0`
  const noticed = async (work: (system: System) => Promise<unknown>, id?: string): Promise<string[]> => {
    const system = await opened(id)
    await work(system)
    await system.close()
    return system.notices.filter(({ code }) => code === 'redis').map(({ text }) => text)
  }
  const refused = await noticed(system => ended(system.setSetting('redis.url', url)))
  assert.match(refused.join(), /was not told the last state: NOAUTH/)
  assert.deepEqual(await told(), {})
  fs.writeFileSync(path.join(folder.path, '.auth/redis-password'), `${password}\n`, { mode: 0o600 })
  const report = await withSystem(system => ended(system.exportRedis()))
  assert.deepEqual(report.pushed, { state: 'done' })
  assert.equal((await told()).records, `${report.facts.state.records}`)
  const sessions = ['00000000000000aa', '00000000000000bb']
  for (const id of sessions) {
    const keep = async (system: System) =>
      assert.ok(system.saveSession({ ended: false, lastSeq: 1, operation: '', again: '', screen }))
    assert.deepEqual(await noticed(keep, id), [])
  }
  assert.deepEqual(((await redis.ask('SMEMBERS', 'sentient:sessions')) as string[]).sort(), sessions)
  fs.rmSync(path.join(folder.path, '.intent/sessions', `${sessions[0]}.json`))
  assert.deepEqual(await noticed(system => ended(system.snapshotCreate({ name: 'later' }))), [])
  assert.deepEqual(await redis.ask('SMEMBERS', 'sentient:sessions'), [sessions[1]])
  assert.equal(await redis.ask('EXISTS', `sentient:session:${sessions[0]}`), 0)
  assert.equal((await hashOf(redis, 'sentient:snapshot:latest')).name, 'later')
})

test('a long-lived process tells the server soon after a snapshot, before it leaves', async () => {
  const redis = await started()
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  await withSystem(system => ended(system.setSetting('redis.url', `redis://127.0.0.1:${redis.port}/3`)))
  await withSystem(async system => {
    await ended(system.snapshotCreate({ name: 'soon' }))
    const deadline = performance.now() + 20_000
    const name = async () => {
      await redis.ask('SELECT', '3')
      return (await redis.ask(
        'EVAL',
        "redis.call('SELECT', 3) return redis.call('HGET', KEYS[1], 'name')",
        '1',
        'sentient:snapshot:latest',
      )) as string
    }
    while ((await name()) !== 'soon' && performance.now() < deadline) await new Promise(go => setTimeout(go, 50))
    assert.equal(await name(), 'soon')
  })
})

test('a server with the state of another root folder is left as it is', async () => {
  const redis = await started()
  const url = `redis://127.0.0.1:${redis.port}`
  const other = makeTemporaryFolder({ network: createNetwork(fetch) })
  try {
    for (const { host, path: rootPath } of [folder, other]) {
      await ended(initRoot(host, { path: rootPath, zk: true }))
      const system = await openSystem(host, { rootPath, access: 'write' })
      await ended(system.setSetting('redis.url', url))
      await system.close()
      const said = system.notices.filter(({ code }) => code === 'redis').map(({ text }) => text)
      if (rootPath === folder.path) assert.deepEqual(said, [])
      else assert.match(said.join(), /it holds the state of another root folder/)
    }
    const origin = await withSystem(async system => system.checkpoint()!.origin)
    assert.equal((await hashOf(redis, 'sentient:state')).origin, origin)
  } finally {
    other.remove()
  }
})

test('without a server the work is done all the same: a notice, and quiet for a while', async () => {
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  const url = `redis://127.0.0.1:${await freePort()}`
  const notices: string[][] = []
  for (const label of ['a', 'b']) {
    const system = await opened()
    if (label === 'a') await ended(system.setSetting('redis.url', url))
    const before = system.now().records
    await ended(system.snapshotCreate({ name: label }))
    assert.equal(system.now().records, before + 1)
    await system.close()
    notices.push(system.notices.filter(({ code }) => code === 'redis').map(({ text }) => text))
  }
  assert.match(notices[0]!.join(), /ECONNREFUSED/)
  assert.deepEqual(notices[1], [], 'nobody asks again so soon')
  assert.equal((await withSystem(system => ended(system.exportRedis()))).pushed?.state, 'failed')
})

test('a user of the server that may do no more than the documentation says is enough', async () => {
  const redis = await started()
  const page = fs.readFileSync(path.join(import.meta.dirname, '../../docs/redis.md'), 'utf8')
  const rule = /^ACL SETUSER .*$/m.exec(page)![0].replace('>PASSWORD', '>secret').split(' ')
  assert.equal(await redis.ask(...rule), 'OK')
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  fs.writeFileSync(path.join(folder.path, '.auth/redis-password'), 'secret')
  const system = await opened(session)
  system.saveSession({ ended: true, lastSeq: 3, operation: '', again: '', screen })
  await ended(system.setSetting('redis.url', `redis://sentient@127.0.0.1:${redis.port}`))
  assert.deepEqual((await ended(system.exportRedis())).pushed, { state: 'done' })
  assert.deepEqual((await ended(system.exportRedis())).pushed, { state: 'done' })
  await system.close()
  assert.deepEqual(system.notices, [])
  assert.deepEqual(await redis.ask('SMEMBERS', 'sentient:sessions'), [session])
})

test('what answers otherwise, or not at all, is named, and takes no more than its time', async () => {
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  const answers: readonly [string | undefined, RegExp][] = [
    ['HTTP/1.1 400 Bad Request\r\n\r\n', /what answers is no Redis/],
    ['+OK\r\n*2\r\n', /no answer within 1 s/],
    [undefined, /no answer within 1 s/],
    ['', /it broke off/],
  ]
  for (const [answer, reason] of answers) {
    const server = net.createServer(socket => {
      socket.on('error', () => undefined)
      if (answer !== undefined) socket[answer === '' ? 'end' : 'write'](answer)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    await withSystem(async system => {
      await ended(system.setSetting('redis.url', `redis://127.0.0.1:${port}`))
      const before = performance.now()
      const { pushed } = await ended(system.exportRedis())
      assert.match(pushed?.state === 'failed' ? pushed.reason : 'done', reason)
      assert.ok(performance.now() - before < 8_000)
    })
    server.close()
  }
})

test('a password in the settings is refused: they are a part of the history', async () => {
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  await withSystem(async system => {
    const records = system.now().records
    await assert.rejects(ended(system.setSetting('redis.url', 'redis://:secret@127.0.0.1')), {
      code: 'SETTINGS_INVALID',
    })
    assert.equal(system.now().records, records)
  })
})

test('a server that runs takes the file from a pipe, and one takes it as the only file of an older layout', async () => {
  await ended(initRoot(folder.host, { path: folder.path, zk: true }))
  const copy = path.join(folder.path, '..', `${path.basename(folder.path)}.aof`)
  try {
    const report = await withSystem(system => ended(system.exportRedis(copy)))
    assert.deepEqual([report.path, report.pushed, fs.statSync(copy).mode & 0o777], [copy, undefined, 0o600])
    assert.ok(fs.readFileSync(copy).equals(fs.readFileSync(redisFile())))
    const running = await started()
    await new Promise<void>((resolve, reject) => {
      const socket = net.connect(running.port, '127.0.0.1', () => socket.end(fs.readFileSync(copy)))
      socket
        .on('error', reject)
        .on('data', () => undefined)
        .on('close', () => resolve())
    })
    assert.equal((await hashOf(running, 'sentient:state')).records, `${report.facts.state.records}`)
    const older = await started({ appendOnlyFile: copy, layout: 'one file' })
    assert.deepEqual(await hashOf(older, 'sentient:state'), await hashOf(running, 'sentient:state'))
  } finally {
    fs.rmSync(copy, { force: true })
  }
})
