// Runs command lines in this process, on real files, with streams that are kept.

import path from 'node:path'
import type { CliIo } from '../../src/cli/io.ts'
import { runCli } from '../../src/cli/run.ts'
import type { UiOptions } from '../../src/commands/spec.ts'
import { createDiskHost } from '../../src/core/host/disk.ts'

export interface RunOptions {
  readonly cwd: string
  readonly input?: string | Uint8Array
  readonly environment?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly terminal?: { readonly columns: number }
  /** Answers what is asked on the terminal. */
  readonly ask?: (question: string) => Promise<string | undefined>
  /** Called with each piece of standard output, as it comes. */
  readonly onOutput?: (text: string) => void
}

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly bytes: Buffer
  readonly stderr: string
  /** How the terminal UI was opened, where it was. */
  readonly ui: readonly UiOptions[]
}

export async function run(argv: readonly string[], options: RunOptions): Promise<Ran> {
  const out: Buffer[] = []
  const errors: Buffer[] = []
  const ui: UiOptions[] = []
  const stream = (pieces: Buffer[], each?: (text: string) => void) => ({
    write(data: string | Uint8Array) {
      pieces.push(Buffer.from(data))
      each?.(Buffer.from(data).toString())
      return true
    },
    isTTY: options.terminal !== undefined,
    ...(options.terminal === undefined ? {} : { columns: options.terminal.columns }),
    drained: async () => {},
  })
  const io: CliIo = {
    stdout: stream(out, options.onOutput),
    stderr: stream(errors),
    stdin: inputOf(options.input ?? ''),
    environment: { TERM: 'xterm-256color', LANG: 'C.UTF-8', ...options.environment },
    cwd: options.cwd,
    version: '1.2.3',
    signal: options.signal ?? new AbortController().signal,
    stdoutGone: () => false,
    ...(options.ask === undefined ? {} : { ask: options.ask }),
    createHost: async label => createDiskHost({ label, fetch, stateDirectoryPath: stateDirectoryOf(options.cwd) }),
    async openUi(_host, uiOptions) {
      ui.push(uiOptions)
      return 0
    },
  }
  const exitCode = await runCli(argv, io)
  const bytes = Buffer.concat(out)
  return { exitCode, stdout: bytes.toString(), bytes, stderr: Buffer.concat(errors).toString(), ui }
}

/** All runs below one test folder share what the device remembers. */
function stateDirectoryOf(cwd: string): string {
  const [folder] = /^.*sentctl-test-[^/]+/.exec(cwd) ?? [cwd]
  return path.join(folder, 'xdg', 'sentientos')
}

async function* inputOf(input: string | Uint8Array): AsyncGenerator<Uint8Array> {
  if (input.length > 0) yield Buffer.from(input)
}
