/**
 * Sockets in the shape of WICG Direct Sockets (TCPSocket, TCPServerSocket, UDPSocket) on a host's stack: promises and
 * standard streams over non-blocking handles. Not offered, because the stack has no such options yet: buffer
 * sizes, multicast.
 *
 * Nothing is buffered here. A readable's pull calls `recv` only while somebody reads, so data that nobody reads stays
 * in the stack, whose receive window closes: back-pressure reaches the peer. A write waits until the stack has taken
 * all of it. Accepted connections wait in the listener's backlog, with their early data, until the reader comes.
 */
import type { SocketTable } from './socket-table.ts'
import { TCPServerSocket, type TCPServerSocketOptions } from './tcp-server-socket.ts'
import { TCPSocket, type TCPSocketOptions } from './tcp-socket.ts'
import { UDPSocket, type UDPSocketOptions } from './udp-socket.ts'

/** The constructors of Direct Sockets, for code that runs on this host. */
export interface DirectSockets {
  readonly TCPSocket: new (remoteAddress: string, remotePort: number, options?: TCPSocketOptions) => TCPSocket
  readonly TCPServerSocket: new (localAddress: string, options?: TCPServerSocketOptions) => TCPServerSocket
  readonly UDPSocket: new (options: UDPSocketOptions) => UDPSocket
}

export const directSockets = (table: SocketTable): DirectSockets => ({
  TCPSocket: class extends TCPSocket {
    constructor(remoteAddress: string, remotePort: number, options?: TCPSocketOptions) {
      super(table, remoteAddress, remotePort, options)
    }
  },
  TCPServerSocket: class extends TCPServerSocket {
    constructor(localAddress: string, options?: TCPServerSocketOptions) {
      super(table, localAddress, options)
    }
  },
  UDPSocket: class extends UDPSocket {
    constructor(options: UDPSocketOptions) {
      super(table, options)
    }
  },
})
