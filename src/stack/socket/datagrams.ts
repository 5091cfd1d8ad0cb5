/** Sockets that carry datagrams: UDP's and ping's. Each datagram waits in a page of its own until it is read. */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { EAGAIN, type Errno } from '../errno.ts'
import {
  type Address,
  freePage,
  freePages,
  keepInput,
  PAGE_FROM,
  PAGE_FROM_PORT,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
} from '../memory/arena.ts'
import { PAGE_COUNT, POOL_DATAGRAMS, POOL_SOCKETS } from '../memory/layout.ts'
import { freeRecord, type RecordKind } from '../memory/slab.ts'
import { type Endpoint, Event } from '../stack.ts'
import { SOCKET_HEAD } from './record.ts'
import { leaveTable, raise, silence } from './socket.ts'

const QUEUE_HEAD = SOCKET_HEAD
const QUEUE_TAIL = SOCKET_HEAD + 4
const QUEUE_COUNT = SOCKET_HEAD + 8
export const DATAGRAM_KIND: RecordKind = { pool: POOL_SOCKETS, size: SOCKET_HEAD + 12, urgent: false }

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
  const waiting = m.get16(socket + QUEUE_COUNT)
  if (waiting >= Math.max(2, m.get32(PAGE_COUNT) >> 3)) return dropped(s, Drop.QueueFull)
  const page = keepInput(m, POOL_DATAGRAMS)
  if (page === 0) return dropped(s, Drop.NoMemory)
  m.put16(page + PAGE_OFFSET, at - page)
  m.put16(page + PAGE_LENGTH, length)
  m.put32(page + PAGE_FROM, from)
  m.put16(page + PAGE_FROM_PORT, port)
  const tail = m.get32(socket + QUEUE_TAIL)
  if (tail === 0) m.put32(socket + QUEUE_HEAD, page)
  else m.put32(tail + PAGE_NEXT, page)
  m.put32(socket + QUEUE_TAIL, page)
  m.put16(socket + QUEUE_COUNT, waiting + 1)
  raise(m, socket, Event.Readable)
  return Drop.None
}

/** The oldest datagram, cut to fit. */
export function takeDatagram(s: Core, socket: Address, into: Uint8Array, from: Endpoint): number | Errno {
  const { m } = s
  const page = m.get32(socket + QUEUE_HEAD)
  if (page === 0) return EAGAIN
  const length = Math.min(into.length, m.get16(page + PAGE_LENGTH))
  const at = page + m.get16(page + PAGE_OFFSET)
  into.set(m.window(at, length))
  from.address = m.get32(page + PAGE_FROM) >>> 0
  from.port = m.get16(page + PAGE_FROM_PORT)
  const next = m.get32(page + PAGE_NEXT)
  m.put32(socket + QUEUE_HEAD, next)
  if (next === 0) m.put32(socket + QUEUE_TAIL, 0)
  m.put16(socket + QUEUE_COUNT, m.get16(socket + QUEUE_COUNT) - 1)
  freePage(m, page)
  return length
}

export function closeDatagrams(s: Core, socket: Address): void {
  const { m } = s
  freePages(m, m.get32(socket + QUEUE_HEAD))
  leaveTable(m, socket)
  silence(m, socket)
  freeRecord(m, DATAGRAM_KIND, socket)
}
