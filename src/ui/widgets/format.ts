// Numbers, times and names in the short forms of the screen. Times are local; microseconds since 1970 come in.

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const two = (value: number): string => String(value).padStart(2, '0')
const dateOf = (micros: number): Date => new Date(micros / 1000)

/** `310`, `1.2k`, `48M`: at most five cells. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return String(bytes)
  let value = bytes
  for (const unit of ['k', 'M', 'G', 'T']) {
    value /= 1024
    if (value < 9.95) return `${value.toFixed(1)}${unit}`
    if (value < 999.5) return `${Math.round(value)}${unit}`
  }
  return `${Math.round(value / 1024)}P`
}

/** The same for a sentence, with its unit: `310 B`, `1.2 kB`, `48 MB`. */
export function bytesText(bytes: number): string {
  const text = sizeText(bytes)
  const [, number = '', unit = ''] = /^([\d.]+)(\D?)$/.exec(text) ?? []
  return `${number} ${unit}B`
}

/** `2,314` */
export const countText = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** `1 file`, `2,314 files` */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`

/** `03:14` */
export function clockText(micros: number): string {
  const date = dateOf(micros)
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

/** `03:14:07` */
export const secondsText = (micros: number): string => `${clockText(micros)}:${two(dateOf(micros).getSeconds())}`

/** `Sat 22 Nov` */
export function dayText(micros: number): string {
  const date = dateOf(micros)
  return `${weekdays[date.getDay()]} ${two(date.getDate())} ${months[date.getMonth()]}`
}

/** The local day as a number that grows by one a day: for grouping. */
export function dayNumber(micros: number): number {
  const date = dateOf(micros)
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000)
}

/** When, in at most six cells: `03:14` today, `18 Nov` this year, `Nov 24` before; nothing when unknown. */
export function whenText(micros: number, now: number): string {
  if (micros <= 0) return ''
  if (dayNumber(micros) === dayNumber(now)) return clockText(micros)
  const date = dateOf(micros)
  const month = months[date.getMonth()]
  if (date.getFullYear() === dateOf(now).getFullYear()) return `${two(date.getDate())} ${month}`
  return `${month} ${two(date.getFullYear() % 100)}`
}

/** A moment for a sentence: `03:14`, `Fri 22:40` within a week, else `21 Nov 2026 22:40`. */
export function momentText(micros: number, now: number): string {
  if (micros <= 0) return 'unknown'
  const days = dayNumber(now) - dayNumber(micros)
  if (days === 0) return clockText(micros)
  const date = dateOf(micros)
  if (days > 0 && days < 7) return `${weekdays[date.getDay()]} ${clockText(micros)}`
  return `${two(date.getDate())} ${months[date.getMonth()]} ${date.getFullYear()} ${clockText(micros)}`
}

/** When, in at most nine cells: `03:14`, `Fri 22:40` within a week, `18 Nov` this year, `Nov 24` before. */
export function shortMomentText(micros: number, now: number): string {
  const days = dayNumber(now) - dayNumber(micros)
  return days >= 0 && days < 7 ? momentText(micros, now) : whenText(micros, now)
}

/** `2026-11-21 22:40:07` */
export function fullTimeText(micros: number): string {
  const date = dateOf(micros)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${secondsText(micros)}`
}

/** `2026-11-21T2240`: for file names. */
export function nameTimeText(micros: number): string {
  const date = dateOf(micros)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}${two(date.getMinutes())}`
}

/** `rw-r--r--` */
export function modeText(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'))
  if (mode & 0o4000) bits[2] = bits[2] === 'x' ? 's' : 'S'
  if (mode & 0o2000) bits[5] = bits[5] === 'x' ? 's' : 'S'
  if (mode & 0o1000) bits[8] = bits[8] === 'x' ? 't' : 'T'
  return bits.join('')
}

/** The owner of the device reads their own records as "you". */
export const actorText = (actor: string): string => (actor === 'owner' ? 'you' : actor)
