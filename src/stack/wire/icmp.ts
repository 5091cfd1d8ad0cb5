/** ICMP, RFC 792: type, code, checksum, then four bytes whose meaning the type gives, then data. */
import type { Layer } from './dissect.ts'
import { checksumFault, count, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes; ID and SEQUENCE are those of echo and timestamp messages. */
export const ICMP_TYPE = 0
export const ICMP_CODE = 1
export const ICMP_CHECKSUM = 2
export const ICMP_ID = 4
export const ICMP_SEQUENCE = 6
/** RFC 1191, 4: the next hop's MTU in a "fragmentation needed" message. */
export const ICMP_NEXT_HOP_MTU = 6
export const ICMP_HEADER = 8

/** Types, RFC 792. */
export const ICMP_ECHO_REPLY = 0
export const ICMP_UNREACHABLE = 3
export const ICMP_SOURCE_QUENCH = 4
export const ICMP_REDIRECT = 5
export const ICMP_ECHO_REQUEST = 8
export const ICMP_TIME_EXCEEDED = 11
export const ICMP_PARAMETER_PROBLEM = 12
export const ICMP_TIMESTAMP_REQUEST = 13
export const ICMP_TIMESTAMP_REPLY = 14

/** Timestamps behind the sender's own: when the request came, when the reply left; and the message's length. */
export const ICMP_RECEIVED_AT = 12
export const ICMP_SENT_AT = 16
export const ICMP_TIMESTAMP_LENGTH = 20

/** Codes of "destination unreachable", RFC 792 and RFC 1122, 3.2.2.1. */
export const UNREACHABLE_NET = 0
export const UNREACHABLE_HOST = 1
export const UNREACHABLE_PROTOCOL = 2
export const UNREACHABLE_PORT = 3
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4

/** Codes of "time exceeded", RFC 792: "time to live exceeded in transit", "fragment reassembly time exceeded". */
export const TIME_EXCEEDED_TRANSIT = 0
export const TIME_EXCEEDED_REASSEMBLY = 1
/** Code of "redirect", RFC 792: "for the host". */
export const REDIRECT_HOST = 1

/** Whether a message of this type is an error, about which no error may be sent (RFC 1122, 3.2.2). */
export const icmpIsError = (type: number): boolean =>
  (type >= ICMP_UNREACHABLE && type <= ICMP_REDIRECT) ||
  type === ICMP_TIME_EXCEEDED ||
  type === ICMP_PARAMETER_PROBLEM

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [ICMP_ECHO_REPLY]: 'Echo reply',
  [ICMP_UNREACHABLE]: 'Destination unreachable',
  [ICMP_ECHO_REQUEST]: 'Echo request',
  [ICMP_TIME_EXCEEDED]: 'Time exceeded',
  [ICMP_PARAMETER_PROBLEM]: 'Parameter problem',
  [ICMP_SOURCE_QUENCH]: 'Source quench',
  [ICMP_REDIRECT]: 'Redirect',
  [ICMP_TIMESTAMP_REQUEST]: 'Timestamp request',
  [ICMP_TIMESTAMP_REPLY]: 'Timestamp reply',
}

const UNREACHABLE_NAMES: Readonly<Record<number, string>> = {
  [UNREACHABLE_NET]: 'network',
  [UNREACHABLE_HOST]: 'host',
  [UNREACHABLE_PROTOCOL]: 'protocol',
  [UNREACHABLE_PORT]: 'port',
  [UNREACHABLE_FRAGMENTATION_NEEDED]: 'fragmentation needed',
}

const isEcho = (type: number): boolean => type === ICMP_ECHO_REQUEST || type === ICMP_ECHO_REPLY

/** Whether the message quotes the datagram that caused it (RFC 792; RFC 1122, 3.2.2). */
export const icmpQuotes = icmpIsError

/** One line about the message; 'Truncated: …' when it ends at `end` before its header does. */
export function icmpSummary(view: DataView, at: number, end: number): string {
  if (end - at < ICMP_HEADER) return `Truncated: ${count(Math.max(0, end - at), 'byte')}, an ICMP header is 8`
  const type = view.getUint8(at + ICMP_TYPE)
  const code = view.getUint8(at + ICMP_CODE)
  const name = TYPE_NAMES[type] ?? `Type ${type}`
  if (isEcho(type))
    return `${name} id=${hex(view.getUint16(at + ICMP_ID), 4)} seq=${view.getUint16(at + ICMP_SEQUENCE)}`
  if (type === ICMP_UNREACHABLE) return `${name}: ${UNREACHABLE_NAMES[code] ?? `code ${code}`}`
  return `${name} code ${code}`
}

/** The readable form. `checked` is false for a message that is quoted in part. */
export function describeIcmp(view: DataView, at: number, end: number, checked = true): Layer {
  const reading = new Reading(view, at, end)
  const type = reading.has(ICMP_TYPE, 1) ? view.getUint8(at) : -1
  reading.field(
    'Type',
    ICMP_TYPE,
    1,
    'What kind of message this is.',
    () => `${TYPE_NAMES[type] ?? 'unknown'} (${type})`,
  )
  reading.field('Code', ICMP_CODE, 1, 'The kind, more closely.', i => {
    const code = view.getUint8(i)
    return type === ICMP_UNREACHABLE ? `${UNREACHABLE_NAMES[code] ?? 'unknown'} (${code})` : String(code)
  })
  reading.field(
    'Checksum',
    ICMP_CHECKSUM,
    2,
    'Covers the whole message.',
    i => hex(view.getUint16(i), 4),
    i => (checked ? checksumFault(view.getUint16(i), onesComplementSum(view, at, reading.end)) : undefined),
  )
  if (isEcho(type)) {
    reading.field('Identifier', ICMP_ID, 2, 'Tells one pinging program from another.', i =>
      hex(view.getUint16(i), 4),
    )
    reading.field('Sequence number', ICMP_SEQUENCE, 2, 'Which ping of the row; the reply repeats it.', i =>
      String(view.getUint16(i)),
    )
  } else if (type === ICMP_UNREACHABLE) {
    reading.field(
      'Next-hop MTU',
      ICMP_NEXT_HOP_MTU,
      2,
      'When a datagram was too large: what would have fitted.',
      i => String(view.getUint16(i)),
    )
  } else {
    reading.field('Rest of header', ICMP_ID, 4, 'Its meaning depends on the type.', i =>
      hex(view.getUint32(i), 8),
    )
  }
  return reading.done('Internet Control Message Protocol', 'RFC 792', ICMP_HEADER, icmpSummary(view, at, end))
}
