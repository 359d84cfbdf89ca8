// What snapshots, settings and the texts that name a state promise: snapshots are records, keep what they name, are
// thinned by rules that stand in the record, and come back from the journal alone.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SentientError } from '../../src/core/errors.ts'
import type { System } from '../../src/core/system.ts'
import type { SnapshotView } from '../../src/core/timeline/model.ts'
import {
  changesOutside,
  diskOf,
  editOutside,
  finished,
  openRoot,
  put,
  recordedAt,
  recordedOf,
  refused,
} from '../core/timeline/support.ts'
import { readText } from '../support/host.ts'
import type { TimelineBench } from './timelineSuite.ts'

export function snapshotTests(bench: TimelineBench): void {
  describe('snapshots', () => listTests(bench))
  describe('retention', () => retentionTests(bench))
  describe('settings', () => settingsTests(bench))
  describe('texts that name a state', () => resolveTests(bench))
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const names = (system: System, kind?: SnapshotView['kind']) =>
  system
    .snapshots()
    .filter(snapshot => kind === undefined || snapshot.kind === kind)
    .map(snapshot => snapshot.name)

function listTests(bench: TimelineBench): void {
  it('are made with names and labels, pinned, renamed, removed', async () => {
    const system = await bench.make({ a: '1' })
    const made = await finished(system.snapshotCreate({ name: 'first', label: 'before the "storm" \u202e' }))
    assert.equal(made.snapshot, 'first')
    await put(system, 'a', '2')
    await finished(system.snapshotCreate())
    await finished(system.snapshotCreate())
    const [, first, second, third] = system.snapshots()
    assert.deepEqual(
      { name: first?.name, label: first?.label, kind: first?.kind, pinned: first?.pinned, seq: first?.seq },
      { name: 'first', label: 'before the "storm" \u202e', kind: 'manual', pinned: false, seq: made.seq },
    )
    assert.match(second?.name ?? '', /^\d{8}-\d{4}-2$/, 'the one of init has the bare name')
    assert.match(third?.name ?? '', /^\d{8}-\d{4}-3$/)
    await finished(system.snapshotLabel('first', 'another'))
    await finished(system.snapshotPin('first', true))
    assert.equal(system.snapshots()[1]?.label, 'another')
    assert.equal(system.snapshots()[1]?.pinned, true)
    await refused(system.snapshotRemove('first'), 'NOT_UNDOABLE')
    await finished(system.snapshotPin('first', false))
    await finished(system.snapshotRemove('first'))
    assert.ok(!names(system).includes('first'))
    await refused(system.snapshotRemove('first'), 'STATE_NOT_FOUND')
    assert.deepEqual(recordedOf(system), { a: 'file 644 2' })
  })

  it('keep what was recorded, not what was changed outside, unless that is absorbed first', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    editOutside(directory, { a: 'edit' })
    await finished(system.snapshotCreate({ name: 'without' }))
    assert.deepEqual(await changesOutside(system), { a: 'changed' })
    const made = await finished(system.snapshotCreate({ name: 'with', absorb: true }))
    assert.deepEqual(made.changed, ['a'])
    assert.deepEqual(recordedAt(system, system.resolve('without')), { a: 'file 644 1' })
    assert.deepEqual(recordedAt(system, system.resolve('with')), { a: 'file 644 edit' })
  })

  it('refuse bad and taken names and labels that are too long', async () => {
    const system = await bench.make()
    await finished(system.snapshotCreate({ name: 'taken' }))
    await refused(system.snapshotCreate({ name: 'taken' }), 'PATH_EXISTS')
    for (const name of ['', '-1', 'now', '12', 'a b', 'a/b', '.x', 'yesterday', 'ä', 'x'.repeat(65)]) {
      await refused(system.snapshotCreate({ name }), 'USAGE')
    }
    await refused(system.snapshotCreate({ label: 'ä'.repeat(101) }), 'LIMIT')
    await refused(system.snapshotLabel('taken', 'x'.repeat(201)), 'LIMIT')
    await refused(system.snapshotCreate({ label: 'half a pair \ud800' }), 'USAGE')
    await finished(system.snapshotCreate({ name: 'x'.repeat(64), label: 'ä'.repeat(100) }))
  })

  it('come back from the journal when recycle.lock is gone, damaged or forged', async () => {
    const { directory, host, path } = bench.subject
    const system = await bench.make({ a: '1' })
    await finished(system.snapshotCreate({ name: 'one', label: 'first' }))
    await finished(system.snapshotCreate({ name: 'two' }))
    await finished(system.snapshotPin('two', true))
    const expected = system.snapshots()
    await system.close()
    const text = readText(directory, 'recycle.lock')
    assert.match(text, /^sentientos recycle\.lock v1\n/)
    for (const broken of [undefined, '', text.replace(' one ', ' eins '), `${text}x`, text.slice(0, 200)]) {
      directory.removeFile('recycle.lock')
      if (broken !== undefined) editOutside(directory, { 'recycle.lock': broken })
      const again = await openRoot({ host, path })
      assert.deepEqual(again.snapshots(), expected)
      await put(again, 'a', `${broken?.length}`)
      await finished(again.snapshotLabel('one', 'first'))
      await again.close()
      assert.deepEqual(readText(directory, 'recycle.lock').split('\n').slice(3, -3), text.split('\n').slice(3, -3))
    }
  })

  it('are counted in what they keep', async () => {
    const system = await bench.make({ a: '1' })
    await put(system, 'big', Buffer.alloc(100_000, 'unlike anything else '))
    await finished(system.snapshotCreate({ name: 'holds' }))
    await finished(system.remove(['big']))
    await finished(system.snapshotCreate({ name: 'lacks' }))
    const space = await finished(system.snapshotSpace())
    assert.ok((space.get('holds') ?? 0) > 300)
    assert.ok((space.get('lacks') ?? 0) >= (space.get('holds') ?? 0))
    await finished(system.snapshotPin('holds', true))
    assert.equal((await finished(system.snapshotSpace())).get('holds'), 0)
  })
}

function retentionTests(bench: TimelineBench): void {
  it('drops the oldest of its own beyond their number, never pinned ones, and says so in the record', async () => {
    const system = await bench.make({ a: '1' })
    await finished(system.setSetting('retention.snapshots', '3'))
    await finished(system.snapshotCreate({ name: 's0' }))
    await finished(system.snapshotPin('s0', true))
    for (let i = 1; i <= 5; i++) await finished(system.snapshotCreate({ name: `s${i}` }))
    assert.deepEqual(names(system, 'manual'), ['s0', 's3', 's4', 's5'])
    const last = [...system.records({ action: 'snapshot', newestFirst: true, limit: 1 })][0]
    assert.deepEqual(last?.fields.dropped, ['s2'])
  })

  it('a lowered number takes effect two at a time, and a raised one brings nothing back', async () => {
    const system = await bench.make({ a: '1' })
    for (let i = 0; i < 8; i++) await finished(system.snapshotCreate({ name: `s${i}` }))
    await finished(system.setSetting('retention.snapshots', '2'))
    assert.equal(names(system, 'manual').length, 8)
    await finished(system.snapshotCreate({ name: 's8' }))
    assert.deepEqual(names(system, 'manual'), ['s2', 's3', 's4', 's5', 's6', 's7', 's8'])
    await finished(system.setSetting('retention.snapshots', '64'))
    await finished(system.snapshotCreate({ name: 's9' }))
    assert.equal(names(system, 'manual').length, 8)
    await system.close()
    bench.subject.directory.removeFile('recycle.lock')
    const again = await bench.open()
    assert.deepEqual(names(again, 'manual'), ['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9'])
  })

  it('thins the automatic ones by hours, days and weeks, and leaves those of the owner', async () => {
    const { subject } = bench
    const system = await bench.make({ a: '0' })
    await finished(system.setSetting('retention', '{ snapshots: 64, hourly: 3, daily: 2, weekly: 1 }'))
    await finished(system.snapshotCreate({ name: 'mine' }))
    const times: number[] = []
    for (let i = 1; i <= 24 * 3; i++) {
      subject.advance(hourMs)
      await put(system, 'a', `${i}`)
      const made = await finished(system.snapshotCreate({ automatic: true }))
      times.push(system.record(made.seq).time)
    }
    const kept = system.snapshots().filter(snapshot => snapshot.kind === 'auto')
    const day = (micros: number) => Math.floor(micros / 1000 / dayMs)
    const today = day(times.at(-1) ?? 0)
    const endOfYesterday = times.findLast(time => day(time) === today - 1)
    assert.deepEqual(
      kept.map(snapshot => snapshot.time),
      [...new Set([endOfYesterday, ...times.slice(-3)])].sort(),
    )
    assert.ok(names(system).includes('mine'))
  })

  it('a quiet time is followed by a snapshot of what was before the next write', async () => {
    const system = await bench.make({ a: '1' })
    await put(system, 'a', '2')
    bench.subject.advance(11 * minuteMs)
    await put(system, 'a', '3')
    const snapshot = system.snapshots().at(-1)
    assert.equal(snapshot?.label, 'quiet time')
    assert.equal(snapshot?.kind, 'auto')
    assert.deepEqual(recordedAt(system, system.resolve(snapshot?.name ?? '')), { a: 'file 644 2' })
    await put(system, 'a', '4')
    assert.equal(system.snapshots().at(-1), snapshot)
  })

  it('keeps what was changed outside for two weeks at least', async () => {
    const { subject } = bench
    const system = await bench.make({ a: '1' })
    await finished(system.setSetting('retention', '{ snapshots: 64, hourly: 0, daily: 0, weekly: 0 }'))
    editOutside(subject.directory, { a: 'edit' })
    const { protectedAs = '' } = await put(system, 'a', '2')
    subject.advance(13 * dayMs)
    await put(system, 'a', '3')
    await finished(system.snapshotCreate())
    assert.ok(names(system).includes(protectedAs))
    subject.advance(2 * dayMs)
    await put(system, 'a', '4')
    await finished(system.snapshotCreate())
    assert.ok(!names(system).includes(protectedAs))
  })
}

function settingsTests(bench: TimelineBench): void {
  it('an edited file is a candidate until it is applied', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ 'a.tmp': 'x' })
    const text = system.settings().text
    assert.equal((await system.settingsCandidate()).state, 'none')
    editOutside(directory, { 'sentient.yaml': text.replace('ignore:', 'ignore:\n  - "*.tmp"') })
    const candidate = await system.settingsCandidate()
    assert.equal(candidate.state, 'changed')
    assert.deepEqual(
      candidate.differences.map(difference => difference.key),
      ['ignore'],
    )
    assert.equal((await finished(system.status())).settingsCandidate, 'changed')
    assert.ok(!system.settings().values.ignore.includes('*.tmp'))
    const applied = await finished(system.applySettings())
    assert.equal(system.record(applied.seq).action, 'govern')
    assert.ok(system.settings().values.ignore.includes('*.tmp'))
    assert.equal((await system.settingsCandidate()).state, 'none')
    const other = await bench.open({ access: 'read' })
    assert.ok(other.settings().values.ignore.includes('*.tmp'))
    await finished(system.undo())
    assert.equal(system.settings().text, text)
    await finished(system.redo())
    assert.ok(system.settings().values.ignore.includes('*.tmp'))
  })

  it('a wrong file is named by line and never applied', async () => {
    const { directory } = bench.subject
    const system = await bench.make()
    const { text } = system.settings()
    for (const [wrong, line] of [
      ['version: 1\nignored: []\n', 2],
      ['version: 1\nzk: maybe\n', 2],
      ['version: 1\nversion: 1\n', 2],
      ['version: 1\nretention: { snapshots: 0 }\n', 2],
      ['[]', 1],
      ['version: 1\nzk: [', 2],
      ['version: 1\nmetadata: [owner]\n', 2],
      ['x: &a 1\n', 1],
    ] as const) {
      editOutside(directory, { 'sentient.yaml': wrong })
      const candidate = await system.settingsCandidate()
      assert.equal(candidate.state, 'invalid', wrong)
      assert.equal(candidate.problem?.line, line, wrong)
      await refused(system.applySettings(), 'SETTINGS_INVALID')
      const report = await finished(system.status())
      assert.equal(report.settingsCandidate, 'invalid')
    }
    assert.equal(system.settings().text, text)
  })

  it('a file that is no file is invalid and harms nothing', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    editOutside(directory, { 'sentient.yaml': { inside: 'x' } })
    assert.equal((await finished(system.status())).settingsCandidate, 'invalid')
    await refused(system.applySettings(), 'SETTINGS_INVALID')
    await put(system, 'a', '2')
    await finished(system.rollback(system.resolve('-1')))
    assert.deepEqual(recordedOf(system), { a: 'file 644 1' })
    editOutside(directory, { 'sentient.yaml': null })
    assert.equal((await finished(system.status())).settingsCandidate, 'missing')
    await finished(system.applySettings())
    assert.equal((await system.settingsCandidate()).state, 'none')
  })

  it('are no part of the files', async () => {
    const { directory } = bench.subject
    const system = await bench.make({ a: '1' })
    editOutside(directory, { 'sentient.yaml': 'version: 1\n' })
    assert.deepEqual(await changesOutside(system), {})
    assert.deepEqual(diskOf(directory), { a: 'file 644 1' })
    assert.deepEqual(
      system.directory('').map(entry => entry.name),
      ['a'],
    )
  })
}

function resolveTests(bench: TimelineBench): void {
  it('names, numbers, steps back and times', async () => {
    const { subject } = bench
    const system = await bench.make({ a: '0' })
    const at = () => system.now().records - 1
    const iso = (seq: number) => new Date(system.record(seq).time / 1000).toISOString()
    await put(system, 'a', '1')
    const first = at()
    await finished(system.snapshotCreate({ name: 'release-1', label: 'The Release' }))
    subject.advance(3 * dayMs)
    await put(system, 'a', '2')
    const second = at()
    await finished(system.snapshotCreate({ name: 'release-2' }))
    subject.advance(2 * hourMs)
    await put(system, 'a', '3')
    const third = at()
    const content = (text: string) => recordedAt(system, system.resolve(text)).a?.slice(-1)
    assert.deepEqual(['now', '', `#${first}`, `${second}`, ` #${third} `].map(content), ['3', '3', '1', '2', '3'])
    assert.deepEqual(['release-1', 'the release', 'release-2', '-1', '-2'].map(content), ['1', '1', '2', '2', '1'])
    assert.equal(system.resolve('release-1').snapshot, 'release-1')
    assert.deepEqual(['1h', '1h ago', '90 min', '2d'].map(content), ['2', '2', '2', '1'])
    assert.equal(content(iso(first).slice(0, 10)), '1')
    assert.equal(content(iso(second).slice(0, 16)), '2')
    assert.equal(content(iso(second).replace(/\.\d+/, '')), '2')
    assert.equal(content(`${iso(third).slice(0, 16)}+00:00`), '3')
    assert.equal(content('today'), '3')
    await refused(
      asPromise(() => system.resolve('release')),
      'STATE_NOT_FOUND',
    )
    for (const text of ['#999', '-99', '-0', 'nothing', '2001-01-01', '25:99', '2026-13-01', '2026-02-30']) {
      await refused(
        asPromise(() => system.resolve(text)),
        'STATE_NOT_FOUND',
      )
    }
  })

  it('a prefix of digits finds a snapshot when there is no such record', async () => {
    const system = await bench.make({ a: '0' })
    const name = names(system)[0] ?? ''
    assert.equal(system.resolve(name.slice(0, 8)).snapshot, name)
    assert.equal(system.resolve('#1').seq, 1)
  })

  it('days of the week and times of day lie in the past', async () => {
    const { subject } = bench
    const system = await bench.make({ a: '0' })
    const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
    const clock = subject.host.clock
    // On to the next noon, then a record a day for a week.
    const noon = dayMs / 2
    subject.advance(dayMs - ((clock.nowMicros() / 1000 - noon) % dayMs))
    for (let day = 0; day <= 7; day++) {
      if (day > 0) subject.advance(dayMs)
      await put(system, 'a', `day ${day}`)
    }
    const content = (text: string) => recordedAt(system, system.resolve(text)).a?.replace('file 644 ', '')
    const today = new Date(clock.nowMicros() / 1000).getUTCDay()
    assert.equal(content('yesterday'), 'day 6')
    assert.equal(content('yesterday 12:30'), 'day 6')
    assert.equal(content('yesterday 11:30'), 'day 5')
    assert.equal(content('11:00'), 'day 6')
    assert.equal(content('23:00'), 'day 6', 'still to come today')
    assert.equal(content(`${days[(today + 6) % 7]}`), 'day 6')
    assert.equal(content(`${days[(today + 4) % 7]} 13:00`), 'day 4')
    assert.equal(content(`${days[today]} 11:00`), 'day 6')
    assert.equal(content(`${days[today]} 23:00`), 'day 0', 'a week ago')
  })

  it('records of a clock that went back are found by number, and nothing breaks', async () => {
    const { subject } = bench
    const system = await bench.make({ a: '0' })
    await put(system, 'a', '1')
    subject.advance(-5 * dayMs)
    await put(system, 'a', '2')
    const { doubtful, seq } = system.record(system.now().records - 1)
    assert.equal(doubtful, true)
    assert.equal(recordedAt(system, system.resolve(`#${seq}`)).a, 'file 644 2')
    assert.equal(recordedAt(system, system.resolve('now')).a, 'file 644 2')
    for (const text of ['yesterday', '1h', 'today']) {
      try {
        system.resolve(text)
      } catch (error) {
        assert.ok(error instanceof SentientError)
      }
    }
    await finished(system.undo())
    assert.deepEqual(recordedOf(system), { a: 'file 644 1' })
  })
}

async function asPromise<T>(body: () => T): Promise<T> {
  return body()
}
