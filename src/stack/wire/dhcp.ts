/** DHCP messages, RFC 2131, 2: BOOTP's fixed fields, the magic cookie, then options (RFC 2132). */
import type { Layer } from './dissect.ts'
import { addressAt, count, hex, macAt, Reading } from './readable.ts'

/** Offsets in bytes, RFC 2131, 2, figure 1. XID is 32 bits, SECS and FLAGS 16, addresses 4 bytes in network order. */
export const DHCP_OP = 0
export const DHCP_HARDWARE_TYPE = 1
export const DHCP_HARDWARE_LENGTH = 2
export const DHCP_XID = 4
export const DHCP_SECS = 8
export const DHCP_FLAGS = 10
export const DHCP_CIADDR = 12
export const DHCP_YIADDR = 16
export const DHCP_GIADDR = 24
export const DHCP_CHADDR = 28
export const DHCP_SNAME = 44
export const DHCP_FILE = 108
export const DHCP_COOKIE = 236
export const DHCP_OPTIONS = 240
/** RFC 1542, 2.1: a BOOTP message has at least 300 bytes; relays drop shorter ones. */
export const DHCP_LENGTH_MIN = 300

/** RFC 2131, 4.1: UDP ports; and the values of DHCP_OP (2, figure 1). */
export const DHCP_SERVER_PORT = 67
export const DHCP_CLIENT_PORT = 68
export const BOOTREQUEST = 1
export const BOOTREPLY = 2
/** RFC 2131, 2: the client cannot be reached by unicast before it has its address. */
export const DHCP_BROADCAST_FLAG = 0x8000
/** RFC 2131, 3: 99, 130, 83, 99. */
const COOKIE = 0x63825363

/** RFC 2132, 9.6. */
export const DHCPDISCOVER = 1
export const DHCPOFFER = 2
export const DHCPREQUEST = 3
export const DHCPDECLINE = 4
export const DHCPACK = 5
export const DHCPNAK = 6
export const DHCPRELEASE = 7
export const DHCPINFORM = 8

/** Option codes, RFC 2132: 3.3 … 3.17, 5.1 and 9.1 … 9.14. Times are seconds, OPTION_MTU and OPTION_MAX_SIZE bytes. */
const OPTION_PAD = 0
export const OPTION_SUBNET_MASK = 1
export const OPTION_ROUTER = 3
export const OPTION_DNS = 6
export const OPTION_HOST_NAME = 12
export const OPTION_DOMAIN = 15
export const OPTION_MTU = 26
export const OPTION_REQUESTED_ADDRESS = 50
export const OPTION_LEASE_TIME = 51
const OPTION_OVERLOAD = 52
export const OPTION_MESSAGE_TYPE = 53
export const OPTION_SERVER_ID = 54
export const OPTION_PARAMETERS = 55
export const OPTION_MAX_SIZE = 57
export const OPTION_T1 = 58
export const OPTION_T2 = 59
export const OPTION_CLIENT_ID = 61
const OPTION_END = 255

/** Option 52, RFC 2132, 9.3: which of the fields for names carry options instead. */
const OVERLOAD_FILE = 1
const OVERLOAD_SNAME = 2

/** Whether `length` bytes at `at` are a DHCP message for Ethernet whose options can be walked to their end. */
export function dhcpIsValid(view: DataView, at: number, length: number): boolean {
  if (length < DHCP_OPTIONS || view.getUint32(at + DHCP_COOKIE) !== COOKIE) return false
  const op = view.getUint8(at + DHCP_OP)
  if (op !== BOOTREQUEST && op !== BOOTREPLY) return false
  if (view.getUint16(at + DHCP_HARDWARE_TYPE) !== 0x0106) return false
  if (!endsInOrder(view, at + DHCP_OPTIONS, at + length)) return false
  const overload = overloadOf(view, at, length)
  return (
    ((overload & OVERLOAD_FILE) === 0 || endsInOrder(view, at + DHCP_FILE, at + DHCP_COOKIE)) &&
    ((overload & OVERLOAD_SNAME) === 0 || endsInOrder(view, at + DHCP_SNAME, at + DHCP_FILE)) &&
    messageTypeOf(view, at, length) !== 0
  )
}

/** RFC 2131, 4.1: "The last option must always be the 'end' option." */
function endsInOrder(view: DataView, from: number, end: number): boolean {
  let at = from
  while (at < end) {
    const code = view.getUint8(at)
    if (code === OPTION_END) return true
    if (code === OPTION_PAD) at++
    else if (at + 2 > end) return false
    else at += 2 + view.getUint8(at + 1)
  }
  return false
}

/** The first option of this code at or behind `from`: where it begins, -1 when there is none. */
function nextOption(view: DataView, from: number, end: number, code: number): number {
  let at = from
  while (at + 2 <= end) {
    const found = view.getUint8(at)
    if (found === OPTION_END) return -1
    if (found === OPTION_PAD) {
      at++
      continue
    }
    const behind = at + 2 + view.getUint8(at + 1)
    if (behind > end) return -1
    if (found === code) return at
    at = behind
  }
  return -1
}

function overloadOf(view: DataView, at: number, length: number): number {
  const option = nextOption(view, at + DHCP_OPTIONS, at + length, OPTION_OVERLOAD)
  return option === -1 || view.getUint8(option + 1) !== 1 ? 0 : view.getUint8(option + 2)
}

/** DHCPDISCOVER … DHCPINFORM, 0 when the message does not say. */
export function messageTypeOf(view: DataView, at: number, length: number): number {
  const option = nextOption(view, at + DHCP_OPTIONS, at + length, OPTION_MESSAGE_TYPE)
  return option === -1 || view.getUint8(option + 1) !== 1 ? 0 : view.getUint8(option + 2)
}

/**
 * Copies an option's bytes to `to` in `into`, `limit` of them at most. Returns how many it has, -1 when it is not there.
 * RFC 3396, 7: an option that stands there several times is one, its parts in the order of the fields `options`, `file`,
 * `sname`.
 */
export function readOption(
  view: DataView,
  at: number,
  length: number,
  code: number,
  into: Uint8Array,
  to: number,
  limit: number,
): number {
  const overload = overloadOf(view, at, length)
  let done = readPart(view, at + DHCP_OPTIONS, at + length, code, into, to, limit, -1)
  if ((overload & OVERLOAD_FILE) !== 0)
    done = readPart(view, at + DHCP_FILE, at + DHCP_COOKIE, code, into, to, limit, done)
  if ((overload & OVERLOAD_SNAME) !== 0)
    done = readPart(view, at + DHCP_SNAME, at + DHCP_FILE, code, into, to, limit, done)
  return done
}

function readPart(
  view: DataView,
  from: number,
  end: number,
  code: number,
  into: Uint8Array,
  to: number,
  limit: number,
  before: number,
): number {
  let done = before
  let at = nextOption(view, from, end, code)
  while (at !== -1) {
    const length = view.getUint8(at + 1)
    if (done < 0) done = 0
    for (let i = 0; i < length && done + i < limit; i++) into[to + done + i] = view.getUint8(at + 2 + i)
    done += length
    at = nextOption(view, at + 2 + length, end, code)
  }
  return done
}

/** An option of exactly four bytes: an address or a number of seconds; 0 when it is not there or of another length. */
export function option32(view: DataView, at: number, length: number, code: number): number {
  const option = nextOption(view, at + DHCP_OPTIONS, at + length, code)
  return option === -1 || view.getUint8(option + 1) !== 4 ? 0 : view.getUint32(option + 2)
}

/** The fixed fields of a message, all that is not named here zero; returns where the next option goes. */
export function putDhcp(view: DataView, at: number, op: number, xid: number, type: number): number {
  for (let i = 0; i < DHCP_OPTIONS; i += 4) view.setUint32(at + i, 0)
  view.setUint8(at + DHCP_OP, op)
  view.setUint16(at + DHCP_HARDWARE_TYPE, 0x0106)
  view.setUint32(at + DHCP_XID, xid)
  view.setUint32(at + DHCP_COOKIE, COOKIE)
  view.setUint16(at + DHCP_OPTIONS, (OPTION_MESSAGE_TYPE << 8) | 1)
  view.setUint8(at + DHCP_OPTIONS + 2, type)
  return at + DHCP_OPTIONS + 3
}

/** Writes an option of four bytes at `to`; returns where the next one goes. */
export function putOption32(view: DataView, to: number, code: number, value: number): number {
  view.setUint16(to, (code << 8) | 4)
  view.setUint32(to + 2, value)
  return to + 6
}

/** Writes an option of `length` bytes, 1 … 255, that stand at `from` in `bytes`. */
export function putOption(
  view: DataView,
  to: number,
  code: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): number {
  view.setUint16(to, (code << 8) | length)
  for (let i = 0; i < length; i++) view.setUint8(to + 2 + i, bytes[from + i] ?? 0)
  return to + 2 + length
}

/** Ends a message that began at `at`: the end option, and zeroes up to the least length. Returns its length. */
export function endDhcp(view: DataView, at: number, to: number): number {
  view.setUint8(to, OPTION_END)
  let end = to + 1
  for (; end < at + DHCP_LENGTH_MIN; end++) view.setUint8(end, 0)
  return end - at
}

// ---- the readable form ------------------------------------------------------------------------------------------

const TYPE_NAMES = ['', 'Discover', 'Offer', 'Request', 'Decline', 'ACK', 'NAK', 'Release', 'Inform']

/** One line about the message; 'Truncated: …' when it ends at `end` before its header does. */
export function dhcpSummary(view: DataView, at: number, end: number): string {
  if (end - at < DHCP_OPTIONS)
    return `Truncated: ${count(Math.max(0, end - at), 'byte')}, DHCP is at least ${DHCP_OPTIONS}`
  const type = messageTypeOf(view, at, end - at)
  const mine = addressAt(view, at + DHCP_CIADDR)
  const yours = addressAt(view, at + DHCP_YIADDR)
  const wanted = option32(view, at, end - at, OPTION_REQUESTED_ADDRESS)
  const name = TYPE_NAMES[type] || `type ${type}`
  if (type === DHCPOFFER || type === DHCPACK) return `${name}: ${yours === '0.0.0.0' ? mine : yours}`
  if (wanted !== 0) return `${name}: ${dottedOf(wanted)}`
  return mine === '0.0.0.0' ? name : `${name}: ${mine}`
}

const dottedOf = (a: number): string => `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`

/** The readable form, options and all. */
export function describeDhcp(view: DataView, at: number, end: number): Layer {
  const reading = new Reading(view, at, end)
  reading.field(
    'Operation',
    DHCP_OP,
    1,
    'Clients send requests, servers replies: the names are BOOTP’s.',
    i => ['request (1)', 'reply (2)'][view.getUint8(i) - 1] ?? String(view.getUint8(i)),
    i => ([1, 2].includes(view.getUint8(i)) ? undefined : 'It should be 1, request, or 2, reply.'),
  )
  reading.field(
    'Hardware type and length',
    DHCP_HARDWARE_TYPE,
    2,
    'Which kind of address the client’s hardware has, and of how many bytes.',
    i => (view.getUint16(i) === 0x0106 ? 'Ethernet (1), 6 bytes' : hex(view.getUint16(i), 4)),
    i => (view.getUint16(i) === 0x0106 ? undefined : 'It should be 0x0106, Ethernet.'),
  )
  reading.field('Transaction', DHCP_XID, 4, 'The client’s random number; the answer repeats it.', i =>
    hex(view.getUint32(i), 8),
  )
  reading.field('Seconds', DHCP_SECS, 2, 'For how long the client has been asking.', i =>
    String(view.getUint16(i)),
  )
  reading.field('Flags', DHCP_FLAGS, 2, 'Broadcast: the client cannot take unicast yet.', i =>
    (view.getUint16(i) & DHCP_BROADCAST_FLAG) !== 0 ? 'broadcast' : 'none',
  )
  describeDhcpAddresses(reading)
  reading.field(
    'Magic cookie',
    DHCP_COOKIE,
    4,
    'Says that options follow.',
    i => hex(view.getUint32(i), 8),
    i => (view.getUint32(i) === COOKIE ? undefined : 'It should be 0x63825363.'),
  )
  const length = describeOptions(reading)
  return reading.done(
    'Dynamic Host Configuration Protocol',
    'RFC 2131, 2',
    length,
    dhcpSummary(view, at, reading.end),
  )
}

function describeDhcpAddresses(reading: Reading): void {
  const { view } = reading
  const ip = (i: number): string => addressAt(view, i)
  reading.field('Client address', DHCP_CIADDR, 4, 'The client’s own, when it has it already.', ip)
  reading.field('Your address', DHCP_YIADDR, 4, 'What the server offers, or has given.', ip)
  reading.field('Relay address', DHCP_GIADDR, 4, 'Where a relay passes the answer on; 0 if none.', ip)
  reading.field('Client MAC', DHCP_CHADDR, 6, 'Whose address this is about.', i => macAt(view, i))
}

const ADDRESSES_NOTE: Readonly<Record<number, readonly [name: string, note: string]>> = {
  [OPTION_SUBNET_MASK]: ['Subnet mask', 'Which part of the address names the link.'],
  [OPTION_ROUTER]: ['Router', 'By whom what is not on the link goes.'],
  [OPTION_DNS]: ['DNS servers', 'Whom to ask for names.'],
  [OPTION_REQUESTED_ADDRESS]: ['Requested address', 'What the client would like to have.'],
  [OPTION_SERVER_ID]: ['Server', 'Which server this is to, or from.'],
}
const SECONDS_NOTE: Readonly<Record<number, readonly [name: string, note: string]>> = {
  [OPTION_LEASE_TIME]: ['Lease time', 'For how long the address is the client’s.'],
  [OPTION_T1]: ['Renewal time', 'T1: when the client asks the server for more.'],
  [OPTION_T2]: ['Rebinding time', 'T2: when it asks any server.'],
}
const TEXT_NOTE: Readonly<Record<number, readonly [name: string, note: string]>> = {
  [OPTION_HOST_NAME]: ['Host name', 'What the client calls itself.'],
  [OPTION_DOMAIN]: ['Domain', 'The domain in which its names are looked up.'],
}

/** One field for each option; returns the length of the whole message. */
function describeOptions(reading: Reading): number {
  const { view, at, end } = reading
  let offset = DHCP_OPTIONS
  while (at + offset < end) {
    const code = view.getUint8(at + offset)
    if (code === OPTION_END || code === OPTION_PAD) {
      if (code === OPTION_END) {
        reading.field('End', offset, 1, 'No more options; what follows fills up.', () => 'end (255)')
        return Math.max(offset + 1, Math.min(end - at, DHCP_LENGTH_MIN))
      }
      offset++
      continue
    }
    const length = reading.has(offset, 2) ? view.getUint8(at + offset + 1) : 0
    describeOption(reading, offset, code, length)
    offset += 2 + length
  }
  return Math.max(DHCP_OPTIONS, Math.min(offset, end - at))
}

function describeOption(reading: Reading, offset: number, code: number, length: number): void {
  const { view } = reading
  const [name, note] = ADDRESSES_NOTE[code] ??
    SECONDS_NOTE[code] ??
    TEXT_NOTE[code] ?? [code === OPTION_MESSAGE_TYPE ? 'Message type' : `Option ${code}`, 'See RFC 2132.']
  reading.field(name, offset, 2 + length, note, i => {
    const from = i + 2
    if (code === OPTION_MESSAGE_TYPE && length === 1)
      return `${TYPE_NAMES[view.getUint8(from)] ?? 'unknown'} (${view.getUint8(from)})`
    if (code in ADDRESSES_NOTE && length > 0 && length % 4 === 0)
      return Array.from({ length: length / 4 }, (_, n) => addressAt(view, from + n * 4)).join(', ')
    if (code in SECONDS_NOTE && length === 4) return count(view.getUint32(from), 'second')
    if (code in TEXT_NOTE) return printable(view, from, length)
    return count(length, 'byte')
  })
}

function printable(view: DataView, from: number, length: number): string {
  let text = ''
  for (let i = from; i < from + length; i++) {
    const byte = view.getUint8(i)
    text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·'
  }
  return text
}
