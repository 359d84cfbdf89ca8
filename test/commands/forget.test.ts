// forget on the command line: it asks, with what would go and what stays; where nobody can be asked it wants --yes.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { run } from '../cli/runner.ts'
import { makeAdopted, must } from './fixture.ts'

async function withSecret(work: (root: string) => Promise<void>): Promise<void> {
  const { root, remove } = await makeAdopted()
  try {
    await must(root, ['put', 'home/secret'], 'the secret\n')
    await must(root, ['put', 'home/twin'], 'welcome\n')
    await must(root, ['snapshot', 'create', '--name', 'had'])
    await must(root, ['rm', 'home/secret', 'home/twin'])
    await work(root)
  } finally {
    remove()
  }
}

const recordsOf = async (root: string): Promise<number> =>
  (await must(root, ['log', '--json'])).trim().split('\n').length

test('without a terminal it wants --yes; a look changes nothing', () =>
  withSecret(async root => {
    const before = await recordsOf(root)
    const refused = await run(['forget', 'home/secret'], { cwd: root })
    assert.equal(refused.exitCode, 2)
    assert.match(refused.stderr, /--yes/)
    const look = await must(root, ['forget', '--dry-run', 'home/secret', 'home/twin'])
    assert.match(look, /^Would forget 1 object of .*, and the bodies of 2 records\.\n/)
    assert.match(look, /stay, as something else has them:\n {2}home\/twin {2}also etc\/motd\n/)
    assert.equal(await recordsOf(root), before)
  }))

test('on a terminal it asks; only yes goes on', () =>
  withSecret(async root => {
    const before = await recordsOf(root)
    const asked: string[] = []
    const answering = (answer: string | undefined) => ({
      cwd: root,
      ask: async (question: string) => {
        asked.push(question)
        return answer
      },
    })
    for (const answer of ['', 'n', undefined]) {
      const refused = await run(['forget', 'home/secret', 'home/twin'], answering(answer))
      assert.equal(refused.exitCode, 1, `${answer}`)
    }
    assert.equal(await recordsOf(root), before)
    assert.match(asked[0] ?? '', /1 object of .*bodies of 2 records/)
    assert.match(asked[0] ?? '', /Stays: what home\/twin shares with etc\/motd/)
    const done = await run(['forget', 'home/secret', 'home/twin'], answering('yes'))
    assert.equal(done.exitCode, 0, done.stderr)
    assert.match(done.stdout, /^#\d+ {2}Forgot 1 object of/)
    assert.equal(await recordsOf(root), before + 1)
    // Nothing is left: nobody is asked again.
    asked.length = 0
    assert.match((await run(['forget', 'home/secret'], answering('yes'))).stdout, /^Nothing is left to forget\.\n/)
    assert.deepEqual(asked, [])
  }))

test('afterwards: cat and diff say so, rollback goes on without it, verify is content', () =>
  withSecret(async root => {
    await must(root, ['forget', '--yes', 'home/secret'])
    const cat = await run(['cat', 'home/secret', '--at', 'had', '--json'], { cwd: root })
    assert.equal(cat.exitCode, 1)
    assert.match(cat.stdout + cat.stderr, /FORGOTTEN/)
    assert.equal(await must(root, ['cat', 'home/twin', '--at', 'had']), 'welcome\n')
    assert.match(await must(root, ['ls', 'home', '--at', 'had']), /secret/)
    const rolled = await run(['rollback', '--to', 'had'], { cwd: root })
    assert.equal(rolled.exitCode, 0, rolled.stderr)
    assert.match(
      rolled.stdout + rolled.stderr,
      /1 path was left out, as the contents were forgotten, first home\/secret/,
    )
    assert.equal(fs.readFileSync(path.join(root, 'home/twin'), 'utf8'), 'welcome\n')
    assert.equal(fs.existsSync(path.join(root, 'home/secret')), false)
    assert.match(await must(root, ['log']), /forgotten/)
    await must(root, ['snapshot', 'list'])
    await must(root, ['rm', 'home/twin'])
    const diff = await run(['diff', '--from', 'had'], { cwd: root })
    assert.equal(diff.exitCode, 0, diff.stderr)
    assert.match(diff.stdout, /home\/twin[\s\S]*-welcome/)
    assert.match(diff.stdout, /home\/secret/)
    await must(root, ['verify', '--deep'])
  }))
