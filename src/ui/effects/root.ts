// Opening, surveying and making root folders for the screen.
import fs from 'node:fs'
import path from 'node:path'
import { adoptRootAt, makeRootOf, openRootAt, surveyForRoot } from '../../commands/openRoot.ts'
import { isSentientError, SentientError } from '../../core/errors.ts'
import type { Host } from '../../core/host/host.ts'
import type { System } from '../../core/system.ts'
import type { Message, RootInfo } from '../state/model.ts'
import { safeText } from '../widgets/text.ts'
import { problemOf } from './problem.ts'
import { finish } from './queries.ts'
import { createWorkReport } from './workReport.ts'

type Post = (message: Message) => void

/** Opens for writing; where that can not be, for reading, and says so. */
export async function openRoot(
  host: Host,
  options: { readonly rootPath: string; readonly session: string; readonly signal: AbortSignal },
): Promise<{ readonly system: System; readonly notices: readonly string[] }> {
  const opened = (system: System, ...more: string[]) => ({
    system,
    notices: [
      ...more,
      ...(system.binding.refusal === undefined ? [] : [refusalText(system.binding.refusal)]),
      ...system.notices.map(({ text }) => safeText(text)),
    ],
  })
  try {
    return opened(await openRootAt(host, { ...options, access: 'write' }))
  } catch (error) {
    if (!isSentientError(error, 'READ_ONLY', 'NOT_WRITABLE', 'LOCKED')) throw error
    const system = await openRootAt(host, { ...options, access: 'read' })
    return opened(system, `Open for reading only: ${problemOf(error).text}`)
  }
}

export const rootInfo = (system: System, notices: readonly string[], home: string | undefined): RootInfo => ({
  path: system.rootPath,
  shownPath: shownPath(system.rootPath, home),
  access: system.access,
  notices,
  ...(system.binding.refusal === undefined ? {} : { unknown: refusalText(system.binding.refusal) }),
})

/** In one row what is the matter, and what to do. */
const refusalText = ({ details }: SentientError): string =>
  safeText(`${details.what} (${details.found}) The first change asks, : adopt does too`)

/** Throws ROOT_NOT_FOUND, NOT_A_DIRECTORY: a history can start only in a folder that is there. */
export function requireDirectory(folder: string): void {
  const stat = fs.statSync(folder, { throwIfNoEntry: false })
  if (stat === undefined)
    throw new SentientError('ROOT_NOT_FOUND', {
      what: 'No such directory',
      where: folder,
      hint: 'Check its name. To start a history in a new folder, make it first: mkdir.',
    })
  if (!stat.isDirectory()) throw new SentientError('NOT_A_DIRECTORY', { where: folder })
}

/** `~/gateway` */
export function shownPath(folder: string, home: string | undefined): string {
  const inHome = home !== undefined && home !== '/' && (folder === home || folder.startsWith(home + path.sep))
  return safeText(inHome ? `~${folder.slice(home.length)}` : folder)
}

export async function survey(
  host: Host,
  options: { readonly path: string; readonly ignore: readonly string[] | undefined; readonly signal: AbortSignal },
  post: Post,
): Promise<void> {
  const { ignore, ...rest } = options
  const report = createWorkReport({ channel: 'survey', text: 'counting what is here', cancellable: false, post })
  try {
    const work = surveyForRoot(host, { ...rest, ...(ignore === undefined ? {} : { ignore }) })
    post({ type: 'surveyed', survey: await finish(work, report.progress) })
  } catch (error) {
    if (!options.signal.aborted) post({ type: 'surveyFailed', problem: problemOf(error) })
  } finally {
    report.end()
  }
}

/** Makes the root folder; what was there stays as it is. */
export async function adopt(
  host: Host,
  options: { readonly path: string; readonly ignore: readonly string[] | undefined; readonly signal: AbortSignal },
  post: Post,
): Promise<void> {
  const { ignore, ...rest } = options
  const report = createWorkReport({ channel: 'adopt', text: 'starting the history', cancellable: true, post })
  try {
    const work = makeRootOf(host, { ...rest, zk: true, ...(ignore === undefined ? {} : { ignore }) })
    await finish(work, report.progress)
    post({ type: 'opening', path: options.path })
  } catch (error) {
    post({ type: 'adoptFailed', problem: problemOf(error) })
  } finally {
    report.end()
  }
}

/** Says what a folder is that this device does not know as its own; it is closed meanwhile. */
export async function settle(
  host: Host,
  options: { readonly rootPath: string; readonly as: 'moved' | 'copy'; readonly signal: AbortSignal },
  post: Post,
): Promise<void> {
  const report = createWorkReport({ channel: 'adopt', text: 'adopting this folder', cancellable: false, post })
  try {
    await finish(adoptRootAt(host, options), report.progress)
  } catch (error) {
    const { text, hint } = problemOf(error)
    post({ type: 'toast', text: `${text}. ${hint}`, kind: 'bad' })
  } finally {
    report.end()
    post({ type: 'opening', path: options.rootPath })
  }
}

/** Opens the demo of this user; makes it where there is none yet. What a user did in it stays. */
export async function openDemo(host: Host, dataFolder: string, post: Post): Promise<void> {
  const folder = path.join(dataFolder, 'sentientos', 'demo')
  const report = createWorkReport({ channel: 'adopt', text: 'making the demo', cancellable: false, post })
  try {
    if (!fs.existsSync(path.join(folder, '.runtime', 'format'))) {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
      const { makeDemo } = await import('../../commands/demo/makeDemo.ts')
      await finish(makeDemo(host, folder), report.progress)
    }
    post({ type: 'opening', path: folder })
  } catch (error) {
    post({ type: 'adoptFailed', problem: problemOf(error) })
  } finally {
    report.end()
  }
}
