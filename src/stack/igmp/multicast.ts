/**
 * IP_MULTICAST: a host at level 2 of RFC 1112: sockets join groups, routers are told of them (RFC 2236), and what is sent to a
 * group reaches every socket that has joined it. A profile without it can send to groups, and hears none.
 */
import type { Core } from '../core.ts'
import type { Drop } from '../drop.ts'
import type { Errno } from '../errno.ts'
import type { Address, Arena, Page } from '../memory/arena.ts'
import type { Option } from '../stack.ts'
import { spread } from '../udp/spread.ts'
import { isMember, joinGroup, leaveAll, leaveGroup, wantsMac } from './groups.ts'
import { setMulticastOption } from './options.ts'
import { groupTimer, igmpInput, reportAll } from './reports.ts'

/** The feature IP_MULTICAST as core code knows it. Groups are addresses in host order, links are numbers from 0. */
export interface Multicast {
  join(s: Core, socket: Address, group: number, link: number): 0 | Errno
  leave(s: Core, socket: Address, group: number, link: number): 0 | Errno
  closed(s: Core, socket: Address): void
  /** Whether a frame to the group MAC address with these lower 32 bits may be for us; whether a datagram is. */
  wantsMac(m: Arena, macLow: number, link: number): boolean
  isMember(m: Arena, group: number, link: number): boolean
  /** An IGMP message, in a datagram that was checked. */
  input(s: Core, at: Address, length: number): Drop
  expired(s: Core, group: Address): void
  /** EINVAL for a value out of range, ENOPROTOOPT for an option that is none of these. */
  setOption(m: Arena, socket: Address, option: Option, value: number): 0 | Errno
  /** The link has an address now, or is on another segment. */
  reportAll(s: Core, link: number): void
  /** See udp/spread.ts. */
  spread(s: Core, ip: Address, head: Page, end: number, link: number): boolean
}

/** The feature IP_MULTICAST. */
export const ipMulticast: Multicast = {
  join: joinGroup,
  leave: leaveGroup,
  closed: leaveAll,
  wantsMac,
  isMember,
  input: igmpInput,
  expired: groupTimer,
  setOption: setMulticastOption,
  reportAll,
  spread,
}
