// The terminal: who has it, what is on it, and that it is given back as it was, however the screen ends. Ink renders
// whole frames to `output`; nothing else of the program writes to the terminal while the screen is open.
import fs from 'node:fs'
import { Writable } from 'node:stream'
import type { Size } from '../state/model.ts'
import { type CursorCell, type Frame, frameBytes } from './frames.ts'

export interface Screen {
  readonly size: Size
  /** Takes frames: for Ink. */
  readonly output: NodeJS.WriteStream
  /** Takes the terminal. */
  open(): void
  /** Draws everything again. */
  redraw(): void
  /** Lends the terminal to something that blocks, an editor; takes it back after. */
  lend<T>(borrower: () => T): T
  /** Stops the process as Ctrl-Z does; the shell's `fg` continues it. */
  suspend(): void
  /** Takes another size, for terminals that do not know theirs. */
  resize(size: Size): void
  /** Asks the terminal how big it is; the answer comes as a `position` token. */
  probe(): void
  /** Gives the terminal back. Can be called at any time, more than once. */
  close(): void
}

export interface ScreenOptions {
  readonly input: NodeJS.ReadStream
  readonly terminal: NodeJS.WriteStream
  readonly onInput: (text: string) => void
  readonly onResize: (size: Size) => void
  /** Where the cursor is to be seen in the frame that comes now. */
  readonly cursor: () => CursorCell | undefined
}

const takeBytes = '\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J'
const giveBytes = '\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l'
const fallbackSize: Size = { columns: 80, rows: 24 }
/** A stop signal that nobody delivers (no shell above) must not leave the screen away. */
const suspendPauseMs = 80

export function createScreen({ input, terminal, onInput, onResize, cursor }: ScreenOptions): Screen {
  let size = sizeOf(terminal) ?? fallbackSize
  let taken = false
  let shown: Frame | undefined
  let latest: readonly string[] = []
  const write = (bytes: string): void => writeNow(terminal, bytes)
  const draw = (): void => {
    if (!taken) return
    const frame: Frame = { rows: latest, columns: size.columns, cursor: cursor() }
    const bytes = frameBytes(shown, frame)
    shown = frame
    if (bytes !== '') write(bytes)
  }
  let resizing = false
  const output = createOutput(frame => {
    if (resizing) return
    latest = frame.split('\n').slice(0, size.rows)
    draw()
  })
  const redraw = (): void => {
    shown = undefined
    draw()
  }
  const take = (): void => {
    if (taken) return
    taken = true
    shown = undefined
    setRaw(input, true)
    input.resume()
    write(takeBytes)
  }
  const give = (): void => {
    if (!taken) return
    taken = false
    write(giveBytes)
    setRaw(input, false)
    input.pause()
  }
  const resized = (next: Size): void => {
    if (next.columns === size.columns && next.rows === size.rows) {
      redraw()
      return
    }
    size = next
    shown = undefined
    Object.assign(output, size)
    // Ink takes the new width at once, and draws what it still has of the old size: such rows would wrap. The frame that
    // belongs to the new size comes when the model has it.
    resizing = true
    output.emit('resize')
    resizing = false
    onResize(size)
  }
  const onTerminalResize = (): void => resized(sizeOf(terminal) ?? size)
  // Another process stopped and continued this one: the shell has had the terminal meanwhile.
  const onContinue = (): void => {
    if (!taken) return
    taken = false
    take()
    draw()
  }
  Object.assign(output, size)
  return {
    get size() {
      return size
    },
    output,
    open() {
      input.setEncoding('utf8')
      input.on('data', onInput)
      terminal.on('resize', onTerminalResize)
      process.on('SIGCONT', onContinue)
      process.on('exit', give)
      take()
    },
    redraw,
    lend(borrower) {
      give()
      try {
        return borrower()
      } finally {
        take()
        draw()
      }
    },
    suspend() {
      give()
      process.kill(0, 'SIGTSTP')
      setTimeout(() => {
        take()
        draw()
      }, suspendPauseMs)
    },
    resize: resized,
    probe: () => write('\x1b[999;999H\x1b[6n'),
    close() {
      give()
      input.off('data', onInput)
      terminal.off('resize', onTerminalResize)
      process.off('SIGCONT', onContinue)
      process.off('exit', give)
    },
  }
}

/** Undefined for lines that do not know their size: serial ones report 0 by 0. */
export function sizeOf(terminal: NodeJS.WriteStream): Size | undefined {
  const { columns, rows } = terminal
  return columns > 0 && rows > 0 ? { columns, rows } : undefined
}

/** Straight to the descriptor: it also works while the process ends. A terminal that hung up takes nothing more. */
function writeNow(terminal: NodeJS.WriteStream & { readonly fd?: number }, bytes: string): void {
  let rest = Buffer.from(bytes)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(terminal.fd ?? 1, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
    }
  }
}

function setRaw(input: NodeJS.ReadStream, raw: boolean): void {
  try {
    input.setRawMode(raw)
  } catch {
    // The terminal has gone; there is no mode to set.
  }
}

/** A stream that Ink takes for a terminal: each write is a whole frame. Escapes alone are Ink's own housekeeping. */
function createOutput(takeFrame: (frame: string) => void): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      const text = String(chunk)
      if (text !== '' && text !== '\n' && !/^(?:\x1b\[\?\d+[hl])+$/.test(text)) takeFrame(text)
      done()
    },
  })
  return stream as unknown as NodeJS.WriteStream
}
