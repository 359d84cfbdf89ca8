// Verbs of the command table from the palette: the same handlers as on the command line, their data as a panel.
import type { AnyContext, CommandSpec } from '../../commands/spec.ts'
import { type CommandName, commandNames, isCommandName, specOf } from '../../commands/table.ts'
import { SentientError } from '../../core/errors.ts'
import type { Host } from '../../core/host/host.ts'
import type { Progress } from '../../core/progress.ts'
import type { System } from '../../core/system.ts'
import type { Panel, VerbEntry } from '../state/model.ts'
import { emptyLine, type Line, line, span } from '../widgets/line.ts'
import { safeText } from '../widgets/text.ts'
import { splitWords, verbArguments } from './verbArguments.ts'

/** What the palette knows; verbs that end only when they are interrupted, or need a shell, are left out. */
export function verbEntries(): VerbEntry[] {
  return commandNames.flatMap(name => {
    const spec = specOf(name)
    if (spec.endless === true || shellVerbs.has(name)) return []
    const listed = 'title' in spec.palette
    return [
      {
        name,
        usage: ['sentctl', name, ...spec.positionals.map(positionalText)].join(' '),
        summary: 'title' in spec.palette ? spec.palette.title : spec.summary,
        listed,
        needsWords: spec.positionals.some(({ required }) => required === true),
      },
    ]
  })
}

const shellVerbs: ReadonlySet<CommandName> = new Set(['ui', 'completion', 'man', 'cat'])

const positionalText = ({ name, required, many }: CommandSpec['positionals'][number]): string =>
  `${required === true ? name : `[${name}]`}${many === true ? '...' : ''}`

const itemsMax = 5000

/** Runs a line such as `log -n 5`; its result as rows. Throws what the handler throws. */
export async function runVerb(options: {
  readonly words: string
  readonly system: System
  readonly host: Host
  readonly version: string
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
}): Promise<Panel> {
  const { words, system, host, signal, version, progress } = options
  const spec = findSpec(splitWords(words))
  const context: AnyContext = {
    system: system as never,
    args: verbArguments(spec, splitWords(words).slice(spec.name.split(' ').length)) as never,
    signal,
    cwd: system.rootPath,
    host,
    format: 'data',
    caller: callerOf(system, version),
  }
  const module = await spec.load()
  const lines: Line[] = []
  const work = module.run(context)
  for (;;) {
    const step = await work.next()
    if (step.done === true) {
      if (step.value.result !== undefined) lines.push(...dataLines(step.value.result, 0))
      break
    }
    if ('progress' in step.value) progress(step.value.progress)
    else if ('notice' in step.value) lines.push(line(safeText(step.value.notice), 'dim'))
    else if ('item' in step.value && lines.length < itemsMax) lines.push(...dataLines(step.value.item, 0), emptyLine)
  }
  if (lines.length === 0) lines.push(line('done, nothing to show', 'dim'))
  return { id: 'text', title: `sentctl ${safeText(words)}`, lines, scroll: 0 }
}

function findSpec([first = '', second = '']: readonly string[]): CommandSpec {
  const pair = `${first} ${second}`
  if (isCommandName(pair)) return specOf(pair)
  if (isCommandName(first)) return specOf(first)
  throw new SentientError('USAGE', { what: 'No such verb', found: first, hint: ': lists all of them.' })
}

/** What a verb would borrow from a shell does not exist on the screen. */
function callerOf(system: System, version: string): AnyContext['caller'] {
  const refuse = (): never => {
    throw new SentientError('USAGE', {
      what: 'This needs a shell',
      hint: 'Run it there: q or Ctrl-Z leaves the screen.',
    })
  }
  return {
    version,
    rootOption: system.rootPath,
    environment: {},
    openFile: async () => refuse(),
    outsidePath: refuse,
    writeFile: async () => refuse(),
    standardInput: async () => refuse(),
    openUi: async () => refuse(),
  }
}

/** Plain data as indented rows, in the order of its fields. */
export function dataLines(data: unknown, depth: number): Line[] {
  const indent = '  '.repeat(depth)
  if (Array.isArray(data)) {
    if (data.length === 0) return [line(`${indent}none`, 'dim')]
    return data.slice(0, itemsMax).flatMap(item => {
      const rows = dataLines(item, depth + 1)
      const [first, ...rest] = rows
      return [[span(`${indent}- `, 'dim'), ...trimmedStart(first ?? emptyLine)], ...rest]
    })
  }
  if (typeof data !== 'object' || data === null) return [line(`${indent}${scalarText(data)}`)]
  return Object.entries(data).flatMap(([key, value]) => {
    if (value === undefined) return []
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0)
      return [line(`${indent}${key}:`, 'strong'), ...dataLines(value, depth + 1)]
    const shown = typeof value === 'object' ? 'none' : scalarText(value)
    const [head = '', ...more] = shown.split('\n')
    return [[span(`${indent}${key}: `, 'strong'), span(head)], ...more.map(part => line(`${indent}  ${part}`))]
  })
}

const trimmedStart = ([first, ...rest]: Line): Line =>
  first === undefined ? emptyLine : [span(first.text.trimStart(), first.role), ...rest]

const scalarText = (value: unknown): string => String(value).split('\n').map(safeText).join('\n')
