/** What messages speak of: links, addresses, routes and neighbours, each as Linux writes it and as it is asked to change it. */
import type { Core } from '../core.ts'
import {
  EADDRNOTAVAIL,
  EEXIST,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  type Errno,
  ESRCH,
} from '../errno.ts'
import { linkAt } from '../ethernet/links.ts'
import {
  findNeighbour,
  NEIGHBOUR_ADDRESS,
  NEIGHBOUR_INCOMPLETE,
  NEIGHBOUR_LINK,
  NEIGHBOUR_MAC_HIGH,
  NEIGHBOUR_MAC_LOW,
  NEIGHBOUR_PERMANENT,
  NEIGHBOUR_REACHABLE,
  NEIGHBOUR_STATE,
  removeNeighbour,
  setNeighbour,
  YOUNGER,
} from '../ethernet/neighbours.ts'
import { addressToward, isInOwnNetwork } from '../ip/local.ts'
import {
  ROUTE_GATEWAY,
  ROUTE_LENGTH,
  ROUTE_LINK,
  ROUTE_METRIC,
  ROUTE_NEXT_ADDRESS,
  ROUTE_PREFIX,
  ROUTE_SOURCE,
} from '../ip/routes.ts'
import type { Address, Page } from '../memory/arena.ts'
import {
  ADDRESSES,
  CONFIRMED_HEAD,
  INCOMPLETE_HEAD,
  LINK_COUNT,
  LINK_MAC_HIGH,
  LINK_MAC_LOW,
  LINK_MTU,
} from '../memory/layout.ts'
import { macHigh, macLow, putMac } from '../wire/ethernet.ts'
import { isLinkLocal } from '../wire/ipv4.ts'
import {
  AF_INET,
  addressIn,
  attributeOf,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLMSG_HEADER,
  numberIn,
  putAddress,
  putAttribute,
  putName,
  putNumber,
  type Request,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV4_ROUTE,
  RTMGRP_LINK,
  RTMGRP_NEIGH,
} from './message.ts'

/** One kind of thing. Entries are numbers: a link's, or the address of a record. */
export interface Table {
  /** The first of its three types. */
  readonly type: number
  /** The bit of those who are told of changes. */
  readonly group: number
  /** Bytes of the fixed part. */
  readonly fixed: number
  visit(s: Core, visit: (entry: number) => void): void
  /** Fills in the fixed part at `body`, and puts the attributes behind it. */
  write(s: Core, page: Page, body: number, entry: number): void
  /** The entry that a GET request without NLM_F_DUMP asks for. */
  find?(s: Core, request: Request): number | Errno
  add?(s: Core, request: Request): 0 | Errno
  remove?(s: Core, request: Request): 0 | Errno
}

/** Linux counts links from 1. */
const linkIn = (s: Core, index: number): number | Errno =>
  index >= 1 && index <= s.m.get8(LINK_COUNT) ? index - 1 : ENODEV

// ---- links: ifinfomsg is family, type, index, flags, change --------------------------------------------------------

const ARPHRD_ETHER = 1
/** IFF_UP, IFF_BROADCAST, IFF_RUNNING, IFF_MULTICAST, IFF_LOWER_UP: a link of ours always is. */
const LINK_FLAGS = 0x11043
const IFLA_ADDRESS = 1
const IFLA_BROADCAST = 2
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_OPERSTATE = 16
/** RFC 2863: ifOperStatus up, as IF_OPER_UP. */
const OPER_UP = 6

/** Links: RTM_…LINK with struct ifinfomsg, 16 bytes. Messages change nothing of them. */
export const linkTable: Table = {
  type: RTM_NEWLINK,
  group: RTMGRP_LINK,
  fixed: 16,

  visit(s, visit) {
    for (let link = 0; link < s.m.get8(LINK_COUNT); link++) visit(link)
  },

  write({ m }, page, body, link) {
    const own = linkAt(m, link)
    m.put16(body + 2, ARPHRD_ETHER)
    m.put32(body + 4, link + 1)
    m.put32(body + 8, LINK_FLAGS)
    putName(m, page, IFLA_IFNAME, `eth${link}`)
    putNumber(m, page, IFLA_MTU, m.get16(own + LINK_MTU))
    m.put8(putAttribute(m, page, IFLA_OPERSTATE, 1), OPER_UP)
    const high = m.get16(own + LINK_MAC_HIGH)
    putMac(m.view, putAttribute(m, page, IFLA_ADDRESS, 6), high, m.get32(own + LINK_MAC_LOW))
    putMac(m.view, putAttribute(m, page, IFLA_BROADCAST, 6), 0xffff, -1)
  },

  find: (s, { view }) => linkIn(s, view.getInt32(NLMSG_HEADER + 4, true)),
}

// ---- addresses: ifaddrmsg is family, prefix length, flags, scope, index --------------------------------------------

const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_LABEL = 3
const IFA_BROADCAST = 4
const IFA_F_PERMANENT = 0x80
const SCOPE_LINK = 253

const ownAddressIn = (request: Request): number =>
  addressIn(request, addressTable.fixed, IFA_LOCAL) ??
  addressIn(request, addressTable.fixed, IFA_ADDRESS) ??
  0

/** Entries are the routes to the networks of our addresses. */
export const addressTable: Table = {
  type: RTM_NEWADDR,
  group: RTMGRP_IPV4_IFADDR,
  fixed: 8,

  visit(s, visit) {
    for (let at = s.m.get32(ADDRESSES); at !== 0; at = s.m.get32(at + ROUTE_NEXT_ADDRESS)) visit(at)
  },

  write({ m }, page, body, route) {
    const address = m.get32(route + ROUTE_SOURCE)
    const length = m.get8(route + ROUTE_LENGTH)
    const link = m.get8(route + ROUTE_LINK)
    m.put8(body, AF_INET)
    m.put8(body + 1, length)
    m.put8(body + 2, IFA_F_PERMANENT)
    m.put8(body + 3, isLinkLocal(address) ? SCOPE_LINK : 0)
    m.put32(body + 4, link + 1)
    putAddress(m, page, IFA_ADDRESS, address)
    putAddress(m, page, IFA_LOCAL, address)
    // RFC 3021: networks of one or two hosts have no broadcast address.
    if (length < 31) putAddress(m, page, IFA_BROADCAST, address | (-1 >>> length))
    putName(m, page, IFA_LABEL, `eth${link}`)
  },

  add(s, request) {
    const { view, flags } = request
    const link = linkIn(s, view.getInt32(NLMSG_HEADER + 4, true))
    const length = view.getUint8(NLMSG_HEADER + 1)
    const address = ownAddressIn(request)
    if (link < 0) return link as Errno
    if (length < 1 || length > 32 || address === 0) return EINVAL
    const error = s.features.tables?.addAddress(s, link, address, length) ?? EOPNOTSUPP
    return error === EEXIST && (flags & NLM_F_REPLACE) !== 0 ? 0 : error
  },

  remove(s, request) {
    return s.features.tables?.removeAddress(s, ownAddressIn(request)) ?? EADDRNOTAVAIL
  },
}

// ---- routes: rtmsg is family, lengths of destination and source, TOS, table, protocol, scope, type, flags ----------

const RTA_DST = 1
const RTA_OIF = 4
const RTA_GATEWAY = 5
const RTA_PRIORITY = 6
const RTA_PREFSRC = 7
const RT_TABLE_MAIN = 254
const RTPROT_KERNEL = 2
const RTPROT_STATIC = 4
const RTN_UNICAST = 1

/** The link that a route names, or the one whose network has its gateway. */
function routeLink(s: Core, index: number | undefined, gateway: number): number | Errno {
  if (index !== undefined) return linkIn(s, index)
  for (let link = 0; link < s.m.get8(LINK_COUNT); link++) if (isInOwnNetwork(s.m, gateway, link)) return link
  return gateway === 0 ? ENODEV : ENETUNREACH
}

/** The route that a request to change one names. */
function routeIn(s: Core, request: Request): { destination: number; prefixLength: number; metric: number } {
  const { fixed } = routeTable
  const prefixLength = request.view.getUint8(NLMSG_HEADER + 1)
  const destination = addressIn(request, fixed, RTA_DST) ?? 0
  const metric = numberIn(request, fixed, RTA_PRIORITY)
  // As in Linux, a request without a metric means the first route to the network.
  const first = metric === undefined ? s.features.fib.exact(s.m, destination, prefixLength) : 0
  return {
    destination: destination >>> 0,
    prefixLength,
    metric: (metric ?? (first === 0 ? 0 : s.m.get32(first + ROUTE_METRIC))) >>> 0,
  }
}

/** Routes: RTM_…ROUTE with struct rtmsg, 12 bytes. The errors of changes are those of addRoute and removeRoute (stack.ts). */
export const routeTable: Table = {
  type: RTM_NEWROUTE,
  group: RTMGRP_IPV4_ROUTE,
  fixed: 12,

  visit: (s, visit) => s.features.fib.visit(s.m, visit),

  write({ m }, page, body, route) {
    const source = m.get32(route + ROUTE_SOURCE)
    const gateway = m.get32(route + ROUTE_GATEWAY)
    const link = m.get8(route + ROUTE_LINK)
    const length = m.get8(route + ROUTE_LENGTH)
    m.put8(body, AF_INET)
    m.put8(body + 1, length)
    m.put8(body + 4, RT_TABLE_MAIN)
    m.put8(body + 5, source === 0 ? RTPROT_STATIC : RTPROT_KERNEL)
    m.put8(body + 6, gateway === 0 ? SCOPE_LINK : 0)
    m.put8(body + 7, RTN_UNICAST)
    if (length > 0) putAddress(m, page, RTA_DST, m.get32(route + ROUTE_PREFIX))
    if (gateway !== 0) putAddress(m, page, RTA_GATEWAY, gateway)
    putNumber(m, page, RTA_OIF, link + 1)
    const prefers = source || addressToward(m, link, gateway || m.get32(route + ROUTE_PREFIX))
    if (prefers !== 0) putAddress(m, page, RTA_PREFSRC, prefers)
    const metric = m.get32(route + ROUTE_METRIC)
    if (metric !== 0) putNumber(m, page, RTA_PRIORITY, metric)
  },

  find(s, request) {
    const destination = addressIn(request, routeTable.fixed, RTA_DST)
    if (destination === undefined) return EINVAL
    return s.features.fib.find(s.m, destination) || ENETUNREACH
  },

  add(s, request) {
    const gateway = addressIn(request, routeTable.fixed, RTA_GATEWAY) ?? 0
    const link = routeLink(s, numberIn(request, routeTable.fixed, RTA_OIF), gateway)
    if (link < 0) return link as Errno
    const { destination, prefixLength } = routeIn(s, request)
    const metric = (numberIn(request, routeTable.fixed, RTA_PRIORITY) ?? 0) >>> 0
    if (prefixLength > 32 || s.features.tables === undefined) return EINVAL
    const route = { destination, prefixLength, gateway: gateway >>> 0, link, metric }
    const replace = (request.flags & NLM_F_REPLACE) !== 0
    const known = replace ? s.features.tables.removeRoute(s, destination, prefixLength, metric) : ESRCH
    if (known !== 0 && (request.flags & NLM_F_CREATE) === 0) return ENOENT
    return s.features.tables.addRoute(s, route)
  },

  remove(s, request) {
    const { destination, prefixLength, metric } = routeIn(s, request)
    if (prefixLength > 32) return EINVAL
    return s.features.tables?.removeRoute(s, destination, prefixLength, metric) ?? ESRCH
  },
}

// ---- neighbours: ndmsg is family, index, state, flags, type --------------------------------------------------------

const NDA_DST = 1
const NDA_LLADDR = 2
const NUD_INCOMPLETE = 1
const NUD_REACHABLE = 2
const NUD_STALE = 4
const NUD_PERMANENT = 0x80

const stateOf = (state: number): number => {
  if (state === NEIGHBOUR_PERMANENT) return NUD_PERMANENT
  return state === NEIGHBOUR_REACHABLE
    ? NUD_REACHABLE
    : state === NEIGHBOUR_INCOMPLETE
      ? NUD_INCOMPLETE
      : NUD_STALE
}

/** The neighbour that a request names; 0 when it is not known. */
function neighbourIn(s: Core, request: Request): Address | Errno {
  const link = linkIn(s, request.view.getInt32(NLMSG_HEADER + 4, true))
  const address = addressIn(request, neighbourTable.fixed, NDA_DST)
  if (link < 0) return link
  return address === undefined ? EINVAL : findNeighbour(s, address, link)
}

/** IPv4 neighbours: RTM_…NEIGH with struct ndmsg, 12 bytes. */
export const neighbourTable: Table = {
  type: RTM_NEWNEIGH,
  group: RTMGRP_NEIGH,
  fixed: 12,

  visit(s, visit) {
    for (const list of [INCOMPLETE_HEAD, CONFIRMED_HEAD])
      for (let at = s.m.get32(list); at !== 0; at = s.m.get32(at + YOUNGER)) visit(at)
  },

  write({ m }, page, body, at) {
    const state = m.get8(at + NEIGHBOUR_STATE)
    m.put8(body, AF_INET)
    m.put32(body + 4, m.get8(at + NEIGHBOUR_LINK) + 1)
    m.put16(body + 8, stateOf(state))
    m.put8(body + 11, RTN_UNICAST)
    putAddress(m, page, NDA_DST, m.get32(at + NEIGHBOUR_ADDRESS))
    if (state === NEIGHBOUR_INCOMPLETE) return
    const high = m.get16(at + NEIGHBOUR_MAC_HIGH)
    putMac(m.view, putAttribute(m, page, NDA_LLADDR, 6), high, m.get32(at + NEIGHBOUR_MAC_LOW))
  },

  find: (s, request) => neighbourIn(s, request) || ENOENT,

  add(s, request) {
    const { view, flags } = request
    const known = neighbourIn(s, request)
    if (known < 0) return known as Errno
    if (known !== 0 && (flags & NLM_F_EXCL) !== 0) return EEXIST
    if (known === 0 && (flags & NLM_F_CREATE) === 0) return ENOENT
    const mac = attributeOf(request, neighbourTable.fixed, NDA_LLADDR, 6)
    const state = view.getUint16(NLMSG_HEADER + 8, true)
    if (mac === 0 || (view.getUint8(mac) & 1) !== 0) return EINVAL
    if (state !== NUD_PERMANENT && state !== NUD_REACHABLE) return EOPNOTSUPP
    const address = addressIn(request, neighbourTable.fixed, NDA_DST) ?? 0
    const link = view.getInt32(NLMSG_HEADER + 4, true) - 1
    return setNeighbour(s, address, link, macHigh(view, mac), macLow(view, mac), state === NUD_PERMANENT)
  },

  remove(s, request) {
    const known = neighbourIn(s, request)
    if (known < 0) return known as Errno
    if (known === 0) return ENOENT
    removeNeighbour(s, known)
    return 0
  },
}

/** All four; a request finds its own by the type. */
export const TABLES: readonly Table[] = [linkTable, addressTable, routeTable, neighbourTable]
