// The settings: their shape, their defaults, and the strict reading of sentient.yaml.
import type { DriftRule } from './model.ts'

export interface Settings {
  readonly version: 1
  readonly retention: {
    readonly snapshots: number
    readonly hourly: number
    readonly daily: number
    readonly weekly: number
  }
  /** Patterns as in .gitignore, for paths that are never looked at. */
  readonly ignore: readonly string[]
  readonly gitignore: boolean
  readonly durability: 'full' | 'relaxed'
  readonly zk: boolean
  readonly metadata: readonly ('owner' | 'xattrs')[]
  readonly drift: readonly { readonly paths: readonly string[]; readonly do: DriftRule }[]
  readonly watch: { readonly absorb: boolean; readonly quietMinutes: number }
  readonly limits: { readonly memory: 'normal' | 'low' }
}
