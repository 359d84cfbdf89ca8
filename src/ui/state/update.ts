// The transitions of the screen: a model and a message give the next model and effects. Pure: no clock, no files, no
// terminal. What happens inside a pane is the pane's; here is what concerns all of them.
import type { RecordView, StatusReport } from '../../core/timeline/model.ts'
import { press } from '../input/keymap.ts'
import { paneMap } from '../input/scopes.ts'
import { type MoveAction, send } from '../panes/pane.ts'
import { type PaneId, paneFacts, paneIds, paneOf } from '../panes/registry.ts'
import { contextOf, layoutFor } from './context.ts'
import { failedKey, firstStartKey, firstStartMessage, initialFirstStart } from './firstStart.ts'
import {
  focused,
  type GlobalAction,
  globalAction,
  moveAction,
  rearranged,
  searched,
  undoChannel,
} from './globalActions.ts'
import { lookedAgain } from './looks.ts'
import { recalled } from './memory.ts'
import type { Armed, Effect, Message, Model, Step, Target, Toast } from './model.ts'
import { type Operation, operationText } from './operation.ts'
import { overlayKey, pasted } from './overlays.ts'
import { repairPanel, repairText } from './repair.ts'
import { resultText, rollbackPanel, undoText } from './results.ts'
import { andThen, stay, stepPane, withEffects } from './steps.ts'
import { followed, leavePast, timeCursorLeft, timePromptId } from './timeCursor.ts'

const statusAfterChangeMs = 300
/** A message stays for at least this long, however fast keys come. */
const toastMicrosMin = 1_500_000

const runAgainScope = 'again'

const askStatus = (delayMs: number): Effect => ({ type: 'ask', channel: 'status', query: { ask: 'status' }, delayMs })

export function update(model: Model, message: Message): Step<Model> {
  return andThen(transition(model, message), withAside)
}

/** Where there is room beside the detail, the versions of the path under the cursor are asked for. */
function withAside(model: Model): Step<Model> {
  if (model.stage.kind !== 'open' || layoutFor(model, model.pane).aside === undefined) return stay(model)
  const path = paneFacts(model.pane).subject?.(model.panes[model.pane])
  if (path === undefined || path === model.panes.versions.path) return stay(model)
  return stepPane(model, 'versions', (pane, state, context) => pane.enter(state, context, { path }))
}

function transition(model: Model, message: Message): Step<Model> {
  switch (message.type) {
    case 'key':
      return keyPressed(model, message.key)
    case 'paste':
      return pasted(model, message.text)
    case 'resize':
      return rearranged({ ...model, size: message.size })
    case 'surveyed':
    case 'surveyFailed':
    case 'adoptFailed':
      return model.stage.kind === 'first-start' ? firstStartMessage(model, model.stage, message) : stay(model)
    case 'noRoot': {
      const { path, shownPath } = message
      const stage = { kind: 'first-start', path, shownPath, start: initialFirstStart } as const
      return withEffects({ ...model, stage }, { type: 'survey', path, ignore: undefined })
    }
    case 'opening':
      return withEffects(
        { ...model, stage: { kind: 'opening', path: message.path } },
        { type: 'open', path: message.path },
      )
    case 'openFailed':
      return stay({ ...model, stage: { kind: 'failed', path: message.path, problem: message.problem } })
    case 'opened':
      return opened(model, message)
    case 'verbs':
      return stay({ ...model, verbs: message.verbs })
    case 'toast':
      return stay({ ...model, toast: { text: message.text, kind: message.kind, at: model.clock } })
    case 'arm':
      return stay({ ...model, armed: message.armed, toast: undefined })
    case 'prompt':
      return stay({ ...model, overlays: [...model.overlays, { kind: 'prompt', prompt: message.prompt }] })
    case 'panel':
      return stay({ ...model, overlays: [...model.overlays, { kind: 'panel', panel: message.panel }] })
    case 'show':
      return shown(model, message.pane, message.target)
    case 'back':
      return wentBack(model)
    case 'focus':
      return focused(model, message.area)
    case 'remember':
      return stay({ ...model, remembered: message.remembered })
    case 'work':
      return stay({
        ...model,
        work: [...model.work.filter(({ channel }) => channel !== message.work.channel), message.work],
      })
    case 'workEnded':
      return stay({ ...model, work: model.work.filter(({ channel }) => channel !== message.channel) })
    default:
      return spread(model, message)
  }
}

function keyPressed(model: Model, key: string): Step<Model> {
  const old = model.toast !== undefined && model.clock - model.toast.at > toastMicrosMin
  const next: Model = { ...model, touched: true, toast: old ? undefined : model.toast }
  if (next.overlays.length > 0) return overlayKey(next, key, dispatchAction)
  if (next.stage.kind === 'first-start') return firstStartKey(next, next.stage, key)
  if (next.stage.kind === 'failed') return failedKey(next, next.stage, key)
  if (next.stage.kind === 'opening')
    return key === 'q' || key === 'ctrl-c' ? withEffects(next, { type: 'quit', code: 0 }) : stay(next)
  if (next.armed?.scope === runAgainScope) return runAgainKey(next, next.armed, key)
  const pressed = press(paneMap(next.pane, next.focus), next.pendingKeys, key)
  const settledKeys = { ...next, pendingKeys: pressed.type === 'pending' ? pressed.keys : '' }
  if (pressed.type === 'action') return dispatchAction(settledKeys, pressed.scope, pressed.action)
  return stay(pressed.type === 'unknown' ? { ...settledKeys, armed: undefined } : settledKeys)
}

function runAgainKey(model: Model, { effects }: Armed, key: string): Step<Model> {
  const next: Model = { ...model, armed: undefined, toast: undefined }
  if (key === 'enter') return [next, effects]
  return key === 'escape' || key === 'tab' ? stay(next) : keyPressed(next, key)
}

/** Runs an action: of a pane, of lists, of the screen. One that was armed runs what it had announced. */
function dispatchAction(model: Model, scope: string, action: string): Step<Model> {
  const { armed } = model
  const next: Model = { ...model, armed: undefined }
  if (armed !== undefined && armed.scope === scope && armed.action === action)
    return armed.waits === undefined ? [next, armed.effects] : stay({ ...next, armed: { ...armed, waits: 'again' } })
  if (armed !== undefined && action === 'close') return stay(next)
  if (scope === 'move') return moveAction(next, action as MoveAction)
  if (scope === 'global') return globalAction(next, action as GlobalAction | `pane.${PaneId}`)
  const id = scope as PaneId
  return stepPane(next, id, (pane, state, context) => pane.actions[action]?.(state, context) ?? [state, []])
}

function opened(model: Model, message: Extract<Message, { type: 'opened' }>): Step<Model> {
  const { root, lastSeq, last } = message
  const text = [last?.killed?.text, root.notices[0]].filter(part => part !== undefined).join('. ')
  const again = root.access === 'write' && last?.screen.prompt === null ? last.killed?.again : undefined
  const next: Model = {
    ...model,
    stage: { kind: 'open', root },
    lastSeq,
    status: { ...model.status, checking: true },
    toast: text === '' ? undefined : { text, kind: 'info', at: model.clock },
    armed: again === undefined ? undefined : runAgain(text, again),
  }
  const shownFirst = andThen(toAllPanes(next, message), now =>
    last === undefined ? shown(now, 'files') : recalled(now, last, shown),
  )
  return andThen(shownFirst, now => withEffects(now, askStatus(0)))
}

/** What was killed before it was recorded: the first key decides, and any but Enter means what it always means. */
const runAgain = (text: string, operation: Operation): Armed => ({
  scope: runAgainScope,
  action: 'run',
  text: `${text}. Enter runs it again`,
  effects: [{ type: 'operate', operation }],
})

/** To another pane: one with a tab of its own begins anew, one that was opened from another leads back to it. */
function shown(model: Model, id: PaneId, target?: Target): Step<Model> {
  const own = paneFacts(id).number !== undefined
  const backStack = own ? [] : waysBack(model, id)
  const next: Model = { ...model, pane: id, backStack, focus: 'list', enlarged: false }
  return stepPane(next, id, (pane, state, context) => pane.enter(state, context, target))
}

/** A pane that one came through already is gone back to: no `q` leads to the same pane twice. */
function waysBack({ pane, backStack }: Model, id: PaneId): readonly PaneId[] {
  const stack = [...backStack, pane]
  return stack.includes(id) ? stack.slice(0, stack.indexOf(id)) : stack
}

function wentBack(model: Model): Step<Model> {
  const id = model.backStack.at(-1)
  if (id === undefined) return stay(model)
  const next: Model = { ...model, pane: id, backStack: model.backStack.slice(0, -1), focus: 'list', enlarged: false }
  return stepPane(next, id, (pane, state, context) => pane.enter(state, context, undefined))
}

/** A message that concerns panes: what it means for the screen, and then for each of them. */
function spread(model: Model, message: Message): Step<Model> {
  const own = ownPart(model, message)
  return andThen(own, next => toAllPanes(next, message))
}

function toAllPanes(model: Model, message: Message): Step<Model> {
  let step: Step<Model> = stay(model)
  for (const id of paneIds) {
    step = andThen(step, next => {
      const before = next.panes[id]
      const [state, effects] = paneOf(id).receive(before as never, message, contextOf(next, id))
      return [state === before ? next : { ...next, panes: { ...next.panes, [id]: state } }, effects]
    })
  }
  return step
}

function ownPart(model: Model, message: Message): Step<Model> {
  switch (message.type) {
    case 'answer':
      return answered(model, message)
    case 'refused':
      return refused(model, message)
    case 'operated': {
      const toast: Toast = { ...resultText(message.operation, message.result), at: model.clock }
      const next: Model = { ...model, toast, lastSeq: Math.max(model.lastSeq, message.lastSeq) }
      return withEffects(next, send({ type: 'treeChanged' }))
    }
    case 'repaired': {
      const toast: Toast = { ...repairText(message.report, message.lastSeq), at: model.clock }
      const panel = repairPanel(message.report)
      return withEffects(
        { ...model, toast, lastSeq: Math.max(model.lastSeq, message.lastSeq) },
        send({ type: 'treeChanged' }),
        ...(panel === undefined ? [] : [send({ type: 'panel', panel })]),
      )
    }
    case 'operationFailed':
      return operationFailed(model, message)
    case 'recorded':
      return withEffects(
        { ...model, lastSeq: Math.max(model.lastSeq, message.lastSeq) },
        askStatus(statusAfterChangeMs),
      )
    case 'treeChanged':
      return withEffects({ ...model, status: { ...model.status, checking: true } }, askStatus(statusAfterChangeMs))
    case 'edited':
      return edited(model, message)
    case 'prompted':
      return prompted(model, message)
    case 'promptLeft':
      return message.id === timePromptId ? timeCursorLeft(model, message.data) : stay(model)
    default:
      return stay(model)
  }
}

function answered(model: Model, message: Extract<Message, { type: 'answer' }>): Step<Model> {
  if (message.ask === 'status') {
    const looks = model.status.looks + 1
    const intervals = lookedAgain(model.status, message.answer, model.clock)
    const status = {
      report: message.answer,
      checking: false,
      problem: undefined,
      intervals,
      lookedAt: model.clock,
      looks,
    }
    const next: Model = { ...model, status }
    // The first look found something, and nobody has pressed a key yet: that is what is to be seen first.
    const first = looks === 1 && !model.touched && message.answer.changes.length > 0
    if (first) return andThen(shown(next, 'changes'), now => stay({ ...now, backStack: [] }))
    // Listings carry the marks of the last look; listing again is not free where a directory is big.
    if (looks > 1 && sameMarks(model.status.report, message.answer)) return stay(next)
    return stepPane(next, 'files', (pane, state, context) =>
      context.visible ? pane.enter(state, context, undefined) : [state, []],
    )
  }
  if (message.ask === 'undoable') return undoFound(model, message.query.direction, message.answer)
  if (message.ask === 'rollbackPreview')
    return withEffects(model, send({ type: 'panel', panel: rollbackPanel(message.answer, message.query.to) }))
  if (message.ask === 'state' && message.channel === 'global.time')
    return shown({ ...model, past: message.answer, toast: undefined }, 'files')
  if (message.ask === 'state') return followed(model, message.channel, message.answer)
  return stay(model)
}

/** Says what `u` or `U` would do, or does it when the key came again meanwhile; any other key has forgotten it. */
function undoFound(model: Model, direction: 'undo' | 'redo', record: RecordView | undefined): Step<Model> {
  const { armed } = model
  if (armed?.waits === undefined || armed.action !== direction) return stay(model)
  const next: Model = { ...model, armed: undefined }
  if (record === undefined) {
    const text =
      direction === 'undo' ? 'Nothing of this session to undo: the Timeline (5) has the rest.' : 'Nothing to do again.'
    return withEffects(next, send({ type: 'toast', text, kind: 'info' }))
  }
  const operation = direction === 'undo' ? ({ do: 'undo', seq: record.seq } as const) : ({ do: 'redo' } as const)
  const effects = [{ type: 'operate', operation }] as const
  if (armed.waits === 'again') return [next, effects]
  const text = undoText(direction, record, model.lastSeq, model.clock)
  return withEffects(next, send({ type: 'arm', armed: { scope: 'global', action: direction, text, effects } }))
}

/** Two looks that found the same: every mark in a listing is what it was. */
function sameMarks(before: StatusReport | undefined, after: StatusReport): boolean {
  return (
    before !== undefined &&
    before.records === after.records &&
    before.changes.length === after.changes.length &&
    after.changes.every((change, index) => {
      const other = before.changes[index]
      return other?.path === change.path && other.state === change.state && other.disk?.mtime === change.disk?.mtime
    })
  )
}

function refused(model: Model, { channel, problem }: Extract<Message, { type: 'refused' }>): Step<Model> {
  if (channel === 'status') return stay({ ...model, status: { ...model.status, checking: false, problem } })
  if (!channel.startsWith('global.')) return stay(model)
  const unarmed = channel === undoChannel ? { ...model, armed: undefined } : model
  return withEffects(unarmed, send({ type: 'toast', text: `${problem.text}. ${problem.hint}`, kind: 'bad' }))
}

/** Says what is true now: a cancelled operation has either been committed before, or it did not happen. */
function operationFailed(model: Model, message: Extract<Message, { type: 'operationFailed' }>): Step<Model> {
  const { operation, problem, lastSeq } = message
  const committed = lastSeq > model.lastSeq
  const after = committed ? `recorded up to #${lastSeq}` : 'nothing was recorded, nothing changed'
  const text =
    problem.code === 'CANCELLED'
      ? `Cancelled: ${operationText(operation)}; ${after}`
      : `${operationText(operation)}: ${problem.text}. ${problem.hint}`
  const next: Model = { ...model, lastSeq: Math.max(model.lastSeq, lastSeq) }
  return withEffects(next, send({ type: 'toast', text, kind: 'bad' }), send({ type: 'treeChanged' }))
}

/** Back from the editor. What was as recorded before is kept at once: it was edited here, and `u` undoes it. */
function edited(model: Model, { path, changed, wasRecorded }: Extract<Message, { type: 'edited' }>): Step<Model> {
  if (!changed) return withEffects(model, send({ type: 'toast', text: 'Not changed.', kind: 'info' }))
  if (wasRecorded) return withEffects(model, { type: 'operate', operation: { do: 'absorb', paths: [path] } })
  const text = 'Edited. It differed before too: A keeps it, b brings the record back.'
  return withEffects(model, send({ type: 'toast', text, kind: 'info' }), send({ type: 'treeChanged' }))
}

/** What somebody says the folder is; anything else leaves it as it is. */
function settled(model: Model, text: string): Step<Model> {
  const answer = text.trim().toLowerCase()
  if (['m', 'moved'].includes(answer)) return withEffects(model, { type: 'settle', as: 'moved' })
  if (['c', 'copy'].includes(answer)) return withEffects(model, { type: 'settle', as: 'copy' })
  return withEffects(model, send({ type: 'toast', text: 'Left as it is: it is only read.', kind: 'info' }))
}

function prompted(model: Model, message: Extract<Message, { type: 'prompted' }>): Step<Model> {
  if (message.id === 'global.search') {
    const text = message.text === '' ? message.data : message.text
    return searched({ ...model, searched: text }, text, 1)
  }
  if (message.id === 'global.adopt') return settled(model, message.text)
  if (message.id !== 'global.time') return stay(model)
  const text = message.text.trim()
  if (text === '' || text === 'now') return model.past === undefined ? stay(model) : leavePast(model)
  return withEffects(model, { type: 'ask', channel: 'global.time', query: { ask: 'state', text } })
}
