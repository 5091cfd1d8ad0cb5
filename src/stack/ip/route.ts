/**
 * Where a datagram goes next: RFC 1122, 3.3.1.1: to its destination when that is on the link, else to the gateway.
 * And the Ethernet header that takes it there.
 */
import type { Core } from '../core.ts'
import { putEthernet } from '../ethernet/frames.ts'
import { LINKS_MAX, linkAt } from '../ethernet/links.ts'
import {
  NEIGHBOUR_INCOMPLETE,
  NEIGHBOUR_LINK,
  NEIGHBOUR_MAC_HIGH,
  NEIGHBOUR_MAC_LOW,
  NEIGHBOUR_STATE,
  NEIGHBOUR_USED,
  wantNeighbour,
} from '../ethernet/neighbours.ts'
import type { Address } from '../memory/arena.ts'
import { HOP, HOP_TO, LINK_MTU } from '../memory/layout.ts'
import { ETHERTYPE_IPV4 } from '../wire/ethernet.ts'
import { BROADCAST, isLinkLocal, isMulticast } from '../wire/ipv4.ts'
import { isBroadcast } from './local.ts'
import { ROUTE_GATEWAY, ROUTE_LINK } from './routes.ts'

/** The route to a destination, 0 when there is none. RFC 3927, 2.6.2: a link-local one is never sent to a router. */
export function routeTo(s: Core, destination: number): Address {
  const route = s.features.fib.find(s.m, destination)
  return isLinkLocal(destination) && route !== 0 && s.m.get32(route + ROUTE_GATEWAY) !== 0 ? 0 : route
}

/** The next hop's address, 0 when there is no route. */
export function nextHop(s: Core, destination: number): number {
  const route = routeTo(s, destination)
  if (route !== 0) return s.m.get32(route + ROUTE_GATEWAY) || destination
  return isLinkLocal(destination) ? destination : 0
}

/** The link that a datagram to `destination` takes; link 0 when nothing says otherwise. */
export function linkTo(s: Core, destination: number): number {
  const route = routeTo(s, destination)
  return route === 0 ? 0 : s.m.get8(route + ROUTE_LINK)
}

/** The largest datagram that the first link on the way to `destination` carries, bytes. */
export const mtuTo = (s: Core, destination: number): number =>
  s.m.get16(linkAt(s.m, linkTo(s, destination)) + LINK_MTU)

/** No route, or no memory for a neighbour. */
export const NO_ROUTE = -1
/** Whether a frame may be sent: what addressFrame gave is the number of its link. */
export const isReady = (way: number): boolean => way >= 0 && way < LINKS_MAX

/**
 * Writes the Ethernet header of an IPv4 frame at `frame`. The number of the link that takes it, NO_ROUTE, or the neighbour
 * that has yet to be found: hold the frame there. `link` is for destinations that are on every link: all hosts, or a group.
 */
export function addressFrame(s: Core, frame: Address, destination: number, link = 0): Address {
  const { m } = s
  // Most frames go where the last one went. Whatever changes a route, or takes a neighbour away, has this looked up anew.
  const last = m.get32(HOP)
  if (last !== 0 && m.get32(HOP_TO) === destination) {
    m.put8(last + NEIGHBOUR_USED, 1)
    return addressTo(s, frame, last)
  }
  if (destination === BROADCAST) return toAll(s, frame, link)
  if (isMulticast(destination)) {
    // RFC 1112, 6.4: the low 23 bits of the group behind 01-00-5E.
    putEthernet(s, frame, 0x0100, 0x5e000000 | (destination & 0x7fffff), ETHERTYPE_IPV4, link)
    return link
  }
  const route = routeTo(s, destination)
  if (route === 0)
    return isLinkLocal(destination) ? addressTo(s, frame, wantNeighbour(s, destination, link)) : NO_ROUTE
  const gateway = m.get32(route + ROUTE_GATEWAY)
  const out = m.get8(route + ROUTE_LINK)
  if (gateway === 0 && isBroadcast(m, destination, out)) return toAll(s, frame, out)
  const neighbour = wantNeighbour(s, gateway || destination, out)
  m.put32(HOP_TO, destination)
  m.put32(HOP, neighbour)
  return addressTo(s, frame, neighbour)
}

/** A frame for all stations of a link. */
function toAll(s: Core, frame: Address, link: number): number {
  putEthernet(s, frame, 0xffff, -1, ETHERTYPE_IPV4, link)
  return link
}

/** A frame for a neighbour. */
function addressTo(s: Core, frame: Address, neighbour: Address): Address {
  const { m } = s
  if (neighbour === 0) return NO_ROUTE
  const high = m.get16(neighbour + NEIGHBOUR_MAC_HIGH)
  const link = m.get8(neighbour + NEIGHBOUR_LINK)
  putEthernet(s, frame, high, m.get32(neighbour + NEIGHBOUR_MAC_LOW), ETHERTYPE_IPV4, link)
  return m.get8(neighbour + NEIGHBOUR_STATE) === NEIGHBOUR_INCOMPLETE ? neighbour : link
}
