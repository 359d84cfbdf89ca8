// Every example of every verb, run as it stands in help, on a small root folder; its data is held against the shape that
// the reference documents.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { plainStyle } from '../../src/cli/style.ts'
import { textRenderers } from '../../src/cli/text/renderers.ts'
import type { CommandSpec, ExampleSpec } from '../../src/commands/spec.ts'
import { type CommandName, commandNames, specOf } from '../../src/commands/table.ts'
import { type Ran, run } from '../cli/runner.ts'
import { misfits } from './checkShape.ts'
import { words } from './commandLine.ts'
import { type Fixture, makeFixture, must } from './fixture.ts'

/** What the examples of a verb take as done. */
const beforeExamples: Partial<Record<CommandName, readonly string[]>> = {
  forget: ['rm', 'home/notes.txt'],
  repair: ['backup', '../backup'],
}

/** How long an endless verb runs before it is interrupted. */
const interruptAfterMs = 300

async function runExample(spec: CommandSpec, example: ExampleSpec, root: string): Promise<Ran> {
  const [, ...argv] = words(await withSubstitutions(example.command, root))
  const stop = new AbortController()
  const timer = spec.endless === true ? setTimeout(() => stop.abort(), interruptAfterMs) : undefined
  try {
    return await run([...argv, '--json'], { cwd: root, input: example.input ?? '', signal: stop.signal })
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

/** The data fits its shape, and the text form can be made of it. */
async function checkData(name: CommandName, command: string, { stdout }: Ran): Promise<void> {
  const { output } = specOf(name)
  const lines = stdout.split('\n').filter(line => line !== '')
  if (output.kind === 'object') assert.equal(lines.length, 1, `${command} --json: one line`)
  const { render } = await textRenderers[name]()
  for (const line of lines) {
    const data: unknown = JSON.parse(line)
    assert.deepEqual(misfits(data, output.shape, name), [], command)
    const text = render(data as never, { style: plainStyle, width: 80, terminal: false, base: '', args: {} })
    assert.ok(printsWhileItRuns.has(name) || /\S.*\n$/s.test(text), `${command}: ${JSON.stringify(text)}`)
    assert.ok(!/undefined|NaN|\[object/.test(text), text)
  }
}

const printsWhileItRuns: ReadonlySet<CommandName> = new Set(['cat', 'ui'])

/** Verbs that change nothing share one root folder; the others get one each. */
let shared: Fixture
before(async () => {
  shared = await makeFixture()
  await must(shared.root, ['inclusion', '1', 'record-1.proof'])
  const { text } = JSON.parse(await must(shared.root, ['checkpoint', 'show', '--json'])) as { text: string }
  fs.writeFileSync(path.join(shared.root, 'monday.checkpoint'), text)
  await must(shared.root, ['consistency', 'monday.checkpoint', '-o', 'monday.proof'])
  await must(shared.root, ['export', 'tlog', '../published'])
  await must(shared.root, ['export', 'archive', '../whole.tar'])
  fs.writeFileSync(path.join(shared.root, 'monday.checkpoint'), await must(shared.root, ['checkpoint', 'show']))
  await must(shared.root, ['mkdir', 'since-monday'])
  await must(shared.root, ['export', 'archive', '../later.tar', '--since', 'monday.checkpoint'])
  fs.mkdirSync(path.join(shared.folder, 'ejected'))
  await must(path.join(shared.folder, 'ejected'), ['init'])
  await must(shared.root, ['consistency', 'monday.checkpoint', '-o', 'monday.proof'])
})
after(() => shared.remove())

for (const name of commandNames) {
  const spec = specOf(name)
  test(`examples of ${name}`, async () => {
    const own = spec.access === 'write' ? await makeFixture() : undefined
    const { root } = own ?? shared
    try {
      const first = beforeExamples[name]
      if (first !== undefined) await must(root, first)
      for (const example of spec.examples) {
        const ran = await runExample(spec, example, root)
        assert.equal(ran.exitCode, example.exit ?? 0, `${example.command}\n${ran.stdout}${ran.stderr}`)
        if (ran.exitCode === 0) await checkData(name, example.command, ran)
      }
    } finally {
      own?.remove()
    }
  })
}
