// backup, export archive, import, repair --from and eject as they are used: on real files, through the command line.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { run } from '../cli/runner.ts'
import { type Fixture, makeAdopted, must } from './fixture.ts'

let fixture: Fixture
const fixtures: Fixture[] = []
beforeEach(async () => {
  fixture = await makeAdopted()
  fixtures.push(fixture)
})
after(() => {
  for (const each of fixtures) each.remove()
})

/** Every file and directory with what it holds. */
function treeOf(directory: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const name = path.join(entry.parentPath, entry.name)
    found[path.relative(directory, name)] = entry.isFile() ? fs.readFileSync(name, 'latin1') : 'directory'
  }
  return found
}

const at = (name: string): string => path.join(fixture.folder, name)

describe('backup', () => {
  it('says what was new, and is read by --root', async () => {
    const { root } = fixture
    assert.match(await must(root, ['backup', '../backup']), /^\S+backup: 3 records; 3 new records, [\d.]+ \w+\.\n$/)
    assert.match(await must(root, ['backup', '../backup']), /nothing was new/)
    await must(root, ['put', 'etc/motd'], 'new\n')
    await must(root, ['snapshot', 'create', '--name', 'kept'])
    const deep = await must(root, ['backup', '--deep', '../backup'])
    assert.match(deep, /5 records; 2 new records/)
    assert.match(deep, /Verified: all of it is sound/)
    assert.equal(await must(root, ['--root', '../backup', 'cat', 'etc/motd', '--at', 'kept']), 'new\n')
    const verified = await must(root, ['--root', '../backup', 'verify'])
    assert.match(verified, /the tree on disk: there is none, as in a backup/)
    assert.match(await must(root, ['--root', '../backup', 'log']), /put/)
  })

  it('goes on elsewhere after adopt and restore', async () => {
    const { root } = fixture
    const files = treeOf(path.join(root, 'etc'))
    await must(root, ['backup', '../backup'])
    fs.cpSync(at('backup'), at('next'), { recursive: true })
    await must(at('next'), ['adopt', '--copy'])
    await must(at('next'), ['restore', '.'])
    assert.deepEqual(treeOf(at('next/etc')), files)
    await must(at('next'), ['put', 'etc/motd'], 'here\n')
    assert.match(await must(at('next'), ['verify', '--deep']), /./)
    // Who goes on in the backup itself has a root folder: no backup goes there any more.
    await must(at('backup'), ['adopt', '--copy'])
    const refused = await run(['backup', '../backup'], { cwd: root })
    assert.notEqual(refused.exitCode, 0)
  })

  it('refuses another log with exit code 3', async () => {
    const other = await makeAdopted()
    fixtures.push(other)
    await must(fixture.root, ['backup', '../backup'])
    const { exitCode, stderr } = await run(['backup', at('backup')], { cwd: other.root })
    assert.equal(exitCode, 3)
    assert.match(stderr, /another log/)
  })
})

describe('export archive and import', () => {
  it('go through pipes', async () => {
    const { root } = fixture
    const whole = await run(['export', 'archive', '-'], { cwd: root })
    assert.equal(whole.exitCode, 0, whole.stderr)
    const first = await run(['import', '-', '../imported'], { cwd: root, input: whole.bytes })
    assert.match(first.stdout, /3 records, 3 of them new, all checked/)
    await must(root, ['put', 'etc/motd'], 'new\n')
    const rest = await run(['export', 'archive', '-', '--since', '../imported/.runtime/checkpoint'], { cwd: root })
    const second = await run(['import', '-', '../imported'], { cwd: root, input: rest.bytes })
    assert.match(second.stdout, /4 records, 1 of them new, all checked/)
    assert.equal(await must(root, ['--root', '../imported', 'cat', 'etc/motd', '--at', 'now']), 'new\n')
    assert.match(await must(root, ['--root', '../imported', 'verify', '--deep']), /./)
  })

  it('refuse what is no archive, and say where', async () => {
    const { root } = fixture
    await must(root, ['export', 'archive', '../all.tar'])
    const bytes = fs.readFileSync(at('all.tar'))
    bytes[3000]! ^= 1
    const { exitCode, stderr } = await run(['import', '-', '../imported'], { cwd: root, input: bytes })
    assert.equal(exitCode, 3)
    assert.match(stderr, /byte \d+/)
    assert.ok(!fs.existsSync(at('imported')))
    const unwritable = await run(['export', 'archive', '.runtime/all.tar'], { cwd: root })
    assert.equal(unwritable.exitCode, 1)
  })
})

describe('repair --from', () => {
  it('brings back what the backup has', async () => {
    const { root } = fixture
    await must(root, ['backup', '../backup'])
    fs.rmSync(path.join(root, '.tree/packs'), { recursive: true })
    fs.rmSync(path.join(root, 'etc/fstab'))
    assert.equal((await run(['verify'], { cwd: root })).exitCode, 3)
    assert.match(await must(root, ['repair', '--from', '../backup']), /Nothing is lost/)
    await must(root, ['verify', '--deep'])
    await must(root, ['restore', 'etc/fstab'])
    const none = await run(['repair', '--from', '..'], { cwd: root })
    assert.equal(none.exitCode, 1)
    assert.match(none.stderr, /No backup and no copy/)
  })
})

describe('eject', () => {
  it('leaves exactly the files', async () => {
    const { root } = fixture
    fs.mkdirSync(path.join(root, '.git/info'), { recursive: true })
    fs.writeFileSync(path.join(root, '.git/HEAD'), 'ref: refs/heads/main\n')
    await must(root, ['snapshot', 'create'])
    const before = treeOf(root)
    const ours = /^(?:\.(?:auth|db|runtime|tree|intent)(?:\/|$)|recycle\.)/
    const mine = Object.fromEntries(Object.entries(before).filter(([name]) => !ours.test(name)))
    assert.ok(fs.readdirSync(at('xdg/sentientos')).some(name => name.endsWith('.binding')))

    const dry = await must(root, ['eject', '--dry-run'])
    assert.match(dry, /Would remove .*\.runtime \.tree/)
    assert.deepEqual(
      Object.keys(treeOf(root)).filter(name => !ours.test(name)),
      Object.keys(mine),
    )
    const asked = await run(['eject'], { cwd: root })
    assert.equal(asked.exitCode, 2)
    assert.match(asked.stderr, /--yes/)

    assert.match(await must(root, ['eject', '--yes']), /Your files stay, and sentient\.yaml/)
    assert.deepEqual(treeOf(root), mine)
    assert.ok(!fs.readdirSync(at('xdg/sentientos')).some(name => name.endsWith('.binding')))
    assert.equal((await run(['status'], { cwd: root })).exitCode, 1)
    await must(root, ['init'])
  })

  it('takes its lines out of .git/info/exclude, and no others', async () => {
    const { root } = fixture
    const exclude = path.join(root, '.git/info/exclude')
    await must(root, ['eject', '--yes'])
    fs.mkdirSync(path.dirname(exclude), { recursive: true })
    fs.writeFileSync(path.join(root, '.git/HEAD'), 'ref: refs/heads/main\n')
    fs.writeFileSync(exclude, '# mine\n*.o\n')
    await must(root, ['init'])
    assert.match(fs.readFileSync(exclude, 'utf8'), /\.runtime/)
    await must(root, ['eject', '--yes'])
    assert.equal(fs.readFileSync(exclude, 'utf8'), '# mine\n*.o\n')
  })

  it('works where the history is damaged, and goes on where it was ended', async () => {
    const { root } = fixture
    fs.rmSync(path.join(root, '.runtime/journal'), { recursive: true })
    fs.rmSync(path.join(root, '.tree'), { recursive: true })
    fs.rmSync(path.join(root, '.auth'), { recursive: true })
    await must(root, ['eject', '--yes'])
    assert.deepEqual(fs.readdirSync(root).sort(), ['app', 'etc', 'home', 'sentient.yaml'])
  })

  it('asks for the name of the folder on a terminal', async () => {
    const { root } = fixture
    const answers = ['rot', 'root']
    const asked: string[] = []
    const ask = async (question: string): Promise<string | undefined> => {
      asked.push(question)
      return answers.shift()
    }
    assert.equal((await run(['eject'], { cwd: root, ask })).exitCode, 1)
    assert.ok(fs.existsSync(path.join(root, '.runtime/format')))
    assert.equal((await run(['eject'], { cwd: root, ask })).exitCode, 0)
    assert.ok(!fs.existsSync(path.join(root, '.runtime')))
    assert.match(asked[0]!, /type the folder's name \(root\)/)
  })
})
