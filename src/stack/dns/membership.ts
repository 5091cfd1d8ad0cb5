/**
 * Being a member of the group of multicast DNS: from when the host has a name, or first asks for one, until it leaves. The
 * member is a socket's record that no program has.
 */
import { type Core, KIND_UDP } from '../core.ts'
import { MDNS_MEMBER } from '../memory/layout.ts'
import { closeDatagrams, DATAGRAM_KIND } from '../socket/datagrams.ts'
import { LOCAL_PORT } from '../socket/record.ts'
import { findSocket, makeSocket } from '../socket/socket.ts'
import { MDNS_PORT } from '../wire/dns.ts'
import { MDNS_GROUP } from './link-message.ts'

/** Whether the host hears 224.0.0.251, port 5353 (RFC 6762, 3). */
export const isMember = (s: Core): boolean => s.m.get32(MDNS_MEMBER) !== 0

/** False: memory is full, or a program has the port. */
export function joinMdns(s: Core): boolean {
  const { m } = s
  if (isMember(s)) return true
  if (findSocket(m, KIND_UDP, MDNS_PORT, 0, 0) !== 0) return false
  const member = makeSocket(s, DATAGRAM_KIND, KIND_UDP)
  if (member === 0) return false
  m.put16(member + LOCAL_PORT, MDNS_PORT)
  if (s.features.multicast?.join(s, member, MDNS_GROUP, 0) === 0) m.put32(MDNS_MEMBER, member)
  else closeDatagrams(s, member)
  return isMember(s)
}

/** Leaves the group and gives the port back; nothing, where it is no member. */
export function leaveMdns(s: Core): void {
  const member = s.m.get32(MDNS_MEMBER)
  if (member !== 0) closeDatagrams(s, member)
  s.m.put32(MDNS_MEMBER, 0)
}
