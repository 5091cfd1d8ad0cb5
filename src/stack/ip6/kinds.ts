/** Kinds of IPv6 addresses, RFC 4291, 2.4 … 2.8, asked of the 16 bytes at `at`. */
import type { Address, Arena } from '../memory/arena.ts'

/** 2.5.2: ::, the absence of an address. */
export const isUnspecified = (m: Arena, at: Address): boolean =>
  startsWithZeroes(m, at) && m.get32(at + 12) === 0

/** 2.5.3: ::1. */
export const isLoopback6 = (m: Arena, at: Address): boolean =>
  startsWithZeroes(m, at) && m.view.getInt32(at + 12) === 1

const startsWithZeroes = (m: Arena, at: Address): boolean =>
  m.get32(at) === 0 && m.get32(at + 4) === 0 && m.get32(at + 8) === 0

/** 2.5.5.2: ::ffff:a.b.c.d; never on the wire. */
export const isMapped = (m: Arena, at: Address): boolean =>
  m.get32(at) === 0 && m.get32(at + 4) === 0 && m.view.getInt32(at + 8) === 0xffff

/** 2.7: ff00::/8. */
export const isMulticast6 = (m: Arena, at: Address): boolean => m.get8(at) === 0xff

/** 2.5.6: fe80::/10. */
export const isLinkLocal6 = (m: Arena, at: Address): boolean => (m.view.getUint16(at) & 0xffc0) === 0xfe80

/** 2.7: scopes: 1 interface-local, 2 link-local, 5 site-local, 14 global. Unicast addresses have one as well (RFC 6724, 3.1). */
export const SCOPE_LINK = 2
export const SCOPE_SITE = 5
export const SCOPE_GLOBAL = 14

/** A group's own four bits, 0 … 15; SCOPE_LINK, SCOPE_SITE or SCOPE_GLOBAL of a unicast address (RFC 6724, 3.1). */
export function scopeOf(m: Arena, at: Address): number {
  if (isMulticast6(m, at)) return m.get8(at + 1) & 15
  if (isLinkLocal6(m, at) || isLoopback6(m, at)) return SCOPE_LINK
  // 2.5.7: fec0::/10, deprecated, but still a scope of its own for RFC 6724.
  return (m.view.getUint16(at) & 0xffc0) === 0xfec0 ? SCOPE_SITE : SCOPE_GLOBAL
}

/** Whether an address may be a host's own, to be configured: 2.5. */
export const isAssignable = (m: Arena, at: Address): boolean =>
  !isUnspecified(m, at) && !isLoopback6(m, at) && !isMulticast6(m, at) && !isMapped(m, at)

/** How many of the first bits of two addresses are equal: CommonPrefixLen, RFC 6724, 2.2. */
export function commonBits(m: Arena, a: Address, b: Address): number {
  for (let i = 0; i < 16; i += 4) {
    const differs = m.view.getInt32(a + i) ^ m.view.getInt32(b + i)
    if (differs !== 0) return i * 8 + Math.clz32(differs)
  }
  return 128
}

/** ff02::1: 2.7.1. */
export const isAllNodes = (m: Arena, at: Address): boolean => isGroup(m, at, 0xff020000, 0, 0, 1)

const isGroup = (m: Arena, at: Address, a: number, b: number, c: number, d: number): boolean =>
  m.view.getInt32(at) === (a | 0) &&
  m.view.getInt32(at + 4) === b &&
  m.view.getInt32(at + 8) === c &&
  m.view.getInt32(at + 12) === d

/** ff02::1:ffXX:XXXX, 2.7.1: the last 24 bits are the address's. */
export function putSolicitedNode(m: Arena, to: Address, address: Address): void {
  const low = m.view.getInt32(address + 12)
  putWords(m, to, 0xff020000, 0, 1, low | 0xff000000)
}

/** Writes an address as four words, the first 32 bits first. */
export function putWords(m: Arena, to: Address, a: number, b: number, c: number, d: number): void {
  m.view.setInt32(to, a)
  m.view.setInt32(to + 4, b)
  m.view.setInt32(to + 8, c)
  m.view.setInt32(to + 12, d)
}

/** All nodes and all routers of the link: the low word of ff02::/96. */
export const ALL_NODES = 1
export const ALL_ROUTERS = 2

/** Writes ff02::`group` to `to`, 16 bytes in network order. */
export const putLinkGroup = (m: Arena, to: Address, group: number): void =>
  putWords(m, to, 0xff020000, 0, 0, group)
