/**
 * The DHCP client, RFC 2131, 4.4, figure 5:
 *
 *     INIT --discover--> SELECTING --offer--> REQUESTING --ack--> (probed, ip/acquire.ts) BOUND --T1--> RENEWING
 *      ^ ^                  |                   | nak               ^   ^ ack                              | T2
 *      | |                  | nobody answers    v                   |   +---------------- REBINDING <------+
 *      | |                  v                  INIT                 | ack                  | nak, or the lease ends
 *      | |          a link-local address too                   REBOOTING <-- the link came up
 *      | +-- nak ------------------------------------------------- | --------------------- v
 *      +-- another station has the address: DECLINE, and 10 seconds of patience ---------- +
 *
 * While no server answers the host has a link-local address (RFC 3927), and the client goes on asking; when a lease comes
 * the host moves to its address, and the link-local one stays until the connections that have it are done
 * (ip/kept-address.ts).
 */
import { type Core, dropped, KIND_DHCP_CLIENT, RECORD_KIND } from '../core.ts'
import { checkHostName, NAME_KIND, nowOf, putText } from '../dns/record.ts'
import { Drop } from '../drop.ts'
import { acquireAddress, acquireLinkLocal, isAcquiring, loseAddress, stopAcquiring } from '../ip/acquire.ts'
import { lengthOf } from '../ip/addresses.ts'
import { dropAddress, takeAddress } from '../ip/local.ts'
import { setDefaultRoute } from '../ip/routes.ts'
import type { Address } from '../memory/arena.ts'
import { ADDRESS, DHCP_CLIENT, DNS_SERVERS, MAC_HIGH, MAC_LOW, MASK, MTU } from '../memory/layout.ts'
import { freeRecord, takeRecord } from '../memory/slab.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { messageAt, type Service, sendMessage, takeMessage } from '../udp/service.ts'
import * as dhcp from '../wire/dhcp.ts'
import { macHigh, macLow, putMac } from '../wire/ethernet.ts'
import { BROADCAST } from '../wire/ipv4.ts'
import { UDP_HEADER } from '../wire/udp.ts'
import { isUsable, maskIsGood, naturalMask } from './addresses.ts'

/** Offsets in the client's record, behind chain, timer node and kind (core.ts). Addresses are in host order. */
export const CLIENT_STATE = 17
const TRIES = 18
const NAME_LENGTH = 19
const XID = 20
export const CLIENT_ADDRESS = 24
export const CLIENT_SERVER = 28
const LEASE_MASK = 32
const ROUTER = 36
/** The link's own MTU: a lease may ask for less, never for more. */
const LINK_MTU = 40
const DOMAIN_LENGTH = 42
/** Milliseconds as nowOf has them: 64-bit floats; Infinity in a lease that does not end. */
const STARTED = 48
const REQUESTED = 56
const T1 = 64
const T2 = 72
export const CLIENT_EXPIRES = 80
/** Where an option is read to, before it is judged. */
const SCRATCH = 88
const NAME = 104
const DOMAIN = 168

const INIT = 0
const SELECTING = 1
const REQUESTING = 2
const BOUND = 3
const RENEWING = 4
const REBINDING = 5
const REBOOTING = 6
const RELEASED = 7
/** For people, in the order of the numbers. */
export const CLIENT_STATES = [
  'INIT',
  'SELECTING',
  'REQUESTING',
  'BOUND',
  'RENEWING',
  'REBINDING',
  'REBOOTING',
  'RELEASED',
]

/**
 * RFC 2131, 4.4.1: "SHOULD wait a random time between one and ten seconds to desynchronize the use of DHCP at startup".
 * Pages do not start together after a power cut, and nobody should look at one that stands still for ten seconds.
 */
const START_MAX_MS = 500
/** RFC 2131, 4.1: 4 seconds, then twice as long each time up to 64, each plus or minus one. */
const RETRY_MS = 4_000
const RETRY_MAX_MS = 64_000
const FUZZ_MS = 1_000
/** RFC 2131, 3.1, 5: "might retransmit the DHCPREQUEST message four times". */
const REQUESTS = 4
/** RFC 2131, 3.2, 4: nobody confirms: the rest of the lease may be used. */
const REBOOT_REQUESTS = 2
/** DISCOVERs that nobody answered before the host takes a link-local address as well. */
const DISCOVERS = 2
/** RFC 2131, 3.1, 5: "SHOULD wait a minimum of ten seconds before restarting". */
const DECLINED_MS = 10_000
/** RFC 2131, 4.4.5: half of the time that is left, "down to a minimum of 60 seconds". */
const RENEW_MIN_MS = 60_000
/** RFC 2131, 3.3: 0xffffffff is "infinity". */
const INFINITE = 0xffffffff
/** The wheel's deadlines are 32 bits; a later one is waited for in steps. */
const WAIT_MAX_MS = 2 ** 30
const PARAMETERS = [
  dhcp.OPTION_SUBNET_MASK,
  dhcp.OPTION_ROUTER,
  dhcp.OPTION_DNS,
  dhcp.OPTION_DOMAIN,
  dhcp.OPTION_MTU,
  dhcp.OPTION_T1,
  dhcp.OPTION_T2,
]
/** What we can take: no fragments of a message, so as much as the smallest link that may carry it. */
const MAX_SIZE = 576

const clientOf = (s: Core): Address => s.m.get32(DHCP_CLIENT)
const getTime = (s: Core, at: Address): number => s.m.view.getFloat64(at, true)
const putTime = (s: Core, at: Address, ms: number): void => s.m.view.setFloat64(at, ms, true)
const after = (s: Core, c: Address, ms: number): void => startTimer(s.m, c, ms)
const wakeAt = (s: Core, c: Address, time: number): void =>
  after(s, c, Math.min(WAIT_MAX_MS, Math.max(0, Math.ceil(time - nowOf(s)))))

/** The feature DHCP, as a client. */
export const dhcpClient: Service = {
  start(s, config) {
    if (config.address !== 'dhcp') return
    const c = takeRecord(s.m, NAME_KIND)
    if (c === 0) throw new RangeError('The budget has no room for a DHCP client.')
    s.m.put32(DHCP_CLIENT, c)
    s.m.put8(c + RECORD_KIND, KIND_DHCP_CLIENT)
    s.m.put16(c + LINK_MTU, s.m.get16(MTU))
    const name = config.name === undefined ? '' : checkHostName(config.name)
    s.m.put8(c + NAME_LENGTH, name.length)
    putText(s, c + NAME, name)
    begin(s, c, s.random32() % START_MAX_MS)
  },

  owns: (s, port) => port === dhcp.DHCP_CLIENT_PORT && clientOf(s) !== 0,

  input(s, _ip, at, length) {
    const { m } = s
    const from = at + UDP_HEADER
    const size = length - UDP_HEADER
    if (!dhcp.dhcpIsValid(m.view, from, size)) return dropped(s, Drop.BadDhcp)
    const c = clientOf(s)
    const ours =
      s.link === 0 &&
      m.get8(from + dhcp.DHCP_OP) === dhcp.BOOTREPLY &&
      m.view.getInt32(from + dhcp.DHCP_XID) === m.get32(c + XID) &&
      macHigh(m.view, from + dhcp.DHCP_CHADDR) === m.get16(MAC_HIGH) &&
      macLow(m.view, from + dhcp.DHCP_CHADDR) === m.get32(MAC_LOW)
    return ours && replyInput(s, c, from, size) ? Drop.None : dropped(s, Drop.UnexpectedDhcp)
  },

  expired(s, record, kind) {
    if (kind === KIND_DHCP_CLIENT) clientTimer(s, record)
  },

  conflict(s, address) {
    const c = clientOf(s)
    if (c === 0 || !holdsLease(s, c) || s.m.get32(c + CLIENT_ADDRESS) !== address) return false
    // RFC 2131, 3.1, 5: "the client MUST send a DHCPDECLINE message to the server and restarts".
    stopAcquiring(s)
    send(s, c, dhcp.DHCPDECLINE)
    begin(s, c, DECLINED_MS)
    return true
  },

  addressGiven(s) {
    const c = clientOf(s)
    if (c === 0) return
    s.m.put16(MTU, s.m.get16(c + LINK_MTU))
    s.m.put32(DHCP_CLIENT, 0)
    clearTimer(s.m, c)
    freeRecord(s.m, NAME_KIND, c)
  },

  linkUp(s) {
    const c = clientOf(s)
    if (c === 0) return
    if (!holdsLease(s, c)) return begin(s, c, 0)
    // RFC 2131, 3.7: "A client SHOULD use DHCP to reacquire or verify its IP address … whenever the local network
    // parameters may have changed".
    s.m.put32(c + XID, s.random32())
    s.m.put8(c + CLIENT_STATE, REBOOTING)
    s.m.put8(c + TRIES, 0)
    putTime(s, c + STARTED, nowOf(s))
    clientTimer(s, c)
  },

  leave(s) {
    const c = clientOf(s)
    if (c === 0 || !holdsLease(s, c)) return
    s.m.put32(c + XID, s.random32())
    send(s, c, dhcp.DHCPRELEASE)
    clearTimer(s.m, c)
    s.m.put8(c + CLIENT_STATE, RELEASED)
    loseAddress(s)
  },
}

const holdsLease = (s: Core, c: Address): boolean => {
  const state = s.m.get8(c + CLIENT_STATE)
  return state >= BOUND && state <= REBOOTING
}

/** INIT, with nothing of what was before; the first DISCOVER goes out in so many milliseconds. */
function begin(s: Core, c: Address, ms: number): void {
  s.m.put8(c + CLIENT_STATE, INIT)
  s.m.put8(c + TRIES, 0)
  s.m.put32(c + CLIENT_ADDRESS, 0)
  s.m.put32(c + CLIENT_SERVER, 0)
  s.m.put16(MTU, s.m.get16(c + LINK_MTU))
  after(s, c, ms)
}

/** The lease is gone: the address with it, when it is in use. */
function beginAnew(s: Core, c: Address): void {
  if (isAcquiring(s, s.m.get32(c + CLIENT_ADDRESS))) loseAddress(s)
  begin(s, c, s.random32() % START_MAX_MS)
}

function clientTimer(s: Core, c: Address): void {
  const { m } = s
  const now = nowOf(s)
  const tries = m.get8(c + TRIES)
  switch (m.get8(c + CLIENT_STATE)) {
    case INIT:
      m.put8(c + CLIENT_STATE, SELECTING)
      m.put32(c + XID, s.random32())
      putTime(s, c + STARTED, now)
      return ask(s, c, dhcp.DHCPDISCOVER)
    case SELECTING:
      if (tries >= DISCOVERS && m.get32(ADDRESS) === 0 && !isAcquiring(s)) acquireLinkLocal(s)
      return ask(s, c, dhcp.DHCPDISCOVER)
    case REQUESTING:
      return tries < REQUESTS ? ask(s, c, dhcp.DHCPREQUEST) : beginAnew(s, c)
    case REBOOTING:
      if (tries < REBOOT_REQUESTS) return ask(s, c, dhcp.DHCPREQUEST)
      m.put8(c + CLIENT_STATE, BOUND)
      return clientTimer(s, c)
    default:
      return leaseTimer(s, c, now)
  }
}

/** RFC 2131, 4.4.5: BOUND until T1, RENEWING until T2, REBINDING until the lease ends. */
function leaseTimer(s: Core, c: Address, now: number): void {
  const state = s.m.get8(c + CLIENT_STATE)
  if (now >= getTime(s, c + CLIENT_EXPIRES)) return beginAnew(s, c)
  const t1 = getTime(s, c + T1)
  const t2 = getTime(s, c + T2)
  if (now < t1) return wakeAt(s, c, t1)
  const stage = now < t2 ? RENEWING : REBINDING
  const end = now < t2 ? t2 : getTime(s, c + CLIENT_EXPIRES)
  if (state !== stage) {
    s.m.put8(c + CLIENT_STATE, stage)
    s.m.put32(c + XID, s.random32())
    putTime(s, c + REQUESTED, now)
    putTime(s, c + STARTED, now)
  }
  send(s, c, dhcp.DHCPREQUEST)
  wakeAt(s, c, Math.min(end, now + Math.max(RENEW_MIN_MS, (end - now) / 2)))
}

/** Sends, and waits for the answer as long as RFC 2131, 4.1 says. */
function ask(s: Core, c: Address, type: number): void {
  const tries = s.m.get8(c + TRIES)
  if (tries === 0 && type === dhcp.DHCPREQUEST) putTime(s, c + REQUESTED, nowOf(s))
  s.m.put8(c + TRIES, Math.min(255, tries + 1))
  send(s, c, type)
  const wait = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(tries, 8))
  after(s, c, wait - FUZZ_MS + (s.random32() % (2 * FUZZ_MS + 1)))
}

/** RFC 2131, 4.4.1, table 5: what stands in which message. */
function send(s: Core, c: Address, type: number): void {
  const { m } = s
  const { view } = m
  const page = takeMessage(s)
  if (page === 0) return
  const state = m.get8(c + CLIENT_STATE)
  const at = messageAt(page)
  const address = m.get32(c + CLIENT_ADDRESS)
  const server = m.get32(c + CLIENT_SERVER)
  const release = type === dhcp.DHCPRELEASE
  const bound = release || (type === dhcp.DHCPREQUEST && (state === RENEWING || state === REBINDING))
  const chosen = type === dhcp.DHCPDECLINE || (type === dhcp.DHCPREQUEST && state === REQUESTING)
  let to = dhcp.putDhcp(view, at, dhcp.BOOTREQUEST, m.get32(c + XID), type)
  view.setUint16(at + dhcp.DHCP_SECS, Math.min(0xffff, (nowOf(s) - getTime(s, c + STARTED)) / 1000))
  // RFC 2131, 4.1: a client that cannot take unicast before it has its address says so.
  if (!bound) view.setUint16(at + dhcp.DHCP_FLAGS, dhcp.DHCP_BROADCAST_FLAG)
  if (bound) view.setInt32(at + dhcp.DHCP_CIADDR, address)
  putMac(view, at + dhcp.DHCP_CHADDR, m.get16(MAC_HIGH), m.get32(MAC_LOW))
  // RFC 2132, 9.14: the hardware's type and address; the same in all messages.
  view.setUint16(to, (dhcp.OPTION_CLIENT_ID << 8) | 7)
  view.setUint8(to + 2, 1)
  putMac(view, to + 3, m.get16(MAC_HIGH), m.get32(MAC_LOW))
  to += 9
  if (!bound && address !== 0) to = dhcp.putOption32(view, to, dhcp.OPTION_REQUESTED_ADDRESS, address)
  if (chosen || release) to = dhcp.putOption32(view, to, dhcp.OPTION_SERVER_ID, server)
  if (type === dhcp.DHCPDISCOVER || type === dhcp.DHCPREQUEST) to = putWishes(s, c, to)
  const near = release || (bound && state === RENEWING)
  sendMessage(
    s,
    page,
    dhcp.endDhcp(view, at, to),
    bound ? address : 0,
    dhcp.DHCP_CLIENT_PORT,
    near ? server : BROADCAST,
    dhcp.DHCP_SERVER_PORT,
  )
}

function putWishes(s: Core, c: Address, at: Address): Address {
  const { m } = s
  let to = at
  m.view.setUint16(to, (dhcp.OPTION_MAX_SIZE << 8) | 2)
  m.view.setUint16(to + 2, MAX_SIZE)
  m.view.setUint16(to + 4, (dhcp.OPTION_PARAMETERS << 8) | PARAMETERS.length)
  to += 6
  for (const code of PARAMETERS) m.put8(to++, code)
  const name = m.get8(c + NAME_LENGTH)
  return name === 0 ? to : dhcp.putOption(m.view, to, dhcp.OPTION_HOST_NAME, m.bytes, c + NAME, name)
}

/** A reply to our last message. False: it is none that this state waits for. */
function replyInput(s: Core, c: Address, at: Address, length: number): boolean {
  const { m } = s
  const state = m.get8(c + CLIENT_STATE)
  const server = dhcp.option32(m.view, at, length, dhcp.OPTION_SERVER_ID) | 0
  const yours = m.view.getInt32(at + dhcp.DHCP_YIADDR)
  switch (dhcp.messageTypeOf(m.view, at, length)) {
    case dhcp.DHCPOFFER:
      if (state !== SELECTING || server === 0 || !isUsable(yours)) return false
      m.put32(c + CLIENT_ADDRESS, yours)
      m.put32(c + CLIENT_SERVER, server)
      m.put8(c + CLIENT_STATE, REQUESTING)
      m.put8(c + TRIES, 0)
      ask(s, c, dhcp.DHCPREQUEST)
      return true
    case dhcp.DHCPACK:
      if (!expectsReply(s, c, server) || !isUsable(yours)) return false
      return bind(s, c, at, length, yours, server)
    case dhcp.DHCPNAK:
      if (!expectsReply(s, c, server)) return false
      beginAnew(s, c)
      return true
    default:
      return false
  }
}

/** Whether a REQUEST is out, and this server is one whose answer counts. */
function expectsReply(s: Core, c: Address, server: number): boolean {
  const state = s.m.get8(c + CLIENT_STATE)
  if (state === REQUESTING) return server === s.m.get32(c + CLIENT_SERVER)
  return (state === RENEWING || state === REBINDING || state === REBOOTING) && server !== 0
}

/** The lease is ours, or goes on. The address is probed before it is used (RFC 2131, 2.2: "SHOULD"). */
function bind(s: Core, c: Address, at: Address, length: number, address: number, server: number): boolean {
  const { m } = s
  const seconds = dhcp.option32(m.view, at, length, dhcp.OPTION_LEASE_TIME)
  if (seconds === 0) return false
  putTimes(s, c, at, length, seconds)
  const mask = dhcp.option32(m.view, at, length, dhcp.OPTION_SUBNET_MASK) | 0
  m.put32(c + LEASE_MASK, maskIsGood(mask) ? mask : naturalMask(address))
  m.put32(c + ROUTER, readAddress(s, c, at, length, dhcp.OPTION_ROUTER))
  readNames(s, c, at, length)
  m.put8(c + CLIENT_STATE, BOUND)
  m.put32(c + CLIENT_SERVER, server)
  const before = m.get32(c + CLIENT_ADDRESS)
  m.put32(c + CLIENT_ADDRESS, address)
  if (m.get32(ADDRESS) === address && before === address) {
    renewRoutes(s, c)
  } else if (!isAcquiring(s, address)) {
    acquireAddress(s, address, m.get32(c + LEASE_MASK), m.get32(c + ROUTER))
  }
  wakeAt(s, c, getTime(s, c + T1))
  return true
}

/** The address stays; its network or its router may be others than before. */
function renewRoutes(s: Core, c: Address): void {
  const { m } = s
  const address = m.get32(c + CLIENT_ADDRESS)
  if (m.get32(MASK) !== m.get32(c + LEASE_MASK)) {
    dropAddress(s, address)
    takeAddress(s, 0, address, lengthOf(m.get32(c + LEASE_MASK)), true)
  }
  setDefaultRoute(s, m.get32(c + ROUTER))
}

/** RFC 2131, 4.4.5: times count from when the request went out; T1 is half of the lease, T2 seven eighths. */
function putTimes(s: Core, c: Address, at: Address, length: number, seconds: number): void {
  const start = getTime(s, c + REQUESTED)
  const lease = seconds === INFINITE ? Infinity : seconds * 1000
  const t1 = dhcp.option32(s.m.view, at, length, dhcp.OPTION_T1) * 1000 || lease / 2
  const t2 = dhcp.option32(s.m.view, at, length, dhcp.OPTION_T2) * 1000 || (lease * 7) / 8
  const inOrder = t1 < t2 && t2 < lease
  putTime(s, c + T1, start + (inOrder ? t1 : lease / 2))
  putTime(s, c + T2, start + (inOrder ? t2 : (lease * 7) / 8))
  putTime(s, c + CLIENT_EXPIRES, start + lease)
}

/** The first of an option's addresses, 0 when it has none. */
function readAddress(s: Core, c: Address, at: Address, length: number, code: number): number {
  const { m } = s
  const got = dhcp.readOption(m.view, at, length, code, m.bytes, c + SCRATCH, 4)
  return got >= 4 && got % 4 === 0 ? m.view.getInt32(c + SCRATCH) : 0
}

/** Servers for names, the domain, and the MTU, when the server tells them. */
function readNames(s: Core, c: Address, at: Address, length: number): void {
  const { m } = s
  const { view } = m
  const got = dhcp.readOption(view, at, length, dhcp.OPTION_DNS, m.bytes, c + SCRATCH, 12)
  if (got >= 4 && got % 4 === 0)
    for (let i = 0; i < 12; i += 4) m.put32(DNS_SERVERS + i, i < got ? view.getInt32(c + SCRATCH + i) : 0)
  const domain = dhcp.readOption(view, at, length, dhcp.OPTION_DOMAIN, m.bytes, c + DOMAIN, 63)
  m.put8(c + DOMAIN_LENGTH, Math.max(0, Math.min(63, domain)))
  const mtu = dhcp.readOption(view, at, length, dhcp.OPTION_MTU, m.bytes, c + SCRATCH, 2)
  const wanted = mtu === 2 ? view.getUint16(c + SCRATCH) : 0
  // RFC 2132, 5.1: "The minimum value legal for the MTU is 68." But what asks for the next lease must go out whole.
  m.put16(MTU, Math.min(m.get16(c + LINK_MTU), wanted >= 68 ? Math.max(wanted, MAX_SIZE) : 0xffff))
}
