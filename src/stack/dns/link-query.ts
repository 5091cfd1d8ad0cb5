/**
 * Asking the link, RFC 6762, 5.2: at once, a second and three seconds later; the first question would do with unicast
 * (5.4). It is asked only when nothing is known, so that there are no known answers to tell with it (7.1). What the link
 * says is kept when somebody has asked for it, and brought up to date while it is kept.
 */
import type { Core } from '../core.ts'
import { ENOENT } from '../errno.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ADDRESS, CACHED_HEAD, QUERIES_HEAD, RESPONDER } from '../memory/layout.ts'
import { messageAt, takeMessage } from '../udp/service.ts'
import * as dns from '../wire/dns.ts'
import { ttlOf } from './answer.ts'
import * as cache from './cache.ts'
import { next6, sendOnLink, TTL } from './link-message.ts'
import { isLocal, sameName } from './name.ts'
import {
  ASKED_LINK,
  finish,
  lookUp,
  QUERY_NAME,
  QUERY_NAME_LENGTH,
  QUERY_NEXT,
  QUERY_STATE,
  QUERY_TYPE,
  queryAfter,
  TRIES,
} from './query.ts'
import { isOurs } from './responder.ts'
import { NAME } from './responder-record.ts'

const ASKS = 3
const FIRST_MS = 1_000
const LATER_MS = 2_000
/** Records of one message that are looked at: a host has a handful. */
const RECORDS_MAX = 64
/** RFC 6762, 10.1 and 10.2: goodbyes, and what is replaced, take effect a second later. */
const GRACE_MS = 1_000

const isAsking = (m: Arena, q: Address): boolean => m.get8(q + QUERY_STATE) === ASKED_LINK

/** Whether any question is out on the link. */
export function isAskingLink(m: Arena): boolean {
  let q = m.get32(QUERIES_HEAD)
  while (q !== 0 && !isAsking(m, q)) q = m.get32(q + QUERY_NEXT)
  return q !== 0
}

/** Asks for a query's name, for the first time or again; after the last time it is given up. */
export function askLink(s: Core, q: Address): void {
  const { m } = s
  const tries = m.get8(q + TRIES)
  if (tries >= ASKS) return finish(s, q, ENOENT)
  if (tries === 0 && isOwnName(m, q)) return answerOurselves(s, q)
  m.put8(q + TRIES, tries + 1)
  queryAfter(s, q, tries === 0 ? FIRST_MS : LATER_MS)
  const page = takeMessage(s)
  if (page === 0) return
  const at = messageAt(page)
  dns.putDnsHeader(m.view, at, 0, 0)
  const dnsClass = tries === 0 ? dns.CLASS_IN | dns.TOP_BIT : dns.CLASS_IN
  const type = m.get16(q + QUERY_TYPE)
  sendOnLink(
    s,
    page,
    dns.putQuestion(m.view, at, at + dns.DNS_HEADER, m.bytes, q + QUERY_NAME, type, dnsClass),
  )
}

function isOwnName(m: Arena, q: Address): boolean {
  const name = m.get32(RESPONDER) + NAME
  const length = m.get8(q + QUERY_NAME_LENGTH)
  return isOurs(m) && dns.flatLength(m.bytes, name) === length && sameName(m, name, q + QUERY_NAME, length)
}

/** We do not hear ourselves. */
function answerOurselves(s: Core, q: Address): void {
  const { m } = s
  const set = cache.keepSet(s, q + QUERY_NAME, m.get8(q + QUERY_NAME_LENGTH), m.get16(q + QUERY_TYPE), TTL)
  if (set !== 0 && m.get16(q + QUERY_TYPE) === dns.TYPE_A) cache.putAddress(m, set, m.get32(ADDRESS))
  if (set !== 0 && m.get16(q + QUERY_TYPE) === dns.TYPE_AAAA)
    for (let own = next6(s, 0); own !== 0; own = next6(s, own)) cache.addData(s, set, 0, 0, own, 16)
  if (!lookUp(s, q)) finish(s, q, ENOENT)
}

/** An answer from the link. */
export function learn(s: Core, message: Address, end: Address): void {
  const { m } = s
  const { view } = m
  let at = dns.recordsAt(view, message, end)
  const records =
    view.getUint16(message + dns.DNS_ANSWERS) +
    view.getUint16(message + dns.DNS_AUTHORITIES) +
    view.getUint16(message + dns.DNS_ADDITIONALS)
  for (let i = 0; i < Math.min(records, RECORDS_MAX); i++) {
    learnRecord(s, message, at, end)
    at = dns.skipRecord(view, at, end)
  }
  for (let q = m.get32(QUERIES_HEAD); q !== 0; q = m.get32(q + QUERY_NEXT)) if (isAsking(m, q)) lookUp(s, q)
}

function learnRecord(s: Core, message: Address, at: Address, end: Address): void {
  const { m } = s
  const { view } = m
  const fields = dns.skipName(view, at, end)
  const type = view.getUint16(fields + dns.RECORD_TYPE)
  const dnsClass = view.getUint16(fields + dns.RECORD_CLASS)
  if ((dnsClass & ~dns.TOP_BIT) !== dns.CLASS_IN) return
  const ttl = ttlOf(view.getUint32(fields + dns.RECORD_TTL))
  if (type === dns.TYPE_NSEC) return learnNothing(s, message, at, end, fields, ttl)
  if (type !== dns.TYPE_A && type !== dns.TYPE_AAAA && type !== dns.TYPE_PTR) return
  let set = keptSet(m, message, at, end, type)
  if (ttl === 0) {
    if (set !== 0) cache.expireIn(s, set, GRACE_MS)
    return
  }
  const q = set === 0 ? askingFor(m, message, at, end, type) : 0
  if (q !== 0) set = cache.keepSet(s, q + QUERY_NAME, m.get8(q + QUERY_NAME_LENGTH), type, ttl)
  if (set === 0) return
  const flush = (dnsClass & dns.TOP_BIT) !== 0 && !cache.isYoung(m, set, GRACE_MS)
  cache.renewSet(s, set, ttl, flush)
  cache.addData(s, set, message, end, fields + dns.RECORD_DATA, view.getUint16(fields + dns.RECORD_LENGTH))
}

/** The set of a `.local` name that is kept and that a record belongs to, 0 if none. */
function keptSet(m: Arena, message: Address, at: Address, end: Address, type: number): Address {
  let set = m.get32(CACHED_HEAD)
  while (set !== 0 && !(cache.isOfType(m, set, type) && isNamed(m, message, at, end, set)))
    set = m.get32(set + cache.CACHED_NEXT)
  return set
}

const isNamed = (m: Arena, message: Address, at: Address, end: Address, set: Address): boolean =>
  dns.nameIs(m.view, message, at, end, m.bytes, cache.nameAt(set)) &&
  isLocal(m, cache.nameAt(set), cache.nameLength(m, set))

/** A question that is out on the link for a record's name, and this type unless it is 0. */
function askingFor(m: Arena, message: Address, at: Address, end: Address, type: number): Address {
  let q = m.get32(QUERIES_HEAD)
  while (
    q !== 0 &&
    !(
      isAsking(m, q) &&
      (type === 0 || m.get16(q + QUERY_TYPE) === type) &&
      dns.nameIs(m.view, message, at, end, m.bytes, q + QUERY_NAME)
    )
  )
    q = m.get32(q + QUERY_NEXT)
  return q
}

/** RFC 6762, 6.1: the name is there, and has only the types of the bitmap. */
function learnNothing(
  s: Core,
  message: Address,
  at: Address,
  end: Address,
  fields: Address,
  ttl: number,
): void {
  const { m } = s
  const q = askingFor(m, message, at, end, 0)
  if (q === 0 || ttl === 0) return
  const type = m.get16(q + QUERY_TYPE)
  const dataEnd = fields + dns.RECORD_DATA + m.view.getUint16(fields + dns.RECORD_LENGTH)
  const bitmap = dns.skipName(m.view, fields + dns.RECORD_DATA, dataEnd)
  if (bitmap === -1 || bitmap + 2 > dataEnd || m.get8(bitmap) !== 0) return
  const byte = bitmap + 2 + (type >> 3)
  const isThere =
    type >> 3 < m.get8(bitmap + 1) && byte < dataEnd && (m.get8(byte) & (0x80 >> (type & 7))) !== 0
  if (!isThere && cache.findCached(s, q + QUERY_NAME, m.get8(q + QUERY_NAME_LENGTH), type) === 0)
    cache.keepSet(
      s,
      q + QUERY_NAME,
      m.get8(q + QUERY_NAME_LENGTH),
      type,
      Math.min(ttl, cache.NEGATIVE_TTL_MAX),
    )
}
