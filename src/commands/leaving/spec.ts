// Verbs that carry the history elsewhere and back, and the one that removes it.

import { boolean, integer, list, object, optional, text } from '../shape.ts'
import { type CommandModule, command } from '../spec.ts'

export const backupSpec = command({
  name: 'backup',
  summary: 'Copy the history to another directory, only what is new',
  about: [
    'Brings DIR up to date: objects, records, checkpoints and public keys, each checked on its way. DIR is made when it is missing. It holds no private key and no tree of files; "sentctl --root DIR log", cat, verify and export read it, and "sentctl repair --from DIR" takes from it what is lost.',
    'Others may write meanwhile. Ended at any point, DIR holds what it held before, or all of the new; run it again to go on. What gc or forget took out of the root folder goes from DIR at the end.',
    'It is refused, with exit code 3, where DIR holds another log, or a history that this one does not go on from: that is evidence, and stays.',
    'To go on in a backup: copy it to its new place, then "sentctl adopt" and "sentctl restore ." there.',
  ],
  positionals: [{ name: 'DIR', about: 'the backup', required: true, completer: 'directory' }],
  flags: {
    deep: {
      type: 'boolean',
      about: 'compare everything that DIR has already, put right what differs, then verify all of it',
    },
  },
  access: 'read',
  palette: { absent: 'it needs a place outside the root folder' },
  examples: [
    { command: 'sentctl backup ../backup', about: 'make it, or add what is new' },
    { command: 'sentctl backup --deep ../backup', about: 'and look at all of it' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        path: text('the backup'),
        records: integer('records that it holds now'),
        added: integer('of them new'),
        bytes: integer('bytes of records and objects that were written'),
        packs: integer('packs that it holds'),
        removedPacks: integer('packs that the root folder no longer has'),
        signed: integer('records that the newest signed checkpoint covers'),
        verified: boolean('all of it was verified, and is sound'),
      },
      'what the backup holds, and what was new',
    ),
  },
  load: (): Promise<CommandModule> => import('./backup.ts'),
})

export const exportArchiveSpec = command({
  name: 'export archive',
  summary: 'Write the history as one file, to be carried by hand',
  about: [
    'Writes a tar file with everything that "sentctl import" needs: records, objects, the signed checkpoint, public keys. With --since only what is new after what the other side has: a record number, or its checkpoint as a file (.runtime/checkpoint there).',
    'It holds the contents of files, readable by whoever has it. FILE is readable by you alone until you change that; - writes to standard output.',
  ],
  positionals: [{ name: 'FILE', about: 'where to; - for standard output', required: true, completer: 'file' }],
  flags: {
    since: {
      type: 'text',
      placeholder: 'SEQ|FILE',
      completer: 'file',
      about: 'the last record that the other side has, or a file with its checkpoint',
    },
  },
  access: 'read',
  palette: { absent: 'an export for other machines' },
  examples: [
    { command: 'sentctl export archive ../all.tar', about: 'the whole history' },
    { command: 'sentctl export archive ../new.tar --since 3', about: 'for a side that has the records up to 3' },
    {
      command: 'sentctl export archive ../news.tar --since monday.checkpoint',
      about: 'for a side that has what this checkpoint covers',
    },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        file: text('the file'),
        from: integer('the first record in it'),
        to: integer('the record behind the last one in it'),
        objects: integer('objects in it'),
        bytes: integer('bytes of the file'),
      },
      'what was written; nothing with -, where the archive is the output',
    ),
  },
  load: (): Promise<CommandModule> => import('./exportArchive.ts'),
})

export const importSpec = command({
  name: 'import',
  summary: 'Take an archive in, into a directory of its own',
  about: [
    'Makes DIR from an archive of the whole history, or extends what an earlier import or backup brought there by an archive of what is new. Everything is checked first: the checksum of the archive, each object against its name, each record against the one before, the signed root, and that nothing is missing. What does not hold is refused (exit code 3), and DIR is as it was.',
    'DIR then is like a backup: to be read, and to repair from. To go on in it: "sentctl adopt", then "sentctl restore .".',
  ],
  positionals: [
    { name: 'FILE', about: 'the archive; - for standard input', required: true, completer: 'file' },
    { name: 'DIR', about: 'where to', required: true, completer: 'directory' },
  ],
  flags: {},
  access: 'none',
  palette: { absent: 'it works without a root folder' },
  examples: [
    { command: 'sentctl import ../whole.tar ../imported', about: 'make a directory of it' },
    { command: 'sentctl import ../later.tar ../imported', about: 'add what is new' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        path: text('the directory'),
        logId: text('which log'),
        records: integer('records that it holds now'),
        added: integer('of them new'),
        packs: integer('packs that were added'),
        signed: integer('records that the newest signed checkpoint covers'),
      },
      'what the directory holds, and what was new',
    ),
  },
  load: (): Promise<CommandModule> => import('./import.ts'),
})

export const ejectSpec = command({
  name: 'eject',
  summary: 'Remove the history; the files stay',
  about: [
    'Removes what SentientOS made in the root folder: the dotfolders with all history and keys, recycle.lock, recycle.trace, recycle.redis, its lines in .git/info/exclude, and what this device remembers of the folder. Your files and sentient.yaml stay as they are.',
    'There is no way back: it asks for the name of the folder first. Without a terminal give --yes.',
  ],
  positionals: [],
  flags: {
    'dry-run': { type: 'boolean', short: 'n', about: 'only say what would be removed' },
    yes: { type: 'boolean', about: 'do not ask' },
  },
  access: 'none',
  palette: { absent: 'it ends the history that the screen shows' },
  examples: [
    { command: 'sentctl eject --dry-run', about: 'what would go, and what stays' },
    { command: 'sentctl --root ../ejected eject --yes', about: 'remove the history of another root folder' },
  ],
  output: {
    kind: 'object',
    shape: object(
      {
        rootPath: text('what was a root folder'),
        dryRun: boolean('nothing was removed'),
        removed: list(text('a name at its top'), 'what is gone'),
        bytes: integer('the space that it took'),
        left: list(text('a name at its top'), 'what stays, of the names that SentientOS knows'),
        git: boolean('lines were taken out of .git/info/exclude'),
        note: optional(text('what else there is to know')),
      },
      'what was removed',
    ),
  },
  load: (): Promise<CommandModule> => import('./eject.ts'),
})
