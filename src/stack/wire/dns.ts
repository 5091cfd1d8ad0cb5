/**
 * DNS messages, RFC 1035, 4: a header of twelve bytes, questions, records. Names are labels behind their lengths; the end
 * of a name may be a pointer to an earlier place of the message. Between messages a name is kept flat: labels and a last
 * empty one, no pointers, 255 bytes at most (3.1, 2.3.4).
 */

/** Offsets in bytes of the six 16-bit words of the header, RFC 1035, 4.1.1. */
export const DNS_ID = 0
export const DNS_FLAGS = 2
export const DNS_QUESTIONS = 4
export const DNS_ANSWERS = 6
export const DNS_AUTHORITIES = 8
export const DNS_ADDITIONALS = 10
export const DNS_HEADER = 12

/** RFC 1035, 4.2.1. */
export const DNS_PORT = 53
/** RFC 6762, 1. */
export const MDNS_PORT = 5353
/** Bits of DNS_FLAGS and values of its RCODE, RFC 1035, 4.1.1. */
export const DNS_RESPONSE = 0x8000
export const DNS_OPCODE = 0x7800
export const DNS_AUTHORITATIVE = 0x0400
export const DNS_TRUNCATED = 0x0200
export const DNS_RECURSION_DESIRED = 0x0100
export const DNS_RCODE = 0x000f
export const RCODE_FORMAT_ERROR = 1
export const RCODE_NO_NAME = 3

/** Types and classes of records, RFC 1035, 3.2.2 … 3.2.4; OPT is RFC 6891, 6.1.1, NSEC is RFC 4034 (RFC 6762, 6.1). */
export const TYPE_A = 1
export const TYPE_NS = 2
export const TYPE_CNAME = 5
export const TYPE_SOA = 6
export const TYPE_PTR = 12
export const TYPE_AAAA = 28
export const TYPE_OPT = 41
export const TYPE_NSEC = 47
export const TYPE_ANY = 255
export const CLASS_IN = 1
/** RFC 6762, 10.2 and 5.4: in a record, that it replaces what was known; in a question, that unicast will do. */
export const TOP_BIT = 0x8000

/** Bytes of a flat name, RFC 1035, 2.3.4. */
export const NAME_MAX = 255
const POINTER = 0xc0
/** A record behind its name: type, class, time to live, length of the data. */
export const RECORD_TYPE = 0
export const RECORD_CLASS = 2
export const RECORD_TTL = 4
export const RECORD_LENGTH = 8
export const RECORD_DATA = 10
/** A question behind its name: type and class. */
export const QUESTION_LENGTH = 4

/** Where the name at `at` ends in its place, -1 when it does not before `end`. Pointers are not followed. */
export function skipName(view: DataView, from: number, end: number): number {
  let at = from
  while (at < end) {
    const length = view.getUint8(at)
    if (length === 0) return at + 1
    if (length >= POINTER) return at + 2 <= end ? at + 2 : -1
    // RFC 1035, 4.1.4: "The 10 and 01 combinations are reserved".
    if (length > 63) return -1
    at += 1 + length
  }
  return -1
}

/** Where the question at `at` ends, -1 when it does not fit. */
export function skipQuestion(view: DataView, at: number, end: number): number {
  const behind = skipName(view, at, end)
  return behind === -1 || behind + QUESTION_LENGTH > end ? -1 : behind + QUESTION_LENGTH
}

/** Where the record at `at` ends, -1 when it does not fit. */
export function skipRecord(view: DataView, at: number, end: number): number {
  const fields = skipName(view, at, end)
  if (fields === -1 || fields + RECORD_DATA > end) return -1
  const behind = fields + RECORD_DATA + view.getUint16(fields + RECORD_LENGTH)
  return behind > end ? -1 : behind
}

/** Whether all questions and records of a message of `length` bytes at `at` fit in it. */
export function dnsIsValid(view: DataView, at: number, length: number): boolean {
  if (length < DNS_HEADER) return false
  const end = at + length
  let next = at + DNS_HEADER
  for (let left = view.getUint16(at + DNS_QUESTIONS); left > 0; left--) {
    next = skipQuestion(view, next, end)
    if (next === -1) return false
  }
  const records =
    view.getUint16(at + DNS_ANSWERS) +
    view.getUint16(at + DNS_AUTHORITIES) +
    view.getUint16(at + DNS_ADDITIONALS)
  for (let left = records; left > 0; left--) {
    next = skipRecord(view, next, end)
    if (next === -1) return false
  }
  return true
}

/** Where the records of a valid message begin. */
export function recordsAt(view: DataView, message: number, end: number): number {
  let at = message + DNS_HEADER
  for (let left = view.getUint16(message + DNS_QUESTIONS); left > 0 && at !== -1; left--)
    at = skipQuestion(view, at, end)
  return at
}

/** So many pointers does no honest name take; a chain of hundreds would have each look at a name cost as many steps. */
const POINTERS_MAX = 32

/**
 * Where the labels at `at` go on when a pointer stands there: -1 for one that leads nowhere. RFC 1035, 4.1.4: a pointer
 * is to "a prior occurance": each must lead before the place where the last part began, so that every walk ends.
 */
function follow(view: DataView, message: number, at: number, end: number, before: number): number {
  if (at + 2 > end) return -1
  const target = message + (view.getUint16(at) & 0x3fff)
  return target < before && target >= message + DNS_HEADER ? target : -1
}

/**
 * Copies the name at `from` of the message that begins at `message`, flat, to `to` in `into`, which has room for
 * `room` bytes. Returns its length; -1 when it is malformed or too long.
 */
export function readName(
  view: DataView,
  message: number,
  from: number,
  end: number,
  into: Uint8Array,
  to: number,
  room: number = NAME_MAX,
): number {
  const most = Math.min(room, NAME_MAX)
  let at = from
  let part = from
  let done = 0
  let pointers = 0
  while (at < end) {
    const length = view.getUint8(at)
    if (length >= POINTER) {
      part = at = follow(view, message, at, end, part)
      if (at === -1 || ++pointers > POINTERS_MAX) return -1
      continue
    }
    const last = length === 0 ? 0 : 1
    if (length > 63 || at + 1 + length > end || done + 1 + length + last > most) return -1
    for (let i = 0; i <= length; i++) into[to + done + i] = view.getUint8(at + i)
    done += 1 + length
    if (length === 0) return done
    at += 1 + length
  }
  return -1
}

/** Whether the name at `from` of a message is the flat one at `flat` in `bytes`, whatever the case (RFC 1035, 2.3.3). */
export function nameIs(
  view: DataView,
  message: number,
  from: number,
  end: number,
  bytes: Uint8Array,
  flat: number,
): boolean {
  let at = from
  let part = from
  let other = flat
  let pointers = 0
  while (at < end) {
    const length = view.getUint8(at)
    if (length >= POINTER) {
      part = at = follow(view, message, at, end, part)
      if (at === -1 || ++pointers > POINTERS_MAX) return false
      continue
    }
    if (length !== bytes[other] || at + 1 + length > end) return false
    if (length === 0) return true
    for (let i = 1; i <= length; i++)
      if (lower(view.getUint8(at + i)) !== lower(bytes[other + i] ?? 0)) return false
    at += 1 + length
    other += 1 + length
  }
  return false
}

/** A capital ASCII letter as a small one; any other byte as it is. */
export const lower = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte)

/** How long the flat name at `at` is, its last empty label included. */
export function flatLength(bytes: Uint8Array, at: number): number {
  let length = 0
  for (let label = bytes[at] ?? 0; label !== 0; label = bytes[at + length] ?? 0) length += 1 + label
  return length + 1
}

// ---- writing ----------------------------------------------------------------------------------------------------

/** 12 bytes, RFC 1035, 4.1.1: no questions and no records yet. */
export function putDnsHeader(view: DataView, at: number, id: number, flags: number): void {
  view.setUint16(at + DNS_ID, id)
  view.setUint16(at + DNS_FLAGS, flags)
  view.setUint32(at + DNS_QUESTIONS, 0)
  view.setUint32(at + DNS_AUTHORITIES, 0)
}

/** Writes the flat name at `flat` in `bytes` at `to`, its end as a pointer when it stands in the message already. */
export function putName(
  view: DataView,
  message: number,
  to: number,
  bytes: Uint8Array,
  flat: number,
): number {
  let at = to
  for (let label = flat; ; ) {
    const length = bytes[label] ?? 0
    if (length === 0) {
      view.setUint8(at, 0)
      return at + 1
    }
    const known = findName(view, message, to, bytes, label)
    if (known !== -1) {
      view.setUint16(at, (POINTER << 8) | (known - message))
      return at + 2
    }
    for (let i = 0; i <= length; i++) view.setUint8(at + i, bytes[label + i] ?? 0)
    at += 1 + length
    label += 1 + length
  }
}

/** Where the flat name stands in the questions and records that are written already, up to `end`; -1 if nowhere. */
function findName(view: DataView, message: number, end: number, bytes: Uint8Array, flat: number): number {
  let at = message + DNS_HEADER
  let questions = view.getUint16(message + DNS_QUESTIONS)
  while (at !== -1 && at < end) {
    for (let label = at; label < end; ) {
      const length = view.getUint8(label)
      if (length === 0 || length >= POINTER) break
      if (nameIs(view, message, label, end, bytes, flat)) return label
      label += 1 + length
    }
    at = questions-- > 0 ? skipQuestion(view, at, end) : skipRecord(view, at, end)
  }
  return -1
}

const countOne = (view: DataView, message: number, section: number): void =>
  view.setUint16(message + section, view.getUint16(message + section) + 1)

/** Adds a question; returns where the next goes. */
export function putQuestion(
  view: DataView,
  message: number,
  to: number,
  bytes: Uint8Array,
  flat: number,
  type: number,
  dnsClass: number,
): number {
  const at = putName(view, message, to, bytes, flat)
  view.setUint16(at, type)
  view.setUint16(at + 2, dnsClass)
  countOne(view, message, DNS_QUESTIONS)
  return at + QUESTION_LENGTH
}

/** Begins a record of a section; its data go where this returns, and endRecord follows them. */
export function beginRecord(
  view: DataView,
  message: number,
  to: number,
  bytes: Uint8Array,
  flat: number,
  type: number,
  dnsClass: number,
  ttl: number,
): number {
  const at = putName(view, message, to, bytes, flat)
  view.setUint16(at + RECORD_TYPE, type)
  view.setUint16(at + RECORD_CLASS, dnsClass)
  view.setUint32(at + RECORD_TTL, ttl)
  return at + RECORD_DATA
}

/** Ends the record whose data stand from `data` to `end`; returns `end`. */
export function endRecord(
  view: DataView,
  message: number,
  section: number,
  data: number,
  end: number,
): number {
  view.setUint16(data - 2, end - data)
  countOne(view, message, section)
  return end
}

/** Adds the record that says how large an answer may be: RFC 6891, 6.1.2. */
export function putOpt(view: DataView, message: number, to: number, size: number): number {
  view.setUint8(to, 0)
  view.setUint16(to + 1, TYPE_OPT)
  view.setUint16(to + 3, size)
  view.setUint32(to + 5, 0)
  view.setUint16(to + 9, 0)
  countOne(view, message, DNS_ADDITIONALS)
  return to + 11
}
