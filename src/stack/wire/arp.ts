/** ARP for IPv4 over Ethernet, RFC 826: 28 bytes behind the Ethernet header. */
import { ETHERTYPE_IPV4 } from './ethernet.ts'

export const ARP_HARDWARE = 0
export const ARP_PROTOCOL = 2
export const ARP_HARDWARE_LENGTH = 4
export const ARP_PROTOCOL_LENGTH = 5
export const ARP_OPERATION = 6
export const ARP_SENDER_MAC = 8
export const ARP_SENDER_IP = 14
export const ARP_TARGET_MAC = 18
export const ARP_TARGET_IP = 24
export const ARP_LENGTH = 28

export const ARP_REQUEST = 1
export const ARP_REPLY = 2
/** RFC 826, "ar$hrd": 1 is Ethernet. */
export const ARP_ETHERNET = 1

/** Whether `length` bytes at `at` are an ARP packet for IPv4 over Ethernet. */
export const arpIsValid = (view: DataView, at: number, length: number): boolean =>
  length >= ARP_LENGTH &&
  view.getUint16(at + ARP_HARDWARE) === ARP_ETHERNET &&
  view.getUint16(at + ARP_PROTOCOL) === ETHERTYPE_IPV4 &&
  view.getUint8(at + ARP_HARDWARE_LENGTH) === 6 &&
  view.getUint8(at + ARP_PROTOCOL_LENGTH) === 4 &&
  (view.getUint16(at + ARP_OPERATION) === ARP_REQUEST || view.getUint16(at + ARP_OPERATION) === ARP_REPLY)

/** Everything but the addresses, which the caller puts at their offsets. */
export function putArp(view: DataView, at: number, operation: number): void {
  view.setUint16(at + ARP_HARDWARE, ARP_ETHERNET)
  view.setUint16(at + ARP_PROTOCOL, ETHERTYPE_IPV4)
  view.setUint16(at + ARP_HARDWARE_LENGTH, 0x0604)
  view.setUint16(at + ARP_OPERATION, operation)
}
