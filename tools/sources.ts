// Reads the repository's own source files into the few facts that the rules look at (imports, function lengths, names
// that are used), by the parser of the TypeScript that checks the types. Its API is marked unstable, the version is
// exact: this file is the only one that knows it.

import fs from 'node:fs'
import path from 'node:path'
import type { Node } from 'typescript/unstable/ast'
import { SyntaxKind } from 'typescript/unstable/ast'
import * as is from 'typescript/unstable/ast/is'
import { API } from 'typescript/unstable/sync'

export interface Import {
  /** As written: `./store.ts`, `node:fs`, `ink`. */
  readonly specifier: string
  /** For a relative specifier the file it names, relative to the root of the repository. */
  readonly target?: string
  readonly line: number
  /** Erased before the program runs: `import type`, `export type … from`, `typeof import()` and the like. */
  readonly typeOnly: boolean
  /** `import()`: runs later, so that it makes no cycle. */
  readonly dynamic: boolean
  /** `export … from` */
  readonly reexport: boolean
}

export interface FunctionSize {
  readonly name: string
  readonly line: number
  /** From the first to the last line, without the lines of functions inside it that have a body of their own. */
  readonly lines: number
  /** It holds tests: a list of cases, not one train of thought. */
  readonly holdsTests: boolean
}

/** Something used: `Math.random`, `new Error`, `new Date()` when without arguments, a function called by its name. */
export interface Use {
  readonly text: string
  readonly line: number
}

export interface SourceFile {
  /** Relative to the root of the repository. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly functions: readonly FunctionSize[]
  readonly uses: readonly Use[]
}

const sourceFolders = ['src', 'test', 'tools', 'bench']

/** Every TypeScript and JavaScript file of the repository, by path. */
export function readSources(root: string): SourceFile[] {
  const settingsFile = path.join(root, 'tsconfig.sources.json') // only in memory
  const settings = JSON.stringify({
    compilerOptions: { noLib: true, noResolve: true, types: [], allowJs: true, module: 'nodenext', jsx: 'preserve' },
    include: sourceFolders,
  })
  const virtual = { readFile: (name: string) => (name === settingsFile ? settings : undefined) }
  const exists = { fileExists: (name: string) => (name === settingsFile ? true : undefined) }
  const api = new API({ cwd: root, fs: { ...virtual, ...exists } })
  try {
    const project = api.updateSnapshot({ openProjects: [settingsFile] }).getProject(settingsFile)
    const files = project?.rootFiles.map(file => readSource(root, file, project.program.getSourceFile(file))) ?? []
    return files.sort((a, b) => (a.path < b.path ? -1 : 1))
  } finally {
    api.close()
  }
}

interface Facts {
  readonly imports: Import[]
  readonly functions: FunctionSize[]
  readonly uses: Use[]
}

type ParsedFile = ReturnType<
  ReturnType<ReturnType<API['updateSnapshot']>['getProjects']>[number]['program']['getSourceFile']
>

function readSource(root: string, file: string, parsed: ParsedFile): SourceFile {
  const name = path.relative(root, file)
  if (parsed === undefined) throw new Error(`${name} was not parsed`)
  const facts: Facts = { imports: [], functions: [], uses: [] }
  const lineOf = (position: number) => parsed.getLineAndCharacterOfPosition(position).line + 1
  visit(parsed, { name, facts, lineOf, text: parsed.text })
  return { path: name, text: fs.readFileSync(file, 'utf8'), ...facts }
}

interface Visit {
  readonly name: string
  readonly text: string
  readonly facts: Facts
  readonly lineOf: (position: number) => number
}

/** Collects the facts below a node; returns how many lines its functions with bodies take, and whether it has tests. */
function visit(node: Node, context: Visit): { lines: number; tests: boolean } {
  let lines = 0
  let tests = is.isCallExpression(node) && is.isIdentifier(node.expression) && testCalls.has(node.expression.text)
  collectImport(node, context)
  collectUse(node, context)
  node.forEachChild(child => {
    const inner = visit(child, context)
    lines += inner.lines
    tests ||= inner.tests
  })
  if (!isFunctionWithBody(node)) return { lines, tests }
  const first = context.lineOf(startOf(node, context))
  const total = context.lineOf(node.end) - first + 1
  const name = functionName(node)
  context.facts.functions.push({ name, line: first, lines: total - lines, holdsTests: tests })
  return { lines: total > 2 ? total : 0, tests }
}

const testCalls = new Set(['test', 'it', 'describe', 'suite'])

function isFunctionWithBody(node: Node): boolean {
  if (is.isArrowFunction(node)) return is.isBlock(node.body)
  return (
    is.isFunctionDeclaration(node) ||
    is.isFunctionExpression(node) ||
    is.isMethodDeclaration(node) ||
    is.isConstructorDeclaration(node) ||
    is.isGetAccessorDeclaration(node) ||
    is.isSetAccessorDeclaration(node)
  )
}

function functionName(node: Node): string {
  const named = node as { readonly name?: { readonly text?: string }; readonly parent?: Node }
  if (named.name?.text !== undefined) return named.name.text
  const parent = named.parent as { readonly name?: { readonly text?: string } } | undefined
  return parent?.name?.text ?? 'a function'
}

/** Where the node's own text begins: `pos` lies before the comments above it. */
function startOf(node: Node, context: Visit): number {
  const skipped = /^(?:\s+|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*/.exec(context.text.slice(node.pos, node.end))
  return node.pos + (skipped?.[0].length ?? 0)
}

function collectUse(node: Node, context: Visit): void {
  const add = (text: string) => context.facts.uses.push({ text, line: context.lineOf(startOf(node, context)) })
  if (is.isPropertyAccessExpression(node) && is.isIdentifier(node.expression)) {
    add(`${node.expression.text}.${node.name.text}`)
  }
  if (is.isCallExpression(node) && is.isIdentifier(node.expression)) add(node.expression.text)
  if (is.isNewExpression(node) && is.isIdentifier(node.expression)) {
    add(`new ${node.expression.text}${node.arguments?.length === 0 ? '()' : ''}`)
  }
}

function collectImport(node: Node, context: Visit): void {
  const add = (specifier: Node | undefined, kind: Partial<Import>) => {
    if (specifier === undefined || !is.isStringLiteral(specifier)) return
    const text = specifier.text
    const relative = text.startsWith('.') ? path.posix.join(path.posix.dirname(context.name), text) : undefined
    const line = context.lineOf(startOf(node, context))
    const target = relative === undefined ? {} : { target: relative }
    const plain = { typeOnly: false, dynamic: false, reexport: false }
    context.facts.imports.push({ specifier: text, line, ...target, ...plain, ...kind })
  }
  if (is.isImportDeclaration(node)) {
    add(node.moduleSpecifier, { typeOnly: node.importClause?.phaseModifier === SyntaxKind.TypeKeyword })
  } else if (is.isExportDeclaration(node)) {
    add(node.moduleSpecifier, { typeOnly: node.isTypeOnly, reexport: true })
  } else if (is.isImportTypeNode(node)) {
    if (is.isLiteralTypeNode(node.argument)) add(node.argument.literal, { typeOnly: true })
  } else if (is.isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    add(node.arguments[0], { dynamic: true })
  }
}
