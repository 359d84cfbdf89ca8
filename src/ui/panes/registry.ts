// The panes that exist. A new one is a folder and a line here: its tab, its keys and its place on the screen follow.
import { changesPane } from './changes/changes.ts'
import { differencePane } from './difference/difference.ts'
import { filesPane } from './files/files.ts'
import type { Pane, PaneState } from './pane.ts'
import { timelinePane } from './timeline/timeline.ts'
import { tracePane } from './trace/trace.ts'
import { versionsPane } from './versions/versions.ts'

export const panes = {
  files: filesPane,
  changes: changesPane,
  versions: versionsPane,
  trace: tracePane,
  timeline: timelinePane,
  difference: differencePane,
} as const

export type PaneId = keyof typeof panes

export type PaneStates = { readonly [Id in PaneId]: ReturnType<(typeof panes)[Id]['initial']> }

export const paneIds = Object.keys(panes) as readonly PaneId[]

/** A pane with the type of its own state, for code that holds both. */
export const paneOf = <Id extends PaneId>(id: Id): Pane<PaneStates[Id]> => panes[id] as unknown as Pane<PaneStates[Id]>

/** A pane where its state does not matter. */
export const paneFacts = (id: PaneId): Omit<Pane<PaneState>, 'view'> => panes[id] as unknown as Pane<PaneState>
