/**
 * The routing table: to which network by which link, and by which router where the network is not on the link itself.
 * Of the routes that match a destination the one with the longest prefix is taken, of those the one with the smallest
 * metric (RFC 1812, 5.2.4.3).
 *
 * An address of ours is a route, too: the one to the network that it is in, which it is the source for.
 *
 * How the longest prefix is found is the profile's choice: fib-list.ts or fib-trie.ts. Both order the same records.
 */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import {
  HOP,
  PAGES_AT,
  POOL_ROUTES,
  ROUTE_SIZE,
  SPARE_ROUTES,
  SPARE_ROUTES_AT,
  SPARE_ROUTES_COUNT,
} from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { maskOf } from './addresses.ts'

/** FIB_LIST: the next in the list. FIB_TRIE: the next to the same network, by metric. */
export const ROUTE_NEXT = 0
// What a look-up reads stands together: it is the memory that takes the time.
export const ROUTE_PREFIX = 4
export const ROUTE_MASK = 8
/** FIB_TRIE: the children whose next bit is 0 and 1. */
export const ROUTE_LEFT = 12
export const ROUTE_RIGHT = 16
/** Bits of the prefix. */
export const ROUTE_LENGTH = 20
export const ROUTE_LINK = 21
/** FIB_TRIE: no route, just a place where two branch off. */
export const ROUTE_FORK = 22
/** 0: the network is on the link. */
export const ROUTE_GATEWAY = 24
/** The address of ours that this is the network of; 0 if the route is none of those. */
export const ROUTE_SOURCE = 28
export const ROUTE_METRIC = 32
/** The next of our addresses (local.ts), or of the routes that redirects have made. */
export const ROUTE_NEXT_ADDRESS = 36

export const ROUTE_KIND: RecordKind = { pool: POOL_ROUTES, size: ROUTE_SIZE, urgent: false }

/** The switch FIB_TRIE or FIB_LIST: how routes are ordered. */
export interface Fib {
  /** The route to a destination, 0 if there is none. */
  find(m: Arena, destination: number): Address
  /** The route with the smallest metric to exactly this network; the others hang behind it by `behind`. 0 if there is none. */
  exact(m: Arena, prefix: number, length: number): Address
  /** The next to the same network; 0 if there is none. */
  behind(m: Arena, route: Address): Address
  /** False: memory is full. */
  insert(m: Arena, route: Address): boolean
  /** Takes a route out and frees its record. */
  remove(m: Arena, route: Address): void
  visit(m: Arena, visit: (route: Address) => void): void
}

/** Frees the records in the fixed area. */
export function layOutRoutes(m: Arena): void {
  for (let i = 0; i < SPARE_ROUTES_COUNT; i++) freeRoute(m, SPARE_ROUTES_AT + i * ROUTE_SIZE)
}

/** A zeroed record, 0 when memory is full. Those in the fixed area are for a host's own address and its default router. */
export function takeRoute(m: Arena, own: boolean): Address {
  const spare = m.get32(SPARE_ROUTES)
  m.put32(HOP, 0)
  if (!own || spare === 0) return takeRecord(m, ROUTE_KIND)
  m.put32(SPARE_ROUTES, m.get32(spare))
  m.put32(spare, 0)
  return spare
}

/** Frees the record of a route that is out of the table, to the fixed area if it is from there. */
export function freeRoute(m: Arena, route: Address): void {
  m.put32(HOP, 0)
  if (route >= m.get32(PAGES_AT)) return freeRecord(m, ROUTE_KIND, route)
  m.bytes.fill(0, route, route + ROUTE_SIZE)
  m.put32(route, m.get32(SPARE_ROUTES))
  m.put32(SPARE_ROUTES, route)
}

/** Puts a route into the table; its record, 0 when memory is full. */
export function enterRoute(
  s: Core,
  own: boolean,
  prefix: number,
  length: number,
  gateway: number,
  link: number,
  metric: number,
): Address {
  const { m } = s
  const route = takeRoute(m, own)
  if (route === 0) return 0
  const mask = maskOf(length)
  m.put32(route + ROUTE_PREFIX, prefix & mask)
  m.put32(route + ROUTE_MASK, mask)
  m.put32(route + ROUTE_GATEWAY, gateway)
  m.put32(route + ROUTE_METRIC, metric)
  m.put8(route + ROUTE_LENGTH, length)
  m.put8(route + ROUTE_LINK, link)
  if (s.features.fib.insert(m, route)) return route
  freeRoute(m, route)
  return 0
}

/** The route to exactly this network with this metric; 0 if there is none. */
export function routeWith(s: Core, prefix: number, length: number, metric: number): Address {
  const { m } = s
  let route = s.features.fib.exact(m, prefix & maskOf(length), length)
  while (route !== 0 && m.get32(route + ROUTE_METRIC) !== metric) route = s.features.fib.behind(m, route)
  return route
}

/** The router for everything that no other route is for, on link 0; 0: none. It takes the place of the last one. */
export function setDefaultRoute(s: Core, gateway: number): void {
  const old = routeWith(s, 0, 0, 0)
  if (old !== 0) {
    s.features.netlink?.routeChanged(s, old, true)
    s.features.fib.remove(s.m, old)
  }
  const made = gateway === 0 ? 0 : enterRoute(s, true, 0, 0, gateway, 0, 0)
  if (made !== 0) s.features.netlink?.routeChanged(s, made, false)
}
