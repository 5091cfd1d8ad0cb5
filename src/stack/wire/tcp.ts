/** The TCP header, RFC 9293, 3.1. */
import type { Layer, Relative } from './dissect.ts'
import { PROTOCOL_TCP, pseudoHeaderSum } from './ipv4.ts'
import { checksumFault, count, grouped, hex, onesComplementSum, Reading } from './readable.ts'

/** Offsets in bytes, and the length of a header without options; fields are in network order. */
export const TCP_SOURCE_PORT = 0
export const TCP_DESTINATION_PORT = 2
export const TCP_SEQUENCE = 4
export const TCP_ACKNOWLEDGMENT = 8
export const TCP_DATA_OFFSET = 12
export const TCP_FLAGS = 13
export const TCP_WINDOW = 14
export const TCP_CHECKSUM = 16
export const TCP_URGENT_POINTER = 18
export const TCP_HEADER = 20
/** Fifteen words: the data offset has four bits. */
export const TCP_HEADER_MAX = 60

/** Bits of TCP_FLAGS, the control bits. */
export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10
export const URG = 0x20
export const ECE = 0x40
export const CWR = 0x80

/** Option kinds, RFC 9293, 3.2. */
export const OPTION_END = 0
export const OPTION_NOP = 1
export const OPTION_MSS = 2
export const OPTION_MSS_LENGTH = 4
export const OPTION_WINDOW_SCALE = 3
export const OPTION_SACK_PERMITTED = 4
export const OPTION_SACK = 5
export const OPTION_TIMESTAMPS = 8
export const OPTION_FAST_OPEN = 34

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR']
/** As people say them: 'SYN, ACK', 'PSH, ACK'. */
const FLAG_ORDER = [1, 0, 2, 3, 5, 6, 7, 4]

/** 'SYN, ACK' for 0x12; 'none' for 0. */
export const flagNames = (flags: number): string =>
  FLAG_ORDER.filter(bit => flags & (1 << bit))
    .map(bit => FLAG_NAMES[bit])
    .join(', ') || 'none'

/** The fixed part of a header of `length` bytes, its checksum left 0; what is not said in it is 0. */
export function putTcp(
  view: DataView,
  at: number,
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgment: number,
  length: number,
  flags: number,
  window: number,
): void {
  view.setUint16(at + TCP_SOURCE_PORT, sourcePort)
  view.setUint16(at + TCP_DESTINATION_PORT, destinationPort)
  view.setInt32(at + TCP_SEQUENCE, sequence)
  view.setInt32(at + TCP_ACKNOWLEDGMENT, acknowledgment)
  view.setUint8(at + TCP_DATA_OFFSET, (length >> 2) << 4)
  view.setUint8(at + TCP_FLAGS, flags)
  view.setUint16(at + TCP_WINDOW, window)
  view.setUint16(at + TCP_CHECKSUM, 0)
  view.setUint16(at + TCP_URGENT_POINTER, 0)
}

/** The header's own length in bytes, as it claims. */
export const tcpHeaderLength = (view: DataView, at: number): number =>
  (view.getUint8(at + TCP_DATA_OFFSET) >>> 4) * 4

/** Where the option of this kind and length begins, if the options hold one. */
function findOption(
  view: DataView,
  at: number,
  end: number,
  kind: number,
  length: number,
): number | undefined {
  const limit = Math.min(at + tcpHeaderLength(view, at), end)
  for (let i = at + TCP_HEADER; i < limit; ) {
    const found = view.getUint8(i)
    if (found === OPTION_END) return undefined
    if (found === OPTION_NOP) {
      i++
      continue
    }
    const claimed = i + 1 < limit ? view.getUint8(i + 1) : 0
    if (claimed < 2 || i + claimed > limit) return undefined
    if (found === kind && claimed === length) return i
    i += claimed
  }
  return undefined
}

/** The MSS option's value, if the options hold one. */
export function mssOption(view: DataView, at: number, end: number): number | undefined {
  const option = findOption(view, at, end, OPTION_MSS, OPTION_MSS_LENGTH)
  return option === undefined ? undefined : view.getUint16(option + 2)
}

/** The window scale option's shift, if the options hold one. RFC 7323, 2.3: more than 14 counts as 14. */
export function windowScaleOption(view: DataView, at: number, end: number): number | undefined {
  const option = findOption(view, at, end, OPTION_WINDOW_SCALE, 3)
  return option === undefined ? undefined : Math.min(14, view.getUint8(option + 2))
}

/** 'SYN Seq=0 MSS=1460': the flags, and the numbers that matter with them. */
export function tcpBrief(view: DataView, at: number, end: number, relative?: Relative): string {
  const flags = view.getUint8(at + TCP_FLAGS)
  const sequence = (view.getUint32(at + TCP_SEQUENCE) - (relative?.sequence ?? 0)) >>> 0
  const acknowledgment = (view.getUint32(at + TCP_ACKNOWLEDGMENT) - (relative?.acknowledgment ?? 0)) >>> 0
  const length = Math.max(0, end - at - tcpHeaderLength(view, at))
  const mss = flags & SYN ? mssOption(view, at, end) : undefined
  return [
    flagNames(flags),
    `Seq=${sequence}`,
    flags & ACK ? `Ack=${acknowledgment}` : '',
    length ? `Len=${length}` : '',
    mss === undefined ? '' : `MSS=${mss}`,
  ]
    .filter(Boolean)
    .join(' ')
}

/**
 * One line about the segment; 'Truncated: …' when it ends at `end` before its header does. With `relative` its numbers count
 * from the ISNs.
 */
export function tcpSummary(view: DataView, at: number, end: number, relative?: Relative): string {
  if (end - at < TCP_HEADER)
    return `Truncated: ${count(Math.max(0, end - at), 'byte')}, a TCP header is at least 20`
  const brief = tcpBrief(view, at, end, relative).replace(/^(.*?) Seq/, '[$1] Seq')
  return `${view.getUint16(at)} → ${view.getUint16(at + TCP_DESTINATION_PORT)} ${brief} Win=${view.getUint16(at + TCP_WINDOW) << (relative?.windowShift ?? 0)}`
}

/**
 * The readable form. `ipAt` is where the IP header begins; undefined leaves the checksum unchecked (a quotation).
 * `relative` adds each sequence number counted from its connection's first.
 */
export function describeTcp(
  view: DataView,
  at: number,
  end: number,
  ipAt: number | undefined,
  relative?: Relative,
): Layer {
  const reading = new Reading(view, at, end)
  const claimed = reading.has(TCP_DATA_OFFSET, 1) ? tcpHeaderLength(view, at) : TCP_HEADER
  const port = (i: number): string => String(view.getUint16(i))
  reading.field('Source port', TCP_SOURCE_PORT, 2, 'The sender’s end of the connection.', port)
  reading.field(
    'Destination port',
    TCP_DESTINATION_PORT,
    2,
    'The receiver’s end: which program or connection.',
    port,
  )
  describeNumbers(reading, relative)
  reading.field(
    'Data offset',
    TCP_DATA_OFFSET,
    1,
    'The header’s length, in 32-bit words: where the data begins.',
    () => count(claimed, 'byte'),
    () => {
      if (claimed < TCP_HEADER) return 'It should be at least 20 bytes, five words.'
      return ipAt !== undefined && !reading.has(0, claimed)
        ? 'It points beyond the end of the segment.'
        : undefined
    },
  )
  reading.field('Flags', TCP_FLAGS, 1, flagsNote(reading), i => flagNames(view.getUint8(i)))
  describeGuards(reading, ipAt, relative?.windowShift ?? 0)
  if (claimed > TCP_HEADER) describeOptions(reading, Math.min(claimed, reading.end - at))
  return reading.done(
    'Transmission Control Protocol',
    'RFC 9293, 3.1',
    Math.max(claimed, TCP_HEADER),
    tcpSummary(view, at, end, relative),
  )
}

function describeNumbers(reading: Reading, relative: Relative | undefined): void {
  const { view } = reading
  const both = (absolute: number, base: number | undefined): string =>
    base === undefined ? grouped(absolute) : `${grouped(absolute)} (${(absolute - base) >>> 0})`
  const flags = reading.has(TCP_FLAGS, 1) ? view.getUint8(reading.at + TCP_FLAGS) : 0
  reading.field(
    'Sequence number',
    TCP_SEQUENCE,
    4,
    flags & SYN
      ? 'The initial sequence number: hard to guess, and the SYN itself uses it up.'
      : 'The number of the first byte of data in this segment.',
    i => both(view.getUint32(i), relative?.sequence),
  )
  reading.field(
    'Acknowledgment number',
    TCP_ACKNOWLEDGMENT,
    4,
    flags & ACK
      ? 'The next byte that the sender expects from the other side; all before it has arrived.'
      : 'Without the ACK flag it says nothing.',
    i => both(view.getUint32(i), flags & ACK ? relative?.acknowledgment : undefined),
  )
}

function flagsNote(reading: Reading): string {
  const flags = reading.has(TCP_FLAGS, 1) ? reading.view.getUint8(reading.at + TCP_FLAGS) : 0
  if (flags & RST) return 'RST: the connection ends at once, or never was.'
  if (flags & SYN) return flags & ACK ? 'SYN, ACK: the second of the three segments.' : 'SYN: may we begin?'
  if (flags & FIN) return 'FIN: the sender has no more data; the other direction stays open.'
  return flags & PSH
    ? 'PSH: hand this to the program now; more may be long in coming.'
    : 'ACK: what arrived so far.'
}

function describeGuards(reading: Reading, ipAt: number | undefined, windowShift: number): void {
  const { view, at } = reading
  reading.field(
    'Window',
    TCP_WINDOW,
    2,
    'How many more bytes the sender has room for, from the acknowledged one on.',
    i => {
      const field = view.getUint16(i)
      return windowShift === 0
        ? count(field, 'byte')
        : `${count(field << windowShift, 'byte')} (${field} << ${windowShift})`
    },
  )
  reading.field(
    'Checksum',
    TCP_CHECKSUM,
    2,
    'Covers a pseudo-header of the IP addresses, the header and the data.',
    i => hex(view.getUint16(i), 4),
    i => {
      if (ipAt === undefined) return undefined
      const seed = pseudoHeaderSum(view, ipAt, PROTOCOL_TCP, reading.end - at)
      return checksumFault(view.getUint16(i), onesComplementSum(view, at, reading.end, seed))
    },
  )
  reading.field(
    'Urgent pointer',
    TCP_URGENT_POINTER,
    2,
    'Where urgent data ends; only with the URG flag.',
    i => String(view.getUint16(i)),
  )
}

const OPTION_NAMES: Readonly<Record<number, readonly [name: string, note: string]>> = {
  [OPTION_MSS]: ['Maximum segment size', 'The most data that the sender of this takes in one segment.'],
  [OPTION_WINDOW_SCALE]: ['Window scale', 'By how many bits its windows must be shifted (RFC 7323, 2).'],
  [OPTION_SACK_PERMITTED]: ['SACK permitted', 'It understands selective acknowledgments (RFC 2018, 2).'],
  [OPTION_SACK]: ['SACK', 'What arrived beyond the gap (RFC 2018, 3).'],
  [OPTION_TIMESTAMPS]: ['Timestamps', 'For measuring round trips and telling old segments (RFC 7323, 3).'],
  [OPTION_FAST_OPEN]: [
    'Fast Open',
    'Asks for a cookie, gives one or brings one back with text (RFC 7413, 4.1.1).',
  ],
}

function describeOptions(reading: Reading, headerLength: number): void {
  const { view, at } = reading
  for (let offset = TCP_HEADER; offset < headerLength; ) {
    const kind = view.getUint8(at + offset)
    if (kind === OPTION_END) {
      reading.field('End of options', offset, 1, 'What follows up to the data is padding.', () => '')
      return
    }
    if (kind === OPTION_NOP) {
      reading.field('No operation', offset, 1, 'Pads the next option to a word boundary.', () => '')
      offset++
      continue
    }
    const length = offset + 1 < headerLength ? view.getUint8(at + offset + 1) : 0
    if (length < 2 || offset + length > headerLength) {
      const wrong = 'An option’s length should be at least 2 and end inside the header.'
      reading.field(
        'Malformed option',
        offset,
        1,
        'What follows cannot be read.',
        () => `kind ${kind}`,
        () => wrong,
      )
      return
    }
    const [name, note] = OPTION_NAMES[kind] ?? [
      `Option ${kind}`,
      'Unknown options are skipped (RFC 9293, 3.2).',
    ]
    reading.field(name, offset, length, note, i => optionValue(view, i, kind, length))
    offset += length
  }
}

function optionValue(view: DataView, at: number, kind: number, length: number): string {
  if (kind === OPTION_MSS && length === OPTION_MSS_LENGTH) return String(view.getUint16(at + 2))
  if (kind === OPTION_WINDOW_SCALE && length === 3) return `shift by ${view.getUint8(at + 2)}`
  if (kind === OPTION_TIMESTAMPS && length === 10)
    return `value ${view.getUint32(at + 2)}, echo ${view.getUint32(at + 6)}`
  if (kind === OPTION_SACK) {
    const blocks = []
    for (let i = at + 2; i + 8 <= at + length; i += 8)
      blocks.push(`${view.getUint32(i)}–${view.getUint32(i + 4)}`)
    return blocks.join(', ')
  }
  return length > 2 ? count(length - 2, 'byte') : 'yes'
}
