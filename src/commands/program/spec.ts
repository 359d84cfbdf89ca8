// Verbs about the program itself; none of them needs a root folder.

import { integer, list, object, optional, text, value } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

export const explainSpec = command({
  name: 'explain',
  summary: 'Explain an error code',
  about: ['Says what a code means and what to do. Without CODE it lists all of them.'],
  positionals: [{ name: 'CODE', about: 'an error code, as ROOT_NOT_FOUND', completer: 'code' }],
  flags: {},
  access: 'none',
  palette: { title: 'Explain an error code' },
  examples: [
    { command: 'sentctl explain ROOT_NOT_FOUND', about: 'one code' },
    { command: 'sentctl explain', about: 'all codes' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        codes: list(
          object(
            {
              code: text('the code'),
              kind: text('its kind'),
              exitCode: integer('the exit code of its kind'),
              title: text('what happened'),
              explanation: text('what it means'),
              hint: text('what to do'),
            },
            'one code',
          ),
          'one, or all',
        ),
      },
      'the explanation',
    ),
  },
  load: (): Promise<CommandModule> => import('./explain.ts'),
})

export const completionSpec = command({
  name: 'completion',
  summary: 'Print a completion script for your shell',
  about: [
    'bash: eval "$(sentctl completion bash)" in ~/.bashrc. zsh: the same in ~/.zshrc, after compinit. fish: sentctl completion fish > ~/.config/fish/completions/sentctl.fish.',
    '--candidates is what the scripts call for names that only the root folder knows.',
  ],
  positionals: [{ name: 'SHELL', about: 'which shell', choices: ['bash', 'zsh', 'fish'] }],
  flags: {
    candidates: {
      type: 'text',
      placeholder: 'KIND',
      choices: ['snapshot', 'state', 'code'],
      about: 'print names of this kind, one a line',
    },
  },
  access: 'none',
  palette: { absent: 'for shells' },
  examples: [
    { command: 'sentctl completion bash', about: 'the script for bash' },
    { command: 'sentctl completion --candidates snapshot', about: 'names of snapshots' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        shell: optional(text('the shell whose script the text form prints')),
        candidates: optional(list(text('a name'), 'with --candidates')),
      },
      'names; the script itself is only printed as text',
    ),
  },
  load: (): Promise<CommandModule> => import('./completion.ts'),
})

const describedFlags = list(
  object(
    {
      name: text('without dashes'),
      short: optional(text('one letter')),
      placeholder: optional(text('what stands for its value')),
      about: text('what it does'),
      default: optional(value('used when it is not given')),
      choices: optional(list(text('a value'), 'the only values')),
    },
    'a flag',
  ),
  'its flags',
)

const describedShape = object(
  {
    name: text('the verb'),
    summary: text('one line'),
    about: list(text('a paragraph'), 'help'),
    usage: text('how it is called'),
    positionals: list(
      object({ name: text('as help shows it'), about: text('what it is') }, 'an argument'),
      'its arguments',
    ),
    flags: describedFlags,
    examples: list(object({ command: text('a command line'), about: text('what it does') }, 'an example'), 'examples'),
  },
  'a verb',
)

export const manSpec = command({
  name: 'man',
  summary: 'Print the manual page, for man(1)',
  about: ['Prints roff: sentctl man | man -l - shows it; a package installs it as sentctl.1.'],
  positionals: [],
  flags: {},
  access: 'none',
  palette: { absent: 'help (?) is made from the keys' },
  examples: [{ command: 'sentctl man', about: 'the page as roff' }],
  output: {
    kind: 'object',
    shape: object({ commands: list(describedShape, 'all verbs') }, 'all verbs; roff is the text form'),
  },
  load: (): Promise<CommandModule> => import('./man.ts'),
})

export const versionSpec = command({
  name: 'version',
  summary: 'Print the version',
  about: ['With --json also the versions of the format and of Node.'],
  positionals: [],
  flags: {},
  access: 'none',
  palette: { absent: 'doctor shows it' },
  examples: [
    { command: 'sentctl version', about: 'one line' },
    { command: 'sentctl version --json', about: 'as data' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        version: text('of sentctl'),
        format: integer('of the on-disk format'),
        node: text('of Node'),
        platform: text('system and processor'),
      },
      'versions',
    ),
  },
  load: (): Promise<CommandModule> => import('./version.ts'),
})

export const uiSpec = command({
  name: 'ui',
  summary: 'Open the terminal UI',
  about: ['What sentctl alone does on a terminal. Where no root folder is yet, it offers to make one.'],
  positionals: [],
  flags: {
    profile: {
      type: 'text',
      placeholder: 'NAME',
      choices: ['full', 'mono', 'vt100', 'linear'],
      about: 'how to draw; default: what the terminal can do',
    },
    baud: { type: 'integer', placeholder: 'N', min: 300, about: 'speed of a serial line' },
    'esc-ms': {
      type: 'integer',
      placeholder: 'MS',
      min: 0,
      max: 5000,
      about: 'how long a lone Esc waits on slow lines',
    },
  },
  access: 'none',
  palette: { absent: 'it is open' },
  examples: [{ command: 'sentctl ui --profile mono', about: 'without colours' }],
  output: {
    kind: 'object',
    shape: object({ exitCode: integer('how it ended') }, 'nothing; the screen was the output'),
  },
  load: (): Promise<CommandModule> => import('./ui.ts'),
})

export const helpSpec = command({
  name: 'help',
  summary: 'Show help for a verb, or list all verbs',
  about: ['"sentctl VERB --help" is the same.'],
  positionals: [{ name: 'VERB', about: 'which verb; two words for those of a noun', many: true, completer: 'verb' }],
  flags: {},
  access: 'none',
  palette: { absent: 'help (?) is made from the keys' },
  examples: [
    { command: 'sentctl help', about: 'all verbs' },
    { command: 'sentctl help snapshot create', about: 'one of them' },
  ],
  output: {
    kind: 'object',
    shape: object({ commands: list(describedShape, 'the verbs asked for') }, 'help as data'),
  },
  load: (): Promise<CommandModule> => import('./help.ts'),
})
