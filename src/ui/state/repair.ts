// Repair as the screen offers it where a recorded content is damaged: what it will do, said before it runs, and what
// came of it. It is `sentctl repair`: it mends all of the history, whatever path it was asked for.
import { displayBytes } from '../../core/format/bytes.ts'
import type { Finding, GovernedPath, RepairReport } from '../../core/timeline/model.ts'
import { plural } from '../widgets/format.ts'
import { emptyLine, type Line, line } from '../widgets/line.ts'
import { safeText } from '../widgets/text.ts'
import type { Panel, Toast } from './model.ts'
import { commandLine, pathsText, type Repair } from './operation.ts'

const pathsShownMax = 8

/** What `Y` will do for paths whose recorded content is damaged; it changes no file of theirs. */
export function repairPreview(paths: readonly GovernedPath[]): Panel {
  const runs: Repair = { do: 'repair', paths }
  const many = paths.length > 1
  const lines: Line[] = [
    line(`Repair ${pathsText(paths)}`, 'strong'),
    ...(many ? paths.slice(0, pathsShownMax).map(path => line(`    ${displayBytes(path)}`, 'damaged')) : []),
    line(`${many ? 'Their' : 'Its'} recorded content is damaged in the store: nothing can be brought back from it.`),
    emptyLine,
    line('Repair reads the whole history and puts what is damaged back from what still holds the same content:'),
    line('the file on disk if it is as it was recorded, or another copy in the store.'),
    line('It rebuilds indexes, and is one record. It changes no file of yours.'),
    line('What is found nowhere is named as lost: w shows older versions, A keeps what is on disk.'),
    emptyLine,
    line(`$ ${commandLine(runs)}`, 'dim'),
  ]
  return { id: 'preview', title: 'repair, what it will do', lines, scroll: 0, runs }
}

/** In one row what came of it. */
export function repairText({ restored, lost, rebuilt }: RepairReport, lastSeq: number): Pick<Toast, 'text' | 'kind'> {
  const number = restored.length > 0 || lost.length > 0 ? ` #${lastSeq}` : ''
  const mended = restored.length === 0 ? '' : `mended ${findingsText(restored)}`
  if (lost.length > 0)
    return { text: `${mended === '' ? '' : `${mended}; `}lost for good: ${findingsText(lost)}${number}`, kind: 'bad' }
  if (mended !== '') return { text: `${mended}${number}; nothing is lost`, kind: 'good' }
  const derived = rebuilt.length > 0 ? `; rebuilt ${rebuilt.map(safeText).join(', ')}` : ''
  return { text: `nothing was damaged${derived}`, kind: 'good' }
}

/** All of the result, where something could not be mended; undefined where one row says it. */
export function repairPanel({ restored, lost, rebuilt }: RepairReport): Panel | undefined {
  if (lost.length === 0) return undefined
  const lines: Line[] = [
    line(`Lost for good: ${findingsText(lost)}`, 'bad'),
    ...lost.map(findingLine),
    line('Nothing in this folder holds these contents any more. Another copy of the folder, a backup, may.'),
    line('A keeps what is on disk now, w and b bring an older version back, d deletes.'),
    emptyLine,
  ]
  if (restored.length > 0) lines.push(line(`Mended: ${findingsText(restored)}`, 'good'), ...restored.map(findingLine))
  if (rebuilt.length > 0) lines.push(line(`Rebuilt: ${rebuilt.map(safeText).join(', ')}`, 'dim'))
  return { id: 'text', title: 'repair, result', lines, scroll: 0 }
}

/** The path where it is one, else how many. */
function findingsText(findings: readonly Finding[]): string {
  const paths = new Set(findings.flatMap(({ path }) => (path === undefined ? [] : [path])))
  const [only] = paths
  if (paths.size === 1 && only !== undefined && findings.every(({ path }) => path === only)) return displayBytes(only)
  return plural(findings.length, 'finding')
}

function findingLine({ code, path, seq, where, found }: Finding): Line {
  const place = [
    ...(path === undefined ? [] : [displayBytes(path)]),
    ...(seq === undefined ? [] : [`#${seq}`]),
    ...(where === undefined ? [] : [safeText(where)]),
  ].join(', ')
  return line(`  ${safeText(code)}  ${place}${found === undefined ? '' : `, found ${safeText(found)}`}`)
}
