// Every example of every verb, run as it stands in help, on a small root folder; its data is held against the shape that
// the reference documents.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandSpec, ExampleSpec } from '../../src/commands/spec.ts'
import { commandNames, specOf } from '../../src/commands/table.ts'
import { type Ran, run } from '../cli/runner.ts'
import { misfits } from './checkShape.ts'
import { words } from './commandLine.ts'
import { makeFixture, must } from './fixture.ts'

/** How long an endless verb runs before it is interrupted. */
const interruptAfterMs = 300

async function runExample(spec: CommandSpec, example: ExampleSpec, root: string, json: boolean): Promise<Ran> {
  const [, ...argv] = words(await withSubstitutions(example.command, root))
  const stop = new AbortController()
  const timer = spec.endless === true ? setTimeout(() => stop.abort(), interruptAfterMs) : undefined
  try {
    return await run(json ? [...argv, '--json'] : argv, { cwd: root, input: example.input ?? '', signal: stop.signal })
  } finally {
    clearTimeout(timer)
  }
}

/** `$(sentctl ...)` as a shell would put it in. */
async function withSubstitutions(command: string, root: string): Promise<string> {
  const inner = /\$\((sentctl [^)]*)\)/.exec(command)
  if (inner === null) return command
  const [, ...argv] = words(inner[1]!)
  return command.replace(inner[0], (await must(root, argv)).trim())
}

function checkData({ name, output }: CommandSpec, command: string, { stdout }: Ran): void {
  const lines = stdout.split('\n').filter(line => line !== '')
  if (output.kind === 'object') assert.equal(lines.length, 1, `${command} --json: one line`)
  for (const line of lines) assert.deepEqual(misfits(JSON.parse(line), output.shape, name), [], command)
}

for (const name of commandNames) {
  const spec = specOf(name)
  test(`examples of ${name}`, async () => {
    for (const json of [false, true]) {
      const fixture = await makeFixture()
      try {
        if (name === 'verify-inclusion') await must(fixture.root, ['inclusion', '1', 'record-1.proof'])
        for (const example of spec.examples) {
          const ran = await runExample(spec, example, fixture.root, json)
          assert.equal(ran.exitCode, example.exit ?? 0, `${example.command}\n${ran.stdout}${ran.stderr}`)
          if (ran.exitCode !== 0) continue
          if (json) checkData(spec, example.command, ran)
          else if (name !== 'ui') assert.ok(ran.stdout.length > 0, example.command)
        }
      } finally {
        fixture.remove()
      }
    }
  })
}
