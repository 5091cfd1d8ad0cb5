/** UDP, RFC 768, with what RFC 1122, 4.1 asks of hosts. */
import { type Core, count, dropped, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import { EACCES, EADDRINUSE, ENETUNREACH, type Errno, isErrno } from '../errno.ts'
import { linkAt } from '../ethernet/links.ts'
import { sendUnreachable } from '../icmp/errors.ts'
import { layDatagram, payloadAt, type Sending, sendDatagram, sumDatagram } from '../ip/datagram.ts'
import { isBroadcast, sourceFor } from '../ip/local.ts'
import { mtuTo } from '../ip/route.ts'
import {
  type Address,
  type Arena,
  freePages,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
  pageOf,
} from '../memory/arena.ts'
import { LINK_ADDRESS, LINK_MTU } from '../memory/layout.ts'
import { udpInDatagrams, udpOutDatagrams } from '../mib.ts'
import {
  FLAG_BROADCAST,
  FLAG_NO_LOOP,
  FLAG_SHARED,
  MULTICAST_LINK,
  MULTICAST_TTL,
  queueDatagram,
} from '../socket/datagrams.ts'
import { hasFlag, LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT, TTL } from '../socket/record.ts'
import { choosePort, enterTable, findSocket, leaveTable, sameSocket } from '../socket/socket.ts'
import { complement, pseudoSum, sumBytes } from '../wire/checksum.ts'
import { UNREACHABLE_PORT } from '../wire/icmp.ts'
import {
  BROADCAST,
  IP_DEFAULT_TTL,
  IP_DESTINATION,
  IP_HEADER,
  IP_SOURCE,
  isMulticast,
  PROTOCOL_UDP,
} from '../wire/ipv4.ts'
import { UDP_CHECKSUM, UDP_DESTINATION_PORT, UDP_HEADER, UDP_LENGTH, UDP_SOURCE_PORT } from '../wire/udp.ts'
import { serviceAt } from './service.ts'

/** A datagram of `length` bytes at `at`, inside the IPv4 datagram at `ip`. */
export function udpInput(s: Core, ip: Address, at: Address, length: number, toAll: boolean): Drop {
  const { m } = s
  if (length < UDP_HEADER) return dropped(s, Drop.BadUdpLength)
  const size = m.view.getUint16(at + UDP_LENGTH)
  if (size < UDP_HEADER || size > length) return dropped(s, Drop.BadUdpLength)
  // RFC 768: a checksum of zero means that the sender made none.
  if (m.view.getUint16(at + UDP_CHECKSUM) !== 0) {
    const sum = pseudoSum(m, ip + IP_SOURCE, PROTOCOL_UDP, size) + sumBytes(m, at, size)
    if (complement(sum) !== 0) return dropped(s, Drop.BadUdpChecksum)
  }
  const service = serviceAt(s, m.view.getUint16(at + UDP_DESTINATION_PORT))
  if (service !== undefined) {
    count(s, udpInDatagrams)
    return service.input(s, ip, at, size)
  }
  if (toAll && s.features.multicast !== undefined) {
    // As if it had come in one fragment, so that it is read like one that came in several.
    const page = alone(m, at, size)
    return s.features.multicast.spread(s, ip, page, size, s.link) ? Drop.None : dropped(s, Drop.NoPort)
  }
  const socket = udpReceiver(s, ip, at)
  if (socket === 0) return dropped(s, Drop.NoPort)
  const wanted = s.features.filter?.wanted(s, socket, at, size, 0, 0) ?? size
  if (wanted === 0) return dropped(s, Drop.Filtered)
  const source = m.view.getInt32(ip + IP_SOURCE)
  return queueDatagram(
    s,
    socket,
    at + UDP_HEADER,
    Math.max(0, wanted - UDP_HEADER),
    source,
    m.view.getUint16(at + UDP_SOURCE_PORT),
  )
}

/** Whether a socket is bound to this address of ours, or to all. */
const isAt = (m: Arena, socket: Address, address: number): boolean =>
  m.get32(socket + LOCAL_ADDRESS) === 0 || m.get32(socket + LOCAL_ADDRESS) === address

/** The page that `size` bytes of UDP at `at` lie in, set up as a chain of one. */
function alone(m: Arena, at: Address, size: number): Page {
  const page = pageOf(m, at)
  m.put32(page + PAGE_NEXT, 0)
  m.put16(page + PAGE_OFFSET, at - page)
  m.put16(page + PAGE_LENGTH, size)
  return page
}

/** The socket that a datagram, checked, is for. 0: nobody's; its sender has been told. */
export function udpReceiver(s: Core, ip: Address, at: Address): Address {
  const { m } = s
  const source = m.view.getInt32(ip + IP_SOURCE)
  const sourcePort = m.view.getUint16(at + UDP_SOURCE_PORT)
  const port = m.view.getUint16(at + UDP_DESTINATION_PORT)
  const destination = m.view.getInt32(ip + IP_DESTINATION)
  let socket = findSocket(m, KIND_UDP, port, source, sourcePort) || findSocket(m, KIND_UDP, port, 0, 0)
  while (socket !== 0 && !isAt(m, socket, destination)) socket = sameSocket(m, socket)
  // RFC 1122, 4.1.3.1: "SHOULD send an ICMP Port Unreachable message".
  if (socket !== 0) count(s, udpInDatagrams)
  else sendUnreachable(s, ip, UNREACHABLE_PORT)
  return socket
}

/** How the datagram that is being sent goes out: one object for all, as for segments. */
const sending: { -readonly [K in keyof Sending]: Sending[K] } = { ttl: 0, link: 0 }

/**
 * Sends one datagram; an unbound socket is bound to an ephemeral port first. RFC 1122, 3.2.1.3 (a): a host that has no address
 * yet may ask all others for one, from 0.0.0.0. EACCES: the socket may not send to all.
 */
export function udpSend(
  s: Core,
  socket: Address,
  data: Uint8Array,
  address: number,
  port: number,
): number | Errno {
  const { m } = s
  const group = isMulticast(address)
  if (isBroadcast(m, address) && !hasFlag(m, socket, FLAG_BROADCAST)) return EACCES
  sending.link = m.get8(socket + MULTICAST_LINK)
  // RFC 1112, 6.1: "the default should be 1" for a group, so that it does not leave the network.
  sending.ttl = group ? m.get8(socket + MULTICAST_TTL) : m.get8(socket + TTL) || IP_DEFAULT_TTL
  const own = linkAt(m, sending.link)
  const everywhere = group || address === BROADCAST
  const source =
    m.get32(socket + LOCAL_ADDRESS) || (everywhere ? m.get32(own + LINK_ADDRESS) : sourceFor(s, address))
  if (source === 0 && address !== BROADCAST) return ENETUNREACH
  if (m.get16(socket + LOCAL_PORT) === 0) {
    const error = bindUdp(s, socket, 0)
    if (error !== 0) return error
  }
  const mtu = everywhere ? m.get16(own + LINK_MTU) : mtuTo(s, address)
  const page = layDatagram(s, UDP_HEADER, data, mtu)
  if (isErrno(page)) return page
  const size = UDP_HEADER + data.length
  putUdpHeader(s, page, m.get16(socket + LOCAL_PORT), source, address, port, size)
  count(s, udpOutDatagrams)
  if (group && !hasFlag(m, socket, FLAG_NO_LOOP)) loopBack(s, page, size)
  // RFC 1112, 6.1: with a TTL of 0 it stays on this host.
  if (sending.ttl === 0) {
    freePages(m, page)
    return data.length
  }
  const sent = sendDatagram(s, page, address, PROTOCOL_UDP, size, source, sending)
  return isErrno(sent) ? sent : data.length
}

/** The header in front of a datagram of `size` bytes, and the two addresses where the IP header will have them. */
export function putUdpHeader(
  s: Core,
  page: Page,
  localPort: number,
  source: number,
  address: number,
  port: number,
  size: number,
): void {
  const { m } = s
  const at = payloadAt(page)
  m.view.setUint16(at + UDP_SOURCE_PORT, localPort)
  m.view.setUint16(at + UDP_DESTINATION_PORT, port)
  m.view.setUint16(at + UDP_LENGTH, size)
  m.put16(at + UDP_CHECKSUM, 0)
  m.view.setInt32(at - 8, source)
  m.view.setInt32(at - 4, address)
  const sum = pseudoSum(m, at - 8, PROTOCOL_UDP, size) + sumDatagram(s, page, size)
  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
  m.put16(at + UDP_CHECKSUM, complement(sum) || 0xffff)
}

/** RFC 1112, 6.1: what is sent to a group reaches the members on this host, too. */
function loopBack(s: Core, page: Page, size: number): void {
  if (s.m.get32(page + PAGE_NEXT) === 0) alone(s.m, payloadAt(page), size)
  s.features.multicast?.spread(s, payloadAt(page) - IP_HEADER, page, size, sending.link)
}

/** Gives the socket a port, 0 for any. Sockets may have one together when all of them say so. */
export function bindUdp(s: Core, socket: Address, port: number): 0 | Errno {
  const { m } = s
  const chosen = isShared(m, socket, port) ? port : choosePort(s, KIND_UDP, port, 0, 0)
  if (isErrno(chosen)) return chosen
  m.put16(socket + LOCAL_PORT, chosen)
  m.put32(socket + REMOTE_ADDRESS, 0)
  m.put16(socket + REMOTE_PORT, 0)
  enterTable(m, socket)
  return 0
}

/**
 * Sets the only one that the socket speaks with and hears, RFC 1122, 4.1.3.5; address 0: all again. What ICMP says of what was sent to
 * him is then its error.
 */
export function udpConnect(s: Core, socket: Address, address: number, port: number): 0 | Errno {
  const { m } = s
  if (m.get16(socket + LOCAL_PORT) === 0) {
    const error = bindUdp(s, socket, 0)
    if (error !== 0) return error
  }
  const other = address === 0 ? 0 : findSocket(m, KIND_UDP, m.get16(socket + LOCAL_PORT), address, port)
  if (other !== 0 && other !== socket) return EADDRINUSE
  leaveTable(m, socket)
  m.put32(socket + REMOTE_ADDRESS, address)
  m.put16(socket + REMOTE_PORT, address === 0 ? 0 : port)
  enterTable(m, socket)
  return 0
}

/** Whether this socket and all that have the port say that they share it. */
function isShared(m: Arena, socket: Address, port: number): boolean {
  if (port === 0 || !hasFlag(m, socket, FLAG_SHARED)) return false
  let other = findSocket(m, KIND_UDP, port, 0, 0)
  while (other !== 0 && hasFlag(m, other, FLAG_SHARED)) other = sameSocket(m, other)
  return other === 0
}
