// Every error that the product can report: one class, one table of codes. The table gives each code its kind (and so
// its exit code), a title, what it means and what to do; `sentctl explain CODE` prints it, docs/reference lists it.

export type ErrorKind = 'operation' | 'usage' | 'damage' | 'denied' | 'locked' | 'copy' | 'internal'

/** Exit codes by kind; 0 is success. */
export const exitCodes: Readonly<Record<ErrorKind, number>> = {
  operation: 1,
  usage: 2,
  damage: 3,
  denied: 4,
  locked: 5,
  copy: 6,
  internal: 70,
}

interface ErrorSpec {
  readonly kind: ErrorKind
  /** One line, without a full stop: what happened. */
  readonly title: string
  /** Some sentences for `sentctl explain`: what it means, why it is an error. */
  readonly explanation: string
  /** What to do next, an imperative sentence. */
  readonly hint: string
}

const spec = (kind: ErrorKind, title: string, explanation: string, hint: string): ErrorSpec => ({
  kind,
  title,
  explanation,
  hint,
})

export const errorTable = {
  INTERNAL: spec(
    'internal',
    'Something went wrong inside SentientOS',
    'A rule that the program relies on did not hold. Nothing that was acknowledged before is lost.',
    'Run the command again; if it happens again, report it with the output of sentctl doctor.',
  ),
  CANCELLED: spec(
    'operation',
    'Cancelled',
    'You, or a signal, stopped the work. What was committed before stays; what was not committed did not happen.',
    'Run sentctl status to see where things stand.',
  ),
  USAGE: spec('usage', 'Wrong usage', 'The command line does not fit the verb.', 'See sentctl help VERB.'),
  ROOT_NOT_FOUND: spec(
    'operation',
    'No root folder here',
    'A root folder is the nearest directory upwards that holds .runtime/format.',
    'Go into a root folder, give --root DIR, set SENTIENT_ROOT, or make one with sentctl init.',
  ),
  ROOT_EXISTS: spec(
    'operation',
    'There is a root folder already',
    'The directory, or one above it, is a root folder. Root folders are never nested.',
    'Use the existing root folder.',
  ),
  NAME_RESERVED: spec(
    'operation',
    'A name that the root folder needs is taken',
    'The root folder keeps its own data under reserved names. Something of yours has such a name.',
    'Rename it, then run sentctl init again.',
  ),
  FORMAT_UNKNOWN: spec(
    'operation',
    'The root folder needs a newer SentientOS',
    'Its .runtime/format names a version or a requirement that this program does not know.',
    'Update SentientOS.',
  ),
  LOCKED: spec(
    'locked',
    'The root folder is locked by another process',
    'One process writes at a time. The holder made no progress for five seconds.',
    'Wait for it, or end it; readers are never blocked.',
  ),
  READ_ONLY: spec(
    'operation',
    'The root folder can be read only',
    'It was opened for reading, lies on read-only media, or is damaged; writing could lose something.',
    'Run sentctl doctor to see which.',
  ),
  DAMAGED: spec(
    'damage',
    'Something in the history is damaged',
    'Bytes on disk are not what was recorded. Nothing was changed.',
    'Run sentctl verify to see all of it, then sentctl repair.',
  ),
  OBJECT_MISSING: spec(
    'damage',
    'An object is missing',
    'The history names an object that no pack holds.',
    'Run sentctl repair: it brings back what can be had, and says what is lost for good.',
  ),
  DENIED: spec(
    'denied',
    'A contract denied it',
    'The contracts in force do not allow this operation. It is recorded as denied; nothing changed.',
    'See the rule that the message names.',
  ),
  PATH_NOT_FOUND: spec(
    'operation',
    'No such path',
    'Neither the state nor the disk has it.',
    'Check the spelling with sentctl ls.',
  ),
  PATH_INVALID: spec(
    'usage',
    'Not a governed path',
    'Paths lie below the root folder, outside its dotfolders, and hold no "." or ".." and no empty part.',
    'Give a path below the root folder.',
  ),
  PATH_EXISTS: spec(
    'operation',
    'The path exists already',
    'The operation would replace it.',
    'Choose another name, or give --force where the verb has it.',
  ),
  NAME_COLLISION: spec(
    'operation',
    'Two names are one on this file system',
    'The file system takes names that differ in case, or in how a letter is composed, as one, or keeps a name otherwise than it is given. Putting both in place would overwrite one with the other, so nothing was committed.',
    'Choose another name (sentctl restore PATH --as OTHER brings one back beside the other), or use a file system that keeps such names apart.',
  ),
  NOT_A_DIRECTORY: spec('operation', 'Not a directory', 'A directory was needed there.', 'Check the path.'),
  IS_A_DIRECTORY: spec('operation', 'It is a directory', 'A file was needed there.', 'Give -r where the verb has it.'),
  SYMLINK_IN_PATH: spec(
    'operation',
    'A symlink stands in the middle of the path',
    'Paths are walked part by part without following links, so that nothing leads out of the tree.',
    'Name the real path, or keep the symlink as what it is.',
  ),
  DRIFT: spec(
    'operation',
    'It was changed outside',
    'The disk holds something else than the record says, so the operation would act on what was never recorded.',
    'Keep it with sentctl absorb, or bring the record back with sentctl restore, then run it again.',
  ),
  STATE_NOT_FOUND: spec(
    'operation',
    'No such state',
    'It is no snapshot name, no record number and no time within the history.',
    'See sentctl snapshot list and sentctl log.',
  ),
  FORGOTTEN: spec(
    'operation',
    'The contents were forgotten on request',
    'sentctl forget took the contents of this path out of every state that had them. The records that are left still prove that there was something; what it was is gone.',
    'Bring it back from elsewhere, if it has to come back: nothing here holds it.',
  ),
  STATE_PRUNED: spec(
    'operation',
    'That state is no longer kept',
    'Its record is still in the journal, its contents were pruned by gc.',
    'Choose a newer state; sentctl snapshot list shows what is kept.',
  ),
  NOT_UNDOABLE: spec(
    'operation',
    'It cannot be undone',
    'See the message for what stands in the way.',
    'Use sentctl restore for single paths.',
  ),
  SETTINGS_INVALID: spec(
    'operation',
    'The settings file is wrong',
    'sentient.yaml is read strictly: unknown keys, duplicate keys and wrong types are errors. The settings in force stay.',
    'Correct the line that the message names, then run sentctl config apply.',
  ),
  DISK_FULL: spec(
    'operation',
    'Not enough space',
    'Checked before anything was committed.',
    'Free some space, then run it again; sentctl gc may help.',
  ),
  NOT_WRITABLE: spec(
    'operation',
    'Not writable',
    'The file system or the permissions refuse it. Nothing was committed.',
    'Check owner and mode.',
  ),
  IO: spec(
    'operation',
    'The disk reported an error',
    'A read or write failed below us.',
    'Check the disk; then sentctl verify.',
  ),
  NETWORK: spec(
    'operation',
    'The other side cannot be reached',
    'Nothing, or something that is not what was asked for, came over the network. Nothing of the history was changed.',
    'Check the address and the connection, then run it again.',
  ),
  LIMIT: spec(
    'operation',
    'Over a limit',
    'A named limit of the format or of the settings was reached.',
    'See format/README.md, Limits.',
  ),
  COPY: spec(
    'copy',
    'This folder is not the one that this device signs for',
    'It is a copy of a root folder, was restored from an older state of one, or comes from another device. Two histories under one key would be a forgery, so nothing is recorded or signed here before somebody says which it is. Reading works.',
    'Moved or restored here: sentctl adopt --moved. A copy, while the other one goes on: sentctl adopt --copy.',
  ),
  DIVERGED: spec(
    'damage',
    'Another history stands there',
    'What was backed up or imported there is of another log, or is not the beginning of the history that is offered: somebody goes on in an older state, or two histories go under one name. Both are evidence, so nothing is overwritten.',
    'Keep both, and use another directory.',
  ),
  KEY: spec(
    'operation',
    'A key is missing or unusable',
    'Signing needs the key in .auth.',
    'Restore the key, or begin a new epoch with sentctl adopt --moved.',
  ),
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof errorTable

/** The particulars of one error; each is a short phrase, foreign text in it not yet escaped. */
export interface ErrorDetails {
  /** What happened here; defaults to the title of the code. */
  readonly what?: string
  /** Which path, file, offset, line or record. */
  readonly where?: string
  readonly expected?: string
  readonly found?: string
  /** Replaces the hint of the code. */
  readonly hint?: string
}

/** The one error class. Callers branch on `code`, never on the message. */
export class SentientError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    const spec = errorTable[code]
    const parts = [details.what ?? spec.title]
    if (details.where !== undefined) parts.push(`at ${details.where}`)
    if (details.expected !== undefined) parts.push(`expected ${details.expected}`)
    if (details.found !== undefined) parts.push(`found ${details.found}`)
    super(parts.join('; '), cause === undefined ? undefined : { cause })
    this.name = 'SentientError'
    this.code = code
    this.details = details
  }

  get kind(): ErrorKind {
    return errorTable[this.code].kind
  }

  get hint(): string {
    return this.details.hint ?? errorTable[this.code].hint
  }
}

export function isSentientError(error: unknown, ...codes: ErrorCode[]): error is SentientError {
  return error instanceof SentientError && (codes.length === 0 || codes.includes(error.code))
}
