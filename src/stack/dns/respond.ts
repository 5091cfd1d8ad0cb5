/**
 * Answering for our own name, RFC 6762, 6 and 7: at once where nobody else can have the answer, after 20 to 120 ms where
 * the question asks for more than we have, after 400 to 500 ms where known answers are still to come; no record oftener
 * than once a second; and not at all what the asker says that it knows.
 */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import { ADDRESS, NOW_MS, RESPONDER, RESPONSE } from '../memory/layout.ts'
import { setTimer, TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { messageAt, takeMessage } from '../udp/service.ts'
import * as dns from '../wire/dns.ts'
import {
  ALL_RECORDS,
  HAS_A,
  HAS_AAAA,
  HAS_NSEC,
  HAS_PTR,
  LEGACY_TTL,
  lastSentAt,
  next6,
  noteSent,
  putRecords,
  sendOnLink,
  TTL,
} from './link-message.ts'
import { breakTie, isOurs, isProbing } from './responder.ts'
import { NAME, PENDING, PENDING_FROM, REVERSE } from './responder-record.ts'

const INTERVAL_MS = 1_000
/** RFC 6762, 6: "In the special case of answering probe queries". */
const PROBE_INTERVAL_MS = 250
/** RFC 1035, 2.3.4: what a plain resolver sends is short. */
const LEGACY_MAX = 400
const SHARED_MIN_MS = 20
const SHARED_SPREAD_MS = 100
const MORE_MIN_MS = 400
const MORE_SPREAD_MS = 100
/** Set beside the bits of the records that were asked for: the question also asks for what we do not have. */
const OTHERS_TOO = 16
/** Not all questions that are ours would do with unicast. */
const MULTICAST_WANTED = 32

/** A question came from `source`. */
export function questionInput(s: Core, message: Address, end: Address, source: number, port: number): void {
  const { m } = s
  const { view } = m
  if (m.get32(RESPONDER) === 0) return
  const isProbe = view.getUint16(message + dns.DNS_AUTHORITIES) > 0
  if (isProbing(m) && isProbe) return breakTie(s, message, end)
  if (!isOurs(m)) return
  const wanted = wantedRecords(s, message, end)
  const known = knownRecords(s, message, end)
  const more = (view.getUint16(message + dns.DNS_FLAGS) & dns.DNS_TRUNCATED) !== 0
  const response = m.get32(RESPONSE)
  // RFC 6762, 7.2: more known answers, from whom we wait for.
  if (m.get32(response + PENDING_FROM) === source)
    m.put8(response + PENDING, m.get8(response + PENDING) & ~known)
  const bits = wanted & (HAS_A | HAS_AAAA | HAS_PTR | HAS_NSEC) & ~known
  if (bits === 0) return
  if (port !== dns.MDNS_PORT) return answerLegacy(s, message, end, bits, source, port)
  const limit = isProbe ? PROBE_INTERVAL_MS : INTERVAL_MS
  // RFC 6762, 5.4: unicast, unless the record was not told to all for a quarter of its life.
  if ((wanted & MULTICAST_WANTED) === 0 && wasTold(s, bits, (TTL * 1000) / 4))
    return answerTo(s, bits, source)
  if (more) m.put32(response + PENDING_FROM, source)
  schedule(s, bits, more ? MORE_MIN_MS + (s.random32() % MORE_SPREAD_MS) : delayFor(s, wanted), limit)
}

const delayFor = (s: Core, wanted: number): number =>
  (wanted & OTHERS_TOO) === 0 ? 0 : SHARED_MIN_MS + (s.random32() % SHARED_SPREAD_MS)

/** Our records that the questions ask for. */
function wantedRecords(s: Core, message: Address, end: Address): number {
  const { view, bytes } = s.m
  const r = s.m.get32(RESPONDER)
  let wanted = 0
  let at = message + dns.DNS_HEADER
  for (let left = view.getUint16(message + dns.DNS_QUESTIONS); left > 0; left--) {
    const behind = dns.skipQuestion(view, at, end)
    const type = view.getUint16(behind - 4)
    const dnsClass = view.getUint16(behind - 2)
    const inClass = [dns.CLASS_IN, dns.TYPE_ANY].includes(dnsClass & ~dns.TOP_BIT)
    const isName = inClass && dns.nameIs(view, message, at, end, bytes, r + NAME)
    const isReverse =
      inClass &&
      (type === dns.TYPE_PTR || type === dns.TYPE_ANY) &&
      dns.nameIs(view, message, at, end, bytes, r + REVERSE)
    if (isName) wanted |= addressesFor(s, type)
    else wanted |= isReverse ? HAS_PTR : OTHERS_TOO
    if ((isName || isReverse) && (dnsClass & dns.TOP_BIT) === 0) wanted |= MULTICAST_WANTED
    at = behind
  }
  return wanted
}

/** What a question of this type for our name is answered with. */
function addressesFor(s: Core, type: number): number {
  const any = type === dns.TYPE_ANY
  const has = any || type === dns.TYPE_A ? HAS_A : 0
  const has6 = (any || type === dns.TYPE_AAAA) && next6(s, 0) !== 0 ? HAS_AAAA : 0
  return has | has6 || HAS_NSEC
}

/** RFC 6762, 7.1: our records that stand among the answers with at least half of their time to live. */
function knownRecords(s: Core, message: Address, end: Address): number {
  const { view, bytes } = s.m
  const r = s.m.get32(RESPONDER)
  let known = 0
  let known6 = 0
  let at = dns.recordsAt(view, message, end)
  for (let left = view.getUint16(message + dns.DNS_ANSWERS); left > 0; left--) {
    const fields = dns.skipName(view, at, end)
    const data = fields + dns.RECORD_DATA
    const fresh = view.getUint32(fields + dns.RECORD_TTL) >= TTL / 2
    const type = view.getUint16(fields + dns.RECORD_TYPE)
    const owner = type === dns.TYPE_PTR ? REVERSE : NAME
    if (fresh && dns.nameIs(view, message, at, end, bytes, r + owner)) {
      const same =
        view.getUint16(fields + dns.RECORD_LENGTH) === 4 && view.getInt32(data) === s.m.get32(ADDRESS)
      if (type === dns.TYPE_A && same) known |= HAS_A
      if (type === dns.TYPE_AAAA && isOwn6(s, data)) known6++
      if (type === dns.TYPE_PTR && dns.nameIs(view, message, data, end, bytes, r + NAME)) known |= HAS_PTR
    }
    at = dns.skipRecord(view, at, end)
  }
  // Of our IPv6 addresses all or none are told.
  return known6 > 0 && known6 === count6(s) ? known | HAS_AAAA : known
}

/** Whether an AAAA record's data, inside its message, is an address of ours. */
function isOwn6(s: Core, data: Address): boolean {
  const { view } = s.m
  if (view.getUint16(data - dns.RECORD_DATA + dns.RECORD_LENGTH) !== 16) return false
  for (let own = next6(s, 0); own !== 0; own = next6(s, own)) {
    let same = 0
    while (same < 16 && view.getInt32(own + same) === view.getInt32(data + same)) same += 4
    if (same === 16) return true
  }
  return false
}

function count6(s: Core): number {
  let count = 0
  for (let own = next6(s, 0); own !== 0; own = next6(s, own)) count++
  return count
}

const sinceSent = (s: Core, bit: number): number => {
  const last = s.m.get32(lastSentAt(s, bit))
  return last === 0 ? Infinity : (s.m.get32(NOW_MS) - last) | 0
}

/** Whether all of these records were told to all within so many milliseconds. */
const wasTold = (s: Core, bits: number, ms: number): boolean =>
  ALL_RECORDS.every(bit => (bits & bit) === 0 || sinceSent(s, bit) < ms)

/** These records are to be told to all, in so many milliseconds, and not sooner than `limit` after the last time. */
function schedule(s: Core, bits: number, ms: number, limit: number): void {
  const { m } = s
  const response = m.get32(RESPONSE)
  const pending = m.get8(response + PENDING) | bits
  m.put8(response + PENDING, pending)
  let wait = ms
  for (const bit of ALL_RECORDS)
    if ((bits & bit) !== 0) wait = Math.max(wait, limit - Math.min(limit, sinceSent(s, bit)))
  if (wait <= 0) return sendPending(s)
  const at = (m.get32(NOW_MS) + wait) | 0
  if (!timerIsSet(m, response) || ((at - m.get32(response + TIMER_AT)) | 0) < 0) setTimer(m, response, at)
}

/** The time of the pending answer has come. */
export function sendPending(s: Core): void {
  const { m } = s
  const response = m.get32(RESPONSE)
  const bits = m.get8(response + PENDING)
  m.put8(response + PENDING, 0)
  m.put32(response + PENDING_FROM, 0)
  if (bits === 0 || !isOurs(m)) return
  const page = takeMessage(s)
  if (page === 0) return
  const at = messageAt(page)
  noteSent(s, bits)
  sendOnLink(s, page, putAnswer(s, at, 0, bits))
}

/** A message with these records alone; returns its end. */
function putAnswer(s: Core, at: Address, id: number, bits: number): Address {
  dns.putDnsHeader(s.m.view, at, id, dns.DNS_RESPONSE | dns.DNS_AUTHORITATIVE)
  const flush = dns.CLASS_IN | dns.TOP_BIT
  return putRecords(s, at, at + dns.DNS_HEADER, bits, dns.DNS_ANSWERS, flush, TTL)
}

function answerTo(s: Core, bits: number, to: number): void {
  const page = takeMessage(s)
  if (page !== 0) sendOnLink(s, page, putAnswer(s, messageAt(page), 0, bits), to)
}

/** RFC 6762, 6.7: to a plain resolver, what a plain server would say: id and question come back, nothing is flushed. */
function answerLegacy(s: Core, message: Address, end: Address, bits: number, to: number, port: number): void {
  const { m } = s
  const records = dns.recordsAt(m.view, message, end)
  if (records - message > LEGACY_MAX) return
  const page = takeMessage(s)
  if (page === 0) return
  const at = messageAt(page)
  const id = m.view.getUint16(message + dns.DNS_ID)
  dns.putDnsHeader(m.view, at, id, dns.DNS_RESPONSE | dns.DNS_AUTHORITATIVE)
  m.view.setUint16(at + dns.DNS_QUESTIONS, m.view.getUint16(message + dns.DNS_QUESTIONS))
  m.bytes.copyWithin(at + dns.DNS_HEADER, message + dns.DNS_HEADER, records)
  const behind = at + (records - message)
  sendOnLink(s, page, putRecords(s, at, behind, bits, dns.DNS_ANSWERS, dns.CLASS_IN, LEGACY_TTL), to, port)
}
