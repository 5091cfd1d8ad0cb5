/**
 * Duplicate address detection, RFC 4862, 5.4: before an address is used, the link is asked who has it. Without optimism
 * (RFC 4429): nothing is sent from it until nobody has answered.
 */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { clearTimer, setTimer } from '../memory/wheel.ts'
import {
  assign,
  DUPLICATE,
  joinSolicitedNode,
  leaveSolicitedNode,
  ORIGIN,
  ORIGIN_LINK_LOCAL,
  ORIGIN_OWNER,
  replaceAddress,
  TENTATIVE,
  TESTS_SENT,
  TRIES,
} from './addresses.ts'
import { putInterfaceId } from './iid.ts'
import { retransMs } from './link.ts'
import { ADDRESS6, copyAddress, STATE6 } from './records.ts'
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
  setTimer(m, a, (m.get32(NOW_MS) + (s.random32() % (DELAY_MAX_MS + 1))) | 0)
}

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
  setTimer(m, a, (m.get32(NOW_MS) + retransMs(m)) | 0)
}

/** Somebody else has this address, or tests it too. One that was made here is made anew; RFC 7217, 6. */
export function isDuplicate(s: Core, a: Address): void {
  const { m } = s
  const tries = m.get8(a + TRIES) + 1
  m.put8(a + TRIES, tries)
  if (m.get8(a + ORIGIN) !== ORIGIN_OWNER && tries <= IDGEN_RETRIES) {
    const fresh = scratchOf(m) + 16
    copyAddress(m, fresh, a + ADDRESS6)
    putInterfaceId(s, fresh, tries)
    return replaceAddress(s, a, fresh)
  }
  clearTimer(m, a)
  leaveSolicitedNode(s, a)
  m.put8(a + TESTS_SENT, 0)
  m.put8(a + STATE6, DUPLICATE)
}
