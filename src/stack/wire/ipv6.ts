/** The IPv6 header, RFC 8200, 3, and the extension headers behind it, RFC 8200, 4. */
import { formatIpv6 } from './address6.ts'
import type { Layer } from './dissect.ts'
import { count, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes; addresses are 16 bytes in network order. The payload length counts what is behind these 40. */
export const IP6_VERSION = 0
export const IP6_PAYLOAD_LENGTH = 4
export const IP6_NEXT_HEADER = 6
export const IP6_HOP_LIMIT = 7
export const IP6_SOURCE = 8
export const IP6_DESTINATION = 24
export const IP6_HEADER = 40

/** RFC 8200, 5: every link carries this much. */
export const IP6_MTU_MIN = 1280
/** What a host begins with; routers may tell another. */
export const IP6_DEFAULT_HOP_LIMIT = 64

/** Values of a next header field, RFC 8200, 4.3 … 4.7; ICMPv6 is RFC 4443, 1. */
export const NEXT_HOP_BY_HOP = 0
export const NEXT_ROUTING = 43
export const NEXT_FRAGMENT = 44
export const NEXT_ICMP6 = 58
export const NEXT_NONE = 59
export const NEXT_DESTINATION_OPTIONS = 60

/** Every extension header begins so; its length is in units of 8 bytes, the first not counted (not the fragment header's). */
export const EXT_NEXT_HEADER = 0
export const EXT_LENGTH = 1
/** RFC 8200, 4.4. */
export const ROUTING_TYPE = 2
export const ROUTING_SEGMENTS_LEFT = 3
/** RFC 8200, 4.5. */
export const FRAGMENT_FIELD = 2
export const FRAGMENT_ID = 4
export const FRAGMENT_HEADER = 8
/** The offset's 13 bits, in place: a multiple of 8 bytes as it stands. */
export const FRAGMENT_OFFSET = 0xfff8
export const FRAGMENT_MORE = 1

/** RFC 8200, 4.2. */
export const OPTION_PAD_1 = 0
export const OPTION_PAD_N = 1
/** RFC 2711; MLD's messages carry it (RFC 2710, 3). */
export const OPTION_ROUTER_ALERT = 5

/** Whether a header of this number is one of those that stand between IPv6 and a protocol. */
export const isExtension = (next: number): boolean =>
  next === NEXT_HOP_BY_HOP ||
  next === NEXT_ROUTING ||
  next === NEXT_FRAGMENT ||
  next === NEXT_DESTINATION_OPTIONS

/** Everything but the addresses. */
export function putIpv6(view: DataView, at: number, length: number, next: number, hopLimit: number): void {
  view.setUint32(at + IP6_VERSION, 0x60000000)
  view.setUint16(at + IP6_PAYLOAD_LENGTH, length)
  view.setUint8(at + IP6_NEXT_HEADER, next)
  view.setUint8(at + IP6_HOP_LIMIT, hopLimit)
}

/** RFC 8200, 4.5: `offset` in bytes, a multiple of 8. */
export function putFragment(
  view: DataView,
  at: number,
  next: number,
  offset: number,
  more: boolean,
  id: number,
): void {
  view.setUint16(at + EXT_NEXT_HEADER, next << 8)
  view.setUint16(at + FRAGMENT_FIELD, offset | (more ? FRAGMENT_MORE : 0))
  view.setInt32(at + FRAGMENT_ID, id)
}

/** A hop-by-hop header with a router alert for MLD (RFC 2711, 2.1; value 0), padded to 8 bytes. */
export function putRouterAlert(view: DataView, at: number, next: number): void {
  view.setUint32(at, (next << 24) | (OPTION_ROUTER_ALERT << 8) | 2)
  view.setUint32(at + 4, OPTION_PAD_N << 8)
}

// ---- the readable form ----------------------------------------------------------------------------------------

const NEXT_NAMES: Readonly<Record<number, string>> = {
  [NEXT_HOP_BY_HOP]: 'hop-by-hop options',
  6: 'TCP',
  17: 'UDP',
  [NEXT_ROUTING]: 'routing header',
  [NEXT_FRAGMENT]: 'fragment header',
  [NEXT_ICMP6]: 'ICMPv6',
  [NEXT_NONE]: 'nothing',
  [NEXT_DESTINATION_OPTIONS]: 'destination options',
}

const nextName = (next: number): string => `${NEXT_NAMES[next] ?? 'unknown'} (${next})`

/** The 16 bytes at `at` in RFC 5952's form. */
export const address6At = (view: DataView, at: number): string =>
  formatIpv6(new Uint8Array(view.buffer, view.byteOffset + at, 16))

/** Where an IPv6 payload begins and ends; undefined when the header cannot say. */
export function ipv6Payload(
  view: DataView,
  at: number,
  end: number,
): readonly [from: number, to: number] | undefined {
  if (end - at < IP6_HEADER || view.getUint8(at) >>> 4 !== 6) return undefined
  return [at + IP6_HEADER, Math.min(at + IP6_HEADER + view.getUint16(at + IP6_PAYLOAD_LENGTH), end)]
}

/** One line about the packet; 'Truncated: …' when it ends at `end` before its header does. */
export function ipv6Summary(view: DataView, at: number, end: number): string {
  if (end - at < IP6_HEADER) return `Truncated: ${count(Math.max(0, end - at), 'byte')}, an IPv6 header is 40`
  const next = view.getUint8(at + IP6_NEXT_HEADER)
  return `${address6At(view, at + IP6_SOURCE)} → ${address6At(view, at + IP6_DESTINATION)} ${NEXT_NAMES[next] ?? `next header ${next}`}`
}

/** What kind of address it is (RFC 4291, 2.4), for a reader. */
function addressMeaning(view: DataView, at: number): string {
  const text = address6At(view, at)
  const first = view.getUint16(at)
  if (text === '::') return ':: (unspecified)'
  if (text === 'ff02::1') return 'ff02::1 (all nodes of the link)'
  if (text === 'ff02::2') return 'ff02::2 (all routers of the link)'
  if (text.startsWith('ff02::1:ff')) return `${text} (solicited-node)`
  if (first >>> 8 === 0xff) return `${text} (group)`
  return (first & 0xffc0) === 0xfe80 ? `${text} (link-local)` : text
}

/** The readable form. */
export function describeIpv6(view: DataView, at: number, end: number): Layer {
  const reading = new Reading(view, at, end)
  reading.field(
    'Version',
    IP6_VERSION,
    1,
    'The upper four bits of the first byte: 6.',
    i => String(view.getUint8(i) >>> 4),
    i => (view.getUint8(i) >>> 4 === 6 ? undefined : 'It should be 6.'),
  )
  reading.field('Traffic class', IP6_VERSION, 2, 'Priority bits and, in the lowest two, ECN.', i =>
    hex((view.getUint16(i) >>> 4) & 0xff, 2),
  )
  reading.field(
    'Flow label',
    IP6_VERSION + 1,
    3,
    'Packets of one flow may carry the same number, so that routers keep them together.',
    i => hex(view.getUint32(i - 1) & 0xfffff, 5),
  )
  reading.field(
    'Payload length',
    IP6_PAYLOAD_LENGTH,
    2,
    'All that follows this header; its own 40 bytes do not count.',
    i => count(view.getUint16(i), 'byte'),
    i => {
      const there = reading.end - at - IP6_HEADER
      return view.getUint16(i) > there
        ? `Only ${count(Math.max(0, there), 'byte')} are there; it should be at most that.`
        : undefined
    },
  )
  reading.field('Next header', IP6_NEXT_HEADER, 1, 'What follows: an extension header or a protocol.', i =>
    nextName(view.getUint8(i)),
  )
  reading.field(
    'Hop limit',
    IP6_HOP_LIMIT,
    1,
    'Each router takes one. Neighbour discovery demands 255: then it came from this link and nowhere else.',
    i => String(view.getUint8(i)),
  )
  const address = (i: number): string => addressMeaning(view, i)
  reading.field('Source', IP6_SOURCE, 16, 'The host that sent it.', address, i =>
    view.getUint8(i) === 0xff ? 'A group cannot be a source; it should be one host’s.' : undefined,
  )
  reading.field('Destination', IP6_DESTINATION, 16, 'The host or the group that should get it.', address)
  return reading.done('Internet Protocol version 6', 'RFC 8200, 3', IP6_HEADER, ipv6Summary(view, at, end))
}

/** How long an extension header is, as it claims. */
export const extensionLength = (view: DataView, at: number, end: number, kind: number): number =>
  kind === NEXT_FRAGMENT || at + 2 > end ? FRAGMENT_HEADER : (view.getUint8(at + EXT_LENGTH) + 1) * 8

const EXTENSION_TITLES: Readonly<Record<number, readonly [name: string, source: string]>> = {
  [NEXT_HOP_BY_HOP]: ['IPv6 hop-by-hop options', 'RFC 8200, 4.3'],
  [NEXT_ROUTING]: ['IPv6 routing header', 'RFC 8200, 4.4'],
  [NEXT_FRAGMENT]: ['IPv6 fragment header', 'RFC 8200, 4.5'],
  [NEXT_DESTINATION_OPTIONS]: ['IPv6 destination options', 'RFC 8200, 4.6'],
}

/** The readable form of the extension header of this kind. */
export function describeExtension(view: DataView, at: number, end: number, kind: number): Layer {
  const reading = new Reading(view, at, end)
  const length = extensionLength(view, at, end, kind)
  reading.field('Next header', EXT_NEXT_HEADER, 1, 'What follows this one.', i => nextName(view.getUint8(i)))
  if (kind === NEXT_FRAGMENT) describeFragment(reading)
  else {
    reading.field(
      'Header length',
      EXT_LENGTH,
      1,
      'In units of 8 bytes, the first of them not counted.',
      () => count(length, 'byte'),
      () => (reading.has(0, length) ? undefined : 'It points beyond the end of the packet.'),
    )
    if (kind === NEXT_ROUTING) describeRouting(reading, length)
    else describeOptions6(reading, length)
  }
  const [name, source] = EXTENSION_TITLES[kind] ?? ['IPv6 extension header', 'RFC 8200, 4']
  return reading.done(
    name,
    source,
    length,
    end - at < 2 ? 'Truncated' : `then ${nextName(view.getUint8(at))}`,
  )
}

function describeFragment(reading: Reading): void {
  const { view } = reading
  reading.field('Fragment offset', FRAGMENT_FIELD, 2, 'Where this piece belongs in what was cut.', i =>
    count(view.getUint16(i) & FRAGMENT_OFFSET, 'byte'),
  )
  reading.field('More fragments', FRAGMENT_FIELD + 1, 1, 'Whether pieces follow behind this one.', i =>
    view.getUint8(i) & FRAGMENT_MORE ? 'yes' : 'no, the last',
  )
  reading.field('Identification', FRAGMENT_ID, 4, 'Fragments of one packet carry the same number.', i =>
    hex(view.getUint32(i), 8),
  )
}

function describeRouting(reading: Reading, length: number): void {
  const { view } = reading
  reading.field(
    'Routing type',
    ROUTING_TYPE,
    1,
    'Type 0, a list of hosts to visit, was abused for amplification and is forbidden (RFC 5095).',
    i => String(view.getUint8(i)),
    i =>
      view.getUint8(i) === 0 && reading.has(ROUTING_SEGMENTS_LEFT, 1) && view.getUint8(i + 1) !== 0
        ? 'No host follows a type 0 header any more.'
        : undefined,
  )
  reading.field('Segments left', ROUTING_SEGMENTS_LEFT, 1, 'How many hosts it should still visit.', i =>
    String(view.getUint8(i)),
  )
  const rest = Math.min(length, reading.end - reading.at) - 4
  if (rest > 0)
    reading.field('Type-specific data', 4, rest, 'Its meaning depends on the type.', () =>
      count(rest, 'byte'),
    )
}

const OPTION_ACTIONS = [
  'skips it',
  'discards the packet',
  'discards the packet and says so',
  'discards the packet and says so, unless it was for a group',
]

function describeOptions6(reading: Reading, headerLength: number): void {
  const { view, at } = reading
  const limit = Math.min(headerLength, reading.end - at)
  for (let offset = 2; offset < limit; ) {
    const kind = view.getUint8(at + offset)
    if (kind === OPTION_PAD_1) {
      reading.field('Pad1', offset, 1, 'One byte of padding.', () => '')
      offset++
      continue
    }
    const length = offset + 1 < limit ? 2 + view.getUint8(at + offset + 1) : 0
    if (length === 0 || offset + length > limit) {
      reading.field(
        'Malformed option',
        offset,
        1,
        'What follows cannot be read.',
        () => `type ${kind}`,
        () => 'An option’s length should end inside the header.',
      )
      return
    }
    if (kind === OPTION_PAD_N)
      reading.field('PadN', offset, length, 'Padding up to the next boundary.', () => count(length, 'byte'))
    else if (kind === OPTION_ROUTER_ALERT)
      reading.field('Router alert', offset, length, 'Routers on the way should look into this packet.', () =>
        length === 4 ? `value ${view.getUint16(at + offset + 2)}` : count(length, 'byte'),
      )
    else
      reading.field(
        `Option ${kind}`,
        offset,
        length,
        `Who does not know it ${OPTION_ACTIONS[kind >>> 6]} (RFC 8200, 4.2).`,
        () => count(length - 2, 'byte'),
      )
    offset += length
  }
}

/** RFC 8200, 8.1: the pseudo-header's part of a checksum; `at` is where the IPv6 header begins. */
export const pseudoHeader6Sum = (view: DataView, at: number, next: number, length: number): number =>
  onesComplementSum(
    view,
    at + IP6_SOURCE,
    at + IP6_DESTINATION + 16,
    next + (length & 0xffff) + (length >>> 16),
  )
