/**
 * How routers learn which groups have members here: IGMP version 2, RFC 2236, 6.
 *
 *     join: report at once, and again     -->  delaying member  --timer: report-->  idle member
 *     a query starts the timer, at random within the time that it gives; another's report stops it
 *     leave: told to all routers, if we were the last to report
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { takeFrame } from '../ethernet/frames.ts'
import { linkAt } from '../ethernet/links.ts'
import { payloadAt, type Sending, sendWithOptions } from '../ip/datagram.ts'
import type { Address } from '../memory/arena.ts'
import { GROUPS, LINK_ADDRESS, LINK_V1, LINK_V1_UNTIL, NOW_MS } from '../memory/layout.ts'
import { clearTimer, startTimer, TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { igmpInQueries, igmpInReports, igmpOutLeaves, igmpOutReports } from '../mib.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import {
  ALL_HOSTS,
  ALL_ROUTERS,
  IGMP_CHECKSUM,
  IGMP_GROUP,
  IGMP_HEADER,
  IGMP_LEAVE,
  IGMP_MAX_RESPONSE,
  IGMP_QUERY,
  IGMP_TYPE,
  IGMP_V1_REPORT,
  IGMP_V2_REPORT,
  putIgmp,
} from '../wire/igmp.ts'
import { isMulticast, PROTOCOL_IGMP } from '../wire/ipv4.ts'
import { findGroup, GROUP_ADDRESS, GROUP_LINK, GROUP_NEXT, GROUP_REPORTED } from './groups.ts'

/** RFC 2236, 8.10: "Default: 10 seconds". */
const UNSOLICITED_REPORT_MS = 10_000
/** RFC 2236, 4: a maximum response time of 0 "MUST be interpreted as a value of 100 (10 seconds)". */
const V1_RESPONSE = 100
/** RFC 2236, 8.11: "Value: 400 seconds". */
const V1_ROUTER_PRESENT_MS = 400_000
/** RFC 2113, 2.1: Router Alert, "router shall examine packet". */
const ROUTER_ALERT = 0x94040000
const ROUTER_ALERT_LENGTH = 4
/** One object for all messages. */
const sending: { -readonly [K in keyof Sending]: Sending[K] } = { ttl: 1, link: 0 }

/** RFC 2236, 3: a report at once, "repeated once or twice after short delays". */
export function joined(s: Core, group: Address): void {
  if (s.m.get32(group + GROUP_ADDRESS) === ALL_HOSTS) return
  report(s, group)
  delay(s, group, UNSOLICITED_REPORT_MS)
}

/** RFC 2236, 6: "If the interface state says the Querier is running IGMPv1, this action SHOULD be skipped." */
export function left(s: Core, group: Address): void {
  const { m } = s
  const link = m.get8(group + GROUP_LINK)
  if (m.get8(group + GROUP_REPORTED) === 0 || isVersion1(s, link)) return
  if (send(s, link, ALL_ROUTERS, IGMP_LEAVE, m.get32(group + GROUP_ADDRESS))) count(s, igmpOutLeaves)
}

/** The link has an address now, or another segment was joined to it: its groups are reported as if they were just joined. */
export function reportAll(s: Core, link: number): void {
  const { m } = s
  for (let at = m.get32(GROUPS); at !== 0; at = m.get32(at + GROUP_NEXT))
    if (m.get8(at + GROUP_LINK) === link) joined(s, at)
}

/** A group's timer fired. */
export const groupTimer = (s: Core, group: Address): void => report(s, group)

/** An IGMP message of `length` bytes at `at`. RFC 2236, 2.5: what stands behind its first 8 bytes is checked and ignored. */
export function igmpInput(s: Core, at: Address, length: number): Drop {
  const { m } = s
  if (length < IGMP_HEADER || sumBytes(m, at, length) !== 0xffff) return dropped(s, Drop.BadIgmp)
  const group = m.view.getInt32(at + IGMP_GROUP)
  switch (m.get8(at + IGMP_TYPE)) {
    case IGMP_QUERY:
      if (group !== 0 && !isMulticast(group)) return dropped(s, Drop.BadIgmp)
      count(s, igmpInQueries)
      queried(s, group, m.get8(at + IGMP_MAX_RESPONSE))
      return Drop.None
    case IGMP_V1_REPORT:
    case IGMP_V2_REPORT:
      count(s, igmpInReports)
      reported(s, group)
      return Drop.None
    default:
      return Drop.None
  }
}

/** RFC 2236, 3: a timer for each group in question, all of them where `group` is 0. `response` in tenths of a second. */
function queried(s: Core, group: number, response: number): void {
  const { m, link } = s
  if (response === 0) {
    m.put8(linkAt(m, link) + LINK_V1, 1)
    m.put32(linkAt(m, link) + LINK_V1_UNTIL, (m.get32(NOW_MS) + V1_ROUTER_PRESENT_MS) | 0)
  }
  const most = (response || V1_RESPONSE) * 100
  for (let at = m.get32(GROUPS); at !== 0; at = m.get32(at + GROUP_NEXT)) {
    const address = m.get32(at + GROUP_ADDRESS)
    if (m.get8(at + GROUP_LINK) !== link || address === ALL_HOSTS) continue
    if (group !== 0 && address !== group) continue
    // "If a timer for the group is already running, it is reset to the random value only if the requested
    // Max Response Time is less than the remaining value of the running timer."
    const left = (m.get32(at + TIMER_AT) - m.get32(NOW_MS)) | 0
    if (!timerIsSet(m, at) || most < left) delay(s, at, most)
  }
}

/** RFC 2236, 3: another's report "while it has a timer running" stops the timer: one is enough. */
function reported({ m, link }: Core, group: number): void {
  const at = findGroup(m, group, link)
  if (at === 0 || !timerIsSet(m, at)) return
  clearTimer(m, at)
  m.put8(at + GROUP_REPORTED, 0)
}

/** Sets a group's timer "uniformly from the interval (0, Max Response Time]". */
const delay = (s: Core, group: Address, most: number): void =>
  startTimer(s.m, group, 1 + (s.random32() % most))

function report(s: Core, group: Address): void {
  const { m } = s
  const link = m.get8(group + GROUP_LINK)
  const address = m.get32(group + GROUP_ADDRESS)
  if (!send(s, link, address, isVersion1(s, link) ? IGMP_V1_REPORT : IGMP_V2_REPORT, address)) return
  m.put8(group + GROUP_REPORTED, 1)
  count(s, igmpOutReports)
}

/** RFC 2236, 4: whether a version 1 query was heard on this link in the last 400 s. */
function isVersion1({ m }: Core, link: number): boolean {
  const at = linkAt(m, link)
  if (m.get8(at + LINK_V1) === 0) return false
  if (((m.get32(at + LINK_V1_UNTIL) - m.get32(NOW_MS)) | 0) > 0) return true
  m.put8(at + LINK_V1, 0)
  return false
}

/**
 * RFC 2236, 2: "All IGMP messages described in this document are sent with IP TTL 1, and contain the IP Router Alert option".
 * False: the link has no address, or memory is full.
 */
function send(s: Core, link: number, destination: number, type: number, group: number): boolean {
  const { m } = s
  const source = m.get32(linkAt(m, link) + LINK_ADDRESS)
  const page = source === 0 ? 0 : takeFrame(s, true)
  if (page === 0) return false
  const at = payloadAt(page)
  const message = at + ROUTER_ALERT_LENGTH
  m.view.setUint32(at, ROUTER_ALERT)
  putIgmp(m.view, message, type, group)
  m.put16(message + IGMP_CHECKSUM, complement(sumBytes(m, message, IGMP_HEADER)))
  sending.link = link
  return (
    sendWithOptions(
      s,
      page,
      ROUTER_ALERT_LENGTH,
      destination,
      PROTOCOL_IGMP,
      IGMP_HEADER,
      source,
      sending,
    ) === 0
  )
}
