/**
 * Groups and their listeners, MLDv1, RFC 2710: routers are told which groups somebody on the link listens to.
 *
 *     not there --joined: report--> delaying --timer: report, or another's report--> idle --query--> delaying
 *         ^                                                                            | left
 *         +---------------------- done, where we were the last to report --------------+
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { EADDRNOTAVAIL, EINVAL, ENOBUFS, type Errno } from '../errno.ts'
import { frameAt, takeFrame } from '../ethernet/frames.ts'
import {
  ALL_ROUTERS,
  isAllNodes,
  isLinkLocal6,
  isMulticast6,
  isUnspecified,
  putLinkGroup,
  SCOPE_LINK,
  scopeOf,
} from '../ip6/kinds.ts'
import { header6At, launch } from '../ip6/output.ts'

import {
  ADDRESS6,
  addToList,
  copyAddress,
  findInList,
  GROUPS,
  linkOf,
  NEXT6,
  removeFromList,
  SORT_GROUP,
  STATE6,
} from '../ip6/records.ts'
import { chooseLinkLocal } from '../ip6/source.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { clearTimer, startTimer, TIMER_AT } from '../memory/wheel.ts'
import { complement, pseudoSum6, sumBytes } from '../wire/checksum.ts'
import {
  ICMP6_CHECKSUM,
  ICMP6_TYPE,
  MLD_DELAY,
  MLD_DONE,
  MLD_GROUP,
  MLD_LENGTH,
  MLD_REPORT,
} from '../wire/icmp6.ts'
import {
  IP6_DESTINATION,
  IP6_HEADER,
  IP6_HOP_LIMIT,
  IP6_SOURCE,
  NEXT_HOP_BY_HOP,
  NEXT_ICMP6,
  putIpv6,
  putRouterAlert,
} from '../wire/ipv6.ts'

const DELAYING = 1
const IDLE = 2

/** How often it was joined; whether ours was the last report; how many unsolicited reports are still to come. */
const USERS = 40
const LAST_REPORTER = 42
const REPORTS_LEFT = 43
/** How many of its users are programs; the others are our addresses, for whose solicited-node group it is. */
const PROGRAMS = 44

/** One for each address, and as many for programs. */
const GROUPS_MAX = 32
/** RFC 2710, 7.10, and 4: "it is RECOMMENDED that it be repeated once or twice after short delays". */
const UNSOLICITED_REPORT_INTERVAL_MS = 10_000
const UNSOLICITED_AGAIN = 1
/** The hop-by-hop header with the router alert (RFC 2710, 3). */
const ALERT_LENGTH = 8

/** Whether packets to the group at `at` are for us. */
export const isListening = (m: Core['m'], at: Address): boolean =>
  isAllNodes(m, at) || findInList(m, linkOf(m) + GROUPS, at) !== 0

/** A program's: see joinGroup6 (stack.ts); the group stands at `at`. */
export function enterGroup6(s: Core, at: Address): 0 | Errno {
  const fault = joinGroup6(s, at)
  if (fault === 0) countPrograms(s.m, findInList(s.m, linkOf(s.m) + GROUPS, at), 1)
  return fault
}

/** A program's: see leaveGroup6 (stack.ts). RFC 4291, 2.8: the groups of our addresses are not a program's to leave. */
export function quitGroup6(s: Core, at: Address): 0 | Errno {
  const g = findInList(s.m, linkOf(s.m) + GROUPS, at)
  if (g === 0 || s.m.get16(g + PROGRAMS) === 0) return EADDRNOTAVAIL
  countPrograms(s.m, g, -1)
  return leaveGroup6(s, at)
}

const countPrograms = (m: Arena, g: Address, more: number): void =>
  m.put16(g + PROGRAMS, m.get16(g + PROGRAMS) + more)

/** One user more, a program or an address of ours. EINVAL: it is no group that a link carries. */
export function joinGroup6(s: Core, at: Address): 0 | Errno {
  const { m } = s
  // Nothing of interface-local scope comes from a link.
  if (!isMulticast6(m, at) || scopeOf(m, at) < SCOPE_LINK) return EINVAL
  const known = findInList(m, linkOf(m) + GROUPS, at)
  const g = known || addToList(m, linkOf(m) + GROUPS, SORT_GROUP, at, GROUPS_MAX)
  if (g === 0) return ENOBUFS
  m.put16(g + USERS, m.get16(g + USERS) + 1)
  if (known === 0) beginReporting(s, g)
  return 0
}

/** One user less. EADDRNOTAVAIL when there was none; 4: after the last a Done is sent, if we were the last to report. */
export function leaveGroup6(s: Core, at: Address): 0 | Errno {
  const { m } = s
  const g = findInList(m, linkOf(m) + GROUPS, at)
  if (g === 0) return EADDRNOTAVAIL
  const users = m.get16(g + USERS) - 1
  m.put16(g + USERS, users)
  if (users > 0) return 0
  if (m.get8(g + LAST_REPORTER) !== 0 && isReported(s, g)) sendMld(s, MLD_DONE, g + ADDRESS6)
  removeFromList(m, linkOf(m) + GROUPS, g)
  return 0
}

/** RFC 2710, 5: "the link-scope all-nodes address (FF02::1) is handled as a special case": nobody reports it. */
const isReported = (s: Core, g: Address): boolean => !isAllNodes(s.m, g + ADDRESS6)

/** 4: "When a node starts listening ... it should immediately transmit an unsolicited Report". */
function beginReporting(s: Core, g: Address): void {
  if (!isReported(s, g)) return
  s.m.put8(g + REPORTS_LEFT, UNSOLICITED_AGAIN)
  report(s, g)
}

/** Reports all groups anew. */
export function reportAll(s: Core): void {
  for (let g = s.m.get32(linkOf(s.m) + GROUPS); g !== 0; g = s.m.get32(g + NEXT6)) beginReporting(s, g)
}

function report(s: Core, g: Address): void {
  const { m } = s
  sendMld(s, MLD_REPORT, g + ADDRESS6)
  m.put8(g + LAST_REPORTER, 1)
  m.put8(g + STATE6, IDLE)
  const left = m.get8(g + REPORTS_LEFT)
  if (left === 0) return
  m.put8(g + REPORTS_LEFT, left - 1)
  delay(s, g, UNSOLICITED_REPORT_INTERVAL_MS)
}

/** A report is due within so many milliseconds, unless another's comes first. */
function delay(s: Core, g: Address, most: number): void {
  s.m.put8(g + STATE6, DELAYING)
  startTimer(s.m, g, s.random32() % (most + 1))
}

/** RFC 2710, 4: the delay is over and nobody else has reported: we do. */
export const groupTimer = (s: Core, g: Address): void => report(s, g)

/** A query, report or done of `length` bytes at `at` in the packet at `ip`; 3: sent from a link-local address, hop limit 1. */
export function mldInput(s: Core, ip: Address, at: Address, length: number, type: number): Drop {
  const { m } = s
  if (length < MLD_LENGTH) return dropped(s, Drop.BadIcmpLength)
  if (m.get8(ip + IP6_HOP_LIMIT) !== 1) return dropped(s, Drop.BadHopLimit)
  if (!isLinkLocal6(m, ip + IP6_SOURCE)) return dropped(s, Drop.BadSource)
  const group = at + MLD_GROUP
  if (type === MLD_DONE) return Drop.None
  if (type === MLD_REPORT) return reportHeard(s, group)
  const most = m.view.getUint16(at + MLD_DELAY)
  for (let g = m.get32(linkOf(m) + GROUPS); g !== 0; ) {
    const next = m.get32(g + NEXT6)
    // 3.6: a general query names no group.
    if (isUnspecified(m, group) || g === findInList(m, linkOf(m) + GROUPS, group)) queried(s, g, most)
    g = next
  }
  return Drop.None
}

/** 4: the timer is set "unless it is already running", and due sooner. */
function queried(s: Core, g: Address, most: number): void {
  const { m } = s
  if (!isReported(s, g)) return
  const due = (m.get32(g + TIMER_AT) - m.get32(NOW_MS)) | 0
  if (m.get8(g + STATE6) === DELAYING && due <= most) return
  if (most === 0) {
    clearTimer(m, g)
    report(s, g)
  } else delay(s, g, most)
}

/** 4: another's report for a group that we delay ours for: "it stops its timer ... and does not send a Report". */
function reportHeard(s: Core, group: Address): Drop {
  const { m } = s
  const g = findInList(m, linkOf(m) + GROUPS, group)
  if (g === 0 || m.get8(g + STATE6) !== DELAYING) return Drop.None
  clearTimer(m, g)
  m.put8(g + STATE6, IDLE)
  m.put8(g + REPORTS_LEFT, 0)
  m.put8(g + LAST_REPORTER, 0)
  return Drop.None
}

/** 3: a report goes to the group, a done to all routers; hop limit 1, and a router alert before it. */
function sendMld(s: Core, type: number, group: Address): void {
  const { m } = s
  const page = takeFrame(s, true)
  if (page === 0) return
  const ip = header6At(page)
  const at = ip + IP6_HEADER + ALERT_LENGTH
  putIpv6(m.view, ip, ALERT_LENGTH + MLD_LENGTH, NEXT_HOP_BY_HOP, 1)
  putRouterAlert(m.view, ip + IP6_HEADER, NEXT_ICMP6)
  const from = chooseLinkLocal(s)
  if (from === 0) m.bytes.fill(0, ip + IP6_SOURCE, ip + IP6_DESTINATION)
  else copyAddress(m, ip + IP6_SOURCE, from)
  if (type === MLD_DONE) putLinkGroup(m, ip + IP6_DESTINATION, ALL_ROUTERS)
  else copyAddress(m, ip + IP6_DESTINATION, group)
  m.put32(at + ICMP6_TYPE, type)
  m.put32(at + MLD_DELAY, 0)
  copyAddress(m, at + MLD_GROUP, group)
  const sum = pseudoSum6(m, ip + IP6_SOURCE, NEXT_ICMP6, MLD_LENGTH) + sumBytes(m, at, MLD_LENGTH)
  m.put16(at + ICMP6_CHECKSUM, complement(sum))
  launch(s, page, ip - frameAt(page) + IP6_HEADER + ALERT_LENGTH + MLD_LENGTH)
}
