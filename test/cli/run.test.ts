// Whole runs on real root folders: what goes to which stream, in which form, and with which exit code.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type Fixture, makeAdopted, makeFolder, must } from '../commands/fixture.ts'
import { run } from './runner.ts'

let fixture: Fixture

before(async () => {
  fixture = await makeAdopted()
})
after(() => fixture.remove())

const at = (...parts: string[]): string => path.join(fixture.root, ...parts)

test('paths are relative to where one stands, in and out', async () => {
  fs.writeFileSync(at('etc/motd'), 'changed\n')
  const fromTop = await run(['status'], { cwd: at() })
  const fromEtc = await run(['status'], { cwd: at('etc') })
  const fromHome = await run(['status'], { cwd: at('home') })
  assert.match(fromTop.stdout, /^~ {2}etc\/motd /m)
  assert.match(fromEtc.stdout, /^~ {2}motd /m)
  assert.match(fromHome.stdout, /^~ {2}\.\.\/etc\/motd /m)
  await must(at('home'), ['restore', '../etc/motd'])
  assert.equal(fs.readFileSync(at('etc/motd'), 'utf8'), 'welcome\n')
})

test('the root folder is found upwards, by --root and by SENTIENT_ROOT; the flag wins', async () => {
  const elsewhere = fixture.folder
  const byFlag = await run(['--root', at(), 'ls', 'etc', '--json'], { cwd: elsewhere })
  const byVariable = await run(['ls', 'etc', '--json'], { cwd: elsewhere, environment: { SENTIENT_ROOT: at() } })
  const upwards = await run(['ls', '--json'], { cwd: at('etc') })
  assert.equal(byFlag.stdout, byVariable.stdout)
  assert.equal(byFlag.stdout, upwards.stdout)
  const both = await run(['--root', at(), 'status'], { cwd: elsewhere, environment: { SENTIENT_ROOT: '/nowhere' } })
  assert.equal(both.exitCode, 0)
  const none = await run(['status'], { cwd: elsewhere })
  assert.equal(none.exitCode, 1)
  assert.match(none.stderr, /ROOT_NOT_FOUND/)
})

test('a root folder named through a symlink is the same one', async () => {
  const link = path.join(fixture.folder, 'link')
  fs.symlinkSync(at(), link)
  const { exitCode, stdout } = await run(['--root', link, 'ls', 'motd', '--json'], { cwd: at('etc') })
  assert.equal(exitCode, 0)
  assert.equal(JSON.parse(stdout).directories[0].entries[0].path, 'etc/motd')
})

test('errors go to standard error, in words or as JSON, and set the exit code', async () => {
  const words = await run(['cat', 'nope'], { cwd: at() })
  assert.deepEqual([words.exitCode, words.stdout], [1, ''])
  assert.match(words.stderr, /^sentctl: No such path\n {2}where {5}nope\n {2}do {8}\S/)
  const data = await run(['cat', 'nope', '--json'], { cwd: at() })
  assert.deepEqual([data.exitCode, data.stdout], [1, ''])
  const { error } = JSON.parse(data.stderr)
  assert.deepEqual([error.code, error.where, error.exitCode], ['PATH_NOT_FOUND', 'nope', 1])
  const usage = await run(['nope', '--json'], { cwd: at() })
  assert.equal(usage.exitCode, 2)
  assert.equal(JSON.parse(usage.stderr).error.code, 'USAGE')
})

test('foreign names in errors and listings cannot steer a terminal', async () => {
  const name = 'a\x1b[2J\u202eb'
  const error = await run(['cat', name], { cwd: at(), terminal: { columns: 80 } })
  assert.ok(!error.stderr.includes('\x1b[2J') && !error.stderr.includes('\u202e'))
  fs.writeFileSync(at('home', name), 'x')
  const listed = await run(['ls', 'home', '--no-color'], { cwd: at(), terminal: { columns: 80 } })
  assert.ok(!listed.stdout.includes('\x1b[2J') && !listed.stdout.includes('\u202e'))
  fs.rmSync(at('home', name))
})

test('names of any bytes are listed, found, read, moved and brought back by what is shown', async () => {
  const name = Buffer.from([0x6e, 0x0a, 0xff, 0x5c, 0x20, 0xc3, 0xa4])
  fs.writeFileSync(Buffer.concat([Buffer.from(`${at('home')}/`), name]), 'odd\n')
  const status = JSON.parse((await run(['status', '--json'], { cwd: at() })).stdout)
  const [change] = status.changes
  assert.deepEqual(Buffer.from(change.pathBytes, 'base64'), Buffer.concat([Buffer.from('home/'), name]))
  await must(at(), ['absorb', change.path])
  assert.equal(await must(at(), ['cat', change.path]), 'odd\n')
  assert.equal(await must(at(), ['find', 'home', '--name', '*ä']), `${change.path}\n`)
  await must(at(), ['rm', change.path])
  await must(at(), ['undo'])
  assert.equal(await must(at('home'), ['cat', change.path.slice('home/'.length)]), 'odd\n')
  await must(at(), ['mv', change.path, 'home/plain'])
  assert.equal(fs.readFileSync(at('home/plain'), 'utf8'), 'odd\n')
  await must(at(), ['rm', 'home/plain'])
})

test('cat gives a pipe the very bytes, and a terminal nothing that steers it', async () => {
  const bytes = Buffer.from([0, 1, 0x1b, 0x5b, 0x32, 0x4a, 0xff, 0xfe, 10, 0xe2, 0x82, 0xac, 10])
  await run(['put', 'home/bytes'], { cwd: at(), input: bytes })
  assert.deepEqual((await run(['cat', 'home/bytes'], { cwd: at() })).bytes, bytes)
  const shown = await run(['cat', 'home/bytes'], { cwd: at(), terminal: { columns: 80 } })
  assert.ok(!/[\x00-\x08\x0b-\x1f]/.test(shown.stdout), JSON.stringify(shown.stdout))
  assert.ok(shown.stdout.endsWith('\n€\n'))
  const data = JSON.parse((await run(['cat', 'home/bytes', '--json'], { cwd: at() })).stdout)
  assert.deepEqual(Buffer.from(data.files[0].contentBytes, 'base64'), bytes)
  await must(at(), ['rm', 'home/bytes'])
})

test('a large standard input arrives whole', async () => {
  const bytes = Buffer.alloc(9 * 1024 * 1024, 'sentient ')
  await run(['put', 'home/large'], { cwd: at(), input: bytes })
  assert.ok(fs.readFileSync(at('home/large')).equals(bytes))
  assert.ok((await run(['cat', 'home/large', '--at', 'now'], { cwd: at() })).bytes.equals(bytes))
  await must(at(), ['rm', 'home/large'])
})

test('colours only on a terminal that wants them', async () => {
  const terminal = { columns: 80 }
  const coloured = await run(['log'], { cwd: at(), terminal })
  assert.match(coloured.stdout, /\x1b\[1m#/)
  for (const plain of [
    await run(['log'], { cwd: at() }),
    await run(['log', '--no-color'], { cwd: at(), terminal }),
    await run(['log'], { cwd: at(), terminal, environment: { NO_COLOR: '1' } }),
    await run(['log'], { cwd: at(), terminal, environment: { TERM: 'dumb' } }),
  ]) {
    assert.ok(!plain.stdout.includes('\x1b'))
  }
})

test('notices go to standard error and --quiet keeps them away', async () => {
  const folder = path.join(fixture.folder, 'notices')
  fs.mkdirSync(folder)
  fs.writeFileSync(path.join(folder, 'a'), 'a')
  const loud = await run(['init', '--dry-run'], { cwd: folder })
  assert.match(loud.stderr, /1 file, 0 directories, 1 B/)
  assert.equal((await run(['init', '--dry-run', '--quiet'], { cwd: folder })).stderr, '')
  const data = await run(['init', '--dry-run', '--json'], { cwd: folder })
  assert.match(JSON.parse(data.stderr).notice, /1 file/)
  assert.deepEqual(fs.readdirSync(folder), ['a'])
})

test('--log gets one line when a run starts, ends or fails, and no contents', async () => {
  const log = path.join(fixture.folder, 'run.log')
  await run(['put', 'home/secret', '--log', log], { cwd: at(), input: 'content that stays private\n' })
  await run(['cat', 'nope', '--log', log], { cwd: at() })
  const text = fs.readFileSync(log, 'utf8')
  const events = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.deepEqual(
    events.map(({ event }) => event),
    ['start', 'end', 'start', 'error'],
  )
  assert.equal(events[3].code, 'PATH_NOT_FOUND')
  assert.ok(events[3].stack.includes('at '))
  assert.ok(!text.includes('private'))
  assert.equal((await run(['version', '--log', '/nowhere/log'], { cwd: at() })).exitCode, 1)
  await must(at(), ['rm', 'home/secret'])
})

test('an endless verb ends well when it is interrupted, other work is cancelled', async () => {
  const stop = new AbortController()
  const watching = run(['watch', '--json'], { cwd: at(), signal: stop.signal, onOutput: () => stop.abort() })
  assert.equal((await watching).exitCode, 0)
  const cancelled = new AbortController()
  cancelled.abort()
  const put = await run(['put', 'home/never'], { cwd: at(), input: 'x', signal: cancelled.signal })
  assert.equal(put.exitCode, 1)
  assert.match(put.stderr, /Cancelled/)
  assert.ok(!fs.existsSync(at('home/never')))
})

test('trace-live sees what others record', async () => {
  const stop = new AbortController()
  const lines: string[] = []
  const following = run(['trace-live', '--json'], {
    cwd: at(),
    signal: stop.signal,
    onOutput(text) {
      lines.push(text)
      stop.abort()
    },
  })
  await must(at(), ['put', 'home/traced'], 'x')
  assert.equal((await following).exitCode, 0)
  assert.equal(JSON.parse(lines[0]!).subject.id, 'home/traced')
  await must(at(), ['rm', 'home/traced'])
})

test('sentctl alone in a pipe says how it is used and is wrong usage', async () => {
  const { exitCode, stdout } = await run([], { cwd: at() })
  assert.equal(exitCode, 2)
  assert.match(stdout, /Usage {2}sentctl VERB/)
})

test('ui opens on the nearest root folder, or none', async () => {
  const inside = await run(['ui', '--profile', 'vt100', '--baud', '9600'], { cwd: at('etc') })
  assert.deepEqual(inside.ui, [{ rootPath: at(), profile: 'vt100', baud: 9600 }])
  const outside = await run(['ui'], { cwd: fixture.folder })
  assert.deepEqual(outside.ui, [{ rootPath: undefined }])
})

test('help is the same by verb, flag and noun', async () => {
  const byVerb = await run(['help', 'put'], { cwd: at() })
  const byFlag = await run(['put', '--help'], { cwd: at() })
  assert.equal(byVerb.stdout, byFlag.stdout)
  assert.match(byFlag.stdout, /Examples\n {2}sentctl put etc\/motd --from motd\.txt/)
  assert.equal(
    (await run(['snapshot', '-h'], { cwd: at() })).stdout,
    (await run(['help', 'snapshot'], { cwd: at() })).stdout,
  )
  for (const columns of [40, 80, 200]) {
    const { stdout } = await run(['help'], { cwd: at(), terminal: { columns } })
    const widest = Math.max(
      ...stdout
        .replace(/\x1b\[\d+m/g, '')
        .split('\n')
        .map(line => line.length),
    )
    assert.ok(widest <= Math.max(columns, 54), `${widest} columns of ${columns}`)
  }
})

test('init names what is in the way before it writes anything', async () => {
  const { root, remove } = makeFolder()
  try {
    fs.mkdirSync(path.join(root, '.heal'))
    fs.writeFileSync(path.join(root, 'termux.io'), '')
    const { exitCode, stderr } = await run(['init'], { cwd: root })
    assert.equal(exitCode, 1)
    assert.match(stderr, /where {5}\.heal, termux\.io\n/)
    assert.deepEqual(fs.readdirSync(root).sort(), ['.heal', 'termux.io'])
  } finally {
    remove()
  }
})

test('init refuses a folder in or around another root folder', async () => {
  assert.match((await run(['init'], { cwd: at('etc') })).stderr, /ROOT_EXISTS/)
  assert.match(
    (await run(['init'], { cwd: fixture.folder })).stderr,
    /There is a root folder inside\n {2}where {5}root\n/,
  )
})

test('in a git work tree init keeps its names out of git, once', async () => {
  const { root, remove } = makeFolder()
  try {
    const inner = path.join(root, 'inner')
    fs.mkdirSync(path.join(root, '.git/info'), { recursive: true })
    fs.writeFileSync(path.join(root, '.git/HEAD'), 'ref: refs/heads/main\n')
    fs.writeFileSync(path.join(root, '.git/info/exclude'), '# mine\n*.bak')
    fs.mkdirSync(inner)
    assert.match((await run(['init'], { cwd: inner })).stdout, /\.git\/info\/exclude/)
    const text = fs.readFileSync(path.join(root, '.git/info/exclude'), 'utf8')
    assert.match(text, /^# mine\n\*\.bak\n# Sentient.*\n\/inner\/\.auth\n/)
    assert.ok(text.includes('/inner/.runtime\n') && !text.includes('\n/.runtime'))
  } finally {
    remove()
  }
})

test('a rollback tells of drift in its way, keeps it, and can be undone', async () => {
  const { root, remove } = await makeAdopted()
  try {
    await must(root, ['snapshot', 'create', '--name', 'start'])
    await must(root, ['put', 'etc/motd'], 'recorded\n')
    fs.writeFileSync(path.join(root, 'etc/motd'), 'written outside\n')
    const preview = JSON.parse((await run(['rollback', '--to', 'start', '--preview', '--json'], { cwd: root })).stdout)
    assert.deepEqual(preview.drift, [{ path: 'etc/motd' }])
    assert.equal(fs.readFileSync(path.join(root, 'etc/motd'), 'utf8'), 'written outside\n')
    const rolled = await run(['rollback', '--to', 'start'], { cwd: root })
    assert.equal(rolled.exitCode, 0)
    assert.match(rolled.stderr, /1 path changed outside and in the way/)
    assert.equal(fs.readFileSync(path.join(root, 'etc/motd'), 'utf8'), 'welcome\n')
    const kept = /kept as snapshot (\S+);/.exec(rolled.stdout)?.[1]
    assert.ok(kept !== undefined, rolled.stdout)
    assert.equal(await must(root, ['cat', 'etc/motd', '--at', kept]), 'written outside\n')
    await must(root, ['undo'])
    assert.equal(
      fs.readFileSync(path.join(root, 'etc/motd'), 'utf8'),
      'written outside\n',
      'as it was before, all of it',
    )
  } finally {
    remove()
  }
})

test('ls marks what it looked at, wherever it stands', async () => {
  fs.writeFileSync(at('app/config.json'), '{}\n')
  fs.writeFileSync(at('app/new'), '')
  const marks = async (cwd: string, ...argv: string[]) => {
    const { directories } = JSON.parse((await run(['ls', ...argv, '--json'], { cwd })).stdout)
    return Object.fromEntries(
      directories.flatMap((one: { entries: { path: string; mark: string }[] }) =>
        one.entries.map(({ path: name, mark }) => [name, mark]),
      ),
    )
  }
  const expected = { 'app/config.json': 'changed', 'app/new': 'new', 'app/run.sh': 'recorded' }
  assert.deepEqual(await marks(at(), 'app'), expected)
  assert.deepEqual(await marks(at('app')), expected)
  assert.deepEqual(await marks(at('etc'), '../app'), expected)
  const top = JSON.parse((await run(['ls', '--json'], { cwd: at() })).stdout).directories[0].entries
  assert.equal(top.find((entry: { path: string }) => entry.path === 'app').below.count, 2)
  await must(at(), ['restore', 'app/config.json'])
  fs.rmSync(at('app/new'))
})

test('--zk-verify says which level it shows: merkle where object and record hold, none where nothing is recorded', async () => {
  fs.writeFileSync(at('etc/stray'), 'x')
  fs.writeFileSync(at('etc/fstab'), 'changed')
  const { stdout } = await run(['ls', 'etc', '--zk-verify', '--json'], { cwd: at() })
  const levels = JSON.parse(stdout).directories[0].entries.map((entry: { name: string; proof: { level: string } }) => [
    entry.name,
    entry.proof.level,
  ])
  assert.deepEqual(Object.fromEntries(levels), { fstab: 'recorded', motd: 'merkle', stray: 'none' })
  const text = await must(at(), ['ls', 'etc', '--zk-verify'])
  assert.match(text, /1 of 3 at level merkle.*Zero-knowledge proofs are not made yet/)
  fs.rmSync(at('etc/stray'))
  await must(at(), ['restore', 'etc/fstab'])
})

test('an inclusion file holds on another machine, and a changed one does not', async () => {
  const proof = path.join(fixture.folder, 'record.proof')
  const key = (await must(at(), ['checkpoint', 'key'])).trim()
  await must(at(), ['inclusion', '1', proof])
  const elsewhere = { cwd: fixture.folder }
  const good = await run(['verify-inclusion', proof, '--key', key], elsewhere)
  assert.deepEqual([good.exitCode, good.stdout.slice(0, 19)], [0, 'Included: record #1'])
  const text = fs.readFileSync(proof, 'utf8')
  const bad = await run(['verify-inclusion', '-', '--key', key], {
    ...elsewhere,
    input: text.replace('index 1', 'index 2'),
  })
  assert.equal(bad.exitCode, 3)
  assert.match(bad.stdout, /^Not included: /)
  assert.equal((await run(['verify-inclusion', proof, '--key', 'nonsense'], elsewhere)).exitCode, 2)
})

test('log bounds: after and up to a state, and a time before the history means all of it', async () => {
  const seqs = async (...argv: string[]) =>
    (await must(at(), ['log', '--all', '--reverse', '--json', ...argv]))
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line).seq)
  const all = await seqs()
  assert.deepEqual(all, [...all.keys()])
  assert.deepEqual(await seqs('--since', '1', '--until', '3'), [2, 3])
  assert.deepEqual(await seqs('--since', '2001-01-01'), all)
  assert.deepEqual(await seqs('--until', '2001-01-01'), [])
  assert.equal((await run(['log', '--since', 'nonsense'], { cwd: at() })).exitCode, 1)
})

test('"restore ." brings back all that changed outside and leaves what is new alone', async () => {
  fs.writeFileSync(at('etc/motd'), 'changed\n')
  fs.writeFileSync(at('stray'), 'x')
  fs.rmSync(at('app'), { recursive: true })
  await must(at(), ['restore', '.'])
  assert.equal(fs.readFileSync(at('etc/motd'), 'utf8'), 'welcome\n')
  assert.ok(fs.existsSync(at('app/run.sh')))
  assert.equal(fs.readFileSync(at('stray'), 'utf8'), 'x')
  fs.rmSync(at('stray'))
})

test('a target with a slash at its end must be a directory', async () => {
  const moved = await run(['mv', 'etc/motd', 'typo/'], { cwd: at() })
  assert.equal(moved.exitCode, 1)
  assert.match(moved.stderr, /NOT_A_DIRECTORY/)
  assert.ok(!fs.existsSync(at('typo')))
  await must(at(), ['mv', 'etc/motd', 'home/'])
  await must(at(), ['undo'])
})

test('wrong usage that only the root folder knows of names the verb to look up', async () => {
  const { exitCode, stderr } = await run(['snapshot', 'create', '--name', 'no good'], { cwd: at() })
  assert.equal(exitCode, 2)
  assert.match(stderr, /See sentctl help snapshot create\./)
})

test('a locked root folder is exit code 5, and names nothing it does not know', { timeout: 30_000 }, async () => {
  const { DatabaseSync } = await import('node:sqlite')
  const holder = new DatabaseSync(at('.runtime/lock'))
  holder.exec('BEGIN EXCLUSIVE')
  try {
    const { exitCode, stderr } = await run(['put', 'home/waits', '--json'], { cwd: at(), input: 'x' })
    assert.equal(exitCode, 5)
    assert.equal(JSON.parse(stderr).error.code, 'LOCKED')
    assert.equal((await run(['log', '-n', '1'], { cwd: at() })).exitCode, 0, 'readers are never blocked')
  } finally {
    holder.exec('ROLLBACK')
    holder.close()
  }
})

test('states given to diff as if they were paths are put where they belong, as a shell takes them', async () => {
  const wrong = await run(['diff', '#0', '#1'], { cwd: fixture.root })
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /do {8}sentctl diff --from '#0' --to '#1'\n/)
  assert.match((await run(['diff', 'now'], { cwd: fixture.root })).stderr, /sentctl diff --from now\n/)
  assert.equal((await run(['diff', 'no-such-file'], { cwd: fixture.root })).exitCode, 1)
})

test('times in errors are local for people and ISO in JSON', async () => {
  const argv = ['show', '2001-02-03']
  const { stderr } = await run(argv, { cwd: fixture.root })
  assert.match(stderr, /expected {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d or later\n/)
  const { error } = JSON.parse((await run([...argv, '--json'], { cwd: fixture.root })).stderr)
  assert.match(error.expected, /^\d{4}-\d\d-\d\dT[\d:.]+Z or later$/)
})

test('inclusion -o writes the whole file or none', async () => {
  const file = path.join(fixture.root, 'r.proof')
  assert.equal((await run(['inclusion', '99999', '-o', 'r.proof'], { cwd: fixture.root })).exitCode, 1)
  assert.equal(fs.existsSync(file), false)
  assert.equal((await run(['inclusion', '1', '-o', 'r.proof'], { cwd: fixture.root })).exitCode, 0)
  assert.ok(fs.readFileSync(file, 'utf8').length > 100)
  assert.equal((await run(['inclusion', '1', 'a', '-o', 'b'], { cwd: fixture.root })).exitCode, 2)
  fs.rmSync(file)
})

test('an empty directory becomes a root folder whose first record is named', async () => {
  const empty = makeFolder()
  try {
    const { stdout, exitCode } = await run(['init'], { cwd: empty.root })
    assert.equal(exitCode, 0)
    assert.match(stdout, /^#0 {2}/)
  } finally {
    empty.remove()
  }
})

test('an init that cannot go on leaves nothing, and an unfinished one is not counted as content', async () => {
  const folder = makeFolder()
  try {
    fs.writeFileSync(path.join(folder.root, 'sentient.yaml'), 'nonsense: 1\n')
    assert.equal((await run(['init'], { cwd: folder.root })).exitCode, 1)
    assert.deepEqual(fs.readdirSync(folder.root), ['sentient.yaml'])
    fs.rmSync(path.join(folder.root, 'sentient.yaml'))
    fs.mkdirSync(path.join(folder.root, '.runtime'))
    fs.writeFileSync(path.join(folder.root, '.runtime/init-unfinished'), '')
    fs.mkdirSync(path.join(folder.root, '.auth'))
    fs.writeFileSync(path.join(folder.root, '.auth/left'), 'x')
    const { stdout } = await run(['init', '--dry-run', '--json'], { cwd: folder.root })
    assert.equal(JSON.parse(stdout).survey.files, 0)
    assert.equal((await run(['init'], { cwd: folder.root })).exitCode, 0)
    assert.equal(fs.existsSync(path.join(folder.root, '.auth/left')), false)
  } finally {
    folder.remove()
  }
})

test('a path that nobody knows is an error wherever it is asked for, not "as recorded"', async () => {
  for (const argv of [
    ['status', 'etc/mtod'],
    ['absorb', 'etc/mtod'],
    ['when', 'etc/mtod'],
  ]) {
    const { exitCode, stderr } = await run(argv, { cwd: fixture.root })
    assert.equal(exitCode, 1, argv.join(' '))
    assert.match(stderr, /No such path\n {2}where {5}etc\/mtod/)
  }
})

test('hints fit the verb and what was typed', async () => {
  const { root } = fixture
  const hint = async (...argv: string[]) => /do {8}(.*)/.exec((await run(argv, { cwd: root })).stderr)?.[1]
  assert.equal(await hint('log', '-n', '0'), 'See sentctl help log.')
  assert.equal(await hint('cp', 'etc/fstab', 'etc/motd'), 'Choose another name, or give --force to replace it.')
  assert.equal(await hint('ln', 'x', 'etc/motd'), 'Choose another name.')
  assert.equal(await hint('rm', 'etc'), 'Give -r to mean all that is in it too.')
  assert.match((await hint('find', '*.md')) ?? '', /sentctl find --name "\*\.md"/)
  assert.match((await hint('cat', 'a\ufffdb')) ?? '', /\\xFF/)
  assert.match((await hint('config', 'set', 'retention.snapshots', 'many')) ?? '', /^Nothing was changed/)
  assert.equal(await hint('explain', 'NOPE'), 'sentctl explain lists all codes.')
})

test('log says when nothing fits, config apply when the file is written again', async () => {
  assert.equal((await run(['log', '--actor', 'nobody'], { cwd: fixture.root })).stderr, 'No record fits.\n')
  fs.rmSync(path.join(fixture.root, 'sentient.yaml'))
  const { stderr } = await run(['config', 'apply'], { cwd: fixture.root })
  assert.match(stderr, /sentient\.yaml is written again/)
  assert.ok(fs.existsSync(path.join(fixture.root, 'sentient.yaml')))
})

test('help fits a phone', async () => {
  const { stdout } = await run(['help', 'restore'], { cwd: fixture.root, terminal: { columns: 40 } })
  const tooLong = stdout
    .replace(/\x1b\[\d+m/g, '')
    .split('\n')
    .filter(line => line.length > 40 && !line.startsWith('  sentctl'))
  assert.deepEqual(tooLong, [])
})
