/**
 * The multicast groups that this host is a member of, and which socket has joined which (RFC 1112, 7.1). A group has one
 * record for each link, which lives as long as any socket has joined it there; each socket has a list of its own.
 */
import { type Core, KIND_GROUP, RECORD_KIND } from '../core.ts'
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS, type Errno } from '../errno.ts'
import { isLink } from '../ethernet/links.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { GROUPS, POOL_GROUPS } from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { clearTimer } from '../memory/wheel.ts'
import { MEMBERSHIPS } from '../socket/datagrams.ts'
import { ALL_HOSTS } from '../wire/igmp.ts'
import { isMulticast } from '../wire/ipv4.ts'
import { joined, left } from './reports.ts'

/** A group's record, behind timer node and kind (core.ts). */
export const GROUP_LINK = 17
/** RFC 2236, 3: whether we were the last to report this group. */
export const GROUP_REPORTED = 18
export const GROUP_ADDRESS = 20
export const GROUP_NEXT = 24
/** How many sockets have joined it. */
const GROUP_SOCKETS = 28
/** A socket's membership: which group's record, and the next of the same socket. */
const MEMBERSHIP_GROUP = 20
const MEMBERSHIP_NEXT = 24
export const GROUP_KIND: RecordKind = { pool: POOL_GROUPS, size: 32, urgent: false }

/** The most groups of a host and of a socket, so that what walks them is bounded; Linux allows a socket 20, too. */
const GROUPS_MAX = 64
const MEMBERSHIPS_MAX = 20

/** The record of a group on a link; 0: we are no member. */
export function findGroup(m: Arena, group: number, link: number): Address {
  let at = m.get32(GROUPS)
  while (at !== 0 && !(m.get32(at + GROUP_ADDRESS) === group && m.get8(at + GROUP_LINK) === link))
    at = m.get32(at + GROUP_NEXT)
  return at
}

/** RFC 1112, 7.2: every host is a member of the all-hosts group on every link. */
export const isMember = (m: Arena, group: number, link: number): boolean =>
  group === ALL_HOSTS || findGroup(m, group, link) !== 0

/** RFC 1112, 6.4: whether any group of ours on this link has these lower 23 bits, which are all that its MAC address tells. */
export function wantsMac(m: Arena, macLow: number, link: number): boolean {
  const bits = macLow & 0x7fffff
  if (bits === (ALL_HOSTS & 0x7fffff)) return true
  for (let at = m.get32(GROUPS); at !== 0; at = m.get32(at + GROUP_NEXT))
    if (m.get8(at + GROUP_LINK) === link && (m.get32(at + GROUP_ADDRESS) & 0x7fffff) === bits) return true
  return false
}

/** Whether a socket has joined the group on this link. */
export function hasJoined(m: Arena, socket: Address, group: number, link: number): boolean {
  const record = findGroup(m, group, link)
  return record !== 0 && m.get32(linkToMembership(m, socket, record)) !== 0
}

/** The word that points to a socket's membership in the group of this record, or the end of its list. */
function linkToMembership(m: Arena, socket: Address, group: Address): Address {
  let link = socket + MEMBERSHIPS
  for (let at = m.get32(link); at !== 0 && m.get32(at + MEMBERSHIP_GROUP) !== group; at = m.get32(link))
    link = at + MEMBERSHIP_NEXT
  return link
}

/** RFC 1112, 7.1, JoinHostGroup. EADDRINUSE: the socket is a member. ENOBUFS: memory is full, or there are too many. */
export function joinGroup(s: Core, socket: Address, group: number, link: number): 0 | Errno {
  const { m } = s
  if (!isMulticast(group) || !isLink(m, link)) return EINVAL
  if (hasJoined(m, socket, group, link)) return EADDRINUSE
  if (lengthOf(m, socket + MEMBERSHIPS, MEMBERSHIP_NEXT) >= MEMBERSHIPS_MAX) return ENOBUFS
  const membership = takeRecord(m, GROUP_KIND)
  if (membership === 0) return ENOBUFS
  const record = findGroup(m, group, link) || makeGroup(s, group, link)
  if (record === 0) {
    freeRecord(m, GROUP_KIND, membership)
    return ENOBUFS
  }
  m.put32(membership + MEMBERSHIP_GROUP, record)
  m.put32(membership + MEMBERSHIP_NEXT, m.get32(socket + MEMBERSHIPS))
  m.put32(socket + MEMBERSHIPS, membership)
  m.put16(record + GROUP_SOCKETS, m.get16(record + GROUP_SOCKETS) + 1)
  return 0
}

/** RFC 1112, 7.1, LeaveHostGroup. EADDRNOTAVAIL: the socket is no member. */
export function leaveGroup(s: Core, socket: Address, group: number, link: number): 0 | Errno {
  const { m } = s
  const record = findGroup(m, group, link)
  const pointer = record === 0 ? 0 : linkToMembership(m, socket, record)
  if (pointer === 0 || m.get32(pointer) === 0) return EADDRNOTAVAIL
  leave(s, pointer)
  return 0
}

/** The socket is closed: it leaves all its groups. */
export function leaveAll(s: Core, socket: Address): void {
  while (s.m.get32(socket + MEMBERSHIPS) !== 0) leave(s, socket + MEMBERSHIPS)
}

/** Ends the membership that `pointer` points to, and the group's with its last. */
function leave(s: Core, pointer: Address): void {
  const { m } = s
  const membership = m.get32(pointer)
  const record = m.get32(membership + MEMBERSHIP_GROUP)
  m.put32(pointer, m.get32(membership + MEMBERSHIP_NEXT))
  freeRecord(m, GROUP_KIND, membership)
  const sockets = m.get16(record + GROUP_SOCKETS) - 1
  m.put16(record + GROUP_SOCKETS, sockets)
  if (sockets === 0) dropGroup(s, record)
}

function makeGroup(s: Core, group: number, link: number): Address {
  const { m } = s
  if (lengthOf(m, GROUPS, GROUP_NEXT) >= GROUPS_MAX) return 0
  const at = takeRecord(m, GROUP_KIND)
  if (at === 0) return 0
  m.put8(at + RECORD_KIND, KIND_GROUP)
  m.put8(at + GROUP_LINK, link)
  m.put32(at + GROUP_ADDRESS, group)
  m.put32(at + GROUP_NEXT, m.get32(GROUPS))
  m.put32(GROUPS, at)
  joined(s, at)
  return at
}

function dropGroup(s: Core, record: Address): void {
  const { m } = s
  left(s, record)
  clearTimer(m, record)
  let link = GROUPS
  while (m.get32(link) !== record) link = m.get32(link) + GROUP_NEXT
  m.put32(link, m.get32(record + GROUP_NEXT))
  freeRecord(m, GROUP_KIND, record)
}

function lengthOf(m: Arena, list: Address, next: number): number {
  let length = 0
  for (let at = m.get32(list); at !== 0; at = m.get32(at + next)) length++
  return length
}
