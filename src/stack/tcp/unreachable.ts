/** What ends connections from below: ICMP errors, neighbours that do not answer, an address that is lost. */

import { type Core, count, dropped, KIND_CONNECTION } from '../core.ts'
import { Drop } from '../drop.ts'
import { EADDRNOTAVAIL, ECONNREFUSED, EHOSTUNREACH, type Errno } from '../errno.ts'
import { linkTo, nextHop } from '../ip/route.ts'
import { ipv6For } from '../ip6/word.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { tcpAttemptFails } from '../mib.ts'
import { LOCAL_ADDRESS, REMOTE_ADDRESS } from '../socket/record.ts'
import { findSocket } from '../socket/socket.ts'
import { UNREACHABLE_PORT, UNREACHABLE_PROTOCOL } from '../wire/icmp.ts'
import { IP_DESTINATION } from '../wire/ipv4.ts'
import { TCP_DESTINATION_PORT, TCP_SEQUENCE, TCP_SOURCE_PORT } from '../wire/tcp.ts'
import { endConnection, visitConnections } from './connection.ts'
import { resetConnection } from './reset.ts'
import { seqGe, seqLt } from './seq.ts'
import { LISTEN, SND_MAX, SND_UNA, SYN_SENT, stateOf, type Tcb, TIME_WAIT } from './tcb.ts'

/**
 * "Destination unreachable" about a segment of ours to `remote`, whose header, returned to us, stands at `at`. RFC
 * 5927, 5.2: it ends a connection only in SYN-SENT, since a synchronized one has proof that the peer is there.
 */
export function tcpUnreachable(s: Core, remote: number, at: Address, error: Errno): Drop {
  const t = returnedTo(s.m, remote, at)
  if (t === 0) return dropped(s, Drop.NoConnection)
  if (!isInFlight(s.m, t, s.m.view.getInt32(at + TCP_SEQUENCE))) return dropped(s, Drop.OutsideWindow)
  if (stateOf(s.m, t) === SYN_SENT) failAttempt(s, t, error)
  return Drop.None
}

/** The connection that sent the segment to `remote` whose header stands at `at`; 0 if there is none. */
export function returnedTo(m: Arena, remote: number, at: Address): Tcb {
  const port = m.view.getUint16(at + TCP_DESTINATION_PORT)
  return findSocket(m, KIND_CONNECTION, m.view.getUint16(at + TCP_SOURCE_PORT), remote, port) as Tcb
}

/** The same by the IPv4 header at `ip` that came back with it. */
export const senderOf = (m: Arena, ip: Address, at: Address): Tcb =>
  returnedTo(m, m.view.getInt32(ip + IP_DESTINATION), at)

/** RFC 5927, 4.1: an error counts only when the sequence number of the segment that it returns is in flight. */
export const isInFlight = (m: Arena, t: Tcb, seq: number): boolean =>
  seqGe(seq, m.get32(t + SND_UNA)) && seqLt(seq, m.get32(t + SND_MAX))

/** What codes of ICMP's "destination unreachable" (RFC 792) tell a connection. */
export const errorOf = (code: number): Errno =>
  code === UNREACHABLE_PORT || code === UNREACHABLE_PROTOCOL ? ECONNREFUSED : EHOSTUNREACH

/** Nobody answers for `hop` on a link: attempts to connect by way of it fail now; others may yet recover (RFC 1122, 4.2.3.9). */
export function connectionsUnreachable(s: Core, hop: number, link: number): void {
  visitConnections(s.m, t => {
    const remote = s.m.get32(t + REMOTE_ADDRESS)
    if (ipv6For(s, remote) !== undefined || stateOf(s.m, t) !== SYN_SENT) return
    if (nextHop(s, remote) === hop && linkTo(s, remote) === link) failAttempt(s, t, EHOSTUNREACH)
  })
}

/** The host with this address has left the segment for good: its connections end now, and their memory comes back. */
export function hostGone(s: Core, address: number): void {
  visitConnections(s.m, t => {
    if (stateOf(s.m, t) === LISTEN || s.m.get32(t + REMOTE_ADDRESS) !== address) return
    endConnection(s, t, stateOf(s.m, t) === TIME_WAIT ? 0 : EHOSTUNREACH)
  })
}

/** RFC 5227, 2.4: before an address is given up, the connections that use it are reset. */
export function connectionsLoseAddress(s: Core, address: number): void {
  visitConnections(s.m, t => {
    if (stateOf(s.m, t) === LISTEN || s.m.get32(t + LOCAL_ADDRESS) !== address) return
    if (stateOf(s.m, t) !== SYN_SENT && stateOf(s.m, t) !== TIME_WAIT) resetConnection(s, t)
    endConnection(s, t, EADDRNOTAVAIL)
  })
}

/** Ends a connection that has not shaken hands; its user is told the error. Counts tcpAttemptFails, RFC 4022. */
export function failAttempt(s: Core, t: Tcb, error: Errno): void {
  count(s, tcpAttemptFails)
  endConnection(s, t, error)
}
