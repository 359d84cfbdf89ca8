// The native core on a disk that fails on command: its operations are counted and fail with those of the failing host
// that it is joined to, by one script and one row of numbers.

import { createRequire } from 'node:module'
import type { FaultPoint, OperationCall } from '../../src/core/host/failing.ts'
import type { RawBridge } from '../../src/core/native/bridge.ts'
import { nativeOf } from '../../src/core/native/load.ts'
import type { Native } from '../../src/core/native/native.ts'

interface Script {
  count(): number
  crashed(): boolean
  log(): [call: string, path: string][]
}

type Start = RawBridge['start']
type RunNow = RawBridge['runNow']

/** What the add-on exports for tests alone; see native-core/crates/bridge/src/scripted.rs. */
interface ScriptedBridge extends RawBridge {
  readonly Script: new (count: number, faults: readonly object[]) => Script
  startScripted(...call: [...Parameters<Start>, Script]): ReturnType<Start>
  runNowScripted(...call: [...Parameters<RunNow>, Script]): ReturnType<RunNow>
}

export function scriptedNative(point: FaultPoint): Native {
  const path = process.env.SENTIENT_TEST_NATIVE
  if (path === undefined) throw new Error('SENTIENT_TEST_NATIVE does not say where the add-on lies')
  const addOn = createRequire(import.meta.url)(path) as ScriptedBridge
  const scripted = async <T>(body: (script: Script) => Promise<T> | T): Promise<T> => {
    const { script, took } = begin(addOn, point)
    try {
      return await body(script)
    } finally {
      took()
    }
  }
  return nativeOf({
    version: () => addOn.version(),
    Control: addOn.Control,
    start: (name, request, bytes, control) =>
      scripted(script => addOn.startScripted(name, onOneThread(request), bytes, control, script)),
    runNow: (name, request, bytes) => {
      const { script, took } = begin(addOn, point)
      try {
        return addOn.runNowScripted(name, request, bytes, script)
      } finally {
        took()
      }
    },
  })
}

function begin(addOn: ScriptedBridge, point: FaultPoint): { script: Script; took(): void } {
  point.requireAlive()
  const faults = point.scripted.map(({ first, last, calls, fault }) => ({
    ...{ first, last, ...fault },
    ...(calls === undefined ? {} : { calls }),
  }))
  const script = new addOn.Script(point.count, faults)
  const took = () =>
    point.took(
      script.log().map(([call, path]) => ({ call: call as OperationCall, path })),
      script.crashed(),
    )
  return { script, took }
}

/** Else it would be chance which operation has which number. */
function onOneThread(request: string): string {
  const value = JSON.parse(request) as Record<string, unknown>
  return JSON.stringify('threads' in value ? { ...value, threads: 1 } : value)
}
