// find: paths by name and kind, one line each.

import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import type { System } from '../../core/system.ts'
import type { GovernedPath } from '../../core/timeline/model.ts'
import { listedData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import { markedBy } from './marks.ts'
import { proofOf } from './proof.ts'
import type { findSpec } from './spec.ts'

/** A pattern where the directory stands is the habit of other programs. */
function checkIsNoPattern(system: System, path: GovernedPath): void {
  if (system.entry(path) !== undefined) return
  const shown = displayBytes(path)
  throw new SentientError('PATH_NOT_FOUND', { where: shown, hint: `For a pattern: sentctl find --name "${shown}"` })
}

export const run: Handler<typeof findSpec> = async function* ({ system, args, signal, cwd }) {
  const under = system.governedPath(args.dir ?? '.', cwd)
  if (args.dir !== undefined && args.name === undefined && /[*?[]/.test(args.dir)) checkIsNoPattern(system, under)
  const at = args.at === undefined ? undefined : system.resolve(args.at)
  const point = args.zk ? system.resolve(args.at ?? 'now') : undefined
  const looked = args.zk && at === undefined
  const report = looked
    ? yield* relay(system.status({ signal, ...(under === '' ? {} : { under: [under] }) }))
    : undefined
  const marked = report === undefined ? undefined : markedBy(report)
  const found = system.find({
    signal,
    under,
    ...(args.name === undefined ? {} : { name: args.name }),
    ...(args.kind === undefined ? {} : { kind: args.kind }),
    ...(at === undefined ? {} : { at }),
  })
  for await (const each of found) {
    const entry = marked === undefined ? each : marked(each)
    const data = listedData(entry)
    yield { item: point === undefined ? data : { ...data, proof: proofOf(system, entry, point) } }
  }
  return { result: undefined }
}
