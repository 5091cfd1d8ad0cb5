/** ICMP, RFC 792: type, code, checksum, then four bytes whose meaning the type gives, then data. */
export const ICMP_TYPE = 0
export const ICMP_CODE = 1
export const ICMP_CHECKSUM = 2
export const ICMP_ID = 4
export const ICMP_SEQUENCE = 6
/** RFC 1191, 4: the next hop's MTU in a "fragmentation needed" message. */
export const ICMP_NEXT_HOP_MTU = 6
export const ICMP_HEADER = 8

export const ICMP_ECHO_REPLY = 0
export const ICMP_UNREACHABLE = 3
export const ICMP_ECHO_REQUEST = 8
export const ICMP_TIME_EXCEEDED = 11
export const ICMP_PARAMETER_PROBLEM = 12

/** Codes of "destination unreachable", RFC 792 and RFC 1122, 3.2.2.1. */
export const UNREACHABLE_NET = 0
export const UNREACHABLE_HOST = 1
export const UNREACHABLE_PROTOCOL = 2
export const UNREACHABLE_PORT = 3
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4
