/**
 * RTNETLINK's tables: addresses and routes as programs see them: added, removed and listed while the host runs. A profile without
 * it has those of its configuration, and what `setAddress` sets.
 */
import type { Core } from '../core.ts'
import { EADDRNOTAVAIL, EEXIST, EINVAL, ENETUNREACH, ENOBUFS, type Errno, ESRCH } from '../errno.ts'
import { sendArpAnnouncement } from '../ethernet/arp.ts'
import type { Arena } from '../memory/arena.ts'
import { ADDRESSES, KEPT_ADDRESS, LINK_COUNT } from '../memory/layout.ts'
import type { LocalAddress, Route } from '../stack.ts'
import { connectionsLoseAddress } from '../tcp/unreachable.ts'
import { inRange } from './config.ts'
import { dropAddress, isHostAddress, isInOwnNetwork, isOurs, takeAddress } from './local.ts'
import {
  enterRoute,
  ROUTE_GATEWAY,
  ROUTE_LENGTH,
  ROUTE_LINK,
  ROUTE_METRIC,
  ROUTE_NEXT_ADDRESS,
  ROUTE_PREFIX,
  ROUTE_SOURCE,
  routeWith,
} from './routes.ts'

/** See stack.ts. */
export interface Tables {
  addAddress(s: Core, link: number, address: number, length: number): 0 | Errno
  removeAddress(s: Core, address: number): 0 | Errno
  listAddresses(m: Arena): LocalAddress[]
  addRoute(s: Core, route: Route): 0 | Errno
  removeRoute(s: Core, destination: number, prefixLength: number, metric: number): 0 | Errno
  listRoutes(s: Core): Route[]
}

/** The owner gives a link another address. EEXIST: it is ours already. EINVAL: no host may have it. */
function addAddress(s: Core, link: number, address: number, length: number): 0 | Errno {
  inRange('prefixLength', length, 1, 32)
  inRange('link', link, 0, s.m.get8(LINK_COUNT) - 1)
  if (!isHostAddress(address)) return EINVAL
  if (isOurs(s.m, address)) return EEXIST
  const fault = takeAddress(s, link, address, length, false)
  // RFC 5227, 2.3.
  if (fault === 0) sendArpAnnouncement(s, address, link)
  return fault
}

/** All our addresses. */
function listAddresses(m: Arena): LocalAddress[] {
  const found: LocalAddress[] = []
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(at + ROUTE_NEXT_ADDRESS))
    found.push({
      address: m.get32(at + ROUTE_SOURCE) >>> 0,
      prefixLength: m.get8(at + ROUTE_LENGTH),
      link: m.get8(at + ROUTE_LINK),
    })
  return found
}

/** An address goes, and with it the connections that use it (RFC 5227, 2.4). */
function removeAddress(s: Core, address: number): 0 | Errno {
  if (address === 0 || !isOurs(s.m, address)) return EADDRNOTAVAIL
  // Should it be added again, nobody keeps it for connections of before (kept-address.ts).
  if (address === s.m.get32(KEPT_ADDRESS)) s.m.put32(KEPT_ADDRESS, 0)
  connectionsLoseAddress(s, address)
  dropAddress(s, address)
  return 0
}

/**
 * Adds a route. EEXIST: there is one to this network with this metric. ENETUNREACH: the gateway is not on the link.
 * Throws RangeError when a setting is out of its range.
 */
function addRoute(s: Core, { destination, prefixLength, gateway, link, metric }: Route): 0 | Errno {
  inRange('prefixLength', prefixLength, 0, 32)
  inRange('metric', metric, 0, 0xffffffff)
  inRange('link', link, 0, s.m.get8(LINK_COUNT) - 1)
  if (routeWith(s, destination, prefixLength, metric | 0) !== 0) return EEXIST
  if (gateway !== 0 && !isInOwnNetwork(s.m, gateway | 0, link)) return ENETUNREACH
  const made = enterRoute(s, false, destination | 0, prefixLength, gateway | 0, link, metric | 0)
  if (made === 0) return ENOBUFS
  s.features.netlink?.routeChanged(s, made, false)
  return 0
}

/** Removes a route. ESRCH: there is none; those to the networks of our own addresses go with the addresses. */
function removeRoute(s: Core, destination: number, prefixLength: number, metric: number): 0 | Errno {
  inRange('prefixLength', prefixLength, 0, 32)
  const route = routeWith(s, destination, prefixLength, metric | 0)
  if (route === 0 || s.m.get32(route + ROUTE_SOURCE) !== 0) return ESRCH
  s.features.netlink?.routeChanged(s, route, true)
  s.features.redirects?.forget(s, route)
  s.features.fib.remove(s.m, route)
  return 0
}

/** All routes. */
function listRoutes(s: Core): Route[] {
  const { m } = s
  const found: Route[] = []
  s.features.fib.visit(m, route =>
    found.push({
      destination: m.get32(route + ROUTE_PREFIX) >>> 0,
      prefixLength: m.get8(route + ROUTE_LENGTH),
      gateway: m.get32(route + ROUTE_GATEWAY) >>> 0,
      link: m.get8(route + ROUTE_LINK),
      metric: m.get32(route + ROUTE_METRIC) >>> 0,
    }),
  )
  return found
}

/** The feature RTNETLINK. */
export const rtnetlink: Tables = {
  addAddress,
  removeAddress,
  listAddresses,
  addRoute,
  removeRoute,
  listRoutes,
}
