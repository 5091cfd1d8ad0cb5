/**
 * Why a frame was not taken. One counter per reason; the sentences for people stand in drop-names.ts,
 * so that a profile pays for the numbers alone.
 */
export const Drop = {
  None: 0,
  /** Shorter than its headers. */
  Truncated: 1,
  /** Addressed to another station. */
  NotForUs: 2,
  /** An EtherType that no one here speaks. */
  UnknownEtherType: 3,
  /** ARP for other hardware or protocols, or of the wrong length. */
  BadArp: 4,
  /** RFC 5227: another station uses our address. */
  AddressConflict: 5,
  BadIpVersion: 6,
  BadIpHeaderLength: 7,
  BadIpLength: 8,
  BadIpChecksum: 9,
  BadIpOptions: 10,
  /** A source that no host may use: broadcast, multicast, ours, loopback. */
  BadSource: 11,
  /** An IP address that is not ours, and we do not forward; or one of many, for what a single host must be told. */
  WrongDestination: 12,
  /** A fragment, and this profile reassembles none. */
  Fragment: 13,
  UnknownProtocol: 14,
  BadIcmpLength: 15,
  BadIcmpChecksum: 16,
  UnknownIcmpType: 17,
  BadUdpLength: 18,
  BadUdpChecksum: 19,
  BadTcpLength: 20,
  BadTcpChecksum: 21,
  BadTcpOptions: 22,
  /** Nothing listens there. */
  NoPort: 23,
  /** No connection has these four numbers. */
  NoConnection: 24,
  /** RFC 9293, 3.10.7.4: not one byte inside the receive window. */
  OutsideWindow: 25,
  /** The ACK acknowledges what was never sent, or is older than any window. */
  BadAck: 26,
  /** RFC 5961: a SYN or RST that may be forged; answered with a challenge ACK. */
  Challenged: 27,
  /** A reset outside the window, or for nothing. */
  BadReset: 28,
  /** No ACK bit where one must be. */
  NoAck: 29,
  /** Listen queue full. */
  Backlog: 30,
  /** All of it was received before. */
  Duplicate: 31,
  /** Data after the reader has gone. */
  ReaderGone: 32,
  /** The budget is used up. */
  NoMemory: 33,
  /** The socket's own queue is full. */
  QueueFull: 34,
  /** The host has no address yet. */
  NoAddress: 35,
  /** RFC 7323, 5: older than what this connection has seen: from before a wrap. */
  OldTimestamp: 36,
  /** Timestamps were agreed on, and this segment has none. */
  NoTimestamp: 37,
  /** RFC 791, 3.2: an empty fragment, or one that is not the last and whose length is no multiple of 8. */
  BadFragmentLength: 38,
  /** A fragment that would make a datagram of more than 65,535 bytes. */
  FragmentBeyondEnd: 39,
  /** RFC 1858, 3 and RFC 3128, 4: a fragment that splits the transport header. */
  TinyFragment: 40,
  /** RFC 5722, 4: fragments that overlap, or contradict each other about the end; the datagram is dropped whole. */
  FragmentOverlap: 41,
  /** As many datagrams wait for their fragments in this bucket as may. */
  ReassemblyFull: 42,
  /** Reassembled, and larger than its reader takes: than any MSS we offer, than a message to DHCP or DNS, than an echo we can answer. */
  DatagramTooLarge: 43,
  /** RFC 2236, 6: an IGMP message that is too short, has a wrong checksum or names no group. */
  BadIgmp: 44,
  /** A multicast group that nobody here has joined. */
  NotAMember: 45,
  /** RFC 1812, 5.3.7: an address that no datagram between networks may have. */
  Martian: 46,
  /** It has passed as many routers as it may. */
  TimeToLive: 47,
  NoRoute: 48,
  /** Larger than the next link carries, and not to be cut. */
  FragmentationNeeded: 49,
  /** RFC 1812, 5.3.13.4: it prescribes its route, which is refused. */
  SourceRoute: 50,
  /** RFC 1122, 3.2.2.2: a redirect that is not from the router in use, or to where no router can be. */
  BadRedirect: 51,
  /** RFC 6633: source quench is not acted on. */
  SourceQuench: 52,
  /** LPF_FILTER: the socket's program does not want it. */
  Filtered: 53,
  /** RFC 5927, 7.2: claims a path MTU that what we sent cannot have found. */
  BadPathMtu: 54,
  /** RFC 2131, 2: a DHCP message that is cut short, or whose options do not end. */
  BadDhcp: 55,
  /** A DHCP message that answers nothing we asked, or that our server has nothing to say to. */
  UnexpectedDhcp: 56,
  /** RFC 1035, 4.1: a DNS message whose counts, names or records do not fit in it. */
  BadDns: 57,
  /** RFC 5452, 9.1: an answer to no question that we have asked there. */
  UnexpectedDns: 58,
  /** RFC 6762, 6 and 11: a multicast answer from another port, or from another link. */
  ForeignMdns: 59,
  /** RFC 4861, 6.1 … 8.1, RFC 2710, 3: a hop limit that only a packet from elsewhere could have. */
  BadHopLimit: 60,
  /** RFC 4861, 6.1 … 8.1: neighbour discovery that breaks its rules. */
  BadDiscovery: 61,
  /** RFC 8200, 4: an extension header, or an option in one, that must not be there or that no one here knows. */
  BadExtension: 62,
} as const
export type Drop = (typeof Drop)[keyof typeof Drop]
/** How many reasons there are, Drop.None included. */
export const DROP_COUNT = 63
