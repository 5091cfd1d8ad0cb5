/** What a host says of its IPv6; see Ipv6Report in stack.ts. */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import type { Ipv6, Ipv6Report, Ms, OwnAddress6 } from '../stack.ts'
import { DEPRECATED, DUPLICATE, PREFERRED_UNTIL, TENTATIVE, visitOwn } from './addresses.ts'
import {
  ADDRESS6,
  FOR_EVER,
  linkOf,
  NEXT6,
  PREFIX_BITS,
  ROUTERS,
  SERVERS,
  STATE6,
  VALID_UNTIL,
} from './records.ts'
import { whyOff } from './start.ts'

/** Made anew by each call. Where IPv6 is off its lists are empty, and `off` says why. */
export function reportOf(s: Core): Ipv6Report {
  const { m } = s
  const addresses: OwnAddress6[] = []
  if (linkOf(m) === 0)
    return {
      off: whyOff(m) ?? 'It was not asked for when this host was made.',
      addresses,
      routers: [],
      nameServers: [],
    }
  visitOwn(m, a => addresses.push(ownAddress(m, a)))
  return {
    off: undefined,
    addresses,
    routers: addressesIn(m, linkOf(m) + ROUTERS),
    nameServers: addressesIn(m, linkOf(m) + SERVERS),
  }
}

const bytesAt = (m: Arena, at: Address): Ipv6 => m.bytes.slice(at, at + 16)

function ownAddress(m: Arena, a: Address): OwnAddress6 {
  const state = m.get8(a + STATE6)
  return {
    address: bytesAt(m, a + ADDRESS6),
    prefixLength: m.get8(a + PREFIX_BITS),
    state:
      state === TENTATIVE
        ? 'tentative'
        : state === DEPRECATED
          ? 'deprecated'
          : state === DUPLICATE
            ? 'duplicate'
            : 'preferred',
    preferredUntil: untilOf(m, a + PREFERRED_UNTIL),
    validUntil: untilOf(m, a + VALID_UNTIL),
  }
}

function untilOf(m: Arena, at: Address): Ms {
  const seconds = m.get32(at) >>> 0
  return seconds === FOR_EVER ? Infinity : seconds * 1000
}

function addressesIn(m: Arena, head: Address): Ipv6[] {
  const found: Ipv6[] = []
  for (let at = m.get32(head); at !== 0; at = m.get32(at + NEXT6)) found.push(bytesAt(m, at + ADDRESS6))
  return found
}
