/** ICMP arrives: echo is answered, errors are told to the connection that they speak of, RFC 792 and RFC 1122, 3.2.2. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { EMSGSIZE, isErrno } from '../errno.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { layDatagram, payloadAt, sendDatagram } from '../ip/datagram.ts'
import { mtuTo } from '../ip/route.ts'
import type { Address, Page } from '../memory/arena.ts'
import { icmpInDestUnreachs, icmpInEchos, icmpOutEchoReps } from '../mib.ts'
import { ICMP_ECHO_IGNORE_ALL } from '../proc/sysctl.ts'
import { tcpUnreachable } from '../tcp/unreachable.ts'
import { sumBytes } from '../wire/checksum.ts'
import {
  ICMP_CODE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_TYPE,
  ICMP_UNREACHABLE,
} from '../wire/icmp.ts'
import {
  IP_DESTINATION,
  IP_HEADER,
  IP_PROTOCOL,
  IP_SOURCE,
  IP_VERSION_IHL,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
} from '../wire/ipv4.ts'
import { finishIcmp } from './errors.ts'

/** A message of `length` bytes at `at`, inside the IPv4 datagram at `ip`. */
export function icmpInput(s: Core, ip: Address, at: Address, length: number, toAll: boolean): Drop {
  const { m } = s
  if (length < ICMP_HEADER) return dropped(s, Drop.BadIcmpLength)
  if (sumBytes(m, at, length) !== 0xffff) return dropped(s, Drop.BadIcmpChecksum)
  switch (m.get8(at + ICMP_TYPE)) {
    case ICMP_ECHO_REQUEST:
      count(s, icmpInEchos)
      if (s.features.procFs?.setting(s, ICMP_ECHO_IGNORE_ALL)) return Drop.None
      // RFC 1122, 3.2.2.6: an echo request to a broadcast address may be discarded: it serves floods alone.
      return toAll ? dropped(s, Drop.WrongDestination) : sendEchoReply(s, ip, at, length)
    case ICMP_ECHO_REPLY:
      return s.features.ping?.replyInput(s, ip, at, length) ?? dropped(s, Drop.NoPort)
    case ICMP_UNREACHABLE:
      count(s, icmpInDestUnreachs)
      return unreachableInput(s, at, length)
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
  m.bytes.copyWithin(payloadAt(page), at, at + length)
  finishEchoReply(s, page, from, to, length)
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

/** RFC 1122, 3.2.2.1: passed to the transport that sent what could not be delivered; its header comes behind ours. */
function unreachableInput(s: Core, at: Address, length: number): Drop {
  const { m } = s
  const inner = at + ICMP_HEADER
  const innerLength = length - ICMP_HEADER
  if (innerLength < IP_HEADER + 8) return dropped(s, Drop.BadIcmpLength)
  const headerLength = (m.get8(inner + IP_VERSION_IHL) & 15) * 4
  if (headerLength < IP_HEADER || innerLength < headerLength + 8) return dropped(s, Drop.BadIcmpLength)
  if (m.get8(inner + IP_PROTOCOL) !== PROTOCOL_TCP) return Drop.None
  return tcpUnreachable(s, inner, inner + headerLength, m.get8(at + ICMP_CODE))
}
