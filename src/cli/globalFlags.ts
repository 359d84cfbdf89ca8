// Flags that every verb takes.

import type { FlagSpec } from '../commands/spec.ts'

export const globalFlags = {
  root: {
    type: 'text',
    placeholder: 'DIR',
    completer: 'directory',
    about: 'the root folder; else SENTIENT_ROOT, else upwards from here',
  },
  json: { type: 'boolean', about: 'print data: one object, or one a line' },
  quiet: { type: 'boolean', short: 'q', about: 'no progress, no notices' },
  color: { type: 'boolean', default: true, about: 'no colours; NO_COLOR does the same' },
  log: {
    type: 'text',
    placeholder: 'FILE',
    completer: 'file',
    about: 'append what is done, and errors in full, to this file',
  },
  help: { type: 'boolean', short: 'h', about: 'help for the verb' },
  version: { type: 'boolean', about: 'the version' },
} as const satisfies Record<string, FlagSpec>

export interface GlobalArgs {
  readonly root: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
  readonly log: string | undefined
  readonly help: boolean
  readonly version: boolean
}
