/** UDP over IPv6: RFC 768 with RFC 8200, 8.1, where the checksum is not optional. */
import { type Core, count, dropped, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import { ENETUNREACH, type Errno, isErrno } from '../errno.ts'
import { sendPortUnreachable } from '../icmp6/errors.ts'
import { type Address, type Arena, freePages, PAGE_LENGTH, PAGE_OFFSET, type Page } from '../memory/arena.ts'
import { udpInDatagrams, udpNoPorts, udpOutDatagrams } from '../mib.ts'
import { queueChain, queueDatagram } from '../socket/datagrams.ts'
import { LOCAL_ADDRESS, LOCAL_PORT } from '../socket/record.ts'
import { findSocket, sameSocket } from '../socket/socket.ts'
import { complement, pseudoSum6, sumBytes, sumChain } from '../wire/checksum.ts'
import { PROTOCOL_UDP } from '../wire/ipv4.ts'
import { IP6_DESTINATION, IP6_SOURCE } from '../wire/ipv6.ts'
import { UDP_CHECKSUM, UDP_DESTINATION_PORT, UDP_HEADER, UDP_LENGTH, UDP_SOURCE_PORT } from '../wire/udp.ts'
import { findDestination } from './destinations.ts'
import { firstPayload, layPayload, sendPayload } from './output.ts'
import { ADDRESS6, isSame } from './records.ts'
import { chooseSource } from './source.ts'
import { isIpv6Word } from './word.ts'

/** A datagram of `length` bytes at `at`, in the packet at `ip`. */
export function udpInput6(s: Core, ip: Address, at: Address, length: number, toAll: boolean): Drop {
  const { m } = s
  if (length < UDP_HEADER) return dropped(s, Drop.BadUdpLength)
  const size = m.view.getUint16(at + UDP_LENGTH)
  if (size < UDP_HEADER || size > length) return dropped(s, Drop.BadUdpLength)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, PROTOCOL_UDP, size) + sumBytes(m, at, size)
  if (!isCheckedBy(s, at, sum)) return dropped(s, Drop.BadUdpChecksum)
  const socket = receiver(s, ip, at)
  if (socket === 0) {
    sendPortUnreachable(s, ip, at + length, toAll)
    return dropped(s, Drop.NoPort)
  }
  const wanted = s.features.filter?.wanted(s, socket, at, size, 0, 0) ?? size
  if (wanted === 0) return dropped(s, Drop.Filtered)
  const port = m.view.getUint16(at + UDP_SOURCE_PORT)
  return queueDatagram(s, socket, at + UDP_HEADER, Math.max(0, wanted - UDP_HEADER), ip + IP6_SOURCE, port)
}

/** The same over a chain of pages. Its header is in the first one: all headers are in the first fragment. */
export function udpChain(s: Core, ip: Address, head: Page, length: number, toAll: boolean): Drop {
  const { m } = s
  const at = head + m.get16(head + PAGE_OFFSET)
  const size = m.view.getUint16(at + UDP_LENGTH)
  if (size < UDP_HEADER || size > length) return refused(s, head, Drop.BadUdpLength)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, PROTOCOL_UDP, size) + sumChain(m, head, size)
  if (!isCheckedBy(s, at, sum)) return refused(s, head, Drop.BadUdpChecksum)
  const socket = receiver(s, ip, at)
  if (socket === 0) {
    sendPortUnreachable(s, ip, at + m.get16(head + PAGE_LENGTH), toAll)
    return refused(s, head, Drop.NoPort)
  }
  const wanted = s.features.filter?.wanted(s, socket, at, 0, head, size) ?? size
  if (wanted === 0) return refused(s, head, Drop.Filtered)
  return queueChain(
    s,
    socket,
    head,
    UDP_HEADER,
    Math.max(UDP_HEADER, wanted),
    ip + IP6_SOURCE,
    m.view.getUint16(at + UDP_SOURCE_PORT),
  )
}

/** RFC 8200, 8.1: "IPv6 receivers must discard UDP packets containing a zero checksum". */
const isCheckedBy = (s: Core, at: Address, sum: number): boolean =>
  s.m.get16(at + UDP_CHECKSUM) !== 0 && complement(sum) === 0

/** Whether a socket is bound to the address at `at`, or to none. */
function isAt(m: Arena, socket: Address, at: Address): boolean {
  const bound = m.get32(socket + LOCAL_ADDRESS)
  return bound === 0 || (isIpv6Word(bound) && isSame(m, bound, at))
}

/** The socket that the datagram is for; one that is bound to an address takes what is sent to that alone. */
function receiver(s: Core, ip: Address, at: Address): Address {
  const { m } = s
  const port = m.view.getUint16(at + UDP_DESTINATION_PORT)
  const d = findDestination(m, ip + IP6_SOURCE)
  const known =
    d === 0 ? 0 : findSocket(m, KIND_UDP, port, d + ADDRESS6, m.view.getUint16(at + UDP_SOURCE_PORT))
  let socket = known || findSocket(m, KIND_UDP, port, 0, 0)
  while (socket !== 0 && !isAt(m, socket, ip + IP6_DESTINATION)) socket = sameSocket(m, socket)
  count(s, socket === 0 ? udpNoPorts : udpInDatagrams)
  return socket
}

function refused(s: Core, head: Page, drop: Drop): Drop {
  freePages(s.m, head)
  return dropped(s, drop)
}

/** See udpSend (udp/udp.ts); `to` is a word. */
export function sendUdp6(
  s: Core,
  socket: Address,
  data: Uint8Array,
  to: number,
  port: number,
): number | Errno {
  const { m } = s
  const from = sourceOf(s, socket, to)
  if (from === 0) return ENETUNREACH
  const page = layPayload(s, to, UDP_HEADER, data)
  if (isErrno(page)) return page
  const at = firstPayload(s, page)
  const size = UDP_HEADER + data.length
  m.view.setUint16(at + UDP_SOURCE_PORT, m.get16(socket + LOCAL_PORT))
  m.view.setUint16(at + UDP_DESTINATION_PORT, port)
  m.view.setUint16(at + UDP_LENGTH, size)
  m.put16(at + UDP_CHECKSUM, 0)
  count(s, udpOutDatagrams)
  const sent = sendPayload(s, page, from, to, PROTOCOL_UDP, size, UDP_CHECKSUM)
  return isErrno(sent) ? sent : data.length
}

/** Our word for what a socket sends to `to`: what it is bound to, or the best; 0: it is bound to an IPv4 address, or there is none. */
export function sourceOf(s: Core, socket: Address, to: number): number {
  const bound = s.m.get32(socket + LOCAL_ADDRESS)
  if (bound === 0) return chooseSource(s, to)
  return isIpv6Word(bound) ? bound : 0
}
