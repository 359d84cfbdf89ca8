// The network port: a real server on this machine, bounded in bytes and time; failures are values.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createNetwork } from '../../../src/core/host/network.ts'

const network = createNetwork(fetch)
let server: Server
let base: string
before(async () => {
  server = createServer((request, response) => {
    if (request.url === '/slow') return
    if (request.url === '/moved') response.writeHead(302, { location: '/file' }).end()
    else if (request.url === '/file') response.end('content')
    else if (request.url === '/endless') {
      const timer = setInterval(() => response.write(Buffer.alloc(1000)), 1)
      response.on('close', () => clearInterval(timer))
    } else response.writeHead(404).end('nothing')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const get = (path: string, more: { bytesMax?: number; timeoutMs?: number; signal?: AbortSignal } = {}) =>
  network.get(`${base}${path}`, { bytesMax: 100_000, timeoutMs: 10_000, ...more })

test('what is served comes as it is, redirects are followed', async () => {
  for (const path of ['/file', '/moved']) {
    const answer = await get(path)
    assert.ok(answer.state === 'answered')
    assert.deepEqual([answer.status, Buffer.from(answer.bytes).toString()], [200, 'content'])
  }
  const missing = await get('/missing')
  assert.ok(missing.state === 'answered')
  assert.equal(missing.status, 404)
})

test('what is too long, too slow, stopped or not there fails as a value', async () => {
  assert.deepEqual(await get('/file', { bytesMax: 6 }), { state: 'failed', reason: 'more than 6 bytes' })
  assert.deepEqual(await get('/endless', { bytesMax: 5000 }), { state: 'failed', reason: 'more than 5000 bytes' })
  assert.deepEqual(await get('/slow', { timeoutMs: 50 }), { state: 'failed', reason: 'no answer within 0.05 s' })
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 20)
  assert.deepEqual(await get('/slow', { signal: stop.signal }), { state: 'failed', reason: 'cancelled' })
  const nobody = await network.get('http://127.0.0.1:9', { bytesMax: 10, timeoutMs: 1000 })
  assert.ok(nobody.state === 'failed', 'nobody listens there')
  const other = await network.get('file:///etc/hostname', { bytesMax: 10, timeoutMs: 1000 })
  assert.deepEqual(other, { state: 'failed', reason: 'not an http or https address' })
})
