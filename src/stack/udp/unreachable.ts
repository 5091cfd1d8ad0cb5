/** What ICMP says of a UDP datagram that we sent, RFC 1122, 4.1.3.3: passed to the socket that sent it. */
import { type Core, dropped, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import { ECONNREFUSED, EHOSTUNREACH } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { ERROR } from '../socket/record.ts'
import { findSocket, raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { UNREACHABLE_PORT, UNREACHABLE_PROTOCOL } from '../wire/icmp.ts'
import { IP_DESTINATION } from '../wire/ipv4.ts'
import { UDP_DESTINATION_PORT, UDP_SOURCE_PORT } from '../wire/udp.ts'

/**
 * The error is about the datagram whose headers, returned to us, stand at `ip` and `at`. Only a connected socket is told: of one that
 * sends to many nobody knows whom it would be about. `code` is -1 where it is not "destination unreachable".
 */
export function udpUnreachable(s: Core, ip: Address, at: Address, code: number): Drop {
  const { m } = s
  const socket = findSocket(
    m,
    KIND_UDP,
    m.view.getUint16(at + UDP_SOURCE_PORT),
    m.view.getInt32(ip + IP_DESTINATION),
    m.view.getUint16(at + UDP_DESTINATION_PORT),
  )
  if (socket === 0) return dropped(s, Drop.NoPort)
  const refused = code === UNREACHABLE_PORT || code === UNREACHABLE_PROTOCOL
  m.put8(socket + ERROR, -(refused ? ECONNREFUSED : EHOSTUNREACH))
  raise(m, socket, Event.Readable | Event.Writable)
  return Drop.None
}
