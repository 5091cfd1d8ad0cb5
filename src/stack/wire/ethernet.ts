/** Ethernet II, RFC 894: destination, source, EtherType, payload. No trailer: the wire keeps frame lengths. */

export const ETH_DESTINATION = 0
export const ETH_SOURCE = 6
export const ETH_TYPE = 12
export const ETH_HEADER = 14

export const ETHERTYPE_IPV4 = 0x0800
export const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_LLDP = 0x88cc

/** A MAC address is kept as its upper 16 and its lower 32 bits. */
export const macHigh = (view: DataView, at: number): number => view.getUint16(at)
export const macLow = (view: DataView, at: number): number => view.getInt32(at + 2)

export function putMac(view: DataView, at: number, high: number, low: number): void {
  view.setUint16(at, high)
  view.setInt32(at + 2, low)
}
