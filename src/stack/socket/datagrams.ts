/**
 * Sockets that carry datagrams: UDP's, and those that come with a feature (family.ts): ping, raw, packet, netlink. Each
 * datagram waits in a page of its own until it is read, one that came in fragments in theirs.
 */
import { type Core, dropped, KIND_CONNECTION } from '../core.ts'
import { Drop } from '../drop.ts'
import { EAGAIN, EBADF, EOPNOTSUPP, type Errno } from '../errno.ts'
import {
  type Address,
  type Arena,
  freePage,
  freePages,
  givePage,
  keepInput,
  PAGE,
  PAGE_FLAGS,
  PAGE_FRAME,
  PAGE_FROM,
  PAGE_FROM_PORT,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
  takePage,
} from '../memory/arena.ts'
import { appendChain, dropFirst } from '../memory/fifo.ts'
import { PAGE_COUNT, POOL_DATAGRAMS, POOL_SOCKETS } from '../memory/layout.ts'
import { freeRecord, type RecordKind } from '../memory/slab.ts'
import { type Endpoint, Event } from '../stack.ts'
import { SOCKET_HEAD } from './record.ts'
import { kindOf, leaveTable, raise, silence, tell } from './socket.ts'

/** The list of pages that wait to be read: its head, and its tail behind it. */
export const QUEUE_HEAD = SOCKET_HEAD
export const QUEUE_COUNT = SOCKET_HEAD + 8
/** The link for what is sent to groups, and how far (RFC 1112, 6.1). */
export const MULTICAST_LINK = SOCKET_HEAD + 10
export const MULTICAST_TTL = SOCKET_HEAD + 11
/** The groups that it has joined (igmp/groups.ts). */
export const MEMBERSHIPS = SOCKET_HEAD + 12
/** The next socket in the list of its kind. */
export const NEXT_OF_KIND = SOCKET_HEAD + 16
/** LPF_FILTER: the first page of its program, 0 if it has none. */
export const FILTER = SOCKET_HEAD + 20
/** What it would have got but had no room for. */
export const LOST = SOCKET_HEAD + 24
/** PACKET_MMAP: the slots of its ring that are empty. NETLINK: where its dump has come to. */
export const SLOTS = SOCKET_HEAD + 28
export const DATAGRAM_KIND: RecordKind = { pool: POOL_SOCKETS, size: SOCKET_HEAD + 32, urgent: false }

// Flags; the lower three bits are common to all sockets.
/** It may send to all hosts of a link. */
export const FLAG_BROADCAST = 8
/** Others that say so, too, may have the same port. */
export const FLAG_SHARED = 16
/** What it sends to a group does not come back to members on this host. */
export const FLAG_NO_LOOP = 32

/** PAGE_FLAGS: the datagram goes on in the next page. */
const GOES_ON = 1

/**
 * Keeps the datagram that stands in the input page at `at`: the page changes hands. A socket may hold an eighth of
 * all pages; more is dropped, as UDP may.
 */
export function queueDatagram(
  s: Core,
  socket: Address,
  at: Address,
  length: number,
  from: number,
  port: number,
): Drop {
  const { m } = s
  if (isFull(m, socket)) return dropped(s, Drop.QueueFull)
  let page = keepInput(m, POOL_DATAGRAMS)
  // Fragments that wait for others give way.
  while (page === 0 && s.features.fragments?.makeRoom(s) === true) page = keepInput(m, POOL_DATAGRAMS)
  if (page === 0) return dropped(s, Drop.NoMemory)
  m.put16(page + PAGE_OFFSET, at - page)
  m.put16(page + PAGE_LENGTH, length)
  queuePages(m, socket, page, from, port)
  return Drop.None
}

/**
 * The same for a datagram that lies in a chain of pages: those change hands, or are freed when the queue is full.
 * The first `skip` bytes are headers; the datagram ends behind `end` bytes of the chain.
 */
export function queueChain(
  s: Core,
  socket: Address,
  head: Page,
  skip: number,
  end: number,
  from: number,
  port: number,
): Drop {
  const { m } = s
  if (isFull(m, socket)) {
    freePages(m, head)
    return dropped(s, Drop.QueueFull)
  }
  let left = end
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) {
    const length = Math.min(left, m.get16(page + PAGE_LENGTH))
    left -= length
    m.put16(page + PAGE_LENGTH, length)
    if (left === 0) {
      freePages(m, m.get32(page + PAGE_NEXT))
      m.put32(page + PAGE_NEXT, 0)
    }
    m.put16(page + PAGE_FLAGS, left === 0 ? 0 : GOES_ON)
    givePage(m, page, POOL_DATAGRAMS)
  }
  m.put16(head + PAGE_OFFSET, m.get16(head + PAGE_OFFSET) + skip)
  m.put16(head + PAGE_LENGTH, m.get16(head + PAGE_LENGTH) - skip)
  queuePages(m, socket, head, from, port)
  return Drop.None
}

/**
 * Puts a copy of a packet, of as much of it as the socket's filter wants, into its queue: `length` bytes at `at`, then
 * `behind` bytes of a chain of pages. The copy's first page; 0: it does not want the packet, or has no room for it.
 */
export function queueCopy(
  s: Core,
  socket: Address,
  at: Address,
  length: number,
  chain: Page,
  behind: number,
  from: number,
  port: number,
): Page {
  const { m } = s
  const wanted = s.features.filter?.wanted(s, socket, at, length, chain, behind) ?? length + behind
  if (wanted === 0) return 0
  const head = isFull(m, socket) ? 0 : copyPacket(m, at, length, chain, wanted)
  if (head === 0) m.add32(socket + LOST, 1)
  else queuePages(m, socket, head, from, port)
  return head
}

/** The first `wanted` bytes of a packet in pages of their own; 0 when memory is full. */
function copyPacket(m: Arena, at: Address, length: number, chain: Page, wanted: number): Page {
  let head = 0
  let last = 0
  let source = chain
  let taken = 0
  for (let done = 0; done < wanted; ) {
    const page = takePage(m, POOL_DATAGRAMS, false)
    if (head === 0) head = page
    else m.put32(last + PAGE_NEXT, page)
    if (page === 0) {
      freePages(m, head)
      return 0
    }
    const room = Math.min(PAGE - PAGE_FRAME, wanted - done)
    let filled = 0
    if (done < length) {
      filled = Math.min(room, length - done)
      m.bytes.copyWithin(page + PAGE_FRAME, at + done, at + done + filled)
    }
    while (filled < room) {
      const part = Math.min(room - filled, m.get16(source + PAGE_LENGTH) - taken)
      const from = source + m.get16(source + PAGE_OFFSET) + taken
      m.bytes.copyWithin(page + PAGE_FRAME + filled, from, from + part)
      filled += part
      taken += part
      if (taken === m.get16(source + PAGE_LENGTH)) {
        source = m.get32(source + PAGE_NEXT)
        taken = 0
      }
    }
    done += room
    m.put16(page + PAGE_OFFSET, PAGE_FRAME)
    m.put16(page + PAGE_LENGTH, room)
    m.put16(page + PAGE_FLAGS, done < wanted ? GOES_ON : 0)
    last = page
  }
  return head
}

/** A socket may hold an eighth of all pages. */
export const isFull = (m: Arena, socket: Address): boolean =>
  m.get16(socket + QUEUE_COUNT) >= Math.max(2, m.get32(PAGE_COUNT) >> 3)

/** Hangs a datagram's pages at the end of the queue. */
export function queuePages(m: Arena, socket: Address, head: Page, from: number, port: number): void {
  m.put32(head + PAGE_FROM, from)
  m.put16(head + PAGE_FROM_PORT, port)
  const pages = appendChain(m, socket + QUEUE_HEAD, head, PAGE_NEXT)
  m.put16(socket + QUEUE_COUNT, m.get16(socket + QUEUE_COUNT) + pages)
  raise(m, socket, Event.Readable)
}

/** The oldest datagram, cut to fit. */
export function takeDatagram(s: Core, socket: Address, into: Uint8Array, from: Endpoint): number | Errno {
  const { m } = s
  const head = m.get32(socket + QUEUE_HEAD)
  if (head === 0) return EAGAIN
  tell(s, from, m.get32(head + PAGE_FROM), m.get16(head + PAGE_FROM_PORT))
  let done = 0
  for (let page = head, goesOn = true; goesOn; ) {
    const length = Math.min(into.length - done, m.get16(page + PAGE_LENGTH))
    if (length > 0) into.set(m.window(page + m.get16(page + PAGE_OFFSET), length), done)
    done += length
    goesOn = (m.get16(page + PAGE_FLAGS) & GOES_ON) !== 0
    page = freeFirst(m, socket, page)
  }
  return done
}

/** Frees the first page of the queue; the next one, 0 if it was the last. */
function freeFirst(m: Arena, socket: Address, page: Page): Page {
  const next = dropFirst(m, socket + QUEUE_HEAD, PAGE_NEXT)
  m.put16(socket + QUEUE_COUNT, m.get16(socket + QUEUE_COUNT) - 1)
  freePage(m, page)
  return next
}

/** How many packets a socket had no room for since this was asked last. */
export function takeLost({ m }: Core, socket: Address): number | Errno {
  if (socket === 0) return EBADF
  if (kindOf(m, socket) === KIND_CONNECTION) return EOPNOTSUPP
  const lost = m.get32(socket + LOST)
  m.put32(socket + LOST, 0)
  return lost
}

/** Frees the record, what waits in it unread, and its groups and filter. Its handle is stale from now on. */
export function closeDatagrams(s: Core, socket: Address): void {
  const { m } = s
  freePages(m, m.get32(socket + QUEUE_HEAD))
  s.features.filter?.detach(s, socket)
  s.features.multicast?.closed(s, socket)
  leaveTable(m, socket)
  silence(m, socket)
  freeRecord(m, DATAGRAM_KIND, socket)
}
