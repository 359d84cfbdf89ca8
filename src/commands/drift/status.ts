// status: what differs from the record.

import type { Change } from '../../core/timeline/model.ts'
import { entryData, isoTime, octal, pathData } from '../data.ts'
import { checkKnown, governedPaths } from '../governedPaths.ts'
import { type Handler, type OutputOf, relay } from '../spec.ts'
import type { statusSpec } from './spec.ts'

export const run: Handler<typeof statusSpec> = async function* ({ system, args, signal, cwd }) {
  const under = governedPaths(system, args.path, cwd)
  checkKnown(system, under)
  const report = yield* relay(system.status({ signal, ...(under.length === 0 ? {} : { under }) }))
  return {
    result: {
      rootPath: report.rootPath,
      records: report.records,
      root: report.root,
      time: isoTime(report.time),
      changes: report.changes.map(changeData),
      counts: report.counts,
      filesChecked: report.filesChecked,
      filesHashed: report.filesHashed,
      bytesHashed: report.bytesHashed,
      skipped: report.skipped.map(pathData),
      ignored: report.ignored,
      ...(report.lastLook === undefined ? {} : { lastLook: isoTime(report.lastLook) }),
      settings: report.settingsCandidate,
      ...(report.settingsProblem === undefined ? {} : { settingsProblem: report.settingsProblem }),
      snapshots: report.snapshots,
      notices: report.notices.map(({ code, text }) => ({ code, text })),
    },
  }
}

function changeData({
  path,
  state,
  kind,
  differs,
  reason,
  drift,
  recorded,
  disk,
}: Change): OutputOf<typeof statusSpec>['changes'][number] {
  return {
    ...pathData(path),
    state,
    kind,
    differs,
    reason,
    drift,
    ...(recorded === null ? {} : { recorded: entryData(recorded) }),
    ...(disk === null
      ? {}
      : { disk: { kind: disk.kind, mode: octal(disk.mode), size: disk.size, modified: isoTime(disk.mtime) } }),
  }
}
