// `sentctl doctor`: how a root folder and what it stands on are, point by point, with what to do about it. It reads
// little, changes nothing that anybody relies on, and never fails for what it finds.
import { SentientError } from '../errors.ts'
import { isFormatError } from '../format/formatError.ts'
import { isHostError } from '../host/error.ts'
import type { Host } from '../host/host.ts'
import type { LogKeys } from '../keys/keys.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { bad, type DoctorCheck, ok, type Patient } from './doctorCheck.ts'
import {
  examineApplied,
  examineBinding,
  examineCheckpoint,
  examineDerived,
  examineDriftRules,
  examineJournal,
  examineKeys,
  examineLock,
  examineSettings,
  examineStore,
} from './doctorHistory.ts'
import {
  examineDatabase,
  examineDotfolders,
  examineFileSystem,
  examineFormat,
  examineLeftovers,
  examineMounts,
  examineSpace,
  examineWatching,
} from './doctorPlace.ts'

type Examination = (patient: Patient) => DoctorCheck | Promise<DoctorCheck>

const examinations: readonly (readonly [name: string, examine: Examination])[] = [
  ['format', examineFormat],
  ['file system', examineFileSystem],
  ['free space', examineSpace],
  ['mounts', examineMounts],
  ['dotfolders', examineDotfolders],
  ['journal', examineJournal],
  ['applied', examineApplied],
  ['checkpoint', examineCheckpoint],
  ['lock', examineLock],
  ['store', examineStore],
  ['leftovers', examineLeftovers],
  ['keys', examineKeys],
  ['binding', examineBinding],
  ['settings', examineSettings],
  ['drift rules', examineDriftRules],
  ['derived data', examineDerived],
  ['database', examineDatabase],
  ['native core', ({ host }) => ok('native core', host.nativeText ?? 'not asked for: TypeScript does all of the work')],
  ['watching', examineWatching],
]

export async function doctor(host: Host, context: TimelineContext, keys: LogKeys): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = []
  for (const [name, examine] of examinations) {
    try {
      checks.push(await examine({ host, context, keys }))
    } catch (error) {
      if (!(error instanceof SentientError) && !isHostError(error) && !isFormatError(error)) throw error
      const hint = error instanceof SentientError ? error.hint : undefined
      checks.push(bad(name, error.message, hint))
    }
  }
  return checks
}
