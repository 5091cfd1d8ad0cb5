/**
 * How a socket's record holds an IPv6 address: in the 32-bit word where an IPv4 address stands otherwise.
 *
 *     10.0.0.2      0x0a000002    an IPv4 address, itself
 *     2001:db8::2   0x00012f54    where in the arena its 16 bytes stand
 *
 * An arena is 4 MiB at most, so such a word lies in 0.0.0.0/8, which no host may have (RFC 1122, 3.2.1.3): none is taken
 * from the wire or from a program. Comparing two words compares two addresses, since each address that
 * sockets speak to stands in the arena once (destinations.ts). So the tables, the control block and all of TCP
 * work as they do for IPv4, at the same speed. 0 is no address, of either kind.
 */
import type { Core } from '../core.ts'
import { PAGE_MAP } from '../memory/layout.ts'
import type { Ipv6Protocol } from './ipv6.ts'

/** Whether the word stands for an IPv6 address: it points behind the fixed area. */
export const isIpv6Word = (word: number): boolean => word > PAGE_MAP && word >>> 24 === 0

/** IPV6 where the word stands for an IPv6 address, undefined where it is an IPv4 one. */
export const ipv6For = (s: Core, word: number): Ipv6Protocol | undefined =>
  s.features.ipv6 !== undefined && isIpv6Word(word) ? s.features.ipv6 : undefined
