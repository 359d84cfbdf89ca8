// Session files of a root folder: kept by rename, the oldest dropped, the killed one gone on with, and never in the way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../../../src/core/format/session.ts'
import { sessionsKeptMax } from '../../../src/core/format/session.ts'
import type { Directory, Processes } from '../../../src/core/host/host.ts'
import { readSessions, resume, storeSession } from '../../../src/core/sessions/sessions.ts'
import { createSeededRandomness, createTestHost, describeTree, writeFile } from '../../support/host.ts'

const idOf = (number: number): string => number.toString(16).padStart(16, '0')
const session = (number: number, more: Partial<Session> = {}): Session => ({
  id: idOf(number),
  process: 1_000 + number,
  saved: number,
  ended: true,
  lastSeq: 0,
  operation: '',
  again: '',
  screen: { pane: 'files', focus: 'list', path: '', past: '', searched: '', panes: {}, prompt: null },
  ...more,
})

const root = (): Directory => createTestHost().files.openDirectory('/')!
const ports = (...running: number[]) => ({
  random: createSeededRandomness(7),
  processes: { id: 1, label: 'test', umask: 0o022, isAlive: id => running.includes(id) } satisfies Processes,
})

test('sessions are kept 0600, newest first, and the oldest go', () => {
  const directory = root()
  for (let number = 1; number <= sessionsKeptMax + 3; number++) assert.ok(storeSession(directory, session(number)))
  const kept = readSessions(directory)
  const newest = Array.from({ length: sessionsKeptMax }, (_, at) => idOf(sessionsKeptMax + 3 - at))
  assert.deepEqual([kept.sessions.map(({ id }) => id), kept.damaged], [newest, []])
  const files = describeTree(directory)
  assert.equal(Object.keys(files).length, sessionsKeptMax + 2)
  assert.deepEqual([files['.intent/'], files['.intent/sessions/']], ['dir 700', 'dir 700'])
  assert.match(files[`.intent/sessions/${newest[0]}.json`]!, /^file 600 \{/)
  assert.ok(storeSession(directory, { ...session(5), saved: 1 }), 'also one that is older than those that are kept')
  assert.ok(readSessions(directory).sessions.length <= sessionsKeptMax)
})

test('who was killed goes on under the same id; who left by a key leaves only the place; a running one is let alone', () => {
  const directory = root()
  assert.equal(resume(directory, ports()).last, undefined)
  storeSession(directory, session(1))
  const left = resume(directory, ports())
  assert.deepEqual([left.last?.id, left.id === idOf(1)], [idOf(1), false])
  assert.match(left.id, /^[0-9a-f]{16}$/)
  storeSession(directory, session(2, { ended: false }))
  assert.deepEqual([resume(directory, ports()).id, resume(directory, ports()).last?.id], [idOf(2), idOf(2)])
  const beside = resume(directory, ports(1_002))
  assert.deepEqual([beside.last?.id, beside.id === idOf(2)], [idOf(1), false])
})

test('what is damaged, of another version or of another name is left out, and named; others are passed over', () => {
  const directory = root()
  storeSession(directory, session(1))
  const home = directory.child('.intent')!.child('sessions')!
  writeFile(home, `${idOf(2)}.json`, '{')
  writeFile(home, `${idOf(3)}.json`, JSON.stringify({ version: 2 }))
  writeFile(home, `${idOf(4)}.json`, Buffer.alloc(40_000))
  home.makeDirectory(`${idOf(5)}.json`, 0o700)
  home.makeSymlink(`${idOf(6)}.json`, '/etc/passwd')
  home.rename(`${idOf(1)}.json`, home, `${idOf(7)}.json`)
  writeFile(home, 'notes.txt', 'mine')
  const { sessions, damaged } = readSessions(directory)
  assert.deepEqual(sessions, [])
  assert.deepEqual(
    damaged.map(({ name }) => name).sort(),
    [2, 3, 4, 5, 6, 7].map(number => `${idOf(number)}.json`),
  )
  assert.equal(resume(directory, ports()).notices.length, 6)
})

test('where nothing can be written none is kept, and nothing fails', () => {
  const directory = root()
  writeFile(directory, '.intent', 'a file stands there')
  assert.equal(storeSession(directory, session(1)), false)
  assert.deepEqual(readSessions(directory), { sessions: [], damaged: [] })
  assert.equal(storeSession(root(), session(1, { operation: 'x'.repeat(5_000) })), false)
})
