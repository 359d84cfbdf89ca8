// ls: directories with the integrity column.

import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import type { GovernedPath, ListedEntry } from '../../core/timeline/model.ts'
import { type ListedData, listedData, pathData } from '../data.ts'
import { type CommandContext, type Handler, type OutputOf, relay } from '../spec.ts'
import { markedBy } from './marks.ts'
import { proofOf } from './proof.ts'
import type { lsSpec } from './spec.ts'

type Context = CommandContext<typeof lsSpec>
type Listing = OutputOf<typeof lsSpec>['directories'][number]

export const run: Handler<typeof lsSpec> = async function* (context) {
  const { system, args, cwd } = context
  const paths = (args.path.length === 0 ? ['.'] : args.path).map(text => system.governedPath(text, cwd))
  const at = args.at === undefined ? {} : { at: system.resolve(args.at) }
  const marked = args.check && args.at === undefined ? markedBy(yield* relay(lookAt(context, paths))) : asItIs
  const named: ListedEntry[] = []
  const directories: GovernedPath[] = []
  for (const path of paths) {
    const entry = path === '' ? undefined : system.entry(path, at)
    if (path !== '' && entry === undefined) throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
    if (entry === undefined || entry.kind === 'dir') directories.push(path)
    else named.push(marked(entry))
  }
  const listings: Listing[] = []
  if (named.length > 0) listings.push({ path: '', entries: yield* entriesData(context, named, asItIs) })
  for (const path of directories) {
    const entries = yield* relay(system.list(path, { ...at, signal: context.signal }))
    listings.push({ ...pathData(path), entries: yield* entriesData(context, entries, marked) })
    // There may be very many: what they were made of is not needed any more.
    entries.length = 0
  }
  return { result: { ...('at' in at ? { state: at.at!.text } : {}), directories: listings } }
}

const asItIs = (entry: ListedEntry): ListedEntry => entry

function lookAt({ system, signal }: Context, paths: readonly GovernedPath[]) {
  return system.status({ signal, ...(paths.includes('') ? {} : { under: paths }) })
}

async function* entriesData(
  { system, args, signal }: Context,
  entries: readonly ListedEntry[],
  marked: (entry: ListedEntry) => ListedEntry,
) {
  if (!args.zkVerify) return entries.map(entry => listedData(marked(entry)))
  const point = system.resolve(args.at ?? 'now')
  const data: ListedData[] = []
  for (const entry of entries) {
    if (signal.aborted) throw new SentientError('CANCELLED')
    const shown = marked(entry)
    data.push({ ...listedData(shown), proof: proofOf(system, shown, point) })
    yield {
      progress: { phase: 'checking objects', done: data.length, total: entries.length, unit: 'objects' },
    } as const
    await new Promise(setImmediate)
  }
  return data
}
