/** The readable form of a frame: its headers, field by field, for traces, tests and the page. Never in a profile. */
import { ARP_LENGTH, arpSummary, describeArp } from './arp.ts'
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, describeDhcp, dhcpSummary } from './dhcp.ts'
import { DNS_PORT, MDNS_PORT } from './dns.ts'
import { describeDns, dnsSummary } from './dns-reading.ts'
import {
  describeEthernet,
  ETH_HEADER,
  ETH_TYPE,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_LLDP,
  ethernetSummary,
} from './ethernet.ts'
import { describeIcmp, ICMP_HEADER, icmpQuotes, icmpSummary } from './icmp.ts'
import { describeIgmp, IGMP_HEADER, igmpSummary } from './igmp.ts'
import {
  describeIpv4,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_HEADER,
  IP_MORE_FRAGMENTS,
  IP_PROTOCOL,
  IP_TOTAL_LENGTH,
  ipv4HeaderLength,
  ipv4Summary,
  PROTOCOL_ICMP,
  PROTOCOL_IGMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from './ipv4.ts'
import { readLldp } from './lldp.ts'
import { describeTcp, tcpSummary } from './tcp.ts'
import { describeUdp, UDP_DESTINATION_PORT, UDP_HEADER, UDP_SOURCE_PORT, udpSummary } from './udp.ts'

/** One field of a header: what it is called in its RFC, what it says, and which bytes say it. */
export interface Field {
  readonly name: string
  readonly value: string
  /** Bytes from the start of the frame. */
  readonly offset: number
  /** In bytes, at least 1; fields that share a byte (flags) name the same byte. */
  readonly length: number
  /** A sentence for a learner: what this field is for. */
  readonly note: string
  /** What is wrong with it, when it is: 'Checksum is 0x1234, should be 0x4321.' */
  readonly wrong?: string
}

/** One header. */
export interface Layer {
  /** 'Ethernet II', 'Address Resolution Protocol', 'Transmission Control Protocol', … */
  readonly name: string
  /** 'RFC 9293, 3.1'. */
  readonly source: string
  readonly offset: number
  readonly length: number
  readonly fields: readonly Field[]
  /** One line for a table's Info column. */
  readonly summary: string
}

/** The sequence numbers that count as 0 in each direction: what a learner reads beside the real ones. */
export interface Relative {
  readonly sequence: number
  readonly acknowledgment: number
  /** By how many bits the window is shifted, when both SYNs were seen to agree on it (RFC 7323, 2.2); 0 if absent. */
  readonly windowShift?: number
}

/** What a table says of a frame. */
export interface Summary {
  /** 'ARP', 'TCP', 'ICMP', 'IGMP', 'UDP', 'DHCP', 'DNS', 'mDNS', 'IPv4', 'LLDP' or 'Ethernet'. */
  readonly protocol: string
  readonly info: string
}

const viewOf = (frame: Uint8Array): DataView => new DataView(frame.buffer, frame.byteOffset, frame.byteLength)

/** Every header of a frame, outermost first, and last the data. Takes any bytes; never throws. */
export function dissect(frame: Uint8Array, relative?: Relative): readonly Layer[] {
  const view = viewOf(frame)
  const end = frame.length
  const layers = [describeEthernet(view, 0, end)]
  if (end < ETH_HEADER) return layers
  const type = view.getUint16(ETH_TYPE)
  if (type === ETHERTYPE_ARP) {
    layers.push(describeArp(view, ETH_HEADER, end))
    addRest(layers, view, ETH_HEADER + ARP_LENGTH, end, 'Padding')
  } else if (type === ETHERTYPE_IPV4) {
    addDatagram(layers, view, ETH_HEADER, end, relative, true)
  } else if (type === ETHERTYPE_LLDP) {
    if (end > ETH_HEADER) layers.push(readLldp(frame))
  } else {
    addRest(layers, view, ETH_HEADER, end, 'Data')
  }
  return layers
}

/** `whole` is false for a datagram quoted in an ICMP error, of which only the beginning is there. */
function addDatagram(
  layers: Layer[],
  view: DataView,
  at: number,
  end: number,
  relative: Relative | undefined,
  whole: boolean,
): void {
  layers.push(describeIpv4(view, at, end))
  const payload = ipv4Payload(view, at, end)
  if (payload === undefined) return
  const [from, to] = payload
  const ipAt = whole ? at : undefined
  const protocol = view.getUint8(at + IP_PROTOCOL)
  const fragment = view.getUint16(at + IP_FRAGMENT) & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)
  if (fragment) addRest(layers, view, from, to, 'Fragment')
  else if (protocol === PROTOCOL_TCP) {
    const layer = describeTcp(view, from, to, ipAt, relative)
    layers.push(layer)
    addRest(layers, view, from + layer.length, to, 'Data')
  } else if (protocol === PROTOCOL_UDP) {
    layers.push(describeUdp(view, from, to, ipAt))
    addMessage(layers, view, from, to)
  } else if (protocol === PROTOCOL_ICMP) {
    layers.push(describeIcmp(view, from, to, whole))
    const quotes = whole && from < to && icmpQuotes(view.getUint8(from))
    if (quotes && from + ICMP_HEADER < to) addDatagram(layers, view, from + ICMP_HEADER, to, undefined, false)
    else addRest(layers, view, from + ICMP_HEADER, to, 'Data')
  } else if (protocol === PROTOCOL_IGMP) {
    layers.push(describeIgmp(view, from, to, whole))
    addRest(layers, view, from + IGMP_HEADER, to, 'Data')
  } else addRest(layers, view, from, to, 'Data')
  if (whole) addRest(layers, view, to, end, 'Padding')
}

/** What a UDP datagram carries, by its ports. */
function addMessage(layers: Layer[], view: DataView, udp: number, to: number): void {
  const at = udp + UDP_HEADER
  if (at >= to) return
  const spoken = spokenOn(view, udp)
  if (spoken === undefined) return addRest(layers, view, at, to, 'Data')
  const layer = spoken === 'DHCP' ? describeDhcp(view, at, to) : describeDns(view, at, to, spoken === 'mDNS')
  layers.push(layer)
  addRest(layers, view, at + layer.length, to, 'Data')
}

/** Which protocol a UDP datagram's ports stand for. */
function spokenOn(view: DataView, udp: number): 'DHCP' | 'DNS' | 'mDNS' | undefined {
  const ports = [view.getUint16(udp + UDP_SOURCE_PORT), view.getUint16(udp + UDP_DESTINATION_PORT)]
  if (ports.every(port => port === DHCP_SERVER_PORT || port === DHCP_CLIENT_PORT)) return 'DHCP'
  if (ports.includes(MDNS_PORT)) return 'mDNS'
  return ports.includes(DNS_PORT) ? 'DNS' : undefined
}

/** Where an IPv4 payload begins and ends; undefined when the header cannot say. */
export function ipv4Payload(
  view: DataView,
  at: number,
  end: number,
): readonly [from: number, to: number] | undefined {
  if (end - at < IP_HEADER || view.getUint8(at) >>> 4 !== 4) return undefined
  const header = ipv4HeaderLength(view, at)
  const total = view.getUint16(at + IP_TOTAL_LENGTH)
  if (header < IP_HEADER || total < header || at + header > end) return undefined
  return [at + header, Math.min(at + total, end)]
}

const REST_NOTES = {
  Data: 'What the program said, as it stands in the stream.',
  Padding: 'Bytes that the link added; they belong to no protocol.',
  Fragment: 'A piece of a datagram; its header stands in the first piece.',
}

function addRest(
  layers: Layer[],
  view: DataView,
  from: number,
  to: number,
  name: keyof typeof REST_NOTES,
): void {
  if (from >= to) return
  const length = to - from
  const value = preview(view, from, to)
  const field = { name, value, offset: from, length, note: REST_NOTES[name] }
  layers.push({ name, source: '', offset: from, length, fields: [field], summary: value })
}

/** Text as text, with dots for what does not print; the first 64 characters. */
function preview(view: DataView, from: number, to: number): string {
  let text = ''
  for (let i = from; i < to && text.length < 64; i++) {
    const byte = view.getUint8(i)
    text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte === 10 ? '⏎' : '·'
  }
  return to - from > 64 ? `${text}…` : text
}

/** One line, without taking the frame apart field by field: for tables of many frames. Never throws. */
export function summarise(frame: Uint8Array, relative?: Relative): Summary {
  const view = viewOf(frame)
  const end = frame.length
  if (end < ETH_HEADER) return { protocol: 'Ethernet', info: ethernetSummary(view, 0, end) }
  const type = view.getUint16(ETH_TYPE)
  if (type === ETHERTYPE_ARP) return { protocol: 'ARP', info: arpSummary(view, ETH_HEADER, end) }
  if (type === ETHERTYPE_IPV4) return summariseDatagram(view, end, relative)
  if (type === ETHERTYPE_LLDP)
    return { protocol: 'LLDP', info: readLldp(frame).summary.replace(/^LLDP,? /, '') }
  return { protocol: 'Ethernet', info: ethernetSummary(view, 0, end) }
}

function summariseDatagram(view: DataView, end: number, relative: Relative | undefined): Summary {
  const at = ETH_HEADER
  const payload = ipv4Payload(view, at, end)
  const fragment = payload && view.getUint16(at + IP_FRAGMENT) & (IP_FRAGMENT_OFFSET | IP_MORE_FRAGMENTS)
  if (payload === undefined || fragment) return { protocol: 'IPv4', info: ipv4Summary(view, at, end) }
  const [from, to] = payload
  switch (view.getUint8(at + IP_PROTOCOL)) {
    case PROTOCOL_TCP:
      return { protocol: 'TCP', info: tcpSummary(view, from, to, relative) }
    case PROTOCOL_UDP:
      return summariseUdp(view, from, to)
    case PROTOCOL_ICMP:
      return { protocol: 'ICMP', info: icmpSummary(view, from, to) }
    case PROTOCOL_IGMP:
      return { protocol: 'IGMP', info: igmpSummary(view, from, to) }
    default:
      return { protocol: 'IPv4', info: ipv4Summary(view, at, end) }
  }
}

/** The ports, as UDP has them, and what is said. */
function summariseUdp(view: DataView, at: number, to: number): Summary {
  const spoken = to - at > UDP_HEADER ? spokenOn(view, at) : undefined
  if (spoken === undefined) return { protocol: 'UDP', info: udpSummary(view, at, to) }
  const message = at + UDP_HEADER
  const said = spoken === 'DHCP' ? dhcpSummary(view, message, to) : dnsSummary(view, message, to)
  const ports = `${view.getUint16(at + UDP_SOURCE_PORT)} → ${view.getUint16(at + UDP_DESTINATION_PORT)}`
  return { protocol: spoken, info: `${ports} ${said}` }
}
