// The ports: everything the core wants from the world outside it. The core reaches files, time, randomness and
// processes only through these, so that a test can put a memory file system or a failing disk in their place.
// All calls are synchronous: the core slices its long work itself and yields between slices.

import type { Native } from '../native/native.ts'
import type { Databases } from './database.ts'

/**
 * Bytes as a string in which every char is one byte (0 to 255, "latin1"). Names on disk are bytes, not text; as such
 * strings they compare in byte order, work as map keys and take one byte a char in memory.
 */
export type ByteString = string & { readonly brand?: 'ByteString' }

export type FileKind = 'file' | 'dir' | 'symlink' | 'other'

/** What lstat says. Times are nanoseconds since 1970. `mode` holds the permission bits only (0 to 0o7777). */
export interface FileStat {
  readonly kind: FileKind
  readonly mode: number
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly dev: number
  readonly inode: bigint
  readonly links: number
}

export interface ListedName {
  readonly name: ByteString
  readonly kind: FileKind
}

/**
 * How a file is opened: `create` fails when the name exists, `read` and `modify` when it is missing. Only regular files
 * are opened: a symlink is SYMLINK, a directory IS_A_DIRECTORY, anything else UNSUPPORTED. `modify` and `create` read too.
 */
export type OpenMode = 'read' | 'modify' | 'create'

/** Who creates a file without saying a mode gets one for the owner alone. */
export const createModeDefault = 0o600

/** An open regular file. Positions are absolute; there is no cursor. */
export interface OpenFile {
  /**
   * Reads up to `length` bytes at `position` into `target` from `offset` on; returns how many came: 0 at the end, and
   * fewer than asked for nowhere else than before it.
   */
  read(target: Uint8Array, offset: number, length: number, position: number): number
  /** Writes all of `bytes` at `position`, or throws; a short write is retried inside. */
  write(bytes: Uint8Array, position: number): void
  truncate(size: number): void
  /** Makes data and size durable (fdatasync); not the file's name, see `Directory.flush`. */
  flush(): void
  stat(): FileStat
  setMode(mode: number): void
  /** Closing twice is no error. */
  close(): void
}

/**
 * An open directory. Every operation takes one name (never a path, never `.` or `..`) and follows no symlink, so a
 * caller who walks down with `child` can not be led out of the tree. What needs an existing name throws NOT_FOUND
 * without it, what makes one throws EXISTS. A handle on a removed directory finds nothing and makes nothing (NOT_FOUND).
 */
export interface Directory {
  /** For messages and for ports that need a real path; may be out of date when the directory was moved. */
  readonly path: string
  /** The directory below, or undefined when the name is missing; throws NOT_A_DIRECTORY for a file or a symlink. */
  child(name: ByteString): Directory | undefined
  /** Another handle on the same directory, closed on its own. */
  clone(): Directory
  /** All names, in no particular order. */
  list(): ListedName[]
  /** The same, some hundred at a time, for who gives way in between: a directory may hold very many. */
  listInParts(): Generator<readonly ListedName[], void>
  stat(name: ByteString): FileStat | undefined
  /** Of the directory itself. */
  selfStat(): FileStat
  /** UNSUPPORTED when it is not a symlink. */
  readLink(name: ByteString): ByteString
  /** `mode` is for `create`: exactly these bits, whatever the umask, where the file system keeps any. */
  open(name: ByteString, how: OpenMode, mode?: number): OpenFile
  makeDirectory(name: ByteString, mode: number): void
  makeSymlink(name: ByteString, target: ByteString): void
  /**
   * Renames within or between directories of one file system; replaces a file or symlink at the target, or by a
   * directory an empty one. Between two names of one file it does nothing: both stay.
   */
  rename(name: ByteString, to: Directory, toName: ByteString): void
  /** Removes a name that is not a directory (else IS_A_DIRECTORY); who has the file open keeps it. */
  removeFile(name: ByteString): void
  removeDirectory(name: ByteString): void
  /** Sets the permission bits of a file or directory; never of a symlink. */
  setMode(name: ByteString, mode: number): void
  /** Of anything, also of a symlink itself. A disk keeps the time to a microsecond only, before 1970 to a millisecond. */
  setTimes(name: ByteString, mtimeNs: bigint): void
  /** Makes the directory's names durable. */
  flush(): void
  /**
   * Makes the whole file system that holds the directory durable; slow. UNSUPPORTED where the platform has no way to:
   * then flush each file and directory that was written (`flushWritten` in flush.ts does either).
   */
  flushFileSystem(): void
  freeBytes(): number
  close(): void
}

export interface Files {
  /** Opens a directory by its real path (symlinks in it are followed, once, here); undefined when it is missing. */
  openDirectory(path: string): Directory | undefined
  /**
   * Calls back, later and never from inside this call, after something in the directory itself changed; without a name:
   * something that the system did not name; `overflow` means: anything may have. Falls silent when the directory goes.
   */
  watch(directory: Directory, changed: (event: { name?: ByteString; overflow: boolean }) => void): { close(): void }
}

/**
 * One exclusive lock among processes, and among the handles of one process. Closing the port's lock releases it, and so
 * does the end of the process, however it ends.
 */
export interface WriterLock {
  /**
   * Never waits; false while anybody holds the lock, this handle included, and sometimes when several try at the same
   * moment: try again a little later. READ_ONLY where nobody could ever hold it.
   */
  tryAcquire(): boolean
  release(): void
  close(): void
}

export interface Locks {
  /** Opens (and creates, 0600) the lock file `name`, which stays empty; only this port may ever open that file. */
  open(directory: Directory, name: ByteString): WriterLock
}

export interface Clock {
  /** Microseconds since 1970, may jump. */
  nowMicros(): number
  /** Milliseconds that never go back. */
  monotonicMs(): number
  /** Ends early, without an error, when the signal aborts: look at the signal afterwards. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Minutes east of UTC at that time, for people's day boundaries. */
  utcOffsetMinutes(micros: number): number
}

export interface Randomness {
  bytes(length: number): Uint8Array
}

export interface Processes {
  readonly id: number
  /** What this process is called in lock notes: the verb it runs. */
  readonly label: string
  isAlive(id: number): boolean
  readonly umask: number
}

export type Fetched =
  | { readonly state: 'answered'; readonly status: number; readonly bytes: Uint8Array }
  /** No answer came, or one over the limit. */
  | { readonly state: 'failed'; readonly reason: string }

/** `answered`: also with what had come when the other side closed the connection. */
export type Exchanged =
  | { readonly state: 'answered'; readonly bytes: Uint8Array }
  | { readonly state: 'failed'; readonly reason: string }

/** What others serve. Beside the clock's `sleep` the one port that waits, and so the one that is asynchronous. */
export interface Network {
  /** GET of an http or https address, redirects followed. Never throws; ends early when the signal aborts. */
  get(
    url: string,
    options: { readonly bytesMax: number; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Fetched>
  /** Sends bytes over a connection of its own, and takes what comes until it is whole. Never throws, as above. */
  exchange(
    to: { readonly host: string; readonly port: number },
    bytes: Uint8Array,
    options: {
      /** Asked again with all that has come, each time that more has. */
      readonly isWhole: (received: Uint8Array) => boolean
      readonly bytesMax: number
      readonly timeoutMs: number
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<Exchanged>
}

/** All ports together; `openSystem` takes it apart, subsystems get the ports that they need. */
export interface Host {
  readonly files: Files
  readonly locks: Locks
  readonly clock: Clock
  readonly random: Randomness
  readonly processes: Processes
  /** For derived data; absent where none can be had. */
  readonly databases?: Databases
  /** When this program was built, microseconds since 1970: a clock that shows less is wrong. Absent: not known. */
  readonly builtMicros?: number | undefined
  /** What is written for speed outside TypeScript; absent where it is not built, or turned off. */
  readonly native?: Native | undefined
  /** Which it is and why, in one line for people. */
  readonly nativeText?: string | undefined
  /** Absent where nothing may be fetched. */
  readonly network?: Network
  /** A directory outside every root folder where this device remembers its root folders; undefined: none. */
  readonly stateDirectory: Directory | undefined
}
