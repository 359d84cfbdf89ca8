// What the suite of all hosts runs on, and how its tests look at failures.

import assert from 'node:assert/strict'
import { type HostErrorCode, isHostError } from '../../src/core/host/error.ts'
import type { ByteString, Directory, Host } from '../../src/core/host/host.ts'

export interface HostSubject {
  readonly host: Host
  /** Empty. */
  readonly directory: Directory
  makeFifo(name: ByteString): void
  makeHardLink(name: ByteString, newName: ByteString): void
  /** Makes changes in the directory `name` fail; returns how to undo that. */
  makeReadOnly(name: ByteString): () => void
  /** Whether a handle stays usable when its directory is moved. */
  readonly followsMoves: boolean
  remove(): void
}

/** The subject of the test that runs. */
export type Made = () => HostSubject

/** Asserts that `body` throws a HostError of one of these codes. */
export function throwsCode(body: () => unknown, ...codes: HostErrorCode[]): void {
  assert.throws(body, (error: unknown) => {
    assert.ok(isHostError(error), `not a HostError: ${error}`)
    assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, found ${error.message} (${error.cause})`)
    return true
  })
}

/** The directory below, which must be there. */
export function childOf(directory: Directory, name: ByteString): Directory {
  const child = directory.child(name)
  assert.ok(child, `${name} is missing`)
  return child
}
