// States as people name them, where a record number is wanted.

import { isSentientError } from '../core/errors.ts'
import type { System } from '../core/system.ts'

/** The record after which it was the state. */
export function stateSeq(system: System, text: string): number {
  return system.resolve(text).seq
}

// Only what is a time and nothing else: a snapshot may be called anything.
const timeText =
  /^(?:\d+\s*(?:s|m|min|h|d|w)(?:\s+ago)?|\d{4}-\d{2}-\d{2}.*|(?:today|yesterday|(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*)?[\s-]*(?:\d{1,2}:?\d{2})?)$/i

/** As stateSeq; a time before the history is -1, so that "since last week" means all of a younger history. */
export function stateSeqOrStart(system: System, text: string): number {
  try {
    return stateSeq(system, text)
  } catch (error) {
    if (isSentientError(error, 'STATE_NOT_FOUND') && timeText.test(text.trim())) return -1
    throw error
  }
}
