/** The register of protocols: a new one is a file beside this one, its packet in `Packet`, and itself in `PROTOCOLS`. */
import { type ArpPacket, arp } from './arp.ts'
import { type DhcpPacket, dhcp } from './dhcp.ts'
import { type DnsPacketOf, dns, mdns } from './dns.ts'
import { type FragmentPacket, fragment } from './fragment.ts'
import { type IcmpPacket, icmp } from './icmp.ts'
import { type Icmp6Packet, icmp6 } from './icmp6.ts'
import { type IgmpPacket, igmp } from './igmp.ts'
import { type IpPacket, ip } from './ip.ts'
import { type MldPacket, mld } from './mld.ts'
import { type NdPacket, nd } from './nd.ts'
import type { Protocol } from './protocol.ts'
import { type RawPacket, raw } from './raw.ts'
import { type TcpPacket, tcp } from './tcp.ts'
import { type UdpPacket, udp } from './udp.ts'

export type Packet =
  | TcpPacket
  | UdpPacket
  | IcmpPacket
  | IgmpPacket
  | Icmp6Packet
  | NdPacket
  | MldPacket
  | ArpPacket
  | DhcpPacket
  | DnsPacketOf<'dns'>
  | DnsPacketOf<'mdns'>
  | IpPacket
  | FragmentPacket
  | RawPacket

/** By the word that begins their packets; TCP's begin with their flags. */
export const PROTOCOLS: { readonly [K in Packet['kind']]: Protocol<Extract<Packet, { kind: K }>> } = {
  tcp,
  dhcp,
  dns,
  mdns,
  udp,
  icmp,
  igmp,
  nd,
  mld,
  icmp6,
  arp,
  ip,
  fragment,
  raw,
}

/** A packet's own protocol: its kind says that the two belong together. */
export const protocolOf = (packet: Packet): Protocol<Packet> => PROTOCOLS[packet.kind] as Protocol<Packet>

/** Who reads these bytes under that number. */
export const readerOf = (
  carrier: 'etherType' | 'ipv4' | 'ipv6',
  number: number,
  bytes: readonly number[],
): Protocol<Packet> | undefined =>
  (Object.values(PROTOCOLS) as Protocol<Packet>[]).find(
    protocol => protocol[carrier] === number && (protocol.reads?.(bytes) ?? true),
  )

/** What a protocol is called in the notation, by IP's number for it. */
export const nameOf = (carrier: 'ipv4' | 'ipv6', number: number): string =>
  Object.entries(PROTOCOLS).find(([, one]) => one[carrier] === number && !('reads' in one))?.[0] ??
  String(number)
