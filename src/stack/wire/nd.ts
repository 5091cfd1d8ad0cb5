/** Neighbour discovery's messages, RFC 4861, 4, inside ICMPv6: a fixed part, then options in units of 8 bytes. */
import { address6At } from './ipv6.ts'
import { count, hex, macAt, type Reading } from './readable.ts'

/** Types of ICMPv6, RFC 4861, 4.1 … 4.5. */
export const ND_ROUTER_SOLICITATION = 133
export const ND_ROUTER_ADVERTISEMENT = 134
export const ND_NEIGHBOUR_SOLICITATION = 135
export const ND_NEIGHBOUR_ADVERTISEMENT = 136
export const ND_REDIRECT = 137

/** Where the options begin, by type: the length of the fixed part. */
export const RS_LENGTH = 8
export const RA_LENGTH = 16
/** Solicitations and advertisements of neighbours. */
export const NS_LENGTH = 24
export const REDIRECT_LENGTH = 40

/** Offsets in a router advertisement, RFC 4861, 4.2. A hop limit of 0: not said. */
export const RA_HOP_LIMIT = 4
export const RA_FLAGS = 5
/** Seconds; 0: no default router. */
export const RA_LIFETIME = 6
/** Milliseconds; 0: not said. */
export const RA_REACHABLE = 8
export const RA_RETRANS = 12

/** Offsets in neighbour messages and redirects, and the bits of a neighbour advertisement: RFC 4861, 4.3 … 4.5. */
export const NA_FLAGS = 4
export const NA_ROUTER = 0x80
export const NA_SOLICITED = 0x40
export const NA_OVERRIDE = 0x20
export const ND_TARGET = 8
export const REDIRECT_DESTINATION = 24

/** Option types, RFC 4861, 4.6. */
export const ND_OPTION_SOURCE = 1
export const ND_OPTION_TARGET = 2
export const ND_OPTION_PREFIX = 3
export const ND_OPTION_MTU = 5
/** RFC 8106, 5.1. */
export const ND_OPTION_RDNSS = 25

/** Of a link-layer address option: its length in bytes, and where the address stands. */
export const LINK_OPTION_LENGTH = 8
export const LINK_OPTION_MAC = 2
/** Of a prefix option (RFC 4861, 4.6.2). */
export const PREFIX_OPTION_LENGTH = 32
export const PREFIX_LENGTH = 2
export const PREFIX_FLAGS = 3
export const PREFIX_ON_LINK = 0x80
export const PREFIX_AUTONOMOUS = 0x40
export const PREFIX_VALID = 4
export const PREFIX_PREFERRED = 8
export const PREFIX_PREFIX = 16
export const MTU_OPTION_LENGTH = 8
export const MTU_OPTION_MTU = 4
export const RDNSS_LIFETIME = 4
export const RDNSS_ADDRESSES = 8

/** Whether a type of ICMPv6 is one of these messages: 133 … 137. */
export const isNd = (type: number): boolean => type >= ND_ROUTER_SOLICITATION && type <= ND_REDIRECT

/** The length of the fixed part of a message of this type. */
export const ndLength = (type: number): number =>
  type === ND_ROUTER_SOLICITATION
    ? RS_LENGTH
    : type === ND_ROUTER_ADVERTISEMENT
      ? RA_LENGTH
      : type === ND_REDIRECT
        ? REDIRECT_LENGTH
        : NS_LENGTH

/** RFC 4861, 6.1, 7.1 and 8.1: "All included options have a length that is greater than zero", and end where the message does. */
export function ndOptionsAreValid(view: DataView, from: number, end: number): boolean {
  let at = from
  while (at + 2 <= end && view.getUint8(at + 1) !== 0) at += view.getUint8(at + 1) * 8
  return at === end
}

/** The first option of this type and at least this length, 0 if there is none. The options are valid. */
export function findNdOption(view: DataView, from: number, end: number, type: number, least: number): number {
  for (let at = from; at < end; at += view.getUint8(at + 1) * 8)
    if (view.getUint8(at) === type && view.getUint8(at + 1) * 8 >= least) return at
  return 0
}

/** A link-layer address option. */
export function putLinkOption(
  view: DataView,
  at: number,
  type: number,
  macHigh: number,
  macLow: number,
): void {
  view.setUint16(at, (type << 8) | 1)
  view.setUint16(at + LINK_OPTION_MAC, macHigh)
  view.setInt32(at + LINK_OPTION_MAC + 2, macLow)
}

// ---- the readable form ----------------------------------------------------------------------------------------

/** One line about the message, whose type is one of these; 'Truncated: …' when its fixed part does not end before `end`. */
export function ndSummary(view: DataView, at: number, end: number): string {
  const type = view.getUint8(at)
  if (end - at < ndLength(type)) return `Truncated: this message has at least ${ndLength(type)} bytes`
  switch (type) {
    case ND_ROUTER_SOLICITATION:
      return 'Router solicitation: is there a router?'
    case ND_ROUTER_ADVERTISEMENT:
      return `Router advertisement: lifetime ${count(view.getUint16(at + RA_LIFETIME), 'second')}`
    case ND_NEIGHBOUR_SOLICITATION:
      return `Who has ${address6At(view, at + ND_TARGET)}?`
    case ND_REDIRECT:
      return `Redirect: ${address6At(view, at + REDIRECT_DESTINATION)} by way of ${address6At(view, at + ND_TARGET)}`
    default: {
      const mac = ndOptionsAreValid(view, at + NS_LENGTH, end)
        ? findNdOption(view, at + NS_LENGTH, end, ND_OPTION_TARGET, LINK_OPTION_LENGTH)
        : 0
      return `${address6At(view, at + ND_TARGET)} is ${mac === 0 ? 'here' : `at ${macAt(view, mac + LINK_OPTION_MAC)}`}`
    }
  }
}

/** Puts the message's fields behind type, code and checksum; returns how long it is, options and all. */
export function describeNd(reading: Reading, type: number): number {
  const { view } = reading
  const address = (i: number): string => address6At(view, i)
  if (type === ND_ROUTER_ADVERTISEMENT) describeAdvertisement(reading)
  else if (type === ND_NEIGHBOUR_ADVERTISEMENT)
    reading.field(
      'Flags',
      NA_FLAGS,
      1,
      'R: a router speaks. S: it was asked. O: what is known should be replaced.',
      i => {
        const bits = view.getUint8(i)
        return ['R', 'S', 'O'].filter((_, bit) => bits & (0x80 >> bit)).join(', ') || 'none'
      },
    )
  if (type === ND_REDIRECT) {
    reading.field(
      'Target',
      ND_TARGET,
      16,
      'The better first hop; the destination itself when it is on this link.',
      address,
    )
    reading.field('Destination', REDIRECT_DESTINATION, 16, 'For packets to this address.', address)
  } else if (type === ND_NEIGHBOUR_SOLICITATION || type === ND_NEIGHBOUR_ADVERTISEMENT)
    reading.field('Target', ND_TARGET, 16, 'The address that is asked for, or spoken of.', address)
  let offset = ndLength(type)
  while (reading.has(offset, 2)) offset += describeOption(reading, offset)
  return offset
}

function describeAdvertisement(reading: Reading): void {
  const { view } = reading
  reading.field(
    'Hop limit',
    RA_HOP_LIMIT,
    1,
    'What hosts should put into their packets; 0 leaves it open.',
    i => String(view.getUint8(i)),
  )
  reading.field('Flags', RA_FLAGS, 1, 'M: addresses come by DHCPv6. O: other settings do.', i => {
    const bits = view.getUint8(i)
    return ['M', 'O'].filter((_, bit) => bits & (0x80 >> bit)).join(', ') || 'none'
  })
  reading.field(
    'Router lifetime',
    RA_LIFETIME,
    2,
    'For how long this router may be a default router; 0: not at all.',
    i => count(view.getUint16(i), 'second'),
  )
  reading.field(
    'Reachable time',
    RA_REACHABLE,
    4,
    'For how long a neighbour that answered counts as there; 0 leaves it open.',
    i => `${view.getUint32(i)} ms`,
  )
  reading.field(
    'Retransmission timer',
    RA_RETRANS,
    4,
    'How long to wait between solicitations; 0 leaves it open.',
    i => `${view.getUint32(i)} ms`,
  )
}

const OPTION_NAMES: Readonly<Record<number, readonly [name: string, note: string]>> = {
  [ND_OPTION_SOURCE]: ['Source link-layer address', 'The sender’s MAC address.'],
  [ND_OPTION_TARGET]: ['Target link-layer address', 'The MAC address of the target.'],
  [ND_OPTION_PREFIX]: ['Prefix', 'L: these addresses are on this link. A: hosts may make addresses of it.'],
  4: ['Redirected header', 'The packet that was redirected.'],
  [ND_OPTION_MTU]: ['MTU', 'The largest packet that all of this link carries.'],
  14: ['Nonce', 'Tells an echo of one’s own solicitation from another’s (RFC 3971).'],
  24: ['Route', 'A route by way of this router (RFC 4191).'],
  [ND_OPTION_RDNSS]: ['Recursive DNS servers', 'Whom to ask for names (RFC 8106, 5.1).'],
  31: ['DNS search list', 'Domains to look in (RFC 8106, 5.2).'],
}

/** One option; how many bytes to go on by: to the end where its length is impossible. */
function describeOption(reading: Reading, offset: number): number {
  const { view, at } = reading
  const type = view.getUint8(at + offset)
  const length = view.getUint8(at + offset + 1) * 8
  const [name, note] = OPTION_NAMES[type] ?? [`Option ${type}`, 'Unknown options are skipped (RFC 4861, 9).']
  if (length === 0 || !reading.has(offset, length)) {
    reading.field(
      'Malformed option',
      offset,
      2,
      'What follows cannot be read.',
      () => name,
      () => 'An option is at least 8 bytes long and ends inside the message.',
    )
    return reading.end
  }
  reading.field(name, offset, length, note, i => optionValue(view, i, type, length))
  return length
}

const lifetime = (seconds: number): string => (seconds === 0xffffffff ? 'for ever' : count(seconds, 'second'))

function optionValue(view: DataView, at: number, type: number, length: number): string {
  if ((type === ND_OPTION_SOURCE || type === ND_OPTION_TARGET) && length === LINK_OPTION_LENGTH)
    return macAt(view, at + LINK_OPTION_MAC)
  if (type === ND_OPTION_MTU && length === MTU_OPTION_LENGTH)
    return count(view.getUint32(at + MTU_OPTION_MTU), 'byte')
  if (type === ND_OPTION_PREFIX && length === PREFIX_OPTION_LENGTH) {
    const bits = view.getUint8(at + PREFIX_FLAGS)
    const flags = ['L', 'A'].filter((_, bit) => bits & (0x80 >> bit)).join(', ')
    const prefix = `${address6At(view, at + PREFIX_PREFIX)}/${view.getUint8(at + PREFIX_LENGTH)}`
    const [valid, preferred] = [view.getUint32(at + PREFIX_VALID), view.getUint32(at + PREFIX_PREFERRED)]
    return `${prefix} ${flags || 'no flags'}, valid ${lifetime(valid)}, preferred ${lifetime(preferred)}`
  }
  if (type === ND_OPTION_RDNSS) {
    const servers = []
    for (let i = at + RDNSS_ADDRESSES; i + 16 <= at + length; i += 16) servers.push(address6At(view, i))
    return `${servers.join(', ')}, ${lifetime(view.getUint32(at + RDNSS_LIFETIME))}`
  }
  return length > 8 ? count(length - 2, 'byte') : hex(view.getUint32(at + 4), 8)
}
