/**
 * What a kind of datagram socket does with the calls that it knows. UDP is one; others come with a feature of the
 * profile, so that `calls.ts` need know none of them. What a family leaves out is EOPNOTSUPP.
 */
import type { Core } from '../core.ts'
import type { Errno } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import type { Endpoint, Option, Protocol } from '../stack.ts'
import { kindOf } from './socket.ts'

/** The family of a socket; undefined for UDP and connections, which every stack has. */
export function familyOf(s: Core, socket: Address): SocketFamily | undefined {
  const kind = kindOf(s.m, socket)
  return s.features.sockets?.find(family => family.kind === kind)
}

/** A kind of socket that came with a feature: the calls of a stack (calls.ts) ask it for what is its own. */
export interface SocketFamily {
  /** What `socket` is asked for. */
  readonly protocol: Protocol
  /** The byte at RECORD_KIND of its records. */
  readonly kind: number
  /** Makes ready a fresh record. `number` is the second argument of `socket`. */
  open?(s: Core, socket: Address, number: number): 0 | Errno
  bind?(s: Core, socket: Address, address: number, port: number): 0 | Errno
  sendTo?(s: Core, socket: Address, data: Uint8Array, address: number, port: number): number | Errno
  /** In the place of takeDatagram, unless it gives undefined. */
  recvFrom?(s: Core, socket: Address, into: Uint8Array, from: Endpoint): number | Errno | undefined
  setOption?(s: Core, socket: Address, option: Option, value: number): 0 | Errno
  /** Gives back what the socket has beside its record and its queue. */
  close?(s: Core, socket: Address): void
  /** For sockets that have one partner all their life. */
  send?(s: Core, socket: Address, data: Uint8Array): number | Errno
  recv?(s: Core, socket: Address, into: Uint8Array): number | Errno
}
