// What a verification gathers: lines of what was checked, and findings, of which only so many are kept.
import type { Finding, VerifyCheck } from '../timeline/model.ts'

export const findingsMax = 10_000

export interface Report {
  /** The check's line; `text` is one line for people. Notes do not count as its findings. */
  line(name: string, checked: number, text: string): void
  /** The finding as it is kept. */
  found(check: string, finding: Finding): Finding
  readonly checks: readonly VerifyCheck[]
  /** The first of them; the checks count all. */
  readonly findings: readonly Finding[]
}

export function createReport(): Report {
  const lines: { name: string; checked: number; text: string }[] = []
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  return {
    line(name, checked, text) {
      lines.push({ name, checked, text })
    },
    found(check, finding) {
      if (finding.severity !== 'note') counts.set(check, (counts.get(check) ?? 0) + 1)
      const kept = withoutUndefined(finding)
      if (findings.length < findingsMax) findings.push(kept)
      return kept
    },
    get checks() {
      return lines.map(line => ({ ...line, findings: counts.get(line.name) ?? 0 }))
    },
    findings,
  }
}

/** Keys that say nothing are left out, so that findings can be compared and printed as they are. */
function withoutUndefined(finding: Finding): Finding {
  return Object.fromEntries(Object.entries(finding).filter(([, value]) => value !== undefined)) as unknown as Finding
}

export function many(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}
