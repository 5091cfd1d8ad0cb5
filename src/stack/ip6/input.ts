/**
 * An IPv6 packet arrives: its header, then the chain of extension headers, each of which says what comes next, RFC 8200, 3
 * and 4. The chain is walked once, and no farther than any honest packet goes (RFC 8504, 5.3).
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { sendParameterProblem } from '../icmp6/errors.ts'
import { isListening } from '../icmp6/groups.ts'
import { icmp6Input } from '../icmp6/input.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ip6InDelivers, ip6InReceives } from '../mib.ts'
import { CE, ECN_FIELD } from '../tcp/ecn.ts'
import { tcpInput } from '../tcp/input.ts'
import { pseudoSum6 } from '../wire/checksum.ts'
import { PARAMETER_FIELD, PARAMETER_NEXT_HEADER } from '../wire/icmp6.ts'
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/ipv4.ts'
import {
  EXT_LENGTH,
  FRAGMENT_FIELD,
  FRAGMENT_HEADER,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET,
  IP6_DESTINATION,
  IP6_HEADER,
  IP6_NEXT_HEADER,
  IP6_PAYLOAD_LENGTH,
  IP6_SOURCE,
  isExtension,
  NEXT_FRAGMENT,
  NEXT_HOP_BY_HOP,
  NEXT_ICMP6,
  NEXT_NONE,
  NEXT_ROUTING,
  ROUTING_SEGMENTS_LEFT,
  ROUTING_TYPE,
} from '../wire/ipv6.ts'
import { ND_NEIGHBOUR_ADVERTISEMENT } from '../wire/nd.ts'
import { findOwn, isAssigned } from './addresses.ts'
import { findDestination } from './destinations.ts'
import { isTested } from './duplicates.ts'
import { isLoopback6, isMapped, isMulticast6, isUnspecified, SCOPE_LINK, scopeOf } from './kinds.ts'
import { takeOptions } from './options.ts'
import { LINK } from './output.ts'
import { fragmentInput6 } from './reassemble.ts'
import { ADDRESS6, linkOf } from './records.ts'
import { udpInput6 } from './udp.ts'

/** RFC 8504, 5.3: a host may limit how many extension headers it takes. */
const HEADERS_MAX = 8

/** The packet at `ip`, of `length` bytes at most; `toGroup`: it came by a multicast or broadcast frame. */
export function ipv6Input(s: Core, ip: Address, length: number, toGroup: boolean): Drop {
  const { m } = s
  if (linkOf(m) === 0 || s.link !== LINK) return dropped(s, Drop.UnknownEtherType)
  count(s, ip6InReceives)
  if (length < IP6_HEADER) return dropped(s, Drop.Truncated)
  if (m.get8(ip) >> 4 !== 6) return dropped(s, Drop.BadIpVersion)
  const payload = m.view.getUint16(ip + IP6_PAYLOAD_LENGTH)
  if (payload > length - IP6_HEADER) return dropped(s, Drop.BadIpLength)
  if (!maySend(m, ip, payload)) return dropped(s, Drop.BadSource)
  const fault = isForUs(m, ip + IP6_DESTINATION)
  if (fault !== Drop.None) return dropped(s, fault)
  const at = ip + IP6_HEADER
  const toAll = toGroup || isMulticast6(m, ip + IP6_DESTINATION)
  return takeHeaders(s, ip, ip + IP6_NEXT_HEADER, at, at + payload, toAll, false)
}

/** RFC 4291, 2.5.3, 2.7: no group, no loopback address may be a source; nor may ours, from outside, nor an IPv4 address in disguise. */
function maySend(m: Arena, ip: Address, payload: number): boolean {
  const source = ip + IP6_SOURCE
  if (isMulticast6(m, source) || isLoopback6(m, source) || isMapped(m, source)) return false
  const own = findAssigned(m, source)
  return own === 0 || (isTested(m, own) && payload > 0 && isAdvertisement(m, ip))
}

/** Whoever else has an address of ours answers from it, when we test it again. */
const isAdvertisement = (m: Arena, ip: Address): boolean =>
  m.get8(ip + IP6_NEXT_HEADER) === NEXT_ICMP6 && m.get8(ip + IP6_HEADER) === ND_NEIGHBOUR_ADVERTISEMENT

/** RFC 4862, 5.4: what is sent to a tentative address is not taken; RFC 4291, 2.7.1: nothing of scope 0 or 1 comes from a link. */
function isForUs(m: Arena, at: Address): Drop {
  if (isMulticast6(m, at))
    return scopeOf(m, at) >= SCOPE_LINK && isListening(m, at) ? Drop.None : Drop.NotAMember
  const own = findOwn(m, at)
  return own === 0 ? Drop.WrongDestination : isAssigned(m, own) ? Drop.None : Drop.NoAddress
}

function findAssigned(m: Arena, at: Address): Address {
  const own = findOwn(m, at)
  return own !== 0 && isAssigned(m, own) ? own : 0
}

/**
 * The chain from the header at `at` on, of which the byte at `nextAt` says what it is, up to `end`. `fragmented`: the
 * packet came with a fragment header, though it is whole.
 */
export function takeHeaders(
  s: Core,
  ip: Address,
  firstNextAt: Address,
  first: Address,
  end: Address,
  toAll: boolean,
  fragmentHeader: boolean,
): Drop {
  const { m } = s
  let [nextAt, at, fragmented] = [firstNextAt, first, fragmentHeader]
  for (let headers = 0; ; headers++) {
    const next = m.get8(nextAt)
    if (!isExtension(next)) return deliver(s, ip, nextAt, at, end - at, toAll, fragmented)
    // 4.3: a hop-by-hop header stands "immediately following the IPv6 header"; elsewhere its number is an unknown one.
    if (next === NEXT_HOP_BY_HOP && nextAt !== ip + IP6_NEXT_HEADER) {
      sendParameterProblem(s, ip, end, PARAMETER_NEXT_HEADER, nextAt - ip, toAll)
      return dropped(s, Drop.BadExtension)
    }
    if (headers === HEADERS_MAX) return dropped(s, Drop.BadExtension)
    if (at + FRAGMENT_HEADER > end) return dropped(s, Drop.Truncated)
    if (next === NEXT_FRAGMENT) {
      // What was put together is not to be put together again.
      if (fragmented) return dropped(s, Drop.BadExtension)
      if (isPiece(m, at)) return fragmentInput6(s, ip, at, end, toAll)
      // 4.5: one that is first and last at once is a whole packet, whatever others with its identification say.
      fragmented = true
    }
    const size = next === NEXT_FRAGMENT ? FRAGMENT_HEADER : (m.get8(at + EXT_LENGTH) + 1) * 8
    if (at + size > end) return dropped(s, Drop.Truncated)
    const taken =
      next === NEXT_FRAGMENT
        ? Drop.None
        : next === NEXT_ROUTING
          ? takeRouting(s, ip, at, end, toAll)
          : takeOptions(s, ip, at, at + size, end, toAll)
    if (taken !== Drop.None) return taken
    nextAt = at
    at += size
  }
}

const isPiece = (m: Arena, at: Address): boolean =>
  (m.view.getUint16(at + FRAGMENT_FIELD) & (FRAGMENT_OFFSET | FRAGMENT_MORE)) !== 0

/** 4.4: a type that we do not know, and we know none, is passed over when no segments are left; type 0 is one (RFC 5095, 3). */
function takeRouting(s: Core, ip: Address, at: Address, end: Address, toAll: boolean): Drop {
  if (s.m.get8(at + ROUTING_SEGMENTS_LEFT) === 0) return Drop.None
  sendParameterProblem(s, ip, end, PARAMETER_FIELD, at + ROUTING_TYPE - ip, toAll)
  return dropped(s, Drop.BadExtension)
}

/** `length` bytes at `at` for a protocol. */
function deliver(
  s: Core,
  ip: Address,
  nextAt: Address,
  at: Address,
  length: number,
  toAll: boolean,
  fragmented: boolean,
): Drop {
  count(s, ip6InDelivers)
  switch (s.m.get8(nextAt)) {
    case PROTOCOL_TCP:
      return toAll ? dropped(s, Drop.WrongDestination) : tcpPacket(s, ip, at, length)
    case PROTOCOL_UDP:
      return udpInput6(s, ip, at, length, toAll)
    case NEXT_ICMP6:
      return icmp6Input(s, ip, at, length, toAll, fragmented)
    case NEXT_NONE:
      // 4.7: nothing follows, and what does is ignored.
      return Drop.None
    default:
      sendParameterProblem(s, ip, at + length, PARAMETER_NEXT_HEADER, nextAt - ip, toAll)
      return dropped(s, Drop.UnknownProtocol)
  }
}

/**
 * The words for the two addresses: whoever has no connection here has none but where the frame stands. RFC 9293, 3.9.2.3:
 * a SYN "with an invalid source address MUST be ignored", and nobody can be answered who has none.
 */
function tcpPacket(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  if (isUnspecified(m, ip + IP6_SOURCE)) return dropped(s, Drop.BadSource)
  const d = findDestination(m, ip + IP6_SOURCE)
  const source = d === 0 ? ip + IP6_SOURCE : d + ADDRESS6
  const destination = findOwn(m, ip + IP6_DESTINATION) + ADDRESS6
  const pseudo = pseudoSum6(m, ip + IP6_SOURCE, PROTOCOL_TCP, length)
  // RFC 3168, 5: the field's two bits end the traffic class.
  s.segment.ce = s.features.ecn !== undefined && ((m.get8(ip + 1) >> 4) & ECN_FIELD) === CE
  const drop = tcpInput(s, source, destination, at, length, pseudo)
  s.segment.ce = false
  return drop
}
