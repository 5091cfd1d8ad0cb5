/** Frames of numbered stations, for the bridge's tests. */
import { ARP_LENGTH, ARP_SENDER_IP, ARP_SENDER_MAC } from '../stack/wire/arp.ts'
import { ETH_HEADER, ETH_SOURCE, ETH_TYPE, ETHERTYPE_ARP } from '../stack/wire/ethernet.ts'

const ALL = Uint8Array.of(255, 255, 255, 255, 255, 255)

/** A vendor's address. */
export const station = (n: number): Uint8Array => Uint8Array.of(0x00, 0x16, 0x3e, 0, 0, n)

/** A frame of so many bytes, whatever is in it. */
export function udp(from: number, to: Uint8Array = ALL, length = 60): Uint8Array {
  const frame = new Uint8Array(length)
  frame.set(to)
  frame.set(station(from), ETH_SOURCE)
  frame.set([0x08, 0x00], ETH_TYPE)
  return frame
}

/** ARP of a station which says that this is its address. `sender`: what it says its MAC is. */
export function arp(from: number, address: string, sender = station(from)): Uint8Array {
  const frame = udp(from, ALL, ETH_HEADER + ARP_LENGTH)
  new DataView(frame.buffer).setUint16(ETH_TYPE, ETHERTYPE_ARP)
  frame.set(sender, ETH_HEADER + ARP_SENDER_MAC)
  frame.set(address.split('.').map(Number), ETH_HEADER + ARP_SENDER_IP)
  return frame
}
