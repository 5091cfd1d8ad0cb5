/**
 * Forwarding: a host that is told to is a router, RFC 1812, 5.2.1: a datagram for somebody else goes on towards him.
 *
 *     martian? --> options --> time to live --> route --> redirect? --> fits the link? --> its frame, a hop further
 *
 * The frame that came in is the frame that goes out: its page changes hands, only the headers are written anew. What cannot go on
 * is told to its source (icmp/errors.ts), or dropped without a word where that is forbidden.
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { frameAt, queueFrame, queueFrames } from '../ethernet/frames.ts'
import { linkAt } from '../ethernet/links.ts'
import { holdPage, holdPages } from '../ethernet/neighbours.ts'
import { sendError, sendUnreachable } from '../icmp/errors.ts'
import { type Address, FRAME_MAX, freePages, keepInput, type Page } from '../memory/arena.ts'
import { FORWARDS, LINK_MTU, POOL_FRAMES } from '../memory/layout.ts'
import { icmpOutRedirects, icmpOutTimeExcds, ipForwDatagrams, ipFragFails, ipOutNoRoutes } from '../mib.ts'
import { fold } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  REDIRECT_HOST,
  TIME_EXCEEDED_TRANSIT,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_HOST,
  UNREACHABLE_NET,
} from '../wire/icmp.ts'
import {
  IP_CHECKSUM,
  IP_DESTINATION,
  IP_DONT_FRAGMENT,
  IP_FRAGMENT,
  IP_HEADER,
  IP_SOURCE,
  IP_TOTAL_LENGTH,
  IP_TTL,
  isLinkLocal,
  isLoopback,
  isMulticast,
} from '../wire/ipv4.ts'
import { cutForward } from './cut.ts'
import { isBroadcast, isInOwnNetwork, isOurs } from './local.ts'
import { addressFrame, isReady, NO_ROUTE, routeTo } from './route.ts'
import { ROUTE_GATEWAY, ROUTE_LINK } from './routes.ts'

/** RFC 1812, 4.3.2.3: an error quotes as much as fits 576 bytes, behind an IP header of 20 and 8 of its own. */
const QUOTED = 576 - 28 - 20

/** The feature IP_FORWARD as core code knows it. */
export interface Forwarding {
  /** The datagram at `ip`, its header checked, is for somebody else. */
  forward(s: Core, ip: Address, headerLength: number, total: number): Drop
  /** Nobody answers at the next hop of the frames that wait in these pages: their sources are told. */
  undeliverable(s: Core, head: Page): void
}

/** RFC 1812, 5.3.7: addresses that no datagram between networks has; RFC 3927, 2.7: nor link-local ones; no broadcasts. */
const isMartian = (s: Core, address: number): boolean =>
  address >>> 24 === 0 ||
  isLoopback(address) ||
  isMulticast(address) ||
  address >>> 28 === 0xf ||
  isLinkLocal(address) ||
  isBroadcast(s.m, address)

function forward(s: Core, ip: Address, headerLength: number, total: number): Drop {
  const { m } = s
  const { view } = m
  const source = view.getInt32(ip + IP_SOURCE)
  const destination = view.getInt32(ip + IP_DESTINATION)
  if (m.get8(FORWARDS) === 0) return dropped(s, Drop.WrongDestination)
  if (isMartian(s, source) || isMartian(s, destination)) return dropped(s, Drop.Martian)
  if (headerLength > IP_HEADER) {
    const fault = s.features.options?.check(s, ip, headerLength) ?? Drop.None
    if (fault !== Drop.None) return fault
  }
  if (m.get8(ip + IP_TTL) <= 1) {
    if (sendError(s, ip, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_TRANSIT, 0, QUOTED)) count(s, icmpOutTimeExcds)
    return dropped(s, Drop.TimeToLive)
  }
  const route = routeTo(s, destination)
  if (route === 0) {
    count(s, ipOutNoRoutes)
    sendUnreachable(s, ip, UNREACHABLE_NET, 0, QUOTED)
    return dropped(s, Drop.NoRoute)
  }
  const link = m.get8(route + ROUTE_LINK)
  const hop = m.get32(route + ROUTE_GATEWAY) || destination
  const redirects = link === s.link && isInOwnNetwork(m, source, link, hop)
  // RFC 1812, 5.2.7.2: its source could have sent it there itself, and is told so; never about a source route, which got no farther.
  if (redirects && sendError(s, ip, ICMP_REDIRECT, REDIRECT_HOST, hop, QUOTED)) count(s, icmpOutRedirects)
  if (headerLength > IP_HEADER) s.features.options?.record(s, ip, headerLength, link)
  const mtu = m.get16(linkAt(m, link) + LINK_MTU)
  if (total <= mtu) return sendOn(s, ip, total, destination)
  return sendOnInPieces(s, ip, headerLength, total, mtu, destination)
}

/**
 * One from the time to live. RFC 1624, 3, eqn. 3: HC' = ~(~HC + ~m + m'), the word m being the time to live, which is its
 * upper byte, and the protocol.
 */
function age(s: Core, ip: Address): void {
  const { m } = s
  const word = m.get16(ip + IP_TTL)
  m.put8(ip + IP_TTL, m.get8(ip + IP_TTL) - 1)
  const sum = (~m.get16(ip + IP_CHECKSUM) & 0xffff) + (~word & 0xffff) + m.get16(ip + IP_TTL)
  m.put16(ip + IP_CHECKSUM, ~fold(sum) & 0xffff)
}

/** The frame in the input page becomes the one that goes out. */
function sendOn(s: Core, ip: Address, total: number, destination: number): Drop {
  const { m } = s
  const page = keepInput(m, POOL_FRAMES)
  if (page === 0) return dropped(s, Drop.NoMemory)
  age(s, ip)
  const way = addressFrame(s, frameAt(page), destination)
  if (way === NO_ROUTE) {
    freePages(m, page)
    return dropped(s, Drop.NoMemory)
  }
  count(s, ipForwDatagrams)
  if (isReady(way))
    return queueFrame(s, page, ETH_HEADER + total, way) ? Drop.None : dropped(s, Drop.QueueFull)
  holdPage(s, way, page, ETH_HEADER + total)
  return Drop.None
}

/** RFC 1812, 5.2.6; RFC 1191, 4: what must not be cut is told with the MTU that it did not fit. */
function sendOnInPieces(
  s: Core,
  ip: Address,
  headerLength: number,
  total: number,
  mtu: number,
  destination: number,
): Drop {
  const { m } = s
  if ((m.view.getUint16(ip + IP_FRAGMENT) & IP_DONT_FRAGMENT) !== 0) {
    count(s, ipFragFails)
    sendUnreachable(s, ip, UNREACHABLE_FRAGMENTATION_NEEDED, mtu, QUOTED)
    return dropped(s, Drop.FragmentationNeeded)
  }
  if (total + ETH_HEADER > FRAME_MAX) return dropped(s, Drop.DatagramTooLarge)
  age(s, ip)
  const head = cutForward(s, ip, headerLength, total, mtu)
  if (head === 0) return dropped(s, Drop.NoMemory)
  let way = NO_ROUTE
  for (let page = head; page !== 0; page = m.get32(page)) way = addressFrame(s, frameAt(page), destination)
  if (way === NO_ROUTE) {
    freePages(m, head)
    return dropped(s, Drop.NoMemory)
  }
  count(s, ipForwDatagrams)
  if (isReady(way)) return queueFrames(s, head, way) ? Drop.None : dropped(s, Drop.QueueFull)
  holdPages(s, way, head)
  return Drop.None
}

/** The feature IP_FORWARD. */
export const ipForward: Forwarding = {
  forward,
  undeliverable(s, head) {
    const ip = frameAt(head) + ETH_HEADER
    if (head === 0 || isOurs(s.m, s.m.view.getInt32(ip + IP_SOURCE))) return
    const quote = Math.min(QUOTED, s.m.view.getUint16(ip + IP_TOTAL_LENGTH))
    sendUnreachable(s, ip, UNREACHABLE_HOST, 0, quote)
  },
}
