/**
 * A frame arrives: it is copied once, into the input page, and stays there while its headers are checked. Data that
 * is kept stays where it is: its page changes hands and a fresh one becomes the input page.
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { arpInput } from '../ethernet/arp.ts'
import { frameAt } from '../ethernet/frames.ts'
import { linkAt } from '../ethernet/links.ts'
import { sendUnreachable } from '../icmp/errors.ts'
import { icmpInput } from '../icmp/input.ts'
import { type Address, FRAME_MAX } from '../memory/arena.ts'
import { ADDRESSES, INPUT_PAGE, LINK_MAC_HIGH, LINK_MAC_LOW } from '../memory/layout.ts'
import { ipInDelivers, ipInReceives } from '../mib.ts'
import { tcpInput } from '../tcp/input.ts'
import { udpInput } from '../udp/udp.ts'
import { pseudoSum, sumBytes, sumHeader } from '../wire/checksum.ts'
import {
  ETH_DESTINATION,
  ETH_HEADER,
  ETH_TYPE,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  macHigh,
  macLow,
} from '../wire/ethernet.ts'
import { UNREACHABLE_PROTOCOL } from '../wire/icmp.ts'
import {
  BROADCAST,
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_HEADER,
  IP_MORE_FRAGMENTS,
  IP_PROTOCOL,
  IP_SOURCE,
  IP_TOTAL_LENGTH,
  IP_VERSION_IHL,
  isLoopback,
  isMulticast,
  PROTOCOL_ICMP,
  PROTOCOL_IGMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../wire/ipv4.ts'
import { isBroadcast, isOurs } from './local.ts'

/** RFC 1112, 6.4: the MAC addresses of IPv4's groups begin with 01-00-5E. */
const GROUP_MAC_HIGH = 0x0100

/** Takes a frame off a link. */
export function frameInput(s: Core, frame: Uint8Array, link: number): Drop {
  const { m } = s
  s.link = link
  const length = frame.length
  if (length < ETH_HEADER) {
    s.features.ethtool?.failed(m, linkAt(m, link))
    return dropped(s, Drop.Truncated)
  }
  if (length > FRAME_MAX) return s.features.offload?.input(s, frame) ?? tooLong(s)
  const at = frameAt(m.get32(INPUT_PAGE))
  m.bytes.set(frame, at)
  return etherInput(s, at, length)
}

/** The frame is larger than can be taken. */
export function tooLong(s: Core): Drop {
  s.features.ethtool?.failed(s.m, linkAt(s.m, s.link))
  return dropped(s, Drop.BadIpLength)
}

/** The frame of `length` bytes at `at`, of 14 at least. */
export function etherInput(s: Core, at: Address, length: number): Drop {
  const { m, link } = s
  const taken = s.features.packet?.incoming(s, at, length) ?? false
  const high = macHigh(m.view, at + ETH_DESTINATION)
  const toGroup = (high & 0x100) !== 0
  const own = linkAt(m, link)
  s.features.ethtool?.received(m, own, length)
  if (
    !toGroup &&
    !(
      high === m.get16(own + LINK_MAC_HIGH) &&
      macLow(m.view, at + ETH_DESTINATION) === m.get32(own + LINK_MAC_LOW)
    )
  ) {
    return dropped(s, Drop.NotForUs)
  }
  // RFC 1112, 6.4: frames for groups that nobody here has joined are sorted out early.
  if (
    high === GROUP_MAC_HIGH &&
    !(s.features.multicast?.wantsMac(m, macLow(m.view, at + ETH_DESTINATION), link) ?? false)
  )
    return dropped(s, Drop.NotAMember)
  switch (m.view.getUint16(at + ETH_TYPE)) {
    case ETHERTYPE_IPV4:
      return ipv4Input(s, at + ETH_HEADER, length - ETH_HEADER, toGroup)
    case ETHERTYPE_ARP:
      return arpInput(s, at + ETH_HEADER, length - ETH_HEADER)
    case ETHERTYPE_IPV6:
      return (
        s.features.ipv6?.input(s, at + ETH_HEADER, length - ETH_HEADER, toGroup) ??
        dropped(s, Drop.UnknownEtherType)
      )
    default:
      return taken ? Drop.None : dropped(s, Drop.UnknownEtherType)
  }
}

/** RFC 1122, 3.2.1: what a host must check, in its order. */
function ipv4Input(s: Core, at: Address, length: number, toGroup: boolean): Drop {
  const { m } = s
  const { view } = m
  count(s, ipInReceives)
  if (length < IP_HEADER) return dropped(s, Drop.Truncated)
  const versionAndLength = view.getUint8(at + IP_VERSION_IHL)
  if (versionAndLength >> 4 !== 4) return dropped(s, Drop.BadIpVersion)
  const headerLength = (versionAndLength & 15) * 4
  if (headerLength < IP_HEADER || headerLength > length) return dropped(s, Drop.BadIpHeaderLength)
  const total = view.getUint16(at + IP_TOTAL_LENGTH)
  if (total < headerLength || total > length) return dropped(s, Drop.BadIpLength)
  const sum = headerLength === IP_HEADER ? sumHeader(m, at) : sumBytes(m, at, headerLength)
  if (sum !== 0xffff) return dropped(s, Drop.BadIpChecksum)

  const source = view.getInt32(at + IP_SOURCE)
  const destination = view.getInt32(at + IP_DESTINATION)
  // RFC 1122, 3.2.1.3 (a): who has no address yet speaks from 0.0.0.0, to all.
  if (!maySend(s, source) && !(source === 0 && destination === BROADCAST)) return dropped(s, Drop.BadSource)
  const toUs = isOurs(m, destination)
  const toAll = !toUs && isForAll(s, destination)
  // RFC 1122, 3.3.6: a datagram for one host that came by link-layer broadcast is not taken.
  if (toUs ? toGroup : !toAll) {
    if (m.get32(ADDRESSES) === 0) return dropped(s, Drop.NoAddress)
    if (toUs || toGroup) return dropped(s, Drop.WrongDestination)
    return s.features.forwarding?.forward(s, at, headerLength, total) ?? dropped(s, Drop.WrongDestination)
  }
  if (headerLength > IP_HEADER) {
    const fault = s.features.options?.check(s, at, headerLength) ?? Drop.None
    if (fault !== Drop.None) return fault
  }
  const fragment = view.getUint16(at + IP_FRAGMENT)
  if ((fragment & (IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)) !== 0) {
    return s.features.fragments?.input(s, at, headerLength, total, toAll) ?? dropped(s, Drop.Fragment)
  }
  return deliver(s, at, headerLength, total, toAll)
}

/** A whole datagram, checked, that stands at `at` in the input page: to its protocol. */
export function deliver(s: Core, at: Address, headerLength: number, total: number, toAll: boolean): Drop {
  count(s, ipInDelivers)
  const payload = at + headerLength
  const length = total - headerLength
  const taken = s.features.raw?.input(s, at, headerLength, length, 0) ?? false
  switch (s.m.get8(at + IP_PROTOCOL)) {
    case PROTOCOL_TCP:
      // RFC 9293, 3.9.2.3 (MUST-57): a segment to a broadcast or multicast address is discarded.
      if (toAll) return dropped(s, Drop.WrongDestination)
      return s.features.ecn?.input(s, at, payload, length) ?? tcpDatagram(s, at, payload, length)
    case PROTOCOL_UDP:
      return udpInput(s, at, payload, length, toAll)
    case PROTOCOL_ICMP:
      return icmpInput(s, at, payload, length, toAll)
    case PROTOCOL_IGMP:
      return s.features.multicast?.input(s, payload, length) ?? unknownProtocol(s, at)
    default:
      if (taken) return Drop.None
      return unknownProtocol(s, at)
  }
}

/** `length` bytes of TCP at `at`, in the datagram at `ip`. */
export function tcpDatagram(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const pseudo = pseudoSum(m, ip + IP_SOURCE, PROTOCOL_TCP, length)
  return tcpInput(
    s,
    m.view.getInt32(ip + IP_SOURCE),
    m.view.getInt32(ip + IP_DESTINATION),
    at,
    length,
    pseudo,
  )
}

function unknownProtocol(s: Core, at: Address): Drop {
  sendUnreachable(s, at, UNREACHABLE_PROTOCOL)
  return dropped(s, Drop.UnknownProtocol)
}

/** Whether a destination that is not ours means us with others: all hosts of the link, or a group that we are in. */
const isForAll = ({ m, link, features }: Core, destination: number): boolean =>
  isMulticast(destination)
    ? (features.multicast?.isMember(m, destination, link) ?? false)
    : isBroadcast(m, destination, link)

/** RFC 1122, 3.2.1.3: nothing of 0.0.0.0/8, no broadcast, multicast or loopback address may be a source; nor may ours, from outside. */
const maySend = ({ m, link }: Core, source: number): boolean =>
  !(
    isLoopback(source) ||
    isMulticast(source) ||
    source >>> 24 === 0 ||
    isOurs(m, source) ||
    isBroadcast(m, source, link)
  )
