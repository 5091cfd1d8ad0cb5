/**
 * Which frames may by right disturb conversations that they are no part of. Who is on the link can do it by protocols that
 * believe everybody; the RFCs know it and say so. A blind saboteur does not send these, so that whatever it does send must
 * disturb nobody:
 *
 * - ARP that tells of a host's address, or claims it: whatever it says is believed (RFC 826; RFC 5227, 5).
 * - Neighbour discovery about a host's address, and all that speaks as a router does: RFC 4861, 11.1, RFC 3756, 4. Redirects
 *   of IPv4 from the router's address (RFC 1122, 3.2.2.2).
 * - DHCP to a server: a release or a decline in a client's name takes its address away (RFC 2131, 7).
 * - Multicast DNS: who answers for another's name takes it (RFC 6762, 21).
 * - A SYN to who has asked for this very connection and has had no answer: a simultaneous open (RFC 9293, 3.5), which the other,
 *   who knows nothing of it, refuses. RFC 5961 has no word on it; that ports are not known is what helps (RFC 6056, 1).
 *
 * Not among them: segments, datagrams and fragments with any source, ICMP errors of whatever they quote (RFC 5927: TCP
 * looks at the sequence number), IGMP, MLD, LLDP, and whatever a header can say that is wrong.
 */

/** What a frame says of itself, as far as it goes. */
export interface Said {
  readonly type: number
  /** IP's, or what stands behind all of IPv6's headers; -1 without. */
  readonly protocol: number
  /** Where that begins in the frame. */
  readonly payload: number
  /** As hex: four bytes, or sixteen. */
  readonly from: string
  readonly to: string
  readonly fromPort: number
  readonly toPort: number
}

const hex = (bytes: Uint8Array): string =>
  bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')
const word = (frame: Uint8Array, at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0)

const [ARP, IPV4, IPV6] = [0x0806, 0x0800, 0x86dd]

/** Ports are those of the payload's first bytes, also where these are none. */
export function saidBy(frame: Uint8Array): Said {
  const type = word(frame, 12)
  const four = type === IPV4
  const six = type === IPV6
  const { protocol, payload } = four
    ? { protocol: frame[23] ?? -1, payload: 14 + ((frame[14] ?? 0) & 15) * 4 }
    : six
      ? behindHeaders(frame)
      : { protocol: -1, payload: 14 }
  return {
    type,
    protocol,
    payload,
    from: hex(four ? frame.subarray(26, 30) : six ? frame.subarray(22, 38) : frame.subarray(28, 32)),
    to: hex(four ? frame.subarray(30, 34) : six ? frame.subarray(38, 54) : frame.subarray(38, 42)),
    fromPort: word(frame, payload),
    toPort: word(frame, payload + 2),
  }
}

/** RFC 8200, 4: hop-by-hop options, routing, fragment and destination options, each of which names what follows. */
function behindHeaders(frame: Uint8Array): { protocol: number; payload: number } {
  let [protocol, payload] = [frame[20] ?? -1, 54]
  while ([0, 43, 44, 60].includes(protocol) && payload < frame.length) {
    const length = protocol === 44 ? 8 : ((frame[payload + 1] ?? 0) + 1) * 8
    protocol = frame[payload] ?? -1
    payload += length
  }
  return { protocol, payload }
}

/** A segment that would open a connection: SYN, and neither ACK nor RST. */
export function isBareSyn(frame: Uint8Array): boolean {
  const { protocol, payload } = saidBy(frame)
  return protocol === 6 && ((frame[payload + 13] ?? 0) & 0x16) === 2
}

/** `addresses` are those of the hosts that converse, as hex. */
export function disturbsByRight(frame: Uint8Array, addresses: ReadonlySet<string>): boolean {
  const { type, protocol, payload, from, fromPort, toPort } = saidBy(frame)
  if (type === ARP) return addresses.has(from)
  if (type === IPV4 && protocol === 1) return fromPort >> 8 === 5
  if ((type === IPV4 || type === IPV6) && protocol === 17)
    return [fromPort, toPort].some(port => port === 5353 || port === 67)
  // RFC 4861, 4: messages 133 to 137.
  return type === IPV6 && protocol === 58 && [133, 134, 135, 136, 137].includes(frame[payload] ?? 0)
}
