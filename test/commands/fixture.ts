// A small root folder for tests of verbs: a few records, two snapshots, and drift.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { run } from '../cli/runner.ts'

export interface Fixture {
  /** The root folder. */
  readonly root: string
  /** What holds it; removed with `remove`. */
  readonly folder: string
  remove(): void
}

const files: Readonly<Record<string, string>> = {
  'etc/fstab': Array.from({ length: 30 }, (_, i) => `device${i + 1} /mnt/${i + 1}\n`).join(''),
  'etc/motd': 'welcome\n',
  'app/config.json': '{ "port": 80 }\n',
  'app/run.sh': '#!/bin/sh\nexit 0\n',
  'home/notes.txt': 'one\ntwo\n',
}

export function makeFolder(): Fixture {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentctl-test-')))
  const root = path.join(folder, 'root')
  fs.mkdirSync(root)
  return { root, folder, remove: () => fs.rmSync(folder, { recursive: true, force: true }) }
}

/** Writes the files and makes the directory a root folder, without any history beyond that. */
export async function makeAdopted(): Promise<Fixture> {
  const fixture = makeFolder()
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.join(fixture.root, path.dirname(name)), { recursive: true })
    fs.writeFileSync(path.join(fixture.root, name), content)
  }
  await must(fixture.root, ['init'])
  return fixture
}

/** With history and drift: two hunks of etc/fstab changed outside, motd.txt and an empty directory beside it are new. */
export async function makeFixture(): Promise<Fixture> {
  const fixture = await makeAdopted()
  const { root, folder } = fixture
  await must(root, ['snapshot', 'create', 'the first', '--name', 'first'])
  await must(root, ['put', 'etc/motd'], 'welcome back\n')
  await must(root, ['mkdir', 'home/photos'])
  await must(root, ['snapshot', 'create', '--name', 'second'])
  const lines = files['etc/fstab']!.split('\n')
  lines[2] = 'changed outside'
  lines[25] = 'changed outside too'
  fs.writeFileSync(path.join(root, 'etc/fstab'), lines.join('\n'))
  fs.writeFileSync(path.join(root, 'motd.txt'), 'hello from a file\n')
  for (const name of ['new-folder', 'other-folder', 'third-folder']) {
    fs.mkdirSync(path.join(folder, name))
    fs.writeFileSync(path.join(folder, name, 'file'), 'content\n')
  }
  return fixture
}

/** Runs a verb that the test relies on. */
export async function must(cwd: string, argv: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, { cwd, input })
  assert.equal(exitCode, 0, `sentctl ${argv.join(' ')}: ${stderr}`)
  return stdout
}
