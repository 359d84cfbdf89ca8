// Runs what update asked for: questions, operations, the editor, the terminal. Answers come back as messages; nothing
// here decides what the screen shows.
import fs from 'node:fs'
import path from 'node:path'
import { resumeSessionAt } from '../../commands/openRoot.ts'
import { isSentientError, SentientError } from '../../core/errors.ts'
import type { Host } from '../../core/host/host.ts'
import type { System } from '../../core/system.ts'
import type { Screen } from '../screen/screen.ts'
import type { Effect, Message, Model } from '../state/model.ts'
import { type Operation, operationText } from '../state/operation.ts'
import { safeText } from '../widgets/text.ts'
import { type Channels, createChannels } from './channels.ts'
import { copyOut } from './copyOut.ts'
import { editFile } from './editor.ts'
import { followPlace, followRecords, followTree } from './follow.ts'
import { startOperation } from './operations.ts'
import { problemOf } from './problem.ts'
import { finish } from './queries.ts'
import { adopt, openDemo, openRoot, rootInfo, settle, shownPath, survey } from './root.ts'
import { createSessionKeeper, killedSession, type SessionKeeper } from './session.ts'
import { createWorkReport } from './workReport.ts'

export interface Effects {
  run(effect: Exclude<Effect, { type: 'send' }>): void
  /** Keeps where somebody is, now and then. */
  remember(model: Model): void
  /** Stops what runs, waits for an operation that is being committed, and closes the root folder. */
  close(): Promise<void>
}

export interface EffectsOptions {
  readonly host: Host
  readonly screen: Screen
  readonly cwd: string
  readonly version: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly post: (message: Message) => void
  readonly quit: (code: number) => void
}

/** After these the writer of the core may take nothing more. */
const writerErrors = ['IO', 'DISK_FULL'] as const

export function createEffects(options: EffectsOptions): Effects {
  const { host, screen, cwd, version, environment, post, quit } = options
  /** Of the root folder that is open; one that was killed goes on. */
  let session = ''
  let keeper: SessionKeeper | undefined
  let leftByKey = false
  const ending = new AbortController()
  let system: System | undefined
  let channels: Channels | undefined
  /** Ends what follows the root folder that is open. */
  let following = new AbortController()
  let operation:
    | { readonly controller: AbortController; readonly done: Promise<void>; readonly text: string }
    | undefined

  /** A look at a tree that is being changed would only find what is not in place yet: it waits for the end. */
  let lookAfter: Extract<Effect, { type: 'ask' }> | undefined
  const ask = (effect: Extract<Effect, { type: 'ask' }>): void => {
    if (operation !== undefined && effect.query.ask === 'status') lookAfter = effect
    else channels?.ask(effect)
  }

  /** The tree is watched once the first look has ended: watching looks itself, and must not pass for the look before. */
  const afterFirstLook = (watched: System, signal: AbortSignal): ((message: Message) => void) => {
    let looked = false
    return message => {
      post(message)
      if (looked || !('ask' in message) || message.ask !== 'status') return
      looked = true
      void followTree(watched, post, signal)
    }
  }

  /** From now on this is the root folder that is asked and followed. */
  const take = (opened: System): void => {
    following = new AbortController()
    const signal = AbortSignal.any([ending.signal, following.signal])
    system = opened
    channels = createChannels({ system: opened, session, post: afterFirstLook(opened, signal) })
    keeper = createSessionKeeper(opened)
    void followRecords(opened, post, signal)
    void followPlace(opened.rootPath, gone, signal)
  }

  const letGo = async (): Promise<void> => {
    following.abort()
    channels?.cancelAll()
    const left = system
    keeper?.end(false)
    keeper = undefined
    system = undefined
    channels = undefined
    // What is derived is made anew by the next opening.
    await left?.close().catch(() => undefined)
  }

  /** Another process moved or deleted the root folder while it is open. */
  const gone = (): void => {
    const problem = problemOf(
      new SentientError('ROOT_NOT_FOUND', { what: 'The root folder is gone', where: system?.rootPath ?? '' }),
    )
    post({ type: 'openFailed', path: system?.rootPath ?? '', problem })
    operation?.controller.abort()
    void letGo()
  }

  /** A write that failed shuts the writer for good; the next operation gets a new one, as the next run of a verb would. */
  const reopen = async (rootPath: string): Promise<void> => {
    await letGo()
    try {
      take((await openRoot(host, { rootPath, session, signal: ending.signal })).system)
    } catch (error) {
      if (!ending.signal.aborted) post({ type: 'openFailed', path: rootPath, problem: problemOf(error) })
    }
  }

  const open = async (rootPath: string): Promise<void> => {
    try {
      const resumed = resumeSessionAt(host, rootPath)
      session = resumed.id
      const found = await openRoot(host, { rootPath, session, signal: ending.signal })
      const { last } = resumed
      take(found.system)
      post({
        type: 'opened',
        root: rootInfo(found.system, [...found.notices, ...resumed.notices.map(safeText)], environment.HOME),
        lastSeq: found.system.now().records - 1,
        ...(last === undefined ? {} : { last: { screen: last.screen, killed: killedSession(found.system, last) } }),
      })
    } catch (error) {
      if (ending.signal.aborted) return
      if (isSentientError(error, 'ROOT_NOT_FOUND') && fs.existsSync(rootPath))
        post({ type: 'noRoot', path: rootPath, shownPath: shownPath(rootPath, environment.HOME) })
      else post({ type: 'openFailed', path: rootPath, problem: problemOf(error) })
    }
  }

  /** One at a time: what is running has to end first. */
  const exclusive = (text: string, work: (signal: AbortSignal, channel: string) => Promise<void>): void => {
    if (operation !== undefined) {
      post({ type: 'toast', text: `One at a time: ${operation.text} is running. X cancels it.`, kind: 'bad' })
      return
    }
    const controller = new AbortController()
    const done = work(controller.signal, 'operation').finally(() => {
      operation = undefined
      if (lookAfter !== undefined) channels?.ask(lookAfter)
      lookAfter = undefined
    })
    operation = { controller, done, text }
  }

  const operate = (wanted: Operation): void => {
    const running = system
    if (running === undefined) return
    exclusive(operationText(wanted), async (signal, channel) => {
      const report = createWorkReport({ channel, text: operationText(wanted), cancellable: true, post })
      keeper?.operation(wanted)
      const lastSeq = (): number => running.now().records - 1
      try {
        if (wanted.do === 'repair') {
          const mended = await finish(running.repair({ signal }), report.progress)
          post({ type: 'repaired', operation: wanted, report: mended, lastSeq: lastSeq() })
          return
        }
        const work = startOperation(running, wanted, { signal, session })
        const result = await finish(work, report.progress)
        post({ type: 'operated', operation: wanted, result, lastSeq: lastSeq() })
      } catch (error) {
        const last = lastSeq()
        if (isSentientError(error, ...writerErrors)) await reopen(running.rootPath)
        post({ type: 'operationFailed', operation: wanted, problem: problemOf(error), lastSeq: last })
      } finally {
        keeper?.operation(undefined)
        report.end()
      }
    })
  }

  const runVerbLine = (words: string): void => {
    const running = system
    if (running === undefined) return
    exclusive(words, async (signal, channel) => {
      const report = createWorkReport({ channel, text: `sentctl ${words}`, cancellable: true, post })
      const { runVerb } = await import('./verbs.ts')
      try {
        const panel = await runVerb({ words, system: running, host, version, signal, progress: report.progress })
        post({ type: 'panel', panel })
      } catch (error) {
        const { text, hint } = problemOf(error)
        post({
          type: 'toast',
          text: isSentientError(error, 'CANCELLED') ? `Cancelled: ${words}` : `${text}. ${hint}`,
          kind: 'bad',
        })
      } finally {
        report.end()
        post({ type: 'treeChanged' })
      }
    })
  }

  const tryOrToast = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      const { text, hint } = problemOf(error)
      post({ type: 'toast', text: `${text}. ${hint}`, kind: 'bad' })
    }
  }

  return {
    run(effect) {
      switch (effect.type) {
        case 'ask':
          return ask(effect)
        case 'forget':
          return channels?.forget(effect.channel)
        case 'operate':
          return operate(effect.operation)
        case 'cancel':
          if (operation !== undefined) operation.controller.abort()
          else channels?.cancelAll()
          return
        case 'edit':
          return tryOrToast(() => {
            if (system === undefined) return
            const { rootPath } = system
            const changed = screen.lend(() => editFile(rootPath, effect.path, environment))
            post({ type: 'edited', path: effect.path, changed, wasRecorded: effect.wasRecorded })
          })
        case 'copyOut':
          return tryOrToast(() => {
            if (system === undefined) return
            const to = copyOut(system, effect, { cwd, home: environment.HOME, name: effect.name })
            post({ type: 'toast', text: `Copied out to ${shownPath(to, environment.HOME)}`, kind: 'good' })
          })
        case 'survey':
          return void survey(host, { path: effect.path, ignore: effect.ignore, signal: ending.signal }, post)
        case 'adopt':
          return exclusive('starting the history', signal =>
            adopt(host, { path: effect.path, ignore: effect.ignore, signal }, post),
          )
        case 'settle': {
          const rootPath = system?.rootPath
          if (rootPath === undefined) return
          return exclusive('adopting this folder', async signal => {
            await letGo()
            await settle(host, { rootPath, as: effect.as, signal }, post)
          })
        }
        case 'demo':
          return void openDemo(host, dataFolder(environment), post)
        case 'open':
          return void open(effect.path)
        case 'loadVerbs':
          return void import('./verbs.ts').then(({ verbEntries }) => post({ type: 'verbs', verbs: verbEntries() }))
        case 'runVerb':
          return runVerbLine(effect.words)
        case 'suspend':
          return screen.suspend()
        case 'redraw':
          return screen.redraw()
        case 'quit':
          leftByKey = true
          return quit(effect.code)
      }
    },
    remember: model => keeper?.changed(model),
    async close() {
      ending.abort()
      channels?.cancelAll()
      operation?.controller.abort()
      await operation?.done
      keeper?.end(leftByKey)
      await system?.close()
    },
  }
}

const dataFolder = ({ XDG_DATA_HOME, HOME }: EffectsOptions['environment']): string =>
  XDG_DATA_HOME || path.join(HOME ?? '/', '.local', 'share')
