/** What ICMP says of a UDP datagram that we sent, RFC 1122, 4.1.3.3: passed to the socket that sent it. */
import { type Core, dropped, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import type { Errno } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { ERROR } from '../socket/record.ts'
import { findSocket, raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { UDP_DESTINATION_PORT, UDP_SOURCE_PORT } from '../wire/udp.ts'

/**
 * The error is about the datagram to `remote`, as sockets know it, whose header, returned to us, stands at `at`. Only a connected
 * socket is told: of one that sends to many nobody knows whom it would be about.
 */
export const udpUnreachable = (s: Core, remote: number, at: Address, error: Errno): Drop =>
  tellSender(s, remote, at, error) ? Drop.None : dropped(s, Drop.NoPort)

/** The same where nothing came that could be dropped; false: nobody is to be told. */
export function tellSender(s: Core, remote: number, at: Address, error: Errno): boolean {
  const { m } = s
  const port = m.view.getUint16(at + UDP_DESTINATION_PORT)
  const socket = findSocket(m, KIND_UDP, m.view.getUint16(at + UDP_SOURCE_PORT), remote, port)
  if (socket === 0) return false
  m.put8(socket + ERROR, -error)
  raise(m, socket, Event.Readable | Event.Writable)
  return true
}
