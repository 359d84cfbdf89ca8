// What the keys of Files do. Each action answers with the next state and with effects; nothing is done here.
import { displayBytes, parseDisplayed } from '../../../core/format/bytes.ts'
import type { GovernedPath, ListedEntry } from '../../../core/timeline/model.ts'
import { bringBackOffer } from '../../state/bringBack.ts'
import { hunkMarked, hunkMoved, markedHunks } from '../../state/content.ts'
import { moved } from '../../state/list.ts'
import type { Context, Message, Step } from '../../state/model.ts'
import { commandLine, type Operation, pathsText } from '../../state/operation.ts'
import { joined, nameOf, parentOf, stateTextOf } from '../../state/paths.ts'
import { nameTimeText } from '../../widgets/format.ts'
import { announce, askText, bringBack, operate, refusal, send, toast } from '../pane.ts'
import {
  changeOf,
  chosenEntries,
  currentEntry,
  effectsOnly,
  type FilesState,
  goTo,
  inDirectory,
  receiveFiles,
  type SortOrder,
  showContent,
  showRows,
} from './state.ts'

type Files = Step<FilesState>

export const filesActions = {
  open(state: FilesState, context: Context): Files {
    const entry = currentEntry(state)
    if (entry?.kind === 'dir' && entry.mark !== '-') return goTo(state, entry.path, undefined, context)
    return entry === undefined ? [state, []] : effectsOnly(state, send({ type: 'focus', area: 'detail' }))
  },
  leave(state: FilesState, context: Context): Files {
    return state.path === '' ? [state, []] : goTo(state, parentOf(state.path), nameOf(state.path), context)
  },
  mark(state: FilesState, context: Context): Files {
    const entry = currentEntry(state)
    if (entry === undefined) return [state, []]
    const marks = new Set(state.marks)
    if (!marks.delete(entry.path)) marks.add(entry.path)
    const list = moved(state.list, state.list.cursor + 1, state.rows.length, context.list.height)
    return showContent({ ...state, marks, list: { ...list, anchor: state.list.cursor } }, context)
  },
  markRange(state: FilesState): Files {
    const from = Math.min(state.list.anchor ?? state.list.cursor, state.list.cursor)
    const to = Math.max(state.list.anchor ?? state.list.cursor, state.list.cursor)
    const marks = new Set(state.marks)
    for (const { path } of state.rows.slice(from, to + 1)) marks.add(path)
    return [{ ...state, marks, list: { ...state.list, anchor: state.list.cursor } }, []]
  },
  bringBack(state: FilesState, context: Context): Files {
    const chosen = chosenEntries(state)
    if (chosen.length === 0) return [state, []]
    if (context.past !== undefined) return bringBackPast(state, chosen, context)
    const differing = chosen.filter(differs)
    if (differing.length === 0)
      return effectsOnly(state, toast(`${pathsText(chosen.map(pathOf))}: as recorded. w shows earlier versions.`))
    const found = differing.map(entry => ({
      path: entry.path,
      mark: entry.mark,
      below: entry.below?.count ?? 0,
      damaged: entry.mark === '!' && changeOf(context, entry.path)?.state === 'damaged',
    }))
    const offer = bringBackOffer(found, markedHunks(state.content))
    return effectsOnly(state, bringBack(offer, context, { scope: 'files', action: 'bringBack' }))
  },
  keep(state: FilesState, context: Context): Files {
    const differing = chosenEntries(state).filter(differs)
    if (differing.length === 0) return effectsOnly(state, toast('As recorded: there is nothing to keep.'))
    return effectsOnly({ ...state, marks: new Set() }, operate({ do: 'absorb', paths: differing.map(pathOf) }, context))
  },
  remove(state: FilesState, context: Context): Files {
    const paths = chosenEntries(state).map(pathOf)
    if (paths.length === 0) return [state, []]
    const text = `delete ${pathsText(paths)}: d again deletes, u can undo it`
    return effectsOnly(state, announce({ do: 'remove', paths }, context, { scope: 'files', action: 'remove', text }))
  },
  rename(state: FilesState, context: Context): Files {
    const entry = currentEntry(state)
    if (entry === undefined) return [state, []]
    return effectsOnly(
      state,
      refusal({ do: 'move' }, context) ??
        askText('files.rename', 'rename to', { text: displayBytes(entry.name), data: entry.path }),
    )
  },
  create(state: FilesState, context: Context): Files {
    const ask = askText('files.create', 'new file (a directory ends with /)', { data: state.path })
    return effectsOnly(state, refusal({ do: 'makeFile' }, context) ?? ask)
  },
  setMode(state: FilesState, context: Context): Files {
    const entry = currentEntry(state)
    if (entry === undefined) return [state, []]
    const text = entry.mode.toString(8)
    const ask = askText('files.mode', `mode of ${displayBytes(entry.name)}`, { text })
    return effectsOnly(state, refusal({ do: 'setMode' }, context) ?? ask)
  },
  edit(state: FilesState, context: Context): Files {
    const entry = currentEntry(state)
    if (entry === undefined) return [state, []]
    const refused = refusal({ do: 'absorb' }, context)
    if (refused !== undefined) return effectsOnly(state, refused)
    if (entry.kind !== 'file' || entry.mark === '-')
      return effectsOnly(state, toast(`${displayBytes(entry.name)} is no file that could be edited.`, 'bad'))
    return effectsOnly(state, { type: 'edit', path: entry.path, wasRecorded: entry.mark === '=' })
  },
  remember: (state: FilesState): Files => remember(state, false),
  rememberMove: (state: FilesState): Files => remember(state, true),
  put(state: FilesState, context: Context): Files {
    const { remembered } = context
    if (remembered === undefined)
      return effectsOnly(state, toast('Nothing remembered: y remembers a path, x to move it.'))
    const to = inDirectory(state, nameOf(remembered.paths[0] ?? ''))
    if (remembered.at !== undefined) {
      if (remembered.paths.length > 1)
        return effectsOnly(state, toast('From a past state one path at a time is put here.', 'bad'))
      return putPast(state, { path: remembered.paths[0] ?? '', at: remembered.at, to }, context)
    }
    const target = remembered.paths.length === 1 && !remembered.move ? freeName(state, to) : state.path
    const operation: Operation = { do: remembered.move ? 'move' : 'copy', from: remembered.paths, to: target }
    return effectsOnly(
      state,
      operate(operation, context),
      ...(remembered.move ? [send({ type: 'remember', remembered: undefined })] : []),
    )
  },
  copyOut(state: FilesState, context: Context): Files {
    const entry = currentEntry(state)
    if (entry?.kind !== 'file') return effectsOnly(state, toast('Only a file can be copied out.', 'bad'))
    const time = nameTimeText(context.past?.time ?? context.now)
    const text = `~/${displayBytes(entry.name)}.${time}`
    return effectsOnly(state, askText('files.copyOut', 'copy out to', { text, data: entry.path }))
  },
  versions(state: FilesState): Files {
    const entry = currentEntry(state)
    const path = entry?.path ?? state.path
    return effectsOnly(state, send({ type: 'show', pane: 'versions', target: { path } }))
  },
  filter(state: FilesState): Files {
    const options = { text: state.filter, data: state.filter, live: true }
    return effectsOnly(state, askText('files.filter', 'filter (! not, ~ fuzzy)', options))
  },
  filterToggle: (state: FilesState, context: Context): Files =>
    showRows({ ...state, filterOn: !state.filterOn }, context),
  sort(state: FilesState, context: Context): Files {
    const next: Record<SortOrder, SortOrder> = { name: 'size', size: 'time', time: 'name' }
    const sort = next[state.sort]
    const [shown, effects] = showRows({ ...state, sort }, context)
    return [shown, [toast(`Sorted by ${sort}.`), ...effects]]
  },
  hidden: (state: FilesState, context: Context): Files =>
    showRows({ ...state, showHidden: !state.showHidden }, context),
  nextHunk: (state: FilesState, { detail }: Context): Files => [
    { ...state, content: hunkMoved(state.content, 1, detail.height) },
    [],
  ],
  previousHunk: (state: FilesState, { detail }: Context): Files => [
    { ...state, content: hunkMoved(state.content, -1, detail.height) },
    [],
  ],
  markHunk: (state: FilesState): Files => [{ ...state, content: hunkMarked(state.content) }, []],
  focusList: (state: FilesState): Files => effectsOnly(state, send({ type: 'focus', area: 'list' })),
}

const pathOf = (entry: ListedEntry): GovernedPath => entry.path
const differs = (entry: ListedEntry): boolean => '~+-!'.includes(entry.mark) || (entry.below?.count ?? 0) > 0

function bringBackPast(state: FilesState, chosen: readonly ListedEntry[], context: Context): Files {
  if (context.past === undefined) return [state, []]
  const operation: Operation = { do: 'restore', paths: chosen.map(pathOf), to: stateTextOf(context.past) }
  const text = `b again brings it back:  $ ${commandLine(operation)}`
  return effectsOnly(state, announce(operation, context, { scope: 'files', action: 'bringBack', text }))
}

function remember(state: FilesState, move: boolean): Files {
  const paths = chosenEntries(state).map(pathOf)
  if (paths.length === 0) return [state, []]
  const what = `${pathsText(paths)}${state.at === undefined ? '' : ` of ${state.at}`}`
  return effectsOnly(
    { ...state, marks: new Set() },
    send({ type: 'remember', remembered: { paths, at: state.at, move: move && state.at === undefined } }),
    toast(`Remembered ${what}: p ${move ? 'moves' : 'puts'} it where you are.`),
  )
}

/** A past path goes back to its own place over what is there, when it is asked for twice; elsewhere it replaces nothing. */
function putPast(
  state: FilesState,
  { path, at, to }: { readonly path: GovernedPath; readonly at: string; readonly to: GovernedPath },
  context: Context,
): Files {
  const taken = state.entries?.some(entry => entry.path === to && entry.mark !== '-') ?? false
  if (!taken || to !== path)
    return effectsOnly(state, operate({ do: 'restore', paths: [path], to: at, as: freeName(state, to) }, context))
  const text = `${displayBytes(nameOf(path))} is there: p again puts the one of ${at} in its place, u undoes`
  const operation: Operation = { do: 'restore', paths: [path], to: at }
  return effectsOnly(state, announce(operation, context, { scope: 'files', action: 'put', text }))
}

/** A copy beside its original needs a name of its own. */
function freeName(state: FilesState, path: GovernedPath): GovernedPath {
  const taken = new Set(state.entries?.map(pathOf))
  if (!taken.has(path)) return path
  for (let number = 2; ; number++) if (!taken.has(`${path}.${number}`)) return `${path}.${number}`
}

/** The answers to what Files asked for in the bottom row. */
export function receiveFilesMessage(state: FilesState, message: Message, context: Context): Files {
  if (message.type !== 'prompted') return receiveFiles(state, message, context)
  const text = message.text.trim()
  try {
    switch (message.id) {
      case 'files.rename':
        return renamed(state, message.data, text, context)
      case 'files.create':
        return created(state, message.data, text, context)
      case 'files.mode':
        return modeSet(state, text, context)
      case 'files.copyOut':
        return effectsOnly(state, { type: 'copyOut', path: message.data, at: state.at ?? 'disk', name: text })
      default:
        return [state, []]
    }
  } catch (error) {
    return effectsOnly(state, toast(error instanceof Error ? error.message : String(error), 'bad'))
  }
}

function renamed(state: FilesState, path: GovernedPath, text: string, context: Context): Files {
  const name = parseDisplayed(text)
  if (name === '' || name === nameOf(path)) return [state, []]
  const to = joined(parentOf(path), name)
  const next = { ...state, wantedName: nameOf(to) }
  return effectsOnly(next, operate({ do: 'move', from: [path], to }, context))
}

function created(state: FilesState, directory: GovernedPath, text: string, context: Context): Files {
  if (text === '' || text === '/') return [state, []]
  const path = joined(directory, parseDisplayed(text.replace(/\/+$/, '')))
  const next = { ...state, wantedName: path.slice(directory.length).split('/').find(Boolean) }
  const operation: Operation = text.endsWith('/') ? { do: 'makeDirectory', path } : { do: 'makeFile', path }
  return effectsOnly(next, operate(operation, context))
}

function modeSet(state: FilesState, text: string, context: Context): Files {
  if (!/^[0-7]{3,4}$/.test(text))
    return effectsOnly(
      state,
      toast(`A mode is three or four digits from 0 to 7, like 644; found ${text || 'none'}.`, 'bad'),
    )
  const paths = chosenEntries(state).map(pathOf)
  return effectsOnly(state, operate({ do: 'setMode', paths, mode: Number.parseInt(text, 8) }, context))
}
