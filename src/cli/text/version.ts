// The version in one line.

export function render({ version }: { readonly version: string }): string {
  return `sentctl ${version}\n`
}
