/**
 * A server's answer to a question: its records are kept, aliases followed (RFC 1034, 5.3.3), and what is said not to be
 * there is remembered for a while (RFC 2308).
 */
import type { Core } from '../core.ts'
import { ENOBUFS, ENODATA, ENOENT } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import {
  CLASS_IN,
  DNS_ANSWERS,
  DNS_AUTHORITIES,
  DNS_FLAGS,
  DNS_RCODE,
  nameIs,
  RCODE_NO_NAME,
  RECORD_CLASS,
  RECORD_DATA,
  RECORD_LENGTH,
  RECORD_TTL,
  RECORD_TYPE,
  recordsAt,
  skipName,
  skipRecord,
  TYPE_CNAME,
  TYPE_NS,
  TYPE_SOA,
} from '../wire/dns.ts'
import { addData, DATA_LENGTH, dataAt, forgetCached, keepSet, NEGATIVE_TTL_MAX, NO_NAME } from './cache.ts'
import { finish, finishWith, followAlias, LINKS, QUERY_NAME, QUERY_NAME_LENGTH, QUERY_TYPE } from './query.ts'

/** What became of a question: it is over. */
export const OVER = 0
/** The answer led to an alias and no farther: the question is now for that. */
export const AGAIN = 1
/** The server refers to others, which is no use to us. */
export const USELESS = 2

/** RFC 2181, 8: a time to live with the top bit set is zero. */
export const ttlOf = (ttl: number): number => (ttl > 0x7fffffff ? 0 : ttl)

/** The message from `message` to `end` answers the question; its last record may be cut off. */
export function takeAnswer(s: Core, q: Address, message: Address, end: Address): number {
  const { m } = s
  const before = m.get8(q + LINKS)
  for (;;) {
    const set = readSet(s, q, message, end, m.get16(q + QUERY_TYPE))
    if (set > 0) {
      finishWith(s, q, set)
      return OVER
    }
    const alias = set === 0 ? readSet(s, q, message, end, TYPE_CNAME) : set
    if (alias === 0) break
    if (alias < 0) {
      finish(s, q, ENOBUFS)
      return OVER
    }
    if (!followAlias(s, q, dataAt(m, alias))) return OVER
  }
  return takeNothing(s, q, message, end, m.get8(q + LINKS) > before)
}

/** Keeps the answer's records of this type under the name that is asked for: their set; 0 when there are none, -1 no room. */
function readSet(s: Core, q: Address, message: Address, end: Address, type: number): Address {
  const { m } = s
  const { view } = m
  let set = 0
  let at = recordsAt(view, message, end)
  for (let left = view.getUint16(message + DNS_ANSWERS); left > 0 && at !== -1; left--) {
    const behind = skipRecord(view, at, end)
    if (behind === -1) break
    const fields = skipName(view, at, end)
    if (
      view.getUint16(fields + RECORD_TYPE) === type &&
      view.getUint16(fields + RECORD_CLASS) === CLASS_IN &&
      nameIs(view, message, at, end, m.bytes, q + QUERY_NAME)
    ) {
      const ttl = ttlOf(view.getUint32(fields + RECORD_TTL))
      if (set === 0) set = keepSet(s, q + QUERY_NAME, m.get8(q + QUERY_NAME_LENGTH), type, ttl)
      if (set === 0) return -1
      addData(s, set, message, end, fields + RECORD_DATA, view.getUint16(fields + RECORD_LENGTH))
    }
    at = behind
  }
  if (set === 0 || m.get16(set + DATA_LENGTH) > 0) return set
  // Records, but none that is well formed.
  forgetCached(s, set)
  return 0
}

/** RFC 2308, 2: the name does not exist, or has no records of the type; or the server did not say. */
function takeNothing(s: Core, q: Address, message: Address, end: Address, followed: boolean): number {
  const { m } = s
  const noName = (m.view.getUint16(message + DNS_FLAGS) & DNS_RCODE) === RCODE_NO_NAME
  const soa = findAuthority(s, message, end, TYPE_SOA)
  if (soa !== -1) {
    const type = noName ? NO_NAME : m.get16(q + QUERY_TYPE)
    keepSet(s, q + QUERY_NAME, m.get8(q + QUERY_NAME_LENGTH), type, negativeTtl(s, soa))
  } else if (!noName) {
    if (followed) return AGAIN
    // RFC 2308, 2.2.1: a referral is not an answer.
    if (findAuthority(s, message, end, TYPE_NS) !== -1) return USELESS
  }
  finish(s, q, noName ? ENOENT : ENODATA)
  return OVER
}

/** The fields of the first record of a type in the authority section, -1 when there is none. */
function findAuthority(s: Core, message: Address, end: Address, type: number): Address {
  const { view } = s.m
  let at = recordsAt(view, message, end)
  const answers = view.getUint16(message + DNS_ANSWERS)
  const records = answers + view.getUint16(message + DNS_AUTHORITIES)
  for (let i = 0; i < records && at !== -1; i++) {
    const behind = skipRecord(view, at, end)
    if (behind === -1) return -1
    const fields = skipName(view, at, end)
    if (i >= answers && view.getUint16(fields + RECORD_TYPE) === type) return fields
    at = behind
  }
  return -1
}

/** RFC 2308, 5: "the minimum of the SOA.MINIMUM field and SOA's TTL"; MINIMUM is the last word of its data. */
function negativeTtl(s: Core, soa: Address): number {
  const { view } = s.m
  const length = view.getUint16(soa + RECORD_LENGTH)
  if (length < 20) return 0
  const minimum = ttlOf(view.getUint32(soa + RECORD_DATA + length - 4))
  return Math.min(minimum, ttlOf(view.getUint32(soa + RECORD_TTL)), NEGATIVE_TTL_MAX)
}
