// What a verb is: the static description that feeds the argument parser, help, man page, completion, reference and
// palette, and the types by which its handler is checked against that description.

import type { Host } from '../core/host/host.ts'
import type { Progress } from '../core/progress.ts'
import type { ByteSource, System } from '../core/system.ts'
import type { DataOf, Shape } from './shape.ts'

/** What the shell may offer in this place. */
export type Completer = 'path' | 'file' | 'directory' | 'snapshot' | 'state' | 'verb' | 'code' | 'none'

export interface PositionalSpec {
  /** In capitals, as help shows it. */
  readonly name: string
  readonly about: string
  readonly required?: boolean
  /** Takes all that is left; only the last one, or the first one before a single required one. */
  readonly many?: boolean
  readonly choices?: readonly string[]
  readonly completer?: Completer
}

interface FlagBase {
  readonly about: string
  /** One letter. */
  readonly short?: string
}

export interface BooleanFlag extends FlagBase {
  readonly type: 'boolean'
  /** True: help shows `--no-NAME`, and `about` says what that does. */
  readonly default?: boolean
}

export interface TextFlag extends FlagBase {
  readonly type: 'text' | 'texts'
  /** In capitals, as help shows it. */
  readonly placeholder: string
  readonly default?: string
  readonly required?: boolean
  readonly choices?: readonly string[]
  readonly completer?: Completer
}

export interface IntegerFlag extends FlagBase {
  readonly type: 'integer' | 'integers'
  readonly placeholder: string
  readonly default?: number
  readonly min?: number
  readonly max?: number
}

export type FlagSpec = BooleanFlag | TextFlag | IntegerFlag

/** A command line that a test runs on a small root folder; `input` is what it is given on standard input. */
export interface ExampleSpec {
  readonly command: string
  readonly about: string
  readonly input?: string
  /** The expected exit code; 0 when left out. */
  readonly exit?: number
}

/** What standard output carries: one object, one object a line, or the bytes of a file. */
export interface OutputSpec {
  readonly kind: 'object' | 'lines'
  readonly shape: Shape
}

export interface CommandSpec {
  readonly name: string
  /** One line, an imperative without a full stop. */
  readonly summary: string
  /** Paragraphs of help. */
  readonly about: readonly string[]
  readonly positionals: readonly PositionalSpec[]
  readonly flags: Readonly<Record<string, FlagSpec>>
  /** How the root folder is opened for it. */
  readonly access: 'none' | 'read' | 'write'
  /** Its title in the palette of the terminal UI, or why it does not appear there. */
  readonly palette: { readonly title: string } | { readonly absent: string }
  readonly examples: readonly ExampleSpec[]
  readonly output: OutputSpec
  /** Runs until it is interrupted; then that is how it ends well. */
  readonly endless?: true
  readonly load: () => Promise<CommandModule>
}

type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name

type Given<F, Data> = F extends { default: unknown } | { required: true } ? Data : Data | undefined

type FlagData<F> = F extends { type: 'boolean' }
  ? boolean
  : F extends { type: 'texts' }
    ? readonly string[]
    : F extends { type: 'integers' }
      ? readonly number[]
      : F extends { type: 'integer' }
        ? Given<F, number>
        : F extends { choices: readonly (infer Choice)[] }
          ? Given<F, Choice>
          : Given<F, string>

type PositionalData<P> = P extends { many: true }
  ? readonly string[]
  : P extends { choices: readonly (infer Choice)[] }
    ? Given<P, Choice>
    : Given<P, string>

/** Flags by their names in camel case, positionals by theirs in lower camel case; `many` gives a list. */
export type ArgsOf<Spec extends Pick<CommandSpec, 'flags' | 'positionals'>> = {
  readonly [Name in keyof Spec['flags'] as Camel<Name & string>]: FlagData<Spec['flags'][Name]>
} & {
  readonly [P in Spec['positionals'][number] as Camel<Lowercase<P['name']>>]: PositionalData<P>
}

/** What the program around the table lends a handler, so that handlers need no environment of their own. */
export interface Caller {
  readonly version: string
  /** `--root` or SENTIENT_ROOT, as given; undefined: search upwards from `cwd`. */
  readonly rootOption: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A file named by the user, anywhere; symlinks are followed. Throws PATH_NOT_FOUND, IS_A_DIRECTORY, NOT_WRITABLE. */
  openFile(path: string): Promise<ByteSource & { close(): void }>
  /** A path of the user outside the governed tree as an absolute one: from where the user stands, whatever --root says. */
  outsidePath(path: string): string
  /** Writes a new file or replaces one, outside the governed operations: for files that the user asked for by name. */
  writeFile(path: string, contents: string): Promise<void>
  /** All of standard input, kept aside so that its size is known. */
  standardInput(signal: AbortSignal): Promise<ByteSource & { close(): void }>
  /** Asks on the terminal; resolves with the line, or undefined at its end. Absent where nobody can be asked. */
  readonly ask?: ((question: string) => Promise<string | undefined>) | undefined
  /** Opens the terminal UI; resolves with its exit code. */
  openUi(options: UiOptions): Promise<number>
}

export interface UiOptions {
  readonly rootPath: string | undefined
  readonly profile?: string
  readonly baud?: number
  readonly escMs?: number
}

export interface CommandContext<Spec extends CommandSpec> {
  readonly system: Spec['access'] extends 'none' ? undefined : System
  readonly args: ArgsOf<Spec>
  readonly signal: AbortSignal
  /** An absolute path; paths of the user are relative to it. */
  readonly cwd: string
  readonly host: Host
  /** What will be made of the output: a verb that prints bytes gives data instead. */
  readonly format: 'text' | 'data'
  readonly caller: Caller
}

/** What a handler yields while it works. */
export type CommandEvent<Item> =
  | { readonly progress: Progress }
  /** One line of output, for verbs whose output is lines. */
  | { readonly item: Item }
  /** Bytes of a file for standard output. */
  | { readonly bytes: Uint8Array }
  /** Something to know before the work goes on. */
  | { readonly notice: string }

export interface Outcome<Result> {
  readonly result: Result
  /** 0 when left out. */
  readonly exitCode?: number
}

type ItemOf<Spec extends CommandSpec> = Spec['output'] extends { kind: 'lines'; shape: infer S } ? DataOf<S> : never
type ResultOf<Spec extends CommandSpec> = Spec['output'] extends { kind: 'object'; shape: infer S }
  ? DataOf<S>
  : undefined

/** The plain data that a verb prints: its result, or one of its lines. */
export type OutputOf<Spec extends CommandSpec> = DataOf<Spec['output']['shape']>

export type Handler<Spec extends CommandSpec> = (
  context: CommandContext<Spec>,
) => AsyncGenerator<CommandEvent<ItemOf<Spec>>, Outcome<ResultOf<Spec>>, void>

/** A context as the runner makes it: which args it holds is known from the spec that made them. */
export interface AnyContext extends Omit<CommandContext<CommandSpec>, 'args' | 'system'> {
  readonly args: never
  readonly system: never
}

/** What a handler's file exports. */
export interface CommandModule {
  run(context: AnyContext): AsyncGenerator<CommandEvent<unknown>, Outcome<unknown>, void>
}

/** Keeps the literal types of a spec, by which its handler is checked. */
export function command<const Spec extends CommandSpec>(spec: Spec): Spec {
  return spec
}

/** Passes the progress of core work on and gives its result. */
export async function* relay<T>(work: AsyncGenerator<Progress, T, void>): AsyncGenerator<CommandEvent<never>, T, void> {
  try {
    for (;;) {
      const step = await work.next()
      if (step.done === true) return step.value
      yield { progress: step.value }
    }
  } finally {
    await work.return(undefined as T)
  }
}
