// What is on the screen while no root folder is open: the first start, the opening, and why it did not open.
import { displayBytes } from '../../core/format/bytes.ts'
import type { FolderSurvey } from '../../core/system.ts'
import type { FirstStart, Model, Stage } from '../state/model.ts'
import { bytesText, plural } from './format.ts'
import { emptyLine, type Line, line, span } from './line.ts'
import { safeText, wrap } from './text.ts'

export function stageLines(model: Model, height: number): Line[] {
  const { stage } = model
  switch (stage.kind) {
    case 'first-start':
      return firstStartLines(stage, model.size.columns, height)
    case 'opening':
      return [emptyLine, line(`  opening ${safeText(stage.path)} ...`, 'dim')]
    case 'failed':
      return failedLines(stage, model.size.columns)
    case 'open':
      return []
  }
}

function failedLines({ path, problem }: Extract<Stage, { kind: 'failed' }>, columns: number): Line[] {
  const wrapped = (text: string): Line[] => wrap(text, columns - 4).map(part => line(`  ${part}`))
  return [
    emptyLine,
    line(`  ${safeText(path)} could not be opened.`, 'bad'),
    emptyLine,
    ...wrapped(problem.text),
    emptyLine,
    ...wrapped(problem.hint),
    emptyLine,
    line(`  sentctl explain ${problem.code} says more.`, 'dim'),
  ]
}

function firstStartLines(stage: Extract<Stage, { kind: 'first-start' }>, columns: number, height: number): Line[] {
  const { start, shownPath } = stage
  const rows: Line[] = [emptyLine, [span('  No history here yet.  ', 'strong'), span(shownPath, 'dim')], emptyLine]
  if (start.problem !== undefined)
    rows.push(
      ...wrap(`${start.problem.text}. ${start.problem.hint}`, columns - 4).map(part => line(`  ${part}`, 'bad')),
      emptyLine,
    )
  if (start.adopting)
    return [...rows, line('  Starting the history: every file is read once, none is changed.'), emptyLine]
  if (start.choosing) return [...rows, ...choiceLines(start, columns, Math.max(1, height - rows.length - 3))]
  const option = (key: string, text: string): Line[] =>
    wrap(text, columns - 8).map((part, index) => [span(index === 0 ? `  ${key}  ` : '     ', 'key'), span(part)])
  const survey = start.survey
  return [
    ...rows,
    ...option('1', survey === undefined ? 'start: counting what is here ...' : startText(survey)),
    ...option('2', 'choose what to skip'),
    ...option('3', 'demo: look at a folder made for trying things out'),
    ...option('q', 'quit'),
    emptyLine,
    ...(survey === undefined ? [] : warningLines(survey, columns)),
  ]
}

/** `start: 2,314 files, 48 MB, ~20 s; changes none of them; skips .git, caches, *.log` */
function startText({ files, bytes, secondsEstimate, skips }: FolderSurvey): string {
  const skipped = skips.filter(skip => skip.files > 0).map(({ pattern }) => safeText(pattern))
  const shown = skipped.slice(0, 6).join(', ') + (skipped.length > 6 ? ' ...' : '')
  const seconds = `~${Math.max(1, Math.round(secondsEstimate))} s`
  return `start: ${plural(files, 'file')}, ${bytesText(bytes)}, ${seconds}; changes none of them${shown === '' ? '' : `; skips ${shown}`}`
}

function warningLines(survey: FolderSurvey, columns: number): Line[] {
  const rows: Line[] = []
  const say = (text: string): void => {
    for (const part of wrap(text, columns - 4)) rows.push(line(`  ${part}`, 'changed'))
  }
  if (survey.collisions.length > 0)
    say(
      `In the way, rename first: ${survey.collisions.map(displayBytes).join(', ')}. SentientOS keeps its own data under these names.`,
    )
  if (survey.nestedRoots.length > 0)
    say(`Holds root folders of its own: ${survey.nestedRoots.map(displayBytes).join(', ')}.`)
  if (survey.unreadable.length > 0)
    say(`${plural(survey.unreadable.length, 'path')} can not be read and will be left out.`)
  if (survey.special.length > 0)
    say(`${plural(survey.special.length, 'socket, pipe or device', 'sockets, pipes or devices')} will be skipped.`)
  return rows
}

function choiceLines({ patterns, list }: FirstStart, columns: number, height: number): Line[] {
  const rows = patterns.slice(list.top, list.top + height).map(({ pattern, files, bytes, skipped }, index): Line => {
    const selected = list.top + index === list.cursor
    const holds = files === 0 ? '' : `  ${plural(files, 'file')}, ${bytesText(bytes)}`
    return [
      span(
        `${selected ? '>' : ' '} ${skipped ? '[x]' : '[ ]'} skip ${safeText(pattern)}${holds}`,
        selected ? 'selected' : 'plain',
      ),
    ]
  })
  const keys = wrap('Space skips it or not, 1 starts, Esc goes back.', columns - 4).map(part =>
    line(`  ${part}`, 'dim'),
  )
  return [...rows, emptyLine, ...keys]
}
