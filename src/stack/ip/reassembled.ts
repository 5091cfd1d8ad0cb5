/**
 * A datagram is whole again. One that fits a frame is gathered in the input page and goes the way of all datagrams, so
 * that no protocol need know where it came from. A larger one stays in its chain of pages, and two protocols can read
 * that: UDP, whose queue takes the chain as it is, and ICMP echo. TCP need not: no peer may send a segment that is
 * larger than the MSS it was told.
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { frameAt } from '../ethernet/frames.ts'
import { sendUnreachable } from '../icmp/errors.ts'
import { finishEchoReply } from '../icmp/input.ts'
import { type Address, FRAME_MAX, freePages, PAGE_OFFSET, type Page } from '../memory/arena.ts'
import { icmpInEchos, ipInDelivers } from '../mib.ts'
import { queueChain } from '../socket/datagrams.ts'
import { serviceAt } from '../udp/service.ts'
import { udpReceiver } from '../udp/udp.ts'
import { complement, pseudoSum, sumBytes, sumChain } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_SEQUENCE,
  ICMP_TYPE,
  UNREACHABLE_PROTOCOL,
} from '../wire/icmp.ts'
import {
  IP_CHECKSUM,
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_PROTOCOL,
  IP_SOURCE,
  IP_TOTAL_LENGTH,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../wire/ipv4.ts'
import { UDP_CHECKSUM, UDP_DESTINATION_PORT, UDP_HEADER, UDP_LENGTH, UDP_SOURCE_PORT } from '../wire/udp.ts'
import { layChain } from './fragment.ts'
import { gather } from './gather.ts'
import { deliver } from './input.ts'
import { mtuTo } from './route.ts'

/** The chain's pages hold `length` bytes of payload; the first one's IP header becomes the datagram's. */
export function deliverReassembled(
  s: Core,
  head: Page,
  headerLength: number,
  length: number,
  toAll: boolean,
): Drop {
  const { m } = s
  const ip = frameAt(head) + ETH_HEADER
  m.view.setUint16(ip + IP_TOTAL_LENGTH, headerLength + length)
  m.view.setUint16(ip + IP_FRAGMENT, 0)
  m.put16(ip + IP_CHECKSUM, 0)
  m.put16(ip + IP_CHECKSUM, complement(sumBytes(m, ip, headerLength)))
  if (ETH_HEADER + headerLength + length <= FRAME_MAX)
    return deliver(s, gather(s, head, headerLength), headerLength, headerLength + length, toAll)
  count(s, ipInDelivers)
  const taken = s.features.raw?.input(s, ip, headerLength, length, head) ?? false
  switch (m.get8(ip + IP_PROTOCOL)) {
    case PROTOCOL_UDP:
      return udpChainInput(s, ip, head, length, toAll)
    case PROTOCOL_ICMP:
      return icmpChainInput(s, ip, head, length, toAll)
    case PROTOCOL_TCP:
      return refused(s, head, Drop.DatagramTooLarge)
    default:
      if (taken) {
        freePages(m, head)
        return Drop.None
      }
      sendUnreachable(s, ip, UNREACHABLE_PROTOCOL)
      return refused(s, head, Drop.UnknownProtocol)
  }
}

function refused(s: Core, head: Page, drop: Drop): Drop {
  freePages(s.m, head)
  return dropped(s, drop)
}

/** udpInput (udp/udp.ts) over a chain. Its header is in the first page: no fragment but the last is shorter than 8 bytes. */
function udpChainInput(s: Core, ip: Address, head: Page, length: number, toAll: boolean): Drop {
  const { m } = s
  const at = head + m.get16(head + PAGE_OFFSET)
  const size = m.view.getUint16(at + UDP_LENGTH)
  if (size < UDP_HEADER || size > length) return refused(s, head, Drop.BadUdpLength)
  if (m.view.getUint16(at + UDP_CHECKSUM) !== 0) {
    const sum = pseudoSum(m, ip + IP_SOURCE, PROTOCOL_UDP, size) + sumChain(m, head, size)
    if (complement(sum) !== 0) return refused(s, head, Drop.BadUdpChecksum)
  }
  // A service reads one page: what DHCP and DNS say that they can take (RFC 2132, 9.10; RFC 6891, 6.2.3) fits a frame.
  if (serviceAt(s, m.view.getUint16(at + UDP_DESTINATION_PORT)) !== undefined)
    return refused(s, head, Drop.DatagramTooLarge)
  if (toAll && s.features.multicast !== undefined) {
    const heard = s.features.multicast.spread(s, ip, head, size, s.link)
    freePages(m, head)
    return heard ? Drop.None : dropped(s, Drop.NoPort)
  }
  const socket = udpReceiver(s, ip, at)
  if (socket === 0) return refused(s, head, Drop.NoPort)
  const wanted = s.features.filter?.wanted(s, socket, at, 0, head, size) ?? size
  if (wanted === 0) return refused(s, head, Drop.Filtered)
  const from = m.view.getInt32(ip + IP_SOURCE)
  return queueChain(
    s,
    socket,
    head,
    UDP_HEADER,
    Math.max(UDP_HEADER, wanted),
    from,
    m.view.getUint16(at + UDP_SOURCE_PORT),
  )
}

/** icmpInput (icmp/input.ts) over a chain: nothing but echoes is that large. */
function icmpChainInput(s: Core, ip: Address, head: Page, length: number, toAll: boolean): Drop {
  const { m } = s
  if (sumChain(m, head, length) !== 0xffff) return refused(s, head, Drop.BadIcmpChecksum)
  const at = head + m.get16(head + PAGE_OFFSET)
  const from = m.view.getInt32(ip + IP_SOURCE)
  const source = m.view.getInt32(ip + IP_DESTINATION)
  switch (m.get8(at + ICMP_TYPE)) {
    case ICMP_ECHO_REQUEST: {
      count(s, icmpInEchos)
      if (toAll) return refused(s, head, Drop.WrongDestination)
      const pages = layChain(s, head, length, mtuTo(s, from))
      if (pages === 0) return dropped(s, Drop.NoMemory)
      finishEchoReply(s, pages, source, from, length)
      return Drop.None
    }
    case ICMP_ECHO_REPLY: {
      const socket = s.features.ping?.receiver(s, at) ?? 0
      if (socket === 0) return refused(s, head, Drop.NoPort)
      return queueChain(s, socket, head, ICMP_HEADER, length, from, m.view.getUint16(at + ICMP_SEQUENCE))
    }
    default:
      return refused(s, head, Drop.UnknownIcmpType)
  }
}
