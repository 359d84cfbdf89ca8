// Translates what node:fs throws into HostError codes. The only place that knows errno names.

import { HostError, type HostErrorCode } from './error.ts'

const codeOfErrno: Readonly<Record<string, HostErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  ESTALE: 'NOT_FOUND',
  EEXIST: 'EXISTS',
  ENOTDIR: 'NOT_A_DIRECTORY',
  EISDIR: 'IS_A_DIRECTORY',
  ENOTEMPTY: 'NOT_EMPTY',
  ELOOP: 'SYMLINK',
  EACCES: 'DENIED',
  EPERM: 'DENIED',
  EROFS: 'READ_ONLY',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EFBIG: 'NO_SPACE',
  ENAMETOOLONG: 'NAME_TOO_LONG',
  EXDEV: 'CROSS_DEVICE',
  EMFILE: 'TOO_MANY_OPEN',
  ENFILE: 'TOO_MANY_OPEN',
  EMLINK: 'TOO_MANY_OPEN',
  EIO: 'IO',
  EREMOTEIO: 'IO',
  ENODATA: 'IO',
  EUCLEAN: 'IO',
  EBUSY: 'BUSY',
  EAGAIN: 'BUSY',
  ETXTBSY: 'BUSY',
  ENXIO: 'UNSUPPORTED',
  ENODEV: 'UNSUPPORTED',
  ENOSYS: 'UNSUPPORTED',
  ENOTSUP: 'UNSUPPORTED',
  EOPNOTSUPP: 'UNSUPPORTED',
}

/** The platform's own name of the error, or an empty string. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** The HostError for whatever a call threw; a HostError stays as it is. */
export function hostErrorOf(error: unknown, call: string, path: string): HostError {
  if (error instanceof HostError) return error
  return new HostError(codeOfErrno[errnoOf(error)] ?? 'OTHER', call, path, error)
}
