// One run of sentctl: argv in, exit code out. Parses, opens the root folder as the verb needs it, runs its handler and
// prints what comes.

import fs from 'node:fs'
import path from 'node:path'
import type { AnyContext, Caller, CommandEvent, CommandSpec, Outcome } from '../commands/spec.ts'
import { type CommandName, specOf } from '../commands/table.ts'
import { exitCodes, isSentientError, SentientError } from '../core/errors.ts'
import type { Host } from '../core/host/host.ts'
import type { System } from '../core/system.ts'
import { type ParsedCommand, parseArguments } from './arguments.ts'
import { errorData, errorText, sentientErrorOf } from './errors.ts'
import type { CliIo } from './io.ts'
import { createOutput, type Output } from './output.ts'
import { createProgressLine, type ProgressLine, silentProgress } from './progress.ts'
import { openRunLog, type RunLog } from './runLog.ts'
import { colourStyle, plainStyle, safeText } from './style.ts'
import { type TextContext, textRenderers } from './text/renderers.ts'

const widthMax = 100

interface Run {
  readonly io: CliIo
  readonly name: CommandName
  readonly spec: CommandSpec
  readonly parsed: ParsedCommand
  readonly output: Output
  readonly progress: ProgressLine
  readonly log: RunLog
  notice(text: string): void
}

/** Runs one command line; resolves with the exit code when all output is written. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number
  let log: RunLog | undefined
  let verb: CommandName | undefined
  try {
    const parsed = parseArguments(argv)
    verb = parsed.name
    log = openLog(parsed.global.log)
    log.write('start', { version: io.version, verb: parsed.name ?? null })
    exitCode = await runParsed(parsed, io, log)
    log.write('end', { exitCode })
  } catch (thrown) {
    const error = sentientErrorOf(thrown, verb)
    log?.failed(error)
    exitCode = exitCodes[error.kind]
    const flags = verb === undefined ? {} : specOf(verb).flags
    const style = hasColour(io, io.stderr, !argv.includes('--no-color')) ? colourStyle : plainStyle
    io.stderr.write(
      argv.includes('--json')
        ? `${JSON.stringify({ error: errorData(error, flags) })}\n`
        : errorText(error, style, flags),
    )
  }
  await Promise.all([io.stdout.drained(), io.stderr.drained()])
  return exitCode
}

function openLog(file: string | undefined): RunLog {
  try {
    return openRunLog(file)
  } catch (error) {
    const { message } = error as Error
    const details = { what: 'The log file cannot be written', where: file ?? '', found: message }
    throw new SentientError('NOT_WRITABLE', details, error)
  }
}

async function runParsed(parsed: ParsedCommand, io: CliIo, log: RunLog): Promise<number> {
  const { name, global } = parsed
  const output = createOutput(io.stdout)
  if (global.version) {
    await output.write(`sentctl ${io.version}\n`)
  } else if (name === undefined || global.help) {
    await output.write(await helpFor(parsed, io))
  } else {
    const progress = wantsProgress(io, parsed) ? createProgressLine(io.stderr, () => performance.now()) : silentProgress
    const run: Run = {
      io,
      name,
      spec: specOf(name),
      parsed,
      output,
      progress,
      log,
      notice: noticeWriter(io, parsed, progress),
    }
    return await runVerb(run)
  }
  await output.flush()
  return name === undefined && !global.help && !global.version && parsed.noun === undefined ? exitCodes.usage : 0
}

async function helpFor({ name, noun }: ParsedCommand, io: CliIo): Promise<string> {
  const { nounHelp, programHelp, verbHelp } = await import('./help.ts')
  const style = hasColour(io, io.stdout, true) ? colourStyle : plainStyle
  const width = widthOf(io)
  if (name !== undefined) return verbHelp(specOf(name), style, width)
  return noun === undefined ? programHelp(style, width) : nounHelp(noun, style, width)
}

const widthOf = (io: CliIo): number => Math.min(widthMax, io.stdout.columns ?? 80)

function hasColour(io: CliIo, stream: { isTTY?: boolean }, wanted: boolean): boolean {
  const { NO_COLOR, TERM } = io.environment
  return wanted && stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb'
}

function wantsProgress(io: CliIo, { global }: ParsedCommand): boolean {
  return io.stderr.isTTY === true && !global.quiet && !global.json && io.environment.TERM !== 'dumb'
}

/** Notices go to standard error, each text once. */
function noticeWriter(io: CliIo, { global }: ParsedCommand, progress: ProgressLine): (text: string) => void {
  const said = new Set<string>()
  return text => {
    if (global.quiet || said.has(text)) return
    said.add(text)
    progress.clear()
    io.stderr.write(global.json ? `${JSON.stringify({ notice: text })}\n` : `${safeText(text)}\n`)
  }
}

async function runVerb(run: Run): Promise<number> {
  const { io, name, spec, parsed, progress, log } = run
  const host = await io.createHost(name)
  const rootOption = parsed.global.root ?? (io.environment.SENTIENT_ROOT || undefined)
  const system = spec.access === 'none' ? undefined : await openAsked(run, host, spec.access, rootOption)
  for (const { text } of system?.notices ?? []) run.notice(text)
  const cwd = workingDirectory(io.cwd, system?.rootPath, rootOption)
  const context: AnyContext = {
    system: system as never,
    args: parsed.args as never,
    signal: io.signal,
    cwd,
    host,
    format: parsed.global.json ? 'data' : 'text',
    caller: callerOf(run, host, rootOption),
  }
  try {
    const exitCode = await handle(run, context, system)
    await run.output.flush()
    return exitCode
  } catch (error) {
    progress.clear()
    await run.output.flush()
    const { withLoss } = await import('../commands/lost.ts')
    const ended = spec.endless === true && io.signal.aborted && isSentientError(error, 'CANCELLED')
    if (!ended && !io.stdoutGone()) throw system === undefined ? error : withLoss(error, system)
    log.write('interrupted')
    return 0
  } finally {
    await system?.close()
    for (const { text } of system?.notices ?? []) run.notice(text)
  }
}

/** Where nothing may be written before somebody says what the folder is, it is asked on a terminal. */
async function openAsked(
  run: Run,
  host: Host,
  access: 'read' | 'write',
  rootOption: string | undefined,
): Promise<System> {
  const system = await open(run, host, access, rootOption)
  const { refusal } = system.binding
  const { preview, dryRun } = run.parsed.args
  const caller = callerOf(run, host, rootOption)
  if (refusal === undefined || caller.ask === undefined || preview === true || dryRun === true) return system
  const { askWhatItIs } = await import('../commands/asking.ts')
  const { adoptRootAt } = await import('../commands/openRoot.ts')
  run.progress.clear()
  const { rootPath } = system
  const as = await askWhatItIs(caller, rootPath, safeText(`${refusal.details.what} (${refusal.details.found})`)).catch(
    async error => {
      await system.close()
      throw error
    },
  )
  if (as === undefined) return system
  await system.close()
  const work = adoptRootAt(host, { rootPath, as, signal: run.io.signal })
  for (;;) {
    const step = await work.next()
    if (step.done !== true) {
      run.progress.show(step.value)
      continue
    }
    const { seq, origin } = step.value
    run.notice(
      seq === undefined ? `adopted: ${rootPath}` : `adopted: a new key, as record #${seq}; the log is ${origin}`,
    )
    return open(run, host, access, rootOption)
  }
}

async function open(
  { io, progress }: Run,
  host: Host,
  access: 'read' | 'write',
  rootOption: string | undefined,
): Promise<System> {
  const { openRoot } = await import('../commands/openRoot.ts')
  const rootPath = rootOption === undefined ? undefined : realPath(path.resolve(io.cwd, rootOption))
  return openRoot(host, { access, cwd: io.cwd, rootPath, signal: io.signal, progress: step => progress.show(step) })
}

/** Paths are relative to where one stands; where that is not below the root folder, to the root folder itself. */
function workingDirectory(cwd: string, rootPath: string | undefined, rootOption: string | undefined): string {
  if (rootPath === undefined || rootOption === undefined) return cwd
  const [from, to] = [realPath(rootPath), realPath(cwd)]
  return to === from || to.startsWith(`${from}/`) ? cwd : rootPath
}

function realPath(name: string): string {
  try {
    return fs.realpathSync(name)
  } catch {
    return name
  }
}

function callerOf({ io, parsed }: Run, host: Host, rootOption: string | undefined): Caller {
  const outside = () => import('./outside.ts')
  return {
    version: io.version,
    rootOption,
    environment: io.environment,
    openFile: async file => (await outside()).openOutsideFile(path.resolve(io.cwd, file)),
    outsidePath: file => path.resolve(io.cwd, file),
    writeFile: async (file, contents) => (await outside()).writeOutsideFile(path.resolve(io.cwd, file), contents),
    async standardInput(signal) {
      if (io.stdin.isTTY === true) io.stderr.write('Reading from the terminal; Ctrl-D ends.\n')
      return (await outside()).spooled(io.stdin, signal)
    },
    // What is to be read by a program is not asked for by a person.
    ask: parsed.global.json || parsed.global.quiet ? undefined : io.ask,
    openUi: options => io.openUi(host, options),
  }
}

async function handle(run: Run, context: AnyContext, system: System | undefined): Promise<number> {
  const { spec, parsed, output, progress } = run
  const module = await spec.load()
  if (system !== undefined && asksForStates(spec, parsed.args)) {
    for await (const step of system.ready({ signal: context.signal })) progress.show(step)
  }
  const work = module.run(context)
  try {
    for (;;) {
      const step = await work.next()
      if (step.done === true) return await finish(run, step.value, context, system)
      const event: CommandEvent<unknown> = step.value
      if ('progress' in event) {
        progress.show(event.progress)
      } else if ('notice' in event) {
        run.notice(event.notice)
      } else if ('bytes' in event) {
        progress.clear()
        await output.write(event.bytes)
      } else {
        progress.clear()
        await output.write(
          parsed.global.json ? `${JSON.stringify(event.item)}\n` : await asText(run, event.item, context, system),
        )
        if (spec.endless === true || parsed.args.follow === true) await output.flush()
      }
      if (run.io.stdoutGone()) throw new SentientError('CANCELLED')
    }
  } finally {
    await work.return({ result: undefined })
  }
}

/** Whether an argument names a snapshot or another past state: what that takes is read before, with progress. */
function asksForStates({ positionals, flags }: CommandSpec, args: Readonly<Record<string, unknown>>): boolean {
  const completers = [
    ...positionals.map(({ name, completer }) => [name.toLowerCase(), completer]),
    ...Object.entries(flags).map(([name, flag]) => [camelCase(name), 'completer' in flag ? flag.completer : undefined]),
  ]
  return completers.some(
    ([name = '', completer]) =>
      (completer === 'state' || completer === 'snapshot') && ![undefined, 'now', 'disk'].includes(args[name] as string),
  )
}

const camelCase = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

async function finish(
  run: Run,
  outcome: Outcome<unknown>,
  context: AnyContext,
  system: System | undefined,
): Promise<number> {
  run.progress.clear()
  if (run.spec.output.kind === 'object') {
    const { result } = outcome
    await run.output.write(
      run.parsed.global.json ? `${JSON.stringify(result)}\n` : await asText(run, result, context, system),
    )
  }
  return outcome.exitCode ?? 0
}

async function asText(run: Run, data: unknown, context: AnyContext, system: System | undefined): Promise<string> {
  const { io, parsed } = run
  const text: TextContext = {
    style: hasColour(io, io.stdout, parsed.global.color) ? colourStyle : plainStyle,
    width: widthOf(io),
    terminal: io.stdout.isTTY === true,
    base: system === undefined ? '' : baseOf(system.rootPath, context.cwd),
    args: parsed.args,
  }
  const { render } = await textRenderers[run.name]()
  return render(data as never, text)
}

/** The working directory as a path below the root folder; '' for the root folder itself and for anything outside. */
function baseOf(rootPath: string, cwd: string): string {
  const base = path.relative(realPath(rootPath), realPath(cwd))
  return base.startsWith('..') || path.isAbsolute(base) ? '' : base
}
