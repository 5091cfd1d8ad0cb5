/**
 * The neighbour cache and neighbour unreachability detection, RFC 4861, 7.
 *
 *     INCOMPLETE --advertised--> REACHABLE --ReachableTime--> STALE --used--> DELAY --5 s--> PROBE
 *         | 3 solicitations          ^                                                        | 3 solicitations
 *         v                          +---- a solicited advertisement ----+                    v
 *       gone                                                                                gone
 *
 * One datagram, all its fragments, waits in each incomplete entry, the newest (7.2.2: "MUST, for each neighbor, retain a
 * small queue of packets ... at least one packet"), while no more than an eighth of all pages wait: strangers whose
 * packets we answer must not fill the memory.
 */
import type { Core } from '../core.ts'
import { EHOSTUNREACH } from '../errno.ts'
import { frameAt, queueFrames, takeFrame } from '../ethernet/frames.ts'
import { undeliverable } from '../icmp6/returned.ts'
import { type Address, type Arena, freePages, PAGE_LENGTH, PAGE_NEXT, type Page } from '../memory/arena.ts'
import { NOW_MS, PAGE_COUNT } from '../memory/layout.ts'
import { chain, unchain } from '../memory/table.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { REMOTE_ADDRESS } from '../socket/record.ts'
import { visitConnections } from '../tcp/connection.ts'
import { SYN_SENT, stateOf } from '../tcp/tcb.ts'
import { failAttempt } from '../tcp/unreachable.ts'
import { ETH_DESTINATION, putMac } from '../wire/ethernet.ts'
import { HOP_OF, makeRoom, visitDestinations, visitNeighbours, wantSweep } from './destinations.ts'
import { reachableMs, retransMs, SWEEP } from './link.ts'
import { header6At, LINK } from './output.ts'
import {
  ADDRESS6,
  bucket6,
  copyAddress,
  dropRecord,
  findRecord,
  linkOf,
  makeRecord,
  SORT_NEIGHBOUR,
  STATE6,
} from './records.ts'
import { solicitNeighbour } from './solicit.ts'
import { isIpv6Word } from './word.ts'

const PROBES = 19
/** The list of pages with the frames of the datagram that waits, 0 if none. */
export const HELD6 = 36
export const MAC6_HIGH = 40
/** 1: it said that it is a router. */
export const IS_ROUTER = 42
/** 1: wanted since the last sweep (destinations.ts). */
export const NEIGHBOUR_WANTED = 43
export const MAC6_LOW = 44
/** When it was last known to hear us (ms), while it is REACHABLE; when it began to be looked for, while it is INCOMPLETE. */
const CONFIRMED_AT = 48
/** In the sweep's record: how many pages wait for neighbours. */
const HELD_COUNT = 24

/** Values of STATE6 in a neighbour's record, RFC 4861, 7.3.2. */
export const INCOMPLETE = 0
export const REACHABLE = 1
export const STALE = 2
export const DELAY = 3
export const PROBE = 4

/** RFC 4861, 10. */
const MAX_MULTICAST_SOLICIT = 3
const MAX_UNICAST_SOLICIT = 3
const DELAY_FIRST_PROBE_MS = 5_000

/** The entry for the address at `at`, 0 if there is none; nobody is solicited. */
export const findNeighbour6 = (m: Arena, at: Address): Address => findRecord(m, SORT_NEIGHBOUR, at)

/** The entry for the address at `at`, to which something will be sent; solicited when it is new. 0: memory is full. */
export function wantNeighbour6(s: Core, at: Address): Address {
  const { m } = s
  const found = findNeighbour6(m, at)
  if (found !== 0) return found
  const made = makeNeighbour6(s, at)
  if (made !== 0) solicit(s, made)
  return made
}

/** A new entry, INCOMPLETE, about which nothing is asked yet; 0 when there is no room. */
export function makeNeighbour6(s: Core, at: Address): Address {
  const { m } = s
  const made = makeRoom(s) ? makeRecord(m, SORT_NEIGHBOUR) : 0
  if (made === 0) return 0
  copyAddress(m, made + ADDRESS6, at)
  m.put8(made + NEIGHBOUR_WANTED, 1)
  m.put32(made + CONFIRMED_AT, m.get32(NOW_MS))
  chain(m, bucket6(m, at, SORT_NEIGHBOUR), made)
  wantSweep(s)
  return made
}

/**
 * Whoever speaks to us from addresses that are nobody's makes us look for them: of those who have not answered the one that is
 * looked for longest gives way, so that they do not keep out who is there. `holders`: of those for whom a packet waits. False:
 * there is none.
 */
export function dropUnanswered(s: Core, holders = false): boolean {
  const { m } = s
  let oldest = 0
  visitNeighbours(m, n => {
    if (m.get8(n + STATE6) !== INCOMPLETE || (holders && m.get32(n + HELD6) === 0)) return
    if (oldest === 0 || ((m.get32(n + CONFIRMED_AT) - m.get32(oldest + CONFIRMED_AT)) | 0) < 0) oldest = n
  })
  if (oldest !== 0) removeNeighbour6(s, oldest)
  return oldest !== 0
}

/** A packet goes to it. 7.3.3: "The first time a node sends a packet to a neighbor whose entry is STALE" it enters DELAY. */
export function neighbourUsed(s: Core, n: Address): void {
  const { m } = s
  m.put8(n + NEIGHBOUR_WANTED, 1)
  if (m.get8(n + STATE6) === STALE) enter(s, n, DELAY, DELAY_FIRST_PROBE_MS)
}

/** It is known to be where we think: 7.3.1. */
export function confirmNeighbour(s: Core, n: Address): void {
  s.m.put32(n + CONFIRMED_AT, s.m.get32(NOW_MS))
  enter(s, n, REACHABLE, reachableMs(s))
}

/** The same, as a layer above has it: "a connection is making 'forward progress'" by way of it. It comes with every ACK and every text. */
export function heardBack6(s: Core, n: Address): void {
  const state = s.m.get8(n + STATE6)
  if (state === REACHABLE) s.m.put32(n + CONFIRMED_AT, s.m.get32(NOW_MS))
  // Nothing has gone to one that is STALE: what comes proves nothing of late.
  else if (state === DELAY || state === PROBE) confirmNeighbour(s, n)
}

/** Where it is was learnt, but not that it hears us. */
export function suspectNeighbour(s: Core, n: Address): void {
  s.m.put8(n + STATE6, STALE)
  clearTimer(s.m, n)
}

/** The upper 16 and the lower 32 bits of its link-layer address. */
export function setMac6(m: Arena, n: Address, high: number, low: number): void {
  m.put16(n + MAC6_HIGH, high)
  m.put32(n + MAC6_LOW, low)
}

/** Whether its link-layer address is this one, in two parts as setMac6 takes it. */
export const hasMac6 = (m: Arena, n: Address, high: number, low: number): boolean =>
  m.get16(n + MAC6_HIGH) === high && m.get32(n + MAC6_LOW) === low

function enter(s: Core, n: Address, state: number, ms: number): void {
  s.m.put8(n + STATE6, state)
  s.m.put8(n + PROBES, 0)
  startTimer(s.m, n, ms)
}

/** Its timer fired. */
export function neighbourTimer6(s: Core, n: Address): void {
  const { m } = s
  const probes = m.get8(n + PROBES)
  switch (m.get8(n + STATE6)) {
    case INCOMPLETE:
      return probes < MAX_MULTICAST_SOLICIT ? solicit(s, n) : neighbourFailed(s, n)
    case REACHABLE: {
      const left = (m.get32(n + CONFIRMED_AT) + reachableMs(s) - m.get32(NOW_MS)) | 0
      return left > 0 ? startTimer(m, n, left) : suspectNeighbour(s, n)
    }
    case DELAY:
      m.put8(n + STATE6, PROBE)
      return solicit(s, n)
    case PROBE:
      return probes < MAX_UNICAST_SOLICIT ? solicit(s, n) : neighbourFailed(s, n)
  }
}

/** 7.2.2 and 7.3.3: by multicast to find it, by unicast to see whether it is still there. */
function solicit(s: Core, n: Address): void {
  const { m } = s
  m.put8(n + PROBES, m.get8(n + PROBES) + 1)
  startTimer(m, n, retransMs(m))
  solicitNeighbour(s, n + ADDRESS6, m.get8(n + STATE6) === INCOMPLETE ? 0 : n)
}

/** It does not answer. Attempts to connect by way of it fail now; others find another first hop, or time out. */
function neighbourFailed(s: Core, n: Address): void {
  const { m } = s
  visitConnections(m, t => {
    const remote = m.get32(t + REMOTE_ADDRESS)
    if (stateOf(m, t) === SYN_SENT && isIpv6Word(remote) && m.get32(remote - ADDRESS6 + HOP_OF) === n)
      failAttempt(s, t, EHOSTUNREACH)
  })
  // RFC 4861, 7.2.2: "The sender MUST return ICMP destination unreachable indications ... for each packet queued".
  const held = m.get32(n + HELD6)
  if (held !== 0) undeliverable(s, header6At(held))
  removeNeighbour6(s, n)
}

/** Forgets a neighbour, and what waited for it; destinations that it was the first hop to look for another. */
export function removeNeighbour6(s: Core, n: Address): void {
  const { m } = s
  visitDestinations(m, d => {
    if (m.get32(d + HOP_OF) === n) m.put32(d + HOP_OF, 0)
  })
  dropNeighbour6(m, n)
}

/** The same for one that no destination goes by. */
export function dropNeighbour6(m: Arena, n: Address): void {
  freePages(m, takeHeld6(m, n))
  unchain(m, bucket6(m, n + ADDRESS6, SORT_NEIGHBOUR), n)
  dropRecord(m, n)
}

// ---- what waits -----------------------------------------------------------------------------------------------

/** Keeps a copy of a frame until the neighbour's MAC address is known, in the place of an older one. */
export function holdFrame6(s: Core, n: Address, from: Address, length: number): void {
  const page = takeFrame(s, true)
  if (page === 0) return
  s.m.bytes.copyWithin(frameAt(page), from, from + length)
  s.m.put16(page + PAGE_LENGTH, length)
  holdPages6(s, n, page)
}

/** The same for the frames of one datagram that have pages already: those are given away. */
export function holdPages6(s: Core, n: Address, head: Page): void {
  const { m } = s
  freePages(m, takeHeld6(m, n))
  // For this one nothing waits now, so it is not among them.
  if (m.get32(heldCount(m)) >= m.get32(PAGE_COUNT) >> 3) dropUnanswered(s, true)
  m.put32(n + HELD6, head)
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) m.add32(heldCount(m), 1)
}

/** The pages that wait for a neighbour, which wait no more. */
function takeHeld6(m: Arena, n: Address): Page {
  const head = m.get32(n + HELD6)
  m.put32(n + HELD6, 0)
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) m.add32(heldCount(m), -1)
  return head
}

/** Where it is counted how many pages wait: in the record that times the sweep. */
const heldCount = (m: Arena): Address => m.get32(linkOf(m) + SWEEP) + HELD_COUNT

/** Sends the frames that waited; 7.3.3: the first packets to it, if it is STALE. */
export function releaseHeld(s: Core, n: Address): void {
  const { m } = s
  const head = takeHeld6(m, n)
  if (head === 0) return
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT))
    putMac(m.view, frameAt(page) + ETH_DESTINATION, m.get16(n + MAC6_HIGH), m.get32(n + MAC6_LOW))
  neighbourUsed(s, n)
  queueFrames(s, head, LINK)
}
