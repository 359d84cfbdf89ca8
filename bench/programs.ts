// What is measured: our command line, native and TypeScript alone, and the programs that it is held against, each doing
// the same work on the same tree. A program that has no such work leaves it out.
import fs from 'node:fs'
import path from 'node:path'
import { pathOfFile } from './tree.ts'

export interface Bench {
  /** The tree's copy that this program works on. */
  readonly tree: string
  /** A folder of its own for everything else. */
  readonly scratch: string
  readonly repository: string
}

type Command = readonly string[]

export interface Program {
  readonly name: string
  /** Programs that have to be there. */
  readonly needs: readonly string[]
  readonly environment: (bench: Bench) => Readonly<Record<string, string>>
  readonly prepare?: (bench: Bench) => readonly Command[]
  readonly first: (bench: Bench) => readonly Command[]
  readonly status?: (bench: Bench) => readonly Command[]
  /** After 100 changed files; `round` makes names that are used once. */
  readonly next: (bench: Bench, round: number) => readonly Command[]
  /** The tree as it was before the last hundred changes, in place. */
  readonly back?: (bench: Bench) => readonly Command[]
  /** The whole tree from nothing, as copies. `emptied`: in place, where the tree's files were removed before. */
  readonly restore: (
    bench: Bench,
    round: number,
  ) => { readonly emptied: boolean; readonly commands: readonly Command[] }
  readonly verify: (bench: Bench) => readonly Command[]
  /** Where its store lies. */
  readonly store: (bench: Bench) => readonly string[]
  /** What has to be said beside its figures. */
  readonly note?: string
}

const git: Program = {
  name: 'git',
  needs: ['git'],
  environment: () => ({
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'bench',
    GIT_AUTHOR_EMAIL: 'bench@localhost',
    GIT_COMMITTER_NAME: 'bench',
    GIT_COMMITTER_EMAIL: 'bench@localhost',
  }),
  prepare: () => [
    ['git', 'init', '-q', '.'],
    ['git', 'config', 'gc.auto', '0'],
  ],
  first: () => [
    ['git', 'add', '-A'],
    ['git', 'commit', '-qm', 'first'],
  ],
  status: () => [['git', 'status', '--short']],
  next: (_, round) => [
    ['git', 'add', '-A'],
    ['git', 'commit', '-qm', `round ${round}`],
  ],
  back: () => [['git', 'checkout', '-q', 'HEAD~1']],
  restore: () => ({ emptied: true, commands: [['git', 'checkout', '-q', '--', '.']] }),
  verify: () => [['git', 'fsck', '--full', '--no-progress']],
  store: ({ tree }) => [path.join(tree, '.git')],
  note: 'add and commit; nothing of it is flushed to the disk',
}

const restic: Program = {
  name: 'restic',
  needs: ['restic'],
  environment: ({ scratch }) => ({
    RESTIC_REPOSITORY: path.join(scratch, 'restic'),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: path.join(scratch, 'restic-cache'),
  }),
  prepare: () => [['restic', 'init', '-q']],
  first: () => [['restic', 'backup', '-q', '.']],
  next: () => [['restic', 'backup', '-q', '.']],
  restore: ({ scratch }, round) => ({
    emptied: false,
    commands: [['restic', 'restore', '-q', 'latest', '--target', path.join(scratch, `restic-out${round}`)]],
  }),
  verify: () => [['restic', 'check', '-q', '--read-data']],
  store: ({ scratch }) => [path.join(scratch, 'restic')],
  note: 'encrypts as well',
}

const borg: Program = {
  name: 'borg',
  needs: ['borg'],
  environment: ({ scratch }) => ({
    BORG_REPO: path.join(scratch, 'borg'),
    BORG_BASE_DIR: path.join(scratch, 'borg-base'),
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
  }),
  prepare: () => [['borg', 'init', '-e', 'none']],
  first: () => [['borg', 'create', '::first', '.']],
  next: (_, round) => [['borg', 'create', `::round${round}`, '.']],
  restore: ({ scratch }, round) => {
    const out = path.join(scratch, `borg-out${round}`)
    fs.mkdirSync(out)
    return { emptied: false, commands: [['sh', '-c', 'cd "$0" && exec borg extract ::first', out]] }
  },
  verify: () => [['borg', 'check', '--verify-data']],
  store: ({ scratch }) => [path.join(scratch, 'borg')],
}

const ostree: Program = {
  name: 'ostree',
  needs: ['ostree'],
  environment: () => ({}),
  prepare: ({ scratch }) => [['ostree', 'init', `--repo=${scratch}/ostree`, '--mode=bare-user']],
  first: ({ scratch }) => [
    ['ostree', 'commit', `--repo=${scratch}/ostree`, '-b', 'bench', '--tree=dir=.', '-s', 'first'],
  ],
  next: ({ scratch }) => [
    ['ostree', 'commit', `--repo=${scratch}/ostree`, '-b', 'bench', '--tree=dir=.', '-s', 'next'],
  ],
  restore: ({ scratch }, round) => ({
    emptied: false,
    commands: [
      [
        'ostree',
        'checkout',
        `--repo=${scratch}/ostree`,
        '-U',
        '--force-copy',
        'bench',
        `${scratch}/ostree-out${round}`,
      ],
    ],
  }),
  verify: ({ scratch }) => [['ostree', 'fsck', '-q', `--repo=${scratch}/ostree`]],
  store: ({ scratch }) => [path.join(scratch, 'ostree')],
  note: 'restored as copies, not as hard links',
}

const ours = (name: string, environment: Readonly<Record<string, string>>, note: string): Program => {
  const sentctl = (bench: Bench, ...options: string[]): Command => [
    path.join(bench.repository, 'bin/sentctl'),
    ...options,
  ]
  return {
    name,
    needs: [],
    environment: ({ scratch }) => ({ XDG_STATE_HOME: path.join(scratch, 'state'), ...environment }),
    first: bench => [sentctl(bench, 'init', '.')],
    status: bench => [sentctl(bench, 'status')],
    next: (bench, round) => [sentctl(bench, 'snapshot', 'create', `round ${round}`, '--absorb')],
    // The newest snapshot is the state as it is: the one before it has the last hundred files otherwise.
    back: bench => [sentctl(bench, 'rollback', '-n', '2')],
    restore: bench => ({ emptied: true, commands: [sentctl(bench, 'restore', '.')] }),
    verify: bench => [sentctl(bench, 'verify', '--deep')],
    store: ({ tree }) => ['.tree', '.runtime', '.auth', '.db'].map(part => path.join(tree, part)),
    note,
  }
}

export const programs: readonly Program[] = [
  ours('sentctl', { SENTIENT_NATIVE: '1' }, 'with the native core; flushed'),
  ours('sentctl, TypeScript', { SENTIENT_NATIVE: '0' }, 'no native code at all; flushed'),
  git,
  restic,
  borg,
  ostree,
]

/** Files of ours and of peers that lie at the top of a tree and are not part of it. */
export function emptyTree(tree: string): void {
  const top = pathOfFile(0).split('/')[0]?.replace(/\d+$/, '') ?? ''
  for (const name of fs.readdirSync(tree)) {
    if (name.startsWith(top)) fs.rmSync(path.join(tree, name), { recursive: true })
  }
}
