/**
 * Services: parts of the stack itself that speak UDP, so that a host has an address and names before any of its
 * programs runs: DHCP, DNS, mDNS. The rest of the stack knows them by this interface alone.
 */
import { type Core, count } from '../core.ts'
import type { Drop } from '../drop.ts'
import { EMSGSIZE, type Errno } from '../errno.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { payloadAt, type Sending, sendDatagram } from '../ip/datagram.ts'
import { type Address, freePage, type Page } from '../memory/arena.ts'
import { MTU } from '../memory/layout.ts'
import { udpOutDatagrams } from '../mib.ts'
import type { StackConfig } from '../stack.ts'
import { IP_HEADER, PROTOCOL_UDP } from '../wire/ipv4.ts'
import { UDP_HEADER } from '../wire/udp.ts'
import { putUdpHeader } from './udp.ts'

/** What such a part answers to; each has those of the optional ones that its protocol needs. */
export interface Service {
  /** A host begins. Throws RangeError when memory is too small for what is configured. */
  start?(s: Core, config: StackConfig): void
  /** Whether datagrams to this port are the service's; no program can have it. */
  owns(s: Core, port: number): boolean
  /** A UDP datagram of `length` bytes, checked, at `at` inside the IPv4 datagram at `ip`. */
  input(s: Core, ip: Address, at: Address, length: number): Drop
  /** A timed record's time has come; of any kind: the service knows its own. */
  expired?(s: Core, record: Address, kind: number): void
  /** The host has another address than before, or none. */
  addressChanged?(s: Core): void
  /** The host has another IPv6 address, or one less. */
  addresses6Changed?(s: Core): void
  /** Another station has the address that is being tested or in use. True: the service sees to it. */
  conflict?(s: Core, address: number): boolean
  /** An ARP packet told who has an address. */
  addressSeen?(s: Core, address: number, macHigh: number, macLow: number): void
  /** The owner gives the host an address: what a service got is no more wanted. */
  addressGiven?(s: Core): void
  /** The link came up, or is another than before. */
  linkUp?(s: Core): void
  /** The host is about to go. */
  leave?(s: Core): void
}

/** The service whose port this is, if any. */
export function serviceAt(s: Core, port: number): Service | undefined {
  for (const service of s.services) if (service.owns(s, port)) return service
  return undefined
}

/** A page for a message, 0 when memory is full. */
export const takeMessage = (s: Core): Page => takeFrame(s, true)

/** Where the message in a page begins. */
export const messageAt = (page: Page): Address => payloadAt(page) + UDP_HEADER

/** The longest message that the link carries whole. */
export const messageMax = (s: Core): number => s.m.get16(MTU) - IP_HEADER - UDP_HEADER

/** Sends a message of `length` bytes by link 0 and gives its page away. */
export function sendMessage(
  s: Core,
  page: Page,
  length: number,
  from: number,
  fromPort: number,
  to: number,
  toPort: number,
  sending?: Sending,
): 0 | Errno {
  if (length > messageMax(s)) {
    freePage(s.m, page)
    return EMSGSIZE
  }
  const size = UDP_HEADER + length
  putUdpHeader(s, page, fromPort, from, to, toPort, size)
  count(s, udpOutDatagrams)
  return sendDatagram(s, page, to, PROTOCOL_UDP, size, from, sending)
}
