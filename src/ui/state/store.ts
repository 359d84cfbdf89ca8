// Holds the model: takes messages, runs update, hands effects on, tells who draws. Messages that effects send at once
// are taken in order within the same turn; drawing happens at most every few milliseconds.
import type { Effect, Message, Model } from './model.ts'
import { update } from './update.ts'

export interface Store {
  get(): Model
  dispatch(message: Message): void
  /** Calls back after changes, not for each of them. */
  subscribe(changed: () => void): () => void
  /** No more messages are taken. */
  close(): void
}

export interface StoreOptions {
  readonly initial: Model
  readonly nowMicros: () => number
  /** Runs an effect that is not a message. */
  readonly run: (effect: Exclude<Effect, { type: 'send' }>) => void
}

/** Two frames closer than this become one. */
const frameMs = 16

export function createStore({ initial, nowMicros, run }: StoreOptions): Store {
  let model = initial
  let closed = false
  let working = false
  let drawnMs = 0
  let timer: NodeJS.Timeout | undefined
  const queue: Message[] = []
  const listeners = new Set<() => void>()
  const draw = (): void => {
    timer = undefined
    drawnMs = performance.now()
    for (const listener of listeners) listener()
  }
  const changed = (): void => {
    if (timer !== undefined) return
    const waitMs = drawnMs + frameMs - performance.now()
    if (waitMs <= 0) draw()
    else timer = setTimeout(draw, waitMs)
  }
  const takeAll = (): void => {
    working = true
    try {
      for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
        const [next, effects] = update({ ...model, clock: nowMicros() }, message)
        model = next
        for (const effect of effects) {
          if (effect.type === 'send') queue.push(effect.message)
          else run(effect)
        }
      }
    } finally {
      working = false
    }
  }
  return {
    get: () => model,
    dispatch(message) {
      if (closed) return
      queue.push(message)
      if (working) return
      const before = model
      takeAll()
      if (model !== before) changed()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      closed = true
      clearTimeout(timer)
      listeners.clear()
    },
  }
}
