/**
 * IP_PING: sockets that send echo requests and read the replies, as Linux's ping sockets do. The socket's local port
 * is the identifier; a datagram's port is the sequence number.
 */
import { type Core, dropped, KIND_PING } from '../core.ts'
import { Drop } from '../drop.ts'
import { ENETUNREACH, isErrno } from '../errno.ts'
import { layDatagram, payloadAt, type Sending, sendDatagram } from '../ip/datagram.ts'
import { sourceFor } from '../ip/local.ts'
import { mtuTo } from '../ip/route.ts'
import { ipv6For } from '../ip6/word.ts'
import type { Address } from '../memory/arena.ts'
import { ADDRESS } from '../memory/layout.ts'
import { queueDatagram } from '../socket/datagrams.ts'
import type { SocketFamily } from '../socket/family.ts'
import { LOCAL_PORT, TTL } from '../socket/record.ts'
import { choosePort, enterTable, findSocket } from '../socket/socket.ts'
import { Protocol } from '../stack.ts'
import { ICMP_CODE, ICMP_ECHO_REQUEST, ICMP_HEADER, ICMP_ID, ICMP_SEQUENCE, ICMP_TYPE } from '../wire/icmp.ts'
import { IP_SOURCE, PROTOCOL_ICMP } from '../wire/ipv4.ts'
import { finishIcmp } from './errors.ts'

/** The feature IP_PING as core code knows it. */
export interface PingSockets extends SocketFamily {
  /** The socket that the echo reply at `at` is for; 0: nobody's. */
  receiver(s: Core, at: Address): Address
  /** An echo reply, checked, of `length` bytes at `at` inside the IPv4 datagram at `ip`. */
  replyInput(s: Core, ip: Address, at: Address, length: number): Drop
}

/** How a request goes out: one object for all. */
const sending: { -readonly [K in keyof Sending]: Sending[K] } = { ttl: 0, link: 0 }

/** The feature IP_PING. */
export const pingSockets: PingSockets = {
  protocol: Protocol.Icmp,
  kind: KIND_PING,

  receiver: (s, at) => findSocket(s.m, KIND_PING, s.m.view.getUint16(at + ICMP_ID), 0, 0),

  replyInput(s, ip, at, length) {
    const { m } = s
    const socket = pingSockets.receiver(s, at)
    if (socket === 0) return dropped(s, Drop.NoPort)
    const from = m.view.getInt32(ip + IP_SOURCE)
    return queueDatagram(
      s,
      socket,
      at + ICMP_HEADER,
      length - ICMP_HEADER,
      from,
      m.view.getUint16(at + ICMP_SEQUENCE),
    )
  },

  sendTo(s, socket, data, address, sequence) {
    const { m } = s
    const ipv6 = ipv6For(s, address)
    if (ipv6 === undefined && m.get32(ADDRESS) === 0) return ENETUNREACH
    if (m.get16(socket + LOCAL_PORT) === 0) {
      const id = choosePort(s, KIND_PING, 0, 0, 0)
      if (isErrno(id)) return id
      m.put16(socket + LOCAL_PORT, id)
      enterTable(m, socket)
    }
    if (ipv6 !== undefined) return ipv6.sendEcho(s, socket, data, address, sequence)
    const page = layDatagram(s, ICMP_HEADER, data, mtuTo(s, address))
    if (isErrno(page)) return page
    const at = payloadAt(page)
    m.put8(at + ICMP_TYPE, ICMP_ECHO_REQUEST)
    m.put8(at + ICMP_CODE, 0)
    m.view.setUint16(at + ICMP_ID, m.get16(socket + LOCAL_PORT))
    m.view.setUint16(at + ICMP_SEQUENCE, sequence)
    finishIcmp(s, page, ICMP_HEADER + data.length)
    sending.ttl = m.get8(socket + TTL)
    const length = ICMP_HEADER + data.length
    const sent = sendDatagram(s, page, address, PROTOCOL_ICMP, length, sourceFor(s, address), sending)
    return isErrno(sent) ? sent : data.length
  },
}
