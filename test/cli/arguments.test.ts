// argv to verb and arguments: shapes, limits, and what wrong command lines are answered.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseArguments } from '../../src/cli/arguments.ts'
import { SentientError } from '../../src/core/errors.ts'

const parse = (line: string) => parseArguments(line.split(' '))

function refused(argv: readonly string[]): SentientError {
  try {
    parseArguments(argv)
  } catch (error) {
    assert.ok(error instanceof SentientError)
    assert.equal(error.code, 'USAGE')
    return error
  }
  assert.fail(`accepted: ${argv.join(' ')}`)
}

test('a verb with flags before and behind it', () => {
  const { name, global, args } = parse('--root /r --json restore a b --to -2 --hunk 1 --hunk 2,3')
  assert.equal(name, 'restore')
  assert.equal(global.root, '/r')
  assert.equal(global.json, true)
  assert.deepEqual(args, { path: ['a', 'b'], to: '-2', hunk: [1, 2, 3], as: undefined })
})

test('verbs of two words, and nouns alone', () => {
  assert.equal(parse('snapshot create').name, 'snapshot create')
  assert.equal(parse('snapshot').name, 'snapshot list')
  assert.equal(parse('snapshot --space').name, 'snapshot list')
  assert.equal(parse('checkpoint').name, 'checkpoint show')
  assert.equal(parse('config').name, 'config get')
  assert.deepEqual(parse('snapshot --help').noun, 'snapshot')
  assert.equal(parseArguments([]).name, undefined)
})

test('short flags, joined flags, defaults and negations', () => {
  assert.equal(parse('log -n5').args.number, 5)
  assert.equal(parse('log -n 5 -q').global.quiet, true)
  assert.equal(parse('ls').args.check, true)
  assert.equal(parse('ls --no-check').args.check, false)
  assert.equal(parse('init --zk=false').args.zk, false)
  assert.equal(parse('init --no-zk').args.zk, false)
  assert.equal(parse('init --zk=true').args.zk, true)
  assert.equal(parse('diff').args.to, 'disk')
  assert.equal(parse('status --no-color').global.color, false)
  assert.equal(parse('cp -rf a b').args.recursive, true)
  assert.equal(parse('cp -rf a b').args.force, true)
})

test('a boolean flag never takes the word behind it', () => {
  assert.deepEqual(parse('rm -r true').args, { path: ['true'], recursive: true })
  assert.deepEqual(parse('rm --recursive false').args, { path: ['false'], recursive: true })
})

test('words that look like numbers stay words', () => {
  for (const word of ['007', '1e3', '0x10', '-5', '1.0']) assert.deepEqual(parse(`rm ${word}`).args.path, [word])
})

test('behind -- everything is an argument', () => {
  assert.deepEqual(parse('rm -- -r --json').args, { path: ['-r', '--json'], recursive: false })
  assert.deepEqual(parse('rm -- --recursive=false').args.path, ['--recursive=false'])
})

test('a positional of many leaves what the one behind it needs', () => {
  assert.deepEqual(parse('mv a b c d').args, { from: ['a', 'b', 'c'], to: 'd', force: false })
  assert.match(refused(['mv', 'a']).message, /FROM is missing/)
  assert.deepEqual(parse('chmod 600 a b').args, { mode: '600', path: ['a', 'b'], recursive: false })
})

test('the last of a repeated flag counts, lists gather', () => {
  assert.equal(parse('restore a --to x --to y').args.to, 'y')
  assert.deepEqual(parse('init --ignore a --ignore b').args.ignore, ['a', 'b'])
})

test('wrong command lines are usage errors that say what to do', () => {
  const wrong: [string, RegExp, RegExp][] = [
    ['stauts', /No such verb/, /"sentctl status"/],
    ['snapshot craete', /No such verb/, /"sentctl snapshot create"/],
    ['put a --frm b', /no such option/, /"--from"/],
    ['put', /PATH is missing/, /sentctl help put/],
    ['put a --from', /--from needs a value/, /--from=VALUE/],
    ['put a --from --parents', /--from needs a value/, /--from=VALUE/],
    ['log -n', /--number needs a value/, /=VALUE/],
    ['log -n x', /--number is wrong/, /./],
    ['log -n 0', /at least 1/, /./],
    ['log -n 99999999999999999999', /--number is wrong/, /./],
    ['diff --context 2000', /from 0 to 1000/, /./],
    ['find --kind fil', /--kind is wrong/, /"file"/],
    ['completion bahs', /SHELL is wrong/, /"bash"/],
    ['version extra', /takes no more arguments/, /help version/],
    ['verify-inclusion f', /--key is missing/, /help verify-inclusion/],
    ['ls --zk-verify=maybe', /takes no value but/, /./],
    ['restore a --no-to', /no such option/, /./],
    ['--jsn status', /No such option/, /"--json"/],
    ['rm -z a', /no such option/, /help rm/],
  ]
  for (const [line, message, hint] of wrong) {
    const error = refused(line.split(' '))
    assert.match(error.message, message, line)
    assert.match(error.hint, hint, line)
  }
})

test('any argv is parsed or refused as wrong usage, nothing else', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'put',
      'snapshot',
      'create',
      '--to',
      '--',
      '-',
      '-r',
      '--json',
      '--no-color',
      '--root',
      '__proto__',
      '--__proto__=1',
    ),
    fc.string({ maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), argv => {
      try {
        parseArguments(argv)
      } catch (error) {
        assert.ok(error instanceof SentientError && error.code === 'USAGE', String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
