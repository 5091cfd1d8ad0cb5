/** ICMP arrives: echo is answered, errors are told to the connection that they speak of, RFC 792 and RFC 1122, 3.2.2. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { EMSGSIZE, isErrno } from '../errno.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { layDatagram, payloadAt, sendDatagram, sendWithOptions } from '../ip/datagram.ts'
import { isHostAddress, isOurs } from '../ip/local.ts'
import { mtuTo } from '../ip/route.ts'
import type { Address, Page } from '../memory/arena.ts'
import {
  icmpInDestUnreachs,
  icmpInEchoReps,
  icmpInEchos,
  icmpInMsgs,
  icmpInParmProbs,
  icmpInTimeExcds,
  icmpOutEchoReps,
} from '../mib.ts'
import { ICMP_ECHO_IGNORE_ALL } from '../proc/sysctl.ts'
import { errorOf, tcpUnreachable } from '../tcp/unreachable.ts'
import { udpUnreachable } from '../udp/unreachable.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import {
  ICMP_CHECKSUM,
  ICMP_CODE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_NEXT_HOP_MTU,
  ICMP_PARAMETER_PROBLEM,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP_REQUEST,
  ICMP_TYPE,
  ICMP_UNREACHABLE,
  UNREACHABLE_FRAGMENTATION_NEEDED,
} from '../wire/icmp.ts'
import {
  IP_DESTINATION,
  IP_HEADER,
  IP_PROTOCOL,
  IP_SOURCE,
  IP_VERSION_IHL,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../wire/ipv4.ts'
import { finishIcmp } from './errors.ts'

/** A message of `length` bytes at `at`, inside the IPv4 datagram at `ip`. */
export function icmpInput(s: Core, ip: Address, at: Address, length: number, toAll: boolean): Drop {
  const { m } = s
  count(s, icmpInMsgs)
  if (length < ICMP_HEADER) return dropped(s, Drop.BadIcmpLength)
  if (sumBytes(m, at, length) !== 0xffff) return dropped(s, Drop.BadIcmpChecksum)
  switch (m.get8(at + ICMP_TYPE)) {
    case ICMP_ECHO_REQUEST:
      count(s, icmpInEchos)
      if (s.features.procFs?.setting(s, ICMP_ECHO_IGNORE_ALL)) return Drop.None
      // RFC 1122, 3.2.2.6: an echo request to a broadcast address may be discarded: it serves floods alone.
      return toAll ? dropped(s, Drop.WrongDestination) : sendEchoReply(s, ip, at, length)
    case ICMP_ECHO_REPLY:
      count(s, icmpInEchoReps)
      return s.features.ping?.replyInput(s, ip, at, length) ?? dropped(s, Drop.NoPort)
    case ICMP_UNREACHABLE:
      count(s, icmpInDestUnreachs)
      return errorInput(s, ip, at, length)
    case ICMP_TIME_EXCEEDED:
      count(s, icmpInTimeExcds)
      return errorInput(s, ip, at, length)
    case ICMP_PARAMETER_PROBLEM:
      count(s, icmpInParmProbs)
      return errorInput(s, ip, at, length)
    case ICMP_REDIRECT:
      return errorInput(s, ip, at, length)
    case ICMP_SOURCE_QUENCH:
      // RFC 6633, 3: "A host MUST silently discard any received ICMP Source Quench messages."
      return dropped(s, Drop.SourceQuench)
    case ICMP_TIMESTAMP_REQUEST:
      if (toAll) return dropped(s, Drop.WrongDestination)
      return s.features.icmpTimestamp?.reply(s, ip, at, length) ?? dropped(s, Drop.UnknownIcmpType)
    default:
      return dropped(s, Drop.UnknownIcmpType)
  }
}

/** RFC 1122, 3.2.2.6: "the data received in the ICMP Echo Request MUST be entirely included in the reply". */
function sendEchoReply(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const to = m.view.getInt32(ip + IP_SOURCE)
  // RFC 1122, 3.2.2.6: "the IP source address in an ICMP Echo Reply MUST be the same as the specific-destination address".
  const from = m.view.getInt32(ip + IP_DESTINATION)
  const mtu = mtuTo(s, to)
  if (length > mtu - IP_HEADER) {
    // It came over a link that carries more than ours.
    const pages = layDatagram(s, 0, m.window(at, length), mtu)
    if (isErrno(pages)) return dropped(s, pages === EMSGSIZE ? Drop.DatagramTooLarge : Drop.NoMemory)
    finishEchoReply(s, pages, from, to, length)
    return Drop.None
  }
  const page = takeFrame(s, true)
  if (page === 0) return dropped(s, Drop.NoMemory)
  const header = at - ip
  const options = header > IP_HEADER ? (s.features.options?.echo(s, ip, header, payloadAt(page)) ?? 0) : 0
  if (options > 0 && length + options <= mtu - IP_HEADER)
    return finishEchoReplyBehind(s, page, options, from, to, at, length)
  m.bytes.copyWithin(payloadAt(page), at, at + length)
  finishEchoReply(s, page, from, to, length)
  return Drop.None
}

/** The reply to the request at `at`, behind IP options that stand in its page already. */
function finishEchoReplyBehind(
  s: Core,
  page: Page,
  options: number,
  from: number,
  to: number,
  at: Address,
  length: number,
): Drop {
  const { m } = s
  const message = payloadAt(page) + options
  m.bytes.copyWithin(message, at, at + length)
  m.put8(message + ICMP_TYPE, ICMP_ECHO_REPLY)
  m.put8(message + ICMP_CODE, 0)
  m.put16(message + ICMP_CHECKSUM, 0)
  m.put16(message + ICMP_CHECKSUM, complement(sumBytes(m, message, length)))
  count(s, icmpOutEchoReps)
  sendWithOptions(s, page, options, to, PROTOCOL_ICMP, length, from)
  return Drop.None
}

/** The request of `length` bytes whose copy stands in `page`, or begins there, becomes its reply and goes out. */
export function finishEchoReply(s: Core, page: Page, from: number, to: number, length: number): void {
  const at = payloadAt(page)
  s.m.put8(at + ICMP_TYPE, ICMP_ECHO_REPLY)
  s.m.put8(at + ICMP_CODE, 0)
  finishIcmp(s, page, length)
  count(s, icmpOutEchoReps)
  sendDatagram(s, page, to, PROTOCOL_ICMP, length, from)
}

/**
 * RFC 1122, 3.2.2: an error is "passed to the transport layer entity" that sent what it is about; that one's header comes behind
 * ours. It must be about a datagram of ours.
 */
function errorInput(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const inner = at + ICMP_HEADER
  const innerLength = length - ICMP_HEADER
  if (innerLength < IP_HEADER + 8) return dropped(s, Drop.BadIcmpLength)
  const headerLength = (m.get8(inner + IP_VERSION_IHL) & 15) * 4
  if (headerLength < IP_HEADER || innerLength < headerLength + 8) return dropped(s, Drop.BadIcmpLength)
  if (!isOurs(m, m.view.getInt32(inner + IP_SOURCE))) return dropped(s, Drop.NoConnection)
  // A word of 0.0.0.0/8 would name an IPv6 address to our sockets (ip6/word.ts).
  if (!isHostAddress(m.view.getInt32(inner + IP_DESTINATION))) return dropped(s, Drop.NoConnection)
  const type = m.get8(at + ICMP_TYPE)
  if (type === ICMP_REDIRECT)
    return s.features.redirects?.input(s, ip, at) ?? dropped(s, Drop.UnknownIcmpType)
  const code = type === ICMP_UNREACHABLE ? m.get8(at + ICMP_CODE) : NOT_UNREACHABLE
  switch (m.get8(inner + IP_PROTOCOL)) {
    case PROTOCOL_TCP:
      if (code === UNREACHABLE_FRAGMENTATION_NEEDED) {
        // RFC 1191, 4: the next hop's MTU stands in the low half of the word that other codes leave unused.
        const mtu = m.view.getUint16(at + ICMP_NEXT_HOP_MTU)
        const drop = s.features.pathMtu?.tooBig(s, inner, inner + headerLength, mtu)
        if (drop !== undefined) return drop
      }
      return unreachableInput(s, inner, headerLength, code)
    case PROTOCOL_UDP:
      return udpUnreachable(s, m.view.getInt32(inner + IP_DESTINATION), inner + headerLength, errorOf(code))
    default:
      return Drop.None
  }
}

/** RFC 1122, 4.2.3.9: time exceeded and parameter problem are "soft" errors, which TCP does not act on. */
const NOT_UNREACHABLE = -1
const unreachableInput = (s: Core, inner: Address, headerLength: number, code: number): Drop =>
  code === NOT_UNREACHABLE
    ? Drop.None
    : tcpUnreachable(s, s.m.view.getInt32(inner + IP_DESTINATION), inner + headerLength, errorOf(code))
