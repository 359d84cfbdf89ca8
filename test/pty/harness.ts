// Root folders and screens for the tests behind a pseudo-terminal: real files, the built program, other processes.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { openTerminal, type Terminal, type TerminalOptions } from '../support/terminal.ts'

export const program = path.join(import.meta.dirname, '..', '..', 'bin', 'sentctl')

export interface Place {
  /** The root folder. */
  readonly root: string
  /** Runs another sentctl on it; throws when it fails. */
  sentctl(...args: readonly string[]): string
  write(name: string, text: string): void
  read(name: string): string
  exists(name: string): boolean
  screen(options?: Partial<TerminalOptions> & { readonly args?: readonly string[] }): Terminal
}

const conf = `domain-needed
bogus-priv

server=9.9.9.9
cache-size=1000
local=/lan/
expand-hosts
domain=lan
dhcp-range=192.168.1.50,192.168.1.150,12h
dhcp-option=3,192.168.1.1
dhcp-option=6,192.168.1.1
no-resolv
log-queries
`

/** A small root folder with two snapshots and some records; removed after the test. */
export function makePlace(context: TestContext, options: { readonly init?: boolean } = {}): Place {
  const scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-pty-')))
  const root = path.join(scratch, 'gateway')
  const environment = {
    HOME: scratch,
    XDG_STATE_HOME: path.join(scratch, 'state'),
    XDG_DATA_HOME: path.join(scratch, 'data'),
  }
  const terminals: Terminal[] = []
  context.after(() => {
    for (const terminal of terminals) terminal.close()
    fs.rmSync(scratch, { recursive: true, force: true })
  })
  const place: Place = {
    root,
    sentctl(...args) {
      const { stdout, stderr, status } = spawnSync(program, [...args], {
        cwd: root,
        env: { ...process.env, ...environment },
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`sentctl ${args.join(' ')}: exit ${status}\n${stderr}`)
      return stdout
    },
    write(name, text) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
      fs.writeFileSync(path.join(root, name), text)
    },
    read: name => fs.readFileSync(path.join(root, name), 'utf8'),
    exists: name => fs.existsSync(path.join(root, name)),
    screen(more = {}) {
      const { args = ['ui', '--root', root], environment: own, ...rest } = more
      const terminal = openTerminal({
        command: program,
        cwd: root,
        ...rest,
        args,
        environment: { ...environment, ...own },
      })
      terminals.push(terminal)
      return terminal
    },
  }
  place.write('etc/dnsmasq.conf', conf)
  place.write('etc/fstab', 'tmpfs /var tmpfs\n')
  place.write('app/meter/state.json', '{"n": 1}\n')
  place.write('home/notes.txt', 'first line\n')
  if (options.init !== false) {
    place.sentctl('init', '.')
    place.write('etc/fstab', 'tmpfs /var tmpfs\nproc /proc proc\n')
    place.sentctl('absorb')
    place.sentctl('snapshot', 'create', 'all well')
  }
  return place
}

/** What a terminal has to be told so that the shell that comes next finds it as it was. */
export function isSane(bytes: string): boolean {
  const last = (on: string, off: string): boolean => bytes.lastIndexOf(off) > bytes.lastIndexOf(on)
  return last('\x1b[?1049h', '\x1b[?1049l') && last('\x1b[?25l', '\x1b[?25h') && last('\x1b[?2004h', '\x1b[?2004l')
}
