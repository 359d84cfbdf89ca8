// Which file turns a verb's data into text for people. A verb without a line here does not compile.

import type { ArgValue } from '../../commands/args.ts'
import type { OutputOf } from '../../commands/spec.ts'
import type { CommandName, commandTable } from '../../commands/table.ts'
import type { Style } from '../style.ts'

export interface TextContext {
  readonly style: Style
  /** Columns to fill at most. */
  readonly width: number
  readonly terminal: boolean
  /** Where the user stands below the root folder; paths are shown relative to it. */
  readonly base: string
  readonly args: Readonly<Record<string, ArgValue>>
}

interface TextModule<Output> {
  /** Whole lines, or nothing. */
  render(output: Output, context: TextContext): string
}

type Renderers = { readonly [Name in CommandName]: () => Promise<TextModule<OutputOf<(typeof commandTable)[Name]>>> }

const operation = () => import('./operation.ts')
const operations = () => import('./operations.ts')
const record = () => import('./record.ts')

export const textRenderers: Renderers = {
  init: () => import('./init.ts'),
  adopt: () => import('./adopted.ts'),
  'config get': () => import('./config.ts'),
  'config set': operation,
  'config apply': operation,
  eject: () => import('./ejected.ts'),
  status: () => import('./status.ts'),
  absorb: operation,
  watch: () => import('./watch.ts'),
  put: operation,
  rm: operation,
  mv: operation,
  cp: operation,
  mkdir: operations,
  chmod: operation,
  ln: operation,
  cat: () => import('./nothing.ts'),
  ls: () => import('./listing.ts'),
  find: () => import('./found.ts'),
  log: record,
  show: () => import('./show.ts'),
  diff: () => import('./diff.ts'),
  when: () => import('./versions.ts'),
  'trace-live': record,
  'snapshot create': operation,
  'snapshot list': () => import('./snapshots.ts'),
  'snapshot label': operation,
  'snapshot pin': operations,
  'snapshot unpin': operations,
  'snapshot rm': operations,
  restore: operation,
  rollback: () => import('./rollback.ts'),
  undo: () => import('./undo.ts'),
  redo: () => import('./redo.ts'),
  verify: () => import('./verify.ts'),
  repair: () => import('./repair.ts'),
  backup: () => import('./backedUp.ts'),
  import: () => import('./imported.ts'),
  gc: () => import('./gc.ts'),
  forget: () => import('./forget.ts'),
  doctor: () => import('./doctor.ts'),
  'checkpoint show': () => import('./checkpoint.ts'),
  'checkpoint key': () => import('./verifierKeys.ts'),
  'checkpoint sign': () => import('./checkpoint.ts'),
  inclusion: () => import('./inclusion.ts'),
  'verify-inclusion': () => import('./included.ts'),
  consistency: () => import('./consistency.ts'),
  'verify-consistency': () => import('./consistent.ts'),
  'export tlog': () => import('./exportedTlog.ts'),
  'export redis': () => import('./exportedRedis.ts'),
  'export car': () => import('./exportedCar.ts'),
  'export archive': () => import('./exportedArchive.ts'),
  witness: () => import('./witness.ts'),
  'witness-key': () => import('./verifierKey.ts'),
  explain: () => import('./explain.ts'),
  completion: () => import('./completion.ts'),
  man: () => import('./man.ts'),
  version: () => import('./version.ts'),
  demo: () => import('./demo.ts'),
  ui: () => import('./nothing.ts'),
  help: () => import('./help.ts'),
}
