// For verbs whose text is printed while they run.

export function render(): string {
  return ''
}
