// The verifier key alone, for the command line of another machine; with --all those of earlier epochs before it.

import type { TextContext } from './renderers.ts'

interface Keys {
  readonly verifierKey: string
  readonly earlier: readonly string[]
}

export function render({ verifierKey, earlier }: Keys, { args }: TextContext): string {
  const keys = args.all === true ? [...earlier, verifierKey] : [verifierKey]
  return `${keys.join('\n')}\n`
}
