// What of the long tests has run, by commit, outside the checkout: so that nothing that was green is run again, and
// docs/reliability.md can say what was tried.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export interface Outcome {
  readonly part: string
  readonly twin: string
  readonly green: boolean
  readonly seconds: number
  readonly seed: number
  /** How many of what, as the piece said. */
  readonly tried: Readonly<Record<string, number>>
  /** ISO. */
  readonly ended: string
}

export interface LongState {
  readonly commit: string
  readonly outcomes: Record<string, Outcome>
}

export function stateFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache')
  return path.join(cache, 'sentientos', 'long')
}

const fileOf = (key: string): string => path.join(stateFolder(), `${key}.json`)

/** Of what is tested: the commit, and a digest of what was changed since. */
export function keyOf(commit: string, changes: string): string {
  const short = commit.slice(0, 12)
  return changes === '' ? short : `${short}-${createHash('sha256').update(changes).digest('hex').slice(0, 8)}`
}

export function readState(key: string): LongState {
  try {
    return JSON.parse(fs.readFileSync(fileOf(key), 'utf8')) as LongState
  } catch {
    return { commit: key, outcomes: {} }
  }
}

/** Adds one outcome. Others may run other parts at the same time: what they wrote is read again first. */
export function addOutcome(key: string, piece: string, outcome: Outcome): LongState {
  const state = readState(key)
  state.outcomes[piece] = outcome
  fs.mkdirSync(stateFolder(), { recursive: true })
  const temporary = `${fileOf(key)}.${process.pid}`
  fs.writeFileSync(temporary, `${JSON.stringify(state, undefined, 1)}\n`)
  fs.renameSync(temporary, fileOf(key))
  return state
}

/** All that was ever run on this machine. */
export function allStates(): LongState[] {
  if (!fs.existsSync(stateFolder())) return []
  const names = fs.readdirSync(stateFolder()).filter(name => name.endsWith('.json'))
  return names.map(name => readState(path.basename(name, '.json')))
}

export interface Row {
  readonly part: string
  readonly twin: string
  readonly commits: readonly string[]
  readonly pieces: number
  readonly failed: number
  readonly minutes: number
  /** By pieces that came to their end. */
  readonly tried: ReadonlyMap<string, number>
  readonly seeds: readonly number[]
}

/** One row a part and twin. */
export function rowsOf(states: readonly LongState[]): Row[] {
  const all = states.flatMap(({ commit, outcomes }) => Object.values(outcomes).map(one => ({ ...one, commit })))
  const groups = Map.groupBy(all, ({ part, twin }) => `${part} ${twin}`)
  return [...groups.values()].map(unsorted => {
    const group = unsorted.toSorted((a, b) => (a.ended < b.ended ? -1 : 1))
    const tried = new Map<string, number>()
    for (const one of group.filter(({ green }) => green)) {
      for (const [what, count] of Object.entries(one.tried)) tried.set(what, (tried.get(what) ?? 0) + count)
    }
    const { part = '', twin = '' } = group[0] ?? {}
    return {
      ...{ part, twin, tried },
      commits: [...new Set(group.map(({ commit }) => commit))],
      pieces: group.length,
      failed: group.filter(({ green }) => !green).length,
      minutes: group.reduce((sum, { seconds }) => sum + seconds, 0) / 60,
      seeds: group.map(({ seed }) => seed).sort((a, b) => a - b),
    }
  })
}

/** A table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const head = '| part | twin | tried | seeds | minutes | commits | pieces |\n|---|---|---|---|---:|---|---|'
  const lines = rows.map(({ part, twin, tried, seeds, minutes, commits, pieces, failed }) => {
    const counts = [...tried].map(([what, count]) => `${count.toLocaleString('en-US')} ${what}`).join(', ')
    const range = seeds.length < 2 ? `${seeds[0] ?? ''}` : `${seeds[0]} to ${seeds.at(-1)}`
    const result = failed === 0 ? `${pieces} green` : `${pieces - failed} green, ${failed} failed`
    const commit = commits.length < 2 ? (commits[0] ?? '') : `${commits[0]} to ${commits.at(-1)}`
    return `| ${part} | ${twin} | ${counts} | ${range} | ${minutes.toFixed(0)} | ${commit} | ${result} |`
  })
  return [head, ...lines, ''].join('\n')
}
