/** Messages of multicast DNS: where they go, and the records of our own that stand in them. */
import type { Core } from '../core.ts'
import type { Address, Page } from '../memory/arena.ts'
import { ADDRESS, NOW_MS, RESPONDER } from '../memory/layout.ts'
import { messageAt, sendMessage } from '../udp/service.ts'
import * as dns from '../wire/dns.ts'
import { LAST_SENT, NAME, REVERSE } from './responder-record.ts'

/** 224.0.0.251. */
export const MDNS_GROUP = 0xe00000fb | 0
/** RFC 6762, 11: "SHOULD be sent with IP TTL set to 255". */
const SENDING = { ttl: 255, link: 0 }

/** RFC 6762, 10: records with a host's name in them live for two minutes. */
export const TTL = 120
/** RFC 6762, 6.7: what a legacy querier keeps, ten seconds. */
export const LEGACY_TTL = 10

/**
 * Our records, as bits: the IPv4 address, the name behind it, that there is nothing else (RFC 6762, 6.1), and the IPv6 addresses,
 * of which there may be many or none.
 */
export const HAS_A = 1
export const HAS_PTR = 2
export const HAS_NSEC = 4
export const HAS_AAAA = 8
export const ALL_RECORDS = [HAS_A, HAS_AAAA, HAS_PTR, HAS_NSEC]

/** Our IPv6 address behind `before`, 0 for the first; 0 when there are no more. */
export const next6 = (s: Core, before: number): number => s.features.ipv6?.nextOwn(s, before) ?? 0

/** Sends the message in a page that ends at `end`, to the link, or to one that asked for unicast. */
export function sendOnLink(
  s: Core,
  page: Page,
  end: Address,
  to: number = MDNS_GROUP,
  port = dns.MDNS_PORT,
): void {
  sendMessage(s, page, end - messageAt(page), s.m.get32(ADDRESS), dns.MDNS_PORT, to, port, SENDING)
}

/** When a record was last told to all, for the limit of one a second (RFC 6762, 6). */
export const lastSentAt = (s: Core, bit: number): Address =>
  s.m.get32(RESPONDER) + LAST_SENT + (31 - Math.clz32(bit)) * 4

/** Adds the records that `bits` name to the answers, or to another section; returns where the next goes. */
export function putRecords(
  s: Core,
  message: Address,
  to: Address,
  bits: number,
  section: number,
  dnsClass: number,
  ttl: number,
): Address {
  let end = to
  for (const bit of ALL_RECORDS) {
    if ((bits & bit) === 0) continue
    if (bit === HAS_AAAA) {
      for (let own = next6(s, 0); own !== 0; own = next6(s, own))
        end = putRecord(s, message, end, bit, section, dnsClass, ttl, own)
    } else {
      end = putRecord(s, message, end, bit, section, dnsClass, ttl)
    }
  }
  return end
}

function putRecord(
  s: Core,
  message: Address,
  to: Address,
  bit: number,
  section: number,
  dnsClass: number,
  ttl: number,
  address6 = 0,
): Address {
  const { view, bytes } = s.m
  const responder = s.m.get32(RESPONDER)
  const name = responder + NAME
  const owner = bit === HAS_PTR ? responder + REVERSE : name
  const type = typeOf(bit)
  const data = dns.beginRecord(view, message, to, bytes, owner, type, dnsClass, ttl)
  let end = data
  if (bit === HAS_A) {
    view.setInt32(end, s.m.get32(ADDRESS))
    end += 4
  } else if (bit === HAS_AAAA) {
    bytes.copyWithin(end, address6, address6 + 16)
    end += 16
  } else {
    // The name is in the message's own place first, so that it can be pointed to.
    end = dns.putName(view, message, end, bytes, name)
    if (bit === HAS_NSEC) end = putTypes(s, end)
  }
  return dns.endRecord(view, message, section, data, end)
}

const typeOf = (bit: number): number =>
  bit === HAS_A
    ? dns.TYPE_A
    : bit === HAS_AAAA
      ? dns.TYPE_AAAA
      : bit === HAS_PTR
        ? dns.TYPE_PTR
        : dns.TYPE_NSEC

/** RFC 6762, 6.1: window 0 and its bitmap: type 1, A, and type 28, AAAA, if we have such an address, are all there is. */
function putTypes(s: Core, at: Address): Address {
  const { view } = s.m
  const has6 = next6(s, 0) !== 0
  view.setUint16(at, has6 ? 4 : 1)
  view.setUint8(at + 2, 0x40)
  if (!has6) return at + 3
  view.setUint16(at + 3, 0)
  view.setUint8(at + 5, 0x08)
  return at + 6
}

/** Notes that these records are told to all now. */
export function noteSent(s: Core, bits: number): void {
  for (const bit of ALL_RECORDS) if ((bits & bit) !== 0) s.m.put32(lastSentAt(s, bit), s.m.get32(NOW_MS))
}
