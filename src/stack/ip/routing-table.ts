/** The routing table as programs see it: routes added, removed and listed. */
import type { Core } from '../core.ts'
import { EEXIST, ENETUNREACH, ENOBUFS, type Errno, ESRCH } from '../errno.ts'
import { LINK_COUNT } from '../memory/layout.ts'
import type { Route } from '../stack.ts'
import { inRange } from './config.ts'
import { isInOwnNetwork } from './local.ts'
import {
  enterRoute,
  ROUTE_GATEWAY,
  ROUTE_LENGTH,
  ROUTE_LINK,
  ROUTE_METRIC,
  ROUTE_PREFIX,
  ROUTE_SOURCE,
  routeWith,
} from './routes.ts'

/**
 * Adds a route. EEXIST: there is one to this network with this metric. ENETUNREACH: the gateway is not on the link.
 * Throws RangeError when a setting is out of its range.
 */
export function addRoute(s: Core, { destination, prefixLength, gateway, link, metric }: Route): 0 | Errno {
  inRange('prefixLength', prefixLength, 0, 32)
  inRange('metric', metric, 0, 0xffffffff)
  inRange('link', link, 0, s.m.get8(LINK_COUNT) - 1)
  if (routeWith(s, destination, prefixLength, metric | 0) !== 0) return EEXIST
  if (gateway !== 0 && !isInOwnNetwork(s.m, gateway | 0, link)) return ENETUNREACH
  return enterRoute(s, false, destination | 0, prefixLength, gateway | 0, link, metric | 0) === 0
    ? ENOBUFS
    : 0
}

/** Removes a route. ESRCH: there is none; those to the networks of our own addresses go with the addresses. */
export function removeRoute(s: Core, destination: number, prefixLength: number, metric: number): 0 | Errno {
  inRange('prefixLength', prefixLength, 0, 32)
  const route = routeWith(s, destination, prefixLength, metric | 0)
  if (route === 0 || s.m.get32(route + ROUTE_SOURCE) !== 0) return ESRCH
  s.features.fib.remove(s.m, route)
  return 0
}

/** All routes. */
export function listRoutes(s: Core): Route[] {
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
