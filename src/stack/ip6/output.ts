/**
 * IPv6 packets of our own making: the header around a payload, then off to the link. A payload stands behind room for
 * Ethernet's header and IPv6's; one that must go in fragments lies in a list of pages, with room for that header as well.
 */
import { type Core, count, type Emit } from '../core.ts'
import { EHOSTUNREACH, EMSGSIZE, ENOBUFS, type Errno } from '../errno.ts'
import { frameAt, putEthernet, queueFrame, takeFrame } from '../ethernet/frames.ts'
import { type Address, freePage, PAGE_FRAME, PAGE_LENGTH, PAGE_OFFSET, type Page } from '../memory/arena.ts'
import { ip6OutRequests } from '../mib.ts'
import { LOCAL_ADDRESS, REMOTE_ADDRESS } from '../socket/record.ts'
import type { Tcb } from '../tcp/tcb.ts'
import { complement, pseudoSum6, sumBytes } from '../wire/checksum.ts'
import { ETH_HEADER, ETHERTYPE_IPV6 } from '../wire/ethernet.ts'
import { PROTOCOL_TCP } from '../wire/ipv4.ts'
import { IP6_DESTINATION, IP6_HEADER, IP6_SOURCE, putIpv6 } from '../wire/ipv6.ts'
import { TCP_CHECKSUM } from '../wire/tcp.ts'
import { findDestination, firstHop, hopTo, pathMtuTo } from './destinations.ts'
import { layInFragments6, sendInFragments6 } from './fragment.ts'
import { isMulticast6 } from './kinds.ts'
import { hopLimit } from './link.ts'
import { holdFrame6, holdPages6, INCOMPLETE, MAC6_HIGH, MAC6_LOW, neighbourUsed } from './neighbours.ts'
import { ADDRESS6, copyAddress, STATE6 } from './records.ts'

/** Where the payload of a packet that goes out whole begins in its page. */
export const payload6At = (page: Page): Address => frameAt(page) + ETH_HEADER + IP6_HEADER
/** The same from the page's start. */
export const PAYLOAD6 = PAGE_FRAME + ETH_HEADER + IP6_HEADER
/** Where the IPv6 header of a packet of ours begins. */
export const header6At = (page: Page): Address => frameAt(page) + ETH_HEADER

/** IPv6 has the first link alone. */
export const LINK = 0

/** The frame may be sent. */
export const READY = 0
/** There is no way to the destination, or no memory for a neighbour. */
export const NO_ROUTE = -1

/**
 * Writes the Ethernet header of the frame at `frame`, whose IPv6 header is complete. READY, NO_ROUTE, or the neighbour
 * that has yet to be found: hold the frame there. `d` is the destination's record where it has one.
 */
export function addressFrame6(s: Core, frame: Address, d: Address): Address {
  const { m } = s
  const to = frame + ETH_HEADER + IP6_DESTINATION
  if (isMulticast6(m, to)) {
    // The last 32 bits of the group behind 33-33 (RFC 2464, 7).
    putEthernet(s, frame, 0x3333, m.view.getInt32(to + 12), ETHERTYPE_IPV6)
    return READY
  }
  const n = d === 0 ? firstHop(s, to) : hopTo(s, d)
  if (n === 0) return NO_ROUTE
  if (d === 0) neighbourUsed(s, n)
  putEthernet(s, frame, m.get16(n + MAC6_HIGH), m.get32(n + MAC6_LOW), ETHERTYPE_IPV6)
  return m.get8(n + STATE6) === INCOMPLETE ? n : READY
}

/** A segment of a connection, its TCP header at `tcp`, its checksum field 0. See emitSegment (tcp/emit.ts). */
export function sendSegment6(
  s: Core,
  t: Tcb,
  tcp: Address,
  length: number,
  ecn: number,
  emit: Emit,
): boolean {
  const { m } = s
  const ip = tcp - IP6_HEADER
  const frame = ip - ETH_HEADER
  const to = m.get32(t + REMOTE_ADDRESS)
  putIpv6(m.view, ip, length, PROTOCOL_TCP, hopLimit(m))
  // The field's two bits end the traffic class, of which the second byte has the lower half.
  if (ecn !== 0) m.put8(ip + 1, ecn << 4)
  copyAddress(m, ip + IP6_SOURCE, m.get32(t + LOCAL_ADDRESS))
  copyAddress(m, ip + IP6_DESTINATION, to)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, PROTOCOL_TCP, length) + sumBytes(m, tcp, length)
  m.put16(tcp + TCP_CHECKSUM, complement(sum))
  count(s, ip6OutRequests)
  const way = addressFrame6(s, frame, to - ADDRESS6)
  const size = ETH_HEADER + IP6_HEADER + length
  if (way === READY) return emit(m.window(frame, size), LINK)
  // No route is a loss like any other: the retransmission timer deals with it.
  if (way !== NO_ROUTE) holdFrame6(s, way, frame, size)
  return true
}

/**
 * Pages for a payload to the address at `to`: `headerLength` bytes that the caller fills in at firstPayload, and `data`.
 * EMSGSIZE when it is larger than can be sent, ENOBUFS when memory is full.
 */
export function layPayload(s: Core, to: Address, headerLength: number, data: Uint8Array): Page | Errno {
  const { m } = s
  if (headerLength + data.length > pathMtuTo(m, to) - IP6_HEADER)
    return s.features.fragments === undefined ? EMSGSIZE : layInFragments6(s, to, headerLength, data)
  const page = takeFrame(s, false)
  if (page === 0) return ENOBUFS
  m.bytes.set(data, payload6At(page) + headerLength)
  return page
}

/** Where the payload begins in pages that layPayload gave. */
export const firstPayload = (s: Core, page: Page): Address =>
  page + (s.m.get16(page + PAGE_OFFSET) || PAYLOAD6)

/**
 * Sends a payload of `length` bytes of a protocol that has a checksum at `checksumAt`, 0 until now, in its header. The
 * addresses are given as words. Its page or pages are given away, whatever happens.
 */
export function sendPayload(
  s: Core,
  page: Page,
  from: number,
  to: number,
  protocol: number,
  length: number,
  checksumAt: number,
): 0 | Errno {
  const { m } = s
  const ip = header6At(page)
  copyAddress(m, ip + IP6_SOURCE, from)
  copyAddress(m, ip + IP6_DESTINATION, to)
  if (m.get16(page + PAGE_OFFSET) !== 0) return sendInFragments6(s, page, protocol, length, checksumAt)
  return sendPacket(s, page, protocol, length, checksumAt, hopLimit(m))
}

/** The same for one page, where the addresses stand in their places in the header already. */
export function sendPacket(
  s: Core,
  page: Page,
  protocol: number,
  length: number,
  checksumAt: number,
  hops: number,
): 0 | Errno {
  const { m } = s
  const ip = header6At(page)
  const payload = payload6At(page)
  putIpv6(m.view, ip, length, protocol, hops)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, protocol, length) + sumBytes(m, payload, length)
  // RFC 768 and RFC 8200, 8.1: what comes out as zero is sent as all ones; for the other protocols they are the same.
  m.put16(payload + checksumAt, complement(sum) || 0xffff)
  return launch(s, page, ETH_HEADER + IP6_HEADER + length)
}

/** A finished packet of which the frame has `size` bytes goes to the link, or waits for its neighbour. */
export function launch(s: Core, page: Page, size: number): 0 | Errno {
  const { m } = s
  count(s, ip6OutRequests)
  const way = addressFrame6(s, frameAt(page), findDestination(m, header6At(page) + IP6_DESTINATION))
  m.put16(page + PAGE_LENGTH, size)
  if (way === NO_ROUTE) {
    freePage(m, page)
    return EHOSTUNREACH
  }
  if (way !== READY) {
    holdPages6(s, way, page)
    return 0
  }
  return queueFrame(s, page, size) ? 0 : ENOBUFS
}
