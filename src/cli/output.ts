// Standard output of one run: text or JSON lines, gathered into large writes, slowed to what the reader takes, and
// quiet once the reader is gone.

import type { OutputStream } from './io.ts'

const gatheredBytesMax = 32 * 1024

export interface Output {
  write(data: string | Uint8Array): Promise<void>
  /** Hands over what was gathered. */
  flush(): Promise<void>
}

export function createOutput(stream: OutputStream): Output {
  let gathered = ''
  async function flush(): Promise<void> {
    if (gathered === '') return
    const data = gathered
    gathered = ''
    if (!stream.write(data)) await stream.drained()
  }
  return {
    async write(data) {
      if (typeof data === 'string') {
        gathered += data
        if (gathered.length >= gatheredBytesMax) await flush()
        return
      }
      await flush()
      if (!stream.write(data)) await stream.drained()
    },
    flush,
  }
}
