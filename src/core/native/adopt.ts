// The calls that count and that store a whole tree.

import { byteStringOf } from '../format/bytes.ts'
import { dagLink, type ObjectId } from '../format/id.ts'
import type { ByteString } from '../host/host.ts'
import { callNative, placeOf, type RawBridge } from './bridge.ts'
import type { Adopted, AdoptRequest, NativeRule, NativeWork, StagedPack, Surveyed, SurveyRequest } from './native.ts'

interface Answer {
  readonly files: ObjectId
  readonly count: number
  readonly changes: { readonly id: ObjectId; readonly count: number } | null
  readonly problems: readonly [ByteString, Adopted['problems'][number]['reason']][]
  readonly hardLinks: number
  readonly keptFiles: number
  readonly keptBytes: number
  readonly packs: readonly StagedPack[]
}

export async function* adoptNatively(bridge: RawBridge, request: AdoptRequest): NativeWork<Adopted> {
  const root = placeOf(request.root)
  const stage = placeOf(request.stage)
  const derived = request.cache && placeOf(request.cache.directory)
  if (root === undefined || stage === undefined) return undefined
  const cache = request.cache && { cacheName: request.cache.name, settledBelow: `${request.cache.settledBelowNs}` }
  const answer = yield* callNative(bridge, {
    name: 'adopt',
    request: {
      ...{ root, stage, rules: rulesOf(request.rules), outside: request.outside },
      ...{ level: request.zstdLevel, seed: byteStringOf(request.seed), owner: request.owner },
      ...{ threads: request.threads ?? 0 },
      ...(derived === undefined ? {} : { derived, ...cache }),
    },
    phase: 'storing',
    unit: 'files',
    signal: request.signal,
  })
  if (answer === undefined) return undefined
  const { files, count, changes, problems, hardLinks, keptFiles, keptBytes, packs } = answer.value as Answer
  return {
    ...{ count, hardLinks, packs, files: dagLink(files), kept: { files: keptFiles, bytes: keptBytes } },
    changes: changes === null ? undefined : { link: dagLink(changes.id), count: changes.count },
    problems: problems.map(([path, reason]) => ({ path, reason })),
  }
}

export async function* surveyNatively(bridge: RawBridge, request: SurveyRequest): NativeWork<Surveyed> {
  const root = placeOf(request.root)
  if (root === undefined) return undefined
  const answer = yield* callNative(bridge, {
    name: 'survey',
    request: { root, rules: rulesOf(request.rules), outside: request.outside, threads: 0 },
    ...{ phase: 'counting', unit: 'files', signal: request.signal },
  })
  return answer && (answer.value as Surveyed)
}

/** Rules as the other side takes them: it translates the expressions, or declines. */
export function rulesOf(rules: readonly NativeRule[]) {
  return rules.map(({ expression, negated, directoriesOnly }) => ({
    expression: expression.source,
    negated,
    directoriesOnly,
  }))
}
