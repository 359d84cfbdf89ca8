// watch: one line for each thing that happens, until it is interrupted.

import { isoTime, pathData } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { watchSpec } from './spec.ts'

export const run: Handler<typeof watchSpec> = async function* ({ system, args, signal }) {
  for await (const event of system.watch({ signal, absorb: args.absorb, heal: args.heal })) {
    const { kind, text, seq } = event
    const item = { time: isoTime(event.time), kind, paths: event.paths.map(pathData), text }
    yield { item: seq === undefined ? item : { ...item, seq } }
  }
  return { result: undefined }
}
