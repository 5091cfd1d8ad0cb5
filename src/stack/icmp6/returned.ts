/**
 * An error about a packet of ours comes back, RFC 4443, 3: it quotes the packet, and is told to the connection that sent
 * it. What is quoted proves that whoever sends the error has seen the packet: it must be from one of our addresses,
 * to a destination that we know, and of a segment that is in flight (RFC 5927, 4.1; RFC 8201, 6).
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { ECONNREFUSED, EHOSTUNREACH } from '../errno.ts'
import { findOwn } from '../ip6/addresses.ts'
import { upper, upperLayer } from '../ip6/chain.ts'
import { findDestination, lowerPathMtu } from '../ip6/destinations.ts'
import { ADDRESS6 } from '../ip6/records.ts'
import type { Address } from '../memory/arena.ts'
import { tooBig } from '../tcp/too-big.ts'
import { isInFlight, returnedTo, tcpUnreachable } from '../tcp/unreachable.ts'
import { tellSender, udpUnreachable } from '../udp/unreachable.ts'
import {
  ICMP6_CODE,
  ICMP6_HEADER,
  ICMP6_MTU,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_TOO_BIG,
  ICMP6_UNREACHABLE,
  PARAMETER_NEXT_HEADER,
  UNREACHABLE6_PORT,
} from '../wire/icmp6.ts'
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/ipv4.ts'
import { IP6_DESTINATION, IP6_HEADER, IP6_NEXT_HEADER, IP6_PAYLOAD_LENGTH, IP6_SOURCE } from '../wire/ipv6.ts'
import { TCP_SEQUENCE } from '../wire/tcp.ts'
import { UDP_HEADER } from '../wire/udp.ts'

/** Of the quoted TCP header the ports and the sequence number are needed. */
const TCP_QUOTED = 8

/** An error of `length` bytes at `at`, its checksum right. */
export function errorReturned(s: Core, at: Address, length: number, type: number): Drop {
  const { m } = s
  const ip = at + ICMP6_HEADER
  const end = at + length
  if (end - ip < IP6_HEADER) return dropped(s, Drop.BadIcmpLength)
  if (findOwn(m, ip + IP6_SOURCE) === 0) return dropped(s, Drop.BadSource)
  const d = findDestination(m, ip + IP6_DESTINATION)
  if (d === 0) return dropped(s, Drop.NoConnection)
  const header = upperLayer(m, ip + IP6_NEXT_HEADER, ip + IP6_HEADER, end)
  const isTcp = header !== 0 && upper.next === PROTOCOL_TCP && end - header >= TCP_QUOTED
  if (type === ICMP6_TOO_BIG) return packetTooBig(s, d, isTcp ? header : 0, m.view.getUint32(at + ICMP6_MTU))
  const code = m.get8(at + ICMP6_CODE)
  if (header !== 0 && upper.next === PROTOCOL_UDP && end - header >= UDP_HEADER) {
    const refused = isRefusal(type, code)
    return udpUnreachable(s, d + ADDRESS6, header, refused ? ECONNREFUSED : EHOSTUNREACH)
  }
  if (!isTcp) return Drop.None
  if (isRefusal(type, code)) return tcpUnreachable(s, d + ADDRESS6, header, ECONNREFUSED)
  return type === ICMP6_UNREACHABLE ? tcpUnreachable(s, d + ADDRESS6, header, EHOSTUNREACH) : Drop.None
}

/** The packet of ours at `ip` cannot be delivered. TCP's attempts end with the neighbour (ip6/neighbours.ts). */
export function undeliverable(s: Core, ip: Address): void {
  const { m } = s
  const end = ip + IP6_HEADER + m.view.getUint16(ip + IP6_PAYLOAD_LENGTH)
  const d = findDestination(m, ip + IP6_DESTINATION)
  const header = upperLayer(m, ip + IP6_NEXT_HEADER, ip + IP6_HEADER, end)
  if (d !== 0 && header !== 0 && upper.next === PROTOCOL_UDP)
    tellSender(s, d + ADDRESS6, header, EHOSTUNREACH)
}

/** Nobody has the port; or, RFC 4443, 3.4, code 1: the host does not have the protocol. */
const isRefusal = (type: number, code: number): boolean =>
  (type === ICMP6_UNREACHABLE && code === UNREACHABLE6_PORT) ||
  (type === ICMP6_PARAMETER_PROBLEM && code === PARAMETER_NEXT_HEADER)

/** RFC 8201, 4: the path carries less than we thought. `header` is the TCP header quoted, 0 for another protocol's packet. */
function packetTooBig(s: Core, d: Address, header: Address, mtu: number): Drop {
  const t = header === 0 ? 0 : returnedTo(s.m, d + ADDRESS6, header)
  if (header !== 0 && (t === 0 || !isInFlight(s.m, t, s.m.view.getInt32(header + TCP_SEQUENCE))))
    return dropped(s, Drop.OutsideWindow)
  const lowered = lowerPathMtu(s.m, d, mtu)
  // What is known of the path already may be news to this connection, which is older.
  const heeded = t !== 0 && tooBig(s, t)
  return lowered || heeded ? Drop.None : dropped(s, Drop.Duplicate)
}
