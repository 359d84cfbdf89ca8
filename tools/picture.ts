// `npm run picture`: pictures of the real screen for the documents. Each scene types keys into `sentctl ui` behind a
// pseudo-terminal and draws what a headless xterm then shows as SVG; `--png FOLDER` also renders them, for looking.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Cell, keys, openTerminal, type Terminal } from '../test/support/terminal.ts'
import { build, isBuildFresh } from './build.ts'

interface Scene {
  readonly name: string
  readonly columns: number
  readonly rows: number
  /** Gets the screen where it is to be seen. */
  readonly play: (terminal: Terminal) => Promise<void>
}

const cellWidth = 8.4
const cellHeight = 18
const fontSize = 14
const margin = 10
const ground = '#16181d'
const ink = '#d6d9de'
/** The terminal's sixteen colours. */
const palette = [
  ['#2b2f36', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d6d9de'],
  ['#7a828e', '#ff7b85', '#b5e08f', '#ffd68a', '#7cc4ff', '#dd96f2', '#70d4e0', '#ffffff'],
].flat()
const svgBytesMax = 100 * 1024

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const rounded = (value: number): string => String(Math.round(value * 10) / 10)

interface Run {
  readonly column: number
  readonly cells: number
  readonly text: string
  readonly style: string
}

const colourOf = (number: number | undefined, otherwise: string): string =>
  number === undefined ? otherwise : (palette[number] ?? otherwise)

function styleOf(cell: Cell): string {
  const front = colourOf(cell.foreground, ink)
  const back = colourOf(cell.background, ground)
  const [foreground, background] = cell.reverse ? [back, front] : [front, back]
  return [foreground, background, cell.bold ? 'b' : '', cell.underline ? 'u' : '', cell.dim ? 'd' : ''].join(' ')
}

/** Neighbouring cells that look the same are one piece of text. */
function runsOf(row: readonly Cell[]): Run[] {
  const runs: Run[] = []
  for (const [column, cell] of row.entries()) {
    if (cell.width === 0) continue
    const style = styleOf(cell)
    const last = runs.at(-1)
    if (last?.style === style && cell.width === 1)
      runs[runs.length - 1] = { ...last, cells: last.cells + 1, text: last.text + cell.text }
    else runs.push({ column, cells: cell.width, text: cell.text, style })
  }
  return runs
}

function runSvg(run: Run, row: number): string {
  const [foreground = ink, background = ground, bold, underline, dim] = run.style.split(' ')
  const x = margin + run.column * cellWidth
  const y = margin + row * cellHeight
  const width = run.cells * cellWidth
  const box =
    background === ground
      ? ''
      : `<rect x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${cellHeight}" fill="${background}"/>`
  if (run.text.trim() === '') return box
  const looks = [
    foreground === ink ? '' : ` fill="${foreground}"`,
    bold === 'b' ? ' font-weight="bold"' : '',
    underline === 'u' ? ' text-decoration="underline"' : '',
    dim === 'd' ? ' opacity="0.7"' : '',
  ].join('')
  const length = ` textLength="${rounded(width)}"`
  return `${box}<text x="${rounded(x)}" y="${rounded(y + fontSize)}"${length}${looks}>${escaped(run.text)}</text>`
}

/** The screen as an SVG document of its own: no script, no font file. */
export function svgOf(cells: readonly (readonly Cell[])[]): string {
  const columns = cells[0]?.length ?? 0
  const width = Math.ceil(margin * 2 + columns * cellWidth)
  const height = margin * 2 + cells.length * cellHeight
  const body = cells
    .map((row, index) =>
      runsOf(row)
        .map(run => runSvg(run, index))
        .join(''),
    )
    .join('\n')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" rx="6" fill="${ground}"/>`,
    `<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="${fontSize}" fill="${ink}" xml:space="preserve" lengthAdjust="spacingAndGlyphs">`,
    body,
    '</g></svg>\n',
  ].join('\n')
}

/** An image of the SVG, for the eye of whoever changes the screen. */
export async function pngOf(svg: string, root: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js')
  const fonts = path.join(root, 'node_modules', 'dejavu-fonts-ttf', 'ttf')
  const fontFiles = ['DejaVuSansMono.ttf', 'DejaVuSansMono-Bold.ttf'].map(name => path.join(fonts, name))
  const image = new Resvg(svg, { font: { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans Mono' } })
  return image.render().asPng()
}

/** What the demo has in store: a file whose server was changed outside. */
async function chooseChange(terminal: Terminal): Promise<void> {
  await terminal.waitFor('1CHANGES')
  terminal.type(`/dnsmasq${keys.enter}`)
  await terminal.waitFor('hunk 1/')
}

const scenes: readonly Scene[] = [
  { name: 'changes', columns: 100, rows: 26, play: chooseChange },
  {
    name: 'files',
    columns: 104,
    rows: 28,
    async play(terminal) {
      await chooseChange(terminal)
      terminal.type('o')
      await terminal.waitFor('1FILES')
      await terminal.waitFor('hunk 1/')
    },
  },
  {
    name: 'wide',
    columns: 160,
    rows: 40,
    async play(terminal) {
      await chooseChange(terminal)
      terminal.type('o')
      await terminal.waitFor('1FILES')
      await terminal.waitFor('hunk 1/')
      await terminal.waitFor('versions of')
      await terminal.waitFor('adopt')
    },
  },
  {
    name: 'timeline',
    columns: 100,
    rows: 30,
    async play(terminal) {
      await terminal.waitFor('c: ')
      terminal.type('5')
      await terminal.waitFor('5TIMELINE')
      terminal.type(`/before the update${keys.enter}`)
      await terminal.waitFor('changed,')
    },
  },
  {
    name: 'phone',
    columns: 45,
    rows: 20,
    async play(terminal) {
      await terminal.waitFor('c: ')
      terminal.type('5')
      await terminal.waitFor('5 TIMELINE')
      terminal.type(`/quiet${keys.enter}`)
      await terminal.waitFor('against now')
    },
  },
]

/** How long a still screen counts as settled. */
const settleMs = 600

/** The folder is shown as one of the user's home, and what this device knows of it lies beside it. */
const environmentOf = (folder: string): Readonly<Record<string, string>> => ({
  HOME: path.dirname(folder),
  XDG_STATE_HOME: path.join(path.dirname(folder), '.state'),
})

async function takePicture(root: string, folder: string, scene: Scene): Promise<string> {
  const terminal = openTerminal({
    command: path.join(root, 'bin', 'sentctl'),
    args: ['ui', '--root', folder],
    columns: scene.columns,
    rows: scene.rows,
    environment: environmentOf(folder),
  })
  try {
    await scene.play(terminal)
    await new Promise(resolve => setTimeout(resolve, settleMs))
    return svgOf(terminal.cells())
  } finally {
    terminal.close()
  }
}

/** A copy of the demo root folder, so that taking pictures changes nothing of it. */
async function withFolder(
  root: string,
  given: string | undefined,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  if (given !== undefined) return use(given)
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-picture-'))
  try {
    const folder = path.join(scratch, 'gateway')
    execFileSync(process.execPath, [path.join(root, 'tools', 'demo.ts'), folder], {
      stdio: 'inherit',
      env: { ...process.env, ...environmentOf(folder) },
    })
    await use(folder)
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

async function main(root: string, options: readonly string[]): Promise<void> {
  const optionOf = (name: string): string | undefined => {
    const at = options.indexOf(name)
    return at < 0 ? undefined : options[at + 1]
  }
  const pngFolder = optionOf('--png')
  const only = optionOf('--scene')
  if (!isBuildFresh(root)) await build(root)
  await withFolder(root, optionOf('--root'), async folder => {
    for (const scene of scenes) {
      if (only !== undefined && scene.name !== only) continue
      const svg = await takePicture(root, folder, scene)
      // Each scene begins where everybody begins, not where the one before was ended.
      fs.rmSync(path.join(folder, '.intent', 'sessions'), { recursive: true, force: true })
      if (svg.length > svgBytesMax)
        throw new Error(`${scene.name}.svg has ${svg.length} bytes, more than ${svgBytesMax}`)
      const target = path.join(root, 'docs', 'pictures', `${scene.name}.svg`)
      fs.mkdirSync(path.dirname(target), { recursive: true })
      fs.writeFileSync(target, svg)
      if (pngFolder !== undefined) fs.writeFileSync(path.join(pngFolder, `${scene.name}.png`), await pngOf(svg, root))
      console.log(`docs/pictures/${scene.name}.svg  ${Math.round(svg.length / 1024)} KiB`)
    }
  })
}

if (process.argv[1] === import.meta.filename) await main(path.dirname(import.meta.dirname), process.argv.slice(2))
