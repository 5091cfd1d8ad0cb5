/** In which order to try the addresses of one host, RFC 6724, 6: the rules that a host with one link needs. */
import type { Core } from '../core.ts'
import { ADDRESS } from '../memory/layout.ts'
import type { Ipv4, Ipv6 } from '../stack.ts'
import { isLinkLocal } from '../wire/ipv4.ts'
import { DEPRECATED } from './addresses.ts'
import { hasRoute } from './destinations.ts'
import { SCOPE_GLOBAL, SCOPE_LINK, scopeOf } from './kinds.ts'
import { labelOf, POLICY_IPV4, precedenceOf } from './policy.ts'
import { ADDRESS6, STATE6 } from './records.ts'
import { scratchFrom } from './scratch.ts'
import { chooseSource, commonWith } from './source.ts'

/** What the rules ask of a destination: the higher, the better, rule by rule. */
type Merits = readonly number[]

/** Sorts in place; what the rules leave equal keeps its order (rule 10). A stable sort. */
export function sortDestinations<T extends Ipv4 | Ipv6>(s: Core, addresses: T[]): T[] {
  const ranked = addresses.map(address => ({
    address,
    merits: typeof address === 'number' ? meritsOf4(s, address) : meritsOf6(s, address),
  }))
  ranked.sort((a, b) => compare(a.merits, b.merits))
  ranked.forEach(({ address }, i) => {
    addresses[i] = address
  })
  return addresses
}

/** The first rule in which they differ decides. Rule 9 compares addresses of one family alone: its merit is then last. */
function compare(a: Merits, b: Merits): number {
  for (let rule = 0; rule < Math.min(a.length, b.length); rule++) {
    const difference = (b[rule] ?? 0) - (a[rule] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function meritsOf6(s: Core, address: Ipv6): Merits {
  const { m } = s
  const to = scratchFrom(m, address)
  const from = hasRoute(s, to) ? chooseSource(s, to) : 0
  // Rule 1: avoid unusable destinations.
  if (from === 0) return [0]
  const own = from - ADDRESS6
  return [
    1,
    // Rule 2: prefer matching scope. Rule 3: avoid deprecated addresses.
    Number(scopeOf(m, from) === scopeOf(m, to)),
    Number(m.get8(own + STATE6) !== DEPRECATED),
    // Rule 5: prefer matching label. Rule 6: prefer higher precedence. Rule 8: prefer smaller scope.
    Number(labelOf(m, from) === labelOf(m, to)),
    precedenceOf(m, to),
    -scopeOf(m, to),
    // Rule 9: use longest matching prefix.
    commonWith(m, own, to),
  ]
}

/** RFC 6724, 3.2: IPv4 addresses have scopes too; as mapped ones they share a label. */
function meritsOf4(s: Core, address: Ipv4): Merits {
  const source = s.m.get32(ADDRESS)
  if (source === 0) return [0]
  const scope = (of: number): number => (isLinkLocal(of) || of >>> 24 === 127 ? SCOPE_LINK : SCOPE_GLOBAL)
  return [1, Number(scope(source) === scope(address)), 1, 1, POLICY_IPV4 >> 8, -scope(address)]
}
