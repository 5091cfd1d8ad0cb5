/** Numbers, addresses and checksums as bytes, the plain way; and the text that each side of a script speaks. */

export const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255]
export const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)]
export const get16 = (bytes: ArrayLike<number>, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
export const get32 = (bytes: ArrayLike<number>, at: number): number =>
  get16(bytes, at) * 65536 + get16(bytes, at + 2)

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'

export const macBytes = (text: string): number[] =>
  (text === 'broadcast' ? BROADCAST : text).split(':').map(pair => Number.parseInt(pair, 16))
export const macText = (bytes: ArrayLike<number>, at: number): string =>
  Array.from({ length: 6 }, (_, i) => (bytes[at + i] ?? 0).toString(16).padStart(2, '0')).join(':')

/** RFC 1071, 4.1, as it stands there. */
export function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** What each side's text says at an offset: two sides and any two places near each other differ. */
export const textByte = (side: 'host' | 'peer', offset: number): number =>
  (offset * 7 + (offset >>> 8) * 3 + (side === 'host' ? 101 : 0)) & 255

export const text = (side: 'host' | 'peer', from: number, length: number): number[] =>
  Array.from({ length }, (_, i) => textByte(side, from + i))

/** How far into its text a side is when it sends a datagram, at most. */
const TEXT_MAX = 65_536

/** Whether these bytes are what a side says, from `at` if it says nothing else before, or from anywhere. */
export function isText(bytes: readonly number[], at: number): boolean {
  const says = (side: 'host' | 'peer', from: number): boolean =>
    bytes.every((byte, i) => byte === textByte(side, from + i))
  if (says('host', at) || says('peer', at)) return true
  for (let from = 0; from < TEXT_MAX; from++) if (says('host', from)) return true
  return false
}
