// `--log FILE`: one JSON line when a run starts, ends or fails. Errors are written in full, contents of files never.

import fs from 'node:fs'
import type { SentientError } from '../core/errors.ts'
import { errorData } from './errors.ts'

export interface RunLog {
  write(event: string, details?: Readonly<Record<string, unknown>>): void
  failed(error: SentientError): void
}

const silentLog: RunLog = { write() {}, failed() {} }

/** Throws what opening the file throws; later failures to write are ignored: the run matters more than its log. */
export function openRunLog(file: string | undefined): RunLog {
  if (file === undefined) return silentLog
  const fd = fs.openSync(file, 'a', 0o600)
  const write: RunLog['write'] = (event, details = {}) => {
    try {
      fs.writeSync(fd, `${JSON.stringify({ time: new Date().toISOString(), pid: process.pid, event, ...details })}\n`)
    } catch {}
  }
  return {
    write,
    failed: error => write('error', { ...errorData(error), stack: error.stack, causes: causesOf(error) }),
  }
}

function causesOf(error: Error): string[] {
  const causes: string[] = []
  for (let cause = error.cause; cause instanceof Error && causes.length < 10; cause = cause.cause) {
    causes.push(cause.stack ?? cause.message)
  }
  return causes
}
