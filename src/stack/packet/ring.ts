/**
 * PACKET_MMAP: a packet socket's ring. Its pages are set aside when it is asked for and come back when the socket closes:
 * a frame that is captured takes an empty slot and waits in the socket's queue, and reading it makes the slot empty again.
 * A frame that finds none empty is lost, and counted. So a capture never takes memory from what it watches.
 */
import type { Core } from '../core.ts'
import { EAGAIN, EINVAL, ENOBUFS, type Errno } from '../errno.ts'
import {
  type Address,
  type Arena,
  freePages,
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
import { append, clear, dropFirst } from '../memory/fifo.ts'
import { POOL_CAPTURE } from '../memory/layout.ts'
import { LOST, QUEUE_COUNT, QUEUE_HEAD, SLOTS } from '../socket/datagrams.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { type Endpoint, Event, type PacketType } from '../stack.ts'

/** The feature PACKET_MMAP as packet.ts knows it. */
export interface PacketRing {
  has(m: Arena, socket: Address): boolean
  /** Sets a ring of so many slots aside in the place of the last one; 0: none. */
  allot(s: Core, socket: Address, slots: number): 0 | Errno
  /** Captures as much of a frame as a slot holds, and gives the slot; 0: none is empty, or the socket's filter does not want it. */
  put(s: Core, socket: Address, at: Address, length: number, type: PacketType, etherType: number): Page
  /** The oldest frame, as recvFrom gives it; undefined when the socket has no ring. */
  take(s: Core, socket: Address, into: Uint8Array, from: Endpoint): number | Errno | undefined
  release(s: Core, socket: Address): void
}

const SLOTS_MAX = 1024
/** A flag of the record, see socket/record.ts: the socket has a ring. */
const FLAG_RING = 64

/** The feature PACKET_MMAP. */
export const packetRing: PacketRing = {
  has: (m, socket) => hasFlag(m, socket, FLAG_RING),

  allot(s, socket, slots) {
    const { m } = s
    if (!(Number.isInteger(slots) && slots >= 0 && slots <= SLOTS_MAX)) return EINVAL
    let head = 0
    for (let i = 0; i < slots; i++) {
      const page = takePage(m, POOL_CAPTURE, false)
      if (page === 0) {
        freePages(m, head)
        return ENOBUFS
      }
      m.put32(page + PAGE_NEXT, head)
      head = page
    }
    packetRing.release(s, socket)
    if (slots === 0) return 0
    m.put32(socket + SLOTS, head)
    setFlag(m, socket, FLAG_RING)
    return 0
  },

  put(s, socket, at, length, type, etherType) {
    const { m } = s
    const wanted = Math.min(
      PAGE - PAGE_FRAME,
      s.features.filter?.wanted(s, socket, at, length, 0, 0) ?? length,
    )
    if (wanted === 0) return 0
    const page = m.get32(socket + SLOTS)
    if (page === 0) {
      m.add32(socket + LOST, 1)
      return 0
    }
    m.put32(socket + SLOTS, m.get32(page + PAGE_NEXT))
    m.bytes.copyWithin(page + PAGE_FRAME, at, at + wanted)
    m.put16(page + PAGE_OFFSET, PAGE_FRAME)
    m.put16(page + PAGE_LENGTH, wanted)
    m.put16(page + PAGE_FLAGS, 0)
    m.put32(page + PAGE_FROM, type)
    m.put16(page + PAGE_FROM_PORT, etherType)
    append(m, socket + QUEUE_HEAD, page, PAGE_NEXT)
    m.put16(socket + QUEUE_COUNT, m.get16(socket + QUEUE_COUNT) + 1)
    raise(m, socket, Event.Readable)
    return page
  },

  take({ m }, socket, into, from) {
    if (!hasFlag(m, socket, FLAG_RING)) return undefined
    const page = m.get32(socket + QUEUE_HEAD)
    if (page === 0) return EAGAIN
    from.address = m.get32(page + PAGE_FROM)
    from.port = m.get16(page + PAGE_FROM_PORT)
    const length = Math.min(into.length, m.get16(page + PAGE_LENGTH))
    if (length > 0) into.set(m.window(page + PAGE_FRAME, length))
    dropFirst(m, socket + QUEUE_HEAD, PAGE_NEXT)
    m.put16(socket + QUEUE_COUNT, m.get16(socket + QUEUE_COUNT) - 1)
    m.put32(page + PAGE_NEXT, m.get32(socket + SLOTS))
    m.put32(socket + SLOTS, page)
    return length
  },

  /** What waits to be read goes too, whether it lies in slots or not. */
  release({ m }, socket) {
    freePages(m, m.get32(socket + QUEUE_HEAD))
    clear(m, socket + QUEUE_HEAD)
    m.put16(socket + QUEUE_COUNT, 0)
    freePages(m, m.get32(socket + SLOTS))
    m.put32(socket + SLOTS, 0)
    clearFlag(m, socket, FLAG_RING)
  },
}
