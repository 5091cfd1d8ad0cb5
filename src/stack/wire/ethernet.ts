/** Ethernet II, RFC 894: destination, source, EtherType, payload. No trailer: the wire keeps frame lengths. */
import type { Layer } from './dissect.ts'
import { count, hex, macAt, Reading } from './readable.ts'

/** Offsets in bytes, and the length of the header. */
export const ETH_DESTINATION = 0
export const ETH_SOURCE = 6
export const ETH_TYPE = 12
export const ETH_HEADER = 14

/** The 16 bits at ETH_TYPE, in network order. IPv4 and ARP: RFC 894. */
export const ETHERTYPE_IPV4 = 0x0800
export const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_IPV6 = 0x86dd
export const ETHERTYPE_LLDP = 0x88cc

/** A MAC address is kept as its upper 16 and its lower 32 bits. */
export const macHigh = (view: DataView, at: number): number => view.getUint16(at)
/** The lower 32 bits, signed. */
export const macLow = (view: DataView, at: number): number => view.getInt32(at + 2)

/** Writes a MAC address of two parts in network order: 6 bytes. */
export function putMac(view: DataView, at: number, high: number, low: number): void {
  view.setUint16(at, high)
  view.setInt32(at + 2, low)
}

const ETHERTYPE_NAMES: Readonly<Record<number, string>> = {
  [ETHERTYPE_IPV4]: 'IPv4',
  [ETHERTYPE_ARP]: 'ARP',
  [ETHERTYPE_IPV6]: 'IPv6',
  [ETHERTYPE_LLDP]: 'LLDP',
}

/** The group bit is the lowest of the first octet: IEEE 802, 8.2.2. */
function macMeaning(view: DataView, at: number): string {
  const text = macAt(view, at)
  if (text === 'ff:ff:ff:ff:ff:ff') return `${text} (broadcast)`
  return view.getUint8(at) & 1 ? `${text} (group)` : text
}

/** The readable form. */
export function describeEthernet(view: DataView, at: number, end: number): Layer {
  const reading = new Reading(view, at, end)
  reading.field(
    'Destination',
    ETH_DESTINATION,
    6,
    'The station on the segment that should take this frame.',
    i => macMeaning(view, i),
  )
  reading.field(
    'Source',
    ETH_SOURCE,
    6,
    'The station that sent it. Switches learn from this field where a station is.',
    i => macAt(view, i),
    i =>
      view.getUint8(i) & 1 ? 'A group address cannot be a source; it should be one station’s.' : undefined,
  )
  reading.field(
    'Type',
    ETH_TYPE,
    2,
    'Which protocol the payload belongs to.',
    i => `${ETHERTYPE_NAMES[view.getUint16(i)] ?? 'unknown'} (${hex(view.getUint16(i), 4)})`,
    i =>
      view.getUint16(i) < 0x600
        ? 'Below 0x0600 this is a length (IEEE 802.3), not a type; no one here speaks that.'
        : undefined,
  )
  return reading.done('Ethernet II', 'RFC 894', ETH_HEADER, ethernetSummary(view, at, end))
}

/** One line about the frame; 'Truncated: …' when it ends at `end` before its header does. */
export function ethernetSummary(view: DataView, at: number, end: number): string {
  if (end - at < ETH_HEADER) return `Truncated: ${count(end - at, 'byte')}, a header is 14`
  return `${macAt(view, at + ETH_SOURCE)} → ${macAt(view, at + ETH_DESTINATION)} type ${hex(view.getUint16(at + ETH_TYPE), 4)}`
}
