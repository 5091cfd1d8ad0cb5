/**
 * Sockets that carry datagrams: UDP's and ping's. Each datagram waits in a page of its own until it is read, one
 * that came in fragments in theirs.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { EAGAIN, type Errno } from '../errno.ts'
import {
  type Address,
  type Arena,
  freePage,
  freePages,
  givePage,
  keepInput,
  PAGE_FLAGS,
  PAGE_FROM,
  PAGE_FROM_PORT,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
} from '../memory/arena.ts'
import { appendChain, dropFirst } from '../memory/fifo.ts'
import { PAGE_COUNT, POOL_DATAGRAMS, POOL_SOCKETS } from '../memory/layout.ts'
import { freeRecord, type RecordKind } from '../memory/slab.ts'
import { type Endpoint, Event } from '../stack.ts'
import { SOCKET_HEAD } from './record.ts'
import { leaveTable, raise, silence } from './socket.ts'

/** The list of pages that wait to be read: its head, and its tail behind it. */
export const QUEUE_HEAD = SOCKET_HEAD
export const QUEUE_COUNT = SOCKET_HEAD + 8
/** The link for what is sent to groups, and how far (RFC 1112, 6.1). */
export const MULTICAST_LINK = SOCKET_HEAD + 10
export const MULTICAST_TTL = SOCKET_HEAD + 11
/** The groups that it has joined (igmp/groups.ts). */
export const MEMBERSHIPS = SOCKET_HEAD + 12
export const DATAGRAM_KIND: RecordKind = { pool: POOL_SOCKETS, size: SOCKET_HEAD + 16, urgent: false }

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
  append(m, socket, page, from, port)
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
  append(m, socket, head, from, port)
  return Drop.None
}

const isFull = (m: Arena, socket: Address): boolean =>
  m.get16(socket + QUEUE_COUNT) >= Math.max(2, m.get32(PAGE_COUNT) >> 3)

/** Hangs a datagram's pages at the end of the queue. */
function append(m: Arena, socket: Address, head: Page, from: number, port: number): void {
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
  from.address = m.get32(head + PAGE_FROM) >>> 0
  from.port = m.get16(head + PAGE_FROM_PORT)
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

export function closeDatagrams(s: Core, socket: Address): void {
  const { m } = s
  freePages(m, m.get32(socket + QUEUE_HEAD))
  s.features.multicast?.closed(s, socket)
  leaveTable(m, socket)
  silence(m, socket)
  freeRecord(m, DATAGRAM_KIND, socket)
}
