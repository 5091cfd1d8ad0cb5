/**
 * IPV6: the Internet Protocol, version 6 (RFC 8200), on one link, with what RFC 8504 asks of a host: neighbour discovery, its
 * own addresses, ICMPv6, groups, path MTU. Core code knows it by this face alone. Addresses are words (word.ts).
 */
import type { Core, Emit } from '../core.ts'
import type { Drop } from '../drop.ts'
import { EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENOBUFS, type Errno } from '../errno.ts'
import { sendEcho } from '../icmp6/echo.ts'
import { sendReassemblyTimeExceeded6 } from '../icmp6/errors.ts'
import { enterGroup6, groupTimer, quitGroup6 } from '../icmp6/groups.ts'
import type { Address, Page } from '../memory/arena.ts'
import type { Endpoint, Ipv4, Ipv6, Ipv6Report } from '../stack.ts'
import { keyedHash } from '../tcp/isn.ts'
import type { Tcb } from '../tcp/tcb.ts'
import { hostGone } from '../tcp/unreachable.ts'
import { IP6_HEADER } from '../wire/ipv6.ts'
import { TCP_HEADER } from '../wire/tcp.ts'
import { addOwn, addressTimer, findOwn, isAssigned, loseOwn, nextAssigned, visitOwn } from './addresses.ts'
import { sortDestinations } from './destination-order.ts'
import { findDestination, HOP_OF, hasRoute, pathMtuTo, sweep, wantDestination } from './destinations.ts'
import { testAgain } from './duplicates.ts'
import { ipv6Input } from './input.ts'
import { isMulticast6, isUnspecified } from './kinds.ts'
import { linkMtu } from './link.ts'
import { findNeighbour6, heardBack6, neighbourTimer6, removeNeighbour6 } from './neighbours.ts'
import { payload6At, sendPayload, sendSegment6 } from './output.ts'
import { prefixTimer } from './prefixes.ts'
import {
  ADDRESS6,
  isSame,
  linkOf,
  SORT_ADDRESS,
  SORT_GROUP,
  SORT_LINK,
  SORT_NEIGHBOUR,
  SORT_PREFIX,
  SORT_ROUTER,
  SORT_SERVER,
  SORT_SWEEP,
  sortOf,
} from './records.ts'
import { reportOf } from './report.ts'
import { linkIsReady, solicitationTimer } from './router-solicitation.ts'
import { entryTimer } from './routers.ts'
import { scratchFrom } from './scratch.ts'
import { chooseLinkLocal, chooseSource } from './source.ts'
import { startIpv6 } from './start.ts'
import { sendUdp6 } from './udp.ts'
import { isIpv6Word } from './word.ts'

/** The feature IPV6 as core code knows it. */
export interface Ipv6Protocol {
  /** A new arena was laid out: the link-local address is taken, unless the link or the memory is too small. */
  start(s: Core): void
  /** The packet at `at`, `length` bytes; `toGroup`: it came by a multicast frame. */
  input(s: Core, at: Address, length: number, toGroup: boolean): Drop
  /** See Stack.linkUp: routers are asked for, groups reported and addresses tested on what is joined now (RFC 4861, 6.3.7). */
  linkUp(s: Core): void
  /** A record's timer fired. */
  timer(s: Core, record: Address): void
  /** The packet of which the first fragment stands at `ip` has not become whole in time. */
  reassemblyTimedOut(s: Core, ip: Address): void

  /** The word for an address that a program gave; good while a socket names it, a minute at least. */
  enter(s: Core, address: Ipv6): number | Errno
  /** The word for one of our own, 0 for the unspecified one. */
  ownWord(s: Core, address: Ipv6): number | Errno
  /** The word for that of ours behind `before`, 0 for the first, which may be used; 0 when there are no more. */
  nextOwn(s: Core, before: number): number
  /** The word that outlasts the packet in which `word` points to an address; 0: no memory. */
  keep(s: Core, word: number): number
  /** The address in 32 bits, keyed. */
  digest(s: Core, word: number): number
  /** Puts the address into `into.address6`. */
  tell(s: Core, into: Endpoint, word: number): void

  /** Our word for a connection to `remote`, `bound` if it is not 0; 0: there is no way to it. */
  sourceFor(s: Core, remote: number, bound: number): number
  /** The text that a segment may carry over the link, and over the path to `remote`. */
  linkMss(s: Core): number
  pathMss(s: Core, remote: number): number
  /** Whether packets to `remote` go to nobody else first, as far as is known. */
  isNextTo(s: Core, remote: number): boolean
  /** A connection to `remote` got on: see ethernet/neighbours.ts. */
  heardBack(s: Core, remote: number): void
  /** See emitSegment (tcp/emit.ts). */
  sendSegment(s: Core, t: Tcb, tcp: Address, length: number, ecn: number, emit: Emit): boolean
  /** See output.ts. */
  payloadAt(page: Page): Address
  send(
    s: Core,
    page: Page,
    from: number,
    to: number,
    protocol: number,
    length: number,
    checksumAt: number,
  ): 0 | Errno
  sendUdp(s: Core, socket: Address, data: Uint8Array, to: number, port: number): number | Errno
  sendEcho(s: Core, socket: Address, data: Uint8Array, to: number, sequence: number): number | Errno

  /** See stack.ts. */
  report(s: Core): Ipv6Report
  addAddress(s: Core, address: Ipv6, bits: number): 0 | Errno
  removeAddress(s: Core, address: Ipv6): 0 | Errno
  joinGroup(s: Core, group: Ipv6): 0 | Errno
  leaveGroup(s: Core, group: Ipv6): 0 | Errno
  hostGone(s: Core, address: Ipv6): void
  sortDestinations<T extends Ipv4 | Ipv6>(s: Core, addresses: T[]): T[]
}

/** Keeps the hashes of addresses apart from the others of the secret. */
const DOMAIN = 0x49507636

/** The feature IPV6. */
export const ipv6Protocol: Ipv6Protocol = {
  start: startIpv6,
  input: ipv6Input,
  linkUp(s) {
    if (linkOf(s.m) === 0) return
    visitOwn(s.m, a => testAgain(s, a))
    if (chooseLinkLocal(s) !== 0) linkIsReady(s)
  },
  timer: fireTimer6,
  reassemblyTimedOut: sendReassemblyTimeExceeded6,

  enter(s, address) {
    return given(s, address, at => {
      const d = wantDestination(s, at)
      return d === 0 ? ENOBUFS : d + ADDRESS6
    })
  },
  ownWord(s, address) {
    return given(s, address, at => {
      if (isUnspecified(s.m, at)) return 0
      const own = findOwn(s.m, at)
      return own !== 0 && isAssigned(s.m, own) ? own + ADDRESS6 : EADDRNOTAVAIL
    })
  },
  nextOwn: ({ m }, before) => nextAssigned(m, before),
  keep(s, word) {
    const d = wantDestination(s, word)
    return d === 0 ? 0 : d + ADDRESS6
  },
  digest: ({ m }, word) =>
    keyedHash(
      m,
      keyedHash(m, m.get32(word), m.get32(word + 4), m.get32(word + 8)),
      m.get32(word + 12),
      DOMAIN,
    ),
  tell: (s, into, word) => into.address6?.set(s.m.window(word, 16)),

  sourceFor(s, remote, bound) {
    const { m } = s
    const nobody = isMulticast6(m, remote) || isUnspecified(m, remote) || findOwn(m, remote) !== 0
    // What is bound to an IPv4 address speaks to no IPv6 one.
    if (nobody || !hasRoute(s, remote) || (bound !== 0 && !isIpv6Word(bound))) return 0
    return bound || chooseSource(s, remote)
  },
  linkMss: s => linkMtu(s.m) - IP6_HEADER - TCP_HEADER,
  pathMss: (s, remote) => pathMtuTo(s.m, remote) - IP6_HEADER - TCP_HEADER,
  isNextTo({ m }, remote) {
    const n = m.get32(remote - ADDRESS6 + HOP_OF)
    return n !== 0 && isSame(m, n + ADDRESS6, remote)
  },
  heardBack(s, remote) {
    const n = s.m.get32(remote - ADDRESS6 + HOP_OF)
    if (n !== 0) heardBack6(s, n)
  },
  sendSegment: sendSegment6,
  payloadAt: payload6At,
  send: sendPayload,
  sendUdp: sendUdp6,
  sendEcho,

  report: reportOf,
  addAddress: (s, address, bits) => given(s, address, at => addOwn(s, at, bits)),
  removeAddress: (s, address) => given(s, address, at => loseOwn(s, at)),
  joinGroup: (s, group) => given(s, group, at => enterGroup6(s, at)),
  leaveGroup: (s, group) => given(s, group, at => quitGroup6(s, at)),
  hostGone(s, address) {
    given(s, address, at => {
      const d = findDestination(s.m, at)
      const n = findNeighbour6(s.m, at)
      if (n !== 0) removeNeighbour6(s, n)
      if (d === 0) return 0
      hostGone(s, d + ADDRESS6)
      s.features.destinations?.forget(s, d + ADDRESS6)
      return 0
    })
  },
  sortDestinations,
}

/** Calls with where a program's 16 bytes stand now. */
function given<R extends number>(s: Core, address: Ipv6, call: (at: Address) => R | Errno): R | Errno {
  if (linkOf(s.m) === 0) return EAFNOSUPPORT
  return address.length === 16 ? call(scratchFrom(s.m, address)) : EINVAL
}

function fireTimer6(s: Core, record: Address): void {
  switch (sortOf(s.m, record)) {
    case SORT_LINK:
      return solicitationTimer(s)
    case SORT_ADDRESS:
      return addressTimer(s, record)
    case SORT_PREFIX:
      return prefixTimer(s, record)
    case SORT_ROUTER:
    case SORT_SERVER:
      return entryTimer(s, record)
    case SORT_GROUP:
      return groupTimer(s, record)
    case SORT_NEIGHBOUR:
      return neighbourTimer6(s, record)
    case SORT_SWEEP:
      return sweep(s)
  }
}
