/**
 * How a host comes by its address and keeps it: IPv4 Address Conflict Detection, RFC 5227, for a configured address
 * and for link-local ones that it picks itself, RFC 3927.
 *
 *     waiting --3 probes--> listening --no conflict--> bound, announced twice --conflict--> defends once, then
 *        ^                      | conflict                                                 gives up the address
 *        +---- another address -+--------------------------------------------------------------+
 *
 * The times are shorter than RFC 5227, 1.1 gives for switched Ethernet, as its section 2.2 and RFC 3927, 2.3 allow
 * where a link is faster: here a segment's round trip is about a millisecond, and a page should not stand still for
 * six seconds. A conflict that slips through on a slow path is found later, by the announcements, and mended.
 */
import { type Core, KIND_ACQUIRE, RECORD_KIND } from '../core.ts'
import { sendArpAnnouncement, sendArpProbe } from '../ethernet/arp.ts'
import { ACQUIRE, ADDRESS, ADDRESSES, KEPT_ADDRESS, MAC_HIGH, MAC_LOW, NOW_MS } from '../memory/layout.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { connectionsLoseAddress } from '../tcp/unreachable.ts'
import { isLinkLocal } from '../wire/ipv4.ts'
import { lengthOf, maskOf } from './addresses.ts'
import { KEPT_CHECK_MS, keepAddress, leaveKept, tendKept } from './kept-address.ts'
import { dropAddress, takeAddress } from './local.ts'
import { ROUTE_LINK, ROUTE_NEXT_ADDRESS, ROUTE_SOURCE, setDefaultRoute } from './routes.ts'

const STATE = ACQUIRE + 17
const LEFT = ACQUIRE + 18
const CONFLICTS = ACQUIRE + 19
const CANDIDATE = ACQUIRE + 20
const CANDIDATE_MASK = ACQUIRE + 24
const CANDIDATE_GATEWAY = ACQUIRE + 28
/** When the address was last defended; only meaningful while DEFENDED is set. */
const DEFENDED_AT = ACQUIRE + 32
const DEFENDED = ACQUIRE + 36
/** State of the generator of link-local candidates. */
const SEED = ACQUIRE + 40

const IDLE = 0
const PROBING = 1
const LISTENING = 2
const BOUND = 3

const PROBE_WAIT_MS = 50
const PROBE_NUM = 3
const PROBE_MIN_MS = 50
const PROBE_MAX_MS = 100
const ANNOUNCE_WAIT_MS = 100
const ANNOUNCE_NUM = 2
const ANNOUNCE_INTERVAL_MS = 2_000
/** RFC 5227, 1.1. */
const MAX_CONFLICTS = 10
const RATE_LIMIT_INTERVAL_MS = 60_000
export const DEFEND_INTERVAL_MS = 10_000

/** Tests an address and takes it when nobody else has it. */
export function acquireAddress(s: Core, address: number, mask: number, gateway: number): void {
  const { m } = s
  m.put8(ACQUIRE + RECORD_KIND, KIND_ACQUIRE)
  m.put32(CANDIDATE, address)
  m.put32(CANDIDATE_MASK, mask)
  m.put32(CANDIDATE_GATEWAY, gateway)
  m.put8(STATE, PROBING)
  m.put8(LEFT, PROBE_NUM)
  // RFC 5227, 2.1.1: after MAX_CONFLICTS, no more than one new address per RATE_LIMIT_INTERVAL.
  const limited = m.get8(CONFLICTS) >= MAX_CONFLICTS ? RATE_LIMIT_INTERVAL_MS : 0
  after(s, limited + randomUpTo(s, PROBE_WAIT_MS))
}

/** The owner gives an address: what the last one suffered is not held against it. */
export function configureAddress(s: Core, address: number, mask: number, gateway: number): void {
  s.m.put8(CONFLICTS, 0)
  acquireAddress(s, address, mask, gateway)
}

/** Picks a link-local address and tests it. */
export function acquireLinkLocal(s: Core): void {
  const { m } = s
  // RFC 3927, 2.1: the generator is seeded from the MAC address, so that a host finds its old address again.
  let seed = m.get32(SEED) || (m.get32(MAC_LOW) ^ Math.imul(m.get16(MAC_HIGH), 0x9e3779b1)) | 1
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  m.put32(SEED, seed)
  // RFC 3927, 2.1: 169.254.1.0 to 169.254.254.255; the first and last 256 addresses are reserved.
  const host = 0x0100 + ((seed >>> 8) % 0xfe00)
  acquireAddress(s, 0xa9fe0000 | host, maskOf(16), 0)
}

/** The segment changed: RFC 5227, 2.1. Our addresses are announced anew, so that a conflict shows on either side. */
export function reannounce(s: Core): void {
  const { m } = s
  announceGiven(s)
  if (m.get8(STATE) !== BOUND) return
  s.features.multicast?.reportAll(s, 0)
  m.put8(LEFT, ANNOUNCE_NUM)
  after(s, randomUpTo(s, PROBE_WAIT_MS))
}

/** Announces, once, the addresses that were not acquired but given; and one that is kept. */
export function announceGiven(s: Core): void {
  const { m } = s
  for (let at = m.get32(ADDRESSES); at !== 0; at = m.get32(at + ROUTE_NEXT_ADDRESS)) {
    const address = m.get32(at + ROUTE_SOURCE)
    if (address !== m.get32(ADDRESS)) sendArpAnnouncement(s, address, m.get8(at + ROUTE_LINK))
  }
}

/** The acquisition's timer fired. */
export function acquireTimer(s: Core): void {
  const { m } = s
  const left = m.get8(LEFT)
  switch (m.get8(STATE)) {
    case PROBING:
      sendArpProbe(s, m.get32(CANDIDATE))
      m.put8(LEFT, left - 1)
      if (left > 1) return after(s, PROBE_MIN_MS + randomUpTo(s, PROBE_MAX_MS - PROBE_MIN_MS))
      m.put8(STATE, LISTENING)
      return after(s, ANNOUNCE_WAIT_MS)
    case LISTENING:
      giveWay(s, m.get32(ADDRESS))
      m.put8(STATE, BOUND)
      bindAddress(s)
      m.put8(LEFT, ANNOUNCE_NUM)
      announce(s)
      return tellServices(s)
    case BOUND:
      announce(s)
      if (s.features.dhcpClient !== undefined && m.get8(LEFT) === 0 && tendKept(s)) after(s, KEPT_CHECK_MS)
      return
    default:
      return
  }
}

/**
 * The address gives way to the candidate. A connection's address cannot change (RFC 9293, 3.3.1): those of the old one end
 * with it, unless it can stay for them. Only where there is DHCP does a host come to another address without its owner.
 */
function giveWay(s: Core, old: number): void {
  const { m } = s
  if (s.features.dhcpClient !== undefined && keepAddress(s, old, m.get32(CANDIDATE))) return
  if (old !== m.get32(CANDIDATE)) connectionsLoseAddress(s, old)
  if (old !== 0) dropAddress(s, old)
}

/** The candidate, with its router, takes the place of link 0's first address. */
function bindAddress(s: Core): void {
  const { m } = s
  const take = () => takeAddress(s, 0, m.get32(CANDIDATE), lengthOf(m.get32(CANDIDATE_MASK)), true)
  if (take() !== 0 && s.features.dhcpClient !== undefined) {
    // There is no room beside the one that was kept.
    leaveKept(s)
    take()
  }
  setDefaultRoute(s, m.get32(CANDIDATE_GATEWAY))
  s.features.multicast?.reportAll(s, 0)
}

/**
 * An ARP packet of another station carried these addresses. True: it conflicts with ours, or with the one that we
 * are testing.
 */
export function addressSeen(s: Core, senderIp: number, targetIp: number): boolean {
  const { m } = s
  const state = m.get8(STATE)
  const candidate = m.get32(CANDIDATE)
  if (s.features.dhcpClient !== undefined && senderIp !== 0 && senderIp === m.get32(KEPT_ADDRESS)) {
    leaveKept(s)
    return true
  }
  if (state === IDLE) return false
  if (state === BOUND) {
    if (senderIp !== candidate) return false
    defend(s)
    return true
  }
  // RFC 5227, 2.1.1: somebody has it, or somebody else is probing for it.
  if (senderIp !== candidate && !(senderIp === 0 && targetIp === candidate)) return false
  chooseAnother(s)
  return true
}

/** RFC 5227, 2.4 (b): announce once; a second conflict within DEFEND_INTERVAL means giving up. */
function defend(s: Core): void {
  const { m } = s
  const recently =
    m.get8(DEFENDED) !== 0 && ((m.get32(NOW_MS) - m.get32(DEFENDED_AT)) | 0) < DEFEND_INTERVAL_MS
  if (!recently) {
    m.put8(DEFENDED, 1)
    m.put32(DEFENDED_AT, m.get32(NOW_MS))
    sendArpAnnouncement(s, m.get32(ADDRESS))
    return
  }
  // RFC 5227, 2.4: "SHOULD actively attempt to reset any existing connections using that address".
  if (s.features.dhcpClient !== undefined) leaveKept(s)
  connectionsLoseAddress(s, m.get32(ADDRESS))
  dropAddress(s, m.get32(ADDRESS))
  tellServices(s)
  chooseAnother(s)
}

/** A configured address that is taken is tried again, no oftener than the limit: only its owner can change it. */
function chooseAnother(s: Core): void {
  const { m } = s
  m.put8(DEFENDED, 0)
  for (const service of s.services) if (service.conflict?.(s, m.get32(CANDIDATE)) === true) return
  const configured = !isLinkLocal(m.get32(CANDIDATE))
  m.put8(CONFLICTS, configured ? MAX_CONFLICTS : Math.min(255, m.get8(CONFLICTS) + 1))
  if (configured) acquireAddress(s, m.get32(CANDIDATE), m.get32(CANDIDATE_MASK), m.get32(CANDIDATE_GATEWAY))
  else acquireLinkLocal(s)
}

/** Whether an address, or just this one, is being tested or is in use. */
export const isAcquiring = (s: Core, address = s.m.get32(CANDIDATE)): boolean =>
  s.m.get8(STATE) !== IDLE && s.m.get32(CANDIDATE) === address

/** Whatever address is being tested or in use is forgotten about. */
export function stopAcquiring(s: Core): void {
  s.m.put8(STATE, IDLE)
  clearTimer(s.m, ACQUIRE)
}

/** The host's address is no longer its own: connections end, and it has none. */
export function loseAddress(s: Core): void {
  stopAcquiring(s)
  if (s.features.dhcpClient !== undefined) leaveKept(s)
  const address = s.m.get32(ADDRESS)
  if (address === 0) return
  connectionsLoseAddress(s, address)
  dropAddress(s, address)
  setDefaultRoute(s, 0)
  tellServices(s)
}

function tellServices(s: Core): void {
  for (const service of s.services) service.addressChanged?.(s)
}

function announce(s: Core): void {
  const { m } = s
  const left = m.get8(LEFT)
  if (left === 0) return
  sendArpAnnouncement(s, m.get32(ADDRESS))
  m.put8(LEFT, left - 1)
  if (left > 1) after(s, ANNOUNCE_INTERVAL_MS)
}

const after = (s: Core, ms: number): void => startTimer(s.m, ACQUIRE, ms)
const randomUpTo = (s: Core, limit: number): number => s.random32() % (limit + 1)
