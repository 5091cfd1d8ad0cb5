/**
 * The fixed area at the arena's start: the host record, the pools' books, the timing wheel, the page map, the table.
 * One list of offsets, because the stack and whoever inspects an arena from outside must agree. Offsets are bytes; numbers are
 * little-endian, of 32 bits where nothing else is said.
 */

/** 'lan4': a name and the layout's version: an arena of another layout is refused. */
export const MAGIC = 0
export const MAGIC_VALUE = 0x6c616e34
/** The arena's size in bytes. */
export const SIZE = 4
/** Address of the first page; the number of pages follows it. */
export const PAGES_AT = 8
export const PAGE_COUNT = 12
/** The list of free pages. */
export const FREE_HEAD = 16
export const FREE_COUNT = 20
/** Pages that data may not take. */
export const RESERVE = 24
/** The most pages that were in use at once. */
export const USED_PEAK = 28
/** The time of the last `input` or `poll`: whole milliseconds and microseconds, both modulo 2^32. */
export const NOW_MS = 32
export const NOW_US = 36
/** The same time as it was passed in, a 64-bit float. */
export const NOW = 40

/** How many links there are, and where the records of those behind link 0 stand (ethernet/links.ts). */
export const LINK_COUNT = 48
/** 1: it is a router (ip/forward.ts). */
export const FORWARDS = 49
export const LINKS_AT = 52
/** Our addresses: a list of the routes to their networks (ip/routes.ts). */
export const ADDRESSES = 56
/** The routing table: the first route of FIB_LIST, the root of FIB_TRIE. */
export const ROUTES = 60
/** The route records in the fixed area that are free. */
export const SPARE_ROUTES = 64
/** Identification of the next IPv4 datagram. */
export const NEXT_IP_ID = 68

/** The page that the next frame is copied into, and the one that segments are gathered in. */
export const INPUT_PAGE = 72
export const OUTPUT_PAGE = 76
/** Frames that wait for the link: answers and datagrams. */
export const FRAMES_HEAD = 80
export const FRAMES_TAIL = 84
export const FRAMES_COUNT = 88
/** Connections that have something to send. */
export const SENDERS_HEAD = 92
export const SENDERS_TAIL = 96
/** Sockets on which something happened. */
export const EVENTS_HEAD = 100
export const EVENTS_TAIL = 104

/** The hash table of sockets and neighbours: its address and its number of buckets less one. */
export const TABLE_AT = 108
export const TABLE_MASK = 112
/** Address of the counters; 0 in a profile without PROC_FS. */
export const COUNTERS_AT = 116
/** Generation of the next handle. */
export const NEXT_GENERATION = 120
/** Token bucket for ICMP errors (RFC 1122, 3.2.2; RFC 1812, 4.3.2.8) and challenge ACKs (RFC 5961, 7). */
export const ICMP_TOKENS = 122
export const CHALLENGES_LEFT = 124
export const ICMP_TOKENS_AT = 128
export const CHALLENGES_UNTIL = 132
/** 16 secret bytes. */
export const SECRET = 136
/** Address acquisition, RFC 5227 and RFC 3927: a timed record of its own (see ip/acquire.ts). */
export const ACQUIRE = 152
/** The last word of it: a link-local address that stays for its connections (ip/kept-address.ts), 0 without one. */
export const KEPT_ADDRESS = 196

/** Connections in TIME-WAIT, the one that will be done first at the head. */
export const WAITING_HEAD = 200
export const WAITING_TAIL = 204
/** Datagrams of which fragments are missing, the oldest first (ip/reassemble.ts). */
export const REASSEMBLIES_HEAD = 208
export const REASSEMBLIES_TAIL = 212

/** Room for one frame larger than a page (tcp/offload.ts), and its bytes; 0 without. */
export const LARGE_AT = 216
export const LARGE_SIZE = 220

/** Neighbours that have not answered yet and those that have, each list the oldest first; pages that wait for the first. */
export const INCOMPLETE_HEAD = 224
export const INCOMPLETE_TAIL = 228
export const CONFIRMED_HEAD = 232
export const CONFIRMED_TAIL = 236
export const NEIGHBOURS_HELD = 240
/** Multicast groups that this host is a member of (igmp/groups.ts). */
export const GROUPS = 244
/** Routes that redirects have made, the oldest first (icmp/redirect.ts). */
export const REDIRECTED = 248

/** A link's record; link 0's stands here, since most hosts have no other. */
export const LINK_0 = 252
export const LINK_MAC_HIGH = 0
export const LINK_MTU = 2
export const LINK_MAC_LOW = 4
/** Its first address and the mask of that one's network; 0 while it has none. */
export const LINK_ADDRESS = 8
export const LINK_MASK = 12
/** RFC 2236, 4: until when (ms) the querier is taken to speak version 1; only meaningful while the flag behind it is set. */
export const LINK_V1_UNTIL = 16
export const LINK_V1 = 20
/** NET_ETHTOOL's counts (ethernet/ethtool.ts). */
export const LINK_RX_FRAMES = 24
export const LINK_TX_FRAMES = 28
export const LINK_RX_BYTES = 32
export const LINK_TX_BYTES = 40
export const LINK_ERRORS = 48
/** When an address of the link's that was given was last defended (ms); 0: never. */
export const LINK_DEFENDED_AT = 52
export const LINK_SIZE = 56
export const MAC_HIGH = LINK_0 + LINK_MAC_HIGH
export const MTU = LINK_0 + LINK_MTU
export const MAC_LOW = LINK_0 + LINK_MAC_LOW
export const ADDRESS = LINK_0 + LINK_ADDRESS
export const MASK = LINK_0 + LINK_MASK

/** A route's record (ip/routes.ts). */
export const ROUTE_SIZE = 40
/** Three of them stand here, so that a host with one link and one router needs no page for its table. */
export const SPARE_ROUTES_AT = LINK_0 + LINK_SIZE
export const SPARE_ROUTES_COUNT = 3

/** Raw sockets, packet sockets, netlink sockets: lists by NEXT_OF_KIND (socket/datagrams.ts). */
export const RAW_HEAD = SPARE_ROUTES_AT + SPARE_ROUTES_COUNT * ROUTE_SIZE
export const PACKET_HEAD = RAW_HEAD + 8
export const NETLINK_HEAD = RAW_HEAD + 16

/** Connections in LAST-ACK and in CLOSING whose user has gone, the oldest first (tcp/last-words.ts). */
export const LAST_ACK_HEAD = RAW_HEAD + 24
export const CLOSING_HEAD = RAW_HEAD + 32
/** What is remembered of destinations, what was written longest ago first, and how many (ip/destinations.ts). */
export const DESTINATIONS_HEAD = RAW_HEAD + 40
export const DESTINATIONS_COUNT = RAW_HEAD + 48
/** Connections that have text of their SYN and no handshake yet (tcp/fast-open.ts). */
export const FAST_OPENS = RAW_HEAD + 52
/** RFC 2883: the text that came twice, until its connection's next ACK tells of it (tcp/sack-blocks.ts). */
export const TWICE_FOR = RAW_HEAD + 56
export const TWICE_FROM = TWICE_FOR + 4
export const TWICE_TO = TWICE_FOR + 8

/** Servers that answer questions for names (dns/): three addresses, 0 where there is none. */
export const DNS_SERVERS = TWICE_FOR + 12
/** Records of the services, 0 where there is none: what the DHCP client has, and the server (dhcp/). */
export const DHCP_CLIENT = DNS_SERVERS + 12
export const DHCP_SERVER = DNS_SERVERS + 16
export const LEASES_HEAD = DNS_SERVERS + 20
export const LEASES_TAIL = DNS_SERVERS + 24
/** Questions for names that are not closed yet, and answers that are kept, oldest first (dns/). */
export const QUERIES_HEAD = DNS_SERVERS + 28
export const QUERIES_TAIL = DNS_SERVERS + 32
export const CACHED_HEAD = DNS_SERVERS + 36
export const CACHED_TAIL = DNS_SERVERS + 40
export const CACHED_COUNT = DNS_SERVERS + 44
/** The responder for our own name, and the answer that it is about to give. */
export const RESPONDER = DNS_SERVERS + 48
export const RESPONSE = DNS_SERVERS + 52

/** The record that is a member of the group 224.0.0.251 for us (dns/mdns.ts). */
export const MDNS_MEMBER = DNS_SERVERS + 56

/** IPv6's record of the link (ip6/link.ts); 0 where it is off. */
export const IPV6_LINK = DNS_SERVERS + 60

/** The destination that was written to last, and the neighbour that this goes to; 0 when it has to be looked up (ip/route.ts). */
export const HOP_TO = IPV6_LINK + 4
export const HOP = IPV6_LINK + 8

/** The pools' books. */
export const POOLS_AT = IPV6_LINK + 12
export const POOL_PAGES = 0
export const POOL_PEAK = 4
export const POOL_FAILURES = 8
/** Slabs: the list of pages that still have a free record. */
export const POOL_PARTIAL = 12
export const POOL_STRIDE = 16

/** What a page is used for: its byte in the page map, and the index of its pool's books. */
export const POOL_FREE = 0
export const POOL_CONNECTIONS = 1
export const POOL_SOCKETS = 2
export const POOL_NEIGHBOURS = 3
export const POOL_FRAMES = 4
export const POOL_SEND = 5
export const POOL_RECEIVE = 6
export const POOL_OUT_OF_ORDER = 7
export const POOL_DATAGRAMS = 8
export const POOL_FRAGMENTS = 9
export const POOL_ROUTES = 10
export const POOL_GROUPS = 11
/** Programs of sockets (filter/filter.ts). */
export const POOL_FILTERS = 12
/** Capture rings (packet/packet.ts). */
export const POOL_CAPTURE = 13
export const POOL_SETTINGS = 14
export const POOL_DESTINATIONS = 15
export const POOL_FLIGHTS = 16
/** Leases, ours and those that our server gave. */
export const POOL_LEASES = 17
/** Questions, kept answers, and our own name. */
export const POOL_NAMES = 18
/** The input page and the output page. */
export const POOL_STANDING = 19
export const POOL_IPV6 = 20
export const POOL_COUNT = 21

/** The timing wheel, see wheel.ts: the next tick, then a bitmap and 32 slots for each of five levels. */
export const WHEEL_TICK = POOLS_AT + POOL_COUNT * POOL_STRIDE
export const WHEEL_BITMAPS = WHEEL_TICK + 4
export const WHEEL_LEVELS = 5
export const WHEEL_SLOTS = WHEEL_BITMAPS + WHEEL_LEVELS * 4
/** One byte a page: its pool. Behind it the counters and the hash table. */
export const PAGE_MAP = WHEEL_SLOTS + WHEEL_LEVELS * 32 * 4
