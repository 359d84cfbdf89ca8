// version: of the program, the format and what runs it.

import { formatVersion } from '../../core/format/constants.generated.ts'
import type { Handler } from '../spec.ts'
import type { versionSpec } from './spec.ts'

export const run: Handler<typeof versionSpec> = async function* ({ caller }) {
  const platform = `${process.platform} ${process.arch}`
  return { result: { version: caller.version, format: formatVersion, node: process.versions.node, platform } }
}
