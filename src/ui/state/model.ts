// All that the screen knows: one immutable value. What is drawn is a function of it, so a frame can be tested by
// making a model. Only `update` makes new ones.
import type { FolderSurvey } from '../../core/system.ts'
import type {
  GovernedPath,
  OperationResult,
  RecordView,
  RepairReport,
  StatePoint,
  StatusReport,
} from '../../core/timeline/model.ts'
import type { PaneId, PaneStates } from '../panes/registry.ts'
import type { Line } from '../widgets/line.ts'
import type { ListState } from './list.ts'
import type { Intervals } from './looks.ts'
import type { Recollection } from './memory.ts'
import type { Operation, Repair, StateText, TreeOperation } from './operation.ts'
import type { Answered, Query } from './query.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export type FocusArea = 'list' | 'detail'

/** An error, ready to show. */
export interface Problem {
  readonly code: string
  readonly text: string
  readonly hint: string
}

export interface RootInfo {
  readonly path: string
  /** `~/gateway` */
  readonly shownPath: string
  readonly access: 'read' | 'write'
  /** Why it is read only, or what the opening found; a row for people. */
  readonly notices: readonly string[]
  /** This device does not know the folder as its own: why. Nothing is written before somebody says what it is. */
  readonly unknown?: string
}

export type Stage =
  | { readonly kind: 'first-start'; readonly path: string; readonly shownPath: string; readonly start: FirstStart }
  | { readonly kind: 'opening'; readonly path: string }
  | { readonly kind: 'failed'; readonly path: string; readonly problem: Problem }
  | { readonly kind: 'open'; readonly root: RootInfo }

/** The choice where no root folder is yet. */
export interface FirstStart {
  readonly survey?: FolderSurvey
  readonly problem?: Problem
  readonly choosing: boolean
  /** Patterns that are offered, and which of them are skipped. */
  readonly patterns: readonly (FolderSurvey['skips'][number] & { readonly skipped: boolean })[]
  readonly list: ListState
  readonly adopting: boolean
}

export interface StatusView {
  readonly report: StatusReport | undefined
  readonly checking: boolean
  readonly problem: Problem | undefined
  /** Between which looks each of the changes came to be. */
  readonly intervals: Intervals
  /** When the last look of this session ended. */
  readonly lookedAt: number | undefined
  /** How often a look has ended: what depends on the marks asks again when it grows. */
  readonly looks: number
}

export interface WorkView {
  readonly channel: string
  readonly text: string
  readonly done: number
  readonly total: number | undefined
  readonly unit: string
  readonly cancellable: boolean
}

export interface Toast {
  readonly text: string
  readonly kind: 'info' | 'good' | 'bad'
  readonly at: number
}

/** An action that waits for its key to be pressed again. */
export interface Armed {
  readonly scope: string
  readonly action: string
  readonly text: string
  readonly effects: readonly Effect[]
  /** What it would do is still being found out; `again`: the key came a second time meanwhile. */
  readonly waits?: 'once' | 'again'
}

export interface Prompt {
  /** Which pane and what for: `files.rename`; `global.time`. The answer carries it. */
  readonly id: string
  readonly label: string
  readonly text: string
  readonly cursor: number
  /** What the answer needs besides the text. */
  readonly data: string
  /** Tell every change, not only the end: filters. */
  readonly live: boolean
  /** Of the time cursor: the snapshot that was stepped to, as long as nothing is typed. */
  readonly chosen?: StatePoint
}

export interface Panel {
  readonly id: 'help' | 'preview' | 'text'
  readonly title: string
  readonly lines: readonly Line[]
  readonly scroll: number
  /** Of a preview: what `Y` runs. */
  readonly runs?: Operation
}

export type Overlay =
  | { readonly kind: 'prompt'; readonly prompt: Prompt }
  | { readonly kind: 'palette'; readonly text: string; readonly list: ListState }
  | { readonly kind: 'panel'; readonly panel: Panel }

/** What `y` or `x` remembered for `p`. */
export interface Remembered {
  readonly paths: readonly GovernedPath[]
  readonly at: StateText | undefined
  readonly move: boolean
}

/** A verb of the command table, as the palette lists it. */
export interface VerbEntry {
  readonly name: string
  readonly usage: string
  readonly summary: string
  /** Offered in the list; the others run when they are typed, as a pane shows the same. */
  readonly listed: boolean
  /** It can not run without words after its name. */
  readonly needsWords: boolean
}

export interface Model {
  readonly stage: Stage
  readonly size: Size
  /** Microseconds since 1970 when the last message came. */
  readonly clock: number
  readonly version: string
  readonly pane: PaneId
  readonly backStack: readonly PaneId[]
  readonly focus: FocusArea
  readonly enlarged: boolean
  readonly panes: PaneStates
  readonly overlays: readonly Overlay[]
  /** Keys of a sequence that is not complete. */
  readonly pendingKeys: string
  readonly toast: Toast | undefined
  readonly armed: Armed | undefined
  readonly work: readonly WorkView[]
  readonly status: StatusView
  readonly lastSeq: number
  readonly past: StatePoint | undefined
  readonly remembered: Remembered | undefined
  readonly searched: string
  readonly verbs: readonly VerbEntry[]
  /** A key was pressed: the screen no longer changes pane by itself. */
  readonly touched: boolean
}

/** What a pane may know of the rest of the screen. */
export interface Context {
  /** Rows and columns of the list and the detail area, as they are drawn. */
  readonly list: { readonly width: number; readonly height: number }
  readonly detail: { readonly width: number; readonly height: number }
  /** The pane is the one on the screen. */
  readonly visible: boolean
  /** Its detail area is on the screen beside or below the list, or alone. */
  readonly detailShown: boolean
  readonly focus: FocusArea
  readonly now: number
  readonly lastSeq: number
  readonly past: StatePoint | undefined
  readonly status: StatusView
  readonly writable: boolean
  /** The folder is to be adopted first; see `RootInfo.unknown`. */
  readonly asks: boolean
  readonly remembered: Remembered | undefined
}

/** Where a pane is sent to when it is shown. */
export interface Target {
  readonly path?: GovernedPath
  readonly from?: StateText
  readonly to?: StateText | 'disk'
  readonly seq?: number
  readonly title?: string
}

export type Message =
  | { readonly type: 'key'; readonly key: string }
  | { readonly type: 'paste'; readonly text: string }
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'surveyed'; readonly survey: FolderSurvey }
  | { readonly type: 'surveyFailed'; readonly problem: Problem }
  | { readonly type: 'adoptFailed'; readonly problem: Problem }
  | { readonly type: 'noRoot'; readonly path: string; readonly shownPath: string }
  | { readonly type: 'opening'; readonly path: string }
  | {
      readonly type: 'opened'
      readonly root: RootInfo
      readonly lastSeq: number
      /** Where somebody was when the last screen ended. */
      readonly last?: Recollection
    }
  | { readonly type: 'openFailed'; readonly path: string; readonly problem: Problem }
  | ({ readonly type: 'answer'; readonly channel: string } & Answered)
  | { readonly type: 'refused'; readonly channel: string; readonly query: Query; readonly problem: Problem }
  | { readonly type: 'work'; readonly work: WorkView }
  | { readonly type: 'workEnded'; readonly channel: string }
  | {
      readonly type: 'operated'
      readonly operation: TreeOperation
      readonly result: OperationResult
      readonly lastSeq: number
    }
  | {
      readonly type: 'repaired'
      readonly operation: Repair
      readonly report: RepairReport
      readonly lastSeq: number
    }
  | {
      readonly type: 'operationFailed'
      readonly operation: Operation
      readonly problem: Problem
      readonly lastSeq: number
    }
  | { readonly type: 'recorded'; readonly records: readonly RecordView[]; readonly lastSeq: number }
  | { readonly type: 'treeChanged' }
  | { readonly type: 'edited'; readonly path: GovernedPath; readonly changed: boolean; readonly wasRecorded: boolean }
  | { readonly type: 'verbs'; readonly verbs: readonly VerbEntry[] }
  | { readonly type: 'toast'; readonly text: string; readonly kind: Toast['kind'] }
  | { readonly type: 'arm'; readonly armed: Armed }
  | { readonly type: 'prompt'; readonly prompt: Prompt }
  | { readonly type: 'prompted'; readonly id: string; readonly text: string; readonly data: string }
  | { readonly type: 'promptChanged'; readonly id: string; readonly text: string; readonly data: string }
  | { readonly type: 'promptLeft'; readonly id: string; readonly data: string }
  | { readonly type: 'panel'; readonly panel: Panel }
  | { readonly type: 'show'; readonly pane: PaneId; readonly target?: Target }
  | { readonly type: 'back' }
  | { readonly type: 'focus'; readonly area: FocusArea }
  | { readonly type: 'remember'; readonly remembered: Remembered | undefined }

export type Effect =
  /** Comes back as a message at once. */
  | { readonly type: 'send'; readonly message: Message }
  | { readonly type: 'ask'; readonly channel: string; readonly query: Query; readonly delayMs?: number }
  /** Nobody waits for the channel's answer any more. */
  | { readonly type: 'forget'; readonly channel: string }
  | { readonly type: 'operate'; readonly operation: Operation }
  | { readonly type: 'cancel' }
  | { readonly type: 'edit'; readonly path: GovernedPath; readonly wasRecorded: boolean }
  | { readonly type: 'copyOut'; readonly path: GovernedPath; readonly at: StateText | 'disk'; readonly name: string }
  | { readonly type: 'survey'; readonly path: string; readonly ignore: readonly string[] | undefined }
  | { readonly type: 'adopt'; readonly path: string; readonly ignore: readonly string[] | undefined }
  /** Says what the open folder is, and opens it again. */
  | { readonly type: 'settle'; readonly as: 'moved' | 'copy' }
  | { readonly type: 'demo' }
  | { readonly type: 'open'; readonly path: string }
  | { readonly type: 'loadVerbs' }
  | { readonly type: 'runVerb'; readonly words: string }
  | { readonly type: 'suspend' }
  | { readonly type: 'redraw' }
  | { readonly type: 'quit'; readonly code: number }

export type Step<State> = readonly [State, readonly Effect[]]
