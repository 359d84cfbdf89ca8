// doctor: the machine and the terminal, then the root folder, where there is one. It never fails for what it finds.

import { isSentientError } from '../../core/errors.ts'
import { type DoctorCheck, findRoot, openSystem } from '../../core/system.ts'
import type { CommandContext, Handler } from '../spec.ts'
import type { doctorSpec } from './spec.ts'

type Context = CommandContext<typeof doctorSpec>

const nodeVersionMin = [22, 15] as const

export const run: Handler<typeof doctorSpec> = async function* (context) {
  const { caller, cwd, host } = context
  const rootPath = caller.rootOption ?? findRoot(host, cwd)
  const checks = [nodeCheck(), ...terminalChecks(caller.environment), stateCheck(context)]
  if (rootPath !== undefined) checks.push(...(await rootChecks(context, rootPath)))
  const result = { version: caller.version, checks }
  return { result: rootPath === undefined ? result : { ...result, rootPath } }
}

function nodeCheck(): DoctorCheck {
  const found = process.versions.node.split('.').map(Number)
  const enough = found[0]! > nodeVersionMin[0] || (found[0] === nodeVersionMin[0] && found[1]! >= nodeVersionMin[1])
  const text = `${process.versions.node} on ${process.platform} ${process.arch}`
  if (enough) return { name: 'Node', state: 'ok', text }
  return { name: 'Node', state: 'bad', text, hint: `At least ${nodeVersionMin.join('.')} is needed.` }
}

function terminalChecks({
  TERM,
  COLORTERM,
  LANG,
  LC_ALL,
  LC_CTYPE,
  NO_COLOR,
}: Context['caller']['environment']): DoctorCheck[] {
  const locale = LC_ALL || LC_CTYPE || LANG || ''
  const unicode = /utf-?8/i.test(locale)
  const colours = NO_COLOR ? 'no colours asked for' : (COLORTERM ?? 'no COLORTERM')
  return [
    { name: 'terminal', state: 'ok', text: `TERM ${TERM ?? 'not set'}, ${colours}` },
    unicode
      ? { name: 'locale', state: 'ok', text: locale }
      : {
          name: 'locale',
          state: 'warn',
          text: locale || 'not set',
          hint: 'The screen draws ASCII only; set LANG to a UTF-8 locale for more.',
        },
  ]
}

function stateCheck({ host }: Context): DoctorCheck {
  const directory = host.stateDirectory
  if (directory !== undefined) return { name: 'device state', state: 'ok', text: directory.path }
  return {
    name: 'device state',
    state: 'warn',
    text: 'no directory where this device can remember its root folders',
    hint: 'Set XDG_STATE_HOME to a writable directory; else a copied root folder cannot be told from a moved one.',
  }
}

async function rootChecks({ host, signal }: Context, rootPath: string): Promise<DoctorCheck[]> {
  try {
    const system = await openSystem(host, { rootPath, access: 'read', signal })
    try {
      return await system.doctor()
    } finally {
      await system.close()
    }
  } catch (error) {
    if (!isSentientError(error) || error.code === 'CANCELLED') throw error
    return [{ name: 'root folder', state: 'bad', text: error.message, hint: error.hint }]
  }
}
