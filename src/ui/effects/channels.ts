// Questions under way. A new one on a channel cancels the one before; the look at the tree is the exception: it is
// never thrown away by the next wish, which waits for its end instead, or it would never end while much happens.
import { isSentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'
import type { Effect, Message } from '../state/model.ts'
import type { Answered, Ask, Query, QueryOf } from '../state/query.ts'
import { problemOf } from './problem.ts'
import { type AskContext, answerers } from './queries.ts'
import { createWorkReport } from './workReport.ts'

type AskEffect = Extract<Effect, { type: 'ask' }>

interface Running {
  readonly controller: AbortController
  started: boolean
  again: boolean
}

export interface Channels {
  ask(effect: AskEffect): void
  forget(channel: string): void
  /** Stops what runs and waits for nothing. */
  cancelAll(): void
}

const workTexts: Partial<Readonly<Record<Ask, string>>> = {
  status: 'looking at the tree',
  versions: 'reading versions',
  diff: 'comparing',
  scan: 'searching the journal',
  seek: 'searching the journal',
  rollbackPreview: 'working out what a rollback touches',
  space: 'counting what snapshots hold',
}

export function createChannels(options: {
  readonly system: System
  readonly session: string
  readonly post: (message: Message) => void
}): Channels {
  const { system, session, post } = options
  const running = new Map<string, Running>()
  const cancel = (channel: string): void => {
    running.get(channel)?.controller.abort()
    running.delete(channel)
  }
  const start = async (effect: AskEffect, own: Running): Promise<void> => {
    const { channel, query } = effect
    const { signal } = own.controller
    if (signal.aborted) return
    own.started = true
    const report = createWorkReport({ channel, text: workTexts[query.ask], cancellable: query.ask !== 'status', post })
    try {
      const answered = await awaited(
        answer(query, { system, session, signal, progress: report.progress, inSlices: true }),
      )
      if (!signal.aborted) post({ type: 'answer', channel, ...answered })
    } catch (error) {
      const cancelled = isSentientError(error, 'CANCELLED') && query.ask !== 'status'
      if (!signal.aborted && !cancelled) post({ type: 'refused', channel, query, problem: problemOf(error) })
    } finally {
      report.end()
      if (running.get(channel) === own) running.delete(channel)
      if (own.again && !signal.aborted) ask(effect)
    }
  }
  const ask = (effect: AskEffect): void => {
    const { channel, query, delayMs } = effect
    if (delayMs === undefined && isImmediate(system, query)) {
      cancel(channel)
      answerNow(effect)
      return
    }
    const before = running.get(channel)
    if (query.ask === 'status' && before !== undefined) {
      before.again = before.started
      return
    }
    cancel(channel)
    const own: Running = { controller: new AbortController(), started: false, again: false }
    running.set(channel, own)
    setTimeout(() => void start(effect, own), delayMs ?? 0)
  }
  const never = new AbortController().signal
  const answerNow = ({ channel, query }: AskEffect): void => {
    try {
      const answered = answer(query, { system, session, signal: never, progress: () => undefined, inSlices: false })
      post({ type: 'answer', channel, ...answered })
    } catch (error) {
      post({ type: 'refused', channel, query, problem: problemOf(error) })
    }
  }
  return {
    ask,
    forget: cancel,
    cancelAll() {
      for (const channel of [...running.keys()]) cancel(channel)
    },
  }
}

/** What the core answers without waiting: it is there before the next key, so typing ahead means what it says. */
const immediate: ReadonlySet<Ask> = new Set<Ask>(['records', 'snapshots', 'state'])

/** A directory above this is listed in slices: the screen stays awake, and the names come a moment later. */
const immediateEntriesMax = 4_000

function isImmediate(system: System, query: Query): boolean {
  if (query.ask !== 'directory') return immediate.has(query.ask)
  return entriesIn(system, query) <= immediateEntriesMax
}

/** How many entries a directory had when it was recorded; what can not be read is refused when it is listed. */
function entriesIn(system: System, { path, at }: QueryOf<'directory'>): number {
  try {
    return system.entry(path, at === undefined ? {} : { at: system.resolve(at) })?.size ?? 0
  } catch (error) {
    if (isSentientError(error)) return 0
    throw error
  }
}

/** The answer with its question; what the table gives for a kind of question is the answer of that kind. */
function answer(query: Query, context: AskContext): Answered {
  const answerer = answerers[query.ask] as (query: Query, context: AskContext) => unknown
  return { ask: query.ask, query, answer: answerer(query, context) } as Answered
}

/** The same, when the answer takes its time. */
async function awaited(answered: Answered): Promise<Answered> {
  return { ...answered, answer: await answered.answer } as Answered
}
