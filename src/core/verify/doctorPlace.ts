// What a root folder stands on: format, file system, space, mounts, modes, and what the machine offers.
import { displayBytes, hexOf } from '../format/bytes.ts'
import { decodeFormatFile, openable } from '../format/formatFile.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'
import { indexName } from '../timeline/versions.ts'
import { bad, type DoctorCheck, megabytes, ok, type Patient, sizeOfAll, warn } from './doctorCheck.ts'
import { inChild, readFile } from './files.ts'
import { probeFileSystem } from './probes.ts'
import { many } from './report.ts'

const formatBytesMax = 65_536

export function examineFormat({ context }: Patient): DoctorCheck {
  const fault = context.formatFault()
  if (fault !== undefined) return bad('format', `.runtime/format: ${fault}`, 'Run sentctl repair.')
  const file = readFile(context.directories.runtime, 'format', formatBytesMax)
  if (file.state !== 'read') return bad('format', `.runtime/format: ${file.state}`)
  const format = decodeFormatFile(file.bytes)
  const permission = openable(format)
  const copies = format.earlier?.length ?? 0
  const options = format.options.length === 0 ? 'no options' : `options ${format.options.join(', ')}`
  const text = `version ${format.format}, ${options}, log ${hexOf(format.logId)}${copies > 0 ? `, a copy of ${many(copies, 'other log')}` : ''}`
  if (permission.state === 'write') return ok('format', text)
  return warn('format', `${text}; unknown: ${permission.unknown.join(', ')}`, 'Update SentientOS to write here.')
}

export function examineFileSystem({ host, context }: Patient): DoctorCheck {
  const name = 'file system'
  const traits = probeFileSystem(host, context.directories.runtime)
  if (traits === undefined)
    return warn(name, 'nothing can be written here', 'It can be read; to change something, make it writable.')
  if (!traits.modes) {
    const hint = 'Move the root folder to another file system: keys here can be read by everybody.'
    return bad(name, 'it keeps no permissions', hint)
  }
  if (traits.locks !== true) {
    const hint = 'Let one process at a time write here, or move the root folder to a local disk.'
    return bad(name, 'locks do not work here', hint)
  }
  const names = [
    ...(traits.foldsCase ? ['upper and lower case are one name'] : []),
    ...(traits.normalises ? ['names are normalised'] : []),
  ]
  if (names.length === 0) return ok(name, 'keeps permissions and names, locks hold')
  return warn(name, names.join('; '), 'Names that fall together here can not be put in place.')
}

const spaceBadBytes = 16 << 20
const spaceWarnBytes = 256 << 20

export function examineSpace({ context }: Patient): DoctorCheck {
  const free = context.directories.root.freeBytes()
  const text = `${megabytes(free)} free`
  if (free < spaceBadBytes) return bad('free space', text, 'Free some space; sentctl gc may help.')
  if (free < spaceWarnBytes) return warn('free space', text, 'Free some space; sentctl gc may help.')
  return ok('free space', text)
}

/** Mounts right below the root: deeper ones are met when something is put in place there. */
export function examineMounts({ context }: Patient): DoctorCheck {
  const { root, tree, runtime } = context.directories
  const { dev } = root.selfStat()
  const own = [tree, runtime].filter(directory => directory.selfStat().dev !== dev)
  if (own.length > 0) {
    const hint = 'Keep .tree and .runtime on the file system of the root folder.'
    return warn('mounts', `${own.map(({ path }) => path).join(', ')} lies on another file system`, hint)
  }
  const mounts = root.list().filter(({ name, kind }) => kind === 'dir' && root.stat(name)?.dev !== dev)
  if (mounts.length === 0) return ok('mounts', 'one file system')
  const names = mounts.map(({ name }) => displayBytes(name)).join(', ')
  return warn('mounts', `mounted below: ${names}`, 'When one is unmounted its files show as gone: do not keep that.')
}

const dotfolders: readonly ByteString[] = ['.auth', '.db', '.runtime', '.tree']

export function examineDotfolders({ context }: Patient): DoctorCheck {
  const { root } = context.directories
  const wrong = dotfolders.flatMap(name => {
    const stat = root.stat(name)
    if (stat === undefined) return [`${name} is missing`]
    return stat.mode === 0o700 ? [] : [`${name} has mode ${octal(stat)}`]
  })
  if (wrong.length === 0) return ok('dotfolders', 'closed to others')
  return warn('dotfolders', wrong.join(', '), 'chmod 700 .auth .db .runtime .tree')
}

const octal = ({ mode }: Pick<FileStat, 'mode'>): string => mode.toString(8).padStart(4, '0')

/** What ended processes and earlier troubles left. */
export function examineLeftovers({ context }: Patient): DoctorCheck {
  const { runtime, tree } = context.directories
  const count = (parent: Directory, name: ByteString) => inChild(parent, name, folder => folder.list().length) ?? 0
  const bytes = (parent: Directory, name: ByteString) => inChild(parent, name, sizeOfAll) ?? 0
  const poisoned = [runtime, tree].some(directory => directory.stat('poisoned') !== undefined)
  if (poisoned) {
    const hint = 'Check the disk. The next verb that writes copies what was acknowledged.'
    return bad('leftovers', 'a write failed and could not be taken back', hint)
  }
  const parts = [
    ...(count(runtime, 'stage') > 0 ? [`${many(count(runtime, 'stage'), 'staged file')} in .runtime/stage`] : []),
    ...(count(tree, 'stage') > 0 ? [`${megabytes(bytes(tree, 'stage'))} in .tree/stage`] : []),
    ...(count(tree, 'dead') > 0 ? [`${megabytes(bytes(tree, 'dead'))} set aside by gc`] : []),
  ]
  const torn = count(runtime, 'torn') + count(tree, 'torn')
  if (torn > 0) {
    const text = [`${many(torn, 'file')} in torn folders`, ...parts].join('; ')
    return warn(
      'leftovers',
      text,
      'They hold what was cut off or left behind as damaged; remove them when in no doubt.',
    )
  }
  return ok('leftovers', parts.length === 0 ? 'none' : parts.join('; '))
}

export function examineDatabase({ host, context }: Patient): DoctorCheck {
  const { derived } = context.directories
  const database = derived === undefined ? undefined : host.databases?.open(derived, indexName)
  if (database === undefined)
    return warn('database', 'no SQLite to be had here', 'sentctl when reads the whole journal instead.')
  try {
    const [row] = database.all('SELECT sqlite_version() AS version')
    return ok('database', `SQLite ${String(row?.version ?? '')}, zstd built in`)
  } finally {
    database.close()
  }
}

const inotifyPath = '/proc/sys/fs/inotify'
const watchesWarn = 8_192

export function examineWatching({ host }: Patient): DoctorCheck {
  const directory = host.files.openDirectory(inotifyPath)
  if (directory === undefined) return ok('watching', 'the limits of this system are not known')
  try {
    const limit = readNumber(directory, 'max_user_watches')
    if (limit === undefined) return ok('watching', 'the limits of this system are not known')
    const text = `${limit} directories can be watched at a time`
    if (limit >= watchesWarn) return ok('watching', text)
    return warn(
      'watching',
      text,
      'A larger tree is looked at from time to time instead; see fs.inotify.max_user_watches.',
    )
  } finally {
    directory.close()
  }
}

/** Files of /proc have no size: read what comes. */
function readNumber(directory: Directory, name: ByteString): number | undefined {
  const file = directory.open(name, 'read')
  try {
    const bytes = Buffer.alloc(64)
    const number = Number.parseInt(bytes.toString('latin1', 0, file.read(bytes, 0, bytes.length, 0)), 10)
    return Number.isSafeInteger(number) ? number : undefined
  } finally {
    file.close()
  }
}
