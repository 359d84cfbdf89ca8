// What examinations of `doctor` give, and how they say sizes.
import type { Directory, Host } from '../host/host.ts'
import type { LogKeys } from '../keys/keys.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { many } from './report.ts'

export interface DoctorCheck {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'bad'
  readonly text: string
  readonly hint?: string
}

export interface Patient {
  readonly host: Host
  readonly context: TimelineContext
  readonly keys: LogKeys
}

export const ok = (name: string, text: string): DoctorCheck => ({ name, state: 'ok', text })
export const warn = (name: string, text: string, hint?: string): DoctorCheck =>
  hint === undefined ? { name, state: 'warn', text } : { name, state: 'warn', text, hint }
export const bad = (name: string, text: string, hint?: string): DoctorCheck =>
  hint === undefined ? { name, state: 'bad', text } : { name, state: 'bad', text, hint }

export const megabytes = (bytes: number): string =>
  bytes < 1 << 20 ? many(bytes, 'byte') : `${Math.floor(bytes / (1 << 20))} MiB`

export function sizeOfAll(directory: Directory): number {
  return directory.list().reduce((sum, { name }) => sum + (directory.stat(name)?.size ?? 0), 0)
}
