// Progress as messages: nothing for what is quick, then a few a second.
import type { Progress } from '../../core/progress.ts'
import type { Message } from '../state/model.ts'

export interface WorkReport {
  progress(progress: Progress): void
  end(): void
}

const quietMs = 300
const betweenMs = 120

export function createWorkReport(options: {
  readonly channel: string
  /** What is being done; undefined: nothing that needs to be said. */
  readonly text: string | undefined
  readonly cancellable: boolean
  readonly post: (message: Message) => void
}): WorkReport {
  const { channel, text, cancellable, post } = options
  const startedMs = performance.now()
  let saidMs = 0
  let said = false
  return {
    progress({ done, total, unit }) {
      const now = performance.now()
      if (text === undefined || now - startedMs < quietMs || now - saidMs < betweenMs) return
      saidMs = now
      said = true
      post({ type: 'work', work: { channel, text, done, total, unit, cancellable } })
    },
    end() {
      if (said) post({ type: 'workEnded', channel })
    },
  }
}
