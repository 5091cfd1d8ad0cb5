/** ICMPv6, RFC 4443: type, code, checksum, then what the type says. Neighbour discovery's messages stand in nd.ts. */
import type { Layer } from './dissect.ts'
import { address6At, NEXT_ICMP6, pseudoHeader6Sum } from './ipv6.ts'
import { describeNd, isNd, ndSummary } from './nd.ts'
import { checksumFault, count, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes, RFC 4443, 2.1; ID and SEQUENCE are those of echo messages (4.1, 4.2). */
export const ICMP6_TYPE = 0
export const ICMP6_CODE = 1
export const ICMP6_CHECKSUM = 2
export const ICMP6_ID = 4
export const ICMP6_SEQUENCE = 6
/** Packet too big: the next link's MTU. Parameter problem: where the fault stands. */
export const ICMP6_MTU = 4
export const ICMP6_POINTER = 4
export const ICMP6_HEADER = 8

/** RFC 4443, 2.1: types below 128 are errors. */
export const ICMP6_UNREACHABLE = 1
export const ICMP6_TOO_BIG = 2
export const ICMP6_TIME_EXCEEDED = 3
export const ICMP6_PARAMETER_PROBLEM = 4
export const ICMP6_ECHO_REQUEST = 128
export const ICMP6_ECHO_REPLY = 129

/** Codes of these errors, RFC 4443, 3.1, 3.3 and 3.4. */
export const UNREACHABLE6_PORT = 4
export const TIME_EXCEEDED6_REASSEMBLY = 1
export const PARAMETER_FIELD = 0
export const PARAMETER_NEXT_HEADER = 1
export const PARAMETER_OPTION = 2
/** RFC 7112, 5, by way of RFC 8200, 4.5. */
export const PARAMETER_INCOMPLETE_CHAIN = 3

/** MLD, RFC 2710, 3: a maximum response delay (ms) at 4, the group at 8. */
export const MLD_QUERY = 130
export const MLD_REPORT = 131
export const MLD_DONE = 132
export const MLD_DELAY = 4
export const MLD_GROUP = 8
export const MLD_LENGTH = 24

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [ICMP6_UNREACHABLE]: 'Destination unreachable',
  [ICMP6_TOO_BIG]: 'Packet too big',
  [ICMP6_TIME_EXCEEDED]: 'Time exceeded',
  [ICMP6_PARAMETER_PROBLEM]: 'Parameter problem',
  [ICMP6_ECHO_REQUEST]: 'Echo request',
  [ICMP6_ECHO_REPLY]: 'Echo reply',
  [MLD_QUERY]: 'Multicast listener query',
  [MLD_REPORT]: 'Multicast listener report',
  [MLD_DONE]: 'Multicast listener done',
  133: 'Router solicitation',
  134: 'Router advertisement',
  135: 'Neighbour solicitation',
  136: 'Neighbour advertisement',
  137: 'Redirect',
  143: 'Multicast listener report, version 2',
}

/** RFC 4443, 3: by type, by code. */
const CODE_NAMES: Readonly<Record<number, readonly string[]>> = {
  [ICMP6_UNREACHABLE]: [
    'no route',
    'prohibited',
    'beyond scope',
    'address',
    'port',
    'source refused',
    'route refused',
  ],
  [ICMP6_TIME_EXCEEDED]: ['hop limit', 'reassembly'],
  [ICMP6_PARAMETER_PROBLEM]: [
    'header field',
    'unknown next header',
    'unknown option',
    'incomplete header chain',
  ],
}

const isEcho = (type: number): boolean => type === ICMP6_ECHO_REQUEST || type === ICMP6_ECHO_REPLY
const isMld = (type: number): boolean => type >= MLD_QUERY && type <= MLD_DONE

/** Whether the message quotes the packet that caused it: all errors do (RFC 4443, 2.1). */
export const icmp6Quotes = (type: number): boolean => type < 128

/** One line about the message; 'Truncated: …' when it ends at `end` before its header does. */
export function icmp6Summary(view: DataView, at: number, end: number): string {
  if (end - at < 4)
    return `Truncated: ${count(Math.max(0, end - at), 'byte')}, an ICMPv6 header is at least 4`
  const type = view.getUint8(at + ICMP6_TYPE)
  const name = TYPE_NAMES[type] ?? `Type ${type}`
  if (isNd(type)) return ndSummary(view, at, end)
  if (isEcho(type) && end - at >= ICMP6_HEADER)
    return `${name} id=${hex(view.getUint16(at + ICMP6_ID), 4)} seq=${view.getUint16(at + ICMP6_SEQUENCE)}`
  if (type === ICMP6_TOO_BIG && end - at >= ICMP6_HEADER)
    return `${name}: MTU ${view.getUint32(at + ICMP6_MTU)}`
  if (isMld(type) && end - at >= MLD_LENGTH) return `${name} ${address6At(view, at + MLD_GROUP)}`
  const code = view.getUint8(at + ICMP6_CODE)
  return type < 128 ? `${name}: ${CODE_NAMES[type]?.[code] ?? `code ${code}`}` : name
}

/** The readable form. `ipAt` is where the IPv6 header begins; undefined leaves the checksum unchecked (a quotation). */
export function describeIcmp6(view: DataView, at: number, end: number, ipAt: number | undefined): Layer {
  const reading = new Reading(view, at, end)
  const type = reading.has(ICMP6_TYPE, 1) ? view.getUint8(at) : -1
  reading.field(
    'Type',
    ICMP6_TYPE,
    1,
    'What kind of message this is; below 128 it is an error.',
    () => `${TYPE_NAMES[type] ?? 'unknown'} (${type})`,
  )
  reading.field('Code', ICMP6_CODE, 1, 'The kind, more closely.', i => {
    const code = view.getUint8(i)
    const name = CODE_NAMES[type]?.[code]
    return name === undefined ? String(code) : `${name} (${code})`
  })
  reading.field(
    'Checksum',
    ICMP6_CHECKSUM,
    2,
    'Covers a pseudo-header of the IPv6 addresses and the whole message.',
    i => hex(view.getUint16(i), 4),
    i => {
      if (ipAt === undefined) return undefined
      const seed = pseudoHeader6Sum(view, ipAt, NEXT_ICMP6, reading.end - at)
      return checksumFault(view.getUint16(i), onesComplementSum(view, at, reading.end, seed))
    },
  )
  const length = isNd(type) ? describeNd(reading, type) : describeRest(reading, type)
  const source = isNd(type) ? 'RFC 4861, 4' : isMld(type) ? 'RFC 2710, 3' : 'RFC 4443'
  return reading.done(
    'Internet Control Message Protocol version 6',
    source,
    length,
    icmp6Summary(view, at, end),
  )
}

/** What stands behind type, code and checksum; how long the header is with it. */
function describeRest(reading: Reading, type: number): number {
  const { view } = reading
  if (isEcho(type)) {
    reading.field('Identifier', ICMP6_ID, 2, 'Tells one pinging program from another.', i =>
      hex(view.getUint16(i), 4),
    )
    reading.field('Sequence number', ICMP6_SEQUENCE, 2, 'Which ping of the row; the reply repeats it.', i =>
      String(view.getUint16(i)),
    )
  } else if (type === ICMP6_TOO_BIG) {
    reading.field(
      'MTU',
      ICMP6_MTU,
      4,
      'The largest packet that the next link carries; the sender should make them no larger.',
      i => count(view.getUint32(i), 'byte'),
      i =>
        view.getUint32(i) < 1280 ? 'No IPv6 link carries less than 1,280; hosts ignore this.' : undefined,
    )
  } else if (type === ICMP6_PARAMETER_PROBLEM) {
    reading.field(
      'Pointer',
      ICMP6_POINTER,
      4,
      'Where in the quoted packet the fault stands.',
      i => `byte ${view.getUint32(i)}`,
    )
  } else if (isMld(type)) {
    reading.field(
      'Maximum response delay',
      MLD_DELAY,
      2,
      'Queries only: by when a report must come.',
      i => `${view.getUint16(i)} ms`,
    )
    reading.field('Group', MLD_GROUP, 16, 'Which group is meant; in a query :: stands for all.', i =>
      address6At(view, i),
    )
    return MLD_LENGTH
  } else {
    reading.field('Rest of header', ICMP6_ID, 4, 'Its meaning depends on the type.', i =>
      hex(view.getUint32(i), 8),
    )
  }
  return ICMP6_HEADER
}
