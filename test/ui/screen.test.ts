// The terminal while its size changes: what is drawn belongs to the size that it has.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createScreen } from '../../src/ui/screen/screen.ts'
import type { Size } from '../../src/ui/state/model.ts'

test('a frame of the old size, which Ink draws when it is told of another, never reaches the terminal', context => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-screen-'))
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const fd = fs.openSync(path.join(folder, 'terminal'), 'w+')
  const written = (): string => fs.readFileSync(path.join(folder, 'terminal'), 'utf8')
  const terminal = Object.assign(new EventEmitter(), { columns: 70, rows: 4, fd })
  const frame = (columns: number): string =>
    Array.from({ length: 4 }, () => `${columns}`.padEnd(columns, '.')).join('\n')
  const told: Size[] = []
  const screen = createScreen({
    input: new PassThrough() as unknown as NodeJS.ReadStream,
    terminal: terminal as unknown as NodeJS.WriteStream,
    onInput: () => undefined,
    onResize: size => told.push(size),
    cursor: () => undefined,
  })
  screen.open()
  context.after(() => screen.close())
  screen.output.on('resize', () => screen.output.write(frame(70)))
  screen.output.write(frame(70))
  const before = written().length
  Object.assign(terminal, { columns: 40 })
  terminal.emit('resize')
  assert.equal(written().length, before)
  assert.deepEqual(told, [{ columns: 40, rows: 4 }])
  assert.equal((screen.output as unknown as Size).columns, 40)
  screen.output.write(frame(40))
  const fresh = written().slice(before)
  assert.match(fresh, /\x1b\[2J/)
  assert.equal(fresh.split('40.').length, 5)
  // The signal without another size: somebody may have scribbled on the screen.
  const again = written().length
  terminal.emit('resize')
  assert.equal(written().slice(again), fresh)
})
