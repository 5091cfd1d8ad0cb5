/**
 * What every part of the stack is handed: the arena, the features that the profile lists, and a source of
 * randomness. No part keeps anything of its own.
 */

import type { SocketDiagnosis } from './diag/diag.ts'
import type { MulticastNames } from './dns/mdns.ts'
import type { Resolver } from './dns/resolver.ts'
import type { Drop } from './drop.ts'
import type { Ethtool } from './ethernet/ethtool.ts'
import type { SocketFilters } from './filter/filter.ts'
import type { PingSockets } from './icmp/ping.ts'
import type { Redirects } from './icmp/redirect.ts'
import type { IcmpTimestamp } from './icmp/timestamp.ts'
import type { Multicast } from './igmp/multicast.ts'
import type { Destinations } from './ip/destinations.ts'
import type { Forwarding } from './ip/forward.ts'
import type { IpFragments } from './ip/fragments.ts'
import type { IpOptions } from './ip/options.ts'
import type { RawSockets } from './ip/raw.ts'
import type { Fib } from './ip/routes.ts'
import type { Tables } from './ip/tables.ts'
import type { Ipv6Protocol } from './ip6/ipv6.ts'
import type { Arena } from './memory/arena.ts'
import { COUNTERS_AT } from './memory/layout.ts'
import type { NetlinkSockets } from './netlink/netlink.ts'
import type { PacketSockets } from './packet/packet.ts'
import type { PacketRing } from './packet/ring.ts'
import type { ProcFs } from './proc/proc-fs.ts'
import type { SocketFamily } from './socket/family.ts'
import type { Congestion } from './tcp/congestion.ts'
import type { Ecn } from './tcp/ecn.ts'
import type { FastOpen } from './tcp/fast-open.ts'
import type { Metrics } from './tcp/metrics.ts'
import type { Offload } from './tcp/offload.ts'
import type { TcpOption } from './tcp/options.ts'
import type { PathMtu } from './tcp/path-mtu.ts'
import type { Rack } from './tcp/rack.ts'
import type { Sack } from './tcp/sack.ts'
import type { IncomingSegment } from './tcp/segment.ts'
import type { SocketSettings } from './tcp/settings.ts'
import type { SynCookies } from './tcp/syn-cookies.ts'
import type { Timestamps } from './tcp/timestamps.ts'
import type { Urgent } from './tcp/urgent.ts'
import type { Service } from './udp/service.ts'

/** The switches of the table in the README. What a profile does not list is not in its bundle. */
export interface Features {
  readonly congestion: Congestion
  /** FIB_TRIE or FIB_LIST */
  readonly fib: Fib
  /** RTNETLINK */
  readonly tables?: Tables
  /** IP_FORWARD */
  readonly forwarding?: Forwarding
  /** IP_OPTIONS */
  readonly options?: IpOptions
  /** ICMP_REDIRECT */
  readonly redirects?: Redirects
  /** ICMP_TIMESTAMP */
  readonly icmpTimestamp?: IcmpTimestamp
  /** IP_FRAG */
  readonly fragments?: IpFragments
  /** IP_MULTICAST */
  readonly multicast?: Multicast
  /** DHCP client */
  readonly dhcpClient?: Service
  /** DHCP server */
  readonly dhcpServer?: Service
  /** DNS client */
  readonly dns?: Resolver
  /** mDNS */
  readonly mdns?: MulticastNames
  /** IP_OFFLOAD */
  readonly offload?: Offload
  /** IP_PING */
  readonly ping?: PingSockets
  /** INET_RAW */
  readonly raw?: RawSockets
  /** PACKET */
  readonly packet?: PacketSockets
  /** PACKET_MMAP */
  readonly packetRing?: PacketRing
  /** NETLINK */
  readonly netlink?: NetlinkSockets
  /** LPF_FILTER */
  readonly filter?: SocketFilters
  /** IPV6 */
  readonly ipv6?: Ipv6Protocol
  /** TCP_WSCALE */
  readonly windowScale?: TcpOption
  /** TCP_TIMESTAMPS */
  readonly timestamps?: Timestamps
  /** NET_ETHTOOL */
  readonly ethtool?: Ethtool
  /** SYN_COOKIES */
  readonly synCookies?: SynCookies
  /** What TCP_METRICS, TCP_FASTOPEN and PATH_MTU stand on. */
  readonly destinations?: Destinations
  /** TCP_FASTOPEN */
  readonly fastOpen?: FastOpen
  /** TCP_METRICS */
  readonly metrics?: Metrics
  /** PATH_MTU */
  readonly pathMtu?: PathMtu
  /** SO_SETTINGS */
  readonly settings?: SocketSettings
  /** TCP_SACK */
  readonly sack?: Sack
  /** TCP_RACK, which needs TCP_SACK */
  readonly rack?: Rack
  /** TCP_ECN */
  readonly ecn?: Ecn
  /** TCP_URGENT */
  readonly urgent?: Urgent
  /** INET_DIAG */
  readonly diag?: SocketDiagnosis
  /** The kinds of sockets that came with features. */
  readonly sockets?: readonly SocketFamily[]
  /** PROC_FS */
  readonly procFs?: ProcFs
}

/** What every function of the stack is handed: the arena, and what does not change while a host runs. */
export interface Core {
  readonly m: Arena
  readonly features: Features
  readonly random32: () => number
  /** The TCP options among the features, in the order in which they are written. */
  readonly options: readonly TcpOption[]
  /** Those of them that segments behind the handshake may carry. */
  readonly lastingOptions: readonly TcpOption[]
  /** The parts of the stack itself that speak UDP; names before addresses, which they leave before. */
  readonly services: readonly Service[]
  /** The segment that is being taken; meaningless between calls. */
  readonly segment: IncomingSegment
  /** The link by which the frame came that is being taken; meaningless between calls. */
  link: number
}

/** Whoever takes frames off a stack: false means that this link is busy. */
export type Emit = (frame: Uint8Array, link: number) => boolean

/** What a timed record is; the byte at RECORD_KIND. */
export const RECORD_KIND = 16
export const KIND_ACQUIRE = 1
export const KIND_NEIGHBOUR = 2
export const KIND_CONNECTION = 3
export const KIND_UDP = 4
export const KIND_PING = 5
export const KIND_REASSEMBLY = 6
export const KIND_RAW = 12
export const KIND_PACKET = 13
export const KIND_NETLINK = 14
/** A group's record; the settings of a connection; what is remembered of a destination. */
export const KIND_GROUP = 20
export const KIND_SETTINGS = 8
export const KIND_DESTINATION = 9
/** A question's socket, and the records of the services: see dhcp/ and dns/. */
export const KIND_QUESTION = 30
export const KIND_DHCP_CLIENT = 31
export const KIND_DHCP_SERVER = 32
export const KIND_LEASE = 33
export const KIND_QUERY = 34
export const KIND_CACHED = 35
export const KIND_RESPONDER = 36
export const KIND_RESPONSE = 37
/** All of IPv6's, of several sorts (ip6/records.ts). */
export const KIND_IPV6 = 21

/** Counts one event under its MIB name's index (mib.ts); where the profile keeps no counters, nothing, and no call is built. */
export function count(s: Core, index: number): void {
  if (s.features.procFs === undefined) return
  const at = s.m.get32(COUNTERS_AT)
  if (at !== 0) s.m.add32(at + index * 4, 1)
}

/** The frame is dropped, for this reason, and counted. */
export function dropped(s: Core, drop: Drop): Drop {
  count(s, drop)
  return drop
}
