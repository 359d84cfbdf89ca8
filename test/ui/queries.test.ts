// What the screen asks the core, answered by a real root folder.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createDiskHost } from '../../src/core/host/disk.ts'
import { initRoot, openSystem, type System } from '../../src/core/system.ts'
import type { RecordView } from '../../src/core/timeline/model.ts'
import { createChannels } from '../../src/ui/effects/channels.ts'
import { copyOut } from '../../src/ui/effects/copyOut.ts'
import { editFile } from '../../src/ui/effects/editor.ts'
import { previewOf, readPreview } from '../../src/ui/effects/preview.ts'
import { type AskContext, answerers, finish } from '../../src/ui/effects/queries.ts'
import { matches, parseTraceFilter } from '../../src/ui/panes/trace/filter.ts'
import type { Message } from '../../src/ui/state/model.ts'

let scratch = ''
let system: System
const quiet = (): void => undefined
const context = (): AskContext => ({
  system,
  session: 's',
  signal: new AbortController().signal,
  progress: quiet,
  inSlices: true,
})

before(async () => {
  scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-ui-')))
  const root = path.join(scratch, 'root')
  fs.mkdirSync(path.join(root, 'etc'), { recursive: true })
  fs.writeFileSync(path.join(root, 'etc', 'fstab'), 'one\ttab\nsecond \x1b[31m line\n')
  fs.writeFileSync(path.join(root, 'etc', 'blob'), Buffer.from([0, 1, 2, 255]))
  fs.symlinkSync('fstab', path.join(root, 'etc', 'link'))
  const stateDirectoryPath = path.join(scratch, 'state')
  const host = createDiskHost({ label: 'test', stateDirectoryPath })
  await finish(initRoot(host, { path: root, zk: true }), quiet)
  system = await openSystem(host, { rootPath: root, access: 'write', session: 's' })
  for (let number = 0; number < 12; number++) {
    fs.writeFileSync(path.join(root, 'etc', 'fstab'), `change ${number}\n`.repeat(number + 1))
    if (number % 3 === 0) await finish(system.snapshotCreate({ label: `label ${number}` }), quiet)
    else await finish(system.absorb(['etc/fstab']), quiet)
  }
})

after(async () => {
  await system.close()
  fs.rmSync(scratch, { recursive: true, force: true })
})

const all = (): RecordView[] => [...system.records({})]

test('a search backwards finds what a look at every record finds', async () => {
  const words = fc.constantFrom('actor:owner', 'action:absorb', 'action:snapshot', 'fstab', 'label', 'nothing')
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 2 }), fc.nat(20), async (parts, before) => {
      const filter = parseTraceFilter(parts.join(' '))
      const { records, scannedFrom } = await answerers.scan({ ask: 'scan', before, filter, want: 1000 }, context())
      const expected = all().filter(record => record.seq < before && matches(record, filter))
      assert.deepEqual(
        records.map(({ seq }) => seq),
        expected.map(({ seq }) => seq),
      )
      assert.equal(scannedFrom, 0)
    }),
    { numRuns: 30 },
  )
})

test('the next match in either direction is the nearest one', async () => {
  const filter = parseTraceFilter('action:snapshot')
  const matching = all()
    .filter(record => matches(record, filter))
    .map(({ seq }) => seq)
  for (let from = 0; from < all().length; from++) {
    const down = await answerers.seek({ ask: 'seek', from, direction: 1, filter }, context())
    const up = await answerers.seek({ ask: 'seek', from, direction: -1, filter }, context())
    assert.equal(
      down?.seq,
      matching.find(seq => seq >= from),
    )
    assert.equal(
      up?.seq,
      matching.findLast(seq => seq <= from),
    )
  }
})

test('versions carry the lines that came and went', async () => {
  const versions = await answerers.versions({ ask: 'versions', path: 'etc/fstab' }, context())
  const seqs = versions.map(({ seq }) => seq)
  const counts = await answerers.versionCounts({ ask: 'versionCounts', path: 'etc/fstab', seqs }, context())
  const [newest] = seqs
  assert.equal(counts.get(newest ?? -1)?.added, 12)
})

test('a record shows its changes, and whether a checkpoint covers it', async () => {
  await system.signCheckpoint()
  const last = system.now().records - 1
  const { record, checkpointSize } = await answerers.record({ ask: 'record', seq: last }, context())
  assert.equal(record.seq, last)
  assert.ok((checkpointSize ?? 0) > last)
})

test('previews: text made safe, bytes, links, directories, and what is not there', () => {
  fs.writeFileSync(path.join(system.rootPath, 'etc', 'raw.txt'), 'a\tb\r\n\x1b[31m\n')
  const preview = (name: string) => readPreview(system, name, 'disk')
  assert.deepEqual(preview('etc/raw.txt')?.lines, ['a    b', '\\x1B[31m'])
  assert.equal(preview('etc/blob')?.kind, 'binary')
  assert.deepEqual(preview('etc/link')?.lines, ['-> fstab'])
  assert.ok(preview('etc')?.lines.some(line => line.endsWith(' fstab')))
  assert.equal(preview('etc/none'), undefined)
  const past = readPreview(system, 'etc/fstab', system.resolve('#1'))
  assert.deepEqual(past?.lines, ['one    tab', 'second \\x1B[31m line'])
})

test('the beginning of a long text is not taken for bytes because it ends within a character', () => {
  const text = Buffer.from('ä'.repeat(100))
  assert.equal(previewOf(text.subarray(0, 101), 200).kind, 'text')
  assert.equal(previewOf(Buffer.from([0xc3, 0x28]), 2).kind, 'binary')
  assert.equal(previewOf(Buffer.alloc(0), 0).kind, 'text')
})

test('a file of a past state is copied out, and nothing is ever replaced', () => {
  const target = { cwd: scratch, home: scratch, name: '~/fstab.then' }
  const to = copyOut(system, { path: 'etc/fstab', at: '#1' }, target)
  assert.equal(fs.readFileSync(to, 'utf8'), 'one\ttab\nsecond \x1b[31m line\n')
  assert.throws(() => copyOut(system, { path: 'etc/fstab', at: 'disk' }, target), { code: 'PATH_EXISTS' })
  assert.throws(() => copyOut(system, { path: 'etc/fstab', at: 'disk' }, { ...target, name: 'root/inside' }), {
    code: 'USAGE',
  })
  assert.throws(() => copyOut(system, { path: 'etc/none', at: 'disk' }, { ...target, name: 'n' }), {
    code: 'PATH_NOT_FOUND',
  })
})

test('an editor that changes nothing is told from one that does, and a missing one is named', () => {
  const edit = (editor: string) => editFile(system.rootPath, 'etc/raw.txt', { VISUAL: editor })
  assert.equal(edit('true'), false)
  assert.equal(edit('echo more >>'), true)
  assert.throws(() => edit('no-such-editor-here'), /no-such-editor-here/)
})

test('questions: a newer one on a channel makes the older void; looks are not begun anew', async () => {
  const messages: Message[] = []
  const channels = createChannels({ system, session: 's', post: message => messages.push(message) })
  const ask = (path: string) =>
    channels.ask({ type: 'ask', channel: 'c', query: { ask: 'file', path, at: 'disk' }, delayMs: 5 })
  ask('etc/fstab')
  ask('etc/blob')
  for (let times = 0; times < 5; times++)
    channels.ask({ type: 'ask', channel: 'status', query: { ask: 'status' }, delayMs: 1 })
  await new Promise(resolve => setTimeout(resolve, 400))
  const files = messages.flatMap(message =>
    message.type === 'answer' && message.ask === 'file' ? [message.query.path] : [],
  )
  assert.deepEqual(files, ['etc/blob'])
  const looks = messages.filter(message => message.type === 'answer' && message.ask === 'status')
  assert.equal(looks.length, 1)
  channels.ask({ type: 'ask', channel: 'd', query: { ask: 'state', text: 'nowhere' } })
  assert.ok(messages.some(message => message.type === 'refused' && message.problem.code === 'STATE_NOT_FOUND'))
})
