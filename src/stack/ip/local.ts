/**
 * Our own addresses: which they are, which of them a datagram leaves with, and which others mean all hosts of a network.
 * They are few, and stand in one list, of the routes to their networks (routes.ts); link 0's first is tried before it.
 */
import type { Core } from '../core.ts'
import { ENOBUFS, type Errno } from '../errno.ts'
import { linkAt } from '../ethernet/links.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ADDRESS, ADDRESSES, KEPT_ADDRESS, LINK_ADDRESS, LINK_MASK } from '../memory/layout.ts'
import { BROADCAST, isLoopback, isMulticast } from '../wire/ipv4.ts'
import { maskOf } from './addresses.ts'
import {
  enterRoute,
  ROUTE_GATEWAY,
  ROUTE_LENGTH,
  ROUTE_LINK,
  ROUTE_MASK,
  ROUTE_NEXT_ADDRESS,
  ROUTE_SOURCE,
} from './routes.ts'

/** The most addresses a host has, so that what walks them is bounded. */
const ADDRESSES_MAX = 16

/** The route to the network of one of our addresses; 0 when it is not ours. */
function ownRoute(m: Arena, address: number): Address {
  let at = m.get32(ADDRESSES)
  while (at !== 0 && m.get32(at + ROUTE_SOURCE) !== address) at = m.get32(at + ROUTE_NEXT_ADDRESS)
  return at
}

/** Whether an address, not 0, is one of ours, on whatever link (RFC 1122, 3.3.4.2: the weak end system model). */
export const isOurs = (m: Arena, address: number): boolean =>
  address === m.get32(ADDRESS) || ownRoute(m, address) !== 0

/** Whether an address is one of this link's own. */
export function isOnThisLink(m: Arena, address: number, link: number): boolean {
  const at = ownRoute(m, address)
  return at !== 0 && m.get8(at + ROUTE_LINK) === link
}

/** Whether an address, or both of two, are in the network of one of this link's own. */
export function isInOwnNetwork(m: Arena, address: number, link: number, other = address): boolean {
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(at + ROUTE_NEXT_ADDRESS))
    if (
      m.get8(at + ROUTE_LINK) === link &&
      (((m.get32(at + ROUTE_SOURCE) ^ address) | (address ^ other)) & m.get32(at + ROUTE_MASK)) === 0
    )
      return true
  return false
}

/** Whether a host may have this address (RFC 1122, 3.2.1.3). */
export const isHostAddress = (address: number): boolean =>
  address >>> 24 !== 0 && !isLoopback(address) && !isMulticast(address) && address >>> 28 !== 0xf

/** RFC 919, 7: the network's own broadcast address. Networks of one or two hosts have none (RFC 3021). */
const isBroadcastOf = (m: Arena, at: Address, address: number): boolean =>
  m.get8(at + ROUTE_LENGTH) < 31 && address === (m.get32(at + ROUTE_SOURCE) | ~m.get32(at + ROUTE_MASK))

/** Whether all hosts of a link are meant: 255.255.255.255 or a network's own. `link` -1: any. */
export function isBroadcast(m: Arena, address: number, link = -1): boolean {
  if (address === BROADCAST) return true
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(at + ROUTE_NEXT_ADDRESS))
    if ((link < 0 || m.get8(at + ROUTE_LINK) === link) && isBroadcastOf(m, at, address)) return true
  return false
}

/**
 * The address that this link speaks with to a host or router on it: the one in the same network, else its first
 * (RFC 1122, 3.3.4.3). 0 while it has none.
 */
export function addressToward(m: Arena, link: number, neighbour: number): number {
  const first = m.get32(linkAt(m, link) + LINK_ADDRESS)
  if (((first ^ neighbour) & m.get32(linkAt(m, link) + LINK_MASK)) === 0) return first
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(at + ROUTE_NEXT_ADDRESS)) {
    const source = m.get32(at + ROUTE_SOURCE)
    if (m.get8(at + ROUTE_LINK) === link && ((source ^ neighbour) & m.get32(at + ROUTE_MASK)) === 0)
      return source
  }
  return first
}

/** The address for a datagram to `destination`; 0 when there is no route to it, or no address on its link. */
export function sourceFor(s: Core, destination: number): number {
  const { m } = s
  const route = s.features.fib.find(m, destination)
  if (route === 0) return m.get32(ADDRESS)
  const source = addressToward(m, m.get8(route + ROUTE_LINK), m.get32(route + ROUTE_GATEWAY) || destination)
  // RFC 3927, 1.9: "MUST use the routable address when initiating new communications".
  return s.features.dhcpClient !== undefined && source === m.get32(KEPT_ADDRESS) ? m.get32(ADDRESS) : source
}

/**
 * Gives a link an address at once: its `first`, which the others only follow, or one more. ENOBUFS when memory is full or there
 * are 16.
 */
export function takeAddress(
  s: Core,
  link: number,
  address: number,
  length: number,
  first: boolean,
): 0 | Errno {
  const { m } = s
  let [count, last] = [0, ADDRESSES]
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(last)) {
    last = at + ROUTE_NEXT_ADDRESS
    count++
  }
  const at = count < ADDRESSES_MAX ? enterRoute(s, true, address, length, 0, link, 0) : 0
  if (at === 0) return ENOBUFS
  m.put32(at + ROUTE_SOURCE, address)
  m.put32(last, at)
  const own = linkAt(m, link)
  if (first || m.get32(own + LINK_ADDRESS) === 0) {
    m.put32(own + LINK_ADDRESS, address)
    m.put32(own + LINK_MASK, maskOf(length))
  }
  s.features.netlink?.addressChanged(s, at, false)
  s.features.netlink?.routeChanged(s, at, false)
  return 0
}

/** Takes an address away, with the route to its network. The link's next one, if it has any, becomes its first. */
export function dropAddress(s: Core, address: number): void {
  const { m } = s
  const route = ownRoute(m, address)
  if (route === 0) return
  s.features.netlink?.routeChanged(s, route, true)
  s.features.netlink?.addressChanged(s, route, true)
  const link = m.get8(route + ROUTE_LINK)
  let [next, before] = [0, ADDRESSES]
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(at + ROUTE_NEXT_ADDRESS)) {
    if (m.get32(before) !== route) before = at + ROUTE_NEXT_ADDRESS
    if (next === 0 && at !== route && m.get8(at + ROUTE_LINK) === link) next = at
  }
  m.put32(before, m.get32(route + ROUTE_NEXT_ADDRESS))
  const own = linkAt(m, link)
  if (m.get32(own + LINK_ADDRESS) === address) {
    m.put32(own + LINK_ADDRESS, next === 0 ? 0 : m.get32(next + ROUTE_SOURCE))
    m.put32(own + LINK_MASK, next === 0 ? 0 : m.get32(next + ROUTE_MASK))
  }
  s.features.fib.remove(m, route)
}
