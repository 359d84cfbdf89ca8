// What a pane is: its state and transitions (pure), its keys, and a component that is loaded when the screen starts.
// A new pane is a folder with these and one line in registry.ts.
import type { ComponentType } from 'react'
import type { GovernedPath } from '../../core/timeline/model.ts'
import type { Binding } from '../input/keymap.ts'
import type { Offer } from '../state/bringBack.ts'
import type { PaneMemory } from '../state/facts.ts'
import type { ListState } from '../state/list.ts'
import type { Context, Effect, Message, Step, Target } from '../state/model.ts'
import type { Operation } from '../state/operation.ts'

/** Every pane has a list; what else it holds is its own. */
export interface PaneState {
  readonly list: ListState
}

export interface PaneProps<State> {
  readonly state: State
  readonly context: Context
}

export interface PaneView<State> {
  readonly List: ComponentType<PaneProps<State>>
  readonly Detail: ComponentType<PaneProps<State>>
}

export type Handler<State> = (state: State, context: Context) => Step<State>

export interface Pane<State extends PaneState> {
  readonly title: string
  /** The key of its tab; panes without one are reached from another pane and light that pane's tab. */
  readonly number?: string
  readonly tab: string
  /** Side by side from 80 columns on, or the detail below the list. */
  readonly arrangement: 'side' | 'below'
  /** How much of the width the list takes beside the detail, in hundredths. */
  readonly listShare: number
  /** Below 80 columns: one area at a time, or both where the rows allow it. */
  readonly narrow: 'single' | 'both'
  /** Rows of the list area above its first row. */
  readonly headerRows: number
  readonly keys: readonly Binding[]
  /** Keys that count first while the detail area has the focus. */
  readonly detailKeys: readonly Binding[]
  readonly unbound?: readonly string[]
  readonly actions: Readonly<Record<string, Handler<State>>>
  initial(): State
  /** Rows of the list. */
  length(state: State): number
  /** Rows of the detail area, for scrolling. */
  detailLength(state: State): number
  detailScroll(state: State): number
  scrolled(state: State, scroll: number, context: Context): Step<State>
  /** The pane is shown, perhaps for something. */
  enter(state: State, context: Context, target: Target | undefined): Step<State>
  /** The user moved the cursor. */
  moved(state: State, context: Context): Step<State>
  /** The areas have other sizes, or the detail area came or went; `moved` where it is left out. */
  arranged?(state: State, context: Context): Step<State>
  receive(state: State, message: Message, context: Context): Step<State>
  /** The path under the cursor, where the rows are paths: its versions are shown beside it when there is room. */
  subject?(state: State): GovernedPath | undefined
  /** What a search looks at; panes that search by themselves leave it out. */
  rowText?(state: State, index: number): string
  /** A few words for the title row: how much there is. */
  titleFacts?(state: State): string | undefined
  /** Where somebody is in it, for the next start. */
  remember?(state: State): PaneMemory
  /** There again, before the pane is entered; what no longer fits is left out. */
  recall?(state: State, memory: PaneMemory, context: Context): Step<State>
  /** Nothing is open in it that Esc could close: it says so by returning undefined. */
  escape?(state: State, context: Context): Step<State> | undefined
  view(): Promise<PaneView<State>>
}

/** A pane whose bindings name only actions that it has: a misspelt one does not compile. */
export function definePane<State extends PaneState, Action extends string>(
  pane: Omit<Pane<State>, 'keys' | 'detailKeys' | 'actions'> & {
    readonly actions: Readonly<Record<Action, Handler<State>>>
    readonly keys: readonly Binding<NoInfer<Action> | MoveAction>[]
    readonly detailKeys: readonly Binding<NoInfer<Action> | MoveAction>[]
  },
): Pane<State> {
  return pane
}

/** What every list can do; the screen does it, with the pane's list. */
export type MoveAction =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'halfUp'
  | 'halfDown'
  | 'top'
  | 'bottom'
  | 'scrollUp'
  | 'scrollDown'
  | 'search'
  | 'searchNext'
  | 'searchPrevious'

export const send = (message: Message): Effect => ({ type: 'send', message })
export const toast = (text: string, kind: 'info' | 'good' | 'bad' = 'info'): Effect =>
  send({ type: 'toast', text, kind })

/** Asks for a text in the bottom row. */
export function askText(
  id: string,
  label: string,
  options: { readonly text?: string; readonly data?: string; readonly live?: boolean } = {},
): Effect {
  const text = options.text ?? ''
  return send({
    type: 'prompt',
    prompt: { id, label, text, cursor: text.length, data: options.data ?? '', live: options.live ?? false },
  })
}

/** Before the first change in a folder that this device does not know as its own. */
export const askWhatItIs = askText('global.adopt', 'moved here (m), or a copy (c)?')

/** Why an operation can not be run here; undefined: it can. From a past state nothing is written but what brings it back. */
export function refusal(operation: Pick<Operation, 'do'>, context: Context): Effect | undefined {
  if (context.asks) return askWhatItIs
  if (!context.writable) return toast('The root folder is open for reading only.', 'bad')
  if (context.past !== undefined && operation.do !== 'restore')
    return toast('PAST is read-only: Esc returns to now.', 'bad')
  return undefined
}

/** Runs an operation, or says why not. */
export const operate = (operation: Operation, context: Context): Effect =>
  refusal(operation, context) ?? { type: 'operate', operation }

/** What `b` does with what differs from the record. */
export function bringBack(
  offer: Offer,
  context: Context,
  asked: { readonly scope: string; readonly action: string },
): Effect {
  if (offer.kind === 'run') return operate(offer.operation, context)
  if (offer.kind === 'announce') return announce(offer.operation, context, { ...asked, text: offer.text })
  return refusal({ do: 'repair' }, context) ?? send({ type: 'panel', panel: offer.panel })
}

/** Says what an operation would do; the same key again runs it. */
export const announce = (
  operation: Operation,
  context: Context,
  asked: { readonly scope: string; readonly action: string; readonly text: string },
): Effect =>
  refusal(operation, context) ?? send({ type: 'arm', armed: { ...asked, effects: [{ type: 'operate', operation }] } })
