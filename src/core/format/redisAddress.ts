// Where a Redis is: `redis://[user@]host[:port][/database]`. The password is no part of it, as the settings are a part
// of the history: exported with it, and never forgotten.

export interface RedisAddress {
  /** '' for the server's default user. */
  readonly user: string
  readonly host: string
  readonly port: number
  readonly database: number
}

const portDefault = 6379
const databaseMax = 16_383
const charsMax = 1_024

/** The address, or what is wrong with it, a phrase for people. */
export function parseRedisAddress(text: string): RedisAddress | string {
  if (text.length > charsMax || !URL.canParse(text)) return 'expected redis://host:port/database'
  const url = new URL(text)
  if (url.protocol !== 'redis:') return `expected redis://host:port/database, found ${url.protocol}//`
  if (url.password !== '') return 'the settings are part of the history: put the password into .auth/redis-password'
  if (!/^[\w.~-]*$/.test(url.username)) return 'a user of letters, digits, ".", "_", "~" and "-" is expected'
  if (url.hostname === '' || url.port === '0' || url.search !== '' || url.hash !== '')
    return 'expected redis://host:port/database'
  const database = url.pathname.replace(/^\//, '')
  if (!/^\d{0,5}$/.test(database) || Number(database) > databaseMax) return `no such database: ${database.slice(0, 20)}`
  return {
    user: url.username,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? portDefault : Number(url.port),
    database: Number(database),
  }
}
