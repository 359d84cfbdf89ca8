// The verb that makes the demo.

import { integer, object, text } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

export const demoSpec = command({
  name: 'demo',
  summary: 'Make a demo root folder',
  about: [
    'Writes some 2,100 files as a small router has them into DIR, which must be missing or empty, adopts them, lives through a month of changes, and leaves some drift and one damaged object, so that there is something to look at.',
  ],
  positionals: [{ name: 'DIR', about: 'where; missing or empty', required: true, completer: 'directory' }],
  flags: {},
  access: 'none',
  palette: { absent: 'makes another root folder, not something in this one' },
  examples: [{ command: 'sentctl demo ../made-up', about: 'into a new directory beside this one' }],
  output: {
    kind: 'object',
    shape: object({ path: text('the new root folder'), records: integer('how many records it has') }, 'the demo'),
  },
  load: (): Promise<CommandModule> => import('./demo.ts'),
})
