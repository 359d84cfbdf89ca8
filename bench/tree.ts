// The tree that every program of the benchmark gets: small files as source code, settings and caches have them, the same
// bytes on every machine. Sizes run from 64 bytes to 16 KiB, small ones more often; one file in five does not compress.
import fs from 'node:fs'
import path from 'node:path'

const filesPerDirectory = 100
const directoriesPerDirectory = 32
const leastBytes = 64
const mostBytes = 16 << 10
const words = 'let each record of state that a folder has been in be kept whole and found again by name and time'.split(
  ' ',
)

/** Numbers from a seed: xorshift32 (Marsaglia 2003), enough for contents that nobody attacks. */
export function seeded(seed: number): () => number {
  let x = seed | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 2 ** 32
  }
}

/** The path of the n-th file below the tree. */
export function pathOfFile(n: number): string {
  const directory = Math.floor(n / filesPerDirectory)
  return `part${Math.floor(directory / directoriesPerDirectory)}/dir${directory % directoriesPerDirectory}/file${n % filesPerDirectory}.txt`
}

/** Writes the tree; gives back the bytes of all contents. */
export function makeTree(directory: string, files: number): number {
  const random = seeded(files)
  let bytes = 0
  let made = ''
  for (let n = 0; n < files; n++) {
    const file = path.join(directory, pathOfFile(n))
    if (path.dirname(file) !== made) {
      made = path.dirname(file)
      fs.mkdirSync(made, { recursive: true })
    }
    const content = contentOf(random, n % 5 === 0)
    fs.writeFileSync(file, content)
    bytes += content.length
  }
  return bytes
}

/** Gives `count` files, spread evenly, other contents; each round other ones. */
export function changeFiles(
  directory: string,
  files: number,
  { count, round }: { count: number; round: number },
): void {
  const random = seeded(files + round * 7919)
  for (let i = 0; i < count; i++) {
    const n = Math.floor(((i + 0.5) * files) / count)
    fs.writeFileSync(path.join(directory, pathOfFile(n)), contentOf(random, i % 5 === 0))
  }
}

function contentOf(random: () => number, incompressible: boolean): Buffer {
  // Evenly over the logarithm: as many files below 1 KiB as above.
  const size = Math.round(leastBytes * (mostBytes / leastBytes) ** random())
  const content = Buffer.alloc(size)
  if (incompressible) {
    for (let i = 0; i < size; i++) content[i] = random() * 256
    return content
  }
  for (let at = 0; at < size; ) at += content.write(`${words[Math.floor(random() * words.length)]} `, at)
  return content
}
