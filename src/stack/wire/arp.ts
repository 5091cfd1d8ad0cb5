/** ARP for IPv4 over Ethernet, RFC 826: 28 bytes behind the Ethernet header. */
import type { Layer } from './dissect.ts'
import { ETHERTYPE_IPV4 } from './ethernet.ts'
import { addressAt, count, hex, macAt, Reading } from './readable.ts'

/** Offsets in bytes. Addresses are in network order: 6 bytes of Ethernet, 4 of IPv4. */
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

/** RFC 826, "ar$op". */
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

/**
 * What a station says of an address of its own (RFC 5227, 1.1): a probe asks whether it is free, so it names no
 * sender address yet; an announcement names it as both sender and target. Undefined for everything else.
 */
export function claimOf(view: DataView, at: number, end: number): 'probe' | 'announcement' | undefined {
  if (end - at < ARP_LENGTH || view.getUint16(at + ARP_OPERATION) !== ARP_REQUEST) return undefined
  const sender = view.getUint32(at + ARP_SENDER_IP)
  if (sender === 0) return 'probe'
  return sender === view.getUint32(at + ARP_TARGET_IP) ? 'announcement' : undefined
}

/** One line about the packet; 'Truncated: …' when it ends at `end` before its 28 bytes do. */
export function arpSummary(view: DataView, at: number, end: number): string {
  if (end - at < ARP_LENGTH) return `Truncated: ${count(Math.max(0, end - at), 'byte')}, ARP is 28`
  const sender = addressAt(view, at + ARP_SENDER_IP)
  const target = addressAt(view, at + ARP_TARGET_IP)
  const operation = view.getUint16(at + ARP_OPERATION)
  const claim = claimOf(view, at, end)
  if (claim === 'probe') return `Who has ${target}? (probe)`
  if (claim === 'announcement') return `Announcement: ${sender} is mine`
  if (operation === ARP_REQUEST) return `Who has ${target}? Tell ${sender}`
  if (operation === ARP_REPLY) return `${sender} is at ${macAt(view, at + ARP_SENDER_MAC)}`
  return `Unknown operation ${operation}`
}

const should = (is: number, must: number, what: string): string | undefined =>
  is === must ? undefined : `It should be ${must}, ${what}.`

/** The readable form. */
export function describeArp(view: DataView, at: number, end: number): Layer {
  const reading = new Reading(view, at, end)
  reading.field(
    'Hardware type',
    ARP_HARDWARE,
    2,
    'Which kind of link the hardware addresses belong to.',
    i => (view.getUint16(i) === ARP_ETHERNET ? 'Ethernet (1)' : String(view.getUint16(i))),
    i => should(view.getUint16(i), ARP_ETHERNET, 'Ethernet'),
  )
  reading.field(
    'Protocol type',
    ARP_PROTOCOL,
    2,
    'Which protocol’s addresses are being resolved.',
    i => (view.getUint16(i) === ETHERTYPE_IPV4 ? 'IPv4 (0x0800)' : hex(view.getUint16(i), 4)),
    i => (view.getUint16(i) === ETHERTYPE_IPV4 ? undefined : 'It should be 0x0800, IPv4.'),
  )
  reading.field(
    'Hardware length',
    ARP_HARDWARE_LENGTH,
    1,
    'Bytes in a hardware address.',
    i => String(view.getUint8(i)),
    i => should(view.getUint8(i), 6, 'the length of a MAC address'),
  )
  reading.field(
    'Protocol length',
    ARP_PROTOCOL_LENGTH,
    1,
    'Bytes in a protocol address.',
    i => String(view.getUint8(i)),
    i => should(view.getUint8(i), 4, 'the length of an IPv4 address'),
  )
  describeArpQuestion(reading)
  return reading.done('Address Resolution Protocol', 'RFC 826', ARP_LENGTH, arpSummary(view, at, end))
}

function describeArpQuestion(reading: Reading): void {
  const { view } = reading
  reading.field(
    'Operation',
    ARP_OPERATION,
    2,
    'A request asks the whole segment; a reply answers the one who asked.',
    i => ['request (1)', 'reply (2)'][view.getUint16(i) - 1] ?? String(view.getUint16(i)),
    i =>
      [ARP_REQUEST, ARP_REPLY].includes(view.getUint16(i))
        ? undefined
        : 'It should be 1, request, or 2, reply.',
  )
  const mac = (i: number): string => macAt(view, i)
  const ip = (i: number): string => addressAt(view, i)
  reading.field('Sender MAC', ARP_SENDER_MAC, 6, 'Who speaks. Whoever hears it may note the pair.', mac)
  reading.field('Sender IP', ARP_SENDER_IP, 4, 'The speaker’s address; 0.0.0.0 while it only probes.', ip)
  reading.field(
    'Target MAC',
    ARP_TARGET_MAC,
    6,
    'In a request this is what is asked for, so it is empty.',
    mac,
  )
  reading.field('Target IP', ARP_TARGET_IP, 4, 'The address whose owner should answer.', ip)
}
