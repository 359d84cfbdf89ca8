// THE table of all verbs. A verb is a folder's spec and handler and one line here; the compiler complains when a name
// has no spec, and when a spec stands under another name than its own.

import { doctorSpec, forgetSpec, gcSpec, repairSpec, verifySpec } from './care/spec.ts'
import {
  checkpointKeySpec,
  checkpointShowSpec,
  checkpointSignSpec,
  consistencySpec,
  inclusionSpec,
  verifyConsistencySpec,
  verifyInclusionSpec,
} from './checkpoint/spec.ts'
import { demoSpec } from './demo/spec.ts'
import { absorbSpec, statusSpec, watchSpec } from './drift/spec.ts'
import { exportCarSpec, exportRedisSpec, exportTlogSpec } from './export/spec.ts'
import {
  catSpec,
  chmodSpec,
  cpSpec,
  findSpec,
  lnSpec,
  lsSpec,
  mkdirSpec,
  mvSpec,
  putSpec,
  rmSpec,
} from './files/spec.ts'
import { diffSpec, logSpec, showSpec, traceLiveSpec, whenSpec } from './history/spec.ts'
import { backupSpec, ejectSpec, exportArchiveSpec, importSpec } from './leaving/spec.ts'
import { completionSpec, explainSpec, helpSpec, manSpec, uiSpec, versionSpec } from './program/spec.ts'
import { adoptSpec, configApplySpec, configGetSpec, configSetSpec, initSpec } from './root/spec.ts'
import type { CommandSpec } from './spec.ts'
import {
  redoSpec,
  restoreSpec,
  rollbackSpec,
  snapshotCreateSpec,
  snapshotLabelSpec,
  snapshotListSpec,
  snapshotPinSpec,
  snapshotRmSpec,
  snapshotUnpinSpec,
  undoSpec,
} from './timeline/spec.ts'
import { witnessKeySpec, witnessSpec } from './witness/spec.ts'

export type CommandName =
  | 'init'
  | 'adopt'
  | 'config get'
  | 'config set'
  | 'config apply'
  | 'eject'
  | 'status'
  | 'absorb'
  | 'watch'
  | 'put'
  | 'rm'
  | 'mv'
  | 'cp'
  | 'mkdir'
  | 'chmod'
  | 'ln'
  | 'cat'
  | 'ls'
  | 'find'
  | 'log'
  | 'show'
  | 'diff'
  | 'when'
  | 'trace-live'
  | 'snapshot create'
  | 'snapshot list'
  | 'snapshot label'
  | 'snapshot pin'
  | 'snapshot unpin'
  | 'snapshot rm'
  | 'restore'
  | 'rollback'
  | 'undo'
  | 'redo'
  | 'verify'
  | 'repair'
  | 'backup'
  | 'import'
  | 'gc'
  | 'forget'
  | 'doctor'
  | 'checkpoint show'
  | 'checkpoint key'
  | 'checkpoint sign'
  | 'inclusion'
  | 'verify-inclusion'
  | 'consistency'
  | 'verify-consistency'
  | 'export tlog'
  | 'export car'
  | 'export archive'
  | 'export redis'
  | 'witness'
  | 'witness-key'
  | 'explain'
  | 'completion'
  | 'man'
  | 'version'
  | 'ui'
  | 'demo'
  | 'help'

type Table = { readonly [Name in CommandName]: CommandSpec & { readonly name: Name } }

/** In the order in which help lists them. */
export const commandTable = {
  init: initSpec,
  adopt: adoptSpec,
  'config get': configGetSpec,
  'config set': configSetSpec,
  'config apply': configApplySpec,
  eject: ejectSpec,
  status: statusSpec,
  absorb: absorbSpec,
  watch: watchSpec,
  put: putSpec,
  rm: rmSpec,
  mv: mvSpec,
  cp: cpSpec,
  mkdir: mkdirSpec,
  chmod: chmodSpec,
  ln: lnSpec,
  cat: catSpec,
  ls: lsSpec,
  find: findSpec,
  log: logSpec,
  show: showSpec,
  diff: diffSpec,
  when: whenSpec,
  'trace-live': traceLiveSpec,
  'snapshot create': snapshotCreateSpec,
  'snapshot list': snapshotListSpec,
  'snapshot label': snapshotLabelSpec,
  'snapshot pin': snapshotPinSpec,
  'snapshot unpin': snapshotUnpinSpec,
  'snapshot rm': snapshotRmSpec,
  restore: restoreSpec,
  rollback: rollbackSpec,
  undo: undoSpec,
  redo: redoSpec,
  verify: verifySpec,
  repair: repairSpec,
  backup: backupSpec,
  import: importSpec,
  gc: gcSpec,
  forget: forgetSpec,
  doctor: doctorSpec,
  'checkpoint show': checkpointShowSpec,
  'checkpoint key': checkpointKeySpec,
  'checkpoint sign': checkpointSignSpec,
  inclusion: inclusionSpec,
  'verify-inclusion': verifyInclusionSpec,
  consistency: consistencySpec,
  'verify-consistency': verifyConsistencySpec,
  'export tlog': exportTlogSpec,
  'export car': exportCarSpec,
  'export archive': exportArchiveSpec,
  'export redis': exportRedisSpec,
  witness: witnessSpec,
  'witness-key': witnessKeySpec,
  explain: explainSpec,
  completion: completionSpec,
  man: manSpec,
  version: versionSpec,
  ui: uiSpec,
  demo: demoSpec,
  help: helpSpec,
} as const satisfies Table

export interface CommandGroup {
  readonly title: string
  readonly commands: readonly CommandName[]
}

/** How help and the reference group the verbs; every verb is in exactly one group. */
export const commandGroups = {
  root: {
    title: 'Start and settings',
    commands: ['init', 'adopt', 'config get', 'config set', 'config apply', 'eject'],
  },
  drift: { title: 'What changed outside', commands: ['status', 'absorb', 'watch'] },
  files: { title: 'Files', commands: ['put', 'rm', 'mv', 'cp', 'mkdir', 'chmod', 'ln', 'cat', 'ls', 'find'] },
  history: { title: 'What happened', commands: ['log', 'show', 'diff', 'when', 'trace-live'] },
  timeline: {
    title: 'Back in time',
    commands: [
      'snapshot create',
      'snapshot list',
      'snapshot label',
      'snapshot pin',
      'snapshot unpin',
      'snapshot rm',
      'restore',
      'rollback',
      'undo',
      'redo',
    ],
  },
  care: { title: 'Care', commands: ['verify', 'repair', 'backup', 'import', 'gc', 'forget', 'doctor'] },
  checkpoint: {
    title: 'Proof for others',
    commands: [
      'checkpoint show',
      'checkpoint key',
      'checkpoint sign',
      'inclusion',
      'verify-inclusion',
      'consistency',
      'verify-consistency',
      'export tlog',
      'export car',
      'export archive',
      'export redis',
      'witness',
      'witness-key',
    ],
  },
  program: { title: 'The program', commands: ['explain', 'completion', 'man', 'version', 'ui', 'demo', 'help'] },
} as const satisfies Record<string, CommandGroup>

type GroupedName = (typeof commandGroups)[keyof typeof commandGroups]['commands'][number]
/** Fails to compile when a verb is in no group. */
export const everyVerbIsGrouped: Exclude<CommandName, GroupedName> extends never ? true : never = true

export const commandNames = Object.keys(commandTable) as readonly CommandName[]

/** What a noun alone means: `sentctl snapshot` lists. */
export const nounDefaults: Readonly<Record<string, CommandName>> = {
  snapshot: 'snapshot list',
  checkpoint: 'checkpoint show',
  config: 'config get',
  export: 'export tlog',
}

export function isCommandName(text: string): text is CommandName {
  return Object.hasOwn(commandTable, text)
}

export function specOf(name: CommandName): CommandSpec {
  return commandTable[name]
}
