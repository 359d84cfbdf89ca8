// A real terminal for tests: a program behind a pseudo-terminal, its bytes in a headless xterm. Tests type keys, wait for
// text and look at rows and cells; nothing of the program is replaced.
import { spawn } from '@lydell/node-pty'
import xterm from '@xterm/headless'

export interface Cell {
  readonly text: string
  readonly width: number
  readonly bold: boolean
  readonly dim: boolean
  readonly underline: boolean
  readonly reverse: boolean
  /** A palette number, or undefined for the terminal's own. */
  readonly foreground: number | undefined
  readonly background: number | undefined
}

export interface Exit {
  readonly exitCode: number
  readonly signal: number | undefined
}

export interface Terminal {
  /** Rows as text, without trailing blanks. */
  rows(): string[]
  text(): string
  cells(): Cell[][]
  cursor(): { readonly row: number; readonly column: number }
  /** All bytes that the program has written. */
  bytes(): string
  readonly alternate: boolean
  type(keys: string): void
  /** Resolves when the screen has it; rejects with the screen in the message. */
  waitFor(wanted: string | RegExp | ((text: string) => boolean), timeoutMs?: number): Promise<void>
  resize(columns: number, rows: number): void
  kill(signal: string): void
  /** Resolves when the program has ended; rejects with the screen when it does not. */
  exit(timeoutMs?: number): Promise<Exit>
  close(): void
}

export interface TerminalOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly columns?: number
  readonly rows?: number
  readonly environment?: Readonly<Record<string, string>>
}

export const keys = {
  enter: '\r',
  escape: '\x1b',
  tab: '\t',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  backspace: '\x7f',
  ctrlC: '\x03',
  ctrlZ: '\x1a',
} as const

const waitMsDefault = 10_000
const lookEveryMs = 15
/** Long enough that tests see pictures of any size; older lines are not kept. */
const scrollback = 0

export function openTerminal(options: TerminalOptions): Terminal {
  const { command, args, columns = 80, rows = 24 } = options
  const screen = new xterm.Terminal({ cols: columns, rows, scrollback, allowProposedApi: true })
  // The machine's own terminal, editor and locale must not decide what a test sees.
  const { CI: _, NO_COLOR: __, VISUAL: ___, EDITOR: ____, ...inherited } = process.env
  const environment = {
    ...inherited,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    ...options.environment,
  }
  const child = spawn(command, [...args], {
    cols: columns,
    rows,
    cwd: options.cwd ?? process.cwd(),
    env: environment as Record<string, string>,
    name: environment.TERM,
  })
  let bytes = ''
  child.onData(data => {
    bytes += data
    screen.write(data)
  })
  const ended = new Promise<Exit>(resolve => {
    child.onExit(({ exitCode, signal }) => resolve({ exitCode, signal: signal === 0 ? undefined : signal }))
  })
  // What the program asks the terminal, the terminal answers.
  screen.onData(answer => child.write(answer))
  const textRows = (): string[] => {
    const buffer = screen.buffer.active
    return Array.from(
      { length: screen.rows },
      (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true, 0, screen.cols) ?? '',
    )
  }
  const text = (): string => textRows().join('\n')
  return {
    rows: textRows,
    text,
    cells: () => cellsOf(screen),
    cursor: () => ({ row: screen.buffer.active.cursorY, column: screen.buffer.active.cursorX }),
    bytes: () => bytes,
    get alternate() {
      return screen.buffer.active.type === 'alternate'
    },
    type: typed => child.write(typed),
    async waitFor(wanted, timeoutMs = waitMsDefault) {
      const found = (): boolean => {
        const now = text()
        return typeof wanted === 'string'
          ? now.includes(wanted)
          : wanted instanceof RegExp
            ? wanted.test(now)
            : wanted(now)
      }
      const until = performance.now() + timeoutMs
      while (!found()) {
        if (performance.now() > until)
          throw new Error(`not on the screen after ${timeoutMs} ms: ${wanted}\n${framed(textRows())}`)
        await new Promise(resolve => setTimeout(resolve, lookEveryMs))
      }
    },
    resize(nextColumns, nextRows) {
      screen.resize(nextColumns, nextRows)
      child.resize(nextColumns, nextRows)
    },
    kill: signal => child.kill(signal),
    exit(timeoutMs = waitMsDefault) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`still running\n${framed(textRows())}`)), timeoutMs)
      })
      // What was written last has to be on the screen, too: xterm takes bytes in a moment later.
      const settled = ended.then(result => new Promise<Exit>(resolve => screen.write('', () => resolve(result))))
      return Promise.race([settled, late]).finally(() => clearTimeout(timer))
    },
    close() {
      try {
        child.kill('SIGKILL')
      } catch {
        // It has ended already.
      }
      screen.dispose()
    },
  }
}

const framed = (rows: readonly string[]): string => rows.map(row => `| ${row}`).join('\n')

function cellsOf(screen: InstanceType<typeof xterm.Terminal>): Cell[][] {
  const buffer = screen.buffer.active
  return Array.from({ length: screen.rows }, (_, row) => {
    const line = buffer.getLine(buffer.baseY + row)
    return Array.from({ length: screen.cols }, (_, column) => {
      const cell = line?.getCell(column)
      return {
        text: cell?.getChars() || ' ',
        width: cell?.getWidth() ?? 1,
        bold: (cell?.isBold() ?? 0) !== 0,
        dim: (cell?.isDim() ?? 0) !== 0,
        underline: (cell?.isUnderline() ?? 0) !== 0,
        reverse: (cell?.isInverse() ?? 0) !== 0,
        foreground: cell?.isFgPalette() ? cell.getFgColor() : undefined,
        background: cell?.isBgPalette() ? cell.getBgColor() : undefined,
      }
    })
  })
}
