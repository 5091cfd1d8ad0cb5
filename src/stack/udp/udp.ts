/** UDP, RFC 768, with what RFC 1122, 4.1 asks of hosts. */
import { type Core, count, dropped, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import { ENETUNREACH, type Errno, isErrno } from '../errno.ts'
import { sendUnreachable } from '../icmp/errors.ts'
import { layDatagram, payloadAt, sendDatagram, sumDatagram } from '../ip/datagram.ts'
import { ipv6For } from '../ip6/word.ts'
import type { Address } from '../memory/arena.ts'
import { ADDRESS } from '../memory/layout.ts'
import { udpInDatagrams, udpOutDatagrams } from '../mib.ts'
import { queueDatagram } from '../socket/datagrams.ts'
import { LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT } from '../socket/record.ts'
import { choosePort, enterTable, findSocket } from '../socket/socket.ts'
import { complement, pseudoSum, sumBytes } from '../wire/checksum.ts'
import { UNREACHABLE_PORT } from '../wire/icmp.ts'
import { IP_SOURCE, PROTOCOL_UDP } from '../wire/ipv4.ts'
import { UDP_CHECKSUM, UDP_DESTINATION_PORT, UDP_HEADER, UDP_LENGTH, UDP_SOURCE_PORT } from '../wire/udp.ts'

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
  const socket = udpReceiver(s, ip, at, toAll)
  if (socket === 0) return dropped(s, Drop.NoPort)
  const source = m.view.getInt32(ip + IP_SOURCE)
  return queueDatagram(
    s,
    socket,
    at + UDP_HEADER,
    size - UDP_HEADER,
    source,
    m.view.getUint16(at + UDP_SOURCE_PORT),
  )
}

/** The socket that a datagram, checked, is for. 0: nobody's; its sender has been told. */
export function udpReceiver(s: Core, ip: Address, at: Address, toAll: boolean): Address {
  const { m } = s
  const source = m.view.getInt32(ip + IP_SOURCE)
  const sourcePort = m.view.getUint16(at + UDP_SOURCE_PORT)
  const port = m.view.getUint16(at + UDP_DESTINATION_PORT)
  const socket = findSocket(m, KIND_UDP, port, source, sourcePort) || findSocket(m, KIND_UDP, port, 0, 0)
  // RFC 1122, 4.1.3.1: "SHOULD send an ICMP Port Unreachable message"; 3.2.2: never about a broadcast.
  if (socket !== 0) count(s, udpInDatagrams)
  else if (!toAll) sendUnreachable(s, ip, UNREACHABLE_PORT)
  return socket
}

/** Sends one datagram; an unbound socket is bound to an ephemeral port first. */
export function udpSend(
  s: Core,
  socket: Address,
  data: Uint8Array,
  address: number,
  port: number,
): number | Errno {
  const { m } = s
  const ipv6 = ipv6For(s, address)
  if (ipv6 === undefined && m.get32(ADDRESS) === 0) return ENETUNREACH
  if (m.get16(socket + LOCAL_PORT) === 0) {
    const error = bindUdp(s, socket, 0)
    if (error !== 0) return error
  }
  if (ipv6 !== undefined) return ipv6.sendUdp(s, socket, data, address, port)
  const page = layDatagram(s, UDP_HEADER, data)
  if (isErrno(page)) return page
  const at = payloadAt(page)
  const size = UDP_HEADER + data.length
  m.view.setUint16(at + UDP_SOURCE_PORT, m.get16(socket + LOCAL_PORT))
  m.view.setUint16(at + UDP_DESTINATION_PORT, port)
  m.view.setUint16(at + UDP_LENGTH, size)
  m.put16(at + UDP_CHECKSUM, 0)
  // The pseudo-header's addresses, in the place where the IP header will have them.
  m.view.setInt32(at - 8, m.get32(ADDRESS))
  m.view.setInt32(at - 4, address)
  const sum = pseudoSum(m, at - 8, PROTOCOL_UDP, size) + sumDatagram(s, page, size)
  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
  m.put16(at + UDP_CHECKSUM, complement(sum) || 0xffff)
  count(s, udpOutDatagrams)
  const sent = sendDatagram(s, page, address, PROTOCOL_UDP, size)
  return isErrno(sent) ? sent : data.length
}

/** Gives the socket a port, 0 for any. */
export function bindUdp(s: Core, socket: Address, port: number): 0 | Errno {
  const { m } = s
  const chosen = choosePort(s, KIND_UDP, port, 0, 0)
  if (isErrno(chosen)) return chosen
  m.put16(socket + LOCAL_PORT, chosen)
  m.put32(socket + REMOTE_ADDRESS, 0)
  m.put16(socket + REMOTE_PORT, 0)
  enterTable(m, socket)
  return 0
}
