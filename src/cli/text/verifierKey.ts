// The verifier key alone, for the command line of another machine.

export function render({ verifierKey }: { readonly verifierKey: string }): string {
  return `${verifierKey}\n`
}
