/**
 * Duplicate address detection, RFC 4862, 5.4: before an address is used, the link is asked who has it. Without optimism
 * (RFC 4429): nothing is sent from it until nobody has answered.
 *
 * 5.4: "it is possible that duplicate addresses will still exist (e.g., if the link was partitioned while Duplicate Address
 * Detection was performed)". So when the link has come up, or another segment was joined to it, all are tested again. Those
 * that are assigned stay so meanwhile, and are defended: connections go on where there is no duplicate.
 */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { connectionsLoseAddress } from '../tcp/unreachable.ts'
import {
  AGAIN,
  AGAIN_ASKED,
  AGAIN_WAITS,
  assign,
  DUPLICATE,
  isAssigned,
  joinSolicitedNode,
  leaveSolicitedNode,
  lifeTimer,
  loseAddress,
  NOT_AGAIN,
  ORIGIN,
  ORIGIN_LINK_LOCAL,
  ORIGIN_OWNER,
  PREFERRED_UNTIL,
  replaceAddress,
  TENTATIVE,
  TESTS_SENT,
  TRIES,
  takeAddress,
  tellServices,
} from './addresses.ts'
import { putInterfaceId } from './iid.ts'
import { retransMs } from './link.ts'
import { ADDRESS6, copyAddress, leftOf, PREFIX_BITS, STATE6, VALID_UNTIL } from './records.ts'
import { linkIsReady } from './router-solicitation.ts'
import { scratchOf } from './scratch.ts'
import { solicitOwn } from './solicit.ts'

/** RFC 4862, 5.1. */
const DUP_ADDR_DETECT_TRANSMITS = 1
/** RFC 4861, 10: MAX_RTR_SOLICITATION_DELAY, by which 5.4.2 has hosts that start together not speak together. */
const DELAY_MAX_MS = 1_000
/** RFC 7217, 6: how often another identifier is tried. */
const IDGEN_RETRIES = 3

/** Makes an address tentative; 5.4.2: it is asked about after a random delay of up to a second. */
export function beginTesting(s: Core, a: Address): void {
  const { m } = s
  m.put8(a + STATE6, TENTATIVE)
  m.put8(a + TESTS_SENT, 0)
  afterDelay(s, a)
}

const afterDelay = (s: Core, a: Address): void => startTimer(s.m, a, s.random32() % (DELAY_MAX_MS + 1))

/** The test's timer fired: ask, or nobody has answered for RetransTimer milliseconds. */
export function testTimer(s: Core, a: Address): void {
  const { m } = s
  const sent = m.get8(a + TESTS_SENT)
  if (sent >= DUP_ADDR_DETECT_TRANSMITS) {
    assign(s, a)
    if (m.get8(a + ORIGIN) === ORIGIN_LINK_LOCAL) linkIsReady(s)
    return
  }
  m.put8(a + TESTS_SENT, sent + 1)
  // 5.4.2: "Before sending a Neighbor Solicitation, an interface MUST join ... the solicited-node multicast address".
  if (sent === 0) joinSolicitedNode(s, a)
  solicitOwn(s, a)
  startTimer(m, a, retransMs(m))
}

/** The link came up. 5.4.2: what is asked "after interface (re)initialization" waits for a random time. */
export function testAgain(s: Core, a: Address): void {
  const { m } = s
  // Of a duplicate, whoever had it may be gone.
  if (!isAssigned(m, a)) return beginTesting(s, a)
  m.put8(a + AGAIN, AGAIN_WAITS)
  afterDelay(s, a)
}

/** The timer of an assigned address's test fired: ask, or it is still ours alone. */
export function testAgainTimer(s: Core, a: Address): void {
  const { m } = s
  if (m.get8(a + AGAIN) === AGAIN_ASKED) {
    m.put8(a + AGAIN, NOT_AGAIN)
    return lifeTimer(s, a)
  }
  m.put8(a + AGAIN, AGAIN_ASKED)
  solicitOwn(s, a)
  startTimer(m, a, retransMs(m))
}

/** Whether we have asked, or are about to, who has this address: somebody's advertisement of it is an answer. */
export const isTested = (m: Arena, a: Address): boolean =>
  m.get8(a + STATE6) === TENTATIVE || (isAssigned(m, a) && m.get8(a + AGAIN) === AGAIN_ASKED)

/** Somebody else has this address, or tests it too. One that was made here is made anew; RFC 7217, 6. */
export function isDuplicate(s: Core, a: Address): void {
  const { m } = s
  const tries = m.get8(a + TRIES) + 1
  m.put8(a + TRIES, tries)
  if (m.get8(a + ORIGIN) !== ORIGIN_OWNER && tries <= IDGEN_RETRIES) {
    const fresh = scratchOf(m) + 16
    copyAddress(m, fresh, a + ADDRESS6)
    putInterfaceId(s, fresh, tries)
    return isAssigned(m, a) ? succeedAddress(s, a, fresh) : replaceAddress(s, a, fresh)
  }
  const had = isAssigned(m, a)
  if (had) connectionsLoseAddress(s, a + ADDRESS6)
  clearTimer(m, a)
  leaveSolicitedNode(s, a)
  m.put8(a + AGAIN, NOT_AGAIN)
  m.put8(a + STATE6, DUPLICATE)
  if (had) tellServices(s)
}

/** Sockets may name the record: it stays as it is, of an address that is gone, and the new one has its own. */
function succeedAddress(s: Core, a: Address, at: Address): void {
  const { m } = s
  const left = (until: number): number => leftOf(m, m.get32(a + until) >>> 0)
  const origin = m.get8(a + ORIGIN)
  loseAddress(s, a)
  const next = takeAddress(s, at, m.get8(a + PREFIX_BITS), origin, left(VALID_UNTIL), left(PREFERRED_UNTIL))
  if (next !== 0) m.put8(next + TRIES, m.get8(a + TRIES))
}
