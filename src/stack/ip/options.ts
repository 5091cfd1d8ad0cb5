/**
 * IP_OPTIONS: the options of a datagram, RFC 791, 3.1, read as RFC 1122, 3.2.1.8 and RFC 1812, 5.3.13 ask: each within its bounds,
 * unknown ones skipped. Routes and times are recorded where there is room. Source routes are refused, as by Linux's default: they
 * lead answers, and what is allowed to whom, astray. A profile without this feature reads no options.
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { linkAt } from '../ethernet/links.ts'
import { sendError } from '../icmp/errors.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { LINK_ADDRESS, NOW_MS } from '../memory/layout.ts'
import { icmpOutParmProbs } from '../mib.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import { ICMP_PARAMETER_PROBLEM } from '../wire/icmp.ts'
import { IP_CHECKSUM, IP_HEADER } from '../wire/ipv4.ts'
import { isOurs } from './local.ts'

const END = 0
const NO_OPERATION = 1
const RECORD_ROUTE = 7
const TIMESTAMP = 68
const LOOSE_SOURCE_ROUTE = 131
const STRICT_SOURCE_ROUTE = 137

/** Where in an option its length stands, and its pointer, which counts from 1. */
const LENGTH = 1
const POINTER = 2
/** Timestamp: the number of hosts that had no room, in the upper four bits, and what is recorded. */
const OVERFLOW_FLAG = 3
const TIMES = 0
const ADDRESSES_AND_TIMES = 1
const TIMES_OF_THESE = 3

/** The feature IP_OPTIONS as core code knows it. Without it a datagram's options are passed over. */
export interface IpOptions {
  /** Checks the options of the datagram at `ip`. Drop.None, or why it was dropped; its source was told what is wrong. */
  check(s: Core, ip: Address, headerLength: number): Drop
  /** RFC 1122, 3.2.2.6; RFC 1812, 5.3.13.5: records us, as `link` knows us, in the header, whose options were checked. */
  record(s: Core, ip: Address, headerLength: number, link: number): void
  /**
   * RFC 1122, 3.2.2.6: puts the recorded routes and times of the datagram at `ip`, ours among them, to `to`, where the options
   * of its reply stand. Their bytes, 0 when there are none.
   */
  echo(s: Core, ip: Address, headerLength: number, to: Address): number
}

/** Visits each option but the one-byte ones; the visitor gives 0, or where in the header something is wrong. */
function visit(
  m: Arena,
  ip: Address,
  headerLength: number,
  each: (at: Address, size: number) => number,
): number {
  const end = ip + headerLength
  for (let at = ip + IP_HEADER; at < end && m.get8(at) !== END; ) {
    if (m.get8(at) === NO_OPERATION) {
      at++
      continue
    }
    if (at + LENGTH >= end) return at - ip
    const size = m.get8(at + LENGTH)
    if (size < 2 || at + size > end) return at + LENGTH - ip
    const fault = each(at, size)
    if (fault !== 0) return fault
    at += size
  }
  return 0
}

/** RFC 791, 3.1: a record has a pointer of at least `least`; where the record is not full, room for one more entry stands there. */
function faultOf(m: Arena, ip: Address, at: Address, size: number): number {
  switch (m.get8(at)) {
    case RECORD_ROUTE:
      if (size < 3) return at + LENGTH - ip
      return m.get8(at + POINTER) < 4 || isCut(m, at, size, 4) ? at + POINTER - ip : 0
    case TIMESTAMP: {
      if (size < 4) return at + LENGTH - ip
      const kind = m.get8(at + OVERFLOW_FLAG) & 15
      if (kind !== TIMES && kind !== ADDRESSES_AND_TIMES && kind !== TIMES_OF_THESE)
        return at + OVERFLOW_FLAG - ip
      return m.get8(at + POINTER) < 5 || isCut(m, at, size, kind === TIMES ? 4 : 8) ? at + POINTER - ip : 0
    }
    default:
      return 0
  }
}

/** Whether there is room, but not for a whole entry. */
const isCut = (m: Arena, at: Address, size: number, entry: number): boolean => {
  const pointer = m.get8(at + POINTER)
  return pointer <= size && pointer - 1 + entry > size
}

/** Milliseconds since midnight, Universal Time, where the host knows it; ours does not: RFC 791: then the highest bit is set. */
const nonStandardTime = (m: Arena): number => m.get32(NOW_MS) | 0x80000000

function recordTime(s: Core, at: Address, address: number): void {
  const { m } = s
  const pointer = m.get8(at + POINTER)
  const entry = at + pointer - 1
  const kind = m.get8(at + OVERFLOW_FLAG) & 15
  if (pointer > m.get8(at + LENGTH)) {
    // "the overflow count is incremented"; it is never let run over.
    if (m.get8(at + OVERFLOW_FLAG) >> 4 < 15) m.put8(at + OVERFLOW_FLAG, m.get8(at + OVERFLOW_FLAG) + 16)
    return
  }
  if (kind === TIMES_OF_THESE && !isOurs(m, m.view.getInt32(entry))) return
  if (kind === ADDRESSES_AND_TIMES) m.view.setInt32(entry, address)
  m.view.setInt32(kind === TIMES ? entry : entry + 4, nonStandardTime(m))
  m.put8(at + POINTER, pointer + (kind === TIMES ? 4 : 8))
}

/** The feature IP_OPTIONS. */
export const ipOptions: IpOptions = {
  check(s, ip, headerLength) {
    const { m } = s
    let sourceRouted = false
    const fault = visit(m, ip, headerLength, (at, size) => {
      if (m.get8(at) === LOOSE_SOURCE_ROUTE || m.get8(at) === STRICT_SOURCE_ROUTE) sourceRouted = true
      return faultOf(m, ip, at, size)
    })
    if (fault !== 0) {
      if (sendError(s, ip, ICMP_PARAMETER_PROBLEM, 0, fault << 24)) count(s, icmpOutParmProbs)
      return dropped(s, Drop.BadIpOptions)
    }
    return sourceRouted ? dropped(s, Drop.SourceRoute) : Drop.None
  },

  record(s, ip, headerLength, link) {
    const { m } = s
    const address = m.get32(linkAt(m, link) + LINK_ADDRESS)
    visit(m, ip, headerLength, (at, size) => {
      const pointer = m.get8(at + POINTER)
      if (m.get8(at) === TIMESTAMP) recordTime(s, at, address)
      if (m.get8(at) === RECORD_ROUTE && pointer <= size) {
        m.view.setInt32(at + pointer - 1, address)
        m.put8(at + POINTER, pointer + 4)
      }
      return 0
    })
    m.put16(ip + IP_CHECKSUM, 0)
    m.put16(ip + IP_CHECKSUM, complement(sumBytes(m, ip, headerLength)))
  },

  echo(s, ip, headerLength, to) {
    const { m } = s
    let end = to
    ipOptions.record(s, ip, headerLength, s.link)
    visit(m, ip, headerLength, (at, size) => {
      if (m.get8(at) !== RECORD_ROUTE && m.get8(at) !== TIMESTAMP) return 0
      m.bytes.copyWithin(end, at, at + size)
      end += size
      return 0
    })
    for (; ((end - to) & 3) !== 0; end++) m.put8(end, END)
    return end - to
  },
}
