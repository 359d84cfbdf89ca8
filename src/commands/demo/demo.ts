// demo: a made-up device with a history, to look at.

import { SentientError } from '../../core/errors.ts'
import { parseDisplayed } from '../../core/format/bytes.ts'
import { absolutePath } from '../absolutePath.ts'
import { type Handler, relay } from '../spec.ts'
import { makeDemo } from './makeDemo.ts'
import type { demoSpec } from './spec.ts'

export const run: Handler<typeof demoSpec> = async function* ({ host, args, cwd }) {
  const path = absolutePath(args.dir, cwd)
  const end = path.lastIndexOf('/')
  const parent = host.files.openDirectory(path.slice(0, end) || '/')
  if (parent === undefined) throw new SentientError('PATH_NOT_FOUND', { where: path.slice(0, end) })
  try {
    const name = parseDisplayed(path.slice(end + 1))
    if (parent.stat(name) === undefined) parent.makeDirectory(name, 0o755)
  } finally {
    parent.close()
  }
  return { result: yield* relay(makeDemo(host, path)) }
}
