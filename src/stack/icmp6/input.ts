/** ICMPv6 arrives, RFC 4443: echo, errors about what we have sent, neighbour discovery, groups. */

import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { routerAdvertised } from '../ip6/advertisement.ts'
import { neighbourAdvertised, neighbourSolicited } from '../ip6/discovery.ts'
import { redirected } from '../ip6/redirect.ts'
import type { Address } from '../memory/arena.ts'
import { icmp6InMsgs } from '../mib.ts'
import { complement, pseudoSum6, sumBytes } from '../wire/checksum.ts'
import {
  ICMP6_CODE,
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP6_HEADER,
  ICMP6_TYPE,
  icmp6Quotes,
  MLD_DONE,
  MLD_QUERY,
  MLD_REPORT,
} from '../wire/icmp6.ts'
import { IP6_HOP_LIMIT, IP6_SOURCE, NEXT_ICMP6 } from '../wire/ipv6.ts'
import {
  isNd,
  ND_NEIGHBOUR_ADVERTISEMENT,
  ND_NEIGHBOUR_SOLICITATION,
  ND_REDIRECT,
  ND_ROUTER_ADVERTISEMENT,
  ndLength,
  ndOptionsAreValid,
} from '../wire/nd.ts'
import { echoReplied, echoRequested } from './echo.ts'
import { mldInput } from './groups.ts'
import { errorReturned } from './returned.ts'

/** A message of `length` bytes at `at` in the packet at `ip`; `fragmented`: it came with a fragment header. */
export function icmp6Input(
  s: Core,
  ip: Address,
  at: Address,
  length: number,
  toAll: boolean,
  fragmented: boolean,
): Drop {
  const { m } = s
  count(s, icmp6InMsgs)
  if (length < ICMP6_HEADER) return dropped(s, Drop.BadIcmpLength)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, NEXT_ICMP6, length) + sumBytes(m, at, length)
  if (complement(sum) !== 0) return dropped(s, Drop.BadIcmpChecksum)
  const type = m.get8(at + ICMP6_TYPE)
  if (isNd(type)) return discoveryInput(s, ip, at, length, type, fragmented)
  switch (type) {
    case ICMP6_ECHO_REQUEST:
      // 4.2: one to a group may be answered; like IPv4's it serves floods alone, and is not.
      return toAll ? dropped(s, Drop.WrongDestination) : echoRequested(s, ip, at, length)
    case ICMP6_ECHO_REPLY:
      return echoReplied(s, ip, at, length)
    case MLD_QUERY:
    case MLD_REPORT:
    case MLD_DONE:
      return mldInput(s, ip, at, length, type)
    default:
      return icmp6Quotes(type) ? errorReturned(s, at, length, type) : dropped(s, Drop.UnknownIcmpType)
  }
}

/** RFC 4861, 6.1, 7.1, 8.1: what all messages must be; RFC 6980, 5: and none of them may have been a fragment. */
function discoveryInput(
  s: Core,
  ip: Address,
  at: Address,
  length: number,
  type: number,
  fragmented: boolean,
): Drop {
  const { m } = s
  if (m.get8(ip + IP6_HOP_LIMIT) !== 255) return dropped(s, Drop.BadHopLimit)
  if (fragmented || m.get8(at + ICMP6_CODE) !== 0) return dropped(s, Drop.BadDiscovery)
  const fixed = ndLength(type)
  if (length < fixed || !ndOptionsAreValid(m.view, at + fixed, at + length))
    return dropped(s, Drop.BadDiscovery)
  switch (type) {
    case ND_NEIGHBOUR_SOLICITATION:
      return neighbourSolicited(s, ip, at, length)
    case ND_NEIGHBOUR_ADVERTISEMENT:
      return neighbourAdvertised(s, ip, at, length)
    case ND_ROUTER_ADVERTISEMENT:
      return routerAdvertised(s, ip, at, length)
    case ND_REDIRECT:
      return redirected(s, ip, at, length)
    default:
      // 6.2.6: a solicitation for routers, and we are none.
      return Drop.None
  }
}
