/**
 * Our own name on the link, RFC 6762, 8 and 9:
 *
 *     silent --address--> probing, three times --nobody objects--> announcing, twice --> established
 *                          ^  | somebody has it: name-2, name-3 …                            |
 *                          +--+                                                              |
 *                          +------------------ somebody else says that it is theirs ---------+
 *
 * Two that probe at once compare their addresses, the greater one goes on (8.2). Fifteen conflicts within ten seconds
 * make it slow (8.1).
 */
import { type Core, KIND_RESPONDER, KIND_RESPONSE, RECORD_KIND } from '../core.ts'
import { formatIpv4 } from '../ip/addresses.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ADDRESS, NOW_MS, RESPONDER, RESPONSE } from '../memory/layout.ts'
import { takeRecord } from '../memory/slab.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { messageAt, takeMessage } from '../udp/service.ts'
import * as dns from '../wire/dns.ts'
import { HAS_A, HAS_AAAA, HAS_PTR, noteSent, putRecords, sendOnLink, TTL } from './link-message.ts'
import { putNameText, reverseName } from './name.ts'
import { checkHostName, NAME_KIND, putText } from './record.ts'
import {
  ANNOUNCING,
  BASE,
  BASE_LENGTH,
  CONFLICTS,
  CONFLICTS_SINCE,
  ESTABLISHED,
  LAST_SENT,
  LEFT,
  NAME,
  PENDING,
  PROBING,
  RESPONDER_STATE,
  REVERSE,
  SILENT,
  SUFFIX,
} from './responder-record.ts'

/** RFC 6762, 8.1. */
const PROBES = 3
const PROBE_MS = 250
const CONFLICTS_MAX = 15
const CONFLICTS_MS = 10_000
const CONFLICT_WAIT_MS = 5_000
/** RFC 6762, 8.2: "waiting one second, and then begins probing". */
const DEFER_MS = 1_000
/** RFC 6762, 8.3. */
const ANNOUNCEMENTS = 2
const ANNOUNCE_MS = 1_000
const ADDRESSES = HAS_A | HAS_AAAA
const LABEL_MAX = 63
const SUFFIX_MAX = 9_999

const stateOf = (m: Arena): number => {
  const r = m.get32(RESPONDER)
  return r === 0 ? SILENT : m.get8(r + RESPONDER_STATE)
}
/** Whether our name is ours: questions for it are answered. */
export const isOurs = (m: Arena): boolean => stateOf(m) >= ANNOUNCING
/** RFC 6762, 8.1: it is being asked whether anybody has our name; questions for it are not answered yet. */
export const isProbing = (m: Arena): boolean => stateOf(m) === PROBING
const after = (s: Core, r: Address, ms: number): void => startTimer(s.m, r, ms)

/** The host is to be found under this name. Throws RangeError when it is none, or memory is too small. */
export function startResponder(s: Core, name: string): void {
  const { m } = s
  const label = checkHostName(name)
  const r = takeRecord(m, NAME_KIND)
  const response = takeRecord(m, NAME_KIND)
  if (r === 0 || response === 0) throw new RangeError('The budget has no room for a name.')
  m.put32(RESPONDER, r)
  m.put32(RESPONSE, response)
  m.put8(r + RECORD_KIND, KIND_RESPONDER)
  m.put8(response + RECORD_KIND, KIND_RESPONSE)
  m.put8(r + BASE_LENGTH, label.length)
  putText(s, r + BASE, label)
  writeName(s, r)
}

/** The name in use: the one configured, cut short if need be, with its number. */
function writeName(s: Core, r: Address): void {
  const { m } = s
  const suffix = m.get16(r + SUFFIX) < 2 ? '' : `-${m.get16(r + SUFFIX)}`
  const length = Math.min(m.get8(r + BASE_LENGTH), LABEL_MAX - suffix.length)
  const at = r + NAME
  m.put8(at, length + suffix.length)
  m.bytes.copyWithin(at + 1, r + BASE, r + BASE + length)
  putText(s, at + 1 + length, suffix)
  putNameText(s, at + 1 + length + suffix.length, 'local')
}

/** The host's address is another than before: announced if the name is ours (8.4), probed for if it is not yet. */
export function tellAddress(s: Core): void {
  const { m } = s
  const r = m.get32(RESPONDER)
  if (r === 0) return
  if (m.get32(ADDRESS) === 0) return fallSilent(s, r)
  putNameText(s, r + REVERSE, reverseName(formatIpv4(m.get32(ADDRESS))))
  if (isOurs(m)) announce(s, r, ANNOUNCEMENTS)
  else probe(s, r, s.random32() % PROBE_MS)
}

/** The host's IPv6 addresses are others than before (8.4). The name is claimed with the IPv4 address, so that stays as it is. */
export function tellAddresses6(s: Core): void {
  const { m } = s
  if (!isOurs(m)) return
  const r = m.get32(RESPONDER)
  m.put8(r + RESPONDER_STATE, ANNOUNCING)
  m.put8(r + LEFT, ANNOUNCEMENTS)
  // RFC 6762, 6: no record oftener than once a second, however many addresses come at once.
  const since = (m.get32(NOW_MS) - m.get32(r + LAST_SENT)) | 0
  after(s, r, since >= 0 && since < ANNOUNCE_MS ? ANNOUNCE_MS - since : 0)
}

/** RFC 6762, 8: whenever the link "may have changed", the name is probed for as at the start. */
export function probeAgain(s: Core): void {
  const r = s.m.get32(RESPONDER)
  if (r !== 0 && s.m.get32(ADDRESS) !== 0) probe(s, r, s.random32() % PROBE_MS)
}

/** RFC 6762, 10.1: a last word, with nothing left to live. */
export function withdraw(s: Core): void {
  const r = s.m.get32(RESPONDER)
  if (r === 0 || !isOurs(s.m)) return
  tell(s, 0)
  fallSilent(s, r)
}

function fallSilent(s: Core, r: Address): void {
  s.m.put8(r + RESPONDER_STATE, SILENT)
  s.m.put8(s.m.get32(RESPONSE) + PENDING, 0)
  clearTimer(s.m, s.m.get32(RESPONSE))
  clearTimer(s.m, r)
}

function probe(s: Core, r: Address, ms: number): void {
  s.m.put8(r + RESPONDER_STATE, PROBING)
  s.m.put8(r + LEFT, PROBES)
  after(s, r, ms)
}

function announce(s: Core, r: Address, times: number): void {
  s.m.put8(r + RESPONDER_STATE, ANNOUNCING)
  s.m.put8(r + LEFT, times)
  responderTimer(s, r)
}

/** The responder's time has come. */
export function responderTimer(s: Core, r: Address): void {
  const { m } = s
  const left = m.get8(r + LEFT)
  if (m.get8(r + RESPONDER_STATE) === PROBING) {
    if (left === 0) return announce(s, r, ANNOUNCEMENTS)
    sendProbe(s, r)
    m.put8(r + LEFT, left - 1)
    return after(s, r, PROBE_MS)
  }
  tell(s, TTL)
  m.put8(r + LEFT, left - 1)
  if (left > 1) after(s, r, ANNOUNCE_MS)
  else m.put8(r + RESPONDER_STATE, ESTABLISHED)
}

/** RFC 6762, 8.1 and 8.2: any record with our name? And the one that we would like to have, among the authorities. */
function sendProbe(s: Core, r: Address): void {
  const { view, bytes } = s.m
  const page = takeMessage(s)
  if (page === 0) return
  const at = messageAt(page)
  dns.putDnsHeader(view, at, 0, 0)
  const unicast = dns.CLASS_IN | dns.TOP_BIT
  let end = dns.putQuestion(view, at, at + dns.DNS_HEADER, bytes, r + NAME, dns.TYPE_ANY, unicast)
  end = putRecords(s, at, end, HAS_A, dns.DNS_AUTHORITIES, dns.CLASS_IN, TTL)
  sendOnLink(s, page, end)
}

/** RFC 6762, 8.3: an answer that nobody asked for; its records replace what was known. */
function tell(s: Core, ttl: number): void {
  const page = takeMessage(s)
  if (page === 0) return
  const at = messageAt(page)
  dns.putDnsHeader(s.m.view, at, 0, dns.DNS_RESPONSE | dns.DNS_AUTHORITATIVE)
  const flush = dns.CLASS_IN | dns.TOP_BIT
  const end = putRecords(s, at, at + dns.DNS_HEADER, ADDRESSES | HAS_PTR, dns.DNS_ANSWERS, flush, ttl)
  noteSent(s, ADDRESSES | HAS_PTR)
  sendOnLink(s, page, end)
}

/** An answer of somebody else: does it say that our name is theirs? */
export function hearOfName(s: Core, message: Address, end: Address): void {
  const { m } = s
  const { view } = m
  const state = stateOf(m)
  const r = m.get32(RESPONDER)
  // RFC 6762, 8.1: what comes before the first probe is out is stale.
  if (state === SILENT || (state === PROBING && m.get8(r + LEFT) === PROBES)) return
  let at = dns.recordsAt(view, message, end)
  const records =
    view.getUint16(message + dns.DNS_ANSWERS) +
    view.getUint16(message + dns.DNS_AUTHORITIES) +
    view.getUint16(message + dns.DNS_ADDITIONALS)
  for (let i = 0; i < records; i++) {
    const fields = dns.skipName(view, at, end)
    const type = view.getUint16(fields + dns.RECORD_TYPE)
    const alive = view.getUint32(fields + dns.RECORD_TTL) !== 0
    if (alive && (type === dns.TYPE_A || state === PROBING) && isAboutUs(s, r, message, at, end, fields)) {
      if (!isOurAddress(s, fields)) return conflict(s, r)
    }
    at = dns.skipRecord(view, at, end)
  }
}

const isAboutUs = (
  s: Core,
  r: Address,
  message: Address,
  at: Address,
  end: Address,
  fields: Address,
): boolean =>
  (s.m.view.getUint16(fields + dns.RECORD_CLASS) & ~dns.TOP_BIT) === dns.CLASS_IN &&
  dns.nameIs(s.m.view, message, at, end, s.m.bytes, r + NAME)

const isOurAddress = (s: Core, fields: Address): boolean =>
  s.m.view.getUint16(fields + dns.RECORD_TYPE) === dns.TYPE_A &&
  s.m.view.getUint16(fields + dns.RECORD_LENGTH) === 4 &&
  s.m.view.getInt32(fields + dns.RECORD_DATA) === s.m.get32(ADDRESS)

/** RFC 6762, 9: a name that was ours is probed for again; one that we were only probing for is left to its owner. */
function conflict(s: Core, r: Address): void {
  const { m } = s
  const now = m.get32(NOW_MS)
  const recent = ((now - m.get32(r + CONFLICTS_SINCE)) | 0) < CONFLICTS_MS
  const conflicts = recent ? Math.min(0xffff, m.get16(r + CONFLICTS) + 1) : 1
  m.put16(r + CONFLICTS, conflicts)
  if (!recent) m.put32(r + CONFLICTS_SINCE, now)
  if (m.get8(r + RESPONDER_STATE) === PROBING) {
    const suffix = Math.max(1, m.get16(r + SUFFIX))
    m.put16(r + SUFFIX, suffix < SUFFIX_MAX ? suffix + 1 : 2)
    writeName(s, r)
    m.bytes.fill(0, r + LAST_SENT, r + LAST_SENT + 16)
  }
  probe(s, r, conflicts >= CONFLICTS_MAX ? CONFLICT_WAIT_MS : s.random32() % PROBE_MS)
}

/**
 * RFC 6762, 8.2 and 8.2.1: another host probes for the name that we are probing for. The records for it are compared in
 * order, ours being one A record, which comes before all other types: so theirs are later when they have no A, a greater
 * one, or the same and more. Then we wait.
 */
export function breakTie(s: Core, message: Address, end: Address): void {
  const { m } = s
  const { view } = m
  const r = m.get32(RESPONDER)
  if (m.get8(r + LEFT) === PROBES) return
  let at = dns.recordsAt(view, message, end)
  const answers = view.getUint16(message + dns.DNS_ANSWERS)
  const records = answers + view.getUint16(message + dns.DNS_AUTHORITIES)
  let theirs = 0
  let least = Infinity
  for (let i = 0; i < records; i++) {
    const fields = dns.skipName(view, at, end)
    if (i >= answers && isAboutUs(s, r, message, at, end, fields)) {
      theirs++
      const isA =
        view.getUint16(fields + dns.RECORD_TYPE) === dns.TYPE_A &&
        view.getUint16(fields + dns.RECORD_LENGTH) === 4
      if (isA) least = Math.min(least, view.getUint32(fields + dns.RECORD_DATA))
    }
    at = dns.skipRecord(view, at, end)
  }
  const ours = m.get32(ADDRESS) >>> 0
  if (theirs > 0 && (least > ours || (least === ours && theirs > 1))) probe(s, r, DEFER_MS)
}
