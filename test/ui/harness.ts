// A screen without a terminal: the model, keys pressed on it, and the effects that came of them. Answers of the core
// are given by the tests; update and panes are the real ones.

import type { Link, ObjectId } from '../../src/core/format/id.ts'
import type { Entry } from '../../src/core/format/node.ts'
import type {
  Change,
  ListedEntry,
  OperationResult,
  RecordView,
  SnapshotView,
  StatePoint,
  StatusReport,
} from '../../src/core/timeline/model.ts'
import { initialModel } from '../../src/ui/state/initial.ts'
import type { Effect, Message, Model } from '../../src/ui/state/model.ts'
import type { Answers, Ask, Query } from '../../src/ui/state/query.ts'
import { hintLine, messageRow, titleLine } from '../../src/ui/state/selectors.ts'
import { update } from '../../src/ui/state/update.ts'
import { plainText } from '../../src/ui/widgets/line.ts'

/** 2026-11-22 12:00 in the zone of the machine. */
export const noon = new Date(2026, 10, 22, 12, 0, 0).getTime() * 1000
export const second = 1_000_000

export interface TestScreen {
  model(): Model
  /** Key names, blanks between. */
  press(keys: string): void
  type(text: string): void
  send(message: Message): void
  /** Effects since the last call that are not messages. */
  effects(): Effect[]
  /** Answers the newest question of this kind. */
  answer<K extends Ask>(ask: K, answer: Answers[K]): void
  title(): string
  bottom(): string
}

export function createScreen(options: { columns?: number; rows?: number; open?: boolean } = {}): TestScreen {
  const { columns = 80, rows = 24, open = true } = options
  let clock = noon
  let model = initialModel({
    stage: { kind: 'opening', path: 'root' },
    size: { columns, rows },
    version: '0.0.0',
    clock,
  })
  let effects: Effect[] = []
  const asked: { channel: string; query: Query }[] = []
  const send = (message: Message): void => {
    const queue = [message]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      clock += 2 * second
      const [after, wanted] = update({ ...model, clock }, next)
      model = after
      for (const effect of wanted) {
        if (effect.type === 'send') queue.push(effect.message)
        else effects.push(effect)
        if (effect.type === 'ask') asked.push({ channel: effect.channel, query: effect.query })
      }
    }
  }
  const screen: TestScreen = {
    model: () => model,
    press(keys) {
      for (const key of keys.split(' ')) send({ type: 'key', key })
    },
    type(text) {
      for (const character of text) send({ type: 'key', key: character === ' ' ? 'space' : character })
    },
    send,
    effects() {
      const taken = effects
      effects = []
      return taken
    },
    answer(ask, answer) {
      const question = asked.findLast(({ query }) => query.ask === ask)
      if (question === undefined) throw new Error(`nothing asked for ${ask}`)
      send({ type: 'answer', channel: question.channel, ask, query: question.query, answer } as unknown as Message)
    },
    title: () => plainText(titleLine(model)),
    bottom() {
      const message = messageRow(model)
      if (message === undefined) return plainText(hintLine(model)).trimEnd()
      return [...(message.above ?? []), message.line].map(row => plainText(row).trimEnd()).join('\n')
    },
  }
  if (open)
    send({
      type: 'opened',
      root: { path: '/r', shownPath: '~/r', access: 'write', notices: [] },
      lastSeq: 41,
    })
  return screen
}

export const link = (digit: string): Link => ({ codec: 'raw', id: digit.repeat(64).slice(0, 64) as ObjectId })
export const entry = (name: string, size = 3, digit = 'a'): Entry => ({
  name,
  kind: 'file',
  mode: 0o644,
  size,
  content: link(digit),
})

export const listed = (path: string, more: Partial<ListedEntry> = {}): ListedEntry => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  path,
  kind: 'file',
  mode: 0o644,
  size: 310,
  mtime: noon - 60 * second,
  mark: '=',
  reason: 'as recorded',
  ...more,
})

export const changed = (path: string, more: Partial<Change> = {}): Change => ({
  path,
  state: 'changed',
  kind: 'file',
  recorded: entry(path),
  disk: { kind: 'file', mode: 0o644, size: 5, mtime: noon - 3600 * second },
  differs: ['content'],
  reason: 'changed outside',
  drift: 'warn',
  ...more,
})

export function report(changes: readonly Change[], more: Partial<StatusReport> = {}): StatusReport {
  const counts = { changed: 0, new: 0, gone: 0, damaged: 0, applying: 0, unapplied: 0, unreadable: 0 }
  for (const { state } of changes) counts[state]++
  return {
    rootPath: '/r',
    records: 42,
    root: '0'.repeat(64) as ObjectId,
    time: noon,
    changes,
    counts,
    filesChecked: 10,
    filesHashed: 0,
    bytesHashed: 0,
    skipped: [],
    ignored: 0,
    lastLook: noon - 7200 * second,
    settingsCandidate: 'none',
    snapshots: 2,
    notices: [],
    ...more,
  } as StatusReport
}

export const record = (seq: number, more: Partial<RecordView> = {}): RecordView => ({
  seq,
  time: noon - (1000 - seq) * second,
  actor: 'owner',
  action: 'put',
  subject: { kind: 'file', id: `f${seq}` },
  effect: 'permit',
  rule: '',
  root: '0'.repeat(64) as ObjectId,
  changed: 1,
  doubtful: false,
  forgotten: false,
  fields: {},
  leaf: '1'.repeat(64),
  summary: `put f${seq}`,
  ...more,
})

export const snapshot = (name: string, seq: number, more: Partial<SnapshotView> = {}): SnapshotView => ({
  name,
  label: '',
  seq,
  root: '0'.repeat(64) as ObjectId,
  time: noon - (1000 - seq) * second,
  kind: 'manual',
  pinned: false,
  ...more,
})

export const point = (seq: number, more: Partial<StatePoint> = {}): StatePoint => ({
  root: '0'.repeat(64) as ObjectId,
  seq,
  time: noon - 86_400 * second,
  text: `#${seq}`,
  ...more,
})

export const result = (more: Partial<OperationResult> = {}): OperationResult => ({
  seq: 42,
  action: 'restore',
  changed: ['etc/fstab'],
  changedCount: 1,
  unapplied: [],
  drifted: [],
  notices: [],
  ...more,
})
