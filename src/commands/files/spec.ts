// Verbs that read and change governed files. Each change is one record and can be undone.

import { listedShape, operationFields, operationsShape, pathFields } from '../resultShapes.ts'
import { base64, integer, list, object, optional, text } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

const forceFlag = { type: 'boolean', short: 'f', about: 'replace what is there' } as const
const atFlag = { type: 'text', placeholder: 'STATE', completer: 'state', about: 'as it was at this state' } as const
const operationOutput = { kind: 'object', shape: object(operationFields, 'the recorded change') } as const

export const putSpec = command({
  name: 'put',
  summary: 'Write a file and record it',
  about: [
    'Writes a governed file from --from FILE, or from standard input. The new content is recorded before it is visible; the content before stays in the history.',
  ],
  positionals: [{ name: 'PATH', about: 'the file to write', required: true, completer: 'path' }],
  flags: {
    from: {
      type: 'text',
      placeholder: 'FILE',
      completer: 'file',
      about: 'take the content of this file; - is standard input',
    },
    mode: { type: 'text', placeholder: 'MODE', about: 'permission bits, octal; default: as before, or 0644' },
    parents: { type: 'boolean', short: 'p', about: 'make missing directories' },
  },
  access: 'write',
  palette: { absent: 'editing a file in the terminal UI does it' },
  examples: [
    { command: 'sentctl put etc/motd --from motd.txt', about: 'from a file' },
    { command: 'sentctl put etc/hosts.d/local --parents', input: '10.0.0.2 printer\n', about: 'from standard input' },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./put.ts'),
})

export const rmSpec = command({
  name: 'rm',
  summary: 'Remove files or directories',
  about: [
    'Removes the paths as one record. They stay in the history: "sentctl undo" or "sentctl restore" brings them back.',
  ],
  positionals: [{ name: 'PATH', about: 'what to remove', required: true, many: true, completer: 'path' }],
  flags: { recursive: { type: 'boolean', short: 'r', about: 'directories with all that is in them' } },
  access: 'write',
  palette: { title: 'Delete' },
  examples: [
    { command: 'sentctl rm home/notes.txt', about: 'one file' },
    { command: 'sentctl rm -r app', about: 'a directory with all that is in it' },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./rm.ts'),
})

export const mvSpec = command({
  name: 'mv',
  summary: 'Move or rename files or directories',
  about: ['Moves into TO when that is a directory, else to that name. One record.'],
  positionals: [
    { name: 'FROM', about: 'what to move', required: true, many: true, completer: 'path' },
    { name: 'TO', about: 'a directory, or the new name', required: true, completer: 'path' },
  ],
  flags: { force: forceFlag },
  access: 'write',
  palette: { title: 'Move or rename' },
  examples: [
    { command: 'sentctl mv etc/motd etc/motd.old', about: 'rename' },
    { command: 'sentctl mv etc/motd.old home/notes.txt app', about: 'into a directory' },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./mv.ts'),
})

export const cpSpec = command({
  name: 'cp',
  summary: 'Copy files or directories',
  about: ['Copies into TO when that is a directory, else to that name. One record; equal contents are stored once.'],
  positionals: [
    { name: 'FROM', about: 'what to copy', required: true, many: true, completer: 'path' },
    { name: 'TO', about: 'a directory, or the new name', required: true, completer: 'path' },
  ],
  flags: {
    recursive: { type: 'boolean', short: 'r', about: 'directories with all that is in them' },
    force: forceFlag,
  },
  access: 'write',
  palette: { title: 'Copy' },
  examples: [
    { command: 'sentctl cp etc/motd etc/motd.bak', about: 'a file' },
    { command: 'sentctl cp -r app app.bak', about: 'a directory' },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./cp.ts'),
})

export const mkdirSpec = command({
  name: 'mkdir',
  summary: 'Make directories',
  about: ['Makes and records directories, one record each.'],
  positionals: [{ name: 'PATH', about: 'the directory to make', required: true, many: true, completer: 'path' }],
  flags: {
    parents: { type: 'boolean', short: 'p', about: 'make missing parents; a directory that is there is no error' },
    mode: { type: 'text', short: 'm', placeholder: 'MODE', about: 'permission bits, octal; default: 0755' },
  },
  access: 'write',
  palette: { title: 'New directory' },
  examples: [{ command: 'sentctl mkdir -p home/pictures/2026', about: 'with its parents' }],
  output: { kind: 'object', shape: operationsShape },
  load: (): Promise<CommandModule> => import('./mkdir.ts'),
})

export const chmodSpec = command({
  name: 'chmod',
  summary: 'Change permission bits',
  about: ['MODE is octal (644) or symbolic (u+x, go-w, a=rX), as for chmod(1). One record.'],
  positionals: [
    { name: 'MODE', about: 'octal or symbolic', required: true, completer: 'none' },
    { name: 'PATH', about: 'whose mode to change', required: true, many: true, completer: 'path' },
  ],
  flags: { recursive: { type: 'boolean', short: 'r', about: 'all that is below directories too' } },
  access: 'write',
  palette: { title: 'Change mode' },
  examples: [
    { command: 'sentctl chmod 600 app/config.json', about: 'octal' },
    { command: 'sentctl chmod -r go-w,u+X app', about: 'symbolic, below a directory' },
  ],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./chmod.ts'),
})

export const lnSpec = command({
  name: 'ln',
  summary: 'Make a symlink',
  about: [
    'Makes PATH a symlink to TARGET, whatever TARGET is; it is not followed or checked. Hard links are not offered: the history records each path as a file of its own.',
  ],
  positionals: [
    { name: 'TARGET', about: 'where it points, as written into the symlink', required: true, completer: 'file' },
    { name: 'PATH', about: 'the symlink to make', required: true, completer: 'path' },
  ],
  flags: { symbolic: { type: 'boolean', short: 's', about: 'what it does anyway; accepted out of habit' } },
  access: 'write',
  palette: { title: 'New symlink' },
  examples: [{ command: 'sentctl ln -s ../app/config.json etc/config.json', about: 'a relative symlink' }],
  output: operationOutput,
  load: (): Promise<CommandModule> => import('./ln.ts'),
})

export const catSpec = command({
  name: 'cat',
  summary: 'Print files, as they are or as they were',
  about: [
    'Prints what is on disk, or with --at what a past state holds. Bytes reach a pipe unchanged; on a terminal control characters other than newline and tab are shown escaped.',
  ],
  positionals: [{ name: 'PATH', about: 'the files to print', required: true, many: true, completer: 'path' }],
  flags: { at: atFlag },
  access: 'read',
  palette: { absent: 'the preview shows it' },
  examples: [
    { command: 'sentctl cat etc/motd', about: 'what is on disk' },
    { command: 'sentctl cat etc/motd --at first', about: 'as it was at a snapshot' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        files: list(
          object(
            {
              ...pathFields,
              size: integer('bytes'),
              content: optional(text('the content, where it is UTF-8')),
              contentBytes: optional(base64('the content, where it is not')),
            },
            'one file; --json prints files of at most 16 MiB',
          ),
          'in the order given',
        ),
      },
      'the files, only with --json; else standard output carries their bytes',
    ),
  },
  load: (): Promise<CommandModule> => import('./cat.ts'),
})

export const lsSpec = command({
  name: 'ls',
  summary: 'List directories, with how each path stands against the record',
  about: [
    'The first column says how a path stands: = as recorded, ~ changed outside, + new, - gone, ! damaged, s skipped, ? unchecked, blank ignored. A directory shows how many paths below it differ.',
    '--zk-verify reads each recorded object from the store and checks it against its name, and says which level of proof that shows. Zero-knowledge proofs are not made yet: the highest level is "merkle".',
  ],
  positionals: [
    { name: 'PATH', about: 'directories or files; default: the current directory', many: true, completer: 'path' },
  ],
  flags: {
    at: atFlag,
    check: { type: 'boolean', default: true, about: 'do not compare with the record first: marks are "?"' },
    'zk-verify': { type: 'boolean', about: 'check each recorded object and show its proof level' },
  },
  access: 'read',
  palette: { absent: 'the Files pane is that' },
  examples: [
    { command: 'sentctl ls', about: 'the current directory' },
    { command: 'sentctl ls etc --at first', about: 'a directory in the past' },
    { command: 'sentctl ls etc --zk-verify', about: 'with the proof level' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        state: optional(text('the state shown; absent: what is on disk now')),
        directories: list(
          object({ ...pathFields, entries: list(listedShape, 'sorted by name') }, 'one listing'),
          'in the order given; files that were named themselves come first, below an empty path',
        ),
      },
      'the listings',
    ),
  },
  load: (): Promise<CommandModule> => import('./ls.ts'),
})

export const findSpec = command({
  name: 'find',
  summary: 'Find paths by name and kind, now or in the past',
  about: [
    'Prints every path below DIR (default: here) whose name matches. --name takes a pattern with * ? and [abc], matched against the last part of the path. --zk checks each recorded object, as "ls --zk-verify" does.',
  ],
  positionals: [{ name: 'DIR', about: 'where to search', completer: 'path' }],
  flags: {
    name: { type: 'text', placeholder: 'GLOB', about: 'only names that match' },
    kind: { type: 'text', placeholder: 'KIND', choices: ['file', 'dir', 'symlink'], about: 'only this kind' },
    at: atFlag,
    zk: { type: 'boolean', about: 'check each recorded object and show its proof level' },
  },
  access: 'read',
  palette: { absent: 'the filter of the Files pane does it' },
  examples: [
    { command: 'sentctl find --name "*.json"', about: 'by name' },
    { command: 'sentctl find etc --kind file --at first --zk', about: 'in the past, checked' },
  ],
  output: { kind: 'lines', shape: listedShape },
  load: (): Promise<CommandModule> => import('./find.ts'),
})
