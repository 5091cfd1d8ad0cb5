/**
 * IPv6's tables of a host, read from outside: RFC 4861, 5.1's conceptual data structures as they stand in the arena. Nothing
 * here is part of a profile.
 */
import {
  HOP_OF,
  PATH_MTU,
  visitDestinations,
  visitNeighbours as visitNeighbours6,
} from '../ip6/destinations.ts'
import { linkMtu } from '../ip6/link.ts'
import { IS_ROUTER, MAC6_HIGH, MAC6_LOW } from '../ip6/neighbours.ts'
import {
  ADDRESS6,
  FOR_EVER,
  leftOf,
  linkOf,
  NEXT6,
  PREFIX_BITS,
  PREFIXES,
  STATE6,
  VALID_UNTIL,
} from '../ip6/records.ts'
import { Arena } from '../memory/arena.ts'
import { formatIpv6 } from '../wire/address6.ts'
import { formatMac } from './inspect.ts'

/** 7.3.2: by their numbers in the arena. */
const STATES = ['incomplete', 'reachable', 'stale', 'delay', 'probe'] as const

/** An entry of the neighbour cache. Addresses in RFC 5952's form. */
export interface Neighbour6Record {
  readonly address: string
  readonly mac: string
  readonly state: (typeof STATES)[number]
  readonly isRouter: boolean
}

/** In the order of the arena; empty where IPv6 is off. */
export function inspectNeighbours6(arena: ArrayBuffer): Neighbour6Record[] {
  const m = new Arena(arena)
  const found: Neighbour6Record[] = []
  visitNeighbours6(m, n =>
    found.push({
      address: formatIpv6(m.bytes, n + ADDRESS6),
      mac: formatMac(m.get16(n + MAC6_HIGH), m.get32(n + MAC6_LOW)),
      state: STATES[m.get8(n + STATE6)] ?? 'incomplete',
      isRouter: m.get8(n + IS_ROUTER) !== 0,
    }),
  )
  return found
}

/** An entry of the destination cache: by whom packets go there, undefined until one goes, and how large they may be. */
export interface Destination6Record {
  readonly address: string
  readonly hop: string | undefined
  /** Bytes. */
  readonly pathMtu: number
}

/** In the order of the arena; empty where IPv6 is off. MTUs in bytes. */
export function inspectDestinations6(arena: ArrayBuffer): Destination6Record[] {
  const m = new Arena(arena)
  const found: Destination6Record[] = []
  visitDestinations(m, d => {
    const hop = m.get32(d + HOP_OF)
    found.push({
      address: formatIpv6(m.bytes, d + ADDRESS6),
      hop: hop === 0 ? undefined : formatIpv6(m.bytes, hop + ADDRESS6),
      pathMtu: Math.min(m.get16(d + PATH_MTU) || linkMtu(m), linkMtu(m)),
    })
  })
  return found
}

/** An entry of the prefix list: what is on the link, and for how many seconds; Infinity: for ever. */
export interface Prefix6Record {
  readonly prefix: string
  readonly bits: number
  readonly validFor: number
}

/** In the order in which they were learnt; empty where IPv6 is off. `validFor` in seconds, Infinity for no end. */
export function inspectPrefixes6(arena: ArrayBuffer): Prefix6Record[] {
  const m = new Arena(arena)
  const found: Prefix6Record[] = []
  if (linkOf(m) === 0) return found
  for (let p = m.get32(linkOf(m) + PREFIXES); p !== 0; p = m.get32(p + NEXT6)) {
    const left = leftOf(m, m.get32(p + VALID_UNTIL) >>> 0)
    found.push({
      prefix: formatIpv6(m.bytes, p + ADDRESS6),
      bits: m.get8(p + PREFIX_BITS),
      validFor: left === FOR_EVER ? Number.POSITIVE_INFINITY : left,
    })
  }
  return found
}
