// The world around one run of sentctl: streams, environment, working directory. Real ones come from main.ts, tests
// bring their own.

import type { UiOptions } from '../commands/spec.ts'
import type { Host } from '../core/host/host.ts'

export interface OutputStream {
  write(data: string | Uint8Array): boolean
  readonly isTTY?: boolean
  readonly columns?: number
  /** Resolves when what was written has left the buffer, or nobody reads it any more. */
  drained(): Promise<void>
}

export interface CliIo {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean }
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly version: string
  /** Aborted by Ctrl-C and by the signals that end a process. */
  readonly signal: AbortSignal
  /** Nobody reads standard output any more: stop without a word. */
  stdoutGone(): boolean
  /** Asks on the terminal and gives the line; undefined when it ended without one. Absent where there is no terminal. */
  readonly ask?: (question: string) => Promise<string | undefined>
  createHost(label: string): Promise<Host>
  openUi(host: Host, options: UiOptions): Promise<number>
}
