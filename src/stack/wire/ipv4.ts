/** The IPv4 header, RFC 791, 3.1. */
export const IP_VERSION_IHL = 0
export const IP_TOS = 1
export const IP_TOTAL_LENGTH = 2
export const IP_ID = 4
export const IP_FRAGMENT = 6
export const IP_TTL = 8
export const IP_PROTOCOL = 9
export const IP_CHECKSUM = 10
export const IP_SOURCE = 12
export const IP_DESTINATION = 16
export const IP_HEADER = 20

export const PROTOCOL_ICMP = 1
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17

export const IP_DONT_FRAGMENT = 0x4000
export const IP_MORE_FRAGMENTS = 0x2000
export const IP_FRAGMENT_OFFSET = 0x1fff
/** RFC 1122, 3.2.1.7: the default TTL; 64 is the recommended value. */
export const IP_DEFAULT_TTL = 64

export const BROADCAST = 0xffffffff | 0
/** RFC 1112, 4: 224.0.0.0/4. */
export const isMulticast = (address: number): boolean => address >>> 28 === 0xe
/** RFC 1122, 3.2.1.3 (g): 127.0.0.0/8 must not appear outside a host. */
export const isLoopback = (address: number): boolean => address >>> 24 === 127
/** RFC 3927, 2.1: 169.254.0.0/16. */
export const isLinkLocal = (address: number): boolean => address >>> 16 === 0xa9fe

/** Everything but the addresses and the header checksum. */
export function putIpv4(view: DataView, at: number, totalLength: number, id: number, protocol: number): void {
  view.setUint16(at + IP_VERSION_IHL, 0x4500)
  view.setUint16(at + IP_TOTAL_LENGTH, totalLength)
  view.setUint16(at + IP_ID, id)
  view.setUint16(at + IP_FRAGMENT, IP_DONT_FRAGMENT)
  view.setUint8(at + IP_TTL, IP_DEFAULT_TTL)
  view.setUint8(at + IP_PROTOCOL, protocol)
  view.setUint16(at + IP_CHECKSUM, 0)
}
