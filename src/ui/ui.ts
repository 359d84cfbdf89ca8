// Opens the terminal UI: puts model, effects, input and Ink together, and takes them apart again however it ends.
import path from 'node:path'
import { SentientError } from '../core/errors.ts'
import type { Host } from '../core/host/host.ts'
import { createEffects, type Effects } from './effects/effects.ts'
import { requireDirectory, shownPath } from './effects/root.ts'
import { checkKeyMaps } from './input/scopes.ts'
import { createTokenizer, type Token } from './input/tokens.ts'
import { detectProfile } from './screen/profile.ts'
import { createScreen, type Screen, sizeOf } from './screen/screen.ts'
import { layoutFor } from './state/context.ts'
import { initialFirstStart } from './state/firstStart.ts'
import { initialModel } from './state/initial.ts'
import type { Model, Size, Stage } from './state/model.ts'
import { messageRow } from './state/selectors.ts'
import { createStore, type Store } from './state/store.ts'
import { drawScreen } from './widgets/drawScreen.ts'

export interface UiStartOptions {
  readonly host: Host
  /** Undefined: no root folder was found, the first start is offered for `cwd`. */
  readonly rootPath: string | undefined
  readonly cwd: string
  readonly version: string
  readonly profile?: string
  readonly baud?: number
  /** How long a lone Esc waits for what may follow it. */
  readonly escMs?: number
}

/** A key sequence torn on its way takes longer to arrive over a network or a serial line. */
const escMsDefault = 40
const escMsSlow = 150
/** How long a terminal may take to say its size. */
const probeMs = 300
/** Closing signs and writes what is derived; beyond this the next start does it. */
const closeMsMax = 5000
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/**
 * Runs the screen until it is left; resolves with the exit code. Throws USAGE where no screen can be drawn, and
 * ROOT_NOT_FOUND where the folder that was named is not there; one without a history gets the first start.
 */
export async function startUi(options: UiStartOptions): Promise<number> {
  const { stdin, stdout } = process
  if (stdin.isTTY !== true || stdout.isTTY !== true)
    throw new SentientError('USAGE', {
      what: 'The screen needs a terminal',
      hint: 'Use the verbs: sentctl help lists them.',
    })
  if (process.env.TERM === 'dumb' && options.profile === undefined)
    throw new SentientError('USAGE', {
      what: 'The terminal can not place its cursor',
      found: 'TERM=dumb',
      hint: 'Use the verbs, or name what it can do: sentctl ui --profile vt100.',
    })
  if (options.rootPath !== undefined) requireDirectory(path.resolve(options.cwd, options.rootPath))
  checkKeyMaps()
  const ending = createEnding()
  let store: Store | undefined
  const input = createInput(options, token => take(token, store, screen))
  const screen = createScreen({
    input: stdin,
    terminal: stdout,
    onInput: input.push,
    onResize: size => store?.dispatch({ type: 'resize', size }),
    cursor: () => (store === undefined ? undefined : cursorOf(store.get())),
  })
  let effects: Effects | undefined
  let stopDrawing: (() => void) | undefined
  let remember: (() => void) | undefined
  try {
    screen.open()
    await knowSize(screen, stdout)
    store = createStore({
      initial: initialModel({
        stage: firstStage(options),
        size: screen.size,
        version: options.version,
        clock: options.host.clock.nowMicros(),
      }),
      nowMicros: () => options.host.clock.nowMicros(),
      run: effect => effects?.run(effect),
    })
    const { dispatch, get, subscribe } = store
    const started = createEffects({ ...options, screen, environment: process.env, post: dispatch, quit: ending.end })
    effects = started
    remember = () => started.remember(get())
    subscribe(remember)
    begin(options, started)
    stopDrawing = await drawScreen(store, screen, detectProfile(process.env, options.profile))
    return await ending.code
  } finally {
    ending.release()
    remember?.()
    store?.close()
    screen.close()
    stopDrawing?.()
    await closed(effects)
  }
}

function firstStage({ rootPath, cwd }: UiStartOptions): Stage {
  if (rootPath !== undefined) return { kind: 'opening', path: path.resolve(cwd, rootPath) }
  return { kind: 'first-start', path: cwd, shownPath: shownPath(cwd, process.env.HOME), start: initialFirstStart }
}

function begin({ rootPath, cwd }: UiStartOptions, effects: Effects): void {
  if (rootPath !== undefined) effects.run({ type: 'open', path: path.resolve(cwd, rootPath) })
  else effects.run({ type: 'survey', path: cwd, ignore: undefined })
}

/** Keys from bytes; a lone Esc counts after a pause. */
function createInput({ escMs }: UiStartOptions, take: (token: Token) => void): { push(text: string): void } {
  const tokenizer = createTokenizer()
  const slow = process.env.SSH_CONNECTION !== undefined || /^vt\d/.test(process.env.TERM ?? '')
  const pauseMs = escMs ?? (slow ? escMsSlow : escMsDefault)
  let timer: NodeJS.Timeout | undefined
  return {
    push(text) {
      clearTimeout(timer)
      for (const token of tokenizer.push(text)) take(token)
      if (tokenizer.waiting) timer = setTimeout(() => tokenizer.flush().forEach(take), pauseMs)
    },
  }
}

function take(token: Token, store: Store | undefined, screen: Screen): void {
  if (token.type === 'position') screen.resize({ columns: token.column, rows: token.row })
  else if (token.type === 'paste') store?.dispatch({ type: 'paste', text: token.text })
  else store?.dispatch({ type: 'key', key: token.key })
}

/** A serial line reports no size: the terminal at its other end is asked, for a moment. */
async function knowSize(screen: Screen, terminal: NodeJS.WriteStream): Promise<void> {
  if (sizeOf(terminal) !== undefined) return
  const before: Size = screen.size
  screen.probe()
  for (let waitedMs = 0; waitedMs < probeMs && screen.size === before; waitedMs += 20)
    await new Promise(resolve => setTimeout(resolve, 20))
}

/** In a prompt the terminal's own cursor stands where text is typed: for screen readers and input methods. */
function cursorOf(model: Model): { row: number; column: number } | undefined {
  const row = messageRow(model)
  if (row?.cursor === undefined) return undefined
  return { row: model.size.rows - (layoutFor(model, model.pane).messageRow ? 2 : 1), column: row.cursor }
}

interface Ending {
  readonly code: Promise<number>
  readonly end: (code: number) => void
  release(): void
}

/** The ways out: a key, a signal, a hang-up, an error that nobody caught. */
function createEnding(): Ending {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const names = Object.keys(signalNumbers) as (keyof typeof signalNumbers)[]
  const onSignal = (name: keyof typeof signalNumbers): void => resolve(128 + signalNumbers[name])
  const onHangUp = (): void => resolve(128 + signalNumbers.SIGHUP)
  for (const name of names) process.on(name, onSignal)
  process.on('uncaughtException', reject)
  process.stdin.on('end', onHangUp)
  process.stdin.on('error', onHangUp)
  process.stdout.on('error', onHangUp)
  promise.catch(() => undefined)
  return {
    code: promise,
    end: resolve,
    release() {
      for (const name of names) process.off(name, onSignal)
      process.off('uncaughtException', reject)
      process.stdin.off('end', onHangUp)
      process.stdin.off('error', onHangUp)
    },
  }
}

async function closed(effects: Effects | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, closeMsMax)
  })
  await Promise.race([effects?.close(), late])
  clearTimeout(timer)
}
