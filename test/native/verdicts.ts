// What the program's own verifier and the stand-alone one of the native core say of the same folder, so that it can be
// compared: the codes of all damage, and which records they name.

import { isSentientError } from '../../src/core/errors.ts'
import { openSystem } from '../../src/core/system.ts'
import type { Finding } from '../../src/core/timeline/model.ts'
import { type Folder, run } from '../core/verify/fixtures.ts'
import { verifyAlone } from './standAlone.ts'

/** Verification waits a moment before its second look; a test has nobody to wait for. */
const impatient = ({ host }: Folder): Folder['host'] => ({
  ...host,
  clock: { ...host.clock, sleep: () => Promise.resolve() },
})

async function findingsOfTypeScript(folder: Folder): Promise<readonly Finding[] | string> {
  try {
    const system = await openSystem(impatient(folder), { rootPath: folder.path, access: 'read' })
    try {
      const { findings } = await run(system.verify({ deep: true }))
      return findings
    } finally {
      // On its way out it signs nothing over a checkpoint that the records do not have: it has told so above.
      await system.close().catch((error: unknown) => {
        if (!isSentientError(error, 'DAMAGED')) throw error
      })
    }
  } catch (error) {
    if (!isSentientError(error)) throw error
    return error.code
  }
}

export interface Told {
  readonly code: string
  readonly severity: string
  readonly path?: string
  readonly seq?: number
}

/**
 * What both must agree on: the codes of all damage, and which records they name. That something is wrong with an object
 * counts, not where it is told: TypeScript finds objects by the indexes, the stand-alone verifier by reading the packs;
 * where an index lies, the two look at other places.
 */
function essence(findings: readonly Told[] | string, isIndexWrong: boolean): string[] {
  if (typeof findings === 'string') return [findings]
  // A recycle.trace that is not whole is noted, and one that says something wrong is damage: both must tell these apart.
  const damage = findings.filter(({ severity, code }) => severity === 'damage' || code === 'trace-damaged')
  const codes = damage.map(({ code, seq, severity }) => {
    if (code === 'trace-damaged') return `${code} ${severity}`
    if (isOfObject.test(code)) return isIndexWrong ? '' : 'object'
    return namesSeq.has(code) ? `${code} ${seq}` : code
  })
  const unsure = new Set([
    '',
    // Where records are lost, TypeScript also asks the tiles for the root; these may be what is damaged.
    ...(codes.some(code => /^record-/.test(code)) ? ['checkpoint-mismatch'] : []),
    // How long a damaged object was, its entry says: TypeScript holds that against who leads to it.
    ...(damage.some(({ code }) => isOfObject.test(code)) ? ['node-not-canonical'] : []),
  ])
  return [...new Set(codes)].filter(code => !unsure.has(code)).sort()
}

const isOfObject = /^(?:object-damaged|object-missing|pack-entry-damaged)$/
const namesSeq = new Set(['record-damaged', 'record-missing', 'body-damaged', 'body-untrue', 'chain-broken'])

/** What these held TypeScript knows from elsewhere and goes on with; the stand-alone verifier goes on with what it finds. */
const knownElsewhere: ReadonlySet<string> = new Set(['key-damaged', 'format-damaged'])

export interface TwinsVerdict {
  /** What the stand-alone verifier found, and what each found alone. */
  readonly native: readonly string[]
  readonly onlyNative: readonly string[]
  readonly onlyTypeScript: readonly string[]
  /** By TypeScript. */
  readonly isDamaged: boolean
  readonly findings: readonly Finding[] | string
  readonly alone: readonly Told[] | string
}

export async function askTwins(folder: Folder): Promise<TwinsVerdict> {
  // First, as it changes nothing: who opens a folder may bring derived files up to date.
  const alone = verifyAlone(folder.path)
  const findings = await findingsOfTypeScript(folder)
  const isIndexWrong = typeof findings !== 'string' && findings.some(({ code }) => code === 'index-damaged')
  const native = essence(alone, isIndexWrong)
  const typescript = essence(findings, isIndexWrong)
  const known = typescript.find(told => knownElsewhere.has(told))
  const agreed = known !== undefined && (native.includes(known) || native.includes('DAMAGED'))
  return {
    native,
    onlyNative: agreed ? [] : native.filter(told => !typescript.includes(told)),
    onlyTypeScript: agreed ? [] : typescript.filter(told => !native.includes(told)),
    isDamaged: typeof findings === 'string' || findings.some(({ severity }) => severity === 'damage'),
    findings,
    alone,
  }
}

/** Undefined when they agree. */
export function disagreementOf({ onlyNative, onlyTypeScript }: TwinsVerdict): string | undefined {
  if (onlyNative.length + onlyTypeScript.length === 0) return undefined
  return `only native: ${onlyNative.join(', ')}\n  only TypeScript: ${onlyTypeScript.join(', ')}`
}
