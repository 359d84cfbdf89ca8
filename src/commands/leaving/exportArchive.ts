// export archive: the history as one file, or as bytes on standard output.

import { SentientError } from '../../core/errors.ts'
import { noteBytesMax } from '../../core/format/constants.generated.ts'
import { type CommandContext, type CommandEvent, type Handler, relay } from '../spec.ts'
import type { exportArchiveSpec } from './spec.ts'

type Context = CommandContext<typeof exportArchiveSpec>

export const run: Handler<typeof exportArchiveSpec> = async function* (context) {
  const { system, args, caller, format, signal } = context
  const since = args.since === undefined ? {} : { since: await sinceOf(context, args.since) }
  if (args.file !== '-') {
    const file = caller.outsidePath(args.file)
    return { result: { file, ...(yield* relay(system.exportArchive(file, { signal, ...since }))) } }
  }
  if (format === 'data')
    throw new SentientError('USAGE', { what: 'With - the archive is the output: there is no room for --json' })
  const report = yield* bytesOf(context, since)
  return { result: { file: '-', ...report } }
}

/** Passes the bytes on as they come, so that a pipe takes them. */
async function* bytesOf(
  { system, signal }: Context,
  since: { readonly since?: Since },
): AsyncGenerator<CommandEvent<never>, Report, void> {
  const waiting: Uint8Array[] = []
  const write = (bytes: Uint8Array): void => void waiting.push(Uint8Array.from(bytes))
  const work = system.exportArchive({ write }, { signal, ...since })
  for (;;) {
    const step = await work.next()
    for (const bytes of waiting.splice(0)) yield { bytes }
    if (step.done === true) return step.value
    yield { progress: step.value }
  }
}

type Since = { readonly seq: number } | { readonly note: Uint8Array }
type Report = { readonly from: number; readonly to: number; readonly objects: number; readonly bytes: number }

async function sinceOf({ caller }: Context, text: string): Promise<Since> {
  if (/^#?\d{1,15}$/.test(text)) return { seq: Number(text.replace('#', '')) }
  const file = await caller.openFile(text)
  try {
    const note = new Uint8Array(Math.min(file.size, noteBytesMax))
    return { note: note.subarray(0, file.read(note, 0, note.length, 0)) }
  } finally {
    file.close()
  }
}
