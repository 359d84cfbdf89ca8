// Builds a small program of the same shape as ours: a start that loads one of two parts, of which one draws with Ink.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { build, isBuildFresh } from '../../tools/build.ts'
import { linkPackages, makeSandbox, repository, writeFile } from './sandbox.ts'

const program = {
  'src/main.ts': `
    const part = process.argv[2] === 'draw' ? import('./ui/draw.tsx') : import('./cli/print.ts')
    console.log((await part).text())
  `,
  'src/cli/print.ts': "import { word } from '../word.ts'\nexport const text = () => word + ' printed'\n",
  'src/word.ts': "export const word: string = 'first'\n",
  'src/ui/draw.tsx': `
    import { Box, renderToString, Text } from 'ink'
    import { word } from '../word.ts'
    export const text = () => renderToString(<Box borderStyle="single" width={9}><Text>{word}漢</Text></Box>)
  `,
  'tools/bundle/launch.cjs': '',
  'tools/bundle/plugins.ts': '',
  'tools/bundle/licences.ts': '',
  'tools/build.ts': '',
  'package-lock.json': '{}',
  'package.json': '{ "type": "module" }',
}

function makeProgram(t: { after: (hook: () => void) => void }): string {
  const root = makeSandbox(t, program)
  linkPackages(root)
  fs.copyFileSync(
    path.join(repository, 'tools', 'bundle', 'launch.cjs'),
    path.join(root, 'tools', 'bundle', 'launch.cjs'),
  )
  return root
}

function runBuilt(root: string, ...options: string[]): string {
  const started = spawnSync(process.execPath, [path.join(root, 'dist', ...options)], { encoding: 'utf8' })
  assert.equal(started.stderr, '')
  return started.stdout
}

function runMain(root: string, ...options: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'dist', 'main.js'), ...options], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  return stdout
}

/** The files that main.js loads whatever is asked of it. */
function loadedAtStart(root: string, file = 'main.js', seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = fs.readFileSync(path.join(root, 'dist', file), 'utf8')
  for (const [, next = ''] of text.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g)) {
    loadedAtStart(root, path.join(path.dirname(file), next), seen)
  }
  return seen
}

describe('build', () => {
  test('the bundle runs alone, and prints without loading what draws', async t => {
    const root = makeProgram(t)
    const { bytes } = await build(root)
    fs.rmSync(path.join(root, 'node_modules'))
    fs.rmSync(path.join(root, 'src'), { recursive: true })
    assert.equal(runMain(root), 'first printed\n')
    assert.equal(runMain(root, 'draw'), '┌───────┐\n│first漢│\n└───────┘\n')
    const start = [...loadedAtStart(root)].map(file => fs.statSync(path.join(root, 'dist', file)).size)
    assert.ok(start.reduce((sum, size) => sum + size, 0) < 10_000, 'Ink is loaded at the start')
    assert.ok(bytes > 300_000, 'Ink is not in the bundle')
    assert.equal(runBuilt(root, 'launch.cjs'), 'first printed\n')
  })

  test('a terminal opens without fetch, development tools and eager Unicode tables', async t => {
    const root = makeProgram(t)
    writeFile(root, 'src/word.ts', "export const word: string = '│⣿é…'\n")
    writeFile(root, 'src/ui/draw.tsx', program['src/ui/draw.tsx'].replace('漢', ''))
    await build(root)
    const probe = path.join(root, 'probe.mjs')
    writeFile(
      root,
      'probe.mjs',
      `
      let used = []
      const real = Intl.Segmenter
      Intl.Segmenter = class { constructor(...all) { used.push('segmenter'); return new real(...all) } }
      Object.defineProperty(globalThis, 'fetch', { get() { used.push('fetch'); return undefined } })
      const { text } = await import(process.argv[2])
      text()
      console.log(used.join())
    `,
    )
    const chunk = fs.readdirSync(path.join(root, 'dist', 'chunks')).find(name => name.startsWith('draw-')) ?? ''
    const file = path.join(root, 'dist', 'chunks', chunk)
    const { stdout, stderr } = spawnSync(process.execPath, [probe, file], { encoding: 'utf8', env: { DEV: 'true' } })
    assert.deepEqual([stdout, stderr], ['\n', ''])
  })

  test('is repeated only when a source has changed', async t => {
    const root = makeProgram(t)
    assert.equal(isBuildFresh(root), false)
    await build(root)
    assert.equal(isBuildFresh(root), true)
    const later = new Date(Date.now() + 60_000)
    fs.utimesSync(path.join(root, 'src/word.ts'), later, later)
    assert.equal(isBuildFresh(root), true, 'another time, the same text')
    writeFile(root, 'src/word.ts', "export const word: string = 'later'\n")
    assert.equal(isBuildFresh(root), false, 'another text of the same length')
    await build(root)
    assert.equal(runMain(root), 'later printed\n')
    writeFile(root, 'package-lock.json', '{ }')
    assert.equal(isBuildFresh(root), false, 'other packages')
    await build(root)
    fs.rmSync(path.join(root, 'dist/chunks'), { recursive: true })
    assert.equal(isBuildFresh(root), false, 'a part is gone')
  })

  test('removes what the last build left, and keeps it when the next one fails', async t => {
    const root = makeProgram(t)
    await build(root)
    const before = fs.readdirSync(path.join(root, 'dist/chunks'))
    writeFile(root, 'src/word.ts', "export const word: string = 'second'\n")
    await build(root)
    const after = fs.readdirSync(path.join(root, 'dist/chunks'))
    assert.equal(after.length, before.length)
    assert.notDeepEqual(after, before)
    writeFile(root, 'src/main.ts', "import './gone.ts'\n")
    const silenced = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      import { build } from ${JSON.stringify(path.join(repository, 'tools/build.ts'))}
      await build(${JSON.stringify(root)})
    `,
      ],
      { encoding: 'utf8' },
    )
    assert.match(silenced.stderr, /Could not resolve "\.\/gone\.ts"/)
    assert.notEqual(silenced.status, 0)
    assert.equal(runMain(root), 'second printed\n')
  })

  test('brings the licence text of every package in the bundle, and of no other', async t => {
    const root = makeProgram(t)
    await build(root)
    const text = fs.readFileSync(path.join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
    for (const name of ['ink', 'react', 'yoga-layout', 'string-width']) {
      assert.match(text, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)\\n\\n`, 'm'))
    }
    assert.match(text, /Permission is hereby granted, free of charge/)
    assert.doesNotMatch(text, /^typescript /m)
  })

  test('import() finds the names of yaml; a CommonJS package whose names it would lose is refused', async t => {
    const root = makeProgram(t)
    writeFile(root, 'src/main.ts', "const { parse } = await import('yaml')\nconsole.log(parse('a: 1').a)\n")
    await build(root)
    assert.equal(runMain(root), '1\n')
    writeFile(root, 'src/main.ts', "const { useState } = await import('react')\nconsole.log(useState)\n")
    await assert.rejects(
      build(root),
      /import\(\) of \S*node_modules\/react\/index\.js, a CommonJS file: its names are lost/,
    )
  })

  test('refuses a package whose licence does not fit', async t => {
    const root = makeSandbox(t, program)
    writeFile(
      root,
      'node_modules/odd/package.json',
      '{ "name": "odd", "version": "1.0.0", "license": "SSPL-1.0", "main": "odd.js" }',
    )
    writeFile(root, 'node_modules/odd/odd.js', 'module.exports = 1\n')
    writeFile(root, 'src/main.ts', "import odd from 'odd'\nconsole.log(odd)\n")
    await assert.rejects(build(root), /odd 1\.0\.0 is under SSPL-1\.0/)
    assert.equal(fs.existsSync(path.join(root, 'dist')), false)
  })
})

test('launch.cjs refuses an old Node before it loads anything', t => {
  const root = makeSandbox(t, { 'old.cjs': "Object.defineProperty(process.versions, 'node', { value: '20.19.0' })\n" })
  fs.copyFileSync(path.join(repository, 'tools', 'bundle', 'launch.cjs'), path.join(root, 'launch.cjs'))
  const options = ['--require', path.join(root, 'old.cjs'), path.join(root, 'launch.cjs')]
  const { status, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /^sentctl needs Node 22\.15 or later; .* is 20\.19\.0\.\nInstall a newer Node/)
})
