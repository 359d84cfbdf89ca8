// What a port throws. Implementations translate the platform's errors into these few codes, so that no code above
// ever looks at errno numbers or at the wording of a message.

export type HostErrorCode =
  | 'NOT_FOUND'
  | 'EXISTS'
  | 'NOT_A_DIRECTORY'
  | 'IS_A_DIRECTORY'
  | 'NOT_EMPTY'
  | 'SYMLINK' // a symlink where none may be
  | 'DENIED' // permissions, immutable files
  | 'READ_ONLY'
  | 'NO_SPACE'
  | 'NAME_TOO_LONG'
  | 'CROSS_DEVICE'
  | 'TOO_MANY_OPEN'
  | 'IO' // the device failed
  | 'BUSY'
  | 'UNSUPPORTED'
  | 'OTHER'

/** A failed port call: which call, on what, and the platform's own error as `cause`. */
export class HostError extends Error {
  readonly code: HostErrorCode
  readonly call: string
  readonly path: string

  constructor(code: HostErrorCode, call: string, path: string, cause?: unknown) {
    super(`${call} ${path}: ${code}`, { cause })
    this.name = 'HostError'
    this.code = code
    this.call = call
    this.path = path
  }
}

export function isHostError(error: unknown, ...codes: HostErrorCode[]): error is HostError {
  return error instanceof HostError && (codes.length === 0 || codes.includes(error.code))
}
