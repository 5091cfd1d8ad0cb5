/** What routers and odd senders do to frames that pass, so that their checksums stay right: urgent marks, marks of congestion. */
import type { Dice } from './dice.ts'

const ETHERNET_HEADER = 14
const TCP = 6
const URG = 32
/** TCP's header: offset and flags, checksum, urgent pointer. */
const OFFSET_FLAGS = 12
const CHECKSUM = 16
const URGENT = 18

const get16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

/** RFC 1624, 3, equation 3: HC' = ~(~HC + ~m + m'). */
function replace16(bytes: Uint8Array, at: number, value: number, checksumAt: number): void {
  let sum = (~get16(bytes, checksumAt) & 0xffff) + (~get16(bytes, at) & 0xffff) + value
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  put16(bytes, checksumAt, ~sum & 0xffff)
  put16(bytes, at, value)
}

const isIpv4 = (bytes: Uint8Array): boolean => bytes[12] === 0x08 && bytes[13] === 0x00
const isIpv6 = (bytes: Uint8Array): boolean => bytes[12] === 0x86 && bytes[13] === 0xdd

/** Where the TCP header of a whole segment begins, and where the packet ends. */
function tcpAt(bytes: Uint8Array): [at: number, end: number] | undefined {
  if (isIpv4(bytes)) {
    const whole = ((bytes[20] ?? 0) & 0x3f) === 0 && bytes[21] === 0
    if (!whole || bytes[23] !== TCP) return undefined
    return [ETHERNET_HEADER + ((bytes[14] ?? 0) & 15) * 4, ETHERNET_HEADER + get16(bytes, 16)]
  }
  if (isIpv6(bytes) && bytes[20] === TCP) return [54, 54 + get16(bytes, 18)]
  return undefined
}

/** A segment with text says that it is urgent up to somewhere in it or behind it (RFC 9293, 3.8.5; RFC 6093). */
export function makeUrgent(bytes: Uint8Array, dice: Dice): void {
  const [at, end] = tcpAt(bytes) ?? [0, 0]
  if (at === 0) return
  const text = end - at - ((bytes[at + OFFSET_FLAGS] ?? 0) >> 4) * 4
  if (text <= 0) return
  const flags = get16(bytes, at + OFFSET_FLAGS)
  if ((flags & 6) !== 0) return
  replace16(bytes, at + OFFSET_FLAGS, flags | URG, at + CHECKSUM)
  replace16(bytes, at + URGENT, Math.min(0xffff, 1 + dice.below(text + 20)), at + CHECKSUM)
}

/** A packet of a transport that knows ECN comes by where there is a queue (RFC 3168, 5): CE. */
export function markCongestion(bytes: Uint8Array): void {
  if (isIpv4(bytes) && ((bytes[15] ?? 0) & 3) !== 0)
    replace16(bytes, ETHERNET_HEADER, get16(bytes, ETHERNET_HEADER) | 3, ETHERNET_HEADER + 10)
  if (isIpv6(bytes) && ((bytes[15] ?? 0) & 0x30) !== 0) bytes[15] = (bytes[15] ?? 0) | 0x30
}
