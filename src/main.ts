// Where the program starts, and the only place that starts the command line or the terminal UI. The version is
// answered before anything else is loaded.

import manifest from '../package.json' with { type: 'json' }
import type { CliIo, OutputStream } from './cli/io.ts'

const { version } = manifest

/** What was to be printed did not arrive (a full disk): the run did not succeed. */
let outputFailed = false

/** Put in by tools/build.ts; sources that run as they are have no such time. */
declare const BUILT_MICROS: number | undefined

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === 'version' || argv[0] === '--version')) {
    process.stdout.write(`sentctl ${version}\n`)
    return 0
  }
  const onTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  const { runCli } = await import('./cli/run.ts')
  return runCli(argv.length === 0 && onTerminal ? ['ui'] : argv, realIo())
}

function realIo(): CliIo {
  const stop = new AbortController()
  const signals = stopOnSignals(stop)
  let gone = false
  // The reader of a pipe may leave early (`sentctl log | head`): that is no error, and nothing more is to be done.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    gone = true
    stop.abort()
    if (error.code === 'EPIPE' || outputFailed) return
    outputFailed = true
    process.stderr.write(`sentctl: Standard output cannot be written\n  found     ${error.message}\n`)
  })
  process.stderr.on('error', () => {})
  return {
    stdout: outputStream(process.stdout),
    stderr: outputStream(process.stderr),
    stdin: process.stdin,
    environment: process.env,
    cwd: process.cwd(),
    version,
    signal: stop.signal,
    stdoutGone: () => gone,
    ...(process.stdin.isTTY === true && process.stderr.isTTY === true ? { ask: askOnTerminal(stop.signal) } : {}),
    async createHost(label) {
      const { createDiskHost } = await import('./core/host/disk.ts')
      const { loadNative } = await import('./core/native/load.ts')
      const stateDirectoryPath = stateDirectory()
      const enabled = process.env.SENTIENT_NATIVE !== '0'
      const { native, text: nativeText } = loadNative({ paths: [nativePath()], enabled })
      const builtMicros = typeof BUILT_MICROS === 'number' ? BUILT_MICROS : undefined
      return createDiskHost({
        label,
        fetch,
        builtMicros,
        native,
        nativeText,
        ...(stateDirectoryPath === undefined ? {} : { stateDirectoryPath }),
      })
    },
    async openUi(host, options) {
      signals.release()
      const { startUi } = await import('./ui/ui.ts')
      return startUi({ host, version, cwd: process.cwd(), ...options })
    },
  }
}

/** The line stays the terminal's own business: it is edited and interrupted as in a shell. */
function askOnTerminal(signal: AbortSignal): (question: string) => Promise<string | undefined> {
  return async question => {
    const { createInterface } = await import('node:readline')
    const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
    try {
      return await new Promise(resolve => {
        lines.once('close', () => resolve(undefined))
        signal.addEventListener('abort', () => resolve(undefined), { once: true })
        if (signal.aborted) resolve(undefined)
        lines.question(question, resolve)
      })
    } finally {
      lines.close()
    }
  }
}

/** Beside the bundle; sources that run as they are use what was built for it. */
function nativePath(): string {
  const dist = typeof BUILT_MICROS === 'number' ? import.meta.dirname : `${import.meta.dirname}/../dist`
  return `${dist}/native/sentient.node`
}

/** XDG: where this device remembers its root folders. */
function stateDirectory(): string | undefined {
  const { XDG_STATE_HOME, HOME } = process.env
  if (XDG_STATE_HOME?.startsWith('/')) return `${XDG_STATE_HOME}/sentientos`
  return HOME?.startsWith('/') ? `${HOME}/.local/state/sentientos` : undefined
}

/** The first signal asks the work to stop, the second ends the process. */
function stopOnSignals(stop: AbortController): { release(): void } {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let asked = false
  const received = () => {
    if (asked) process.exit(130)
    asked = true
    stop.abort()
  }
  for (const name of names) process.on(name, received)
  return {
    release: () => {
      for (const name of names) process.off(name, received)
    },
  }
}

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  return {
    write: data => stream.write(data),
    drained: () => new Promise(resolve => stream.write('', () => resolve())),
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns
    },
  }
}

// Open handles (a watcher, a terminal) must not keep a finished run alive.
const exitCode = await main(process.argv.slice(2))
process.exit(exitCode === 0 && outputFailed ? 1 : exitCode)
