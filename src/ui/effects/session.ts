// Keeps where somebody is on the screen in a file of the root folder: when an operation begins or ends, when somebody
// pauses while he types, else every few seconds; and says at the next start what became of what was running.

import { isSentientError } from '../../core/errors.ts'
import type { Session } from '../../core/format/session.ts'
import type { System } from '../../core/system.ts'
import { type Killed, memoryOf } from '../state/memory.ts'
import type { Model } from '../state/model.ts'
import { type Operation, operationText } from '../state/operation.ts'
import { operationOfStored, storedOperation } from '../state/storedOperation.ts'
import { clockText } from '../widgets/format.ts'
import { safeText } from '../widgets/text.ts'

export interface SessionKeeper {
  /** The screen has changed. */
  changed(model: Model): void
  /** What runs from now on; undefined when it has ended. Written at once. */
  operation(running: Operation | undefined): void
  /** Writes the last of it; `ended`: it was left by a key. */
  end(ended: boolean): void
}

const pauseMs = 300
const everyMs = 3_000
/** So many records after the last one that was known are looked at for what the session did before it was killed. */
const recordsMax = 1_000

export function createSessionKeeper(system: Pick<System, 'now' | 'saveSession'>): SessionKeeper {
  let latest: Model | undefined
  let running: Operation | undefined
  let saved = ''
  let savedMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const save = (ended: boolean): void => {
    clearTimeout(timer)
    timer = undefined
    if (latest === undefined) return
    const screen = memoryOf(latest)
    const operation = running === undefined ? '' : operationText(running).slice(0, 1_000)
    const again = running === undefined ? '' : storedOperation(running)
    const state = { ended, lastSeq: system.now().records - 1, operation, again, screen }
    const text = JSON.stringify(state)
    if (text === saved) return
    saved = text
    savedMs = performance.now()
    system.saveSession(state)
  }
  return {
    changed(model) {
      if (model.stage.kind !== 'open' || model === latest) return
      const first = latest === undefined
      latest = model
      // From now on the session is this process's own.
      if (first) return save(false)
      const types = model.overlays.at(-1)?.kind === 'prompt'
      if (timer !== undefined && !types) return
      clearTimeout(timer)
      const waitMs = types ? pauseMs : Math.max(pauseMs, savedMs + everyMs - performance.now())
      timer = setTimeout(() => save(false), waitMs)
      timer.unref()
    },
    operation(now) {
      running = now
      save(false)
    },
    end: save,
  }
}

/** For a session that was killed: what became of what it did; undefined when it was left by a key. */
export function killedSession(system: Pick<System, 'now' | 'records'>, last: Session): Killed | undefined {
  if (last.ended) return undefined
  const killed = `Killed ${clockText(last.saved)}`
  const did = lastRecordOf(system, last)
  if (did !== undefined) return { text: `${killed}. ${safeText(did.summary)}, #${did.seq}, was recorded: u undoes` }
  const again = operationOfStored(last.again)
  // What Enter would run is said by the operation itself, not by what the file says of it.
  if (again !== undefined)
    return { text: `${killed}. ${safeText(operationText(again))}: not recorded, nothing changed`, again }
  if (last.operation !== '') return { text: `${killed}. ${safeText(last.operation)}: not recorded, nothing changed` }
  const { prompt } = last.screen
  return { text: `${killed}. ${prompt === null ? 'This is where you were' : 'What you typed is in the prompt'}` }
}

function lastRecordOf(system: Pick<System, 'now' | 'records'>, { id, lastSeq }: Session) {
  const from = Math.max(lastSeq + 1, system.now().records - recordsMax)
  try {
    for (const record of system.records({ from, newestFirst: true })) if (record.fields.session === id) return record
  } catch (error) {
    // Records that can not be read are said elsewhere.
    if (!isSentientError(error)) throw error
  }
  return undefined
}
