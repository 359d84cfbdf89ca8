// The network port: a real server on this machine, bounded in bytes and time; failures are values.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
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

test('an exchange over a socket: whole, cut off, too long, too slow, stopped, nobody there', async () => {
  const echo = createSocketServer(socket =>
    socket.on('data', part => {
      const text = part.toString()
      if (text === 'silence') return
      if (text === 'bye') socket.end('half')
      else if (text === 'torn') socket.destroy()
      else for (const character of text) socket.write(character)
    }),
  )
  await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve))
  const { port } = echo.address() as AddressInfo
  const talk = async (text: string, more: { bytesMax?: number; timeoutMs?: number; signal?: AbortSignal } = {}) => {
    const isWhole = (bytes: Uint8Array): boolean => bytes.length >= 5
    const options = { isWhole, bytesMax: 100, timeoutMs: 10_000, ...more }
    const answer = await network.exchange({ host: '127.0.0.1', port }, Buffer.from(text), options)
    return answer.state === 'answered' ? Buffer.from(answer.bytes).toString() : answer.reason
  }
  try {
    assert.equal((await talk('hello')).slice(0, 5), 'hello')
    assert.equal(await talk('bye'), 'half')
    assert.equal(await talk('1234', { bytesMax: 3 }), 'more than 3 bytes')
    assert.equal(await talk('silence', { timeoutMs: 50 }), 'no answer within 0.05 s')
    assert.equal(await talk('silence', { signal: AbortSignal.timeout(20) }), 'cancelled')
    assert.equal(await talk('hello', { signal: AbortSignal.abort() }), 'cancelled')
    assert.match(await talk('torn'), /^$|ECONNRESET/)
  } finally {
    await new Promise(resolve => echo.close(resolve))
  }
  assert.equal(await talk('hello'), 'ECONNREFUSED')
})
