/** ARP, RFC 826: packets in, requests, replies, probes and announcements (RFC 5227) out. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { addressSeen, DEFEND_INTERVAL_MS } from '../ip/acquire.ts'
import { addressToward, isOnThisLink } from '../ip/local.ts'
import type { Address } from '../memory/arena.ts'
import { LINK_DEFENDED_AT, LINK_MAC_HIGH, LINK_MAC_LOW, NOW_MS } from '../memory/layout.ts'
import { arpOutReplies, arpOutRequests } from '../mib.ts'
import {
  ARP_LENGTH,
  ARP_OPERATION,
  ARP_REPLY,
  ARP_REQUEST,
  ARP_SENDER_IP,
  ARP_SENDER_MAC,
  ARP_TARGET_IP,
  ARP_TARGET_MAC,
  arpIsValid,
  putArp,
} from '../wire/arp.ts'
import { ETH_HEADER, ETHERTYPE_ARP, macHigh, macLow, putMac } from '../wire/ethernet.ts'
import { isLinkLocal, isMulticast } from '../wire/ipv4.ts'
import { frameAt, putEthernet, queueFrame, takeFrame } from './frames.ts'
import { linkAt } from './links.ts'
import { learnNeighbour } from './neighbours.ts'

/** An ARP packet of `length` bytes at `at`. */
export function arpInput(s: Core, at: Address, length: number): Drop {
  const { m, link } = s
  const { view } = m
  const own = linkAt(m, link)
  if (!arpIsValid(view, at, length)) return dropped(s, Drop.BadArp)
  const senderIp = view.getInt32(at + ARP_SENDER_IP)
  const senderHigh = macHigh(view, at + ARP_SENDER_MAC)
  const senderLow = macLow(view, at + ARP_SENDER_MAC)
  if ((senderHigh & 0x100) !== 0 || isMulticast(senderIp) || senderIp === -1) return dropped(s, Drop.BadArp)
  const ours = senderHigh === m.get16(own + LINK_MAC_HIGH) && senderLow === m.get32(own + LINK_MAC_LOW)
  // Our own packet, come back by another way, says nothing new.
  if (ours) return dropped(s, Drop.BadSource)
  const targetIp = view.getInt32(at + ARP_TARGET_IP)
  if (link === 0) for (const service of s.services) service.addressSeen?.(s, senderIp, senderHigh, senderLow)
  if (link === 0 && addressSeen(s, senderIp, targetIp)) return dropped(s, Drop.AddressConflict)
  if (isOnThisLink(m, senderIp, link)) {
    defendGiven(s, own, senderIp)
    return dropped(s, Drop.AddressConflict)
  }

  const forUs = isOnThisLink(m, targetIp, link)
  // RFC 5227, 1.1: a sender address of zero is a probe, and says nothing of where anybody is.
  if (senderIp !== 0) learnNeighbour(s, senderIp, senderHigh, senderLow, forUs, link)
  if (forUs && view.getUint16(at + ARP_OPERATION) === ARP_REQUEST) {
    sendArpReply(s, targetIp, senderHigh, senderLow, senderIp)
  }
  return Drop.None
}

/**
 * An address that was not acquired (acquire.ts) but given, as a router's is, is kept: RFC 5227, 2.4 (c). It is announced, but
 * within DEFEND_INTERVAL "the host MUST NOT send another defensive ARP Announcement".
 */
function defendGiven(s: Core, own: Address, address: number): void {
  const { m } = s
  const now = m.get32(NOW_MS)
  const last = m.get32(own + LINK_DEFENDED_AT)
  if (last !== 0 && (now - last) >>> 0 < DEFEND_INTERVAL_MS) return
  m.put32(own + LINK_DEFENDED_AT, now || 1)
  sendArpAnnouncement(s, address, s.link)
}

/** Asks who has `target` on this link. */
export function sendArpRequest(s: Core, target: number, link: number): void {
  count(s, arpOutRequests)
  sendArp(s, ARP_REQUEST, addressToward(s.m, link, target), target, link)
}

/** RFC 5227, 2.1.1: a probe, asking for `target` with a sender address of zero, so that no cache is spoilt. */
export const sendArpProbe = (s: Core, target: number): void => sendArp(s, ARP_REQUEST, 0, target, 0)

/** RFC 5227, 2.3: an announcement, a request whose sender and target are both our address. */
export const sendArpAnnouncement = (s: Core, address: number, link = 0): void =>
  sendArp(s, ARP_REQUEST, address, address, link)

function sendArp(s: Core, operation: number, senderIp: number, targetIp: number, link: number): void {
  const page = takeFrame(s, true)
  if (page === 0) return
  putEthernet(s, frameAt(page), 0xffff, -1, ETHERTYPE_ARP, link)
  putAddresses(s, frameAt(page) + ETH_HEADER, operation, senderIp, 0, 0, targetIp, link)
  queueFrame(s, page, ETH_HEADER + ARP_LENGTH, link)
}

/** Answers, on the link by which it came, who asked for `address`. */
function sendArpReply(
  s: Core,
  address: number,
  targetHigh: number,
  targetLow: number,
  targetIp: number,
): void {
  const page = takeFrame(s, true)
  if (page === 0) return
  count(s, arpOutReplies)
  // RFC 3927, 2.5: all ARP packets with a link-local sender address, replies as well, are broadcast,
  // so that a host which has the same address notices.
  const broadcast = isLinkLocal(address)
  const [high, low] = broadcast ? [0xffff, -1] : [targetHigh, targetLow]
  putEthernet(s, frameAt(page), high, low, ETHERTYPE_ARP, s.link)
  putAddresses(s, frameAt(page) + ETH_HEADER, ARP_REPLY, address, targetHigh, targetLow, targetIp, s.link)
  queueFrame(s, page, ETH_HEADER + ARP_LENGTH, s.link)
}

function putAddresses(
  s: Core,
  at: Address,
  operation: number,
  senderIp: number,
  targetHigh: number,
  targetLow: number,
  targetIp: number,
  link: number,
): void {
  const { m } = s
  const { view } = m
  const own = linkAt(m, link)
  putArp(view, at, operation)
  putMac(view, at + ARP_SENDER_MAC, m.get16(own + LINK_MAC_HIGH), m.get32(own + LINK_MAC_LOW))
  view.setInt32(at + ARP_SENDER_IP, senderIp)
  putMac(view, at + ARP_TARGET_MAC, targetHigh, targetLow)
  view.setInt32(at + ARP_TARGET_IP, targetIp)
}
