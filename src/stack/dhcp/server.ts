/**
 * The DHCP server, RFC 2131, 4.3: lends the addresses of one pool to the hosts of its own link.
 *
 *     free --discover--> probed --nobody answers--> offered --request--> lent --given back, run out--> remembered
 *                          | somebody has it           | another server was chosen       a day later: free
 *                          v                           v
 *                       declined                      free
 *
 * A client is known by its client id, or by its hardware address. What was lent is in the arena, which takes the place of
 * the stable storage of RFC 2131, 4.3.1. Messages by way of a relay are dropped: the pool is of this link.
 */
import { type Core, dropped, KIND_DHCP_SERVER, KIND_LEASE, RECORD_KIND } from '../core.ts'
import { NAME_KIND, putText } from '../dns/record.ts'
import { Drop } from '../drop.ts'
import { sendArpProbe } from '../ethernet/arp.ts'
import { learnNeighbour } from '../ethernet/neighbours.ts'
import { parseIpv4 } from '../ip/addresses.ts'
import { isBroadcast, isInOwnNetwork } from '../ip/local.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ADDRESS, DHCP_SERVER, LEASES_HEAD, MASK } from '../memory/layout.ts'
import { takeRecord } from '../memory/slab.ts'
import type { DhcpPool, StackConfig } from '../stack.ts'
import { messageAt, type Service, sendMessage, takeMessage } from '../udp/service.ts'
import * as dhcp from '../wire/dhcp.ts'
import { macHigh, macLow, putMac } from '../wire/ethernet.ts'
import { BROADCAST } from '../wire/ipv4.ts'
import { UDP_HEADER } from '../wire/udp.ts'
import * as lease from './lease.ts'

const POOL_FIRST = 20
const POOL_LAST = 24
const SECONDS = 28
const ROUTER = 32
/** Three addresses, 0 where there is none. */
const SERVERS = 36
const DOMAIN_LENGTH = 48
const DOMAIN = 49
/** The client id of the message that is being taken. */
const ID = 112
const ID_SIZE = 153
/** One bit for each address of the pool: it has a lease. */
const TAKEN = 156

const POOL_MAX = 254
const SECONDS_DEFAULT = 3600
const SECONDS_MIN = 60
/** Longer than this the wheel does not count in one go. */
const SECONDS_MAX = 2 ** 20
/** RFC 2131, 2.2: "allocating servers SHOULD probe the reused address before allocating"; by ARP, as on one link one can. */
const PROBE_MS = 300
/** How long an offer holds: two of the client's retries. */
const OFFER_MS = 20_000
const REMEMBER_MS = 24 * 3600 * 1000

const serverOf = (s: Core): Address => s.m.get32(DHCP_SERVER)

/** The feature DHCP, as a server. */
export const dhcpServer: Service = {
  start(s, config) {
    if (config.dhcpServer !== undefined) configure(s, config, config.dhcpServer)
  },

  owns: (s, port) => port === dhcp.DHCP_SERVER_PORT && serverOf(s) !== 0,

  input(s, _ip, at, length) {
    const { m } = s
    const from = at + UDP_HEADER
    const size = length - UDP_HEADER
    if (!dhcp.dhcpIsValid(m.view, from, size)) return dropped(s, Drop.BadDhcp)
    const relayed = m.get32(from + dhcp.DHCP_GIADDR) !== 0
    // Frames would go there without ARP, which believes in no group's address either (RFC 1812, 3.3.2).
    const toGroup = (m.get8(from + dhcp.DHCP_CHADDR) & 1) !== 0
    const known =
      m.get8(from + dhcp.DHCP_OP) === dhcp.BOOTREQUEST &&
      !relayed &&
      !toGroup &&
      s.link === 0 &&
      m.get32(ADDRESS) !== 0
    return known && requestInput(s, from, size) ? Drop.None : dropped(s, Drop.UnexpectedDhcp)
  },

  expired(s, record, kind) {
    if (kind === KIND_LEASE) leaseTimer(s, record)
  },

  addressSeen(s, address, high, low) {
    if (serverOf(s) === 0 || address === 0) return
    const at = lease.leaseOfAddress(s.m, address)
    if (at === 0 || lease.isExpectedAt(s.m, at, high, low)) return
    const state = s.m.get8(at + lease.LEASE_STATE)
    if (state === lease.PROBED || state === lease.OFFERED) decline(s, at)
  },
}

/** Throws RangeError with one sentence. */
function configure(s: Core, config: StackConfig, pool: DhcpPool): void {
  const { m } = s
  const [host = '', prefix = ''] = (config.address ?? '').split('/')
  const own = parseIpv4(host)
  if (own === undefined)
    throw new RangeError('A DHCP server needs an address of its own: give it one like 10.0.0.1/24.')
  const first = requireAddress(pool.first)
  const last = requireAddress(pool.last)
  const { lease: seconds = SECONDS_DEFAULT, domain = '' } = pool
  const hosts = 2 ** (32 - Number(prefix))
  const net = own - (own % hosts)
  if (first > last || last - first >= POOL_MAX || first <= net || last >= net + hosts - 1)
    throw new RangeError(
      `A pool is 1 to ${POOL_MAX} addresses of the server’s own link; ${pool.first} to ${pool.last} is not.`,
    )
  if (!(Number.isInteger(seconds) && seconds >= SECONDS_MIN && seconds <= SECONDS_MAX))
    throw new RangeError(`A lease is ${SECONDS_MIN} to ${SECONDS_MAX} seconds; ${seconds} is not.`)
  if (!/^[\w.-]{0,63}$/.test(domain))
    throw new RangeError(`A domain is up to 63 letters, digits, hyphens and dots; '${domain}' is not.`)
  const at = takeRecord(m, NAME_KIND)
  if (at === 0) throw new RangeError('The budget has no room for a DHCP server.')
  m.put32(DHCP_SERVER, at)
  m.put8(at + RECORD_KIND, KIND_DHCP_SERVER)
  m.put32(at + POOL_FIRST, first)
  m.put32(at + POOL_LAST, last)
  m.put32(at + SECONDS, seconds)
  m.put32(at + ROUTER, pool.router === undefined ? 0 : requireAddress(pool.router))
  for (const [i, text] of (pool.dns ?? []).slice(0, 3).entries())
    m.put32(at + SERVERS + i * 4, requireAddress(text))
  m.put8(at + DOMAIN_LENGTH, domain.length)
  putText(s, at + DOMAIN, domain)
}

function requireAddress(text: string): number {
  const address = parseIpv4(text)
  if (address === undefined) throw new RangeError(`An address is written like 10.0.0.9; '${text}' is not.`)
  return address
}

/** RFC 2131, 4.3. False: we have nothing to say to it. */
function requestInput(s: Core, at: Address, length: number): boolean {
  const { m } = s
  readClient(s, at, length)
  const server = serverOf(s)
  const known = lease.leaseOfClient(m, server + ID, m.get8(server + ID_SIZE))
  switch (dhcp.messageTypeOf(m.view, at, length)) {
    case dhcp.DHCPDISCOVER:
      return discover(s, at, length, known)
    case dhcp.DHCPREQUEST:
      return request(s, at, length, known)
    case dhcp.DHCPDECLINE:
      // RFC 2131, 4.4.1, table 5: both messages name the server; a DECLINE has the address among its options, a RELEASE in ciaddr.
      if (!isFor(s, at, length) || !isOf(m, known, requestedIn(m, at, length))) return false
      decline(s, known)
      return true
    case dhcp.DHCPRELEASE:
      if (!isFor(s, at, length) || !isOf(m, known, m.view.getInt32(at + dhcp.DHCP_CIADDR))) return false
      lease.enterLease(s, known, lease.REMEMBERED, REMEMBER_MS)
      return true
    case dhcp.DHCPINFORM:
      return inform(s, at)
    default:
      return false
  }
}

/** RFC 2131, 4.2: the client id, or the hardware's type and address. */
function readClient(s: Core, at: Address, length: number): void {
  const { m } = s
  const server = serverOf(s)
  let size = dhcp.readOption(m.view, at, length, dhcp.OPTION_CLIENT_ID, m.bytes, server + ID, lease.ID_MAX)
  if (size < 2 || size > lease.ID_MAX) {
    m.put8(server + ID, 1)
    m.bytes.copyWithin(server + ID + 1, at + dhcp.DHCP_CHADDR, at + dhcp.DHCP_CHADDR + 6)
    size = 7
  }
  m.put8(server + ID_SIZE, size)
}

/** What the answer needs of the client's message. */
function noteClient(s: Core, at: Address, length: number, to: Address): void {
  const { m } = s
  const server = serverOf(s)
  const size = m.get8(server + ID_SIZE)
  m.put8(to + lease.ID_LENGTH, size)
  m.bytes.copyWithin(to + lease.LEASE_ID, server + ID, server + ID + size)
  m.put32(to + lease.LEASE_XID, m.view.getInt32(at + dhcp.DHCP_XID))
  m.put16(to + lease.LEASE_FLAGS, m.view.getUint16(at + dhcp.DHCP_FLAGS))
  m.put16(to + lease.LEASE_MAC_HIGH, macHigh(m.view, at + dhcp.DHCP_CHADDR))
  m.put32(to + lease.LEASE_MAC_LOW, macLow(m.view, at + dhcp.DHCP_CHADDR))
  const wanted = dhcp.option32(m.view, at, length, dhcp.OPTION_LEASE_TIME)
  const most = m.get32(server + SECONDS)
  m.put32(to + lease.LEASE_SECONDS, wanted === 0 ? most : Math.max(SECONDS_MIN, Math.min(wanted, most)))
}

/** RFC 2131, 4.3.1: the client's own address, the one that it asks for, a fresh one, or the one longest unused. */
function discover(s: Core, at: Address, length: number, known: Address): boolean {
  const { m } = s
  const wanted = requestedIn(m, at, length)
  const chosen = known || chooseLease(s, wanted)
  if (chosen === 0) return false
  const state = m.get8(chosen + lease.LEASE_STATE)
  noteClient(s, at, length, chosen)
  if (state === lease.PROBED) return true
  if (state === lease.LENT || state === lease.OFFERED) {
    if (state === lease.OFFERED) lease.enterLease(s, chosen, lease.OFFERED, OFFER_MS)
    reply(s, chosen, dhcp.DHCPOFFER, 0)
    return true
  }
  lease.enterLease(s, chosen, lease.PROBED, PROBE_MS)
  sendArpProbe(s, m.get32(chosen + lease.LEASE_ADDRESS))
  return true
}

/** A lease for a client that has none: of the address that it would like, or of any. 0: there is none to be had. */
function chooseLease(s: Core, wanted: number): Address {
  const { m } = s
  const server = serverOf(s)
  const first = m.get32(server + POOL_FIRST)
  const size = m.get32(server + POOL_LAST) - first + 1
  noteTaken(m, server, first, size)
  const isFree = (i: number): boolean =>
    i >= 0 &&
    i < size &&
    first + i !== m.get32(ADDRESS) &&
    (m.get8(server + TAKEN + (i >> 3)) & (1 << (i & 7))) === 0
  let index = wanted - first
  if (!isFree(index)) for (index = 0; index < size && !isFree(index); index++);
  if (index < size) {
    const made = lease.makeLease(s, first + index)
    if (made !== 0) return made
  }
  return lease.oldestRemembered(m)
}

function noteTaken(m: Arena, server: Address, first: number, size: number): void {
  m.bytes.fill(0, server + TAKEN, server + TAKEN + 32)
  for (let at = m.get32(LEASES_HEAD); at !== 0; at = lease.nextLease(m, at)) {
    const i = m.get32(at + lease.LEASE_ADDRESS) - first
    if (i >= 0 && i < size)
      m.put8(server + TAKEN + (i >> 3), m.get8(server + TAKEN + (i >> 3)) | (1 << (i & 7)))
  }
}

/** Whether a message names no other server. */
const isFor = (s: Core, at: Address, length: number): boolean => {
  const server = dhcp.option32(s.m.view, at, length, dhcp.OPTION_SERVER_ID) | 0
  return server === 0 || server === s.m.get32(ADDRESS)
}

/** Whether there is a lease, of this address. */
const isOf = (m: Arena, known: Address, address: number): boolean =>
  known !== 0 && m.get32(known + lease.LEASE_ADDRESS) === address

const requestedIn = (m: Arena, at: Address, length: number): number =>
  dhcp.option32(m.view, at, length, dhcp.OPTION_REQUESTED_ADDRESS) | 0

/** RFC 2131, 4.3.2: what the client is about shows in what it names. */
function request(s: Core, at: Address, length: number, known: Address): boolean {
  const { m } = s
  const server = dhcp.option32(m.view, at, length, dhcp.OPTION_SERVER_ID) | 0
  const own = m.view.getInt32(at + dhcp.DHCP_CIADDR)
  const wanted = requestedIn(m, at, length)
  const address = own || wanted
  const state = known === 0 ? 0 : m.get8(known + lease.LEASE_STATE)
  const fits = isOf(m, known, address) && state !== lease.PROBED
  if (server !== 0 && server !== m.get32(ADDRESS)) {
    // SELECTING, and another server was chosen: our offer is void.
    if (state === lease.OFFERED || state === lease.PROBED) lease.forgetLease(s, known)
    return false
  }
  // RFC 2131, 4.3.2: "If the DHCP server has no record of this client, then it MUST remain silent".
  if (known === 0 && server === 0 && isNobodys(s, address)) return false
  if (!fits || (server !== 0 && state === lease.REMEMBERED)) return refuse(s, at)
  noteClient(s, at, length, known)
  lease.enterLease(s, known, lease.LENT, m.get32(known + lease.LEASE_SECONDS) * 1000)
  reply(s, known, dhcp.DHCPACK, own)
  return true
}

/** Whether an address of this link is lent to nobody that we know of. */
const isNobodys = (s: Core, address: number): boolean =>
  ((address ^ s.m.get32(ADDRESS)) & s.m.get32(MASK)) === 0 && lease.leaseOfAddress(s.m, address) === 0

/** Somebody has the address whom we do not know: it is kept out of use as long as a lease would last. */
function decline(s: Core, at: Address): void {
  s.m.put8(at + lease.ID_LENGTH, 0)
  lease.enterLease(s, at, lease.DECLINED, s.m.get32(serverOf(s) + SECONDS) * 1000)
}

function leaseTimer(s: Core, at: Address): void {
  switch (s.m.get8(at + lease.LEASE_STATE)) {
    case lease.PROBED:
      lease.enterLease(s, at, lease.OFFERED, OFFER_MS)
      return reply(s, at, dhcp.DHCPOFFER, 0)
    case lease.LENT:
      return lease.enterLease(s, at, lease.REMEMBERED, REMEMBER_MS)
    default:
      return lease.forgetLease(s, at)
  }
}

/** OFFER and ACK: RFC 2131, 4.3.1, table 3. `own` is the address that the client has already. */
function reply(s: Core, at: Address, type: number, own: number): void {
  const { m } = s
  const page = takeMessage(s)
  if (page === 0) return
  const to = messageAt(page)
  const yours = m.get32(at + lease.LEASE_ADDRESS)
  let end = dhcp.putDhcp(m.view, to, dhcp.BOOTREPLY, m.get32(at + lease.LEASE_XID), type)
  m.view.setUint16(to + dhcp.DHCP_FLAGS, m.get16(at + lease.LEASE_FLAGS))
  m.view.setInt32(to + dhcp.DHCP_CIADDR, own)
  m.view.setInt32(to + dhcp.DHCP_YIADDR, yours)
  const high = m.get16(at + lease.LEASE_MAC_HIGH)
  const low = m.get32(at + lease.LEASE_MAC_LOW)
  putMac(m.view, to + dhcp.DHCP_CHADDR, high, low)
  end = dhcp.putOption32(m.view, end, dhcp.OPTION_LEASE_TIME, m.get32(at + lease.LEASE_SECONDS))
  end = putParameters(s, end)
  const broadcast = (m.get16(at + lease.LEASE_FLAGS) & dhcp.DHCP_BROADCAST_FLAG) !== 0
  const destination = own !== 0 ? own : broadcast ? BROADCAST : yours
  // RFC 2131, 4.1: it cannot answer ARP yet, but has told us its hardware address.
  if (destination !== BROADCAST) learnNeighbour(s, destination, high, low, true, 0)
  sendReply(s, page, end, destination)
}

/** RFC 2131, 4.3.5: the parameters alone, to a client that has its address by other means. */
function inform(s: Core, at: Address): boolean {
  const { m } = s
  const own = m.view.getInt32(at + dhcp.DHCP_CIADDR)
  // 3.4: "The server SHOULD check the network address in a DHCPINFORM message for consistency".
  if (!isInOwnNetwork(m, own, 0) || own === m.get32(ADDRESS) || isBroadcast(m, own)) return false
  const page = takeMessage(s)
  if (page === 0) return true
  const to = messageAt(page)
  const xid = m.view.getInt32(at + dhcp.DHCP_XID)
  const end = dhcp.putDhcp(m.view, to, dhcp.BOOTREPLY, xid, dhcp.DHCPACK)
  m.view.setInt32(to + dhcp.DHCP_CIADDR, own)
  m.bytes.copyWithin(to + dhcp.DHCP_CHADDR, at + dhcp.DHCP_CHADDR, at + dhcp.DHCP_CHADDR + 6)
  sendReply(s, page, putParameters(s, end), own)
  return true
}

/** DHCPNAK: RFC 2131, 4.3.2: broadcast, since the client's address may be wrong on this link. */
function refuse(s: Core, at: Address): boolean {
  const { m } = s
  const page = takeMessage(s)
  if (page === 0) return true
  const to = messageAt(page)
  const xid = m.view.getInt32(at + dhcp.DHCP_XID)
  const end = dhcp.putDhcp(m.view, to, dhcp.BOOTREPLY, xid, dhcp.DHCPNAK)
  m.view.setUint16(to + dhcp.DHCP_FLAGS, m.view.getUint16(at + dhcp.DHCP_FLAGS))
  m.bytes.copyWithin(to + dhcp.DHCP_CHADDR, at + dhcp.DHCP_CHADDR, at + dhcp.DHCP_CHADDR + 6)
  sendReply(s, page, dhcp.putOption32(m.view, end, dhcp.OPTION_SERVER_ID, m.get32(ADDRESS)), BROADCAST)
  return true
}

function putParameters(s: Core, at: Address): Address {
  const { m } = s
  const server = serverOf(s)
  let end = dhcp.putOption32(m.view, at, dhcp.OPTION_SERVER_ID, m.get32(ADDRESS))
  end = dhcp.putOption32(m.view, end, dhcp.OPTION_SUBNET_MASK, m.get32(MASK))
  if (m.get32(server + ROUTER) !== 0)
    end = dhcp.putOption32(m.view, end, dhcp.OPTION_ROUTER, m.get32(server + ROUTER))
  let names = 0
  while (names < 3 && m.get32(server + SERVERS + names * 4) !== 0) names++
  if (names > 0) {
    m.view.setUint16(end, (dhcp.OPTION_DNS << 8) | (names * 4))
    for (let i = 0; i < names; i++) m.view.setInt32(end + 2 + i * 4, m.get32(server + SERVERS + i * 4))
    end += 2 + names * 4
  }
  const domain = m.get8(server + DOMAIN_LENGTH)
  return domain === 0
    ? end
    : dhcp.putOption(m.view, end, dhcp.OPTION_DOMAIN, m.bytes, server + DOMAIN, domain)
}

function sendReply(s: Core, page: Address, end: Address, destination: number): void {
  const length = dhcp.endDhcp(s.m.view, messageAt(page), end)
  const from = s.m.get32(ADDRESS)
  sendMessage(s, page, length, from, dhcp.DHCP_SERVER_PORT, destination, dhcp.DHCP_CLIENT_PORT)
}
