/** How much text a segment carries, RFC 9293, 3.7.1: what the link has room for, what the path has, what the peer takes. */
import type { Core } from '../core.ts'
import { mtuTo } from '../ip/route.ts'
import { ipv6For } from '../ip6/word.ts'
import { IP_HEADER } from '../wire/ipv4.ts'
import { TCP_HEADER } from '../wire/tcp.ts'
import { MSS_DEFAULT } from './connection.ts'

/** The least MSS we believe: 68 bytes of IP, the least MTU (RFC 791, 3.1), less 40. A smaller one is an attack. */
const MSS_LEAST = 28

/** What the MSS option says to this peer: (MUST-67) the link's MTU less the fixed headers, whatever options may come. */
export const linkMss = (s: Core, remote: number): number =>
  ipv6For(s, remote)?.linkMss(s) ?? mtuTo(s, remote) - IP_HEADER - TCP_HEADER

/** Eff.snd.MSS: the peer's MSS or 536, no more than the path carries as far as we know, and never absurdly small. */
export function effectiveMss(s: Core, remote: number): number {
  const offered = s.segment.mss || MSS_DEFAULT
  return Math.max(MSS_LEAST, Math.min(offered, ipv6For(s, remote)?.pathMss(s, remote) ?? linkMss(s, remote)))
}
