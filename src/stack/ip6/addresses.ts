/**
 * The host's own addresses and their lives, RFC 4862, 5.5.4.
 *
 *     tentative --nobody else has it--> preferred --preferred lifetime--> deprecated --valid lifetime--> gone
 *         | somebody has it
 *         v
 *     duplicate, or another interface identifier is tried (iid.ts)
 *
 * Those that are preferred or deprecated are assigned, and stay so while they are tested again, when the link has come up.
 */
import type { Core } from '../core.ts'
import { EADDRNOTAVAIL, EINVAL, ENOBUFS, type Errno } from '../errno.ts'
import { joinGroup6, leaveGroup6 } from '../icmp6/groups.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { clearTimer } from '../memory/wheel.ts'
import { LOCAL_ADDRESS } from '../socket/record.ts'
import { endConnection, visitConnections } from '../tcp/connection.ts'
import { LISTEN, stateOf } from '../tcp/tcb.ts'
import { connectionsLoseAddress } from '../tcp/unreachable.ts'
import { wantSweep } from './destinations.ts'
import { beginTesting, testAgainTimer, testTimer } from './duplicates.ts'
import { isAssignable, putSolicitedNode } from './kinds.ts'
import { setPrefix } from './prefixes.ts'
import {
  ADDRESS6,
  ADDRESSES,
  addToList,
  copyAddress,
  FOR_EVER,
  isSame,
  leftOf,
  linkOf,
  NEXT6,
  PREFIX_BITS,
  removeFromList,
  SORT_ADDRESS,
  STATE6,
  timeLife,
  untilAfter,
  VALID_UNTIL,
} from './records.ts'
import { scratchOf } from './scratch.ts'

/** Values of STATE6 in an address's record, RFC 4862, 2. */
export const TENTATIVE = 1
export const PREFERRED = 2
export const DEPRECATED = 3
export const DUPLICATE = 4
/** Ours no more; the record stays until no socket names it. */
export const GONE = 5

/** RFC 4862, 5.5.4: seconds on the host's clock, FOR_EVER or earlier. */
export const PREFERRED_UNTIL = 44
/** 1: a socket names it; meaningful during a sweep (destinations.ts). */
export const OWN_NAMED = 48
/** Where it came from: the link-local address of every host, a router's prefix, or its owner. */
export const ORIGIN = 49
export const ORIGIN_LINK_LOCAL = 0
export const ORIGIN_ROUTER = 1
export const ORIGIN_OWNER = 2
/** Solicitations sent while it is tested, and how many interface identifiers were tried before this one. */
export const TESTS_SENT = 50
export const TRIES = 51
/** Of an assigned one that is tested again (duplicates.ts): NOT_AGAIN, or how far that is. */
export const AGAIN = 52
export const NOT_AGAIN = 0
export const AGAIN_WAITS = 1
export const AGAIN_ASKED = 2
/** 1: it is a user of its solicited-node group. */
const JOINED = 53

/** So many that no router can fill the memory with them. */
const ADDRESSES_MAX = 16

/** Visits all that are not gone. */
export function visitOwn(m: Arena, visit: (a: Address) => void): void {
  for (let a = m.get32(linkOf(m) + ADDRESSES); a !== 0; a = m.get32(a + NEXT6))
    if (m.get8(a + STATE6) !== GONE) visit(a)
}

/** Our record for the address at `at`, tentative ones and duplicates as well; 0 when it is not ours. */
export function findOwn(m: Arena, at: Address): Address {
  let a = m.get32(linkOf(m) + ADDRESSES)
  while (a !== 0 && !(isSame(m, a + ADDRESS6, at) && m.get8(a + STATE6) !== GONE)) a = m.get32(a + NEXT6)
  return a
}

/** Whether it has passed its test: RFC 4862, 2: "assigned". */
export const isAssigned = (m: Arena, a: Address): boolean =>
  m.get8(a + STATE6) === PREFERRED || m.get8(a + STATE6) === DEPRECATED

/** Begins to test an address; 0 when there are too many, or memory is full. Lifetimes in seconds. */
export function takeAddress(
  s: Core,
  at: Address,
  bits: number,
  origin: number,
  valid: number,
  preferred: number,
): Address {
  const { m } = s
  const a = addToList(m, linkOf(m) + ADDRESSES, SORT_ADDRESS, at, ADDRESSES_MAX)
  if (a === 0) return 0
  m.put8(a + PREFIX_BITS, bits)
  m.put8(a + ORIGIN, origin)
  setLifetimes(s, a, valid, preferred)
  beginTesting(s, a)
  return a
}

/** The owner's: see addAddress6 (stack.ts). Its bytes stand at `at`. */
export function addOwn(s: Core, at: Address, bits: number): 0 | Errno {
  const { m } = s
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 128) || !isAssignable(m, at)) return EINVAL
  if (findOwn(m, at) !== 0) return EINVAL
  if (takeAddress(s, at, bits, ORIGIN_OWNER, FOR_EVER, FOR_EVER) === 0) return ENOBUFS
  setPrefix(s, at, bits, FOR_EVER)
  return 0
}

/** The owner's: see removeAddress6 (stack.ts). EADDRNOTAVAIL when the address at `at` is not ours. */
export function loseOwn(s: Core, at: Address): 0 | Errno {
  const a = findOwn(s.m, at)
  if (a === 0) return EADDRNOTAVAIL
  loseAddress(s, a)
  return 0
}

/** The link has not heard of anybody else with this address: it is ours. */
export function assign(s: Core, a: Address): void {
  s.m.put8(a + STATE6, PREFERRED)
  lifeTimer(s, a)
  tellServices(s)
}

export function tellServices(s: Core): void {
  for (const service of s.services) service.addresses6Changed?.(s)
}

/** The one that has passed its test behind `before`, 0 for the first; 0 when there are no more. Both as words. */
export function nextAssigned(m: Arena, before: number): number {
  if (linkOf(m) === 0) return 0
  let a = m.get32(before === 0 ? linkOf(m) + ADDRESSES : before - ADDRESS6 + NEXT6)
  while (a !== 0 && !isAssigned(m, a)) a = m.get32(a + NEXT6)
  return a === 0 ? 0 : a + ADDRESS6
}

/** Its timer fired: a test's, or its lifetimes'. */
export function addressTimer(s: Core, a: Address): void {
  if (s.m.get8(a + STATE6) === TENTATIVE) testTimer(s, a)
  else if (s.m.get8(a + AGAIN) !== NOT_AGAIN) testAgainTimer(s, a)
  else lifeTimer(s, a)
}

/** Both in seconds from now, FOR_EVER for no end; 5.5.4: what they make of the address is so at once. */
export function setLifetimes(s: Core, a: Address, valid: number, preferred: number): void {
  const { m } = s
  m.put32(a + VALID_UNTIL, untilAfter(m, valid))
  m.put32(a + PREFERRED_UNTIL, untilAfter(m, preferred))
  // The second test is over in two seconds, and has the lifetimes looked at.
  if (isAssigned(m, a) && m.get8(a + AGAIN) === NOT_AGAIN) lifeTimer(s, a)
}

/** 5.5.4: what its lifetimes make of it now, and when to look again. */
export function lifeTimer(s: Core, a: Address): void {
  const { m } = s
  const valid = leftOf(m, m.get32(a + VALID_UNTIL) >>> 0)
  const preferred = leftOf(m, m.get32(a + PREFERRED_UNTIL) >>> 0)
  if (valid === 0) return expire(s, a)
  m.put8(a + STATE6, preferred === 0 ? DEPRECATED : PREFERRED)
  timeLife(m, a, m.get32(a + (preferred === 0 || valid < preferred ? VALID_UNTIL : PREFERRED_UNTIL)) >>> 0)
}

/** "An invalid address MUST NOT be used as a source address": its connections end without a word. */
function expire(s: Core, a: Address): void {
  const { m } = s
  visitConnections(m, t => {
    if (m.get32(t + LOCAL_ADDRESS) === a + ADDRESS6 && stateOf(m, t) !== LISTEN)
      endConnection(s, t, EADDRNOTAVAIL)
  })
  loseAddress(s, a)
}

/** It is ours no more: its connections end. */
export function loseAddress(s: Core, a: Address): void {
  const { m } = s
  const had = isAssigned(m, a)
  if (had) connectionsLoseAddress(s, a + ADDRESS6)
  clearTimer(m, a)
  leaveSolicitedNode(s, a)
  m.put8(a + STATE6, GONE)
  if (had) tellServices(s)
  wantSweep(s)
}

/** Frees the record of one that is gone. */
export const removeOwn = (m: Arena, a: Address): void => removeFromList(m, linkOf(m) + ADDRESSES, a)

/** RFC 4291, 2.8: a host joins the solicited-node group of each of its addresses. The test joins it (duplicates.ts). */
export function joinSolicitedNode(s: Core, a: Address): void {
  if (s.m.get8(a + JOINED) !== 0) return
  putSolicitedNode(s.m, scratchOf(s.m), a + ADDRESS6)
  if (joinGroup6(s, scratchOf(s.m)) === 0) s.m.put8(a + JOINED, 1)
}

/** Undoes joinSolicitedNode; nothing, where the test has not begun, or there was no room for the group. */
export function leaveSolicitedNode(s: Core, a: Address): void {
  if (s.m.get8(a + JOINED) === 0) return
  s.m.put8(a + JOINED, 0)
  putSolicitedNode(s.m, scratchOf(s.m), a + ADDRESS6)
  leaveGroup6(s, scratchOf(s.m))
}

/** Gives the record another address, to be tested in its turn. */
export function replaceAddress(s: Core, a: Address, at: Address): void {
  leaveSolicitedNode(s, a)
  copyAddress(s.m, a + ADDRESS6, at)
  beginTesting(s, a)
}
