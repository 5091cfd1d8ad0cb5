/** The ICMP errors that a host sends, RFC 1122, 3.2.2: about what, to whom, how often. */
import { type Core, count } from '../core.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { payloadAt, sendDatagram, sumDatagram } from '../ip/datagram.ts'
import type { Address, Page } from '../memory/arena.ts'
import { ICMP_TOKENS, ICMP_TOKENS_AT, NOW_MS } from '../memory/layout.ts'
import { icmpOutDestUnreachs, icmpOutTimeExcds } from '../mib.ts'
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
  TIME_EXCEEDED_REASSEMBLY,
} from '../wire/icmp.ts'
import { IP_SOURCE, IP_TOTAL_LENGTH, IP_VERSION_IHL, PROTOCOL_ICMP } from '../wire/ipv4.ts'

/** RFC 1812, 4.3.2.8: errors are rate limited; a bucket of this many, refilled one every REFILL_MS. */
const BURST = 20
const REFILL_MS = 20
/** Bytes of the datagram's payload that come back: RFC 1122, 3.2.2 asks for at least 8. */
const RETURNED_PAYLOAD = 8

/** Answers the IPv4 datagram at `at` with "destination unreachable"; see sendError. */
export function sendUnreachable(s: Core, at: Address, code: number): void {
  if (sendError(s, at, ICMP_UNREACHABLE, code)) count(s, icmpOutDestUnreachs)
}

/** RFC 792, "Time Exceeded Message": fragment zero stands at `at`, its datagram never became whole; see sendError. */
export function sendReassemblyTimeExceeded(s: Core, at: Address): void {
  if (sendError(s, at, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_REASSEMBLY)) count(s, icmpOutTimeExcds)
}

/**
 * The error about the IPv4 datagram at `at`. The caller has made sure that it came alone, not by broadcast, and is
 * neither a fragment other than the first nor an ICMP error (RFC 1122, 3.2.2: never in answer to those). False: the
 * rate or the memory did not allow it.
 */
function sendError(s: Core, at: Address, type: number, code: number): boolean {
  const { m } = s
  if (!takeToken(s)) return false
  const page = takeFrame(s, true)
  if (page === 0) return false
  const headerLength = (m.get8(at + IP_VERSION_IHL) & 15) * 4
  const returned = Math.min(headerLength + RETURNED_PAYLOAD, m.view.getUint16(at + IP_TOTAL_LENGTH))
  const to = payloadAt(page)
  m.put8(to + ICMP_TYPE, type)
  m.put8(to + ICMP_CODE, code)
  m.put32(to + ICMP_ID, 0)
  m.bytes.copyWithin(to + ICMP_HEADER, at, at + returned)
  finishIcmp(s, page, ICMP_HEADER + returned)
  sendDatagram(s, page, m.view.getInt32(at + IP_SOURCE), PROTOCOL_ICMP, ICMP_HEADER + returned)
  return true
}

/** The checksum over a message of `length` bytes in `page`. */
export function finishIcmp(s: Core, page: Page, length: number): void {
  const at = payloadAt(page)
  s.m.put16(at + ICMP_CHECKSUM, 0)
  s.m.put16(at + ICMP_CHECKSUM, complement(sumDatagram(s, page, length)))
}

function takeToken(s: Core): boolean {
  const { m } = s
  const refill = 1000 / (s.features.procFs?.setting(s, ICMP_MSGS_PER_SEC) ?? 1000 / REFILL_MS)
  const earned = Math.floor(((m.get32(NOW_MS) - m.get32(ICMP_TOKENS_AT)) >>> 0) / refill)
  let tokens = m.get8(ICMP_TOKENS)
  if (earned > 0) {
    tokens = Math.min(s.features.procFs?.setting(s, ICMP_MSGS_BURST) ?? BURST, tokens + earned)
    m.put32(ICMP_TOKENS_AT, m.get32(NOW_MS))
  }
  if (tokens === 0) return false
  m.put8(ICMP_TOKENS, tokens - 1)
  return true
}
