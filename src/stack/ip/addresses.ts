/** IPv4 addresses as text, and the classes that a host must know. */
import type { Ipv4 } from '../stack.ts'

/** 'a.b.c.d' as a number; undefined when it is not four decimal octets. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  let address = 0
  for (const octet of match.slice(1)) {
    const value = Number(octet)
    if (value > 255) return undefined
    address = address * 256 + value
  }
  return address
}

/** 0x0a000001, signed or not, as '10.0.0.1'. */
export const formatIpv4 = (address: number): string =>
  `${(address >>> 24) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`

/** How many bits a mask has. */
export const lengthOf = (mask: number): number => Math.clz32(~mask)

/** The mask of a prefix of 0 … 32 bits, signed. */
export const maskOf = (prefixLength: number): number => (prefixLength === 0 ? 0 : -1 << (32 - prefixLength))
