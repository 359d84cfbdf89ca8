// Standard output of one run: text or JSON lines, gathered into large writes and slowed to what the reader takes. Bytes
// of files go to a pipe as they are; on a terminal they are shown so that they cannot steer it.

import type { OutputStream } from './io.ts'
import { safeLines } from './style.ts'

const gatheredBytesMax = 32 * 1024

export interface Output {
  write(data: string | Uint8Array): Promise<void>
  /** Hands over what was gathered. */
  flush(): Promise<void>
}

export function createOutput(stream: OutputStream): Output {
  let gathered = ''
  const decoder = new TextDecoder()
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
      const shown = stream.isTTY === true ? safeLines(decoder.decode(data, { stream: true })) : data
      if (!stream.write(shown)) await stream.drained()
    },
    flush,
  }
}
