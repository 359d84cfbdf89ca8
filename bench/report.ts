// The figures as a page: each budget of the history with what it is held against, what was measured, held or missed.
import os from 'node:os'
import type { GrowthFigures } from './growth.ts'
import type { Figures, Work } from './peers.ts'

export interface Measured {
  readonly machine: string
  readonly date: Date
  readonly files: number
  readonly peers: { readonly bytes: number; readonly figures: readonly Figures[] } | undefined
  readonly growth: readonly GrowthFigures[] | undefined
  readonly others: readonly { readonly name: string; readonly text: string }[]
}

interface Budget {
  readonly work: Work | 'size'
  readonly title: string
  /** Only these count; every other program that does it otherwise. */
  readonly against: readonly string[]
  readonly native: number
  readonly typescript: number
}

const everybody = ['git', 'restic', 'borg', 'ostree']

const budgets: readonly Budget[] = [
  { work: 'first', title: 'first snapshot', against: everybody, native: 0.2, typescript: 0.8 },
  { work: 'status', title: 'status, nothing changed', against: ['git'], native: 1, typescript: 3 },
  { work: 'next', title: 'snapshot after 100 changed files', against: everybody, native: 0.6, typescript: 3 },
  { work: 'restore', title: 'restore of the whole tree', against: everybody, native: 0.5, typescript: 1.5 },
  { work: 'back', title: 'rollback of 100 files', against: ['git'], native: 1, typescript: 3 },
  { work: 'verify', title: 'deep verify', against: ['git'], native: 0.3, typescript: 1.5 },
  { work: 'size', title: 'size of the store', against: ['restic'], native: 1.1, typescript: 1.1 },
]

const memoryBudget = 300

const nativeName = 'sentctl'
const typescriptName = 'sentctl, TypeScript'

export function reportText(measured: Measured): string {
  const parts = [
    '# Benchmarks\n',
    `Made by \`npm run bench -- --write\` on ${measured.date.toISOString().slice(0, 10)}: ${measured.machine}. ` +
      'Times are wall times of whole processes, medians where there are several runs; memory is the largest resident size. ' +
      'Absolute times move from machine to machine, so budgets are ratios to other programs in the same run.\n',
  ]
  if (measured.peers !== undefined) parts.push(...peersPart(measured.files, measured.peers))
  if (measured.growth !== undefined) parts.push(...growthPart(measured.growth))
  for (const { name, text } of measured.others) parts.push(`## ${name}\n`, `\`\`\`\n${text.trimEnd()}\n\`\`\`\n`)
  return parts.join('\n')
}

function peersPart(files: number, { bytes, figures }: NonNullable<Measured['peers']>): string[] {
  const works: readonly Work[] = ['first', 'status', 'next', 'back', 'restore', 'verify']
  const rows = figures.map(({ program, version, costs, storeBytes }) => [
    `${program} ${version}`,
    ...works.map(work => {
      const cost = costs[work]
      return cost === undefined ? '-' : `${seconds(cost.seconds)}, ${Math.round(cost.megabytes)} MB`
    }),
    `${(storeBytes / 1e6).toFixed(1)} MB`,
  ])
  return [
    `## ${files.toLocaleString('en')} small files (${Math.round(bytes / 1e6)} MB)\n`,
    '![Seconds of each program](pictures/benchmarks.svg)\n',
    table(
      ['', 'first snapshot', 'status', 'after 100 changes', 'back 100 files', 'whole restore', 'deep check', 'store'],
      rows,
    ),
    `${figures
      .filter(({ note }) => note !== '')
      .map(({ program, note }) => `- ${program}: ${note}.`)
      .join('\n')}\n`,
    'Against the budgets (the ratio to the fastest other program that does it):\n',
    table(
      ['work', 'against', 'native', 'budget', 'TypeScript', 'budget'],
      budgets.map(budget => budgetRow(budget, figures)),
    ),
    memoryLine(figures),
  ]
}

function budgetRow({ work, title, against, native, typescript }: Budget, figures: readonly Figures[]): string[] {
  const amount = (figure: Figures) => (work === 'size' ? figure.storeBytes : figure.costs[work]?.seconds)
  const peers = figures.flatMap(figure => {
    const value = amount(figure)
    return against.includes(figure.program) && value !== undefined ? [{ name: figure.program, value }] : []
  })
  const best = peers.sort((a, b) => a.value - b.value)[0]
  const cell = (name: string, budget: number): [string, string] => {
    const own = figures.find(({ program }) => program === name)
    const value = own === undefined ? undefined : amount(own)
    if (value === undefined || best === undefined) return ['-', `${budget}x`]
    const ratio = value / best.value
    return [`${ratio.toFixed(2)}x`, `${budget}x, ${ratio <= budget ? 'held' : '**missed**'}`]
  }
  return [title, best?.name ?? '-', ...cell(nativeName, native), ...cell(typescriptName, typescript)]
}

function memoryLine(figures: readonly Figures[]): string {
  const most = figures
    .filter(({ program }) => program === nativeName || program === typescriptName)
    .flatMap(({ program, costs }) =>
      Object.entries(costs).map(([work, cost]) => ({ program, work, megabytes: cost.megabytes })),
    )
    .sort((a, b) => b.megabytes - a.megabytes)[0]
  if (most === undefined) return ''
  const verdict = most.megabytes <= memoryBudget ? 'held' : '**missed**'
  return `Memory: at most ${Math.round(most.megabytes)} MB (${most.program}, ${most.work}); budget ${memoryBudget} MB, ${verdict}.\n`
}

function growthPart(growth: readonly GrowthFigures[]): string[] {
  const works = ['first', 'status', 'put', 'next', 'back', 'log'] as const
  const rows = growth.map(figure => [
    figure.program,
    figure.files.toLocaleString('en'),
    ...works.map(work => `${seconds(figure[work].seconds)}, ${Math.round(figure[work].megabytes)} MB`),
  ])
  return [
    '## Growth with the number of files\n',
    table(
      ['', 'files', 'first snapshot', 'status', 'put of one file', 'snapshot after 100 changes', 'back', 'log -n 20'],
      rows,
    ),
  ]
}

const seconds = (value: number): string => `${value < 1 ? value.toFixed(3) : value.toFixed(2)} s`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

/** Processor, memory, system, without names of machines. */
export function machineText(): string {
  const processors = os.cpus()
  const memory = Math.round(os.totalmem() / 2 ** 30)
  return `${processors.length} processors (${processors[0]?.model.trim() ?? 'unknown'}), ${memory} GiB, Linux ${os.release().split('-')[0]}, Node ${process.version.slice(1)}`
}
