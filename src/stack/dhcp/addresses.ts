/** What a host may take for its address and mask, when somebody else says it. */
import { isLinkLocal, isLoopback, isMulticast } from '../wire/ipv4.ts'

/** Whether a host can have this address by DHCP: no network 0, loopback, link-local, multicast or reserved one. */
export const isUsable = (address: number): boolean =>
  address >>> 24 !== 0 &&
  !isLoopback(address) &&
  !isMulticast(address) &&
  !isLinkLocal(address) &&
  address >>> 28 !== 0xf

/** Ones, then zeroes; at least 8 ones. */
export const maskIsGood = (mask: number): boolean => mask >>> 24 === 0xff && ((~mask + 1) & ~mask) === 0

/** RFC 1122, 3.2.1.3: by the address's class, when nobody tells the mask. */
export const naturalMask = (address: number): number =>
  address >= 0 ? 0xff000000 | 0 : address >>> 30 === 2 ? 0xffff0000 | 0 : 0xffffff00 | 0
