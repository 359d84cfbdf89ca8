// A short run over the parsers that only TypeScript has, with the same inputs each time, and what was found by long ones.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { editSettingsText, parseSettings } from '../../src/core/timeline/settings.ts'
import { fuzzAlone } from './loneParsers.ts'

test('parsers answer or throw an error of ours, soon, whatever comes in', async () => {
  const report = await fuzzAlone({ seconds: 0, seed: Number(process.env.SENTIENT_TEST_SEED ?? 1) })
  assert.deepEqual(
    report.findings.map(({ parser, problem }) => `${parser}: ${problem}`),
    [],
  )
  assert.ok(report.inputs > 1_500)
  assert.ok(report.accepted > report.inputs / 10, `${report.accepted} of ${report.inputs} were accepted`)
})

describe('settings', () => {
  const problemOf = async (text: string): Promise<string | undefined> => {
    const parsed = await parseSettings(text)
    return parsed.state === 'invalid' ? parsed.problem.message : undefined
  }

  test('of a file that is as long as can be are read in seconds, whatever is in it', async () => {
    const many = Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`)
    const started = performance.now()
    assert.match((await problemOf(many.join('\n'))) ?? '', /^unknown key/)
    assert.match((await problemOf(`{${many.join(',')}}`)) ?? '', /^unknown key/)
    assert.match((await problemOf('"'.repeat(200_000))) ?? '', /^Unexpected/)
    assert.equal(await problemOf('['.repeat(100_000)), 'nested too deeply')
    assert.ok(performance.now() - started < 30_000)
  })

  test('name each key once', async () => {
    assert.equal(await problemOf('zk: true\nzk: true'), 'Map keys must be unique')
    assert.equal(await problemOf('drift: [{ paths: [a], do: warn, do: heal }]'), 'Map keys must be unique')
  })

  test('that there are none of are refused when they are set, and nobody is told on the side', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listen)
    for (const [key, value] of [
      ['version.x', '1'],
      ['ignore.x', '1'],
      ['redis.url.x', '1'],
    ] as const)
      await assert.rejects(editSettingsText('version: 1\nignore: []\nredis: { url: null }\n', key, value), error =>
        isSentientError(error, 'USAGE'),
      )
    await assert.rejects(editSettingsText('version: 1\n', 'zk', '%x 1'), error => isSentientError(error, 'USAGE'))
    await editSettingsText('version: 1\n', 'zk', '{ [a]: 1 }')
    await parseSettings('drift: [{ ? [a] : b }]')
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', listen)
    assert.deepEqual(warnings, [])
  })
})
