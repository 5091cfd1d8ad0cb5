/** The UDP header, RFC 768. */
import type { Layer } from './dissect.ts'
import { PROTOCOL_UDP, pseudoHeaderSum } from './ipv4.ts'
import { checksumFault, count, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes. The length counts the header, too; a checksum of 0 is none. */
export const UDP_SOURCE_PORT = 0
export const UDP_DESTINATION_PORT = 2
export const UDP_LENGTH = 4
export const UDP_CHECKSUM = 6
export const UDP_HEADER = 8

/** One line about the datagram; 'Truncated: …' when it ends at `end` before its header does. */
export function udpSummary(view: DataView, at: number, end: number): string {
  if (end - at < UDP_HEADER) return `Truncated: ${count(Math.max(0, end - at), 'byte')}, a UDP header is 8`
  const length = view.getUint16(at + UDP_LENGTH)
  return `${view.getUint16(at + UDP_SOURCE_PORT)} → ${view.getUint16(at + UDP_DESTINATION_PORT)} Len=${Math.max(0, length - UDP_HEADER)}`
}

/** The readable form. `ipAt` is where the IP header begins; undefined leaves the checksum unchecked (a quotation). */
export function describeUdp(view: DataView, at: number, end: number, ipAt: number | undefined): Layer {
  const reading = new Reading(view, at, end)
  const port = (i: number): string => String(view.getUint16(i))
  reading.field('Source port', UDP_SOURCE_PORT, 2, 'The program that sent it; 0 if it wants no answer.', port)
  reading.field('Destination port', UDP_DESTINATION_PORT, 2, 'The program that should get it.', port)
  reading.field(
    'Length',
    UDP_LENGTH,
    2,
    'Header and data together.',
    i => count(view.getUint16(i), 'byte'),
    i => {
      const length = view.getUint16(i)
      if (length < UDP_HEADER) return 'It should be at least 8, the header itself.'
      const there = reading.end - at
      return length > there && ipAt !== undefined ? `Only ${count(there, 'byte')} are there.` : undefined
    },
  )
  reading.field(
    'Checksum',
    UDP_CHECKSUM,
    2,
    'Covers a pseudo-header, header and data; 0 says that the sender made none.',
    i => (view.getUint16(i) === 0 ? 'none' : hex(view.getUint16(i), 4)),
    i => (ipAt === undefined ? undefined : udpChecksumFault(view, at, reading.end, ipAt, view.getUint16(i))),
  )
  return reading.done('User Datagram Protocol', 'RFC 768', UDP_HEADER, udpSummary(view, at, end))
}

function udpChecksumFault(view: DataView, at: number, end: number, ipAt: number, found: number) {
  const length = view.getUint16(at + UDP_LENGTH)
  if (found === 0 || length < UDP_HEADER || at + length > end) return undefined
  const seed = pseudoHeaderSum(view, ipAt, PROTOCOL_UDP, length)
  return checksumFault(found, onesComplementSum(view, at, at + length, seed))
}
