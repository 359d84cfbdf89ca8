// ui: opens the terminal UI; where no root folder is, it offers to make one.

import { findRoot } from '../../core/system.ts'
import type { Handler } from '../spec.ts'
import type { uiSpec } from './spec.ts'

export const run: Handler<typeof uiSpec> = async function* ({ args, caller, cwd, host }) {
  const exitCode = await caller.openUi({
    rootPath: caller.rootOption ?? findRoot(host, cwd),
    ...(args.profile === undefined ? {} : { profile: args.profile }),
    ...(args.baud === undefined ? {} : { baud: args.baud }),
    ...(args.escMs === undefined ? {} : { escMs: args.escMs }),
  })
  return { result: { exitCode }, exitCode }
}
