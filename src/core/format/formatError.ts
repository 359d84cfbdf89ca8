// What a codec throws when bytes are not what the format allows. The store and the journal catch it where they read
// and turn it into findings or into a SentientError; nothing above them sees it.

/** `reason` is a short phrase; `offset` is the place in the bytes that were given, where one is known. */
export class FormatError extends Error {
  readonly reason: string
  readonly offset: number | undefined

  constructor(reason: string, offset?: number) {
    super(offset === undefined ? reason : `${reason} (at byte ${offset})`)
    this.name = 'FormatError'
    this.reason = reason
    this.offset = offset
  }
}

export function isFormatError(error: unknown): error is FormatError {
  return error instanceof FormatError
}
