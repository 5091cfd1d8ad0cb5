/** The ICMP errors that a host and a router send, RFC 1122, 3.2.2 and RFC 1812, 4.3: about what, to whom, how often. */
import { type Core, count } from '../core.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { payloadAt, sendDatagram, sumDatagram } from '../ip/datagram.ts'
import { isBroadcast, isHostAddress, isOurs } from '../ip/local.ts'
import type { Address, Page } from '../memory/arena.ts'
import { ICMP_TOKENS, ICMP_TOKENS_AT, NOW_MS } from '../memory/layout.ts'
import { icmpOutDestUnreachs, icmpOutMsgs, icmpOutTimeExcds } from '../mib.ts'
import { ICMP_MSGS_BURST, ICMP_MSGS_PER_SEC } from '../proc/sysctl.ts'
import { complement } from '../wire/checksum.ts'
import {
  ICMP_CHECKSUM,
  ICMP_CODE,
  ICMP_HEADER,
  ICMP_ID,
  ICMP_TIME_EXCEEDED,
  ICMP_TYPE,
  ICMP_UNREACHABLE,
  icmpIsError,
  TIME_EXCEEDED_REASSEMBLY,
} from '../wire/icmp.ts'
import {
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_PROTOCOL,
  IP_SOURCE,
  IP_TOTAL_LENGTH,
  IP_VERSION_IHL,
  isMulticast,
  PROTOCOL_ICMP,
} from '../wire/ipv4.ts'

/** RFC 1812, 4.3.2.8: errors are rate limited; a bucket of this many, refilled one every REFILL_MS. */
const BURST = 20
const REFILL_MS = 20
/** Bytes of the datagram's payload that come back: RFC 1122, 3.2.2 asks for at least 8. */
const RETURNED_PAYLOAD = 8

/** Answers the IPv4 datagram at `at` with "destination unreachable"; see sendError. */
export function sendUnreachable(s: Core, at: Address, code: number, mtu = 0, quote = RETURNED_PAYLOAD): void {
  if (sendError(s, at, ICMP_UNREACHABLE, code, mtu, quote)) count(s, icmpOutDestUnreachs)
}

/** RFC 792, "Time Exceeded Message": fragment zero stands at `at`, its datagram never became whole; see sendError. */
export function sendReassemblyTimeExceeded(s: Core, at: Address): void {
  if (sendError(s, at, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_REASSEMBLY)) count(s, icmpOutTimeExcds)
}

/**
 * RFC 1122, 3.2.2: "An ICMP error message MUST NOT be sent as the result of receiving" an ICMP error, a datagram for more than
 * one host, a fragment other than the first, or one "whose source address does not define a single host".
 */
function mayBeTold(s: Core, at: Address): boolean {
  const { m } = s
  const { view } = m
  const source = view.getInt32(at + IP_SOURCE)
  const destination = view.getInt32(at + IP_DESTINATION)
  if ((view.getUint16(at + IP_FRAGMENT) & IP_FRAGMENT_OFFSET) !== 0) return false
  if (isMulticast(destination) || isBroadcast(m, destination)) return false
  if (!isHostAddress(source) || isBroadcast(m, source)) return false
  const payload = at + (m.get8(at + IP_VERSION_IHL) & 15) * 4
  return m.get8(at + IP_PROTOCOL) !== PROTOCOL_ICMP || !icmpIsError(m.get8(payload + ICMP_TYPE))
}

/**
 * The error about the IPv4 datagram at `at`, if there may be one. `rest` is the word behind the checksum, `quote` the bytes of the
 * datagram's payload that come back. False: none was sent, for what it was about, for the rate or for want of memory.
 */
export function sendError(
  s: Core,
  at: Address,
  type: number,
  code: number,
  rest = 0,
  quote = RETURNED_PAYLOAD,
): boolean {
  const { m } = s
  if (!mayBeTold(s, at) || !takeToken(s)) return false
  const page = takeFrame(s, true)
  if (page === 0) return false
  const headerLength = (m.get8(at + IP_VERSION_IHL) & 15) * 4
  const returned = Math.min(headerLength + quote, m.view.getUint16(at + IP_TOTAL_LENGTH))
  const to = payloadAt(page)
  m.put8(to + ICMP_TYPE, type)
  m.put8(to + ICMP_CODE, code)
  m.view.setInt32(to + ICMP_ID, rest)
  m.bytes.copyWithin(to + ICMP_HEADER, at, at + returned)
  finishIcmp(s, page, ICMP_HEADER + returned)
  // From the address that the datagram was sent to, where it is ours; else from that of the way back (RFC 1812, 4.3.2.4).
  const asked = m.view.getInt32(at + IP_DESTINATION)
  const from = isOurs(m, asked) ? asked : undefined
  sendDatagram(s, page, m.view.getInt32(at + IP_SOURCE), PROTOCOL_ICMP, ICMP_HEADER + returned, from)
  return true
}

/** The checksum over a message of `length` bytes in `page`. */
export function finishIcmp(s: Core, page: Page, length: number): void {
  const at = payloadAt(page)
  count(s, icmpOutMsgs)
  s.m.put16(at + ICMP_CHECKSUM, 0)
  s.m.put16(at + ICMP_CHECKSUM, complement(sumDatagram(s, page, length)))
}

/**
 * Whether one more error may be sent now, of ICMP or ICMPv6 (RFC 4443, 2.4 (f)). One costs a token on average: none, one or two.
 * Were it always one, whoever lets others be told of closed ports could count by what is left how many were closed, and so find
 * the port that a question of ours went out by (CVE-2020-25705; Linux draws, too).
 */
export function takeToken(s: Core): boolean {
  const { m } = s
  const refill = 1000 / (s.features.procFs?.setting(s, ICMP_MSGS_PER_SEC) ?? 1000 / REFILL_MS)
  const earned = Math.floor(((m.get32(NOW_MS) - m.get32(ICMP_TOKENS_AT)) >>> 0) / refill)
  let tokens = m.get8(ICMP_TOKENS)
  if (earned > 0) {
    tokens = Math.min(s.features.procFs?.setting(s, ICMP_MSGS_BURST) ?? BURST, tokens + earned)
    m.put32(ICMP_TOKENS_AT, m.get32(NOW_MS))
  }
  if (tokens === 0) return false
  m.put8(ICMP_TOKENS, Math.max(0, tokens - (s.random32() % 3)))
  return true
}
