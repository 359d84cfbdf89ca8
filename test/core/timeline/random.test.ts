// A few random histories against the model; test/crash/ runs hundreds.

import { it } from 'node:test'
import fc from 'fast-check'
import { anyHistory, runHistory } from './randomHistory.ts'
import { inMemory, onDisk } from './support.ts'

it('random histories come to what the model says, in memory', () =>
  fc.assert(
    fc.asyncProperty(anyHistory, history => runHistory(inMemory, history)),
    { numRuns: 20 },
  ))

it('and on disk', () =>
  fc.assert(
    fc.asyncProperty(anyHistory, history => runHistory(onDisk, history)),
    { numRuns: 3 },
  ))
