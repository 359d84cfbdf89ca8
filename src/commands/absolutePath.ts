// A directory that the user names, as an absolute path without "." and "..".

export function absolutePath(given: string, cwd: string): string {
  const parts: string[] = []
  for (const part of (given.startsWith('/') ? given : `${cwd}/${given}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
