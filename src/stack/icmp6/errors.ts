/** The errors that a host sends, RFC 4443, 2.4: about what, to whom, how much of it, how often. */
import type { Core } from '../core.ts'
import { takeToken } from '../icmp/errors.ts'
import { findOwn, isAssigned } from '../ip6/addresses.ts'
import { upper, upperLayer } from '../ip6/chain.ts'
import { isMulticast6, isUnspecified } from '../ip6/kinds.ts'
import { hopLimit } from '../ip6/link.ts'
import { payload6At } from '../ip6/output.ts'
import { ADDRESS6 } from '../ip6/records.ts'
import { chooseSource } from '../ip6/source.ts'
import type { Address } from '../memory/arena.ts'
import {
  ICMP6_HEADER,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_POINTER,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
  icmp6Quotes,
  TIME_EXCEEDED6_REASSEMBLY,
  UNREACHABLE6_PORT,
} from '../wire/icmp6.ts'
import {
  IP6_DESTINATION,
  IP6_HEADER,
  IP6_MTU_MIN,
  IP6_NEXT_HEADER,
  IP6_PAYLOAD_LENGTH,
  IP6_SOURCE,
  NEXT_ICMP6,
} from '../wire/ipv6.ts'
import { ND_REDIRECT } from '../wire/nd.ts'
import { layIcmp6, sendIcmp6 } from './send.ts'

/** 2.4 (c): "as much of the offending packet as possible without making the error message packet exceed the minimum IPv6 MTU". */
const QUOTE_MAX = IP6_MTU_MIN - IP6_HEADER - ICMP6_HEADER

/** Nothing listens on the port that the packet from `ip` to `end` was for. */
export function sendPortUnreachable(s: Core, ip: Address, end: Address, toAll: boolean): void {
  if (!toAll) sendError6(s, ip, end, ICMP6_UNREACHABLE, UNREACHABLE6_PORT, 0)
}

/**
 * Something `pointer` bytes into the packet cannot be processed. 2.4 (e.3): whoever sent it to a group is not told, but
 * for an option that asks for it, and then the caller says that it was not sent to all.
 */
export function sendParameterProblem(
  s: Core,
  ip: Address,
  end: Address,
  code: number,
  pointer: number,
  toAll: boolean,
): void {
  if (!toAll) sendError6(s, ip, end, ICMP6_PARAMETER_PROBLEM, code, pointer)
}

/** The fragment at `ip` came first of a packet that never became whole. */
export function sendReassemblyTimeExceeded6(s: Core, ip: Address): void {
  const end = ip + IP6_HEADER + s.m.view.getUint16(ip + IP6_PAYLOAD_LENGTH)
  if (!isMulticast6(s.m, ip + IP6_DESTINATION))
    sendError6(s, ip, end, ICMP6_TIME_EXCEEDED, TIME_EXCEEDED6_REASSEMBLY, 0)
}

/** The error, unless 2.4 (e) and (f) forbid it: about errors and redirects, to nobody in particular, or too often. */
function sendError6(s: Core, ip: Address, end: Address, type: number, code: number, word: number): void {
  const { m } = s
  const to = ip + IP6_SOURCE
  if (isUnspecified(m, to) || isError(s, ip, end) || !takeToken(s)) return
  // 2.2: from the address that it was sent to, when that is ours.
  const own = findOwn(m, ip + IP6_DESTINATION)
  const from = own !== 0 && isAssigned(m, own) ? own + ADDRESS6 : chooseSource(s, to)
  if (from === 0) return
  const page = layIcmp6(s, from, to, type, code)
  if (page === 0) return
  const at = payload6At(page)
  const quoted = Math.min(QUOTE_MAX, end - ip)
  m.view.setInt32(at + ICMP6_POINTER, word)
  m.bytes.copyWithin(at + ICMP6_HEADER, ip, ip + quoted)
  sendIcmp6(s, page, ICMP6_HEADER + quoted, hopLimit(m))
}

/** (e.1) and (e.2): whether the packet is itself an error, or a redirect. */
function isError(s: Core, ip: Address, end: Address): boolean {
  const at = upperLayer(s.m, ip + IP6_NEXT_HEADER, ip + IP6_HEADER, end)
  if (at === 0 || upper.next !== NEXT_ICMP6) return false
  return icmp6Quotes(s.m.get8(at)) || s.m.get8(at) === ND_REDIRECT
}
