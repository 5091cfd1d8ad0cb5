/**
 * Being a member of the group of multicast DNS: from when the host has a name, or first asks for one, until it leaves. The
 * member is a socket's record that no program has.
 */
import { type Core, KIND_UDP } from '../core.ts'
import { MDNS_MEMBER } from '../memory/layout.ts'
import { closeDatagrams, DATAGRAM_KIND } from '../socket/datagrams.ts'
import { makeSocket } from '../socket/socket.ts'
import { MDNS_GROUP } from './link-message.ts'

/** When memory is full the host goes without; the next question tries again. */
export function joinMdns(s: Core): void {
  const { m } = s
  if (m.get32(MDNS_MEMBER) !== 0) return
  const member = makeSocket(s, DATAGRAM_KIND, KIND_UDP)
  if (member === 0) return
  if (s.features.multicast?.join(s, member, MDNS_GROUP, 0) === 0) m.put32(MDNS_MEMBER, member)
  else closeDatagrams(s, member)
}

export function leaveMdns(s: Core): void {
  const member = s.m.get32(MDNS_MEMBER)
  if (member !== 0) closeDatagrams(s, member)
  s.m.put32(MDNS_MEMBER, 0)
}
