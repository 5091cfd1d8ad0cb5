/** The IPv4 header, RFC 791, 3.1. */
import type { Layer } from './dissect.ts'
import { pseudoHeader6Sum } from './ipv6.ts'
import { addressAt, checksumFault, count, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes, and the length of a header without options; fields of two and four bytes are in network order. */
export const IP_VERSION_IHL = 0
export const IP_TOS = 1
export const IP_TOTAL_LENGTH = 2
export const IP_ID = 4
export const IP_FRAGMENT = 6
export const IP_TTL = 8
export const IP_PROTOCOL = 9
export const IP_CHECKSUM = 10
export const IP_SOURCE = 12
export const IP_DESTINATION = 16
export const IP_HEADER = 20

/** Values of IP_PROTOCOL, as RFC 792, RFC 2236, 2, RFC 9293 and RFC 768 have them. */
export const PROTOCOL_ICMP = 1
export const PROTOCOL_IGMP = 2
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17

/** Bits of IP_FRAGMENT; the offset counts units of 8 bytes. */
export const IP_DONT_FRAGMENT = 0x4000
export const IP_MORE_FRAGMENTS = 0x2000
export const IP_FRAGMENT_OFFSET = 0x1fff
/** RFC 1122, 3.2.1.7: the default TTL; 64 is the recommended value. */
export const IP_DEFAULT_TTL = 64

/** RFC 919, 7: 255.255.255.255, all hosts of this link; never forwarded. */
export const BROADCAST = 0xffffffff | 0
/** RFC 1112, 4: 224.0.0.0/4. */
export const isMulticast = (address: number): boolean => address >>> 28 === 0xe
/** RFC 1122, 3.2.1.3 (g): 127.0.0.0/8 must not appear outside a host. */
export const isLoopback = (address: number): boolean => address >>> 24 === 127
/** RFC 3927, 2.1: 169.254.0.0/16. */
export const isLinkLocal = (address: number): boolean => address >>> 16 === 0xa9fe

/** Everything but the addresses and the header checksum. */
export function putIpv4(
  view: DataView,
  at: number,
  totalLength: number,
  id: number,
  protocol: number,
  ttl: number,
): void {
  view.setUint16(at + IP_VERSION_IHL, 0x4500)
  view.setUint16(at + IP_TOTAL_LENGTH, totalLength)
  view.setUint16(at + IP_ID, id)
  view.setUint16(at + IP_FRAGMENT, IP_DONT_FRAGMENT)
  view.setUint8(at + IP_TTL, ttl)
  view.setUint8(at + IP_PROTOCOL, protocol)
  view.setUint16(at + IP_CHECKSUM, 0)
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [PROTOCOL_ICMP]: 'ICMP',
  [PROTOCOL_IGMP]: 'IGMP',
  [PROTOCOL_TCP]: 'TCP',
  [PROTOCOL_UDP]: 'UDP',
}

/** The header's own length in bytes, as it claims. */
export const ipv4HeaderLength = (view: DataView, at: number): number =>
  (view.getUint8(at + IP_VERSION_IHL) & 15) * 4

/** One line about the datagram; 'Truncated: …' when it ends at `end` before its header does. */
export function ipv4Summary(view: DataView, at: number, end: number): string {
  if (end - at < IP_HEADER) return `Truncated: ${count(Math.max(0, end - at), 'byte')}, an IPv4 header is 20`
  const protocol = view.getUint8(at + IP_PROTOCOL)
  const fragment = view.getUint16(at + IP_FRAGMENT) & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)
  const part = fragment ? ` fragment at ${(fragment & IP_FRAGMENT_OFFSET) * 8}` : ''
  return `${addressAt(view, at + IP_SOURCE)} → ${addressAt(view, at + IP_DESTINATION)} ${PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`}${part}`
}

/** The readable form. */
export function describeIpv4(view: DataView, at: number, end: number): Layer {
  const reading = new Reading(view, at, end)
  const claimed = reading.has(0, 1) ? ipv4HeaderLength(view, at) : IP_HEADER
  reading.field(
    'Version',
    IP_VERSION_IHL,
    1,
    'The upper four bits of the first byte: 4.',
    i => String(view.getUint8(i) >>> 4),
    i => (view.getUint8(i) >>> 4 === 4 ? undefined : 'It should be 4.'),
  )
  reading.field(
    'Header length',
    IP_VERSION_IHL,
    1,
    'The lower four bits, in 32-bit words: where the payload begins.',
    () => count(claimed, 'byte'),
    () => (claimed < IP_HEADER ? 'It should be at least 20 bytes, five words.' : undefined),
  )
  reading.field('Type of service', IP_TOS, 1, 'Priority bits and, in the lowest two, ECN.', i =>
    hex(view.getUint8(i), 2),
  )
  describeIpv4Fragmenting(reading, claimed)
  describeIpv4Delivery(reading, claimed)
  const options = Math.min(claimed, reading.end - at) - IP_HEADER
  if (options > 0)
    reading.field('Options', IP_HEADER, options, 'Rare extras; most routers would rather not see them.', () =>
      count(options, 'byte'),
    )
  return reading.done(
    'Internet Protocol version 4',
    'RFC 791, 3.1',
    Math.max(claimed, IP_HEADER),
    ipv4Summary(view, at, end),
  )
}

function describeIpv4Fragmenting(reading: Reading, headerLength: number): void {
  const { view } = reading
  reading.field(
    'Total length',
    IP_TOTAL_LENGTH,
    2,
    'Header and payload together; what the link added behind is padding.',
    i => count(view.getUint16(i), 'byte'),
    i => {
      const length = view.getUint16(i)
      const there = reading.end - reading.at
      if (length < headerLength) return `It should be at least the header’s ${headerLength} bytes.`
      return length > there ? `Only ${count(there, 'byte')} are there; it should be at most that.` : undefined
    },
  )
  reading.field('Identification', IP_ID, 2, 'Fragments of one datagram carry the same number.', i =>
    hex(view.getUint16(i), 4),
  )
  reading.field(
    'Flags',
    IP_FRAGMENT,
    1,
    'DF forbids routers to cut the datagram; MF says that more pieces follow.',
    i => {
      const bits = view.getUint8(i) << 8
      const names = [bits & IP_DONT_FRAGMENT ? 'DF' : '', bits & IP_MORE_FRAGMENTS ? 'MF' : ''].filter(
        Boolean,
      )
      return names.join(', ') || 'none'
    },
  )
  reading.field('Fragment offset', IP_FRAGMENT, 2, 'Where this piece belongs in the whole datagram.', i =>
    count((view.getUint16(i) & IP_FRAGMENT_OFFSET) * 8, 'byte'),
  )
}

function describeIpv4Delivery(reading: Reading, headerLength: number): void {
  const { view, at } = reading
  reading.field(
    'Time to live',
    IP_TTL,
    1,
    'Each router takes one; at zero the datagram dies, so that none circles for ever.',
    i => String(view.getUint8(i)),
    i => (view.getUint8(i) === 0 ? 'A datagram with no time to live should not be on the wire.' : undefined),
  )
  reading.field('Protocol', IP_PROTOCOL, 1, 'To whom the payload goes.', i => {
    const protocol = view.getUint8(i)
    return `${PROTOCOL_NAMES[protocol] ?? 'unknown'} (${protocol})`
  })
  reading.field(
    'Header checksum',
    IP_CHECKSUM,
    2,
    'Covers the header alone; the payload guards itself.',
    i => hex(view.getUint16(i), 4),
    i =>
      headerLength >= IP_HEADER && reading.has(0, headerLength)
        ? checksumFault(view.getUint16(i), onesComplementSum(view, at, at + headerLength))
        : undefined,
  )
  const address = (i: number): string => addressAt(view, i)
  reading.field('Source', IP_SOURCE, 4, 'The host that sent it.', address)
  reading.field('Destination', IP_DESTINATION, 4, 'The host that should get it, however far away.', address)
}

/** RFC 9293, 3.1 and RFC 768: the pseudo-header's part of a checksum; `at` is where the IP header begins, of either version. */
export function pseudoHeaderSum(view: DataView, at: number, protocol: number, length: number): number {
  if (view.getUint8(at + IP_VERSION_IHL) >>> 4 === 6) return pseudoHeader6Sum(view, at, protocol, length)
  return onesComplementSum(view, at + IP_SOURCE, at + IP_DESTINATION + 4) + protocol + length
}
