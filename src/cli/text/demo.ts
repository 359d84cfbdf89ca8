// Where the demo is and how to look at it.

export function render({ path, records }: { readonly path: string; readonly records: number }): string {
  return `The demo is in ${path}: ${records} records. Look at it with: sentctl ui --root ${path}\n`
}
