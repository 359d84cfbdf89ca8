// man: the whole table as data; the text form is the manual page.

import type { Handler } from '../spec.ts'
import { commandNames } from '../table.ts'
import { describeCommand } from './describe.ts'
import type { manSpec } from './spec.ts'

export const run: Handler<typeof manSpec> = async function* () {
  return { result: { commands: commandNames.map(describeCommand) } }
}
