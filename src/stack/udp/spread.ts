/**
 * One datagram for several sockets: RFC 1122, 4.1.3.5 leaves it to IP who is told of a multicast or broadcast. Each socket at its
 * port that has joined the group, or each that may hear broadcasts, gets a copy of its own.
 */
import { type Core, count, dropped, KIND_UDP } from '../core.ts'
import { Drop } from '../drop.ts'
import { hasJoined } from '../igmp/groups.ts'
import {
  type Address,
  type Arena,
  freePages,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
  takePage,
} from '../memory/arena.ts'
import { POOL_DATAGRAMS } from '../memory/layout.ts'
import { udpInDatagrams } from '../mib.ts'
import { queueChain } from '../socket/datagrams.ts'
import { LOCAL_ADDRESS } from '../socket/record.ts'
import { findSocket, sameSocket } from '../socket/socket.ts'
import { IP_DESTINATION, IP_SOURCE, isMulticast } from '../wire/ipv4.ts'
import { UDP_DESTINATION_PORT, UDP_HEADER, UDP_SOURCE_PORT } from '../wire/udp.ts'

/**
 * Copies the UDP datagram in the pages from `head`, `end` bytes, whose addresses stand in the IP header at `ip`, to all sockets
 * that hear it on this link. False: there was none.
 */
export function spread(s: Core, ip: Address, head: Page, end: number, link: number): boolean {
  const { m } = s
  const { view } = m
  const at = head + m.get16(head + PAGE_OFFSET)
  const port = view.getUint16(at + UDP_DESTINATION_PORT)
  const from = view.getInt32(ip + IP_SOURCE)
  const connected = findSocket(m, KIND_UDP, port, from, view.getUint16(at + UDP_SOURCE_PORT))
  const toThem = spreadFrom(s, connected, ip, head, end, link)
  return spreadFrom(s, findSocket(m, KIND_UDP, port, 0, 0), ip, head, end, link) || toThem
}

/** The same for the socket `first` and those behind it that have the same numbers. */
function spreadFrom(s: Core, first: Address, ip: Address, head: Page, end: number, link: number): boolean {
  const { m } = s
  const at = head + m.get16(head + PAGE_OFFSET)
  let heard = false
  for (let socket = first; socket !== 0; socket = sameSocket(m, socket)) {
    if (!hears(m, socket, m.view.getInt32(ip + IP_DESTINATION), link)) continue
    heard = true
    const wanted = s.features.filter?.wanted(s, socket, at, 0, head, end) ?? end
    const copy = wanted === 0 ? 0 : copyChain(m, head)
    if (copy === 0) {
      dropped(s, wanted === 0 ? Drop.Filtered : Drop.NoMemory)
      continue
    }
    count(s, udpInDatagrams)
    const from = m.view.getInt32(ip + IP_SOURCE)
    const length = Math.max(UDP_HEADER, wanted)
    queueChain(s, socket, copy, UDP_HEADER, length, from, m.view.getUint16(at + UDP_SOURCE_PORT))
  }
  return heard
}

const hears = (m: Arena, socket: Address, destination: number, link: number): boolean =>
  isMulticast(destination)
    ? hasJoined(m, socket, destination, link)
    : m.get32(socket + LOCAL_ADDRESS) === 0 || m.get32(socket + LOCAL_ADDRESS) === destination

/** 0: memory is full. */
function copyChain(m: Arena, head: Page): Page {
  let [first, last] = [0, 0]
  for (let from = head; from !== 0; from = m.get32(from + PAGE_NEXT)) {
    const page = takePage(m, POOL_DATAGRAMS, false)
    if (page === 0) {
      freePages(m, first)
      return 0
    }
    const offset = m.get16(from + PAGE_OFFSET)
    const length = m.get16(from + PAGE_LENGTH)
    m.bytes.copyWithin(page + offset, from + offset, from + offset + length)
    m.put16(page + PAGE_OFFSET, offset)
    m.put16(page + PAGE_LENGTH, length)
    if (first === 0) first = page
    else m.put32(last + PAGE_NEXT, page)
    last = page
  }
  return first
}
