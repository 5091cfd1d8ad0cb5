/**
 * The stack's face: what a host sees of it.
 *
 * The stack does no I/O. Frames and time are passed in, frames come out; all of its state is one ArrayBuffer.
 * A packet never throws: `input` returns the reason for which it was dropped. Sockets are non-blocking, have BSD's
 * names, and return what Linux's system calls return: zero or more on success, a negative errno (see errno.ts) else.
 */
import type { Drop } from './drop.ts'
import type { Errno } from './errno.ts'

/** Milliseconds on the host's own clock; fractions are kept to the microsecond. Never runs backwards. */
export type Ms = number

/** An IPv4 address as an unsigned 32-bit number, first octet highest: 10.0.0.1 is 0x0a000001. */
export type Ipv4 = number

/** An IPv6 address: its 16 bytes in network order, 2001:db8::1 is 20 01 0d b8 … 01. Copied, never kept. */
export type Ipv6 = Uint8Array

declare const socketBrand: unique symbol
/** A socket's handle. It carries a generation, so a handle kept after `close` gives EBADF, not another socket. */
export type Socket = number & { readonly [socketBrand]: true }

/** What a socket speaks; the argument of `socket()`. */
export const Protocol = {
  Icmp: 1,
  Tcp: 6,
  Udp: 17,
  /** Like Icmp, by its addresses: a socket of either speaks both. */
  Icmp6: 58,
  /**
   * INET_RAW: all datagrams of one IP protocol, `number` of `socket`: 1 … 255, where 255 sends whole datagrams and receives
   * none. `recvFrom` gives a datagram with its header; `sendTo` takes its payload, or see Option.HeaderIncluded; ports are 0.
   */
  Raw: 255,
  /**
   * PACKET: whole Ethernet frames, those that come in and those that go out; of one EtherType, the `number` of `socket`, or
   * all where that is 0 or 3 (ETH_P_ALL). In `recvFrom` the `from.port` is the EtherType, `from.address` one of PacketType.
   * The port of `bind` is a link, whose frames alone are received then; that of `sendTo` the link by which a frame goes.
   */
  Packet: 256,
  /**
   * NETLINK: the host's links, addresses, routes and neighbours by messages as Linux has them (netlink/netlink.ts), with `send`
   * and `recv`. The address of `bind` is the mask of groups of whose changes the socket is told.
   */
  Netlink: 257,
} as const
export type Protocol = (typeof Protocol)[keyof typeof Protocol]

/** What a host takes from outside when it begins. Time comes with each call, see Stack. */
export interface Environment {
  /** A uniformly random integer in 0 … 2^32 - 1. */
  random32(): number
  /** 16 random bytes: key initial sequence numbers (RFC 6528) and hash tables. */
  readonly secret: Uint8Array
}

/** One link: where frames go out and come in. */
export interface LinkConfig {
  /** 6 bytes, a unicast address. */
  readonly mac: Uint8Array
  /** The largest IP datagram that the link carries, 68 … 1500 bytes; 1500 if absent. */
  readonly mtu?: number
  /** 'a.b.c.d/prefix'; of link 0 also 'dhcp', see StackConfig. */
  readonly address?: string
}

/**
 * The settings of link 0 stand here themselves. If it has no address the host takes a link-local one by itself (RFC 3927).
 * 'dhcp' asks a server for one (RFC 2131), where the profile has a DHCP client: a link-local one serves until it answers.
 */
export interface StackConfig extends LinkConfig {
  /** The budget in bytes, or an arena: one copied from a running host continues where that host was. */
  readonly memory: number | ArrayBuffer
  /** The router on link 0 for everything that no other route is for, 'a.b.c.d'. */
  readonly gateway?: string
  /**
   * The largest frame that link 0 carries, 1514 … 65549 bytes with the Ethernet header; 1514 if absent. Where it is
   * larger, a profile with IP_OFFLOAD sends and takes many segments in one frame; the MSS stays what the MTU makes it.
   */
  readonly largestFrame?: number
  /** The host is a router: what is for others goes on towards them (RFC 1812). False if absent, as RFC 1122, 3.1 asks. Needs IP_FORWARD. */
  readonly forward?: boolean
  /** Links 1 to 3. Their addresses are taken without a test for conflicts. */
  readonly links?: readonly LinkConfig[]
  /**
   * What the host calls itself: one label of 1 … 63 letters, digits and hyphens. DHCP servers are told, and where the
   * profile has mDNS the link finds the host as 'name.local' (RFC 6762), or 'name-2.local' if that was taken.
   */
  readonly name?: string
  /** false: IPv4 alone, also where the profile has IPv6; true if absent. */
  readonly ipv6?: boolean
  /** Servers to ask for names, up to three, 'a.b.c.d'. A DHCP server may tell others. */
  readonly dns?: readonly string[]
  /** Addresses that this host lends to others; for a profile with the DHCP server, and a host with an `address`. */
  readonly dhcpServer?: DhcpPool
}

/** How a network is reached. */
export interface Route {
  /** The network: its first `prefixLength` bits, 0 … 32. */
  readonly destination: Ipv4
  readonly prefixLength: number
  /** The router to it, on the link; 0: the network is on the link itself. */
  readonly gateway: Ipv4
  readonly link: number
  /** Of the routes to one network that with the smallest metric is taken, 0 … 2^32 - 1. */
  readonly metric: number
}

/** An address of ours. */
export interface LocalAddress {
  readonly address: Ipv4
  readonly prefixLength: number
  readonly link: number
}

/** What a DHCP server lends, and tells with it (RFC 2132). */
export interface DhcpPool {
  /** The first and the last address, 'a.b.c.d', on the host's own link; 254 addresses at most. */
  readonly first: string
  readonly last: string
  /** Seconds, at least 60; an hour if absent. */
  readonly lease?: number
  readonly router?: string
  /** Up to three. */
  readonly dns?: readonly string[]
  readonly domain?: string
}

/** What `resolve` can ask for: IPv4 addresses, IPv6 addresses, or the name behind an address (RFC 1035, 3.2.2; 3596). */
export const NameType = { A: 1, Ptr: 12, Aaaa: 28 } as const
export type NameType = (typeof NameType)[keyof typeof NameType]
/** Whom a frame that a packet socket has captured was for. The numbers are Linux's PACKET_HOST and so on. */
export const PacketType = { Host: 0, Broadcast: 1, Multicast: 2, OtherHost: 3, Outgoing: 4 } as const
export type PacketType = (typeof PacketType)[keyof typeof PacketType]

/** A frame as a packet socket has captured it; filled in by `peek`. */
export interface Captured {
  type: number
  link: number
  etherType: number
  /** Bytes on the wire; a filter may have kept fewer. */
  length: number
  /** When it was captured, ms on the host's clock, the fraction dropped. */
  at: Ms
}

/** NET_ETHTOOL: a port; filled in by `ethtool`. Counts are since the arena was laid out; frames modulo 2^32. */
export interface PortFacts {
  driver: string
  /** Always: a wire on which nobody is, is up. */
  up: boolean
  /** Bytes. */
  mtu: number
  rxFrames: number
  rxBytes: number
  /** Frames that are shorter than a header or larger than can be taken. */
  rxErrors: number
  txFrames: number
  txBytes: number
  /** How many frames may wait on their way in, and on their way out by whatever link; how many of the latter do. */
  rxRing: number
  txRing: number
  txWaiting: number
}

/**
 * A socket as INET_DIAG tells it; filled in by `nextSocket`. Addresses and ports are 0 where it has none. Where an end has an IPv6
 * address its IPv4 one is 0, and the other is put into 16 bytes of the caller's, which are all 0 otherwise.
 */
export interface SocketRecord {
  /** Its handle, also of connections whose own handle was given back. */
  socket: Socket | 0
  protocol: Protocol
  /** TCP: RFC 9293, 3.3.2's state, by its number in inspect/inspect.ts (TCP_STATES). */
  state: number
  localAddress: Ipv4
  localAddress6?: Ipv6
  localPort: number
  remoteAddress: Ipv4
  remoteAddress6?: Ipv6
  remotePort: number
  /** Bytes to be read, and to be sent or acknowledged. A listener: connections that wait, and how many may. */
  receiveQueued: number
  sendQueued: number
  /** Raw and packet sockets: packets without room, since `lost` was asked last. */
  lost: number
  /** TCP: which clock runs, by its number in inspect/inspect.ts (CLOCK_NAMES), and in how many ms it strikes. */
  timer: number
  timerIn: Ms
  /** Timeouts in a row. */
  retransmits: number
  /** Milliseconds; 0 before the first measurement. */
  srtt: Ms
  rttvar: Ms
  rto: Ms
  /** Bytes. */
  mss: number
  cwnd: number
  /** Infinity until the first loss. */
  ssthresh: number
  /** Sent and not acknowledged. */
  inFlight: number
  sndWnd: number
  rcvWnd: number
}

/** An instruction of a socket's filter, as `tcpdump -ddd` prints them: code, jump if true, jump if false, k. */
export type FilterInstruction = readonly [code: number, whenTrue: number, whenFalse: number, k: number]

/** What `setOption` can set. */
export const Option = {
  /** 1: Nagle's algorithm is off (RFC 9293, 3.7.4), short text goes out at once. 0, the default: on. */
  NoDelay: 1,
  /** 1: an idle connection's peer is asked whether it is there (RFC 9293, 3.8.4). 0, the default: it is not. */
  KeepAlive: 2,
  /** Seconds of silence before the first keep-alive, 1 … 32767; 7200. */
  KeepIdle: 3,
  /** Seconds between keep-alives that are not answered, 1 … 32767; 75. */
  KeepInterval: 4,
  /** How many of them end the connection with ETIMEDOUT, 1 … 127; 9. */
  KeepCount: 5,
  /** Milliseconds that what was sent, or waits for a window, may go unacknowledged before ETIMEDOUT; 0, the default: minutes. */
  UserTimeout: 6,
  /** Seconds after `close` before a connection with text left is reset; 0: at once; -1, the default: never. */
  Linger: 7,
  /** Of a listener: how many connections may have text from their SYN before the handshake is done (RFC 7413); 0, the default. */
  FastOpen: 8,
  /** 0: NewReno (RFC 6582). 1: CUBIC (RFC 9438), the default of the profile that has both; the others have NewReno alone. */
  Congestion: 9,
  /** Raw sockets. 1: what is sent begins with its IP header (IP_HDRINCL). 0: the stack makes one. */
  HeaderIncluded: 100,
  /**
   * Packet sockets: a ring of this many pages, 1 … 1024, is set aside for frames that wait to be read; 0 gives it back. What
   * waits is lost. Frames that find it full are counted by `lost`. ENOBUFS when memory has not so many.
   */
  PacketRing: 101,
  /** The time to live of what is sent, 1 … 255; 64 if it was not set. */
  Ttl: 20,
  /** UDP, 1: may send to all hosts of a link. 0, the default: EACCES. */
  Broadcast: 21,
  /** UDP, 1, set before `bind`: may have its port together with others that say so, too. Each hears the groups it has joined. */
  ReuseAddress: 22,
  /** UDP: the time to live of what is sent to groups, 0 … 255; 1, the default: it stays on the link. */
  MulticastTtl: 23,
  /** UDP, 1, the default: what is sent to a group reaches its members on this host, too. */
  MulticastLoop: 24,
  /** UDP: the link for what is sent to groups and to 255.255.255.255; 0, the default. */
  MulticastLink: 25,
} as const
export type Option = (typeof Option)[keyof typeof Option]

/** Bits given to the visitor of `events`. */
export const Event = {
  /** Data, a peer's FIN, an accepted connection or a datagram waits. */
  Readable: 1,
  /** Room for more data to send. */
  Writable: 2,
  /** The handshake is complete. */
  Connected: 4,
  /** The connection is gone; `error(socket)` says why, 0 after an orderly close. */
  Closed: 8,
  /** The TCP state changed. */
  State: 16,
  /** The peer has marked what it sends as urgent, or more of it (RFC 9293, 3.8.5); `urgent` says how much. */
  Urgent: 32,
} as const

/** One pool of the arena. `used + free pages elsewhere` … the `used` of all pools sum to the arena's size exactly. */
export interface PoolReport {
  readonly name: string
  /** Bytes held now. */
  readonly used: number
  /** The most bytes that were held at once. */
  readonly peak: number
  /** How often it was asked for memory and had none. */
  readonly failures: number
}

/** What a budget is spent on, in bytes; read from the arena. */
export interface MemoryReport {
  /** The arena's size in bytes: the budget. */
  readonly size: number
  /** Bytes that are not free. */
  readonly used: number
  /** The most that `used` has been. */
  readonly peak: number
  readonly failures: number
  /** The pools, with a last one named 'free'; their `used` sum to `size`. */
  readonly pools: readonly PoolReport[]
}

/** Counters under their MIB-2 names (tcpActiveOpens, ipInReceives, …) and one per drop reason (drop.BadChecksum, …). */
export type Counters = Readonly<Record<string, number>>

/** Where a datagram came from, or one end of a connection; filled in by `recvFrom` and `name`. */
export interface Endpoint {
  /** 0 where the end has an IPv6 address. */
  address: Ipv4
  /** 16 bytes of the caller's, into which an IPv6 address is put; left as they are where the end has an IPv4 one. */
  address6?: Ipv6
  port: number
}

/** One of the host's IPv6 addresses. */
export interface OwnAddress6 {
  readonly address: Ipv6
  readonly prefixLength: number
  /**
   * RFC 4862, 2: 'tentative' while the link is asked whether somebody else has it, 'preferred' when it may be used,
   * 'deprecated' when new connections should use another. 'duplicate': somebody else has it, it is not used.
   */
  readonly state: 'tentative' | 'preferred' | 'deprecated' | 'duplicate'
  /** On the host's own clock (ms): when it becomes deprecated, and when it is no more. Infinity: never. */
  readonly preferredUntil: Ms
  readonly validUntil: Ms
}

/** What a host with IPV6 says of it. */
export interface Ipv6Report {
  /** Why it is off, in one sentence; undefined while it is on. */
  readonly off: string | undefined
  readonly addresses: readonly OwnAddress6[]
  /** Default routers (RFC 4861, 3.1), by their link-local addresses. */
  readonly routers: readonly Ipv6[]
  /** Name servers that routers have told of (RFC 8106, 5.1). */
  readonly nameServers: readonly Ipv6[]
}

/**
 * A host. Times are milliseconds on its own clock, IPv4 addresses 32-bit numbers, the first octet highest. What a host cannot
 * do is returned, see errno.ts.
 */
export interface Stack {
  /** Takes one Ethernet frame off a link, copying what it keeps. Drop.None: taken. Never throws. `link` is 0 if absent; Drop.NotForUs for one that is not there. */
  input(frame: Uint8Array, now: Ms, link?: number): Drop
  /** Runs the timers that are due. Bounded work. All other calls happen at the time of the last `input` or `poll`. */
  poll(now: Ms): void
  /** When to call `poll` next: the earliest deadline (may be early, never late); Infinity when idle. */
  pollAt(): Ms
  /**
   * Hands out frames, and the links that they go out by, while `emit` takes them. False: the link is busy, keep it. A frame is valid during the call only, and
   * `emit` must not call the stack: what comes back at once waits until `output` has returned.
   */
  output(emit: (frame: Uint8Array, link: number) => boolean): void
  /** Visits each socket on which something happened since the last call, once, with the bits of `Event`. */
  events(visit: (socket: Socket, bits: number) => void): void

  readonly memory: MemoryReport
  readonly counters: Counters
  /** NET_ETHTOOL: fills in what a port is and has done. ENODEV: there is no such link. EOPNOTSUPP without the feature. */
  ethtool(link: number, into: PortFacts): 0 | Errno
  /** PROC_FS: a setting by its name, as in Linux's sysctl (proc/sysctl.ts lists them); undefined when there is none. */
  sysctl(name: string): number | undefined
  /** Throws a RangeError that says what would be right; EOPNOTSUPP where the profile has no settings. */
  setSysctl(name: string, value: number): 0 | Errno
  /** The arena itself. Copy it and you have copied the host. */
  readonly arena: ArrayBuffer

  /** The largest frame that it takes, bytes: what its link should announce. */
  readonly largestFrame: number
  /** The first address of link 0, 0 while it has none. */
  readonly address: Ipv4
  /**
   * Sets it, and the default router; announces and defends it as RFC 5227 says. Throws RangeError when no host may have the
   * address, or the prefix is not of 1 to 32 bits. Connections of the one before end with EADDRNOTAVAIL; where the profile has
   * a DHCP client, those of a link-local one go on (RFC 3927, 1.9).
   */
  setAddress(address: Ipv4, prefixLength: number, gateway: Ipv4): void
  /** All addresses of all links. These six are RTNETLINK's: a profile without it lists none and returns EOPNOTSUPP. */
  readonly addresses: readonly LocalAddress[]
  /** Gives a link one more address, at once. EEXIST: it is ours. EINVAL: no host may have it. ENOBUFS: memory is full, or there are 16. */
  addAddress(link: number, address: Ipv4, prefixLength: number): 0 | Errno
  /** Takes an address away, and the route to its network. EADDRNOTAVAIL: it is not ours. */
  removeAddress(address: Ipv4): 0 | Errno
  /** The routing table, in no particular order. */
  readonly routes: readonly Route[]
  /**
   * Adds a route. EEXIST: there is one to this network with this metric. ENETUNREACH: the gateway is not on the link. ENOBUFS.
   * Throws RangeError when a setting is out of its range.
   */
  addRoute(route: Route): 0 | Errno
  /** ESRCH: there is none, or it is the one to the network of an address of ours. */
  removeRoute(destination: Ipv4, prefixLength: number, metric: number): 0 | Errno
  /** The link came up, or another segment was joined to it: addresses are checked for conflicts anew (RFC 5227, 2.1; RFC 4862, 5.4). */
  linkUp(now: Ms): void
  /** The host is about to leave: its name is taken back (RFC 6762, 10.1), its lease is given back (RFC 2131, 4.4.6). */
  leave(): void
  /** The host with this address has left the segment for good (its port is gone): connections to it end with EHOSTUNREACH. */
  hostGone(address: Ipv4 | Ipv6): void

  /** undefined where the profile lacks IPV6. */
  readonly ipv6: Ipv6Report | undefined
  /**
   * Takes an IPv6 address, 1 … 128 bits of which are its prefix; that prefix is on the link from now on. It is tested first
   * (RFC 4862, 5.4), so it can be used after a second or two. EINVAL where no host may have it, ENOBUFS when memory is
   * full or there are 16 of them, EAFNOSUPPORT without IPv6.
   */
  addAddress6(address: Ipv6, prefixLength: number): 0 | Errno
  /** Gives up an address: its connections end with EADDRNOTAVAIL. EADDRNOTAVAIL when it is none of ours. */
  removeAddress6(address: Ipv6): 0 | Errno
  /** Takes what is sent to an IPv6 group from now on, and tells routers so (RFC 2710). EINVAL when it is no group. */
  joinGroup6(group: Ipv6): 0 | Errno
  /** As often as it was joined. EADDRNOTAVAIL when it was not. */
  leaveGroup6(group: Ipv6): 0 | Errno
  /** IPv4 and IPv6 addresses of one host, put into the order in which to try them (RFC 6724, 6). The same array. */
  sortDestinations<T extends Ipv4 | Ipv6>(addresses: T[]): T[]

  /** EPROTONOSUPPORT when the profile lacks it, ENOBUFS when memory is full. `number` refines some protocols, see there. */
  socket(protocol: Protocol, number?: number): Socket | Errno
  /**
   * A socket that is bound to no address (0, or the IPv6 address of zeroes) speaks IPv4 and IPv6. Here and below:
   * EAFNOSUPPORT for an IPv6 address where the host has no IPv6.
   */
  bind(socket: Socket, address: Ipv4 | Ipv6, port: number): 0 | Errno
  listen(socket: Socket, backlog: number): 0 | Errno
  /** EAGAIN while none waits. */
  accept(socket: Socket): Socket | Errno
  /**
   * TCP: 0 when the SYN is on its way, then Event.Connected or Event.Closed. A socket is good for one connection. UDP: `send` goes there,
   * only what comes from there is heard, and what ICMP says of it is the socket's error; address 0 undoes it.
   */
  connect(socket: Socket, address: Ipv4 | Ipv6, port: number): 0 | Errno
  /** Bytes taken of `data`, at least 1; EAGAIN when the send buffer is full, ENOBUFS when memory is. */
  send(socket: Socket, data: Uint8Array): number | Errno
  /** Bytes put into `into`; 0 after the peer's FIN; EAGAIN while nothing waits. */
  recv(socket: Socket, into: Uint8Array): number | Errno
  /** TCP: bytes up to the end of urgent data, which are read in line; 0 when there is none ahead. EOPNOTSUPP in a profile without. */
  urgent(socket: Socket): number | Errno
  /**
   * One datagram. ICMP and ICMPv6, as the address asks for: an echo request's data, `port` its sequence number. TCP: `connect` with data, which goes with the SYN
   * where the server has given a cookie before (RFC 7413); returns the bytes taken. EOPNOTSUPP in a profile without.
   */
  sendTo(socket: Socket, data: Uint8Array, address: Ipv4 | Ipv6, port: number): number | Errno
  /** One datagram, cut to fit. ICMP: an echo reply's data, `from.port` its sequence number. */
  recvFrom(socket: Socket, into: Uint8Array, from: Endpoint): number | Errno
  /**
   * Asks for a name: a socket on which Event.Readable says that the answer is there, or Event.Closed that there is none:
   * `error` gives ENOENT (nobody has the name), ENODATA (it has no such records), ETIMEDOUT, EPROTO (no server could
   * answer), ENOBUFS. `.local` names are asked of the link (RFC 6762), others of the servers; for NameType.Ptr an address
   * 'a.b.c.d' will do. EINVAL for what is no name, ENETUNREACH without an address or a server, ENOBUFS when memory is full
   * or 16 questions are open, EOPNOTSUPP in a profile without DNS. Give the socket back with `close`.
   */
  resolve(name: string, type: NameType): Socket | Errno
  /** Bytes put into `into`: four for each A, sixteen for each AAAA, the text of a name; EAGAIN until the answer is there. */
  resolved(socket: Socket, into: Uint8Array): number | Errno
  /** EINVAL for a value out of range, ENOPROTOOPT for an option that this kind of socket does not have. */
  setOption(socket: Socket, option: Option, value: number): 0 | Errno
  /**
   * LPF_FILTER: from now on the socket receives only what this program wants, and as much of it; an empty one takes the
   * last one away. UDP, raw and packet sockets; ENOPROTOOPT for others, EINVAL when the program could fail to end or read
   * what it has not written.
   */
  attachFilter(socket: Socket, program: readonly FilterInstruction[]): 0 | Errno
  /**
   * The oldest frame that a packet socket has captured, up to 1,574 bytes of it, as a view on the arena that stays good until it is read with
   * `recvFrom` (which may ask for 0 bytes) or the socket is closed. EAGAIN while none waits.
   */
  peek(socket: Socket, into: Captured): Uint8Array | Errno
  /** How many packets raw and packet sockets could not keep since this was asked last, for want of room. */
  lost(socket: Socket): number | Errno
  /**
   * UDP: joins a group on a link, 0 if absent. EADDRINUSE: it is a member already. EINVAL: no group, no such link, or a profile
   * without IP_MULTICAST. ENOBUFS: memory is full, or there are more than 20 groups of this socket or 64 of the host.
   */
  joinGroup(socket: Socket, group: Ipv4, link?: number): 0 | Errno
  /** EADDRNOTAVAIL: it is no member. Closing a socket leaves its groups. */
  leaveGroup(socket: Socket, group: Ipv4, link?: number): 0 | Errno
  /** No more to send: FIN follows the data. */
  shutdown(socket: Socket): 0 | Errno
  /** Gives the handle back; what was sent is still delivered, the connection closes in order behind it. */
  close(socket: Socket): 0 | Errno
  /** Gives the handle back and resets the connection. */
  abort(socket: Socket): 0 | Errno
  /**
   * INET_DIAG: fills in the socket that lies behind `after` in the arena, the first where that is 0. Its handle, or 0 when
   * there are no more (or the profile has no INET_DIAG).
   */
  nextSocket(after: Socket | 0, into: SocketRecord): Socket | 0
  /** The error that ended the connection (ECONNREFUSED, ECONNRESET, ETIMEDOUT, …), 0 if none. Reading clears it. */
  error(socket: Socket): 0 | Errno
  /** The local end, or the remote one; false for a stale handle. */
  name(socket: Socket, end: 'local' | 'remote', into: Endpoint): boolean
}
