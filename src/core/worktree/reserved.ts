// The names at the top of a root folder that belong to SentientOS. Everything else there is the governed tree.
import type { ByteString } from '../host/host.ts'

/** The working copy of the settings: at the top, not reserved from its owner, but no part of the files of a state. */
export const settingsName = 'sentient.yaml'

const reservedNames: ReadonlySet<ByteString> = new Set([
  '.auth',
  '.bak',
  '.boot',
  '.browser',
  '.cons',
  '.container',
  '.db',
  '.debug',
  '.gossip',
  '.heal',
  '.intent',
  '.linux',
  '.lock',
  '.osr',
  '.panic',
  '.redis',
  '.repo',
  '.runtime',
  '.sigblock',
  '.telemetry',
  '.template',
  '.tff',
  '.tree',
  '.unsecure',
  '.zero',
  '.zk',
  'contrac.to',
  'recycle.lock',
  'recycle.redis',
  'recycle.trace',
  'termux.io',
  'zk_contracts',
])

/** Names at the top that a root folder keeps for itself, sorted. */
export const reservedTopNames: readonly ByteString[] = [...reservedNames].sort()

/** True for a top-level name that is no part of the governed files: reserved names, their temporaries, the settings. */
export function isOutsideFiles(topName: ByteString): boolean {
  return topName === settingsName || reservedNames.has(topName)
}

/** A `.runtime` with this in it and without `format` holds nothing that anybody needs: the next init clears it away. */
export const unfinishedName = 'init-unfinished'
